"""Taking a batch back: every balance as before, or a refusal that names what depends on it."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.errors import NotAllowed, WrongState
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from invoices.imports import may_roll_back_until, rollback_dependents
from invoices.models import Allocation, Dispute, ImportBatch, ImportEffect, ImportGuard, ImportRow, OpenItem
from invoices.operations.allocations import allocate, reverse_allocation
from invoices.operations.disputes import open_dispute
from invoices.operations.import_retention import forget_staged_rows
from invoices.operations.imports import RollbackRefused, request_rollback, roll_back_batch
from invoices.reconciliation import findings
from tests.dunning.factories import make_policy, make_step
from tests.invoices.batches import (
    FILE,
    NOW,
    commit,
    confirm_all,
    entity_with_customers,
    preview,
    roll_back,
    world,
)
from tests.invoices.factories import DisputeFactory, OpenItemFactory, PaymentFactory
from tests.invoices.files import TODAY, csv_bytes

pytestmark = pytest.mark.django_db
HEADER = "Code client;N° facture;Type;Date facture;Date d'échéance;Montant TTC;Reste dû;Référence"


@pytest.fixture
def entity() -> LegalEntity:
    entity = entity_with_customers()
    ImportGuard.objects.create(legal_entity=entity, cleared_share=100)
    return entity


def books() -> dict[str, list[tuple[object, ...]]]:
    """Everything a batch may touch, but for the instants of change."""
    fields = [field.attname for field in OpenItem._meta.concrete_fields if field.name not in ("updated_at",)]
    return {
        "items": list(OpenItem.objects.order_by("pk").values_list(*fields)),
        "allocations": list(Allocation.objects.order_by("pk").values_list()),
        "disputes": list(Dispute.objects.order_by("pk").values_list()),
    }


def test_a_batch_taken_back_leaves_the_books_as_they_were(entity: LegalEntity, make_user):
    customer = Customer.objects.get(account_code="C1")
    for number, amount in (("F1", "100.00"), ("F2", "80.00"), ("F3", "60.00")):
        OpenItemFactory(customer=customer, number=number, total_amount=Decimal(amount))
    PaymentFactory(customer=customer, number="R1", issue_date=date(2026, 2, 1), total_amount=Decimal(-30))
    DisputeFactory(item=OpenItem.objects.get(number="F3"))
    commit(preview(entity, csv_bytes("C1;F2;;01/01/2026;31/01/2026;80,00;10,00;", header=HEADER)))
    before, trail = books(), AuditEvent.objects.count()
    batch = preview(
        entity,
        csv_bytes(
            "C1;F1;;01/01/2026;15/02/2026;90,00;50,00;Cde 7",
            "C1;F2;;01/01/2026;31/01/2026;80,00;45,00;",
            "C2;F9;;01/11/2026;;70,00;;",
            header=HEADER,
        ),
        mode="SNAPSHOT",
        as_of=TODAY,
    )
    assert (batch.new_count, batch.changed_count, batch.cleared_count) == (1, 2, 2)
    batch = commit(confirm_all(batch, make_user(Role.ACCOUNTANT)))
    assert books() != before
    assert rollback_dependents(batch) == []
    assert may_roll_back_until(batch) == NOW + timedelta(days=7)
    batch = roll_back(batch)
    assert batch.status == "ROLLED_BACK"
    assert (batch.rolled_back_at, batch.rollback_reason) == (NOW, "Mauvais fichier")
    assert books() == before
    assert findings(entity_id=entity.pk) == []
    assert batch.rows.count() == 3
    assert not ImportEffect.objects.filter(batch=batch).exists()
    assert AuditEvent.objects.count() > trail
    assert may_roll_back_until(batch) is None
    with pytest.raises(WrongState):
        request_rollback(actor=SYSTEM, batch=batch, reason="Encore", now=NOW)


def test_the_file_can_be_brought_in_again(entity: LegalEntity):
    roll_back(commit(preview(entity, FILE)))
    assert not OpenItem.objects.exists()
    again = commit(preview(entity, FILE))
    assert (again.new_count, OpenItem.objects.count()) == (4, 4)


def _payment(entity: LegalEntity) -> OpenItem:
    return PaymentFactory(
        customer=Customer.objects.get(account_code="C1"),
        issue_date=date(2026, 11, 1),
        total_amount=Decimal(-50),
    )


def _allocated(entity: LegalEntity) -> None:
    allocate(
        actor=SYSTEM, debit_id=OpenItem.objects.get(number="F1").pk, credit_id=_payment(entity).pk,
        amount=Decimal(50), allocated_on=TODAY, today=TODAY, now=NOW,
    )  # fmt: skip


def _allocated_and_reversed(entity: LegalEntity) -> None:
    _allocated(entity)
    reverse_allocation(
        actor=SYSTEM,
        allocation_id=Allocation.objects.get().pk,
        reversed_on=TODAY,
        reason="Erreur",
        today=TODAY,
        now=NOW,
    )


def _disputed(entity: LegalEntity) -> None:
    open_dispute(
        actor=SYSTEM,
        item_id=OpenItem.objects.get(number="F1").pk,
        amount=Decimal(10),
        reason="AUTRE",
        today=TODAY,
        now=NOW,
    )


def _dunned(entity: LegalEntity) -> None:
    level = make_policy(entity).levels.get(rank=1)
    make_step(OpenItem.objects.get(number="F1"), level, sent_on=TODAY)


@pytest.mark.parametrize(
    ("later", "label"),
    [
        (_allocated, "lettrages"),
        (_allocated_and_reversed, "lettrages"),
        (_disputed, "litiges"),
        (_dunned, "relance"),
    ],
)
def test_what_came_later_is_named(entity: LegalEntity, later, label: str):
    batch = commit(preview(entity, FILE))
    later(entity)
    [dependent] = rollback_dependents(batch)
    assert label in dependent.label
    assert (dependent.count, dependent.examples) == (1, ["F1"])
    before = world()
    with pytest.raises(RollbackRefused) as refused:
        request_rollback(actor=SYSTEM, batch=batch, reason="Mauvais fichier", now=NOW)
    assert "F1" in str(refused.value)
    assert world() == before


def test_a_later_batch_on_the_same_items_comes_first(entity: LegalEntity):
    first = commit(preview(entity, csv_bytes("C1;F1;;01/01/2026;31/01/2026;80,00;;", header=HEADER)))
    second = commit(preview(entity, csv_bytes("C1;F1;;01/01/2026;05/02/2026;80,00;30,00;", header=HEADER)))
    assert {dependent.label for dependent in rollback_dependents(first)} >= {"lettrages"}
    third = commit(preview(entity, csv_bytes("C1;F1;;01/01/2026;10/02/2026;80,00;;", header=HEADER)))
    assert [dependent.label for dependent in rollback_dependents(second)] == ["pièces modifiées depuis"]
    for batch in (third, second, first):
        roll_back(batch)
    assert not OpenItem.objects.exists()


def test_what_comes_between_order_and_work_stops_it(entity: LegalEntity):
    batch = commit(preview(entity, FILE))
    request_rollback(actor=SYSTEM, batch=batch, reason="Mauvais fichier", now=NOW)
    _allocated(entity)
    before = books()
    assert roll_back_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    batch.refresh_from_db()
    assert (batch.status, batch.error_code) == ("COMMITTED", "rollback_blocked")
    assert "F1" in batch.error_params["dependents"]
    assert books() == before


def test_after_a_week_it_is_too_late(entity: LegalEntity):
    batch = commit(preview(entity, FILE))
    later = NOW + timedelta(days=7, seconds=1)
    before = world()
    with pytest.raises(RollbackRefused) as refused:
        request_rollback(actor=SYSTEM, batch=batch, reason="Mauvais fichier", now=later)
    assert refused.value.code == "rollback_too_late"
    with pytest.raises(RollbackRefused):
        request_rollback(actor=SYSTEM, batch=batch, reason="  ", now=NOW)
    assert world() == before


def test_who_may_take_a_batch_back(entity: LegalEntity, make_user):
    batch = commit(preview(entity, FILE))
    with pytest.raises(NotAllowed):
        request_rollback(actor=make_user(Role.API_PARTNER), batch=batch, reason="x", now=NOW)
    assert ImportBatch.objects.get().status == "COMMITTED"


def test_three_starts_without_an_end_leave_it_committed(entity: LegalEntity):
    batch = commit(preview(entity, FILE))
    request_rollback(actor=SYSTEM, batch=batch, reason="Mauvais fichier", now=NOW)
    ImportBatch.objects.update(attempts=3)
    assert not roll_back_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    batch.refresh_from_db()
    assert (batch.status, batch.error_code) == ("COMMITTED", "rollback_interrupted")
    assert OpenItem.objects.count() == 4


def test_rows_are_forgotten_when_nothing_can_be_taken_back(entity: LegalEntity):
    content = FILE + csv_bytes("C1;F8;;31/02/2026;;10,00;;;").split(b"\r\n", 1)[1]
    batch = commit(preview(entity, content), accept_rejects=True)
    waiting = preview(entity, csv_bytes("C1;G1;;01/11/2026;;10,00;;;"))
    assert forget_staged_rows(now=NOW + timedelta(days=7)) == 0
    assert forget_staged_rows(now=NOW + timedelta(days=7, seconds=1)) == 4
    assert list(batch.rows.values_list("outcome", flat=True)) == ["ERROR"]
    assert waiting.rows.count() == 1
    assert ImportRow.objects.count() == 2
    assert forget_staged_rows(now=NOW + timedelta(days=8)) == 0
