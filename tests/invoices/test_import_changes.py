"""Rows about items that are there already: what is put right, how, and what is refused."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.models import AuditEvent, Role
from customers.models import Customer, LegalEntity
from invoices.imports import changed_rows
from invoices.models import Allocation, ImportBatch, ImportGuard, OpenItem
from invoices.reconciliation import findings
from tests.invoices.batches import commit, confirm_all, entity_with_customers, preview
from tests.invoices.factories import AllocationFactory, DisputeFactory, OpenItemFactory, PaymentFactory
from tests.invoices.files import TODAY, csv_bytes

pytestmark = pytest.mark.django_db
ISSUED, DUE = date(2026, 10, 1), date(2026, 10, 31)
HEADER = "Code client;N° facture;Type;Date facture;Date d'échéance;Montant TTC;Reste dû;TVA;Devise;Référence"


@pytest.fixture
def entity() -> LegalEntity:
    entity = entity_with_customers()
    ImportGuard.objects.create(legal_entity=entity, cleared_share=100)
    return entity


@pytest.fixture
def item(entity: LegalEntity) -> OpenItem:
    return OpenItemFactory(
        customer=Customer.objects.get(account_code="C1"),
        number="F1",
        issue_date=ISSUED,
        due_date=DUE,
        total_amount=Decimal("100.00"),
        reference="Cde 1",
    )


def row(**said: str) -> bytes:
    values = {
        "code": "C1", "number": "F1", "kind": "Facture", "issue": "01/10/2026", "due": "31/10/2026",
        "total": "100,00", "open": "", "vat": "", "currency": "EUR", "reference": "Cde 1", **said,
    }  # fmt: skip
    return csv_bytes(";".join(values.values()), header=HEADER)


def open_amounts(entity: LegalEntity) -> dict[str, Decimal]:
    return dict(
        OpenItem.objects.filter(legal_entity=entity).order_by("number").values_list("number", "open_amount")
    )


def assert_announced(batch: ImportBatch) -> None:
    """The receivable is what the preview said it would be, and the books hold."""
    total: dict[str, Decimal] = {}
    for currency, amount in OpenItem.objects.filter(legal_entity=batch.legal_entity).values_list(
        "currency", "open_amount"
    ):
        total[currency] = total.get(currency, Decimal(0)) + amount
    assert {currency: Decimal(amount) for currency, amount in batch.receivable_after.items()} == total
    assert findings(entity_id=batch.legal_entity_id) == []


@pytest.mark.parametrize(
    ("said", "field", "after"),
    [
        ({"due": "15/11/2026"}, "due_date", date(2026, 11, 15)),
        ({"issue": "05/10/2026"}, "issue_date", date(2026, 10, 5)),
        ({"reference": "Cde 2"}, "reference", "Cde 2"),
        ({"vat": "16,67"}, "vat_amount", Decimal("16.67")),
    ],
)
def test_a_field_is_put_right_in_place(entity: LegalEntity, item: OpenItem, said, field, after):
    batch = preview(entity, row(**said))
    assert (batch.changed_count, batch.new_count, batch.suspicions) == (1, 0, [])
    [change] = batch.rows.get().changes
    assert change["column"] == field
    assert batch.receivable_before == batch.receivable_after == {"EUR": "100.00"}
    before = OpenItem.objects.values().get()
    batch = commit(batch)
    item.refresh_from_db()
    assert getattr(item, field) == after
    now = OpenItem.objects.values().get()
    assert {name for name in now if now[name] != before[name]} == {field, "updated_at"}
    event = AuditEvent.objects.get(verb="invoices.item.corrected")
    assert event.data["changes"] == [change]
    assert f"openitem:{item.pk}" in event.refs
    assert preview(entity, row(**said)).unchanged_count == 1
    assert_announced(batch)


@pytest.mark.parametrize("said", [{}, {"reference": ""}, {"due": ""}, {"open": "100,00"}])
def test_nothing_new_changes_nothing(entity: LegalEntity, item: OpenItem, said):
    batch = preview(entity, row(**said))
    assert (batch.unchanged_count, batch.changed_count) == (1, 0)


def test_a_vat_amount_that_is_there_is_not_replaced(entity: LegalEntity):
    OpenItemFactory(
        customer=Customer.objects.get(account_code="C1"), number="F1", issue_date=ISSUED, due_date=DUE,
        total_amount=Decimal("100.00"), vat_amount=Decimal("16.67"), reference="Cde 1",
    )  # fmt: skip
    batch = preview(entity, row(vat="5,21"))
    assert (batch.error_count, batch.rows.get().errors[0]["column"]) == (1, "vat_amount")


@pytest.mark.parametrize(
    ("total", "opens"),
    [
        ("80,00", {"F1": "80.00", "F1/C1": "0.00"}),
        ("130,00", {"F1": "100.00", "F1/C1": "30.00"}),
    ],
)
def test_another_total_is_a_correcting_document(entity: LegalEntity, item: OpenItem, make_user, total, opens):
    batch = preview(entity, row(total=total))
    assert [suspicion["code"] for suspicion in batch.suspicions] == ["amount_differs"]
    batch = commit(confirm_all(batch, make_user(Role.ACCOUNTANT)))
    assert {number: str(amount) for number, amount in open_amounts(entity).items()} == opens
    correction = OpenItem.objects.get(number="F1/C1")
    assert (correction.corrects_id, correction.kind, correction.due_date) == (item.pk, "OTHER", DUE)
    assert correction.import_batch_id == batch.pk
    assert_announced(batch)
    assert preview(entity, row(total=total)).unchanged_count == 1
    batch = preview(entity, row(total="90,00"))
    batch = commit(confirm_all(batch, make_user(Role.CREDIT_MANAGER)))
    assert sum(open_amounts(entity).values()) == Decimal("90.00")
    assert OpenItem.objects.filter(corrects=item).count() == 2
    assert_announced(batch)


@pytest.mark.parametrize("kind", ["Avoir", "Règlement"])
def test_a_credit_is_corrected_too(entity: LegalEntity, make_user, kind: str):
    first = row(kind=kind, total="100,00", due="")
    commit(preview(entity, first))
    batch = preview(entity, row(kind=kind, total="70,00", due=""))
    batch = commit(confirm_all(batch, make_user(Role.ACCOUNTANT)))
    assert {number: str(amount) for number, amount in open_amounts(entity).items()} == {
        "F1": "-70.00",
        "F1/C1": "0.00",
    }
    assert_announced(batch)


def test_less_open_than_here_is_settled_by_a_counter_item(entity: LegalEntity, item: OpenItem):
    batch = commit(preview(entity, row(open="40,00")))
    counter = OpenItem.objects.get(number=f"SOLDE-{batch.pk}-C1")
    assert (counter.kind, counter.total_amount, counter.open_amount) == ("OTHER", Decimal(-60), 0)
    assert counter.issue_date == TODAY
    item.refresh_from_db()
    assert item.open_amount == Decimal("40.00")
    assert Allocation.objects.get().allocated_on == TODAY
    assert_announced(batch)
    assert preview(entity, row(open="40,00")).unchanged_count == 1
    batch = commit(preview(entity, row(open="0,00")))
    item.refresh_from_db()
    assert item.open_amount == 0
    assert_announced(batch)


def test_a_new_item_may_be_settled_in_part(entity: LegalEntity):
    batch = preview(entity, row(number="F9", open="25,00"))
    assert batch.new_amounts == {"EUR": "25.00"}
    batch = commit(batch)
    assert OpenItem.objects.get(number="F9").open_amount == Decimal("25.00")
    assert_announced(batch)


def test_settled_debits_and_credits_meet_first(entity: LegalEntity, item: OpenItem):
    PaymentFactory(
        customer=item.customer, number="R1", issue_date=date(2026, 10, 20), total_amount=Decimal("-70.00")
    )
    content = csv_bytes(
        "C1;F1;Facture;01/10/2026;31/10/2026;100,00;0,00;;;Cde 1",
        "C1;R1;Règlement;20/10/2026;;70,00;0,00;;;",
        header=HEADER,
    )
    batch = commit(preview(entity, content))
    assert set(open_amounts(entity).values()) == {Decimal(0)}
    assert OpenItem.objects.get(number__startswith="SOLDE-").total_amount == Decimal("-30.00")
    assert_announced(batch)


def test_open_again_reverses_what_an_earlier_batch_settled(entity: LegalEntity, item: OpenItem):
    first = commit(preview(entity, row(open="10,00")))
    settled = Allocation.objects.get()
    batch = preview(entity, row(open="55,00"))
    assert (batch.changed_count, batch.suspicions) == (1, [])
    batch = commit(batch)
    settled.refresh_from_db()
    assert settled.reversed_on == TODAY
    item.refresh_from_db()
    assert item.open_amount == Decimal("55.00")
    assert OpenItem.objects.get(number=f"SOLDE-{first.pk}-C1").open_amount == 0
    assert sum(open_amounts(entity).values()) == Decimal("55.00")
    assert_announced(batch)


def test_open_above_what_a_person_matched_is_only_told(entity: LegalEntity, item: OpenItem, make_user):
    AllocationFactory(
        debit=item,
        credit=PaymentFactory(
            customer=item.customer, number="R1", issue_date=ISSUED, total_amount=Decimal("-60.00")
        ),
    )
    batch = preview(entity, row(open="100,00", reference="Cde 2"))
    assert [suspicion["code"] for suspicion in batch.suspicions] == ["open_above_ledger"]
    batch = commit(confirm_all(batch, make_user(Role.ACCOUNTANT)))
    item.refresh_from_db()
    assert (item.open_amount, item.reference) == (Decimal("40.00"), "Cde 2")
    assert_announced(batch)


def test_a_settled_item_has_its_dispute_resolved(entity: LegalEntity, item: OpenItem):
    dispute = DisputeFactory(item=item)
    commit(preview(entity, row(open="0,00")))
    dispute.refresh_from_db()
    item.refresh_from_db()
    assert (dispute.resolved_on, item.disputed_amount) == (TODAY, 0)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"open": "100,01"}, "open_above_total"),
        ({"issue": "05/10/2026", "due": ""}, "issue_after_allocation"),
        ({"code": "C2"}, "differs_from_ledger"),
        ({"currency": "USD"}, "differs_from_ledger"),
        ({"kind": "Acompte demandé"}, "differs_from_ledger"),
    ],
)
def test_what_cannot_be_put_right_is_an_error(entity: LegalEntity, item: OpenItem, said, code):
    AllocationFactory(
        debit=item, credit=PaymentFactory(customer=item.customer, issue_date=ISSUED, total_amount=Decimal(-5))
    )
    batch = preview(entity, row(**said))
    assert (batch.error_count, batch.changed_count) == (1, 0)
    assert code in {error["code"] for error in batch.rows.get().errors}


def test_a_document_of_tomorrow_cannot_be_settled_today(entity: LegalEntity):
    later = TODAY + timedelta(days=3)
    batch = preview(entity, row(number="F9", issue=f"{later:%d/%m/%Y}", due="31/12/2026", open="10,00"))
    assert [error["code"] for error in batch.rows.get().errors] == ["settled_in_future"]


def test_changes_in_words(entity: LegalEntity, item: OpenItem):
    batch = preview(entity, row(due="15/11/2026", open="40,00"))
    [changed] = changed_rows(batch)
    assert (changed.number, changed.line) == ("F1", 2)
    assert [(change.field, change.before, change.after) for change in changed.changes] == [
        ("due_date", "31/10/2026", "15/11/2026"),
        ("open_amount", "100,00", "40,00"),
    ]


def test_a_change_seen_is_checked_again_at_the_commit(entity: LegalEntity, item: OpenItem):
    batch = preview(entity, row(open="40,00"))
    commit(preview(entity, row(open="10,00")))
    before = open_amounts(entity)
    batch = commit(batch)
    # 40 is open in the file and 10 here by now: the settlement of the other batch is opened again.
    assert batch.status == "COMMITTED"
    assert before["F1"] == Decimal("10.00")
    item.refresh_from_db()
    assert item.open_amount == Decimal("40.00")
    assert_announced(batch)
