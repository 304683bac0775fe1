"""Full snapshots: what is absent is settled, between itself first; the same file again changes nothing."""

from datetime import date
from decimal import Decimal

import pytest

from core.errors import BusinessError
from core.models import Role
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from invoices.imports import clearings
from invoices.models import Allocation, ImportBatch, ImportGuard, OpenItem
from invoices.operations.allocations import allocate
from invoices.operations.imports import NothingToCommit, commit_batch
from tests.invoices.batches import NOW, commit, confirm_all, entity_with_customers, preview, receive, world
from tests.invoices.factories import OpenItemFactory, PaymentFactory
from tests.invoices.files import TODAY, csv_bytes
from tests.invoices.test_import_changes import assert_announced, open_amounts

pytestmark = pytest.mark.django_db
AS_OF = date(2026, 11, 20)
HEADER = "Code client;N° facture;Type;Date facture;Date d'échéance;Montant TTC;Reste dû"


@pytest.fixture
def entity() -> LegalEntity:
    entity = entity_with_customers()
    ImportGuard.objects.create(legal_entity=entity, cleared_share=100)
    return entity


def snapshot(entity: LegalEntity, *rows: str, as_of: date = AS_OF) -> ImportBatch:
    return preview(entity, csv_bytes(*rows, header=HEADER), mode="SNAPSHOT", as_of=as_of)


def ledger(entity: LegalEntity) -> None:
    for code, number, amount in (
        ("C1", "F1", "100.00"), ("C1", "F2", "60.00"), ("C1", "F3", "40.00"), ("C2", "F4", "500.00"),
    ):  # fmt: skip
        OpenItemFactory(
            customer=Customer.objects.get(account_code=code), number=number, total_amount=Decimal(amount)
        )
    PaymentFactory(
        customer=Customer.objects.get(account_code="C1"),
        number="R1",
        issue_date=date(2026, 2, 1),
        total_amount=Decimal(-130),
    )


F2 = "C1;F2;Facture;01/01/2026;31/01/2026;60,00;60,00"
F4 = "C2;F4;Facture;01/01/2026;31/01/2026;500,00;500,00"


def test_what_is_absent_is_settled(entity: LegalEntity):
    ledger(entity)
    batch = snapshot(entity, F2, F4)
    assert (batch.cleared_count, batch.unchanged_count, batch.changed_count) == (3, 2, 0)
    assert batch.cleared_amounts == {"EUR": "10.00"}
    assert [(row.number, str(row.open_amount)) for row in clearings(batch)] == [
        ("F1", "100.00"), ("F3", "40.00"), ("R1", "-130.00"),
    ]  # fmt: skip
    assert batch.receivable_before == {"EUR": "570.00"}
    assert batch.receivable_after == {"EUR": "560.00"}
    batch = commit(batch)
    assert_announced(batch)
    # Oldest first: R1 pays F1 whole and 30 of F3, the counter-item the rest.
    found = {
        (row.debit.number, row.credit.number): (str(row.amount), row.allocated_on)
        for row in Allocation.objects.select_related("debit", "credit")
    }
    assert found == {
        ("F1", "R1"): ("100.00", AS_OF),
        ("F3", "R1"): ("30.00", AS_OF),
        ("F3", f"SOLDE-{batch.pk}-C1"): ("10.00", AS_OF),
    }
    assert OpenItem.objects.get(number__startswith="SOLDE-").issue_date == AS_OF


def test_the_same_snapshot_again_changes_nothing(entity: LegalEntity):
    ledger(entity)
    commit(snapshot(entity, F2, F4))
    items = list(OpenItem.objects.order_by("pk").values_list())
    again = snapshot(entity, F2, F4)
    assert (again.cleared_count, again.unchanged_count) == (0, 2)
    with pytest.raises(NothingToCommit):
        commit_batch(actor=SYSTEM, batch=again, accept_rejects=True, today=TODAY, now=NOW)
    assert list(OpenItem.objects.order_by("pk").values_list()) == items


def test_partly_open_new_and_absent_in_one(entity: LegalEntity):
    ledger(entity)
    batch = commit(
        snapshot(
            entity,
            "C1;F1;Facture;01/01/2026;31/01/2026;100,00;70,00",
            F4,
            "C2;F9;Facture;10/11/2026;10/12/2026;80,00;80,00",
        )
    )
    assert_announced(batch)
    opens = {number: str(amount) for number, amount in open_amounts(entity).items() if amount}
    assert opens == {"F1": "70.00", "F4": "500.00", "F9": "80.00"}


def test_what_comes_after_the_day_of_the_file_stays(entity: LegalEntity):
    ledger(entity)
    OpenItemFactory(
        customer=Customer.objects.get(account_code="C2"),
        number="F8",
        issue_date=date(2026, 11, 21),
        total_amount=Decimal(7),
    )
    batch = commit(snapshot(entity, F2, F4))
    assert open_amounts(entity)["F8"] == Decimal(7)
    assert_announced(batch)


def test_a_row_in_error_is_not_absent(entity: LegalEntity):
    ledger(entity)
    batch = snapshot(entity, F2, F4, "C1;F1;Facture;31/02/2026;;100,00;")
    assert batch.error_count == 1
    assert [row.number for row in clearings(batch)] == ["F3", "R1"]
    batch = commit(batch, accept_rejects=True)
    assert open_amounts(entity)["F1"] == Decimal(100)
    assert_announced(batch)


def test_present_again_is_open_again(entity: LegalEntity):
    ledger(entity)
    commit(snapshot(entity, F2, F4))
    batch = commit(snapshot(entity, F2, F4, "C1;F1;Facture;01/01/2026;31/01/2026;100,00;100,00", as_of=TODAY))
    assert_announced(batch)
    opens = {number: str(amount) for number, amount in open_amounts(entity).items() if amount}
    assert opens == {"F1": "100.00", "F2": "60.00", "F4": "500.00"}


def test_more_cleared_than_was_seen_goes_back(entity: LegalEntity):
    ledger(entity)
    batch = snapshot(entity, F2, F4)
    OpenItemFactory(customer=Customer.objects.get(account_code="C2"), number="F7", total_amount=Decimal(30))
    before = open_amounts(entity)
    batch = commit(batch)
    assert (batch.status, batch.error_code) == ("PREVIEWED", "ledger_changed")
    assert batch.error_params["cleared"] == 1
    assert open_amounts(entity) == before
    assert not Allocation.objects.exists()
    assert batch.cleared_count == 4
    assert_announced(commit(batch))


def test_less_cleared_than_was_seen_is_no_harm(entity: LegalEntity):
    ledger(entity)
    batch = snapshot(entity, F2, F4)
    items = {item.number: item for item in OpenItem.objects.all()}
    allocate(
        actor=SYSTEM, debit_id=items["F1"].pk, credit_id=items["R1"].pk, amount=Decimal(50),
        allocated_on=date(2026, 11, 22), today=TODAY, now=NOW,
    )  # fmt: skip
    batch = commit(batch)
    assert batch.status == "COMMITTED"
    assert_announced(batch)
    assert {number for number, amount in open_amounts(entity).items() if amount} == {"F2", "F4"}


def test_two_currencies_are_settled_apart(entity: LegalEntity):
    customer = Customer.objects.get(account_code="C1")
    for number, currency in (("F1", "EUR"), ("F2", "USD")):
        OpenItemFactory(customer=customer, number=number, currency=currency, total_amount=Decimal(90))
    PaymentFactory(
        customer=customer, number="R1", currency="USD", issue_date=date(2026, 2, 1), total_amount=Decimal(-20)
    )
    batch = commit(snapshot(entity, "C2;F4;Facture;01/01/2026;31/01/2026;1,00;"))
    counters = OpenItem.objects.filter(number__startswith="SOLDE-").order_by("currency")
    assert [(row.currency, str(row.total_amount), row.instalment) for row in counters] == [
        ("EUR", "-90.00", 1),
        ("USD", "-70.00", 2),
    ]
    assert_announced(batch)


def test_a_correction_goes_with_its_item(entity: LegalEntity, make_user):
    ledger(entity)
    more = F2.replace("60,00;60,00", "75,00;")
    batch = snapshot(entity, more, F4, "C1;F1;Facture;01/01/2026;31/01/2026;100,00;")
    batch = commit(confirm_all(batch, make_user(Role.ACCOUNTANT)))
    assert open_amounts(entity)["F2/C1"] == Decimal(15)
    again = snapshot(entity, more, F4, "C1;F1;Facture;01/01/2026;31/01/2026;100,00;")
    assert (again.cleared_count, again.unchanged_count) == (0, 3)
    assert_announced(commit(snapshot(entity, F4)))
    assert {number for number, amount in open_amounts(entity).items() if amount} == {"F4"}


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"mode": "SNAPSHOT"}, "as_of_missing"),
        ({"mode": "SNAPSHOT", "as_of": date(2026, 11, 24)}, "as_of_future"),
        ({"mode": "SNAPSHOT", "as_of": AS_OF, "subject": "CUSTOMERS"}, "mode_refused"),
        ({"mode": "EVERYTHING"}, "choice_unknown"),
    ],
)
def test_a_snapshot_has_a_day(entity: LegalEntity, choices, code):
    before = world()
    with pytest.raises(BusinessError) as refused:
        receive(entity, csv_bytes(F2, header=HEADER), **choices)
    assert refused.value.code == code
    assert world() == before
