"""Pages of suppressed addresses, of mail events, and of what happened to a notice's sendings."""

import pytest
from django.urls import reverse

from core.models import Role
from core.rights import SYSTEM
from dunning.models import MailEvent, Notice, SuppressedAddress
from dunning.operations.deliveries import send_next
from dunning.operations.mail_events import ToldEvent, receive_mail_events
from dunning.operations.suppressions import suppress_address
from tests.dunning.factories import NOW, TODAY, make_entity
from tests.dunning.steps import approve, propose, render

pytestmark = pytest.mark.django_db


@pytest.fixture
def bounced(books, settings) -> Notice:
    """A notice whose e-mail came back."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    entity, *_rest = books
    notice = propose(entity)
    approve(notice)
    render(notice)
    send_next(actor=SYSTEM, today=TODAY, now=NOW)
    delivery = notice.deliveries.get()
    event = ToldEvent(
        kind="HARD_BOUNCE", source="DSN", message_id=delivery.message_id, recipient=delivery.recipient, code="5.1.1",
        detail="550 5.1.1 No such user", happened_at=NOW,
    )  # fmt: skip
    receive_mail_events(actor=SYSTEM, events=[event], today=TODAY, now=NOW)
    notice.refresh_from_db()
    return notice


@pytest.fixture
def manager(make_user, sign_in):
    return sign_in(make_user(Role.CREDIT_MANAGER))


def read(client, name: str, *args, **query) -> str:
    answer = client.get(reverse(f"dunning:{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_notice_tells_what_happened_and_goes_to_another_address(bounced, manager) -> None:
    page = read(manager, "notice-detail", bounced.pk)
    for words in (
        "Tentative 1",
        "acceptée par le serveur",
        "Adresse refusée définitivement",
        "550 5.1.1",
        "Relance à reprendre",
    ):
        assert words in page
    url = reverse("dunning:notice-retry", args=[bounced.pk])
    address = bounced.deliveries.get().recipient
    refused = manager.post(url, {"send_to": address}, follow=True)
    assert "est écartée" in refused.content.decode()
    for wrong in ("pas une adresse", "a@b.example\nBcc: c@d.example", "x" * 300):
        manager.post(url, {"send_to": wrong})
        bounced.refresh_from_db()
        assert bounced.status == Notice.Status.FAILED
    manager.post(url, {"send_to": "direction@client.example"})
    bounced.refresh_from_db()
    assert (bounced.status, bounced.send_to) == (Notice.Status.RENDERED, "direction@client.example")


def test_the_failed_notice_waits_in_its_list(bounced, manager) -> None:
    assert str(bounced) in read(manager, "notice-list", status="FAILED")


def test_suppressed_addresses_are_found_and_lifted(bounced, manager) -> None:
    row = SuppressedAddress.objects.get()
    page = read(manager, "suppression-list")
    assert row.address in page
    assert bounced.customer.name in page
    assert row.address in read(manager, "suppression-list", q=row.address.split("@")[0].upper())
    assert row.address not in read(manager, "suppression-list", q="nobody")
    lift = reverse("dunning:suppression-lift", args=[row.pk])
    manager.post(lift, {"reason": ""})
    row.refresh_from_db()
    assert row.lifted_at is None
    manager.post(lift, {"reason": "rétablie"})
    row.refresh_from_db()
    assert row.lift_reason == "rétablie"
    assert "Aucune adresse écartée" in read(manager, "suppression-list")
    assert "rétablie" in read(manager, "suppression-list", state="lifted")


def test_a_person_sets_an_address_aside(manager) -> None:
    url = reverse("dunning:suppression-add")
    assert manager.post(url, {"address": "nul", "detail": "x"}).status_code == 400
    assert manager.post(url, {"address": "a@b.example", "detail": "départ"}).status_code == 302
    again = manager.post(url, {"address": "A@b.example", "detail": "départ"})
    assert again.status_code == 400
    assert "déjà écartée" in again.content.decode()
    assert SuppressedAddress.objects.get().suppressed_by is not None


def test_events_are_listed_those_of_unknown_messages_too(bounced, manager) -> None:
    stray = ToldEvent(kind="DELIVERED", source="WEBHOOK", message_id="<x@y.example>", recipient="z@y.example")
    receive_mail_events(actor=SYSTEM, events=[stray], today=TODAY, now=NOW)
    page = read(manager, "mail-event-list")
    assert "z@y.example" in page
    assert str(bounced) in page
    assert "z@y.example" not in read(manager, "mail-event-list", kind="HARD_BOUNCE")
    assert "z@y.example" in read(manager, "mail-event-list", effect="UNKNOWN", q="x@y")


def test_the_customers_pages_warn(bounced, manager) -> None:
    address = bounced.deliveries.get().recipient
    assert address in read(manager, "customer-panel", bounced.customer_id)
    assert "ne reçoit plus nos e-mails" in read(manager, "address-check", email=address.upper())
    assert read(manager, "address-check", email="libre@client.example").strip() == ""
    form = manager.get(reverse("customers:contact-add", args=[bounced.customer_id])).content.decode()
    assert reverse("dunning:address-check") in form


def test_each_sees_his_own_customers_only(bounced, make_user, sign_in) -> None:
    elsewhere = sign_in(make_user(Role.CREDIT_MANAGER, sees=[make_entity()], email="ailleurs@example.test"))
    row = SuppressedAddress.objects.get()
    assert row.address not in read(elsewhere, "suppression-list")
    assert row.address not in read(elsewhere, "mail-event-list")
    lift = elsewhere.post(reverse("dunning:suppression-lift", args=[row.pk]), {"reason": "x"})
    assert lift.status_code == 404


@pytest.mark.parametrize(("name", "most"), [("suppression-list", 40), ("mail-event-list", 40)])
def test_a_long_list_asks_no_more_than_a_short_one(
    name, most, manager, bounced, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(most) as few:
        read(manager, name)
    delivery = bounced.deliveries.get()
    for number in range(20):
        suppress_address(actor=SYSTEM, address=f"a{number}@b.example", detail="x", now=NOW)
        MailEvent.objects.create(
            fingerprint=str(number), kind="DELIVERED", source="DSN", recipient=f"a{number}@b.example",
            delivery=delivery, happened_at=NOW, received_at=NOW,
        )  # fmt: skip
    with django_assert_max_num_queries(len(few)):
        read(manager, name)
