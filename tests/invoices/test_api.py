"""Items, ageing and batches over the API."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import Role
from tests.api_client import Partner, everything, problem
from tests.customers.factories import CustomerFactory
from tests.invoices.factories import (
    AllocationFactory,
    CreditNoteFactory,
    DisputeFactory,
    OpenItemFactory,
    PaymentFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def partner(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER))


def queries(partner: Partner, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert partner.get(path).status_code == 200
    return len(captured)


def test_an_invoice_with_its_open_amount_and_allocations(partner: Partner) -> None:
    invoice = OpenItemFactory(number="FA/2026/001", vat_amount=Decimal("200.00"), reference="BC 12")
    payment = PaymentFactory(
        customer=invoice.customer, total_amount=Decimal("-500.00"), issue_date=date(2026, 2, 1)
    )
    AllocationFactory(debit=invoice, credit=payment)
    undone = AllocationFactory(
        debit=invoice,
        credit=payment,
        amount=Decimal("20.00"),
        reversed_on=date(2026, 3, 1),
        allocated_on=date(2026, 2, 20),
    )
    response = partner.get(f"invoices/{invoice.uid}")
    found = response.json()
    assert found["external_id"] == "FA/2026/001"
    assert (found["kind"], found["instalment"], found["currency"]) == ("INVOICE", 1, "EUR")
    assert (found["total_amount"], found["vat_amount"], found["open_amount"]) == (
        "1200.00",
        "200.00",
        "700.00",
    )
    assert (found["issue_date"], found["due_date"]) == ("2026-01-01", "2026-01-31")
    assert found["posted_at"] == "2026-01-01T08:00:00Z"
    assert found["customer"]["external_id"] == invoice.customer.account_code
    counterpart = {"id": str(payment.uid), "external_id": payment.number, "instalment": 1, "kind": "PAYMENT"}
    assert found["allocations"] == [
        {"item": counterpart, "amount": "500.00", "allocated_on": "2026-02-01", "reversed_on": None},
        {
            "item": counterpart,
            "amount": str(undone.amount),
            "allocated_on": "2026-02-20",
            "reversed_on": "2026-03-01",
        },
    ]
    assert partner.get("invoices/external:FA/2026/001").json() == found
    assert partner.get(f"invoices/{invoice.uid}", If_None_Match=response["ETag"]).status_code == 304
    other_side = partner.get(f"invoices/{payment.uid}").json()
    assert (other_side["open_amount"], other_side["allocations"][0]["item"]["id"]) == (
        "0.00",
        str(invoice.uid),
    )


def test_a_number_in_several_instalments_or_entities_asks_which(partner: Partner) -> None:
    first = OpenItemFactory(number="F1")
    second = OpenItemFactory(number="F1", instalment=2, customer=first.customer)
    elsewhere = OpenItemFactory(number="F1", instalment=2)
    problem(partner.get("invoices/external:F1"), 409, "ambiguous_id")
    assert partner.get("invoices/external:F1?instalment=1").json()["id"] == str(first.uid)
    entity = elsewhere.legal_entity.code
    assert partner.get(f"invoices/external:F1?entity={entity}").json()["id"] == str(elsewhere.uid)
    entity = second.legal_entity.code
    found = partner.get(f"invoices/external:F1?entity={entity}&instalment=2").json()
    assert found["id"] == str(second.uid)


def test_filters_are_those_of_the_pages(partner: Partner) -> None:
    late = OpenItemFactory(issue_date=date(2026, 1, 1), number="F1")
    disputed = DisputeFactory(item=OpenItemFactory(issue_date=date(2026, 2, 1), number="G2")).item
    credit = CreditNoteFactory(issue_date=date(2026, 2, 1), customer=late.customer)
    settled = AllocationFactory(debit=OpenItemFactory(total_amount=Decimal("80.00"), number="H3")).debit
    expected = {
        "number=f1": {late},
        "state=disputed": {disputed},
        "state=settled": {settled},
        "kind=CREDIT_NOTE": {credit},
        f"customer={late.customer.uid}": {late, credit},
        f"customer=external:{late.customer.account_code}": {late, credit},
        f"entity={disputed.legal_entity.code}": {disputed},
        "due_before=2026-01-31&kind=INVOICE": {late, settled},
        "amount_max=80&kind=INVOICE": {settled},
        "customer=nobody": set(),
    }
    for query, items in expected.items():
        rows = partner.get(f"invoices?{query}").json()["results"]
        ids = {row["id"] for row in rows if row["kind"] != "PAYMENT"}
        assert ids == {str(item.uid) for item in items}, query


def test_synchronising_by_the_instant_of_change(partner: Partner) -> None:
    items = OpenItemFactory.create_batch(3)
    for index, item in enumerate(items):
        item.updated_at += timedelta(hours=index)
        item.save(update_fields=["updated_at"])
    rows = partner.get("invoices?updated_after=2026-01-01T09:00:00.000Z").json()["results"]
    assert [row["id"] for row in rows] == [str(items[2].uid)]
    rows = everything(lambda cursor: partner.get(f"invoices?limit=1&cursor={cursor}"))
    assert [row["id"] for row in rows] == [str(item.uid) for item in items]


def test_out_of_scope_there_is_no_item(make_user) -> None:
    seen, other = OpenItemFactory(), OpenItemFactory()
    partner = Partner(make_user(Role.API_PARTNER, sees=[seen.legal_entity]))
    problem(partner.get(f"invoices/{other.uid}"), 404, "not_found")
    problem(partner.get(f"invoices/external:{other.number}"), 404, "not_found")
    assert [row["id"] for row in partner.get("invoices").json()["results"]] == [str(seen.uid)]
    assert partner.get(f"invoices?customer={other.customer.uid}").json()["results"] == []


def test_a_page_of_items_costs_the_same_number_of_queries_whatever_its_length(partner: Partner) -> None:
    partner.get("invoices")
    item = OpenItemFactory()
    OpenItemFactory()
    few, one = queries(partner, "invoices"), queries(partner, f"invoices/{item.uid}")
    OpenItemFactory.create_batch(18)
    assert queries(partner, "invoices") == few
    for _payment in range(10):
        AllocationFactory(
            debit=item, credit=PaymentFactory(customer=item.customer, total_amount=Decimal("-10.00"))
        )
    assert queries(partner, f"invoices/{item.uid}") == one


def test_the_ageing_of_a_day(partner: Partner) -> None:
    customer = CustomerFactory(name="Alpha")
    OpenItemFactory(
        customer=customer, issue_date=date(2026, 1, 1), total_amount=Decimal("100.00")
    )  # due 31 January
    OpenItemFactory(customer=customer, issue_date=date(2026, 3, 15), total_amount=Decimal("50.00"))
    CreditNoteFactory(customer=customer, issue_date=date(2026, 2, 1), total_amount=Decimal("-30.00"))
    OpenItemFactory(customer=CustomerFactory(name="Beta", currency="CHF"), issue_date=date(2026, 3, 1))
    found = partner.get("ageing?as_of=2026-03-20").json()
    assert (found["as_of"], found["basis"]) == ("2026-03-20", "due")
    assert [(b["from_day"], b["to_day"]) for b in found["buckets"]] == [
        (None, 0),
        (1, 30),
        (31, 60),
        (61, 90),
        (91, 120),
        (121, None),
    ]
    euros = next(totals for totals in found["totals"] if totals["currency"] == "EUR")
    assert euros == {
        "currency": "EUR",
        "buckets": ["50.00", "0.00", "100.00", "0.00", "0.00", "0.00"],
        "credits_amount": "-30.00",
        "overdue_amount": "100.00",
        "disputed_amount": "0.00",
        "total_amount": "120.00",
        "customer_count": 1,
        "sub_ledger_amount": "120.00",
    }
    assert {totals["currency"] for totals in found["totals"]} == {"EUR", "CHF"}
    row = found["results"][0]
    assert row["customer"] == {"id": str(customer.uid), "external_id": customer.account_code, "name": "Alpha"}
    assert (row["legal_entity"], row["oldest_due_date"]) == (customer.legal_entity.code, "2026-01-31")
    assert partner.get("ageing?as_of=2025-12-31").json()["results"] == []


def test_the_ageing_is_read_page_by_page_and_filtered(partner: Partner) -> None:
    items = [OpenItemFactory(customer=CustomerFactory(name=f"N{number}")) for number in range(5)]
    path = "ageing?as_of=2026-03-20&sort=name&limit=2"
    rows = everything(lambda cursor: partner.get(f"{path}&cursor={cursor}"))
    assert [row["customer"]["name"] for row in rows] == ["N0", "N1", "N2", "N3", "N4"]
    answer = partner.get(path).json()
    assert partner.client.get(answer["next"]).json()["results"][0]["customer"]["name"] == "N2"
    for query in (f"entity={items[3].legal_entity.code}", "q=N3"):
        rows = partner.get(f"ageing?as_of=2026-03-20&{query}").json()["results"]
        assert [row["customer"]["name"] for row in rows] == ["N3"], query


def test_the_ageing_holds_only_what_the_partner_sees(make_user) -> None:
    seen, _other = OpenItemFactory(), OpenItemFactory()
    partner = Partner(make_user(Role.API_PARTNER, sees=[seen.legal_entity]))
    found = partner.get("ageing?as_of=2026-03-20").json()
    assert [row["customer"]["id"] for row in found["results"]] == [str(seen.customer.uid)]
    assert [totals["total_amount"] for totals in found["totals"]] == ["1200.00"]


@pytest.mark.parametrize("as_of", ["1900-01-01", "2199-12-31"])
def test_the_ageing_of_a_distant_day(partner: Partner, as_of: str) -> None:
    OpenItemFactory()
    assert partner.get(f"ageing?as_of={as_of}").status_code == 200


@pytest.mark.parametrize("as_of", ["0001-01-01", "9999-12-31", "1899-12-31"])
def test_a_day_out_of_the_calendar_is_refused(partner: Partner, as_of: str) -> None:
    assert problem(partner.get(f"ageing?as_of={as_of}"), 400, "invalid")["errors"][0]["pointer"] == "?as_of"


def test_the_ageing_costs_the_same_number_of_queries_whatever_its_length(partner: Partner) -> None:
    partner.get("ageing?as_of=2026-03-20")
    OpenItemFactory.create_batch(2)
    few = queries(partner, "ageing?as_of=2026-03-20")
    OpenItemFactory.create_batch(18)
    assert queries(partner, "ageing?as_of=2026-03-20") == few
