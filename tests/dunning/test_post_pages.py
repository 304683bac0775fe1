"""The pages of the post: what waits, batches, the printer's answers; scopes, empty lists, bad input, query counts."""

import csv
import io

import pytest
from django.urls import reverse

from core.models import Role
from core.rights import SYSTEM
from dunning.models import Delivery, Level, Notice, PostAnswerFile, PostAnswerLine, PostBatch
from dunning.operations.post_batches import prepare_batches, print_house_batch
from dunning.operations.posting import confirm_batch_posting
from tests.dunning.factories import NOW, TODAY, make_entity
from tests.dunning.post_house import letters_to_post
from tests.pages import counting

pytestmark = pytest.mark.django_db
TOLD = {"actor": SYSTEM, "today": TODAY, "now": NOW}


@pytest.fixture
def manager(make_user, sign_in):
    return sign_in(make_user(Role.CREDIT_MANAGER))


def printed(count: int) -> PostBatch:
    notices = letters_to_post(count)
    (batch,) = prepare_batches(
        provider=PostBatch.Provider.HOUSE, notice_ids=[notice.pk for notice in notices], **TOLD
    )
    return print_house_batch(actor=SYSTEM, batch_id=batch.pk, now=NOW)


def test_empty_pages_teach(manager) -> None:
    for name in ("post-list", "post-batch-list", "post-answer-list", "call-list"):
        answer = manager.get(reverse(f"dunning:{name}"))
        assert answer.status_code == 200, name
    assert "Aucun courrier n’attend la poste" in manager.get(reverse("dunning:post-list")).content.decode()


def test_a_batch_is_composed_read_and_posted_from_its_pages(manager) -> None:
    first, second = letters_to_post(2)
    url = reverse("dunning:post-batch-create")
    refused = manager.post(url, {}, follow=True).content.decode()
    assert "Cochez au moins un courrier" in refused
    manager.post(url, {"selected": [str(first.pk), "x", "9" * 30], "is_duplex": "on"})
    batch = PostBatch.objects.get()
    assert batch.is_duplex and batch.letter_count == 1
    manager.post(url, {"all": "1"})
    assert PostBatch.objects.count() == 2
    detail = reverse("dunning:post-batch-detail", args=[batch.pk])
    assert "se prépare" in manager.get(detail).content.decode()
    print_house_batch(actor=SYSTEM, batch_id=batch.pk, now=NOW)
    assert manager.get(reverse("dunning:post-batch-pdf", args=[batch.pk])).headers["Content-Type"] == (
        "application/pdf"
    )
    table = b"".join(manager.get(reverse("dunning:post-batch-manifest", args=[batch.pk])).streaming_content)
    (row,) = csv.DictReader(io.StringIO(table.decode("utf-8-sig")), delimiter=";")
    assert (row["reference"], row["sha256"], row["pages"]) == (
        first.letter.reference, first.letter.file.sha256, str(batch.deliveries.get().page_count),
    )  # fmt: skip
    post = reverse("dunning:post-batch-post", args=[batch.pk])
    assert manager.post(post, {"posted_on": "hier"}).status_code == 422
    wrong = manager.post(post, {"posted_on": TODAY.isoformat(), "pasted": "E9-R0099999 1A12345678901"})
    assert wrong.status_code == 422 and "n’est pas un courrier de ce lot" in wrong.content.decode()
    assert Notice.objects.get(pk=first.pk).status == Notice.Status.RENDERED
    second.refresh_from_db()
    assert second.status == Notice.Status.RENDERED


def test_numbers_alone_go_in_the_order_of_the_batch(manager) -> None:
    batch = printed(2)
    confirm_batch_posting(batch_id=batch.pk, posted_on=TODAY, numbers={}, **TOLD)
    url = reverse("dunning:post-batch-numbers", args=[batch.pk])
    manager.post(url, {"pasted": "1A 123 456 7890 1\n\n1A 123 456 7890 2\n"})
    numbers = list(Delivery.objects.order_by("pk").values_list("tracking_number", flat=True))
    assert numbers == ["1A12345678901", "1A12345678902"]
    too_many = manager.post(url, {"pasted": "1A12345678903\n1A12345678904\n1A12345678905"})
    assert too_many.status_code == 422
    assert list(Delivery.objects.order_by("pk").values_list("tracking_number", flat=True)) == numbers


def test_a_batch_with_letters_outside_ones_scope_is_not_there(make_user, sign_in) -> None:
    batch = printed(1)
    stranger = sign_in(make_user(Role.CREDIT_MANAGER, email="loin@example.test", sees=[make_entity()]))
    delivery = Delivery.objects.get()
    for name, key in (
        ("post-batch-detail", batch.pk), ("post-batch-pdf", batch.pk), ("delivery-proof", delivery.pk),
    ):  # fmt: skip
        assert stranger.get(reverse(f"dunning:{name}", args=[key])).status_code == 404, name
    assert stranger.post(reverse("dunning:delivery-number", args=[delivery.pk])).status_code == 404
    assert batch.reference not in stranger.get(reverse("dunning:post-batch-list")).content.decode()


def test_lines_to_look_at_are_closed_by_a_person(manager) -> None:
    file = PostAnswerFile.objects.create(name="a.csv", version="1", claimed_at=NOW)
    line = PostAnswerLine.objects.create(
        file=file, line=2, kind=PostAnswerLine.Kind.UNKNOWN, reference="INCONNUE", message="inconnue"
    )
    url = reverse("dunning:post-answer-list")
    assert "INCONNUE" in manager.get(url).content.decode()
    manager.post(reverse("dunning:post-answer-close"), {"selected": [str(line.pk), "x"]})
    assert "INCONNUE" not in manager.get(url).content.decode()


def test_the_printers_lines_on_letters_outside_ones_scope_are_neither_shown_nor_closed(
    make_user, sign_in
) -> None:
    printed(1)
    file = PostAnswerFile.objects.create(name="a.csv", version="1", claimed_at=NOW)
    line = PostAnswerLine.objects.create(
        file=file,
        line=2,
        kind=PostAnswerLine.Kind.CONTRADICTORY,
        reference="R-AILLEURS",
        message="contraire",
        delivery=Delivery.objects.get(),
    )
    stranger = sign_in(make_user(Role.CREDIT_MANAGER, email="loin@example.test", sees=[make_entity()]))
    assert "R-AILLEURS" not in stranger.get(reverse("dunning:post-answer-list")).content.decode()
    stranger.post(reverse("dunning:post-answer-close"), {"selected": [str(line.pk)]})
    line.refresh_from_db()
    assert not line.is_closed


def test_the_pages_ask_as_much_of_few_letters_as_of_many(manager) -> None:
    few = printed(2)
    letters_to_post(1, Level.Channel.LETTER)
    addresses = [
        reverse("dunning:post-list"),
        reverse("dunning:post-batch-list"),
        reverse("dunning:post-batch-detail", args=[few.pk]),
    ]
    before = []
    for address in addresses:
        manager.get(address)
        with counting() as count:
            manager.get(address)
        before.append(count())
    many = printed(6)
    letters_to_post(4, Level.Channel.LETTER)
    addresses[2] = reverse("dunning:post-batch-detail", args=[many.pk])
    for address, expected in zip(addresses, before, strict=True):
        with counting() as count:
            manager.get(address)
        assert count() == expected, address
