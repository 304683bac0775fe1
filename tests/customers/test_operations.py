"""Operations on customers and contacts: what they write, and that a refusal writes nothing but its audit row."""

import threading
from datetime import UTC, date, datetime

import pytest
from django.db import connection

from core.errors import BusinessError, NotAllowed, WrongState
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.forms import ContactForm, CustomerForm, NewCustomerForm
from customers.models import Contact, Customer
from customers.operations import (
    CustomerError,
    DuplicateCustomer,
    add_contact,
    create_customer,
    declare_insolvent,
    hold_customer,
    release_customer,
    update_customer,
)
from tests.customers.factories import CustomerFactory, LegalEntityFactory, PaymentTermsFactory

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
SIREN, SIRET = "732829320", "73282932000074"

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(make_user):
    return make_user(Role.CREDIT_MANAGER)


@pytest.fixture
def entity():
    return LegalEntityFactory()


def create(manager, entity, **values):
    defaults = {"account_code": "C1", "name": "Menuiserie Tarvelin", "siren": SIREN}
    return create_customer(actor=manager, now=NOW, legal_entity=entity, **(defaults | values))


def test_a_french_company(manager, entity) -> None:
    customer = create(
        manager,
        entity,
        account_code="  C   1 ",
        siren="732 829 320",
        siret="732 829 320 00074",
        vat_number="44732829320",
        naf_code="4332a",
        address_lines="12  rue des Tanneurs\n\n 69001 Lyon ",
        segment="PME",
    )
    customer.refresh_from_db()
    assert (customer.account_code, customer.siren, customer.siret) == ("C 1", SIREN, SIRET)
    assert (customer.vat_number, customer.naf_code) == ("FR44732829320", "43.32A")
    assert customer.address_lines == "12 rue des Tanneurs\n69001 Lyon"
    assert (customer.terms, customer.currency) == (entity.default_terms, "EUR")
    event = AuditEvent.objects.get()
    assert event.verb == "customers.customer.created"
    assert event.refs == [f"customer:{customer.pk}", f"legalentity:{entity.pk}"]
    assert (event.actor, event.occurred_at) == (manager, NOW)


def test_siret_alone_gives_the_siren(manager, entity) -> None:
    assert create(manager, entity, siren="", siret=SIRET).siren == SIREN


def test_foreign_company_and_consumer_have_no_siren(manager, entity) -> None:
    german = create(
        manager,
        entity,
        siren="",
        country="de",
        vat_number="DE136695976",
        foreign_id="HRB 12345",
        language="en",
    )
    assert (german.siren, german.country, german.foreign_id) == ("", "DE", "HRB 12345")
    consumer = create(manager, entity, account_code="C2", siren="", kind=Customer.Kind.CONSUMER)
    assert consumer.siren == ""


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"siren": "732829321"}, "siren", "clé de contrôle"),
        ({"siren": ""}, "siren", "obligatoire"),
        ({"siret": "55208131766522"}, "siret", "doit commencer par"),
        ({"vat_number": "FR27552032534"}, "vat_number", "autre SIREN"),
        ({"vat_number": "DE136695976"}, "vat_number", "ne commence pas par FR"),
        ({"kind": "CONSUMER"}, "siren", "particulier"),
        ({"kind": "SOCIÉTÉ"}, "kind", None),
        ({"naf_code": "x"}, "naf_code", "code NAF"),
        ({"country": "FRA"}, "country", None),
        ({"currency": "euro"}, "currency", None),
        ({"name": "  "}, "name", None),
        ({"name": "N" * 121}, "name", None),
        ({"account_code": " "}, "account_code", "code client"),
        ({"account_code": "C" * 41}, "account_code", None),
    ],
)
def test_what_is_refused_names_its_field(manager, entity, values, field, says) -> None:
    with pytest.raises(CustomerError, match=says) as refusal:
        create(manager, entity, **values)
    assert refusal.value.field == field
    assert not Customer.objects.exists()
    assert not AuditEvent.objects.exists()


def test_account_code_once_per_entity(manager, entity) -> None:
    create(manager, entity)
    with pytest.raises(DuplicateCustomer) as refusal:
        create(manager, entity, siren="552032534")
    assert refusal.value.field == "account_code"
    assert "Menuiserie Tarvelin" in refusal.value.message
    assert Customer.objects.count() == 1
    assert create(manager, LegalEntityFactory()).account_code == "C1"


def test_establishment_once_per_entity_but_a_company_may_have_several(manager, entity) -> None:
    first = create(manager, entity, siret=SIRET)
    with pytest.raises(DuplicateCustomer) as refusal:
        create(manager, entity, account_code="C2", siret=SIRET)
    assert refusal.value.field == "siret"
    assert create(manager, entity, account_code="C3").siren == first.siren
    Customer.objects.filter(pk=first.pk).update(status=Customer.Status.CLOSED)
    assert create(manager, entity, account_code="C2", siret=SIRET).siret == SIRET


def test_update_keeps_what_changed_and_is_silent_without_change(manager, entity) -> None:
    customer = create(manager, entity)
    updated = update_customer(
        actor=manager, now=NOW, customer=customer, name="Tarvelin & Fils", segment="PME"
    )
    assert (updated.name, updated.segment) == ("Tarvelin & Fils", "PME")
    event = AuditEvent.objects.get(verb="customers.customer.updated")
    assert event.data["changes"] == {
        "name": {"from": "Menuiserie Tarvelin", "to": "Tarvelin & Fils"},
        "segment": {"from": "", "to": "PME"},
    }
    update_customer(actor=manager, now=NOW, customer=customer, name=" Tarvelin  & Fils ")
    assert AuditEvent.objects.filter(verb="customers.customer.updated").count() == 1


def test_update_refuses_bad_values_and_unknown_fields(manager, entity) -> None:
    customer = create(manager, entity)
    with pytest.raises(CustomerError) as refusal:
        update_customer(actor=manager, now=NOW, customer=customer, name="Autre", siren="123")
    assert refusal.value.field == "siren"
    customer.refresh_from_db()
    assert customer.name == "Menuiserie Tarvelin"
    with pytest.raises(TypeError, match="account_code"):
        update_customer(actor=manager, now=NOW, customer=customer, account_code="C9")


def test_an_account_without_siren_stays_editable_until_its_identity_is_touched(manager, entity) -> None:
    customer = CustomerFactory(legal_entity=entity, siren="")
    assert update_customer(actor=manager, now=NOW, customer=customer, segment="PME").segment == "PME"
    with pytest.raises(CustomerError) as refusal:
        update_customer(actor=manager, now=NOW, customer=customer, kind=Customer.Kind.SOLE_TRADER)
    assert refusal.value.field == "siren"


def test_groups_never_close_on_themselves(manager, entity) -> None:
    mother = create(manager, entity)
    daughter = create(manager, entity, account_code="C2", parent=mother)
    for parent in (daughter, mother):
        with pytest.raises(CustomerError) as refusal:
            update_customer(actor=manager, now=NOW, customer=mother, parent=parent)
        assert refusal.value.field == "parent"
    elsewhere = CustomerFactory()
    with pytest.raises(CustomerError, match="même entité"):
        update_customer(actor=manager, now=NOW, customer=mother, parent=elsewhere)


def test_contacts(manager, entity) -> None:
    customer = create(manager, entity)
    contact = add_contact(
        actor=manager,
        now=NOW,
        customer=customer,
        name="Service comptable",
        email=" Compta@Tarvelin.example ",
        gets_dunning=True,
    )
    assert (contact.email, contact.role) == ("compta@tarvelin.example", Contact.ContactRole.ACCOUNTS_PAYABLE)
    assert AuditEvent.objects.filter(
        verb="customers.contact.added", refs__contains=[f"contact:{contact.pk}"]
    ).exists()
    for values in (
        {"email": "COMPTA@tarvelin.example"},
        {"email": "pas une adresse"},
        {"email": "", "phone": "01 99 00 12 34", "gets_dunning": True},
        {"email": "", "phone": ""},
    ):
        with pytest.raises(CustomerError) as refusal:
            add_contact(actor=manager, now=NOW, customer=customer, name="Autre", **values)
        assert refusal.value.field == "email"
    assert customer.contacts.count() == 1


def test_hold_and_release(manager, entity) -> None:
    customer = create(manager, entity)
    held = hold_customer(
        actor=manager,
        now=NOW,
        today=TODAY,
        customer=customer,
        reason="Litige global",
        until=date(2026, 12, 31),
    )
    assert (held.status, held.hold_until) == (Customer.Status.ON_HOLD, date(2026, 12, 31))
    with pytest.raises(WrongState):
        hold_customer(actor=manager, now=NOW, today=TODAY, customer=customer, reason="Encore")
    released = release_customer(actor=manager, now=NOW, customer=customer)
    assert (released.status, released.hold_reason, released.hold_until) == (Customer.Status.ACTIVE, "", None)
    with pytest.raises(WrongState):
        release_customer(actor=manager, now=NOW, customer=customer)
    assert list(AuditEvent.objects.order_by("id").values_list("verb", flat=True)) == [
        "customers.customer.created",
        "customers.customer.held",
        "customers.customer.released",
    ]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"reason": " "}, "hold_reason"),
        ({"reason": "x" * 201}, "hold_reason"),
        ({"reason": "Litige", "until": date(2026, 11, 22)}, "hold_until"),
    ],
)
def test_a_hold_needs_a_reason_and_a_day_to_come(manager, entity, values, field) -> None:
    customer = create(manager, entity)
    with pytest.raises(CustomerError) as refusal:
        hold_customer(actor=manager, now=NOW, today=TODAY, customer=customer, **values)
    assert refusal.value.field == field
    customer.refresh_from_db()
    assert customer.status == Customer.Status.ACTIVE


def test_insolvency(manager, entity) -> None:
    customer = create(manager, entity)
    with pytest.raises(CustomerError) as refusal:
        declare_insolvent(
            actor=manager, now=NOW, today=TODAY, customer=customer, judgment_date=date(2026, 11, 24)
        )
    assert refusal.value.field == "insolvency_date"
    hold_customer(actor=manager, now=NOW, today=TODAY, customer=customer, reason="Rumeurs")
    insolvent = declare_insolvent(
        actor=manager, now=NOW, today=TODAY, customer=customer, judgment_date=date(2026, 11, 20)
    )
    assert (insolvent.status, insolvent.insolvency_date) == (Customer.Status.INSOLVENT, date(2026, 11, 20))
    assert insolvent.hold_reason == ""
    with pytest.raises(WrongState):
        declare_insolvent(
            actor=manager, now=NOW, today=TODAY, customer=customer, judgment_date=date(2026, 11, 20)
        )
    with pytest.raises(WrongState):
        release_customer(actor=manager, now=NOW, customer=customer)


def test_rights_and_scope(make_user, entity) -> None:
    director = make_user(Role.FINANCE_DIRECTOR)
    with pytest.raises(NotAllowed):
        create(director, entity)
    assert AuditEvent.objects.get().verb == "core.operation.refused"
    elsewhere = make_user(Role.CREDIT_MANAGER, email="ailleurs@example.test", sees=[LegalEntityFactory()])
    with pytest.raises(BusinessError) as refusal:
        create(elsewhere, entity)
    assert refusal.value.field == "legal_entity"
    customer = create(SYSTEM, entity)
    with pytest.raises(Customer.DoesNotExist):
        update_customer(actor=elsewhere, now=NOW, customer=customer, segment="PME")
    accountant = make_user(Role.ACCOUNTANT)
    with pytest.raises(NotAllowed):
        hold_customer(actor=accountant, now=NOW, today=TODAY, customer=customer, reason="Litige")
    customer.refresh_from_db()
    assert (customer.status, customer.segment) == (Customer.Status.ACTIVE, "")


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_one_code_make_one_customer(make_user) -> None:
    manager, entity = make_user(Role.CREDIT_MANAGER), LegalEntityFactory()
    barrier, outcomes = threading.Barrier(2), []

    def attempt() -> None:
        try:
            barrier.wait(5)
            outcomes.append(create(manager, entity).pk)
        except DuplicateCustomer as refusal:
            outcomes.append(refusal.field)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(outcomes) == 2
    assert "account_code" in outcomes
    assert Customer.objects.count() == 1
    assert AuditEvent.objects.filter(verb="customers.customer.created").count() == 1


def filled(entity, **values):
    return {
        "legal_entity": entity.pk,
        "account_code": "C1",
        "name": "Menuiserie Tarvelin",
        "kind": "COMPANY",
        "country": "FR",
        "language": "fr",
        "currency": "EUR",
        "terms": PaymentTermsFactory().pk,
        "siren": "732 829 320",
    } | values


def test_form_hands_clean_values_to_the_operation(manager, entity) -> None:
    mother = create(manager, entity, account_code="M1")
    form = NewCustomerForm(
        filled(entity, siret="732 829 320 00074", naf_code="4332a", parent="M1"), actor=manager
    )
    assert form.is_valid(), form.errors
    customer = create_customer(actor=manager, now=NOW, **form.values())
    assert (customer.siret, customer.naf_code, customer.parent) == (SIRET, "43.32A", mother)
    again = CustomerForm(
        filled(entity, parent="", segment="PME"), instance=Customer.objects.get(pk=customer.pk), actor=manager
    )
    assert again.initial["parent"] == "M1"
    assert again.is_valid(), again.errors
    assert update_customer(actor=manager, now=NOW, customer=customer, **again.values()).parent is None


def test_form_says_each_fault_at_its_field(manager, entity) -> None:
    form = NewCustomerForm(
        filled(
            entity, siren="123", siret="1", vat_number="FR1", naf_code="?", parent="INCONNU", currency="euros"
        ),
        actor=manager,
    )
    assert set(form.errors) == {"siren", "siret", "vat_number", "naf_code", "parent", "currency"}
    assert ContactForm({"name": "", "role": "OTHER", "email": "x"}).errors.keys() == {"name", "email"}
