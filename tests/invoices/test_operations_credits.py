"""Credits set against debits, refunded and given up: every refusal leaves each row as it was."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.errors import NotAllowed
from core.models import Role
from core.rights import SYSTEM
from invoices.models import Adjustment, OpenItem, Receipt
from invoices.operations.adjustments import write_off
from invoices.operations.applying import ApplicationPart, Difference
from invoices.operations.credits import apply_credits, confirm_refund, refund_credit
from tests.customers.factories import CustomerFactory
from tests.invoices.bank import make_line
from tests.invoices.cash_books import assert_books
from tests.invoices.factories import CreditNoteFactory, OpenItemFactory, PaymentFactory
from tests.invoices.test_operations_cash import NOW, TODAY, part, refused
from tests.invoices.test_operations_cash_undo import undo

WHEN: dict[str, Any] = {"today": TODAY, "now": NOW}


@pytest.mark.django_db
class TestCredits:
    def test_several_credits_settle_several_debits(self) -> None:
        customer = CustomerFactory()
        debits = [OpenItemFactory(customer=customer, total_amount=Decimal("300.00")) for _n in range(2)]
        credits = [CreditNoteFactory(customer=customer), PaymentFactory(customer=customer)]
        application = apply_credits(
            actor=SYSTEM,
            parts=[*(part(debit) for debit in debits), part(credits[0]), part(credits[1], "-400.00")],
            **WHEN,
        )
        assert sorted(OpenItem.objects.values_list("open_amount", flat=True)) == [
            Decimal("-800.00"),
            *[Decimal("0.00")] * 3,
        ]
        assert application.applied_on == date(2026, 1, 1)
        assert_books(TODAY)
        undo(application)
        assert_books(TODAY)

    def test_an_overpaid_cent_is_kept(self) -> None:
        invoice = OpenItemFactory()
        payment = PaymentFactory(customer=invoice.customer, total_amount=Decimal("-1200.40"))
        apply_credits(
            actor=SYSTEM,
            parts=[part(invoice), part(payment)],
            differences=[Difference(invoice.pk, Decimal("-0.40"), "SMALL_DIFFERENCE")],
            **WHEN,
        )
        assert not OpenItem.objects.exclude(open_amount=0).exists()
        assert_books(TODAY)

    def test_refusals(self) -> None:
        invoice = OpenItemFactory()
        payment = PaymentFactory(customer=invoice.customer)
        stranger = PaymentFactory(customer=CustomerFactory(legal_entity=invoice.legal_entity))

        def run(*parts: ApplicationPart) -> Any:
            return apply_credits(actor=SYSTEM, parts=list(parts), **WHEN)

        assert refused(lambda: run(part(invoice), part(payment, "-5.00"))).code == "not_balanced"
        assert refused(lambda: run(part(invoice), part(stranger))).code == "customers"
        assert refused(lambda: run()).code == "nothing"
        assert refused(lambda: run(part(payment, "-1200.01"), part(invoice))).code == "amount_above_open"

    def test_a_credit_is_refunded_by_a_line_that_was_set_aside(self, make_user: Any) -> None:
        payment = PaymentFactory()
        line = make_line(payment.legal_entity, "-1200.00", status="SET_ASIDE", set_aside_reason="Débit")
        with pytest.raises(NotAllowed):
            refund_credit(
                actor=make_user(Role.CREDIT_MANAGER), parts=[part(payment)], line_id=line.pk, **WHEN
            )
        application = refund_credit(
            actor=make_user(Role.ACCOUNTANT), parts=[part(payment)], line_id=line.pk, **WHEN
        )
        line.refresh_from_db()
        payment.refresh_from_db()
        assert (line.status, payment.open_amount) == ("APPLIED", Decimal("0.00"))
        assert Receipt.objects.get().role == "REFUND"
        assert_books(TODAY)
        undo(application)
        payment.refresh_from_db()
        assert payment.open_amount == Decimal("-1200.00")
        assert_books(TODAY)

    def test_an_announced_refund_is_found_on_the_statement(self) -> None:
        note = CreditNoteFactory()
        application = refund_credit(actor=SYSTEM, parts=[part(note)], **WHEN)
        assert OpenItem.objects.get(number=f"RB-{application.pk}").open_amount == 0
        wrong = make_line(note.legal_entity, "-150.00")
        right = make_line(wrong.statement, "-200.00")
        act = {"actor": SYSTEM, "application_id": application.pk, **WHEN}
        assert refused(lambda: confirm_refund(line_id=wrong.pk, **act)).code == "amount_differs"
        confirm_refund(line_id=right.pk, **act)
        right.refresh_from_db()
        assert right.status == "APPLIED"
        assert_books(TODAY)
        undo(application)
        assert_books(TODAY)

    def test_an_announced_refund_is_withdrawn(self) -> None:
        note = CreditNoteFactory()
        application = refund_credit(actor=SYSTEM, parts=[part(note)], **WHEN)
        undo(application)
        note.refresh_from_db()
        assert note.open_amount == Decimal("-200.00")
        assert_books(TODAY)

    def test_refusals_of_refunds(self) -> None:
        invoice = OpenItemFactory()
        note = CreditNoteFactory(customer=invoice.customer)
        credit_line = make_line(invoice.legal_entity)
        small = make_line(credit_line.statement, "-10.00")
        act = {"actor": SYSTEM, **WHEN}
        assert refused(lambda: refund_credit(parts=[part(invoice)], **act)).code == "not_a_credit"
        assert (
            refused(lambda: refund_credit(parts=[part(note)], line_id=credit_line.pk, **act)).code
            == "not_a_debit"
        )
        assert (
            refused(lambda: refund_credit(parts=[part(note)], line_id=small.pk, **act)).code
            == "above_remaining"
        )


@pytest.mark.django_db
class TestWriteOff:
    def give_up(self, item: OpenItem, amount: str, **changes: Any) -> Adjustment:
        return write_off(
            **{
                "actor": SYSTEM,
                "item_id": item.pk,
                "amount": Decimal(amount),
                "reason": "SMALL_DIFFERENCE",
                **WHEN,
            }
            | changes
        )

    def test_a_small_rest_is_given_up_and_taken_back(self) -> None:
        invoice = OpenItemFactory(total_amount=Decimal("12.00"))
        adjustment = self.give_up(invoice, "12.00")
        invoice.refresh_from_db()
        assert invoice.open_amount == 0
        assert adjustment.account == "658000"
        assert_books(TODAY)
        assert adjustment.application is not None
        undo(adjustment.application)
        invoice.refresh_from_db()
        assert invoice.open_amount == Decimal("12.00")
        assert_books(TODAY)

    def test_a_credit_that_nobody_claims_is_a_gain(self) -> None:
        payment = PaymentFactory(total_amount=Decimal("-0.30"))
        assert self.give_up(payment, "0.30").account == "758000"
        assert refused(lambda: self.give_up(payment, "0.30", reason="LOSS")).field == "amount"
        assert_books(TODAY)

    def test_the_limit_holds_slice_by_slice(self, make_user: Any) -> None:
        invoice = OpenItemFactory()
        accountant, director = make_user(Role.ACCOUNTANT), make_user(Role.FINANCE_DIRECTOR)
        self.give_up(invoice, "50.00", actor=accountant)
        error = refused(lambda: self.give_up(invoice, "0.01", actor=accountant))
        assert (error.code, error.field) == ("above_limit", "amount")
        self.give_up(invoice, "1150.00", actor=director, reason="LOSS", note="Liquidation clôturée")
        with pytest.raises(NotAllowed):
            self.give_up(invoice, "1.00", actor=make_user(Role.CREDIT_MANAGER))
        assert_books(TODAY)

    def test_refusals(self) -> None:
        invoice = OpenItemFactory()
        assert refused(lambda: self.give_up(invoice, "0.00")).field == "amount"
        assert refused(lambda: self.give_up(invoice, "1200.01")).field == "amount"
        assert refused(lambda: self.give_up(invoice, "1.00", reason="X")).field == "reason"
        assert refused(lambda: self.give_up(invoice, "1.00", reason="LOSS")).field == "note"
        moved = Decimal("1100.00")
        error = refused(lambda: self.give_up(invoice, "1.00", seen_open_amount=moved))
        assert error.code == "changed_meanwhile"
