"""Pages of checks, holds, orders, alerts and settings; agenda entries; the panel of the customer's page."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from config.agenda import agenda
from core.models import AuditEvent, Role, User
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from risk.models import CreditCheck, CreditHold, Order, RiskSettings, UtilisationAlert
from risk.operations.credit_checks import ask_credit
from risk.operations.hold_sweeps import sweep_holds
from risk.operations.holds import place_hold
from risk.operations.orders import OrderValues, record_order
from tests.customers.factories import CustomerFactory
from tests.pages import HOSTILE, assert_no_server_error, counting
from tests.risk.factories import NOW, TODAY, invoice, limit
from tests.risk.pages import body, over

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_day")]
DAYS = {"today": TODAY, "now": NOW}


@pytest.fixture
def customer(entity: LegalEntity) -> Customer:
    customer = CustomerFactory(legal_entity=entity, name="Ateliers Brunel")
    limit(customer, "1000")
    return customer


def referred(customer: Customer) -> CreditCheck:
    return ask_credit(
        actor=SYSTEM, customer=customer, amount=Decimal(1050), reference="C-9", reserves=True, **DAYS
    )


def test_ask_then_another_person_grants(client: Client, customer: Customer, make_user, sign_in) -> None:
    page = client.get(reverse("risk:check-ask"), {"client": customer.pk})
    assert f'value="{customer.account_code}"' in body(page)
    values = {"customer": customer.account_code, "amount": "1 050,00", "reference": "C-1"}
    answer = client.post(reverse("risk:check-ask"), values, follow=True)
    assert "Une personne doit décider." in body(answer)
    assert "Plafond dépassé de 50,00 €" in body(answer)
    assert "une autre personne doit accorder" in body(answer)
    check = CreditCheck.objects.get()
    director = sign_in(make_user(Role.FINANCE_DIRECTOR))
    address = reverse("risk:check-detail", args=[check.pk])
    assert "Accorder 1 050,00 €" in body(director.get(address))
    assert director.post(address, {"decision": "grant", "reason": ""}).status_code == 422
    done = director.post(address, {"decision": "grant", "reason": "Acompte reçu"}, follow=True)
    assert "elle prend sa part du plafond" in body(done)
    assert Order.objects.get().status == Order.Status.RESERVED
    assert "Acompte reçu" in body(client.get(address))


def test_pure_question_and_wrong_values(client: Client, customer: Customer) -> None:
    address = reverse("risk:check-ask")
    answer = client.post(address, {"customer": "ateliers brunel", "amount": "900"}, follow=True)
    assert "Oui, livrez." in body(answer)
    for values, told in (
        ({"customer": "inconnu", "amount": "900"}, "Aucun client de votre périmètre"),
        ({"customer": customer.account_code, "amount": "-5"}, "positif"),
        ({"customer": customer.account_code, "amount": "beaucoup"}, "field"),
    ):
        answer = client.post(address, values)
        assert answer.status_code == 422
        assert told in body(answer)
    assert CreditCheck.objects.count() == 1


def test_hold_then_release_until_a_day_then_end(client: Client, customer: Customer) -> None:
    place = reverse("risk:hold-place", args=[customer.pk])
    assert client.post(place, {"reason": ""}).status_code == 422
    held = client.post(place, {"reason": "Chèque impayé"}, follow=True)
    assert "toute livraison est refusée" in body(held)
    assert client.post(place, {"reason": "Encore"}).status_code == 422
    hold = CreditHold.objects.get()
    refused = client.post(
        reverse("risk:check-ask"), {"customer": customer.account_code, "amount": "10"}, follow=True
    )
    assert "Non, ne livrez pas." in body(refused)
    assert "Chèque impayé" in body(refused)
    address = reverse("risk:hold-detail", args=[hold.pk])
    assert client.post(address, {"reason": "Virement annoncé"}).status_code == 422
    past = TODAY - timedelta(days=1)
    assert client.post(address, {"reason": "Virement", "until": past.isoformat()}).status_code == 422
    done = client.post(address, {"reason": "Virement annoncé", "until": TODAY.isoformat()}, follow=True)
    assert "jusqu’au 23/11/2026" in body(done)
    passed = client.post(
        reverse("risk:check-ask"), {"customer": customer.account_code, "amount": "10"}, follow=True
    )
    assert "Oui, livrez." in body(passed)
    client.post(reverse("risk:hold-restore", args=[hold.pk]), {"reason": "Rien reçu"})
    assert CreditHold.objects.get().status == "ACTIVE"
    client.post(reverse("risk:hold-end", args=[hold.pk]), {"reason": "Payé"})
    assert CreditHold.objects.get().status == "ENDED"
    assert list(AuditEvent.objects.filter(verb__startswith="risk.hold").values_list("verb", flat=True).order_by("pk")) == [
        "risk.hold.placed", "risk.hold.released", "risk.hold.restored", "risk.hold.ended",
    ]  # fmt: skip
    assert "Levé" in body(client.get(address))


def test_nightly_sweep(client: Client, entity: LegalEntity) -> None:
    late, paid, steady = (CustomerFactory(legal_entity=entity) for _n in range(3))
    invoice(late, "900", TODAY - timedelta(days=31))
    invoice(paid, "900", TODAY - timedelta(days=30))
    beyond = over(entity)
    near = CustomerFactory(legal_entity=entity)
    limit(near, "1000")
    invoice(near, "850", TODAY)
    broken = CustomerFactory(legal_entity=entity, status="INSOLVENT", insolvency_date=TODAY)
    RiskSettings.objects.create(
        legal_entity=entity, holds_over_limit=True, over_limit_grace_days=2, updated_at=NOW
    )
    counts = sweep_holds(actor=SYSTEM, **DAYS)
    assert counts == {"alerts": 2, "restored": 0, "ended": 0, "placed": 2}
    assert {(hold.customer_id, hold.kind) for hold in CreditHold.objects.all()} == {
        (late.pk, "OVERDUE"), (broken.pk, "INSOLVENCY"),
    }  # fmt: skip
    assert {(alert.customer_id, alert.percent) for alert in UtilisationAlert.objects.standing()} == {
        (beyond.pk, 100), (near.pk, 80),
    }  # fmt: skip
    assert sweep_holds(actor=SYSTEM, **DAYS) == {"alerts": 0, "restored": 0, "ended": 0, "placed": 0}
    # Two days later the excess holds too; the insolvent customer's hold ends with its cause.
    Customer.objects.filter(pk=broken.pk).update(status="ACTIVE")
    later = TODAY + timedelta(days=2)
    counts = sweep_holds(actor=SYSTEM, today=later, now=NOW)
    assert CreditHold.objects.get(kind="OVER_LIMIT").customer == beyond
    assert CreditHold.objects.get(customer=broken).status == "ENDED"
    assert CreditHold.objects.filter(customer=paid, kind="OVERDUE").exists()
    assert not CreditHold.objects.filter(customer=steady).exists()
    assert "80 %" in body(client.get(reverse("risk:alert-list")))


def test_orders_by_hand(client: Client, customer: Customer) -> None:
    values = {
        "customer": customer.account_code, "reference": "C-1", "amount": "600", "ordered_on": TODAY.isoformat(),
    }  # fmt: skip
    page = client.post(reverse("risk:order-create"), values, follow=True)
    order = Order.objects.get()
    assert "elle compte dans l’encours" in body(page)
    deliver = reverse("risk:order-deliver", args=[order.pk])
    assert client.post(deliver, {"reference": "", "amount": "x"}).status_code == 422
    page = client.post(
        deliver, {"reference": "BL-1", "amount": "250", "delivered_on": TODAY.isoformat()}, follow=True
    )
    assert "Livrée en partie" in body(page)
    text = body(client.get(reverse("risk:order-list")))
    assert "250,00 €" in text
    assert "350,00 €" in text
    client.post(reverse("risk:order-end", args=[order.pk]), {"ending": "CLOSED", "reason": "Fin de série"})
    order.refresh_from_db()
    assert order.status == Order.Status.CLOSED
    assert "Commande" in body(client.get(reverse("risk:order-detail", args=[order.pk])))


def test_settings(sign_in, make_user, entity: LegalEntity) -> None:
    director = sign_in(make_user(Role.FINANCE_DIRECTOR))
    assert "80 %" in body(director.get(reverse("risk:check-settings")))
    address = reverse("risk:check-settings-edit", args=[entity.pk])
    values = {
        "counts_open_items": "on", "counts_deliveries": "on", "counts_credit_notes": "on", "counts_receipts": "on",
        "alert_percents": "70, 95", "tolerance_percent": "5", "overdue_grace_days": "20",
        "overdue_hold_amount": "250", "over_limit_grace_days": "3", "reservation_days": "15",
    }  # fmt: skip
    for wrong in ({"alert_percents": "90, 80"}, {"alert_percents": "x"}, {"reservation_days": "0"}):
        answer = director.post(address, values | wrong)
        assert answer.status_code == 422, wrong
    assert director.post(address, values).status_code == 302
    row = RiskSettings.objects.get()
    assert (row.alert_percents, row.counts_orders, row.overdue_hold_amount) == ([70, 95], False, 250)
    assert "70 %, 95 %" in body(director.get(reverse("risk:check-settings")))


def test_panel_of_the_customer_page(client: Client, customer: Customer) -> None:
    place_hold(actor=SYSTEM, customer=customer, reason="Chèque impayé", **DAYS)
    record_order(actor=SYSTEM, customer=customer, reference="C-1", values=OrderValues(Decimal(300)), **DAYS)
    text = body(
        client.get(reverse("risk:customer-panel", args=[customer.pk]), headers={"HX-Request": "true"})
    )
    assert "Chèque impayé" in text
    assert "1 commande ouverte" in text
    assert "Commandes et réservations" in text


def test_agenda(customer: Customer, make_user) -> None:
    referred(customer)
    found: dict[str, object] = {entry.key: entry for entry in agenda(_user(make_user), TODAY)}
    assert "referred_orders" in found


def _user(make_user) -> User:
    user: User = make_user(Role.CREDIT_MANAGER, email="gestion@example.test")
    return user


@pytest.mark.parametrize("name", ["check-list", "hold-list", "order-list", "alert-list"])
def test_lists_take_any_input_and_ask_no_more_with_more_rows(client: Client, entity, name) -> None:
    assert HOSTILE
    assert_no_server_error(
        client, reverse(f"risk:{name}"), ("q", "entity", "status", "kind", "outcome", "sort", "cursor")
    )

    def add(count: int) -> None:
        for _n in range(count):
            one = CustomerFactory(legal_entity=entity)
            limit(one, "1000")
            invoice(one, "900", TODAY)
            ask_credit(
                actor=SYSTEM, customer=one, amount=Decimal(50), reference=f"C-{one.pk}", reserves=True, **DAYS
            )
            place_hold(actor=SYSTEM, customer=one, reason="Essai", **DAYS)
        sweep_holds(actor=SYSTEM, **DAYS)

    counts = []
    for more in (2, 18):
        add(more)
        with counting() as asked:
            assert client.get(reverse(f"risk:{name}")).status_code == 200
            counts.append(asked())
    assert counts[0] == counts[1]


def test_others_scope_is_unknown(customer: Customer, make_user, sign_in) -> None:
    stranger = sign_in(make_user(Role.CREDIT_MANAGER, email="ailleurs@example.test", sees=[]))
    check, hold = referred(customer), place_hold(actor=SYSTEM, customer=customer, reason="Essai", **DAYS)
    for name, pk in (
        ("check-detail", check.pk), ("hold-detail", hold.pk), ("hold-place", customer.pk),
        ("order-detail", Order.objects.get().pk), ("check-settings-edit", customer.legal_entity_id),
    ):  # fmt: skip
        assert stranger.get(reverse(f"risk:{name}", args=[pk])).status_code in (403, 404), name
