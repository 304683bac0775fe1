"""Where reports of mail systems come in: the API, a pipe, a Maildir."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core import mail

from core.models import JobRun, Role
from core.rights import SYSTEM
from dunning.models import MailEvent, Notice, SuppressedAddress
from dunning.operations.deliveries import send_next
from dunning.tasks_mail import read_mail_reports
from tests.api_client import Partner, problem
from tests.database import database_url
from tests.dunning.factories import NOW, TODAY
from tests.dunning.steps import approve, propose, render
from tests.dunning.test_mail_reports import HOSTILE, report

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def sent(books, settings) -> tuple[Notice, bytes]:
    """A notice that left by e-mail, and the report of its bounce."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    entity, *_rest = books
    notice = propose(entity)
    approve(notice)
    render(notice)
    send_next(actor=SYSTEM, today=TODAY, now=NOW)
    (message,) = mail.outbox
    back = f"Content-Type: message/rfc822\n\nMessage-ID: {message.extra_headers['Message-ID']}\nTo: {message.to[0]}\n\n"
    text = report(back=back).replace("Compta@Client.example", message.to[0])
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT
    return notice, text.encode()


@pytest.fixture
def relay(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER))


def _event(notice: Notice, **changes) -> dict[str, str]:
    delivery = notice.deliveries.get()
    return {
        "id": "evt-1",
        "kind": "HARD_BOUNCE",
        "message_id": delivery.message_id.strip("<>"),
        "recipient": delivery.recipient,
        "code": "5.1.1",
        "happened_at": NOW.isoformat(),
    } | changes


def _post_report(partner: Partner, content: bytes, **headers):
    return partner.client.post("/api/v1/mail-events", content, "message/rfc822", headers=headers)


@pytest.mark.django_db
def test_an_event_is_taken_once(sent, relay) -> None:
    notice, _report = sent
    first = relay.post("mail-events", [_event(notice)])
    assert first.status_code == 201
    assert first.json() == {"created": 1, "known": 0, "effects": {"TAKEN_BACK": 1}}
    assert relay.post("mail-events", _event(notice)).json() == {"created": 0, "known": 1, "effects": {}}
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED


@pytest.mark.django_db
def test_a_repeated_request_gets_the_same_answer(sent, relay) -> None:
    notice, content = sent
    for send in (
        lambda: relay.post("mail-events", [_event(notice)], Idempotency_Key="k1"),
        lambda: _post_report(relay, content, **{"Idempotency-Key": "k2"}),
    ):
        first, second = send(), send()
        assert first.json() == second.json()
        assert second["Idempotency-Replayed"] == "true"


@pytest.mark.django_db
def test_the_message_itself_is_read(sent, relay) -> None:
    notice, content = sent
    answer = _post_report(relay, content)
    assert answer.json() == {"created": 1, "known": 0, "effects": {"TAKEN_BACK": 1}}
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED
    assert SuppressedAddress.objects.get().address == notice.deliveries.get().recipient


@pytest.mark.django_db
def test_what_cannot_be_read_is_refused_at_its_place(sent, relay) -> None:
    notice, _report = sent
    for body, pointer in (
        ([_event(notice), _event(notice, kind="OPENED")], "#/1/kind"),
        (_event(notice, recipient="personne"), "#/recipient"),
        (_event(notice, detail="a\x00b"), "#/detail"),
        (_event(notice, happened_at="hier"), "#/happened_at"),
        ({**_event(notice), "opens": 3}, "#/opens"),
    ):
        refused = problem(relay.post("mail-events", body), 400, "invalid")
        assert [error["pointer"] for error in refused["errors"]] == [pointer]
    for body in ([], [_event(notice)] * 1001):
        problem(relay.post("mail-events", body), 400, "invalid")
    assert not MailEvent.objects.exists()


@pytest.mark.django_db
def test_who_is_no_relay_is_refused(sent, make_user) -> None:
    notice, content = sent
    manager = Partner(make_user(Role.CREDIT_MANAGER))
    problem(manager.post("mail-events", [_event(notice)]), 403, "forbidden")
    narrow = Partner(make_user(Role.API_PARTNER), scopes=["invoices:read"])
    problem(_post_report(narrow, content), 403, "forbidden")


@pytest.mark.django_db
@pytest.mark.parametrize("name", HOSTILE)
def test_no_message_ends_in_an_error_of_ours(relay, name) -> None:
    answer = _post_report(relay, HOSTILE[name])
    assert answer.status_code == 201, answer.content[:300]


@pytest.mark.django_db
def test_a_body_without_end_is_refused(relay) -> None:
    refused = _post_report(relay, b"x" * (41 * 1024 * 1024))
    problem(refused, 413, "payload_too_large")


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_pipes_a_report_in(sent) -> None:
    notice, content = sent
    environment = os.environ | {"DATABASE_URL": database_url()}
    command = [sys.executable, "manage.py", "read_mail_report"]

    def pipe(sent_in: bytes, **changes: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command, input=sent_in, cwd=REPOSITORY, env=environment | changes, capture_output=True, timeout=60, check=False
        )  # fmt: skip

    done = pipe(content)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"events": 1, "created": 1, "known": 0, "effects": {"TAKEN_BACK": 1}}
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED
    away = pipe(content, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert away.returncode == 75


def _maildir(tmp_path: Path, settings, **messages: bytes) -> Path:
    root = tmp_path / "Maildir"
    for part in ("new", "cur", "tmp"):
        (root / part).mkdir(parents=True)
    for name, content in messages.items():
        (root / "new" / name).write_bytes(content)
    settings.MAIL_REPORTS_MAILDIR = str(root)
    return root


@pytest.mark.django_db
def test_a_maildir_is_read_once_and_archived(sent, settings, tmp_path) -> None:
    notice, content = sent
    root = _maildir(tmp_path, settings, bounce=content, answer=b"From: a@b.fr\nSubject: Re\n\nBonjour\n")
    # One that a killed reader had claimed, and a link that leads out of the folder.
    (root / "cur" / "again").write_bytes(content)
    (root / "new" / "link").symlink_to("/etc/passwd")
    assert read_mail_reports() == 3
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED
    assert MailEvent.objects.count() == 1
    assert sorted(path.name for path in (root / ".Archive" / "cur").iterdir()) == ["again", "bounce"]
    assert [path.name for path in (root / ".Autres" / "cur").iterdir()] == ["answer"]
    assert [path.name for path in (root / "new").iterdir()] == ["link"]
    assert read_mail_reports() == 0


@pytest.mark.django_db
def test_no_folder_is_no_work(settings) -> None:
    settings.MAIL_REPORTS_MAILDIR = ""
    assert read_mail_reports() == 0
    settings.MAIL_REPORTS_MAILDIR = "/nowhere/at/all"
    assert read_mail_reports() == 0
    assert JobRun.objects.get(name="dunning.read_mail_report").status == JobRun.Status.FAILED


@pytest.mark.django_db
def test_a_report_that_cannot_be_opened_stops_no_other(sent, settings, tmp_path, monkeypatch) -> None:
    notice, content = sent
    root = _maildir(tmp_path, settings, a_closed=b"x", bounce=content)
    opened = os.open

    def closed(path, *args, **kwargs):
        if str(path).endswith("a_closed"):
            raise PermissionError("closed")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr("dunning.mail.maildir.os.open", closed)
    assert read_mail_reports() == 1
    assert [path.name for path in (root / "cur").iterdir()] == ["a_closed"]
    assert JobRun.objects.get(name="dunning.read_mail_report").status == JobRun.Status.FAILED
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED
    assert notice.deliveries.get().returned_on == TODAY
