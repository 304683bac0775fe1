"""The cash board in the browser's eyes: swaps, refusals, undo, double clicks."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core import clock
from core.models import Role
from core.rights import SYSTEM
from invoices.models import (
    BankLine,
    CashApplication,
    MatchProposal,
    OpenItem,
    PayerAlias,
    ProposalPart,
    Receipt,
)
from invoices.operations.applying import ApplicationPart
from invoices.operations.cash import apply_line
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.bank import make_line
from tests.invoices.cash_books import cash_rows
from tests.invoices.factories import CreditNoteFactory, OpenItemFactory
from tests.pages import assert_no_server_error, counting, page_of, same_markup, swapped, text_of

BOARD = "/factures/rapprochement/"


@pytest.fixture
def accountant(make_user: Any, sign_in: Any) -> Client:
    return sign_in(make_user(Role.ACCOUNTANT))  # type: ignore[no-any-return]


def invoice(amount: str = "1200.00", **changes: Any) -> OpenItem:
    return OpenItemFactory(total_amount=Decimal(amount), **changes)  # type: ignore[no-any-return]


def line_for(item: OpenItem, amount: str = "1200.00", **changes: Any) -> BankLine:
    values = {"booking_date": clock.today() - timedelta(days=2), "counterparty_name": "DUFOUR SARL"}
    return make_line(item.legal_entity, amount, **values | changes)


def propose(
    line: BankLine, *items: OpenItem, rank: int = 1, score: int = 92, **changes: Any
) -> MatchProposal:
    proposal = MatchProposal.objects.create(
        **{
            "bank_line": line,
            "customer": items[0].customer,
            "rank": rank,
            "rule": "NAMED",
            "score": score,
            "reasons": [{"code": "amount_exact", "count": len(items)}],
            "blocks": [],
            "amount": sum((item.open_amount for item in items), Decimal(0)),
            "created_at": clock.now(),
        }
        | changes
    )
    ProposalPart.objects.bulk_create(
        ProposalPart(proposal=proposal, item=item, amount=item.open_amount) for item in items
    )
    return proposal


def act(browser: Client, line: BankLine, name: str, /, **data: Any) -> Any:
    left = abs(line.amount) - line.applied_amount
    return browser.post(reverse(f"invoices:cash-{name}", args=[line.pk]), {"seen": str(left), **data})


@pytest.mark.django_db
class TestBoard:
    def test_nothing_to_apply_teaches(self, accountant: Client) -> None:
        assert "Tout est affecté" in text_of(accountant.get(BOARD).content)

    def test_a_line_shows_what_the_bank_said_and_the_proposal_ticked(self, accountant: Client) -> None:
        item, other = invoice(), invoice("90.00")
        line = line_for(item, remittance="FACTURE\n042", counterparty_iban="FR7630006000011234567890189")
        propose(line, item)
        answer = accountant.get(BOARD)
        text = text_of(answer.content, "cash-work")
        assert "DUFOUR SARL" in text
        assert "FACTURE 042" in text
        assert "FR7630006000011234567890189" in text
        assert item.number in text
        assert other.number not in text
        ticked = page_of(answer.content).xpath("//input[@name='part'][@checked]/@value")
        assert ticked == [str(item.pk)]
        assert "rien" in text_of(answer.content, "cash-balance")

    def test_an_imputation_in_the_legal_order(self, accountant: Client) -> None:
        from tests.dunning.factories import load_law

        load_law()
        old = invoice("1000.00")
        fresh = invoice("1000.00", customer=old.customer, due_date=clock.today() + timedelta(days=30))
        line = line_for(old)
        answer = accountant.get(BOARD, {"ligne": line.pk, "client": old.customer_id, "imputer": "1"})
        page = page_of(answer.content)
        assert page.xpath("//input[@name='part'][@checked]/@value") == [str(old.pk), str(fresh.pk)]
        (written,) = page.xpath(f"//input[@name='amount-{fresh.pk}']/@value")
        assert written == "200,00"

    def test_a_missing_legal_value_is_named(self, accountant: Client) -> None:
        item = invoice()
        line = line_for(item)
        answer = accountant.get(BOARD, {"ligne": line.pk, "client": item.customer_id, "imputer": "1"})
        assert "late_fees.allocation" in text_of(answer.content, "cash-work")

    def test_other_customers_and_items_are_found(self, accountant: Client) -> None:
        item = invoice()
        line = line_for(item)
        other = invoice(customer=CustomerFactory(legal_entity=item.legal_entity, name="Scierie Vauclin"))
        for text in ("vaucl", other.number, "1 200,00"):
            answer = accountant.get(BOARD, {"ligne": line.pk, "cherche": text})
            assert "Scierie Vauclin" in text_of(answer.content, "cash-work"), text

    def test_filters_narrow_and_hostile_values_break_nothing(self, accountant: Client) -> None:
        item = invoice()
        good, none = line_for(item), line_for(item, "55.00", counterparty_name="AUTRE")
        propose(good, item)
        for query, seen in (
            ({"proposals": "certain"}, [good]),
            ({"proposals": "none"}, [none]),
            ({"q": "autre"}, [none]),
            ({"amount_min": "100"}, [good]),
            ({"state": "applied"}, []),
        ):
            page = page_of(accountant.get(BOARD, query).content)
            found = page.xpath("//section[contains(@class,'cash-lines')]//input[@name='line']/@value")
            assert found == [str(line.pk) for line in seen], query
        assert_no_server_error(
            accountant,
            BOARD,
            (
                "ligne",
                "client",
                "proposition",
                "cherche",
                "fait",
                "part",
                "cursor",
                "amount_min",
                "state",
                "imputer",
            ),
        )

    def test_the_same_number_of_queries_at_two_and_at_twenty_lines(self, accountant: Client) -> None:
        item = invoice()
        lines = [line_for(item, f"{n}.00") for n in range(1, 3)]
        for line in lines:
            propose(line, item)
        accountant.get(BOARD)
        with counting() as few:
            accountant.get(BOARD)
        for n in range(3, 21):
            propose(line_for(item, f"{n}.00"), item)
        with counting() as many:
            accountant.get(BOARD)
        assert few() == many()

    def test_outside_the_scope_there_is_nothing(self, make_user: Any, sign_in: Any) -> None:
        line = line_for(invoice())
        client = sign_in(make_user(Role.ACCOUNTANT, sees=[LegalEntityFactory()]))
        assert "Tout est affecté" in text_of(client.get(BOARD, {"ligne": line.pk}).content)
        assert act(client, line, "apply").status_code == 404


@pytest.mark.django_db
class TestActs:
    def test_applying_shows_the_next_line_and_the_way_back(self, accountant: Client) -> None:
        item = invoice()
        line, following = line_for(item), line_for(item, "70.00", counterparty_name="SUIVANT")
        proposal = propose(line, item)
        before = accountant.get(BOARD).content
        data = {"ticks": "1", "part": item.pk, f"amount-{item.pk}": "1 200,00", "proposal": proposal.pk}
        answer = accountant.post(
            reverse("invoices:cash-apply", args=[line.pk]),
            {"seen": "1200.00", **data},
            headers={"HX-Request": "true"},
            follow=True,
        )
        address = answer.redirect_chain[-1][0]
        assert f"ligne={following.pk}" in address
        page = swapped(before, answer.content, "cash")
        fresh = page_of(accountant.get(address).content)
        for one in (page, fresh):
            for token in one.xpath("//input[@name='csrfmiddlewaretoken']"):
                token.set("value", "")
        assert same_markup(page, fresh, "cash")
        assert "SUIVANT" in text_of(answer.content, "cash-work")
        application = CashApplication.objects.get()
        assert (application.rule, application.score) == ("NAMED", 92)
        assert PayerAlias.objects.filter(customer=item.customer).exists()
        (undo,) = page_of(answer.content).xpath("//input[@name='application']/@value")
        back = accountant.post(reverse("invoices:cash-undo"), {"application": undo}, follow=True)
        assert f"ligne={line.pk}" in back.redirect_chain[-1][0]
        item.refresh_from_db()
        assert item.open_amount == Decimal("1200.00")
        assert not PayerAlias.objects.exists()

    def test_a_proposal_is_accepted_with_its_difference(self, accountant: Client) -> None:
        item = invoice()
        line = line_for(item, "1199.50")
        proposal = propose(
            line, item, difference_amount=Decimal("0.50"), difference_reason="SMALL_DIFFERENCE"
        )
        assert act(accountant, line, "accept", proposal=proposal.pk).status_code == 302
        item.refresh_from_db()
        assert item.open_amount == 0
        assert act(accountant, line, "accept", proposal=proposal.pk).status_code == 422

    def test_what_is_left_goes_where_it_is_told(self, accountant: Client) -> None:
        item = invoice("1000.00")
        line = line_for(item)
        data = {"ticks": "1", "part": item.pk, "client": item.customer_id}
        page = accountant.post(reverse("invoices:cash-balance", args=[line.pk]), data)
        assert "200,00" in page.content.decode().replace("\u202f", " ")
        act(accountant, line, "apply", **data, reste="ON_LINE")
        line.refresh_from_db()
        assert (line.status, line.applied_amount) == ("OPEN", Decimal("1000.00"))
        act(accountant, line, "apply", ticks="1", client=item.customer_id, reste="ON_ACCOUNT")
        line.refresh_from_db()
        assert line.status == "APPLIED"
        assert OpenItem.objects.filter(open_amount=Decimal("-200.00")).exists()

    def test_a_double_click_and_two_tabs_apply_once(self, accountant: Client) -> None:
        item = invoice()
        line = line_for(item)
        data = {"ticks": "1", "part": item.pk, f"amount-{item.pk}": "500,00", "reste": "ON_LINE"}
        assert act(accountant, line, "apply", **data).status_code == 302
        rows = cash_rows()
        answer = accountant.post(reverse("invoices:cash-apply", args=[line.pk]), {"seen": "1200.00", **data})
        assert answer.status_code == 422
        assert "a changé entre-temps" in text_of(answer.content)
        assert answer.headers["HX-Push-Url"] == "false"
        assert cash_rows() == rows

    def test_a_refusal_is_shown_at_its_row_and_keeps_what_was_typed(self, accountant: Client) -> None:
        item = invoice()
        line = line_for(item)
        for text, told in (("abc", "n’est pas un montant"), ("1 200,01", "n’a plus que")):
            data = {"ticks": "1", "part": item.pk, "client": item.customer_id, f"amount-{item.pk}": text}
            answer = act(accountant, line, "apply", **data)
            assert answer.status_code == 422
            page = page_of(answer.content)
            (field,) = page.xpath(f"//input[@name='amount-{item.pk}']")
            assert (field.get("value"), field.get("aria-invalid")) == (text, "true")
            assert told in text_of(answer.content, f"error-{item.pk}")
        assert not Receipt.objects.exists()

    def test_hostile_posts_are_refused_not_broken(self, accountant: Client) -> None:
        line = line_for(invoice())
        for value in ("", "x", "9" * 30, "-1", "٣"):
            for name in ("apply", "accept", "return", "refund", "confirm-refund", "set-aside", "balance"):
                answer = act(
                    accountant, line, name, ticks="1", part=value, client=value, proposal=value, original=value,
                    application=value, seen=value, query=f"ligne={value}&cursor={value}", reste=value,
                )  # fmt: skip
                assert answer.status_code < 500, (name, value)
        assert accountant.post(reverse("invoices:cash-undo"), {"application": "x"}).status_code == 422
        line.refresh_from_db()
        assert line.applied_amount == 0

    def test_setting_aside_and_taking_back(self, accountant: Client) -> None:
        line = line_for(invoice())
        assert act(accountant, line, "set-aside", reason="").status_code == 422
        assert act(accountant, line, "set-aside", reason="Subvention").status_code == 302
        assert "Subvention" in text_of(accountant.get(BOARD, {"ligne": line.pk}).content, "cash-work")
        assert act(accountant, line, "reopen").status_code == 302
        line.refresh_from_db()
        assert line.status == "OPEN"

    def test_a_return_is_treated_from_its_candidates(self, accountant: Client) -> None:
        item = invoice()
        original = line_for(item, end_to_end_id="E2E-7")
        when = {"actor": SYSTEM, "today": clock.today(), "now": clock.now()}
        apply_line(line_id=original.pk, parts=[ApplicationPart(item.pk, item.open_amount)], **when)
        line = make_line(
            original.statement, "-1200.00", booking_date=clock.today(), is_return=True, end_to_end_id="E2E-7"
        )
        page = accountant.get(BOARD, {"ligne": line.pk})
        assert "même référence de bout en bout" in text_of(page.content, "cash-work")
        assert act(accountant, line, "return", original=original.pk).status_code == 302
        item.refresh_from_db()
        assert item.open_amount == Decimal("1200.00")

    def test_a_debit_refunds_a_credit(self, accountant: Client) -> None:
        note = CreditNoteFactory()
        line = make_line(note.legal_entity, "-200.00", booking_date=clock.today(), status="SET_ASIDE")
        page = accountant.get(BOARD, {"ligne": line.pk, "client": note.customer_id})
        assert note.number in text_of(page.content, "cash-work")
        assert (
            act(accountant, line, "refund", ticks="1", part=note.pk, client=note.customer_id).status_code
            == 302
        )
        note.refresh_from_db()
        assert note.open_amount == 0


@pytest.mark.django_db
class TestSeveral:
    def test_certain_ones_are_accepted_after_a_preview(self, accountant: Client) -> None:
        items = [invoice() for _n in range(3)]
        lines = [line_for(item) for item in items]
        proposals = [propose(line, item) for line, item in zip(lines, items, strict=True)]
        MatchProposal.objects.filter(pk=proposals[2].pk).update(blocks=[{"code": "block_chance"}])
        page = text_of(accountant.get(reverse("invoices:cash-certain")).content)
        assert "2 mouvements seront lettrés" in page
        assert "2 400,00 €" in page.replace("\u202f", " ").replace("\u00a0", " ")
        data = {f"proposal-{line.pk}": found.pk for line, found in zip(lines, proposals, strict=True)}
        answer = accountant.post(
            reverse("invoices:cash-bulk"),
            {"line": [line.pk for line in lines[:2]], "confirmed": "1", **data},
            follow=True,
        )
        assert "2 mouvements lettrés." in text_of(answer.content)
        assert CashApplication.objects.count() == 2

    def test_several_are_set_aside_with_one_reason(self, accountant: Client) -> None:
        lines = [line_for(invoice()) for _n in range(2)]
        data = {"line": [line.pk for line in lines], "action": "aside"}
        assert "2 mouvements ne seront" in text_of(
            accountant.post(reverse("invoices:cash-bulk"), data).content
        )
        assert accountant.post(reverse("invoices:cash-bulk"), {**data, "confirmed": "1"}).status_code == 422
        accountant.post(
            reverse("invoices:cash-bulk"), {**data, "confirmed": "1", "reason": "Virement interne"}
        )
        assert BankLine.objects.filter(status="SET_ASIDE").count() == 2
