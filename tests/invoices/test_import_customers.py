"""Customers by batch: created from a file of items, opened and changed by a file of their own, taken back."""

from typing import Any

import pytest

from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import Contact, Customer, LegalEntity
from customers.operations import CustomerError, create_customer
from customers.operations.batches import CustomerChange, write_customers
from invoices.imports import batch_errors, changed_rows, rollback_dependents
from invoices.models import ImportBatch, OpenItem
from invoices.operations.import_work import preview_staged
from invoices.operations.imports import RollbackRefused, request_rollback
from invoices.readers.staged import StagedRow, copy_line
from invoices.staging.table import Staging
from tests.customers.factories import CustomerFactory, LegalEntityFactory, PaymentTermsFactory
from tests.invoices.batches import (
    NOW,
    commit,
    confirm_all,
    entity_with_customers,
    preview,
    receive,
    roll_back,
    world,
)
from tests.invoices.factories import OpenItemFactory
from tests.invoices.files import TODAY, csv_bytes

pytestmark = pytest.mark.django_db
HEADER = "Code client;Nom du client;SIREN;E-mail;Conditions de règlement;N° facture;Date facture;Montant TTC"
SIREN, SIRET, OTHER_SIRET = "732829320", "73282932000074", "55210055400013"


@pytest.fixture
def entity() -> LegalEntity:
    return entity_with_customers()


def staged(entity: LegalEntity, *rows: StagedRow) -> ImportBatch:
    """A batch of customers, previewed from what a reader would give."""
    batch = receive(entity, b"Code client;Nom\r\nx;y\r\n", subject="CUSTOMERS")
    ImportBatch.objects.filter(pk=batch.pk).update(status="READING")
    batch.refresh_from_db()
    with Staging() as table:
        table.copy("".join(copy_line(row) for row in rows).encode())
        preview_staged(batch, table, TODAY, NOW)
    batch.refresh_from_db()
    return batch


def said(line: int, code: str, contacts: list[dict[str, Any]] | None = None, **customer: str) -> StagedRow:
    return StagedRow(
        line=line, customer_code=code, details={"customer": customer, "contacts": contacts or []}
    )


def test_a_file_of_items_creates_its_customers(entity: LegalEntity):
    content = csv_bytes(
        f"N1;Ateliers Durand;{SIREN};compta@durand.example;45FM;F1;15/10/2026;10,00",
        f"N1;Ateliers Durand;{SIREN};;45FM;F2;15/10/2026;20,00",
        "N2;;;;;F3;15/10/2026;30,00",
        "C1;;;;;F4;15/10/2026;40,00",
        header=HEADER,
    )
    batch = preview(entity, content, creates_customers=True)
    assert (batch.new_count, batch.error_count, batch.new_customer_count) == (3, 1, 1)
    assert [error.code for error in batch_errors(batch)] == ["customer_unknown"]
    assert not Customer.objects.filter(account_code="N1").exists()
    batch = commit(batch, accept_rejects=True)
    customer = Customer.objects.get(account_code="N1")
    assert (customer.name, customer.siren, customer.terms.code) == ("Ateliers Durand", SIREN, "45FM")
    assert list(customer.contacts.values_list("email", flat=True)) == ["compta@durand.example"]
    assert OpenItem.objects.filter(customer=customer).count() == 2
    event = AuditEvent.objects.get(verb="customers.customer.created")
    assert f"importbatch:{batch.pk}" in event.refs
    roll_back(batch)
    assert not Customer.objects.filter(account_code="N1").exists()
    assert not OpenItem.objects.exists()


def test_without_leave_nobody_is_created(entity: LegalEntity):
    batch = preview(entity, csv_bytes(f"N1;Durand;{SIREN};;;F1;15/10/2026;10,00", header=HEADER))
    assert (batch.error_count, batch.new_customer_count) == (1, 0)


def test_a_row_without_code_finds_its_customer_by_identifier(entity: LegalEntity):
    known = Customer.objects.get(account_code="C1")
    known.siren, known.vat_number = SIREN, "FR44732829320"
    known.save()
    batch = receive(entity, csv_bytes("C1;F1;;15/10/2026;;10,00;;;"), creates_customers=True)
    ImportBatch.objects.update(status="READING")
    batch.refresh_from_db()
    row = {
        "number": "F1",
        "kind": "INVOICE",
        "issue_date": TODAY,
        "due_date": TODAY,
        "currency": "EUR",
        "total_amount": 5,
    }
    with Staging() as table:
        rows = [
            StagedRow(line=1, details={"customer": {"name": "X", "siren": SIREN}}, **row),
            StagedRow(line=2, details={"customer": {"vat_number": "FR44732829320"}}, **row | {"number": "F2"}),
            StagedRow(line=3, details={"customer": {"name": "Y", "siret": OTHER_SIRET}}, **row | {"number": "F3"}),
            StagedRow(line=4, details={"customer": {"name": "Z"}}, **row | {"number": "F4"}),
        ]  # fmt: skip
        table.copy("".join(copy_line(row) for row in rows).encode())
        preview_staged(batch, table, TODAY, NOW)
    batch.refresh_from_db()
    assert list(batch.rows.order_by("line").values_list("customer_code", "outcome")) == [
        ("C1", "NEW"),
        ("C1", "NEW"),
        (OTHER_SIRET[:9], "NEW"),
        (None, "ERROR"),
    ]
    commit(batch, accept_rejects=True)
    assert Customer.objects.get(account_code=OTHER_SIRET[:9]).siret == OTHER_SIRET


def test_a_new_customer_that_cannot_be_created_refuses_his_rows(entity: LegalEntity):
    CustomerFactory(legal_entity=entity, account_code="C3", siren=SIREN, siret=SIRET)
    content = csv_bytes(
        "N1;Durand;732829321;;;F1;15/10/2026;10,00",
        "N2;Petit;;;60J;F2;15/10/2026;10,00",
        header=HEADER,
    )
    batch = preview(entity, content, creates_customers=True)
    assert [(error.line, error.field, error.code) for error in batch_errors(batch)] == [
        (2, "siren", "identifier_invalid"),
        (3, "terms", "terms_unknown"),
    ]
    assert all(error.message for error in batch_errors(batch))


def test_customers_new_changed_unchanged_and_in_error(entity: LegalEntity):
    known = Customer.objects.get(account_code="C1")
    Contact.objects.create(customer=known, name="Service comptable", email="compta@c1.example", phone="01")
    batch = staged(
        entity,
        said(2, "N1", [{"name": "Léa", "email": "lea@n1.example", "gets_dunning": True}], name="Neuve", siret=SIRET),
        said(
            3, "C1", [{"name": "Service comptable", "email": "COMPTA@c1.example", "phone": "02"}], name="C1 Sarl", terms="45fm"
        ),
        said(4, "C2", name=Customer.objects.get(account_code="C2").name),
        said(5, "N2", name="Fausse", siren="123456789"),
        said(6, "N1", name="Encore"),
        said(7, "N3", name="Même établissement", siret=SIRET),
        said(8, "N4"),
        said(9, "N5", [{"name": "Sans adresse", "gets_dunning": True}], name="Sans adresse"),
    )  # fmt: skip
    assert (batch.new_count, batch.changed_count, batch.unchanged_count, batch.error_count) == (1, 1, 1, 5)
    assert [(error.line, error.field, error.code) for error in batch_errors(batch)] == [
        (5, "siren", "identifier_invalid"),
        (6, "customer_code", "duplicate_in_file"),
        (7, "siret", "siret_taken"),
        (8, "name", "required"),
        (9, "email", "email_needed"),
    ]
    [row] = changed_rows(batch)
    assert [(change.field, change.before, change.after) for change in row.changes] == [
        ("name", known.name, "C1 Sarl"),
        ("terms", known.terms.code, "45FM"),
        ("contact", "Service comptable, compta@c1.example, 01", "Service comptable, compta@c1.example, 02"),
    ]
    batch = commit(batch, accept_rejects=True)
    known.refresh_from_db()
    assert (known.name, known.terms.code) == ("C1 Sarl", "45FM")
    assert known.contacts.get().phone == "02"
    new = Customer.objects.get(account_code="N1")
    assert (new.siren, new.siret, new.contacts.get().gets_dunning) == (SIRET[:9], SIRET, True)
    verbs = list(
        AuditEvent.objects.filter(refs__contains=[f"customer:{known.pk}"]).values_list("verb", flat=True)
    )
    assert sorted(verbs) == ["customers.contact.updated", "customers.customer.updated"]


def test_the_same_customers_again_change_nothing(entity: LegalEntity):
    rows = [
        said(2, "N1", [{"name": "Léa", "email": "lea@n1.example"}], name="Neuve", siret=SIRET, segment="PME")
    ]
    commit(staged(entity, *rows))
    again = staged(entity, *rows)
    assert (again.new_count, again.changed_count, again.unchanged_count) == (0, 0, 1)


def test_a_file_of_customers_taken_back(entity: LegalEntity):
    known = Customer.objects.get(account_code="C1")
    contact = Contact.objects.create(customer=known, name="Léa", email="lea@c1.example", phone="01")
    fields = [field.attname for field in Customer._meta.concrete_fields if field.name != "updated_at"]
    before = list(Customer.objects.order_by("pk").values_list(*fields))
    batch = commit(
        staged(
            entity,
            said(2, "N1", [{"name": "Max", "email": "max@n1.example"}], name="Neuve", siret=SIRET),
            said(
                3, "C1", [{"name": "Léa", "email": "lea@c1.example", "phone": "02"}, {"name": "Zoé", "phone": "03"}], name="C1 Sarl"
            ),
        )
    )  # fmt: skip
    assert Contact.objects.count() == 3
    roll_back(batch)
    assert list(Customer.objects.order_by("pk").values_list(*fields)) == before
    assert list(Contact.objects.values_list("pk", "phone")) == [(contact.pk, "01")]


def test_a_customer_who_was_invoiced_since_stays(entity: LegalEntity):
    batch = commit(staged(entity, said(2, "N1", name="Neuve"), said(3, "C1", name="C1 Sarl")))
    OpenItemFactory(customer=Customer.objects.get(account_code="N1"))
    [dependent] = rollback_dependents(batch)
    assert (dependent.count, dependent.examples) == (1, ["N1"])
    before = world()
    with pytest.raises(RollbackRefused):
        request_rollback(actor=SYSTEM, batch=batch, reason="Erreur", now=NOW)
    assert world() == before
    Customer.objects.filter(account_code="C1").update(name="Autre")
    assert len(rollback_dependents(batch)) == 2


def test_many_new_customers_are_suspicious(entity: LegalEntity, make_user):
    rows = [f"N{number};Client {number};;;;F{number};15/10/2026;10,00" for number in range(12)]
    batch = preview(entity, csv_bytes(*rows, header=HEADER), creates_customers=True)
    assert [suspicion["code"] for suspicion in batch.suspicions] == ["new_customers"]
    commit(confirm_all(batch, make_user(Role.ACCOUNTANT)))
    assert Customer.objects.filter(account_code__startswith="N").count() == 12


@pytest.mark.parametrize(
    "values",
    [
        {"siren": SIREN},
        {"siret": "732 829 320 00074"},
        {"siren": "732829321"},
        {"siret": SIRET, "siren": "552100554"},
        {"siren": SIREN, "vat_number": "44732829320"},
        {"siren": SIREN, "vat_number": "FR00732829320"},
        {"kind": "CONSUMER", "siren": SIREN},
        {"kind": "CONSUMER"},
        {"country": "CH", "foreign_id": "CHE-116.281.710"},
        {"country": "DE", "vat_number": "DE136695976"},
        {"country": "XXX"},
        {"name": "  Deux   espaces ", "siren": SIREN, "address_lines": " 1  rue\n\n 2 "},
    ],
)
def test_one_at_a_time_and_in_a_batch_give_the_same(entity: LegalEntity, values: dict[str, str]):
    name = values.get("name", "Durand")
    other = LegalEntityFactory()
    given = {key: value for key, value in values.items() if key != "name"}
    try:
        alone = create_customer(
            actor=SYSTEM, now=NOW, legal_entity=other, account_code="N1", name=name, **given
        )
    except CustomerError:
        alone = None
    batch = staged(entity, said(2, "N1", **{"name": name, **values}))
    assert (batch.new_count == 1) == (alone is not None)
    if alone is not None:
        commit(batch)
        found = Customer.objects.get(account_code="N1", legal_entity=entity)
        for field in (
            "name",
            "kind",
            "siren",
            "siret",
            "vat_number",
            "foreign_id",
            "country",
            "address_lines",
        ):
            assert getattr(found, field) == getattr(alone, field)


def test_a_code_opened_meanwhile_is_left_as_it_is(entity: LegalEntity):
    PaymentTermsFactory(code="NET60")
    CustomerFactory(legal_entity=entity, account_code="N1", name="Déjà là")
    written = write_customers(
        actor=SYSTEM, entity=entity, changes=[CustomerChange("N1", {"name": "Autre"})], refs=[], now=NOW
    )
    assert written.opened == {}
    assert Customer.objects.get(account_code="N1").name == "Déjà là"
