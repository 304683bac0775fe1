from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.errors import BusinessError, NotAllowed, WrongState
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from invoices.models import Adjustment, Allocation, BankLine, CashApplication, CashSettings, OpenItem, Receipt
from invoices.operations.cash import (
    ApplicationPart,
    CashRefused,
    Difference,
    OnAccount,
    apply_line,
    reopen_line,
    set_line_aside,
)
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.bank import make_line
from tests.invoices.cash_books import assert_books, cash_rows
from tests.invoices.factories import CreditNoteFactory, DisputeFactory, OpenItemFactory
from tests.invoices.ledger import open_on

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
BOOKED = date(2026, 2, 10)


def part(item: OpenItem, amount: str | None = None) -> ApplicationPart:
    return ApplicationPart(item.pk, Decimal(amount) if amount else item.open_amount)


def apply(line: BankLine, *parts: ApplicationPart, **changes: Any) -> list[CashApplication]:
    return apply_line(
        **{"actor": SYSTEM, "line_id": line.pk, "parts": parts, "today": TODAY, "now": NOW} | changes
    )


def refused(call: Any, error: type[BusinessError] = CashRefused) -> BusinessError:
    before = cash_rows()
    with pytest.raises(error) as refusal:
        call()
    assert cash_rows() == before
    return refusal.value


@pytest.mark.django_db
class TestApplyLine:
    def test_one_line_settles_one_invoice(self, make_user: Any) -> None:
        accountant = make_user(Role.ACCOUNTANT)
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity, remittance="VIR " + "é" * 100)

        (application,) = apply(line, part(invoice), actor=accountant, seen_remaining=Decimal("1200.00"))

        line.refresh_from_db()
        invoice.refresh_from_db()
        assert (line.status, line.applied_amount) == ("APPLIED", Decimal("1200.00"))
        assert invoice.open_amount == 0
        receipt = Receipt.objects.select_related("item").get()
        assert (receipt.bank_line, receipt.application, receipt.role, receipt.amount) == (
            line,
            application,
            "PAYMENT",
            Decimal("1200.00"),
        )
        payment = receipt.item
        assert (payment.number, payment.kind, payment.total_amount, payment.open_amount) == (
            f"BQ-{line.pk}",
            "PAYMENT",
            Decimal("-1200.00"),
            Decimal("0.00"),
        )
        assert payment.issue_date == payment.due_date == BOOKED
        assert payment.reference == ("VIR " + "é" * 100)[:80]
        allocation = Allocation.objects.get()
        assert (allocation.application, allocation.allocated_on) == (application, BOOKED)
        assert (application.applied_on, application.applied_by, application.is_automatic) == (
            BOOKED,
            accountant,
            False,
        )
        event = AuditEvent.objects.get()
        assert event.verb == "invoices.cash.applied"
        assert {f"bankline:{line.pk}", f"openitem:{invoice.pk}", f"customer:{invoice.customer_id}"} <= set(
            event.refs
        )
        assert_books(TODAY)

    def test_credit_notes_are_netted_the_rest_stays_on_account(self) -> None:
        customer = CustomerFactory()
        first = OpenItemFactory(customer=customer, total_amount=Decimal("700.00"))
        second = OpenItemFactory(
            customer=customer, total_amount=Decimal("500.00"), due_date=date(2026, 3, 15)
        )
        note = CreditNoteFactory(customer=customer, total_amount=Decimal("-100.00"))
        line = make_line(customer.legal_entity, "1200.00")

        (application,) = apply(
            line,
            part(first),
            part(second),
            part(note),
            on_account=[OnAccount(customer.pk, Decimal("100.00"))],
        )

        rows = {
            (row.debit.number, row.credit.number): row.amount
            for row in application.allocations.select_related("debit", "credit")
        }
        # The credit note goes to the oldest due first.
        assert rows == {
            (first.number, note.number): Decimal("100.00"),
            (first.number, f"BQ-{line.pk}"): Decimal("600.00"),
            (second.number, f"BQ-{line.pk}"): Decimal("500.00"),
        }
        payment = OpenItem.objects.get(number=f"BQ-{line.pk}")
        assert payment.open_amount == Decimal("-100.00")
        assert_books(TODAY)

    def test_several_customers_get_an_application_each(self) -> None:
        entity = LegalEntityFactory()
        one = OpenItemFactory(customer=CustomerFactory(legal_entity=entity), total_amount=Decimal("300.00"))
        other = OpenItemFactory(customer=CustomerFactory(legal_entity=entity), total_amount=Decimal("200.00"))
        line = make_line(entity, "500.00")

        applications = apply(line, part(one), part(other))

        assert [found.customer_id for found in applications] == sorted([one.customer_id, other.customer_id])
        assert sorted(OpenItem.objects.filter(kind="PAYMENT").values_list("number", "total_amount")) == [
            (f"BQ-{line.pk}", Decimal("-300.00")),
            (f"BQ-{line.pk}-2", Decimal("-200.00")),
        ]
        assert_books(TODAY)

    def test_a_part_leaves_the_line_open_and_the_next_receipt_is_numbered_on(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity)
        apply(line, part(invoice, "500.00"))
        line.refresh_from_db()
        assert (line.status, line.applied_amount, line.matched_at) == ("OPEN", Decimal("500.00"), None)
        apply(line, part(invoice, "700.00"), seen_remaining=Decimal("700.00"))
        line.refresh_from_db()
        invoice.refresh_from_db()
        assert line.status == "APPLIED"
        assert invoice.open_amount == 0
        assert OpenItem.objects.filter(number=f"BQ-{line.pk}-2").exists()
        assert_books(TODAY)

    def test_a_difference_has_its_reason_and_account(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity, "1185.00")
        (application,) = apply(
            line,
            part(invoice),
            differences=[Difference(invoice.pk, Decimal("15.00"), Adjustment.Reason.BANK_CHARGES)],
        )
        adjustment = Adjustment.objects.select_related("item").get()
        assert (adjustment.application, adjustment.account, adjustment.reason) == (
            application,
            "627000",
            "BANK_CHARGES",
        )
        assert (adjustment.item.number, adjustment.item.total_amount, adjustment.item.open_amount) == (
            f"EC-{application.pk}",
            Decimal("-15.00"),
            Decimal("0.00"),
        )
        invoice.refresh_from_db()
        line.refresh_from_db()
        assert invoice.open_amount == 0
        assert line.status == "APPLIED"
        assert_books(TODAY)

    def test_what_was_paid_too_much_can_be_kept(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity, "1200.40")
        apply(
            line,
            part(invoice),
            differences=[Difference(invoice.pk, Decimal("-0.40"), Adjustment.Reason.SMALL_DIFFERENCE)],
        )
        adjustment = Adjustment.objects.select_related("item").get()
        assert (adjustment.account, adjustment.item.total_amount) == ("758000", Decimal("0.40"))
        assert not OpenItem.objects.exclude(open_amount=0).exists()
        assert_books(TODAY)

    def test_an_item_in_the_original_currency_is_settled_in_it(self) -> None:
        invoice = OpenItemFactory(currency="USD", total_amount=Decimal("1300.00"))
        line = make_line(
            invoice.legal_entity, "1200.01", original_amount=Decimal("1300.00"), original_currency="USD"
        )
        apply(line, part(invoice, "433.33"))
        apply(line, part(invoice, "866.67"))
        line.refresh_from_db()
        assert (line.status, line.applied_amount) == ("APPLIED", Decimal("1200.01"))
        assert [(row.amount, row.item.currency) for row in Receipt.objects.order_by("pk")] == [
            (Decimal("400.00"), "USD"),
            (Decimal("800.01"), "USD"),
        ]
        assert_books(TODAY)

    def test_a_deposit_and_an_invoice_dated_later(self) -> None:
        customer = CustomerFactory()
        deposit = OpenItemFactory(customer=customer, kind="DEPOSIT", total_amount=Decimal("400.00"))
        later = OpenItemFactory(
            customer=customer,
            total_amount=Decimal("800.00"),
            issue_date=date(2026, 2, 20),
            due_date=date(2026, 3, 20),
        )
        (application,) = apply(make_line(customer.legal_entity), part(deposit), part(later))
        assert dict(application.allocations.values_list("debit__number", "allocated_on")) == {
            deposit.number: BOOKED,
            later.number: date(2026, 2, 20),
        }
        assert application.applied_on == date(2026, 2, 20)
        assert_books(TODAY)

    def test_disputes_of_what_is_settled_end(self) -> None:
        invoice = OpenItemFactory()
        dispute = DisputeFactory(item=invoice, amount=Decimal("200.00"))
        apply(make_line(invoice.legal_entity), part(invoice))
        dispute.refresh_from_db()
        invoice.refresh_from_db()
        assert (dispute.resolved_on, dispute.resolution) == (TODAY, "PAID")
        assert invoice.disputed_amount == 0

    def test_the_past_is_untouched(self) -> None:
        invoice = OpenItemFactory()
        apply(make_line(invoice.legal_entity), part(invoice))
        assert open_on(invoice, BOOKED - timedelta(days=1)) == Decimal("1200.00")
        assert open_on(invoice, BOOKED) == 0


@pytest.mark.django_db
class TestRefusals:
    def test_what_was_seen_has_moved(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity)
        apply(line, part(invoice, "500.00"), seen_remaining=Decimal("1200.00"))
        error = refused(lambda: apply(line, part(invoice, "500.00"), seen_remaining=Decimal("1200.00")))
        assert error.code == "changed_meanwhile"

    def test_an_applied_line(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity)
        apply(line, part(invoice))
        other = OpenItemFactory(customer=invoice.customer)
        refused(lambda: apply(line, part(other)), WrongState)

    @pytest.mark.parametrize("amount", ["0.00", "-1.00", "1200.01", "0.001"])
    def test_amounts_of_parts(self, amount: str) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity, "5000.00")
        error = refused(lambda: apply(line, part(invoice, amount)))
        assert error.field == f"part-{invoice.pk}"

    def test_more_than_the_line_holds(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity, "1000.00")
        error = refused(lambda: apply(line, part(invoice)))
        assert error.code == "above_remaining"

    def test_nothing_at_all(self) -> None:
        line = make_line(LegalEntityFactory())
        assert refused(lambda: apply(line)).code == "nothing"

    def test_an_item_of_another_entity_or_unknown(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(LegalEntityFactory())
        assert refused(lambda: apply(line, part(invoice))).code == "item_unknown"
        assert refused(lambda: apply(line, ApplicationPart(987654, Decimal(1)))).code == "item_unknown"

    def test_the_same_item_twice(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity)
        refused(lambda: apply(line, part(invoice, "1.00"), part(invoice, "1.00")))

    def test_two_currencies(self) -> None:
        invoice = OpenItemFactory()
        dollars = OpenItemFactory(customer=invoice.customer, currency="USD")
        line = make_line(invoice.legal_entity, "5000.00")
        assert refused(lambda: apply(line, part(invoice), part(dollars))).code == "currencies"
        assert refused(lambda: apply(line, part(dollars))).code == "currencies"

    def test_an_account_outside_the_scope(self, make_user: Any) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity)
        stranger = make_user(Role.ACCOUNTANT, sees=[LegalEntityFactory()])
        assert refused(lambda: apply(line, part(invoice), actor=stranger)).code == "line_unknown"
        elsewhere = [OnAccount(CustomerFactory().pk, Decimal("10.00"))]
        assert refused(lambda: apply(line, on_account=elsewhere)).field == "on_account"

    def test_credit_notes_that_cover_everything(self) -> None:
        invoice = OpenItemFactory(total_amount=Decimal("100.00"))
        note = CreditNoteFactory(customer=invoice.customer, total_amount=Decimal("-100.00"))
        line = make_line(invoice.legal_entity)
        assert refused(lambda: apply(line, part(invoice), part(note))).code == "no_money"

    def test_dates_in_the_future(self) -> None:
        invoice = OpenItemFactory(issue_date=TODAY + timedelta(days=1))
        line = make_line(invoice.legal_entity)
        error = refused(lambda: apply(line, part(invoice)))
        assert error.field == f"part-{invoice.pk}"
        fresh = OpenItemFactory()
        tomorrow = make_line(fresh.legal_entity, booking_date=TODAY + timedelta(days=1))
        assert refused(lambda: apply(tomorrow, part(fresh))).code == "future"

    def test_a_debit_line(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity, "-1200.00")
        assert refused(lambda: apply(line, part(invoice))).code == "debit_line"

    def test_differences_beyond_the_tolerance_ask_for_the_right_and_the_limit(self, make_user: Any) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity, "1100.00")
        given_up = [Difference(invoice.pk, Decimal("100.00"), Adjustment.Reason.SMALL_DIFFERENCE)]
        manager, accountant = make_user(Role.CREDIT_MANAGER), make_user(Role.ACCOUNTANT)
        error = refused(lambda: apply(line, part(invoice), differences=given_up, actor=manager))
        assert (error.code, error.field) == ("difference_not_allowed", f"difference-{invoice.pk}")
        error = refused(lambda: apply(line, part(invoice), differences=given_up, actor=accountant))
        assert (error.code, error.field) == ("above_limit", f"difference-{invoice.pk}")
        CashSettings.objects.create(legal_entity=invoice.legal_entity, write_off_limit=Decimal("100.00"))
        apply(line, part(invoice), differences=given_up, actor=accountant)
        assert_books(TODAY)

    def test_without_the_right(self, make_user: Any) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity)
        with pytest.raises(NotAllowed):
            apply(line, part(invoice), actor=make_user(Role.FINANCE_DIRECTOR))
        assert not Receipt.objects.exists()


@pytest.mark.django_db
class TestSetAside:
    def test_a_line_is_set_aside_with_a_reason_and_taken_back(self, make_user: Any) -> None:
        accountant = make_user(Role.ACCOUNTANT)
        line = make_line(LegalEntityFactory())
        set_line_aside(actor=accountant, line_id=line.pk, reason=" Apport ", now=NOW)
        line.refresh_from_db()
        assert (line.status, line.set_aside_reason) == ("SET_ASIDE", "Apport")
        refused(lambda: set_line_aside(actor=accountant, line_id=line.pk, reason="x", now=NOW), WrongState)
        reopen_line(actor=accountant, line_id=line.pk, now=NOW)
        line.refresh_from_db()
        assert (line.status, line.set_aside_reason) == ("OPEN", "")
        refused(lambda: reopen_line(actor=accountant, line_id=line.pk, now=NOW), WrongState)

    def test_not_without_a_reason_nor_once_it_carries_something(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity)
        error = refused(lambda: set_line_aside(actor=SYSTEM, line_id=line.pk, reason=" ", now=NOW))
        assert error.field == "reason"
        apply(line, part(invoice, "10.00"))
        refused(lambda: set_line_aside(actor=SYSTEM, line_id=line.pk, reason="x", now=NOW))
