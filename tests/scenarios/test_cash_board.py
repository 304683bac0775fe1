"""An accountant works the bank lines off with the keyboard alone; then the same without any script."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from core import clock
from core.models import User
from customers.models import LegalEntity
from invoices.models import BankLine, CashApplication, MatchProposal, OpenItem, ProposalPart
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.bank import make_bank_account, make_line, make_statement
from tests.invoices.factories import OpenItemFactory
from tests.scenarios.house import pictures, sign_in, watched_page

LONG = "Société coopérative des boulangeries et pâtisseries d’Anjou"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def entity() -> LegalEntity:
    return LegalEntityFactory()  # type: ignore[no-any-return]


@pytest.fixture
def lines(entity: LegalEntity) -> list[BankLine]:
    """Four lines: one certain, one with two proposals, one that nothing explains, one of another customer."""
    statement = make_statement(make_bank_account(entity))
    made = []
    for place, (payer, amounts) in enumerate(
        [("DUFOUR SARL", ["1200.00"]), (LONG.upper(), ["300.00", "450.00"]), ("TRESOR PUBLIC", []), ("KERBRAT", ["75.00"])]
    ):  # fmt: skip
        customer = CustomerFactory(legal_entity=entity, name=payer.title() if place != 1 else LONG)
        items = [OpenItemFactory(customer=customer, total_amount=Decimal(amount)) for amount in amounts]
        line = make_line(
            statement,
            sum((item.total_amount for item in items), Decimal(0)) or "999.00",
            booking_date=clock.today() - timedelta(days=9 - place),
            counterparty_name=payer,
            remittance="VIR " + " ".join(item.number for item in items),
        )
        for rank, chosen in enumerate(
            [items, items[:1]] if place == 1 else [items] if items else [], start=1
        ):
            proposal = MatchProposal.objects.create(
                bank_line=line, customer=customer, rank=rank, rule="NAMED", score=97 - 20 * rank, blocks=[],
                reasons=[{"code": "amount_exact", "count": len(chosen)}],
                amount=sum(item.total_amount for item in chosen), created_at=clock.now(),
            )  # fmt: skip
            for item in chosen:
                ProposalPart.objects.create(proposal=proposal, item=item, amount=item.open_amount)
        made.append(line)
    BankLine.objects.update(matched_at=clock.now())
    return made


def shows(page: Page, name: str) -> None:
    expect(page.locator("#cash-work h2").first).to_have_text(name)


def test_the_lines_are_worked_off_with_the_keyboard(page: Page, lines: list[BankLine]) -> None:
    page.goto("/factures/rapprochement/")
    shows(page, "DUFOUR SARL")
    pictures(page, "cash-board")
    page.goto("/factures/rapprochement/")

    page.keyboard.press("j")
    shows(page, LONG.upper())
    page.keyboard.press("k")
    shows(page, "DUFOUR SARL")

    # Enter accepts the first proposal; the next line shows with the way back.
    page.keyboard.press("Enter")
    shows(page, LONG.upper())
    expect(page.locator(".cash-done")).to_contain_text("affectés à Dufour Sarl")
    page.keyboard.press("u")
    shows(page, "DUFOUR SARL")
    assert CashApplication.objects.filter(reversed_on__isnull=True).count() == 0

    # The second proposal of a line; an item ticked by key; the sum is counted by the server.
    page.keyboard.press("j")
    shows(page, LONG.upper())
    page.keyboard.press("2")
    expect(page.locator("#cash-balance")).to_contain_text("450,00")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("x")
    expect(page.locator("#cash-balance")).to_contain_text("rien")
    page.get_by_role("button", name="Lettrer", exact=True).click()
    shows(page, "TRESOR PUBLIC")

    # What concerns nobody is set aside with a reason.
    page.keyboard.press("a")
    page.keyboard.type("Remboursement de TVA")
    page.keyboard.press("Enter")
    shows(page, "KERBRAT")

    # Another customer is searched with /.
    page.keyboard.press("/")
    page.keyboard.type("dufour")
    page.keyboard.press("Enter")
    page.locator(".cash-found").get_by_role("link", name="Dufour Sarl").click()
    expect(page.locator(".cash-account").first).to_contain_text("Dufour Sarl")

    page.goto("/factures/rapprochement/")
    shows(page, "DUFOUR SARL")
    assert BankLine.objects.get(pk=lines[1].pk).status == "APPLIED"
    assert BankLine.objects.get(pk=lines[2].pk).set_aside_reason == "Remboursement de TVA"


def test_everything_works_without_script(
    live_server: Any, browser: Browser, user: User, lines: list[BankLine]
) -> None:
    with watched_page(browser, live_server.url, java_script_enabled=False) as page:
        sign_in(page, user.email)
        page.goto(f"/factures/rapprochement/?ligne={lines[1].pk}")
        shows(page, LONG.upper())
        item = OpenItem.objects.filter(total_amount=Decimal("450.00")).get()
        page.locator(f"input[name='amount-{item.pk}']").fill("400,00")
        page.get_by_role("button", name="Recompter").click()
        expect(page.locator("#cash-balance")).to_contain_text("50,00")
        page.get_by_role("button", name="Lettrer", exact=True).click()
        expect(page.locator(".cash-done")).to_be_visible()
        item.refresh_from_db()
        assert item.open_amount == Decimal("50.00")
        page.get_by_role("button", name="Annuler").click()
        shows(page, LONG.upper())
        item.refresh_from_db()
        assert item.open_amount == Decimal("450.00")
