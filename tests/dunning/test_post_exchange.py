"""The exchange with the printer, played by a process over the shared folder; ours is killed between any two files."""

import os
import signal
import subprocess
import sys
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.utils.timezone import get_current_timezone

from core.rights import SYSTEM
from dunning.models import (
    Delivery,
    DunningStop,
    Level,
    Notice,
    PostAnswerFile,
    PostAnswerLine,
    PostBatch,
)
from dunning.operations import post_exchange
from dunning.operations.post_answers import sweep_answers
from dunning.operations.post_batches import LetterDamaged, prepare_batches
from dunning.operations.post_exchange import hand_over, prepare_due_batches
from dunning.post.exchange import LocalExchange
from invoices.models import OpenItem
from tests.dunning import printer
from tests.dunning.factories import NOW, TODAY
from tests.dunning.post_house import letters_to_post

pytestmark = pytest.mark.django_db
TOLD = {"actor": SYSTEM, "today": TODAY, "now": NOW}


@pytest.fixture
def shared(settings, tmp_path) -> Path:
    """The folder shared with the printer."""
    root = tmp_path / "post"
    root.mkdir()
    storages = {name: dict(options) for name, options in settings.STORAGES.items()}
    storages["post"] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": root, "base_url": None},
    }
    settings.STORAGES = storages
    settings.POST_EXCHANGE = True
    return root


def handed() -> PostBatch:
    (batch,) = prepare_batches(provider=PostBatch.Provider.EXCHANGE, **TOLD)
    result = hand_over(batch_id=batch.pk, **TOLD)
    assert result is not None
    return result


def run_printer(root: Path, mode: str) -> None:
    subprocess.run(
        [sys.executable, printer.__file__, str(root), mode, TODAY.isoformat()],
        check=True, timeout=30, env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0"},
    )  # fmt: skip


def later(days: int) -> dict:
    return {
        "today": TODAY + timedelta(days=days),
        "now": datetime.combine(TODAY + timedelta(days=days), time(9), get_current_timezone()),
    }


def states() -> set[tuple[str, str]]:
    return set(Delivery.objects.values_list("notice__status", "status"))


def test_letters_are_handed_acknowledged_and_delivered(shared) -> None:
    letters_to_post(2)
    batch = handed()
    assert (batch.status, batch.letter_count) == (PostBatch.Status.HANDED, 2)
    assert states() == {("SENDING", "STARTED")}
    run_printer(shared, "honest")
    assert sweep_answers(**later(3)) == 2
    assert states() == {("SENT", "DELIVERED")}
    assert set(Notice.objects.values_list("sent_on", flat=True)) == {TODAY}
    for delivery in Delivery.objects.all():
        assert delivery.tracking_number and delivery.proof is not None
        assert (delivery.posted_on, delivery.delivered_on) == (TODAY, TODAY + timedelta(days=2))
    batch.refresh_from_db()
    assert batch.status == PostBatch.Status.ACKNOWLEDGED
    # Archived with a report beside; nothing waits any more, and the sweep finds nothing.
    assert not [path for path in (shared / "answers").iterdir() if path.is_file()]
    assert len(list((shared / "answers" / "archive").rglob("*.compte-rendu.txt"))) == 2
    assert sweep_answers(**later(3)) == 0


def test_told_twice_counts_once_and_unknown_letters_are_listed(shared) -> None:
    letters_to_post(2)
    handed()
    run_printer(shared, "doubled")
    sweep_answers(**later(3))
    assert states() == {("SENT", "DELIVERED")}
    files = {row.name[-5]: row for row in PostAnswerFile.objects.all()}
    assert (files["3"].applied_count, files["3"].known_count) == (0, 4)
    problem = PostAnswerLine.objects.get()
    assert (problem.kind, problem.reference) == (PostAnswerLine.Kind.UNKNOWN, "INCONNUE")


def test_delivered_before_posted_counts_from_what_is_proven_then_from_the_posting(shared) -> None:
    letters_to_post(1)
    batch = handed()
    run_printer(shared, "late")
    second = next((shared / "answers").glob("*-2.csv"))
    kept = second.read_text()
    second.unlink()
    sweep_answers(**later(3))
    notice = Notice.objects.get()
    assert (notice.status, notice.sent_on) == (Notice.Status.SENT, TODAY + timedelta(days=2))
    second.write_text(kept)
    sweep_answers(**later(3))
    notice.refresh_from_db()
    assert notice.sent_on == TODAY
    assert states() == {("SENT", "DELIVERED")}
    batch.refresh_from_db()
    assert batch.status == PostBatch.Status.ACKNOWLEDGED


def test_a_file_cut_off_waits_then_is_refused_whole(shared) -> None:
    letters_to_post(2)
    handed()
    run_printer(shared, "truncated")
    next((shared / "answers").glob("*-2.csv")).unlink()
    (cut,) = (shared / "answers").glob("*-1.csv")
    stamp = later(0)["now"].timestamp()
    os.utime(cut, (stamp, stamp))
    assert sweep_answers(**later(0)) == 0
    assert not PostAnswerFile.objects.exists()
    told = later(0)
    assert sweep_answers(today=told["today"], now=told["now"] + timedelta(hours=2)) == 1
    row = PostAnswerFile.objects.get()
    assert row.status == PostAnswerFile.Status.REFUSED
    assert "END" in row.message
    assert (shared / "answers" / "refused" / cut.name).exists()
    assert states() == {("SENDING", "STARTED")}


def test_unknown_at_the_address_is_taken_back_and_unclaimed_stays_sent(shared) -> None:
    first, second = letters_to_post(2)
    batch = handed()
    rows = [
        {"batch": batch.reference, "reference": notice.letter.reference, "posted_on": TODAY}
        for notice in (first, second)
    ]
    back = {"returned_on": TODAY + timedelta(days=16)}
    printer.answer(shared, "a.csv", rows)
    printer.answer(
        shared, "b.csv",
        [rows[0] | back | {"return_reason": "UNKNOWN_ADDRESS"}, rows[1] | back | {"return_reason": "UNCLAIMED"}],
    )  # fmt: skip
    sweep_answers(**later(20))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.sent_on) == (Notice.Status.FAILED, None)
    assert first.lines.get(rank__gt=0).in_force
    assert (second.status, second.sent_on) == (Notice.Status.SENT, TODAY)
    assert set(Delivery.objects.values_list("status", flat=True)) == {Delivery.Status.RETURNED}


def test_refused_letters_fail_with_the_reason_and_contradictions_change_nothing(shared) -> None:
    first, second = letters_to_post(2)
    batch = handed()
    base = [{"batch": batch.reference, "reference": notice.letter.reference} for notice in (first, second)]
    printer.answer(
        shared, "a.csv",
        [
            base[0] | {"status": "REFUSED", "reason": "adresse hors zone"},
            base[1] | {"posted_on": TODAY, "delivered_on": TODAY - timedelta(days=1)},
            base[1] | {"posted_on": TODAY + timedelta(days=300)},
            base[1] | {"posted_on": "hier"},
            base[1] | {"posted_on": TODAY},
            base[1] | {"posted_on": TODAY + timedelta(days=1)},
            base[1] | {"status": "REFUSED"},
            base[0] | {"posted_on": TODAY},
        ],
    )  # fmt: skip
    sweep_answers(**later(2))
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.status == Notice.Status.FAILED
    assert first.deliveries.get().detail == "adresse hors zone"
    assert (second.status, second.sent_on) == (Notice.Status.SENT, TODAY)
    kinds = dict(PostAnswerLine.objects.values_list("line", "kind"))
    assert kinds == {
        3: "CONTRADICTORY", 4: "CONTRADICTORY", 5: "BAD", 7: "CONTRADICTORY", 8: "CONTRADICTORY",
        9: "CONTRADICTORY",
    }  # fmt: skip
    report = next((shared / "answers").rglob("*.compte-rendu.txt")).read_text()
    assert "Ligne 5" in report


def test_paid_between_batch_and_handing_leaves_the_batch(shared) -> None:
    first, second = letters_to_post(2)
    (batch,) = prepare_batches(provider=PostBatch.Provider.EXCHANGE, **TOLD)
    OpenItem.objects.filter(customer=first.customer).update(open_amount=Decimal("0.00"))
    hand_over(batch_id=batch.pk, **TOLD)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (Notice.Status.HELD, Notice.Status.SENDING)
    ((_name, manifest),) = printer.taken_batches(shared)
    assert [letter["reference"] for letter in manifest["letters"]] == [second.letter.reference]


def test_nothing_is_handed_while_dunning_is_stopped(shared) -> None:
    (notice,) = letters_to_post(1)
    (batch,) = prepare_batches(provider=PostBatch.Provider.EXCHANGE, **TOLD)
    DunningStop.objects.create(reason="essai", stopped_at=NOW)
    assert hand_over(batch_id=batch.pk, **TOLD) is None
    assert not (shared / "outbound").exists()
    notice.refresh_from_db()
    assert notice.status == Notice.Status.RENDERED


def test_a_changed_letter_is_not_handed(shared, settings) -> None:
    (notice,) = letters_to_post(1)
    (batch,) = prepare_batches(provider=PostBatch.Provider.EXCHANGE, **TOLD)
    stored = Path(settings.STORAGES["private"]["OPTIONS"]["location"]) / notice.letter.file.storage_name
    stored.chmod(0o600)
    stored.write_bytes(stored.read_bytes() + b"\n")
    with pytest.raises(LetterDamaged):
        hand_over(batch_id=batch.pk, **TOLD)
    assert printer.taken_batches(shared) == []


def test_the_other_party_cannot_lead_us_elsewhere(shared, tmp_path) -> None:
    letters_to_post(1)
    (batch,) = prepare_batches(provider=PostBatch.Provider.EXCHANGE, **TOLD)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (shared / "outbound").mkdir()
    (shared / "outbound" / f".{batch.reference}.part").symlink_to(elsewhere)
    with pytest.raises(OSError):
        hand_over(batch_id=batch.pk, **TOLD)
    assert list(elsewhere.iterdir()) == []


def test_batches_of_an_entity_wait_for_more_letters(shared, settings) -> None:
    letters_to_post(1, Level.Channel.LETTER)
    assert prepare_due_batches(**TOLD) == 1
    letters_to_post(1, Level.Channel.LETTER)
    assert prepare_due_batches(**TOLD) == 1  # another entity
    assert prepare_due_batches(**TOLD) == 0
    settings.POST_EXCHANGE = False
    assert prepare_due_batches(**TOLD) == 0


# --- killed -9 --------------------------------------------------------------------------------------------


def _killed_at(step: int, work, monkeypatch) -> bool:
    """Run `work` in a process of its own and kill it -9 at its step-th write; whether it came so far."""
    child = os.fork()
    if not child:
        # The parent's connection stays open and untouched: this process ends without closing it.
        inherited, connection.connection = connection.connection, None
        seen = 0

        def counted(function):
            def run(*args, **kwargs):
                nonlocal seen
                result = function(*args, **kwargs)
                seen += 1
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            return run

        for name in ("begin", "put", "publish"):
            setattr(LocalExchange, name, counted(getattr(LocalExchange, name)))
        post_exchange.seal = counted(post_exchange.seal)
        post_exchange.mark_handed = counted(post_exchange.mark_handed)
        try:
            work()
        except BaseException:
            os._exit(2)
        os._exit(0 if inherited else 3)
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


@pytest.mark.django_db(transaction=True)
def test_killed_between_any_two_files_nothing_is_doubled_and_nothing_lost(shared, monkeypatch) -> None:
    letters_to_post(2)
    (batch,) = prepare_batches(provider=PostBatch.Provider.EXCHANGE, **TOLD)
    seen: list[list[str]] = []
    step = 1
    # Killed at the first write, then at the second of the next try… until one try comes to its end.
    while _killed_at(step, lambda: hand_over(batch_id=batch.pk, **TOLD), monkeypatch):
        seen.append(
            [name for name, _manifest in printer.taken_batches(shared)]
            if (shared / "outbound").exists()
            else []
        )
        batch.refresh_from_db()
        step += 1
    batch.refresh_from_db()
    assert batch.status == PostBatch.Status.HANDED
    # seal, begin, two letters, two manifests, the marker
    assert step >= 7
    ((name, manifest),) = printer.taken_batches(shared)
    assert name == batch.reference
    assert manifest["letter_count"] == 2
    assert states() == {("SENDING", "STARTED")}
    assert Delivery.objects.count() == 2
    assert [path.name for path in (shared / "outbound").iterdir()] == [batch.reference]


@pytest.mark.django_db(transaction=True)
def test_killed_while_answers_are_read_each_line_counts_once(shared, monkeypatch) -> None:
    letters_to_post(2)
    handed()
    run_printer(shared, "honest")
    from dunning.operations import post_answers
    from invoices.drop_storage import LocalDropArea

    child = os.fork()
    if not child:
        kept, connection.connection = connection.connection, None
        LocalDropArea.move = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
        post_answers.sweep_answers(**later(3))
        os._exit(0 if kept else 1)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    # Read and written, but still lying there: the next sweep only moves it, and reads the other.
    assert PostAnswerFile.objects.count() == 1
    assert sweep_answers(**later(3)) == 2
    assert states() == {("SENT", "DELIVERED")}
    assert [row.applied_count for row in PostAnswerFile.objects.all()] == [2, 2]
    assert Delivery.objects.count() == 2


# --- a bucket ---------------------------------------------------------------------------------------------


def test_in_a_bucket_the_marker_comes_last_and_answers_are_archived(settings) -> None:
    storages_setting = {name: dict(options) for name, options in settings.STORAGES.items()}
    storages_setting["post"] = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = storages_setting
    settings.POST_EXCHANGE = True
    (notice,) = letters_to_post(1)
    (batch,) = prepare_batches(provider=PostBatch.Provider.EXCHANGE, **TOLD)
    bucket = storages["post"]
    # What a process that died left there is cleared.
    bucket.save(f"outbound/{batch.reference}/manifest.csv", ContentFile(b"half"))
    hand_over(batch_id=batch.pk, **TOLD)
    assert sweep_answers(**later(0)) == 0
    _folders, names = bucket.listdir(f"outbound/{batch.reference}")
    reference = notice.letter.reference
    assert sorted(names) == sorted([f"{reference}.pdf", "manifest.csv", "manifest.json", "ready"])
    with bucket.open(f"outbound/{batch.reference}/manifest.csv") as file:
        assert reference in file.read().decode()
    row = f"{batch.reference};{reference};{TODAY}"
    bucket.save("answers/a.csv", ContentFile(f"batch;reference;posted_on\n{row}\nEND;1\n".encode()))
    bucket.save("answers/proofs/x.pdf", ContentFile(b"%PDF-1.4"))
    assert sweep_answers(**later(1)) == 1
    notice.refresh_from_db()
    assert (notice.status, notice.sent_on) == (Notice.Status.SENT, TODAY)
    assert bucket.listdir("answers")[1] == []
    assert sweep_answers(**later(1)) == 0
