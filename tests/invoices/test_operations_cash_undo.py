"""Undoing, giving back, giving up: every refusal leaves each row as it was."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.errors import WrongState
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from invoices.models import Adjustment, BankLine, CashApplication, OpenItem, Receipt
from invoices.operations.adjustments import write_off
from invoices.operations.allocations import reverse_allocation
from invoices.operations.applying import Difference, OnAccount
from invoices.operations.cash_returns import return_receipt, settle_returns
from invoices.operations.cash_reversals import reverse_application
from invoices.operations.credits import apply_credit
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.bank import make_line
from tests.invoices.cash_books import assert_books
from tests.invoices.factories import CreditNoteFactory, OpenItemFactory
from tests.invoices.ledger import open_on
from tests.invoices.test_operations_cash import BOOKED, NOW, TODAY, apply, part, refused

WHEN: dict[str, Any] = {"today": TODAY, "now": NOW}


def undo(application: CashApplication, **changes: Any) -> CashApplication:
    return reverse_application(
        **{"actor": SYSTEM, "application_id": application.pk, "reason": "Mauvais client", **WHEN} | changes
    )


@pytest.mark.django_db
class TestReverse:
    def test_the_line_is_open_again_and_nothing_stays_on_the_account(self) -> None:
        invoice = OpenItemFactory()
        note = CreditNoteFactory(customer=invoice.customer)
        line = make_line(invoice.legal_entity, "990.00")
        (application,) = apply(
            line,
            part(invoice),
            part(note),
            differences=[Difference(invoice.pk, Decimal("10.00"), Adjustment.Reason.BANK_CHARGES)],
        )
        before = {day: open_on(invoice, day) for day in (BOOKED, TODAY - timedelta(days=1))}

        undo(application)

        line.refresh_from_db()
        invoice.refresh_from_db()
        note.refresh_from_db()
        assert (line.status, line.applied_amount, line.matched_at) == ("OPEN", Decimal("0.00"), None)
        assert (invoice.open_amount, note.open_amount) == (Decimal("1200.00"), Decimal("-200.00"))
        assert not OpenItem.objects.exclude(pk__in=[invoice.pk, note.pk]).exclude(open_amount=0).exists()
        receipt = Receipt.objects.select_related("counter_item").get()
        assert receipt.counter_item is not None
        assert receipt.counter_item.number == f"AN-BQ-{line.pk}"
        original, reversal = Adjustment.objects.order_by("pk")
        assert original.reversed_by == reversal
        assert reversal.item.total_amount == -original.item.total_amount
        # No past day changed.
        assert before == {day: open_on(invoice, day) for day in before}
        assert AuditEvent.objects.filter(verb="invoices.cash.reversed").count() == 1
        assert_books(TODAY)

    def test_what_is_applied_again_counts_from_the_undo_on(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity)
        (application,) = apply(line, part(invoice))
        undo(application)
        (again,) = apply(line, part(invoice), today=TODAY, now=NOW)
        assert again.applied_on == TODAY
        assert OpenItem.objects.get(number=f"BQ-{line.pk}-2").issue_date == TODAY
        undo(again)
        apply(line, part(invoice))
        assert_books(TODAY)

    def test_refusals(self, make_user: Any) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity, "1500.00")
        (application,) = apply(
            line, part(invoice), on_account=[OnAccount(invoice.customer_id, Decimal("300.00"))]
        )
        assert refused(lambda: undo(application, reason=" ")).field == "reason"
        stranger = make_user(Role.ACCOUNTANT, sees=[LegalEntityFactory()])
        assert refused(lambda: undo(application, actor=stranger)).code == "application_unknown"
        other = OpenItemFactory(customer=invoice.customer)
        payment = OpenItem.objects.get(kind="PAYMENT")
        later = apply_credit(actor=SYSTEM, credit_id=payment.pk, parts=[part(other, "300.00")], **WHEN)
        assert refused(lambda: undo(application)).code == "used_since"
        undo(later)
        undo(application)
        refused(lambda: undo(application), WrongState)
        assert_books(TODAY)

    def test_undoing_a_write_off_asks_for_the_right_to_make_one(self, make_user: Any) -> None:
        invoice = OpenItemFactory()
        adjustment = write_off(
            actor=SYSTEM, item_id=invoice.pk, amount=Decimal("1.00"), reason="SMALL_DIFFERENCE", **WHEN
        )
        application = adjustment.application
        assert application is not None
        collector = make_user(Role.CREDIT_MANAGER, sees=[invoice.legal_entity])
        assert refused(lambda: undo(application, actor=collector)).code == "not_allowed_to_undo"
        undo(application, actor=make_user(Role.ACCOUNTANT, sees=[invoice.legal_entity]))
        assert_books(TODAY)

    def test_an_allocation_undone_alone_before_is_left_alone(self) -> None:
        invoice = OpenItemFactory()
        (application,) = apply(make_line(invoice.legal_entity), part(invoice))
        reverse_allocation(
            actor=SYSTEM,
            allocation_id=application.allocations.get().pk,
            reversed_on=TODAY - timedelta(days=1),
            reason="x",
            **WHEN,
        )
        undo(application)
        assert_books(TODAY)


def returned(line: BankLine, original: BankLine, **changes: Any) -> list[CashApplication]:
    return return_receipt(
        **{"actor": SYSTEM, "line_id": line.pk, "original_line_id": original.pk, **WHEN} | changes
    )


@pytest.mark.django_db
class TestReturns:
    def debit(self, original: BankLine, **changes: Any) -> BankLine:
        values = {"nature": "RETURN", "is_return": True, "return_reason": "Provision insuffisante"}
        return make_line(
            original.statement,
            -original.amount,
            **values | {"booking_date": BOOKED + timedelta(days=5)} | changes,
        )

    def test_a_returned_payment_opens_what_it_had_settled_from_that_day(self) -> None:
        invoice = OpenItemFactory()
        original = make_line(invoice.legal_entity, "1190.00")
        (application,) = apply(
            original,
            part(invoice),
            differences=[Difference(invoice.pk, Decimal("10.00"), Adjustment.Reason.BANK_CHARGES)],
        )
        line = self.debit(original)

        (made,) = returned(line, original)

        day = BOOKED + timedelta(days=5)
        invoice.refresh_from_db()
        line.refresh_from_db()
        original.refresh_from_db()
        application.refresh_from_db()
        assert invoice.open_amount == Decimal("1200.00")
        assert open_on(invoice, day - timedelta(days=1)) == 0
        assert open_on(invoice, day) == Decimal("1200.00")
        assert (line.status, line.returns, original.status) == ("APPLIED", original, "APPLIED")
        assert application.reversed_on == day
        item = OpenItem.objects.get(number=f"RJ-{line.pk}")
        assert (item.total_amount, item.open_amount, item.reference) == (
            Decimal("1190.00"),
            Decimal("0.00"),
            "Impayé : Provision insuffisante",
        )
        receipt = Receipt.objects.get(role="PAYMENT")
        assert receipt.returned_by is not None
        assert receipt.returned_by.application == made
        assert_books(TODAY)
        assert refused(lambda: undo(application), WrongState)

    def test_money_left_on_account_and_used_since_comes_back_too(self) -> None:
        invoice = OpenItemFactory(total_amount=Decimal("700.00"))
        original = make_line(invoice.legal_entity)
        apply(original, part(invoice), on_account=[OnAccount(invoice.customer_id, Decimal("500.00"))])
        other = OpenItemFactory(customer=invoice.customer, total_amount=Decimal("500.00"))
        payment = OpenItem.objects.get(kind="PAYMENT")
        apply_credit(actor=SYSTEM, credit_id=payment.pk, parts=[part(other)], **WHEN)
        returned(self.debit(original), original)
        other.refresh_from_db()
        invoice.refresh_from_db()
        assert (invoice.open_amount, other.open_amount) == (Decimal("700.00"), Decimal("500.00"))
        assert_books(TODAY)

    def test_one_receipt_of_a_bulk_line_comes_back(self) -> None:
        entity = LegalEntityFactory()
        one = OpenItemFactory(customer=CustomerFactory(legal_entity=entity), total_amount=Decimal("800.00"))
        two = OpenItemFactory(customer=CustomerFactory(legal_entity=entity), total_amount=Decimal("400.00"))
        original = make_line(entity)
        apply(original, part(one), part(two))
        line = make_line(
            original.statement, "-400.00", is_return=True, booking_date=BOOKED + timedelta(days=2)
        )
        returned(line, original)
        one.refresh_from_db()
        two.refresh_from_db()
        assert (one.open_amount, two.open_amount) == (Decimal("0.00"), Decimal("400.00"))
        assert_books(TODAY)

    def test_a_payment_not_applied_yet_and_its_return_are_both_set_aside(self) -> None:
        original = make_line(LegalEntityFactory())
        line = self.debit(original)
        assert returned(line, original) == []
        line.refresh_from_db()
        original.refresh_from_db()
        assert (line.status, original.status, line.returns) == ("SET_ASIDE", "SET_ASIDE", original)

    def test_the_treatment_of_a_return_is_undone(self) -> None:
        invoice = OpenItemFactory()
        original = make_line(invoice.legal_entity)
        apply(original, part(invoice))
        line = self.debit(original)
        (made,) = returned(line, original)
        undo(made)
        line.refresh_from_db()
        payment = OpenItem.objects.get(kind="PAYMENT")
        assert (line.status, line.returns, payment.open_amount) == ("OPEN", None, Decimal("-1200.00"))
        assert_books(TODAY)
        returned(line, original)
        assert_books(TODAY)

    def test_what_the_bank_names_is_taken_back_alone(self) -> None:
        entity = LegalEntityFactory()
        customer = CustomerFactory(legal_entity=entity)
        invoices = [OpenItemFactory(customer=customer, total_amount=Decimal("100.00")) for _n in range(4)]
        named = make_line(entity, "100.00", end_to_end_id="E2E-1")
        mandate = make_line(named.statement, "100.00", mandate_reference="RUM-9")
        twins = [make_line(named.statement, "100.00", mandate_reference="RUM-2") for _n in range(2)]
        for line, invoice in zip([named, mandate, *twins], invoices, strict=True):
            apply(line, part(invoice))
        by_reference = self.debit(named, end_to_end_id="E2E-1")
        by_mandate = self.debit(mandate, mandate_reference="RUM-9")
        ambiguous = self.debit(twins[0], mandate_reference="RUM-2")
        nameless = self.debit(named, end_to_end_id="NOTPROVIDED")

        assert settle_returns(today=TODAY, now=NOW) == {"settled": 2, "left": 0}

        for line, original in (
            (by_reference, named),
            (by_mandate, mandate),
            (ambiguous, None),
            (nameless, None),
        ):
            line.refresh_from_db()
            assert line.returns == original
        assert settle_returns(today=TODAY, now=NOW) == {"settled": 0, "left": 0}
        assert_books(TODAY)

    def test_refusals(self) -> None:
        invoice = OpenItemFactory()
        original = make_line(invoice.legal_entity)
        apply(original, part(invoice))
        less = make_line(original.statement, "-5.00", is_return=True, booking_date=TODAY)
        assert refused(lambda: returned(less, original)).code == "amount_differs"
        assert refused(lambda: returned(original, original)).code == "same_line"
        early = self.debit(original, booking_date=BOOKED - timedelta(days=1))
        assert refused(lambda: returned(early, original)).code == "dates"
        late = self.debit(original, booking_date=TODAY + timedelta(days=1))
        assert refused(lambda: returned(late, original)).code == "future"
        right = self.debit(original)
        elsewhere = make_line(LegalEntityFactory())
        assert refused(lambda: returned(right, elsewhere)).code == "other_account"
        returned(right, original)
        refused(lambda: returned(right, original), WrongState)
        again = self.debit(original)
        assert refused(lambda: returned(again, original)).code == "amount_differs"
