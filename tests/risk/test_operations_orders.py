"""Orders, deliveries and what is billed of them: never counted twice; checks that reserve; referrals decided."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import Customer
from risk.exposure import balances, exposures, group_exposure
from risk.models import CreditCheck, CreditHold, Order, PendingAmount, UnbilledDelivery
from risk.operations.credit_checks import DecisionRefused, ask_credit, decide_check
from risk.operations.order_sweeps import settle_orders
from risk.operations.order_values import OrderConflict, OrderRefused
from risk.operations.orders import (
    DeliveryValues,
    OrderValues,
    end_delivery,
    end_order,
    record_delivery,
    record_order,
    release_order,
)
from risk.operations.risk_settings import SettingsRefused, set_risk_settings
from tests.customers.factories import CustomerFactory
from tests.invoices.factories import CreditNoteFactory, PaymentFactory
from tests.risk.factories import NOW, TODAY, invoice, limit

pytestmark = pytest.mark.django_db
DAYS = {"today": TODAY, "now": NOW}


@pytest.fixture
def customer() -> Customer:
    customer = CustomerFactory()
    limit(customer, "1000")
    return customer


def order(customer: Customer, reference: str, amount: str, **values) -> Order:
    given = OrderValues(amount=Decimal(amount), **values)
    return record_order(actor=SYSTEM, customer=customer, reference=reference, values=given, **DAYS)[0]


def delivery(customer: Customer, reference: str, amount: str, **values) -> UnbilledDelivery:
    given = DeliveryValues(amount=Decimal(amount), **values)
    return record_delivery(actor=SYSTEM, customer=customer, reference=reference, values=given, **DAYS)[0]


def ask(customer: Customer, amount: str, reference: str = "", actor=SYSTEM, **values) -> CreditCheck:
    return ask_credit(
        actor=actor,
        customer=customer,
        amount=Decimal(amount),
        reference=reference,
        reserves=bool(reference),
        **DAYS | values,
    )


def counted(customer: Customer) -> tuple[Decimal, Decimal, Decimal]:
    part = exposures([customer], TODAY)[customer.pk].counted
    return part.debits_amount, part.deliveries_amount, part.orders_amount


def stored(customer: Customer) -> Decimal:
    return sum((row.counted_amount for row in PendingAmount.objects.filter(customer=customer)), Decimal(0))


def test_exposure_of_the_indicators() -> None:
    customer = CustomerFactory()
    invoice(customer, "90000", TODAY + timedelta(days=20))
    delivery(customer, "BL-1", "10000")
    order(customer, "C-1", "15000")
    CreditNoteFactory(customer=customer, total_amount=Decimal("-3000"))
    PaymentFactory(customer=customer, total_amount=Decimal("-2000"))
    limit(customer, "100000")
    found = exposures([customer], TODAY)[customer.pk]
    assert (found.amount, found.use.share) == (110_000, Decimal("1.100"))
    assert stored(customer) == 25_000


class TestBilledOnce:
    def test_order_delivered_in_parts_then_billed(self, customer) -> None:
        order(customer, "C-1", "600")
        assert counted(customer) == (0, 0, 600)
        delivery(customer, "BL-1", "200", order_reference="C-1")
        assert counted(customer) == (0, 200, 400)
        assert Order.objects.get().status == Order.Status.PART_DELIVERED
        invoice(customer, "200", TODAY + timedelta(days=30), issue_date=TODAY, reference="BL-1")
        assert counted(customer) == (200, 0, 400)
        delivery(customer, "BL-2", "400", order_reference="C-1")
        assert counted(customer) == (200, 400, 0)
        invoice(customer, "400", TODAY + timedelta(days=30), issue_date=TODAY, reference="C-1")
        assert counted(customer) == (600, 0, 0)
        settle_orders(actor=SYSTEM, **DAYS)
        assert Order.objects.get().status == Order.Status.BILLED
        assert set(UnbilledDelivery.objects.values_list("status", flat=True)) == {"BILLED"}
        assert counted(customer) == (600, 0, 0)
        assert stored(customer) == 0

    def test_billed_before_it_is_delivered(self, customer) -> None:
        order(customer, "C-1", "600")
        invoice(customer, "250", TODAY + timedelta(days=30), issue_date=TODAY, reference="C-1")
        assert counted(customer) == (250, 0, 350)
        delivery(customer, "BL-1", "250", order_reference="C-1")
        assert counted(customer) == (250, 0, 350)

    def test_paid_invoice_still_bills_its_order(self, customer) -> None:
        order(customer, "C-1", "600")
        invoice(
            customer,
            "600",
            TODAY + timedelta(days=30),
            issue_date=TODAY,
            reference="C-1",
            open_amount=Decimal(0),
        )
        assert counted(customer) == (0, 0, 0)

    def test_invoices_of_others_or_of_before_bill_nothing(self, customer) -> None:
        order(customer, "C-1", "600")
        invoice(CustomerFactory(), "600", TODAY + timedelta(days=30), issue_date=TODAY, reference="C-1")
        invoice(customer, "10", TODAY, reference="C-1")
        invoice(customer, "20", TODAY + timedelta(days=30), issue_date=TODAY, reference="C-11")
        assert counted(customer)[2] == 600

    def test_an_invoice_taken_back_gives_its_order_back(self, customer) -> None:
        order(customer, "C-1", "600")
        item = invoice(customer, "600", TODAY + timedelta(days=30), issue_date=TODAY, reference="C-1")
        settle_orders(actor=SYSTEM, **DAYS)
        type(item).objects.filter(pk=item.pk).update(reference="")
        settle_orders(actor=SYSTEM, **DAYS)
        assert Order.objects.get().status == Order.Status.RESERVED
        assert counted(customer)[2] == 600

    def test_delivery_billed_by_hand(self, customer) -> None:
        order(customer, "C-1", "600")
        sent = delivery(customer, "BL-1", "600", order_reference="C-1")
        end_delivery(actor=SYSTEM, delivery=sent, status="BILLED", reason="Facture F-9", **DAYS)
        assert counted(customer) == (0, 0, 0)
        settle_orders(actor=SYSTEM, **DAYS)
        assert Order.objects.get().status == Order.Status.BILLED

    def test_released_cancelled_expired(self, customer) -> None:
        first = order(customer, "C-1", "600")
        release_order(actor=SYSTEM, order=first, amount=Decimal(150), reason="Reliquat abandonné", **DAYS)
        assert counted(customer)[2] == 450
        with pytest.raises(OrderConflict):
            release_order(actor=SYSTEM, order=first, amount=Decimal(451), reason="Trop", **DAYS)
        end_order(actor=SYSTEM, order=first, status="CANCELLED", reason="Annulée par le client", **DAYS)
        order(customer, "C-2", "100", expires_on=TODAY)
        assert counted(customer)[2] == 100
        tomorrow = TODAY + timedelta(days=1)
        assert exposures([customer], tomorrow)[customer.pk].amount == 0
        settle_orders(actor=SYSTEM, today=tomorrow, now=NOW)
        assert Order.objects.get(reference="C-2").status == Order.Status.EXPIRED
        assert AuditEvent.objects.filter(verb="risk.order.expired").count() == 1


def test_the_same_order_again_changes_nothing(customer) -> None:
    order(customer, "C-1", "600")
    before = AuditEvent.objects.count()
    same = order(customer, "C-1", "600")
    assert (AuditEvent.objects.count(), Order.objects.count(), same.amount) == (before, 1, 600)
    with pytest.raises(OrderConflict, match="autre client"):
        order(CustomerFactory(legal_entity=customer.legal_entity), "C-1", "5")
    with pytest.raises(OrderConflict, match="devise"):
        order(customer, "C-1", "5", currency="USD")
    assert Order.objects.get().amount == 600


class TestAsking:
    def test_approved_reserves(self, customer) -> None:
        check = ask(customer, "700", "C-1")
        assert (check.outcome, check.status) == ("APPROVED", "FINAL")
        assert (check.headroom_before, check.headroom_after) == (1000, 300)
        assert counted(customer)[2] == 700
        assert stored(customer) == 700
        assert ask(customer, "300.01").outcome == "REFERRED"
        assert ask(customer, "300").outcome == "APPROVED"
        assert Order.objects.get().expires_on == TODAY + timedelta(days=30)

    def test_without_reservation_nothing_is_taken(self, customer) -> None:
        assert ask(customer, "1000").outcome == "APPROVED"
        assert ask(customer, "1000").outcome == "APPROVED"
        assert not Order.objects.exists()
        assert CreditCheck.objects.count() == 2

    def test_asked_again_the_new_amount_takes_the_place(self, customer) -> None:
        ask(customer, "700", "C-1")
        again = ask(customer, "900", "C-1")
        assert (again.outcome, again.headroom_before) == ("APPROVED", 1000)
        assert counted(customer)[2] == 900
        assert ask(customer, "1500", "C-1").outcome == "REFUSED"
        assert counted(customer)[2] == 900
        assert stored(customer) == 900

    def test_refused_takes_nothing(self, customer) -> None:
        check = ask(customer, "2000", "C-1")
        assert (check.outcome, check.order, Order.objects.count()) == ("REFUSED", None, 0)

    @pytest.mark.parametrize(
        ("amount", "field"), [("0", "amount"), ("-5", "amount"), ("1.001", "amount"), ("NaN", "amount")]
    )
    def test_values_that_are_none(self, customer, amount, field) -> None:
        with pytest.raises(OrderRefused) as refused:
            ask(customer, amount, "C-1")
        assert refused.value.field == field
        assert not CreditCheck.objects.exists()

    def test_further_on_it_is_not_asked_again(self, customer) -> None:
        order(customer, "C-1", "600")
        delivery(customer, "BL-1", "600", order_reference="C-1")
        with pytest.raises(OrderConflict) as refused:
            ask(customer, "600", "C-1")
        assert refused.value.code == "order_under_way"

    def test_group_limit_counts_every_account(self, customer) -> None:
        head = CustomerFactory(legal_entity=customer.legal_entity)
        Customer.objects.filter(pk=customer.pk).update(parent=head)
        other = CustomerFactory(legal_entity=customer.legal_entity, parent=head)
        limit(other, "1000")
        from risk.models import CreditLimit

        CreditLimit.objects.create(
            customer=head,
            scope="GROUP",
            amount=1200,
            currency="EUR",
            valid_from=TODAY,
            reason="Groupe",
            decided_at=NOW,
        )
        ask(other, "800", "C-1")
        check = ask(customer, "900", "C-2")
        assert check.outcome == "REFUSED"
        assert [reason["code"] for reason in check.reasons] == ["group_limit"]
        assert ask(customer, "400", "C-3").outcome == "APPROVED"
        found = group_exposure(customer, SYSTEM, TODAY)
        assert found is not None
        assert found.amounts == (("EUR", Decimal(1200)),)
        assert found.by_entity == ((customer.legal_entity.name, "EUR", Decimal(1200)),)


class TestReferral:
    def test_another_person_grants(self, customer, make_user) -> None:
        asker, decider = make_user(Role.CREDIT_MANAGER), make_user(Role.FINANCE_DIRECTOR)
        check = ask(customer, "1050", "C-1", actor=asker)
        assert (check.status, check.order.status) == ("PENDING", "REFERRED")
        assert counted(customer)[2] == 0
        values = {"check_id": check.pk, "grants": True, "reason": "Commande garantie", **DAYS}
        with pytest.raises(DecisionRefused, match="autre personne"):
            decide_check(actor=asker, **values)
        with pytest.raises(OrderRefused):
            decide_check(actor=decider, **values | {"reason": " "})
        with pytest.raises(OrderConflict):
            ask(customer, "10", "C-1")
        decided = decide_check(actor=decider, **values)
        assert (decided.status, decided.resolved_by) == ("RELEASED", decider)
        assert counted(customer)[2] == 1050
        with pytest.raises(DecisionRefused, match="déjà décidée"):
            decide_check(actor=decider, **values)

    def test_refused_by_a_person(self, customer, make_user) -> None:
        check = ask(customer, "1050", "C-1")
        decide_check(
            actor=make_user(Role.CREDIT_MANAGER), check_id=check.pk, grants=False, reason="Non", **DAYS
        )
        assert Order.objects.get().status == Order.Status.CANCELLED
        assert counted(customer)[2] == 0

    def test_not_granted_any_more_when_it_would_be_refused(self, customer, make_user) -> None:
        check = ask(customer, "1050", "C-1")
        Customer.objects.filter(pk=customer.pk).update(status="INSOLVENT", insolvency_date=TODAY)
        with pytest.raises(DecisionRefused, match="procédure collective"):
            decide_check(
                actor=make_user(Role.CREDIT_MANAGER), check_id=check.pk, grants=True, reason="Oui", **DAYS
            )
        assert CreditCheck.objects.get().status == "PENDING"


def test_settings_choose_what_counts(customer) -> None:
    order(customer, "C-1", "600")
    invoice(customer, "100", TODAY)
    set_risk_settings(
        actor=SYSTEM,
        legal_entity=customer.legal_entity,
        values={"counts_orders": False, "reservation_days": 5},
        **DAYS,
    )
    assert exposures([customer], TODAY)[customer.pk].amount == 100
    assert stored(customer) == 0
    assert balances(SYSTEM, TODAY).stored_on is None
    ask(customer, "200", "C-2")
    assert Order.objects.get(reference="C-2").expires_on == TODAY + timedelta(days=5)
    with pytest.raises(SettingsRefused):
        set_risk_settings(
            actor=SYSTEM, legal_entity=customer.legal_entity, values={"alert_percents": [90, 80]}, **DAYS
        )


def test_a_release_up_to_an_amount_is_used_up(customer) -> None:
    CreditHold.objects.create(
        customer=customer, kind="MANUAL", status="RELEASED", reason="Chèque", placed_on=TODAY, placed_at=NOW,
        release_amount=500, release_currency="EUR", release_reason="Une livraison", released_at=NOW, updated_at=NOW,
    )  # fmt: skip
    assert ask(customer, "400", "C-1").outcome == "APPROVED"
    check = ask(customer, "200", "C-2")
    assert [reason["code"] for reason in check.reasons] == ["hold"]
    assert CreditHold.objects.get().release_used_amount == 400
