"""What a person must confirm, what a second one must approve, and that nobody does both."""

from datetime import date
from decimal import Decimal

import pytest

from core.errors import BusinessError, NotAllowed, WrongState
from core.legal import shipped_values
from core.models import LegalParameter, Role
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from invoices.imports import batch_suspicions, suspicious_rows
from invoices.models import ImportBatch, ImportConfirmation, ImportGuard, OpenItem
from invoices.operations.imports import (
    SamePerson,
    SuspicionsNotConfirmed,
    approve_batch,
    commit_batch,
    confirm_suspicion,
    return_batch,
    write_batch,
)
from tests.invoices.batches import NOW, commit, confirm_all, entity_with_customers, preview, world
from tests.invoices.factories import OpenItemFactory
from tests.invoices.files import TODAY, csv_bytes

pytestmark = pytest.mark.django_db


@pytest.fixture
def entity() -> LegalEntity:
    return entity_with_customers()


def known_customer(code: str = "C1", amount: str = "100.00", count: int = 5) -> None:
    for _ in range(count):
        OpenItemFactory(customer=Customer.objects.get(account_code=code), total_amount=Decimal(amount))


def codes(batch: ImportBatch) -> dict[str, int]:
    return {suspicion.code: suspicion.count for suspicion in batch_suspicions(batch)}


def test_an_amount_far_above_the_usual(entity: LegalEntity):
    known_customer()
    batch = preview(
        entity,
        csv_bytes(
            "C1;G1;;15/10/2026;30/11/2026;1 000,00;;;", "C1;G2;;15/10/2026;30/11/2026;999,99;;;",
            "C2;G3;;15/10/2026;30/11/2026;9 999,00;;;",
        ),
    )  # fmt: skip
    assert codes(batch) == {"amount_factor": 1}
    assert batch.suspicious_count == 1
    [row] = suspicious_rows(batch)
    assert row.number == "G1"
    assert "100,00" in row.remarks[0]


def test_due_before_issue_is_an_error_until_confirmed(entity: LegalEntity, make_user):
    batch = preview(entity, csv_bytes("C1;G1;;15/10/2026;30/09/2026;10,00;;;"))
    assert (batch.error_count, batch.new_count, codes(batch)) == (1, 0, {"due_before_issue": 1})
    confirm_suspicion(actor=make_user(Role.ACCOUNTANT), batch=batch, code="due_before_issue", now=NOW)
    batch.refresh_from_db()
    assert (batch.error_count, batch.new_count, batch.receivable_after) == (0, 1, {"EUR": "10.00"})
    commit(batch)
    assert OpenItem.objects.get().due_date == date(2026, 10, 15)


def test_terms_above_the_legal_cap(entity: LegalEntity):
    row = "C1;G1;;15/10/2026;15/12/2026;10,00;;;"
    assert codes(preview(entity, csv_bytes(row))) == {}  # no value for that day: nothing to compare with
    LegalParameter.objects.bulk_create(
        LegalParameter(
            key=value.key, value=value.value, valid_from=value.valid_from, valid_to=value.valid_to,
            source=value.source, checked_on=value.checked_on, confirmed=value.confirmed,
        )
        for value in shipped_values()
        if value.key.startswith("fr.terms.")
    )  # fmt: skip
    assert codes(preview(entity, csv_bytes(row))) == {"terms_above_cap": 1}
    assert codes(preview(entity, csv_bytes(row.replace("15/12/2026", "14/12/2026")))) == {}
    assert codes(preview(entity, csv_bytes(row.replace(";;15/10", ";Avoir;15/10")))) == {}


def test_a_snapshot_that_clears_too_much(entity: LegalEntity, make_user):
    known_customer(count=10)
    content = csv_bytes(
        *(
            f"C1;{item.number};Facture;01/01/2026;31/01/2026;100,00;;;"
            for item in OpenItem.objects.order_by("pk")[:6]
        )
    )
    batch = preview(entity, content, mode="SNAPSHOT", as_of=TODAY)
    assert codes(batch) == {"cleared_share": 4}
    assert "40,0" in batch_suspicions(batch)[0].message
    before = world()
    with pytest.raises(SuspicionsNotConfirmed) as refused:
        commit_batch(actor=SYSTEM, batch=batch, accept_rejects=True, today=TODAY, now=NOW)
    assert "encours" in str(refused.value)
    assert world() == before
    assert commit(confirm_all(batch, make_user(Role.ACCOUNTANT))).status == "COMMITTED"


def test_an_unusual_volume(entity: LegalEntity):
    for index in range(3):
        commit(preview(entity, csv_bytes(*(f"C1;A{index}-{n};;15/10/2026;;10,00;;;" for n in range(20)))))
    assert codes(preview(entity, csv_bytes(*(f"C1;B{n};;15/10/2026;;10,00;;;" for n in range(100))))) == {
        "unusual_volume": 100
    }
    assert codes(preview(entity, csv_bytes(*(f"C1;B{n};;15/10/2026;;10,00;;;" for n in range(99))))) == {}


def test_a_suspicion_is_confirmed_once_by_a_person(entity: LegalEntity, make_user):
    known_customer()
    batch = preview(entity, csv_bytes("C1;G1;;15/10/2026;30/11/2026;9 000,00;;;"))
    before = world()
    person, partner = make_user(Role.ACCOUNTANT), make_user(Role.API_PARTNER)
    for actor, code in ((SYSTEM, "amount_factor"), (partner, "amount_factor"), (person, "cleared_share")):
        with pytest.raises(BusinessError):
            confirm_suspicion(actor=actor, batch=batch, code=code, now=NOW)
    with pytest.raises(NotAllowed):
        confirm_suspicion(actor=make_user(Role.FINANCE_DIRECTOR), batch=batch, code="amount_factor", now=NOW)
    assert {name: rows for name, rows in world().items() if name != "AuditEvent"} == {
        name: rows for name, rows in before.items() if name != "AuditEvent"
    }
    for _ in range(2):
        confirm_suspicion(actor=person, batch=batch, code="amount_factor", now=NOW)
    assert ImportConfirmation.objects.get().confirmed_by == person
    [suspicion] = batch_suspicions(batch)
    assert (suspicion.is_confirmed, suspicion.confirmed_by) == (True, person)
    assert suspicion.amounts == {"EUR": Decimal("9000.00")}


def test_above_a_threshold_a_second_person_approves(entity: LegalEntity, make_user):
    known_customer()
    ImportGuard.objects.create(legal_entity=entity, second_person_amount=Decimal(5_000))
    first, second = make_user(Role.ACCOUNTANT), make_user(Role.CREDIT_MANAGER)
    batch = preview(entity, csv_bytes("C1;G1;;15/10/2026;30/11/2026;9 000,00;;;"))
    assert batch.needs_second_person
    confirm_all(batch, first)
    batch = commit_batch(actor=first, batch=batch, accept_rejects=False, today=TODAY, now=NOW)
    assert (batch.status, batch.requested_by, batch.committed_by) == ("TO_APPROVE", first, None)
    assert not write_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    before = world()
    for actor in (first, SYSTEM):
        with pytest.raises(SamePerson):
            approve_batch(actor=actor, batch=batch, today=TODAY, now=NOW)
    with pytest.raises(WrongState):
        commit_batch(actor=second, batch=batch, accept_rejects=False, today=TODAY, now=NOW)
    assert world() == before
    batch = approve_batch(actor=second, batch=batch, today=TODAY, now=NOW)
    assert (batch.status, batch.requested_by, batch.committed_by) == ("COMMITTING", first, second)
    assert write_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    assert OpenItem.objects.filter(number="G1").exists()
    with pytest.raises(WrongState):
        approve_batch(actor=second, batch=batch, today=TODAY, now=NOW)


def test_a_machine_is_no_first_person(entity: LegalEntity, make_user):
    """A key and one person are one person: who confirmed the doubts of a machine's batch does not approve it."""
    known_customer()
    ImportGuard.objects.create(legal_entity=entity, second_person_amount=Decimal(5_000))
    partner, person = make_user(Role.API_PARTNER), make_user(Role.ACCOUNTANT)
    second = make_user(Role.CREDIT_MANAGER)
    batch = confirm_all(preview(entity, csv_bytes("C1;G1;;15/10/2026;30/11/2026;9 000,00;;;")), person)
    batch = commit_batch(actor=partner, batch=batch, accept_rejects=False, today=TODAY, now=NOW)
    with pytest.raises(SamePerson):
        approve_batch(actor=person, batch=batch, today=TODAY, now=NOW)
    assert approve_batch(actor=second, batch=batch, today=TODAY, now=NOW).status == "COMMITTING"


def test_the_second_person_may_send_it_back(entity: LegalEntity, make_user):
    known_customer()
    ImportGuard.objects.create(legal_entity=entity, second_person_amount=Decimal(5_000))
    first, second = make_user(Role.ACCOUNTANT), make_user(Role.FINANCE_DIRECTOR)
    batch = confirm_all(preview(entity, csv_bytes("C1;G1;;15/10/2026;30/11/2026;9 000,00;;;")), first)
    commit_batch(actor=first, batch=batch, accept_rejects=False, today=TODAY, now=NOW)
    before = world()
    with pytest.raises(BusinessError):
        return_batch(actor=second, batch=batch, reason=" ", now=NOW)
    assert world() == before
    batch = return_batch(actor=second, batch=batch, reason="Montant à vérifier", now=NOW)
    assert (batch.status, batch.requested_by) == ("PREVIEWED", None)
    assert not OpenItem.objects.filter(number="G1").exists()


def test_a_new_suspicion_at_the_commit_goes_back(entity: LegalEntity):
    batch = preview(entity, csv_bytes("C1;G1;Facture;15/10/2026;30/11/2026;10,00;;;"))
    commit(preview(entity, csv_bytes("C1;G1;Facture;15/10/2026;30/11/2026;11,00;;;")))
    batch = commit(batch)
    assert (batch.status, batch.error_code) == ("PREVIEWED", "ledger_changed")
    assert batch.error_params == {"errors": 0, "cleared": 0, "suspicions": 1}
    assert codes(batch) == {"amount_differs": 1}
    assert OpenItem.objects.get().total_amount == Decimal("11.00")
