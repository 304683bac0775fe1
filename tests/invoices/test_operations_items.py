from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import InternalError, transaction

from core.errors import NotAllowed
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import Customer
from invoices.models import OpenItem
from invoices.operations.items import PostingRefused, post_item
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import OpenItemFactory
from tests.invoices.ledger import ledger_rows

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def invoice(customer: Customer, **changes: Any) -> dict[str, Any]:
    return {
        "actor": SYSTEM,
        "customer_id": customer.pk,
        "kind": OpenItem.Kind.INVOICE,
        "number": "FA-1",
        "issue_date": date(2026, 3, 1),
        "due_date": date(2026, 3, 31),
        "currency": "EUR",
        "total_amount": Decimal("120.00"),
        "now": NOW,
    } | changes


def test_an_item_is_posted_wholly_open_with_one_audit_event(make_user: Any) -> None:
    accountant = make_user(Role.ACCOUNTANT)
    customer = CustomerFactory()

    item = post_item(**invoice(customer, actor=accountant, number=" FA-1 ", vat_amount=Decimal("20.00")))

    item.refresh_from_db()
    assert (item.number, item.open_amount, item.total_amount) == (
        "FA-1",
        Decimal("120.00"),
        Decimal("120.00"),
    )
    assert item.legal_entity_id == customer.legal_entity_id
    event = AuditEvent.objects.get()
    assert event.verb == "invoices.item.posted"
    assert event.actor == accountant
    assert event.refs == [f"openitem:{item.pk}", f"customer:{customer.pk}"]
    assert event.data["amount"] == "120.00"


def test_the_same_number_is_another_item_in_another_entity_or_instalment() -> None:
    customer = CustomerFactory()
    post_item(**invoice(customer))
    post_item(**invoice(customer, instalment=2))
    post_item(**invoice(CustomerFactory()))
    assert OpenItem.objects.filter(number="FA-1").count() == 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "TICKET"}, "kind"),
        ({"number": "  "}, "number"),
        ({"number": "F" * 41}, "number"),
        ({"instalment": 0}, "instalment"),
        ({"due_date": date(2026, 2, 28)}, "due_date"),
        ({"currency": "euro"}, "currency"),
        ({"total_amount": Decimal("-120.00")}, "total_amount"),
        ({"total_amount": Decimal("0.001")}, "total_amount"),
        ({"total_amount": Decimal("1000000000000.00")}, "total_amount"),
        ({"kind": OpenItem.Kind.PAYMENT}, "total_amount"),
        ({"vat_amount": Decimal("120.01")}, "vat_amount"),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(changes: dict[str, Any], field: str) -> None:
    customer = CustomerFactory()
    before = ledger_rows()
    with pytest.raises(PostingRefused) as refusal:
        post_item(**invoice(customer, **changes))
    assert refusal.value.field == field
    assert ledger_rows() == before


def test_a_number_is_posted_once() -> None:
    customer = CustomerFactory()
    post_item(**invoice(customer))
    before = ledger_rows()
    with pytest.raises(PostingRefused) as refusal:
        post_item(**invoice(customer, total_amount=Decimal("99.00")))
    assert refusal.value.code == "number_taken"
    assert ledger_rows() == before


def test_a_customer_out_of_scope_is_unknown(make_user: Any) -> None:
    accountant = make_user(Role.ACCOUNTANT, sees=[LegalEntityFactory()])
    customer = CustomerFactory()
    before = ledger_rows()
    with pytest.raises(PostingRefused) as refusal:
        post_item(**invoice(customer, actor=accountant))
    assert refusal.value.field == "customer"
    assert ledger_rows() == before


def test_a_finance_director_posts_nothing(make_user: Any) -> None:
    director = make_user(Role.FINANCE_DIRECTOR)
    customer = CustomerFactory()
    before = ledger_rows()
    with pytest.raises(NotAllowed):
        post_item(**invoice(customer, actor=director))
    after = ledger_rows()
    assert [event[4] for event in after.pop("AuditEvent")] == ["core.operation.refused"]
    before.pop("AuditEvent")
    assert after == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change", [{"total_amount": "1.00"}, {"number": "X"}, {"currency": "GBP"}, {"kind": "OTHER"}], ids=str
)
def test_database_refuses_to_change_a_posted_document(change: dict[str, str]) -> None:
    item = OpenItemFactory()
    with pytest.raises(InternalError, match="Cannot update"), transaction.atomic():
        type(item).objects.filter(pk=item.pk).update(**change)


@pytest.mark.django_db
def test_database_refuses_to_delete_a_posted_document() -> None:
    item = OpenItemFactory()
    with pytest.raises(InternalError, match="Cannot delete"), transaction.atomic():
        item.delete()
