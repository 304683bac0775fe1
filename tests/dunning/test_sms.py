"""Text messages, through a gateway of our own."""

import json
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.files import read_file
from core.legal import register
from core.rights import SYSTEM
from dunning.delivery import OutcomeStatus
from dunning.letter_context import LetterFacts
from dunning.models import Delivery, Level, Notice
from dunning.operations.deliveries import retry_notice
from dunning.operations.texts import send_next_text
from dunning.phone_numbers import NotAMobile, mobile_number
from dunning.sms import OutgoingText, send_text, sms_is_configured
from tests.dunning.factories import NOW, TODAY, make_step
from tests.dunning.steps import approve


class Gateway:
    """Does a message once per key, and says what it was told to say."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.asked: list[tuple[dict[str, str], dict[str, str]]] = []
        self.done: dict[str, dict[str, str]] = {}
        self.pause = 0.0
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                gateway.asked.append((dict(self.headers), body))
                time.sleep(gateway.pause)
                status, answer = gateway.answers.pop(0) if gateway.answers else (202, b'{"id": "m-1"}')
                if status < 300:
                    gateway.done.setdefault(self.headers["Idempotency-Key"], body)
                if status == 0:
                    gateway.done.setdefault(self.headers["Idempotency-Key"], body)
                    return
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "http://127.0.0.1:1/stolen")
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1/messages?tenant=1"


@pytest.fixture
def gateway(settings):
    found = Gateway()
    settings.SMS_GATEWAY_URL, settings.SMS_GATEWAY_TOKEN, settings.SMS_SENDER = (
        found.url,
        "secret",
        "MERIDIEN",
    )
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("07.12.34.56.78", "FR", "+33712345678"),
        ("+33 (0)6 12-34-56-78", "FR", "+33612345678"),
        ("0033612345678", "FR", "+33612345678"),
        ("+33\u00a06\u202f12 34 56 78", "DE", "+33612345678"),
        ("0690 12 34 56", "FR", "+590690123456"),
        ("0692 12 34 56", "FR", "+262692123456"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("0470 12 34 56", "BE", "+32470123456"),
        ("333 123 4567", "IT", "+393331234567"),
        ("612 345 678", "ES", "+34612345678"),
        ("07400 123456", "GB", "+447400123456"),
        ("+1 415 555 0100", "US", "+14155550100"),
    ],
)
def test_numbers_as_people_type_them(typed, country, number) -> None:
    assert mobile_number(typed, country) == number
    assert mobile_number(number, "FR") == number


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        ("01 23 45 67 89", "FR"), ("+33 1 23 45 67 89", "FR"), ("6 12 34 56 78", "FR"), ("06 12 34 56 7", "FR"),
        ("", "FR"), ("06 12 34 56 78 poste 3", "FR"), ("+", "FR"), ("415 555 0100", "US"), ("٠٦١٢٣٤٥٦٧٨", "FR"),
        ("+1234567890123456", "FR"), ("+33 6 12\x00", "FR"),
    ],
)  # fmt: skip
def test_numbers_that_no_text_reaches(typed, country) -> None:
    with pytest.raises(NotAMobile):
        mobile_number(typed, country)


def text(**changes) -> OutgoingText:
    return OutgoingText(
        **{"key": "k-1", "to": "+33612345678", "text": "Bonjour", "reference": "R1"} | changes
    )


def test_the_gateway_is_asked_as_the_contract_says(gateway) -> None:
    sent = send_text(text())
    assert (sent.outcome.status, sent.gateway_id) == (OutcomeStatus.SENT, "m-1")
    ((headers, body),) = gateway.asked
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Idempotency-Key"] == "k-1"
    assert body == {"to": "+33612345678", "text": "Bonjour", "reference": "R1", "sender": "MERIDIEN"}


@pytest.mark.parametrize(
    ("status", "answer", "expected", "detail"),
    [
        (200, b"", OutcomeStatus.SENT, "Accepté"),
        (201, b"[" * 100_000, OutcomeStatus.SENT, "Accepté"),
        (400, b'{"detail": "invalid number"}', OutcomeStatus.FAILED, "400 invalid number"),
        (401, b"Unauthorized", OutcomeStatus.FAILED, "401 Unauthorized"),
        (307, b"", OutcomeStatus.FAILED, "307"),
        (408, b"", OutcomeStatus.RETRY, "408"),
        (429, b"slow down", OutcomeStatus.RETRY, "429 slow down"),
        (500, b"<html>\x00" + b"x" * 200_000, OutcomeStatus.RETRY, "500 <html>x"),
        (503, b"", OutcomeStatus.RETRY, "503"),
        (0, b"", OutcomeStatus.RETRY, "La passerelle SMS n’a pas répondu"),
    ],
)
def test_each_answer_has_its_meaning(gateway, status, answer, expected, detail) -> None:
    gateway.answers = [(status, answer)]
    sent = send_text(text())
    assert sent.outcome.status is expected
    assert sent.outcome.detail.startswith(detail)
    assert len(sent.outcome.detail) < 400
    assert len(gateway.asked) == 1


def test_a_gateway_that_says_nothing_is_asked_again_later(gateway, monkeypatch) -> None:
    monkeypatch.setattr("dunning.sms.SECONDS", 0.2)
    gateway.pause = 1.0
    assert send_text(text()).outcome.status is OutcomeStatus.RETRY


def test_no_gateway_at_the_other_end(settings) -> None:
    for url in ("http://127.0.0.1:1/", "ftp://x/", "https://127.0.0.1:1", "nothing"):
        settings.SMS_GATEWAY_URL = url
        assert send_text(text()).outcome.status is OutcomeStatus.RETRY
    settings.SMS_GATEWAY_URL = ""
    assert not sms_is_configured()
    assert send_text(text()).outcome.status is OutcomeStatus.FAILED


@pytest.fixture
def by_sms(books):
    """An approved notice of a level by SMS, and the customer's contact."""
    _entity, policy, customer, item = books
    Level.objects.filter(policy=policy, rank=1).update(channel="SMS")
    customer.contacts.update(phone="06 12 34 56 78")
    notice = make_step(item, policy.levels.get(rank=1), sent_on=None)
    approve(notice)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.APPROVED
    return notice, customer.contacts.get()


def step(now=NOW) -> Notice | None:
    return send_next_text(actor=SYSTEM, facts=LetterFacts(register()), today=TODAY, now=now)


@pytest.mark.django_db
def test_a_notice_leaves_as_a_text_that_is_kept(gateway, by_sms) -> None:
    notice, _contact = by_sms
    assert step() == notice
    notice.refresh_from_db()
    delivery = notice.deliveries.get()
    assert (notice.status, notice.sent_on) == (Notice.Status.SENT, TODAY)
    assert (delivery.status, delivery.recipient, delivery.message_id) == ("SENT", "+33612345678", "m-1")
    ((headers, body),) = gateway.asked
    assert headers["Idempotency-Key"] == str(notice.uid)
    assert read_file(delivery.proof).decode() == body["text"]
    assert len(body["text"]) > 20
    assert step() is None


@pytest.mark.django_db
def test_a_refusal_that_may_pass_is_tried_again_with_the_same_key(gateway, by_sms) -> None:
    notice, _contact = by_sms
    gateway.answers = [(503, b""), (0, b""), (202, b"{}")]
    step()
    notice.refresh_from_db()
    assert notice.status == Notice.Status.APPROVED
    assert step() is None
    assert step(NOW + timedelta(minutes=10)) == notice
    assert step(NOW + timedelta(minutes=20)) is None
    assert step(NOW + timedelta(minutes=31)) == notice
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT
    assert {headers["Idempotency-Key"] for headers, _body in gateway.asked} == {str(notice.uid)}
    assert len(gateway.done) == 1


@pytest.mark.django_db
def test_a_number_that_is_no_mobile_fails_visibly_and_can_be_sent_again(gateway, by_sms) -> None:
    notice, contact = by_sms
    contact.phone = "01 23 45 67 89"
    contact.save()
    step()
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED
    assert "n’est pas un numéro de mobile" in notice.deliveries.get().detail
    assert not gateway.asked
    retry_notice(actor=SYSTEM, notice=notice, now=NOW, send_to="06 98 76 54 32")
    step()
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT
    assert gateway.asked[0][1]["to"] == "+33698765432"


@pytest.mark.django_db
def test_without_a_gateway_notices_wait(by_sms, settings) -> None:
    settings.SMS_GATEWAY_URL = ""
    assert step() is None
    assert not Delivery.objects.exists()
