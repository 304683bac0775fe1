from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import NotAllowed
from core.models import Role
from core.rights import SYSTEM
from customers.models import Customer
from invoices.matching.reasons import PAYER
from invoices.models import (
    Allocation,
    BankLine,
    CashApplication,
    CashSettings,
    MatchProposal,
    PayerAlias,
)
from invoices.operations import match_posting, matching
from invoices.operations.cash_reversals import reverse_application
from invoices.operations.credit_matching import match_credits
from invoices.operations.matching import rematch
from invoices.operations.payers import AliasUnknown, forget, learn
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.bank import make_bank_account, make_line, make_statement
from tests.invoices.cash_books import assert_books, cash_rows
from tests.invoices.factories import CreditNoteFactory, OpenItemFactory, PaymentFactory
from tests.invoices.matching import NOW, TODAY, first, known_iban, match


@pytest.mark.django_db
class TestMatching:
    def test_a_named_invoice_is_settled_and_says_why(self) -> None:
        invoice = OpenItemFactory(number="FA-2026-00118")
        line = make_line(
            invoice.legal_entity, remittance="FACT FA-2026-00118", counterparty_name=invoice.customer.name
        )

        counts = match()

        assert (counts["lines"], counts["posted"]) == (1, 1)
        line.refresh_from_db()
        invoice.refresh_from_db()
        assert (line.status, line.applied_amount, invoice.open_amount) == ("APPLIED", Decimal("1200.00"), 0)
        application = CashApplication.objects.get()
        assert (application.is_automatic, application.rule, application.applied_by) == (True, "NAMED", None)
        assert {reason["code"] for reason in application.reasons} == {
            "named_full",
            "payer_name",
            "amount_exact",
        }
        assert first(line).status == MatchProposal.Status.POSTED
        assert_books(TODAY)

    def test_what_is_doubtful_waits_with_its_proposals(self) -> None:
        invoice = OpenItemFactory(number="FA-2026-00118")
        line = make_line(invoice.legal_entity, remittance="VIREMENT", counterparty_name=invoice.customer.name)

        assert match()["posted"] == 0

        line.refresh_from_db()
        assert (line.status, line.matched_at) == ("OPEN", NOW)
        proposal = first(line)
        assert [(part.item_id, part.amount) for part in proposal.parts.all()] == [
            (invoice.pk, Decimal("1200.00"))
        ]
        assert [block["code"] for block in proposal.blocks] == ["block_payer_unsure"]
        assert match()["lines"] == 0  # nothing waits any more

    def test_a_switched_off_entity_proposes_only(self) -> None:
        invoice = OpenItemFactory(number="FA-2026-00118")
        CashSettings.objects.create(legal_entity=invoice.legal_entity, posts_by_itself=False)
        line = make_line(invoice.legal_entity, remittance="FA-2026-00118")
        assert match()["posted"] == 0
        assert first(line).blocks == [{"code": "block_switched_off"}]

    def test_returns_debits_and_lines_of_the_future(self) -> None:
        invoice = OpenItemFactory(number="FA-2026-00118")
        debit = make_line(invoice.legal_entity, "-1200.00", remittance="FA-2026-00118", is_return=True)
        future = make_line(
            invoice.legal_entity, remittance="FA-2026-00118", booking_date=TODAY + timedelta(days=1)
        )
        assert match() == {"lines": 2, "proposed": 1, "posted": 0}
        assert not debit.proposals.exists()
        assert {"code": "block_future"} in first(future).blocks

    def test_another_entitys_number_and_another_currency_are_not_meant(self) -> None:
        OpenItemFactory(number="FA-2026-00118")
        here = OpenItemFactory(number="FA-2026-00118", currency="USD")
        line = make_line(here.legal_entity, remittance="FA-2026-00118")
        assert match()["posted"] == 0
        assert not line.proposals.exists()

    def test_two_lines_for_one_item(self) -> None:
        invoice = OpenItemFactory(number="FA-2026-00118")
        lines = [make_line(invoice.legal_entity, remittance="FA-2026-00118") for _n in range(2)]

        assert match()["posted"] == 1

        lines = [BankLine.objects.get(pk=line.pk) for line in lines]
        assert [line.status for line in lines] == ["APPLIED", "OPEN"]
        assert lines[1].matched_at == NOW
        assert not lines[1].proposals.filter(parts__item=invoice).exists()
        assert_books(TODAY)

    def test_an_item_that_was_unmatched_once_is_left_to_a_person(self) -> None:
        invoice = OpenItemFactory(number="FA-2026-00118")
        line = make_line(invoice.legal_entity, remittance="FA-2026-00118")
        match()
        reverse_application(
            actor=SYSTEM,
            application_id=CashApplication.objects.get().pk,
            reason="Erreur",
            today=TODAY,
            now=NOW,
        )
        other = make_line(invoice.legal_entity, remittance="FA-2026-00118")

        assert match()["posted"] == 0

        assert "block_undone" in {block["code"] for block in first(other).blocks}
        assert "block_partly_applied" in {block["code"] for block in first(line).blocks}
        assert_books(TODAY)

    def test_known_payer_without_a_word(self) -> None:
        invoice = OpenItemFactory(total_amount=Decimal("1234.56"))
        OpenItemFactory(customer=invoice.customer, total_amount=Decimal("455.67"))
        alias = known_iban(invoice.customer, "FR7630006000011234567890189")
        make_line(invoice.legal_entity, "1234.56", counterparty_iban="FR76 3000 6000 0112 3456 7890 189")
        assert match()["posted"] == 1
        alias.refresh_from_db()
        assert alias.uses == 2

    def test_similar_name_account_code_and_siren(self) -> None:
        customer = CustomerFactory(name="Menuiserie Lefèvre & Fils SARL", account_code="C00977")
        OpenItemFactory(customer=customer, total_amount=Decimal("77.77"))
        entity = customer.legal_entity
        lines = [
            make_line(entity, "77.77", counterparty_name="SARL MENUISERIE LEFEVRE FILS"),
            make_line(entity, "77.77", counterparty_name="MENUISERIE LEFEVRE"),
            make_line(entity, "77.77", remittance="CLIENT C00977"),
            make_line(entity, "77.77", remittance=f"SIREN {customer.siren}"),
            make_line(entity, "77.77", remittance="VIR MENUISERIE LEFEVRE ET FILS", counterparty_name=""),
        ]
        match()
        codes = [{reason["code"] for reason in first(line).reasons} & set(PAYER) for line in lines]
        assert codes == [
            {"payer_name"},
            {"payer_name"},
            {"payer_code"},
            {"payer_siren"},
            {"payer_name_in_text"},
        ]

    def test_new_facts_send_lines_back(self, make_user: Callable[..., Any]) -> None:
        entity = CustomerFactory(name="Scierie du Perche").legal_entity
        line = make_line(entity, "50.07", counterparty_name="SCIERIE DU PERCHE")
        match()
        OpenItemFactory(customer=Customer.objects.get(), total_amount=Decimal("50.07"))
        assert rematch(actor=make_user(Role.ACCOUNTANT), entity_id=entity.pk) == 1
        match()
        assert first(line).rule == "ONE_ITEM"

    def test_who_may_not_apply_cash_matches_nothing(self, make_user: Callable[..., Any]) -> None:
        invoice = OpenItemFactory(number="FA-2026-00118")
        make_line(invoice.legal_entity, remittance="FA-2026-00118")
        viewer = make_user(Role.FINANCE_DIRECTOR)
        before = cash_rows() | {"AuditEvent": []}
        with pytest.raises(NotAllowed):
            match(actor=viewer)
        with pytest.raises(NotAllowed):
            match_credits(actor=viewer, today=TODAY, now=NOW, entity=invoice.legal_entity)
        assert cash_rows() | {"AuditEvent": []} == before

    def test_a_chunk_that_dies_leaves_nothing_and_is_done_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        invoice = OpenItemFactory(number="FA-2026-00118")
        make_line(invoice.legal_entity, remittance="FA-2026-00118")
        before = cash_rows()

        def die(**_all: Any) -> None:
            raise RuntimeError("killed")

        with monkeypatch.context() as patched:
            patched.setattr(match_posting, "refresh_ageing", die)
            with pytest.raises(RuntimeError):
                match()
        assert cash_rows() == before
        assert match()["posted"] == 1
        assert_books(TODAY)

    def test_statements_do_not_grow_with_lines(self) -> None:
        def statements(count: int) -> int:
            entity = LegalEntityFactory()
            customer = CustomerFactory(legal_entity=entity)
            items = OpenItemFactory.create_batch(count, customer=customer)
            statement = make_statement(make_bank_account(entity))
            for invoice in items:
                make_line(statement, remittance=invoice.number, counterparty_name=customer.name)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert match(entity=entity)["posted"] == count
            return len(queries)

        assert statements(2) == statements(20)

    def test_chunks_and_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        customer = CustomerFactory()
        for rank in range(5):
            invoice = OpenItemFactory(customer=customer, total_amount=Decimal(100 + rank))
            make_line(invoice.legal_entity, invoice.total_amount, remittance=invoice.number)
        monkeypatch.setattr(matching, "CHUNK", 2)
        assert match(limit=3)["lines"] == 3
        assert match()["lines"] == 2
        assert BankLine.objects.filter(status="APPLIED").count() == 5


@pytest.mark.django_db
class TestCredits:
    def test_a_credit_whose_reference_names_the_invoice_is_matched(self) -> None:
        invoice = OpenItemFactory(number="FA-2026-00118", total_amount=Decimal("250.10"))
        credit = PaymentFactory(
            customer=invoice.customer,
            total_amount=Decimal("-250.10"),
            reference="FA-2026-00118",
            issue_date=date(2026, 2, 3),
        )
        silent = CreditNoteFactory(
            customer=OpenItemFactory(total_amount=Decimal("99.07")).customer, total_amount=Decimal("-99.07")
        )

        counts = match_credits(actor=SYSTEM, today=TODAY, now=NOW, entity=invoice.legal_entity)
        other = match_credits(actor=SYSTEM, today=TODAY, now=NOW, entity=silent.legal_entity)

        assert counts == {"credits": 1, "proposed": 1, "posted": 1}
        assert other == {"credits": 1, "proposed": 1, "posted": 0}
        invoice.refresh_from_db()
        credit.refresh_from_db()
        assert invoice.open_amount == credit.open_amount == 0
        assert Allocation.objects.get().allocated_on == date(2026, 2, 3)
        waiting = MatchProposal.objects.get(credit=silent, rank=1)
        assert "block_not_exact_reference" in {block["code"] for block in waiting.blocks}
        assert_books(TODAY)


@pytest.mark.django_db
class TestPayers:
    def test_learned_used_again_and_forgotten(self, make_user: Callable[..., Any]) -> None:
        accountant = make_user(Role.ACCOUNTANT)
        customer = CustomerFactory()
        line = make_line(
            customer.legal_entity, counterparty_name="STE Énergie du Perche SAS", counterparty_iban="FR7630006000011234567890189",
            mandate_reference="rum-1",
        )  # fmt: skip
        for _twice in range(2):
            learn(actor=accountant, line=line, customer=customer, today=TODAY)
        signs = {(alias.kind, alias.value, alias.uses) for alias in PayerAlias.objects.all()}
        assert signs == {
            ("IBAN", "FR7630006000011234567890189", 2),
            ("MANDATE", "RUM-1", 2),
            ("NAME", "ENERGIE PERCHE", 2),
        }
        alias = PayerAlias.objects.get(kind="NAME")
        forget(actor=accountant, alias_id=alias.pk, now=NOW)
        assert PayerAlias.objects.count() == 2
        stranger = make_user(Role.ACCOUNTANT, email="ailleurs@example.test", sees=[LegalEntityFactory()])
        with pytest.raises(AliasUnknown):
            forget(actor=stranger, alias_id=PayerAlias.objects.first().pk, now=NOW)
        assert PayerAlias.objects.count() == 2
