"""A credit manager works the approval list with the keyboard, stops everything, and excepts a customer."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core import clock
from core.models import Role, User
from core.rights import SYSTEM
from customers.models import LegalEntity
from dunning.models import DunningException, DunningStop, Notice
from dunning.operations.runs import dun
from tests.dunning.factories import load_law, make_customer, make_entity, make_item, make_policy
from tests.scenarios.house import pictures, sign_in, watched_page

LONG = "Société coopérative des boulangeries et pâtisseries d’Anjou"
NAMES = ["DUFOUR SARL", LONG, "KERBRAT SAS", "Ateliers Morin"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user(make_user) -> User:
    return make_user(Role.CREDIT_MANAGER, email="credit@example.test")  # type: ignore[no-any-return]


@pytest.fixture
def entity() -> LegalEntity:
    """Four customers with a reminder each to approve, of 400 to 100 euros."""
    load_law()
    entity = make_entity()
    make_policy(entity)
    for place, name in enumerate(NAMES):
        customer = make_customer(entity, name=name)
        make_item(customer, Decimal(400 - 100 * place), clock.today() - timedelta(days=9))
    dun(actor=SYSTEM, legal_entity=entity, as_of=clock.today(), now=clock.now())
    return entity


def in_hand(page: Page) -> Locator:
    return page.locator("#approvals tr.is-current")


def states() -> dict[str, str]:
    return dict(Notice.objects.values_list("customer__name", "status"))


def test_the_list_is_worked_off_with_the_keyboard(page: Page, entity: LegalEntity) -> None:
    page.goto("/relances/a-valider/")
    expect(page.locator("#approvals tbody tr")).to_have_count(4)
    pictures(page, "approval-list")
    page.goto("/relances/a-valider/")
    # The help opens and closes.
    page.keyboard.press("?")
    expect(page.locator("#approval-keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#approval-keys")).to_be_hidden()

    # The letter beside the list; it follows j.
    page.keyboard.press("j")
    expect(in_hand(page)).to_contain_text(NAMES[0])
    page.keyboard.press("p")
    expect(page.locator("#panel h2")).to_have_text(NAMES[0])
    expect(page.locator("#panel iframe")).to_have_attribute("src", "".join((
        f"/relances/suivi/{Notice.objects.get(customer__name=NAMES[0]).pk}/apercu.pdf",
        "#view=FitH&navpanes=0&toolbar=0",
    )))  # fmt: skip
    pictures(page, "approval-preview")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.keyboard.press("j")
    expect(page.locator("#panel h2")).to_have_text(LONG)
    expect(in_hand(page)).to_contain_text("boulangeries")

    # Space ticks, the sum is the server's, a approves what is ticked.
    page.keyboard.press("Space")
    page.keyboard.press("j")
    expect(page.locator("#panel h2")).to_have_text(NAMES[2])
    page.keyboard.press("Space")
    expect(page.locator("[data-bulk-total]")).to_contain_text("2 lignes cochées · 500,00 €")
    page.keyboard.press("a")
    expect(page.get_by_text("2 relances validées")).to_be_visible()
    assert states() == dict(zip(NAMES, ["PROPOSED", "APPROVED", "APPROVED", "PROPOSED"], strict=True))

    # r on the row in hand: the reason, then Enter, which never approves.
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.locator("[data-reject-reason]")).to_be_focused()
    page.keyboard.type("Appel prévu")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 relance écartée")).to_be_visible()
    assert states()[NAMES[0]] == "REJECTED"

    # All that the filters let through, as counted.
    page.get_by_role("link", name="Tout valider ou écarter…").click()
    pictures(page, "approval-all")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Valider 1 relance").click()
    expect(page.get_by_text("1 relance validée")).to_be_visible()
    expect(page.get_by_text("Rien à valider")).to_be_visible()
    assert states()[NAMES[3]] == "APPROVED"


def test_without_script_the_letter_opens_and_decisions_are_made(
    live_server: Any, browser: Browser, user: User, entity: LegalEntity
) -> None:
    with watched_page(browser, live_server.url, java_script_enabled=False) as page:
        sign_in(page, user.email)
        page.goto("/relances/a-valider/")
        page.get_by_role("link", name="DUFOUR SARL").click()
        expect(page.locator("#panel h2")).to_have_text("DUFOUR SARL")
        page.locator("#approvals tbody input[type=checkbox]").first.check()
        page.get_by_role("button", name="Valider", exact=True).click()
        expect(page.get_by_text("1 relance validée")).to_be_visible()
    assert states()["DUFOUR SARL"] == "APPROVED"


def test_everything_is_stopped_and_goes_on(page: Page, entity: LegalEntity) -> None:
    page.goto("/relances/")
    page.get_by_role("link", name="Arrêter les relances…").click()
    page.get_by_label("Motif").fill("Soldes repris à l’envers")
    page.get_by_role("button", name="Arrêter les relances").click()
    expect(page.locator(".message-blocked")).to_contain_text("Relances arrêtées : toutes les entités")
    pictures(page, "dunning-stopped")
    page.set_viewport_size({"width": 1440, "height": 900})
    # The banner stands on every page of dunning, and nothing is approved meanwhile.
    for address in ("/relances/a-valider/", "/relances/scenarios/", "/relances/exceptions/"):
        page.goto(address)
        expect(page.locator(".message-blocked")).to_contain_text("Soldes repris à l’envers")
    page.goto("/relances/a-valider/")
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.get_by_text("reprenez-les avant de valider")).to_be_visible()
    assert set(states().values()) == {"PROPOSED"}
    page.goto("/relances/arrets/")
    page.get_by_role("button", name="Reprendre les relances").click()
    expect(page.get_by_text("Les relances reprennent")).to_be_visible()
    assert not DunningStop.objects.filter(lifted_at=None).exists()
    page.goto("/relances/a-valider/")
    expect(page.locator(".message-blocked")).to_have_count(0)


@pytest.mark.parametrize("tolerated", ["400"])
def test_a_customer_is_excepted_from_his_page(page: Page, entity: LegalEntity) -> None:
    notice = Notice.objects.get(customer__name=LONG)
    page.goto(f"/relances/clients/{notice.customer_id}/")
    expect(page.get_by_text("la suite attend cet envoi")).to_be_visible()
    pictures(page, "dunning-of-customer")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("link", name="Exception pour ce client").click()
    page.get_by_role("button", name="Décider l’exception").click()
    expect(page.get_by_text("Ce champ est obligatoire")).to_be_visible()
    page.get_by_label("Motif").fill("Litige commercial en cours de règlement")
    page.get_by_role("button", name="Décider l’exception").click()
    expect(page.get_by_text("une suspension sans fin s’oublie")).to_be_visible()
    page.get_by_label("Jusqu’au (inclus)").fill((clock.today() + timedelta(days=30)).isoformat())
    page.get_by_role("button", name="Décider l’exception").click()
    expect(page.get_by_text("L’exception est décidée")).to_be_visible()
    page.goto("/relances/exceptions/")
    expect(page.locator("tbody tr")).to_have_count(1)
    pictures(page, "exceptions")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Lever").click()
    expect(page.get_by_text("est levée")).to_be_visible()
    assert DunningException.objects.get().ended_on == clock.today()
