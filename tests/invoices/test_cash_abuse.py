"""Cash application under abuse: crossed acts, numbers taken by others, the same act sent twice, rights nibbled at."""

from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from core.models import Role
from core.rights import SYSTEM
from invoices.models import Adjustment, Allocation, BankLine, MatchProposal, OpenItem, ProposalPart
from invoices.operations.adjustments import write_off
from invoices.operations.allocations import AllocationRefused, reverse_allocation
from invoices.operations.applying import Difference, OnAccount
from invoices.operations.credit_matching import match_credits
from invoices.operations.credits import apply_credit, refund_credit
from invoices.operations.matching import match_lines
from tests.customers.factories import CustomerFactory
from tests.invoices.bank import make_line
from tests.invoices.cash_books import assert_books, cash_rows
from tests.invoices.factories import OpenItemFactory, PaymentFactory
from tests.invoices.test_operations_cash import NOW, TODAY, apply, part, refused
from tests.invoices.test_operations_cash_undo import WHEN, undo


def propose(line: BankLine, item: OpenItem) -> MatchProposal:
    """A proposal for the line, as matching leaves it."""
    proposal = MatchProposal.objects.create(
        bank_line=line,
        customer=item.customer,
        rank=1,
        rule="exact",
        score=80,
        amount=item.open_amount,
        created_at=NOW,
    )
    ProposalPart.objects.create(proposal=proposal, item=item, amount=item.open_amount)
    BankLine.objects.filter(pk=line.pk).update(matched_at=datetime(2026, 3, 1, tzinfo=UTC))
    return proposal


@pytest.mark.django_db(transaction=True)
class TestCrossedActs:
    def test_two_lines_that_name_one_item_do_not_wait_for_each_other(self) -> None:
        """One person holds line B and waits for the item; the other holds the item and doubts B's proposal."""
        invoice = OpenItemFactory()
        first, second = make_line(invoice.legal_entity), make_line(invoice.legal_entity)
        propose(second, invoice)
        held, applied = Event(), Event()

        def work_on_second() -> None:
            try:
                with transaction.atomic():
                    BankLine.objects.select_for_update().get(pk=second.pk)
                    held.set()
                    applied.wait(5)
            finally:
                connection.close()

        thread = Thread(target=work_on_second)
        thread.start()
        assert held.wait(5)
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '2s'")
                apply(first, part(invoice))
        finally:
            applied.set()
            thread.join()
        assert_books(TODAY)


@pytest.mark.django_db
class TestTakenNumbers:
    """Documents of the entity's own program may bear any number."""

    def test_a_payment_whose_number_is_taken_takes_the_next(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity)
        OpenItemFactory(customer=invoice.customer, number=f"BQ-{line.pk}")
        (application,) = apply(line, part(invoice))
        assert application.receipts.get().item.number == f"BQ-{line.pk}-2"
        assert_books(TODAY)

    def test_what_is_undone_or_written_off_finds_a_free_number(self) -> None:
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity)
        OpenItemFactory(customer=invoice.customer, number=f"AN-BQ-{line.pk}")
        (application,) = apply(line, part(invoice))
        for step in range(1, 6):
            OpenItemFactory(customer=invoice.customer, number=f"EC-{application.pk + step}")
        undo(application)
        write_off(actor=SYSTEM, item_id=invoice.pk, amount=Decimal("1.00"), reason="SMALL_DIFFERENCE", **WHEN)
        assert_books(TODAY)

    def test_an_undo_leaves_a_foreign_document_alone(self) -> None:
        invoice = OpenItemFactory()
        (application,) = apply(make_line(invoice.legal_entity), part(invoice))
        foreign = OpenItemFactory(customer=invoice.customer, number=f"RB-{application.pk}")
        undo(application)
        foreign.refresh_from_db()
        assert foreign.open_amount == foreign.total_amount

    def test_a_refund_whose_number_is_taken_is_announced_and_withdrawn(self) -> None:
        payment = PaymentFactory(total_amount=Decimal("-80.00"))
        (application,) = apply(
            make_line(payment.legal_entity, "1.00"),
            on_account=[OnAccount(payment.customer_id, Decimal("1.00"))],
        )
        foreign = [
            OpenItemFactory(customer=payment.customer, number=f"RB-{application.pk + step}")
            for step in range(1, 6)
        ]
        announced = refund_credit(actor=SYSTEM, parts=[part(payment)], **WHEN)
        undo(announced)
        payment.refresh_from_db()
        assert payment.open_amount == Decimal("-80.00")
        assert all(OpenItem.objects.get(pk=item.pk).open_amount == item.total_amount for item in foreign)
        assert_books(TODAY)


@pytest.mark.django_db
class TestRights:
    def test_a_tolerance_is_not_given_twice_for_one_item(self, make_user: Any) -> None:
        manager = make_user(Role.CREDIT_MANAGER)
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity, "1100.00")
        one = Difference(invoice.pk, Decimal("1.00"), Adjustment.Reason.SMALL_DIFFERENCE)
        apply(line, part(invoice, "101.00"), differences=[one], actor=manager)
        error = refused(lambda: apply(line, part(invoice, "101.00"), differences=[one], actor=manager))
        assert error.code == "difference_not_allowed"
        error = refused(lambda: apply(line, part(invoice, "102.00"), differences=[one, one], actor=manager))
        assert error.code == "difference_not_allowed"

    def test_the_limit_counts_every_difference_of_the_act(self, make_user: Any) -> None:
        accountant = make_user(Role.ACCOUNTANT)
        invoice = OpenItemFactory()
        line = make_line(invoice.legal_entity, "1100.00")
        most = Difference(invoice.pk, Decimal("50.00"), Adjustment.Reason.SMALL_DIFFERENCE)
        error = refused(lambda: apply(line, part(invoice), differences=[most, most], actor=accountant))
        assert error.code == "above_limit"

    def test_what_was_given_up_is_no_credit_for_other_items(self, make_user: Any) -> None:
        """Undoing the allocation alone would leave a credit that no money ever backed, past every limit."""
        accountant = make_user(Role.ACCOUNTANT)
        invoice = OpenItemFactory()
        write_off(
            actor=accountant, item_id=invoice.pk, amount=Decimal("50.00"), reason="SMALL_DIFFERENCE", **WHEN
        )
        allocation = Allocation.objects.get(debit=invoice)
        error = refused(
            lambda: reverse_allocation(
                actor=accountant, allocation_id=allocation.pk, reversed_on=TODAY, reason="x", **WHEN
            ),
            AllocationRefused,
        )
        assert error.code == "part_of_an_act"

    def test_what_an_undo_neutralised_stays_so(self) -> None:
        invoice = OpenItemFactory()
        (application,) = apply(make_line(invoice.legal_entity), part(invoice))
        undo(application)
        held = Allocation.objects.get(credit=application.receipts.get().item, reversed_on__isnull=True)
        error = refused(
            lambda: reverse_allocation(
                actor=SYSTEM, allocation_id=held.pk, reversed_on=TODAY, reason="x", **WHEN
            ),
            AllocationRefused,
        )
        assert error.code == "part_of_an_act"
        assert_books(TODAY)


@pytest.mark.django_db
class TestInBulk:
    def test_a_number_that_is_taken_stops_no_other_line(self) -> None:
        invoice = OpenItemFactory(number="FA-2041", issue_date=date(2026, 1, 5), due_date=date(2026, 2, 5))
        line = make_line(
            invoice.legal_entity, remittance="REGLEMENT FA-2041", counterparty_name=invoice.customer.name
        )
        OpenItemFactory(customer=CustomerFactory(legal_entity=invoice.legal_entity), number=f"BQ-{line.pk}")
        assert match_lines(actor=SYSTEM, today=TODAY, now=NOW)["posted"] == 1
        assert line.receipts.get().item.number == f"BQ-{line.pk}-2"
        assert_books(TODAY)

    def test_a_credit_freed_since_waits_for_a_person(self) -> None:
        first = OpenItemFactory(number="FA-2041", issue_date=date(2026, 1, 5), due_date=date(2026, 2, 5))
        second = OpenItemFactory(
            number="FA-2042", customer=first.customer, issue_date=date(2026, 1, 5), due_date=date(2026, 2, 5)
        )
        payment = PaymentFactory(
            customer=first.customer,
            total_amount=-second.total_amount,
            issue_date=date(2026, 2, 10),
            reference="FA-2042",
        )
        undo(apply_credit(actor=SYSTEM, credit_id=payment.pk, parts=[part(first)], **WHEN))
        counts = match_credits(actor=SYSTEM, today=TODAY, now=NOW, entity=first.legal_entity)
        assert (counts["proposed"], counts["posted"]) == (1, 0)
        assert_books(TODAY)


@pytest.mark.django_db
class TestPages:
    def test_nul_in_a_form_is_malformed(self, client: Client, make_user: Any) -> None:
        client.force_login(make_user(Role.ACCOUNTANT))
        line = make_line(OpenItemFactory().legal_entity)
        for name, values in (
            ("cash-set-aside", {"reason": "a\x00b"}),
            ("cash-balance", {"ticks": "1", "cherche": "a\x00b"}),
            ("cash-accept", {"a\x00b": "1"}),
        ):
            answer = client.post(reverse(f"invoices:{name}", args=[line.pk]), values)
            assert answer.status_code == 400, name

    def test_an_act_on_two_accounts_is_undone_wholly_or_not_at_all(
        self, client: Client, make_user: Any
    ) -> None:
        client.force_login(make_user(Role.ACCOUNTANT))
        invoice = OpenItemFactory()
        other = CustomerFactory(legal_entity=invoice.legal_entity)
        line = make_line(invoice.legal_entity, "1500.00")
        acts = apply(
            line,
            on_account=[
                OnAccount(other.pk, Decimal("300.00")),
                OnAccount(invoice.customer_id, Decimal("1200.00")),
            ],
        )
        kept = min(acts, key=lambda act: act.pk)
        debit = OpenItemFactory(customer=kept.customer)
        payment = kept.receipts.get().item
        apply_credit(actor=SYSTEM, credit_id=payment.pk, parts=[part(debit, "10.00")], **WHEN)
        before = cash_rows()
        answer = client.post(reverse("invoices:cash-undo"), {"application": [act.pk for act in acts]})
        assert answer.status_code == 422
        assert cash_rows() == before

    def test_a_refund_sent_twice_is_made_once(self, client: Client, make_user: Any) -> None:
        client.force_login(make_user(Role.ACCOUNTANT))
        payment = PaymentFactory(total_amount=Decimal("-100.00"))
        address = reverse("invoices:item-refund", args=[payment.pk])
        values = {"amount": "40,00", "seen": "-100.00"}
        assert client.post(address, values).status_code == 302
        assert client.post(address, values).status_code == 422
        assert client.post(address, {"amount": "40,00"}).status_code == 422
        payment.refresh_from_db()
        assert payment.open_amount == Decimal("-60.00")

    def test_credits_sent_twice_are_matched_once(self, client: Client, make_user: Any) -> None:
        client.force_login(make_user(Role.ACCOUNTANT))
        payment = PaymentFactory(total_amount=Decimal("-100.00"))
        invoice = OpenItemFactory(customer=payment.customer)
        values = {
            "part": [payment.pk, invoice.pk],
            f"amount-{payment.pk}": "-40,00",
            f"amount-{invoice.pk}": "40,00",
            f"seen-{payment.pk}": "-100.00",
            f"seen-{invoice.pk}": str(invoice.open_amount),
        }
        address = reverse("invoices:credit-apply", args=[payment.customer_id])
        assert client.post(address, values).status_code == 302
        assert client.post(address, values).status_code == 422
        payment.refresh_from_db()
        assert payment.open_amount == Decimal("-60.00")
