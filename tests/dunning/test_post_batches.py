"""Letters printed by the house: one PDF with separators and a manifest, then posted, with their numbers."""

import io
from datetime import timedelta
from decimal import Decimal

import pytest
from pypdf import PdfReader

from core.errors import BusinessError, NotAllowed
from core.files import open_file
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from dunning.models import Delivery, Level, Notice, PostBatch
from dunning.operations.attempts import close_cut_off_attempts
from dunning.operations.bulk_decisions import hold_if_outdated
from dunning.operations.post_batches import BatchRefused, prepare_batches, print_house_batch, undo_batch
from dunning.operations.posting import (
    NothingToPost,
    TrackingRefused,
    confirm_batch_posting,
    confirm_posting,
    enter_tracking_numbers,
)
from dunning.post.pdf_joining import PdfJoining
from dunning.tasks_post import move_post_batches
from invoices.models import OpenItem
from tests.dunning.factories import NOW, TODAY
from tests.dunning.post_house import letters_to_post

pytestmark = pytest.mark.django_db
TOLD = {"actor": SYSTEM, "today": TODAY, "now": NOW}


def house_batch(**fields) -> PostBatch:
    (batch,) = prepare_batches(provider=PostBatch.Provider.HOUSE, **TOLD | fields)
    return print_house_batch(actor=SYSTEM, batch_id=batch.pk, now=NOW)


def test_a_batch_is_one_pdf_with_a_separator_before_each_customer_and_the_manifest_last() -> None:
    notices = letters_to_post(3)
    batch = house_batch()
    assert batch.letter_count == 3
    with open_file(batch.file) as stream:
        reader = PdfReader(io.BytesIO(stream.read()))
    texts = [page.extract_text() for page in reader.pages]
    deliveries = list(Delivery.objects.filter(post_batch=batch).order_by("pk"))
    letter_pages = sum(delivery.page_count for delivery in deliveries)
    assert len(texts) == batch.page_count == letter_pages + 3 + 1
    assert "Cliente 000 Éts Żółć" in texts[0] and "1 / 3" in texts[0]
    assert notices[0].letter.reference in texts[1]
    manifest = texts[-1].replace("\n", "")
    assert all(notice.letter.reference in manifest for notice in notices)
    assert all(notice.letter.file.sha256[:20] in manifest for notice in notices)
    # Printing says nothing of posting.
    assert set(Notice.objects.values_list("status", flat=True)) == {Notice.Status.RENDERED}


def test_printed_on_both_sides_every_letter_begins_on_a_front() -> None:
    letters_to_post(3)
    batch = house_batch(is_duplex=True)
    with open_file(batch.file) as stream:
        texts = [page.extract_text() for page in PdfReader(io.BytesIO(stream.read())).pages]
    starts = [number for number, text in enumerate(texts) if "Cliente 0" in text and "/ 3" in text[:8]]
    assert len(starts) == 3
    assert all(number % 2 == 0 for number in starts)


def test_a_letter_is_in_one_batch_only_and_printing_twice_changes_nothing() -> None:
    letters_to_post(2)
    batch = house_batch()
    with pytest.raises(NothingToPost):
        prepare_batches(provider=PostBatch.Provider.HOUSE, **TOLD)
    before = batch.file_id
    assert move_post_batches() == 0
    assert print_house_batch(actor=SYSTEM, batch_id=batch.pk, now=NOW).file_id == before
    assert Delivery.objects.count() == 2


def test_posting_the_batch_sends_its_letters_with_their_numbers() -> None:
    first, second = letters_to_post(2)
    batch = house_batch()
    posting = confirm_batch_posting(
        batch_id=batch.pk, posted_on=TODAY, numbers={first.pk: "1A 123 456 7890 1", second.pk: ""}, **TOLD
    )
    assert (posting.posted, posting.held) == (2, ())
    batch.refresh_from_db()
    assert batch.status == PostBatch.Status.HANDED
    first.refresh_from_db()
    assert (first.status, first.sent_on) == (Notice.Status.SENT, TODAY)
    delivery = first.deliveries.get()
    assert (delivery.status, delivery.tracking_number, delivery.posted_on) == (
        "HANDED", "1A12345678901", TODAY,
    )  # fmt: skip
    # The other number, entered after posting; then put right.
    late = second.deliveries.get()
    assert enter_tracking_numbers(actor=SYSTEM, numbers={late.pk: "1A12345678902"}, now=NOW) == 1
    assert enter_tracking_numbers(actor=SYSTEM, numbers={late.pk: "1A12345678902"}, now=NOW) == 0
    with pytest.raises(TrackingRefused, match="déjà celui"):
        enter_tracking_numbers(actor=SYSTEM, numbers={late.pk: "1A12345678901"}, now=NOW)
    with pytest.raises(TrackingRefused, match="numéro de suivi"):
        enter_tracking_numbers(actor=SYSTEM, numbers={late.pk: "n° 12"}, now=NOW)
    assert AuditEvent.objects.filter(verb="dunning.delivery.tracked").count() == 1
    # Two numbers that were swapped change places.
    swapped = {delivery.pk: "1A12345678902", late.pk: "1A12345678901"}
    assert enter_tracking_numbers(actor=SYSTEM, numbers=swapped, now=NOW) == 2


def test_a_letter_paid_after_printing_comes_out_of_the_pile() -> None:
    first, second = letters_to_post(2)
    batch = house_batch()
    OpenItem.objects.filter(customer=first.customer).update(open_amount=Decimal("0.00"))
    posting = confirm_batch_posting(batch_id=batch.pk, posted_on=TODAY, numbers={}, **TOLD)
    assert [notice.pk for notice in posting.held] == [first.pk]
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (Notice.Status.HELD, Notice.Status.SENT)
    assert first.deliveries.get().status == Delivery.Status.FAILED
    batch.refresh_from_db()
    assert batch.status == PostBatch.Status.HANDED


def test_a_letter_held_since_the_printing_comes_out_of_the_pile_and_its_batch_closes(
    sign_in, make_user
) -> None:
    first, _second = letters_to_post(2)
    batch = house_batch()
    OpenItem.objects.filter(customer=first.customer).update(open_amount=Decimal("0.00"))
    hold_if_outdated(actor=SYSTEM, notice_ids=[first.pk], today=TODAY, now=NOW)
    client = sign_in(make_user(Role.CREDIT_MANAGER))
    page = client.get(f"/relances/poste/lots/{batch.pk}/").content.decode()
    assert "1 courrier à retirer de la pile" in page and "le solde de la pièce a changé" in page
    posting = confirm_batch_posting(batch_id=batch.pk, posted_on=TODAY, numbers={}, **TOLD)
    assert (posting.posted, [notice.pk for notice in posting.held]) == (1, [first.pk])
    batch.refresh_from_db()
    assert batch.status == PostBatch.Status.HANDED
    assert first.deliveries.get().status == Delivery.Status.FAILED


def test_a_batch_of_which_nothing_may_leave_is_given_up() -> None:
    (notice,) = letters_to_post(1)
    batch = house_batch()
    OpenItem.objects.filter(customer=notice.customer).update(open_amount=Decimal("0.00"))
    posting = confirm_batch_posting(batch_id=batch.pk, posted_on=TODAY, numbers={}, **TOLD)
    assert (posting.posted, len(posting.held)) == (0, 1)
    batch.refresh_from_db()
    assert (batch.status, batch.handed_at) == (PostBatch.Status.REFUSED, None)


def test_the_sweep_of_cut_off_sendings_leaves_letters_in_the_post_alone() -> None:
    letters_to_post(2)
    batch = house_batch()
    # A letter in a batch is open for days, and no process holds its lock.
    assert close_cut_off_attempts(actor=SYSTEM, today=TODAY, now=NOW) == 0
    assert batch.deliveries.filter(status=Delivery.Status.STARTED).count() == 2
    assert set(Notice.objects.values_list("status", flat=True)) == {Notice.Status.RENDERED}


def test_a_number_given_twice_changes_nothing() -> None:
    first, second = letters_to_post(2)
    batch = house_batch()
    number = "1A12345678901"
    with pytest.raises(TrackingRefused, match="deux courriers"):
        confirm_batch_posting(
            batch_id=batch.pk, posted_on=TODAY, numbers={first.pk: number, second.pk: number}, **TOLD
        )
    assert set(Notice.objects.values_list("status", flat=True)) == {Notice.Status.RENDERED}
    with pytest.raises(BusinessError, match="futur"):
        confirm_batch_posting(batch_id=batch.pk, posted_on=TODAY + timedelta(days=1), numbers={}, **TOLD)


def test_letters_ticked_in_the_list_leave_their_batch_posted() -> None:
    first, second = letters_to_post(2, Level.Channel.LETTER)
    batch = house_batch()
    assert confirm_posting(notice_ids=[first.pk], posted_on=TODAY, **TOLD) == 1
    batch.refresh_from_db()
    assert batch.status == PostBatch.Status.PREPARED
    assert confirm_posting(notice_ids=[second.pk], posted_on=TODAY, **TOLD) == 1
    batch.refresh_from_db()
    assert batch.status == PostBatch.Status.HANDED
    assert Delivery.objects.count() == 2


def test_an_undone_batch_gives_its_letters_back() -> None:
    letters_to_post(2)
    batch = house_batch()
    undo_batch(actor=SYSTEM, batch_id=batch.pk, now=NOW)
    again = house_batch()
    assert again.letter_count == 2
    confirm_batch_posting(batch_id=again.pk, posted_on=TODAY, numbers={}, **TOLD)
    with pytest.raises(BatchRefused):
        undo_batch(actor=SYSTEM, batch_id=again.pk, now=NOW)


def test_who_may_not_deliver_may_not_batch(make_user) -> None:
    letters_to_post(1)
    user = make_user(Role.ACCOUNTANT)
    with pytest.raises(NotAllowed):
        prepare_batches(provider=PostBatch.Provider.HOUSE, **TOLD | {"actor": user})
    assert not PostBatch.objects.exists()


def test_joined_files_are_read_back_page_for_page() -> None:
    (notice,) = letters_to_post(1)
    with open_file(notice.letter.file) as stream:
        content = stream.read()
    out = io.BytesIO()
    joining = PdfJoining(out)
    pages = joining.append(content)
    joining.append_blank()
    joining.append(content)
    joining.close()
    read = PdfReader(io.BytesIO(out.getvalue()), strict=True)
    original = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
    assert [page.extract_text() for page in read.pages] == [*original, "", *original]
    assert joining.page_count == 2 * pages + 1
