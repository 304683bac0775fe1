"""A credit manager rewrites a letter in the browser, is stopped by a fault, and another person puts it in service."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from core import clock
from core.legal import register
from core.models import Role, User
from core.rights import SYSTEM
from dunning.letter_context import LetterFacts
from dunning.models import Letter, LetterTemplate, Notice
from dunning.operations.letters import render_next
from dunning.operations.notices import approve_notices
from dunning.operations.runs import dun
from tests.dunning.factories import load_law, make_customer, make_entity, make_item, make_policy
from tests.scenarios.house import pictures, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "Société coopérative des boulangeries et pâtisseries d’Anjou"


@pytest.fixture
def user(make_user) -> User:
    return make_user(Role.CREDIT_MANAGER, email="credit@example.test")


def test_a_letter_is_rewritten_approved_and_sent_as_written(page: Page, make_user) -> None:
    load_law()
    entity, today, now = make_entity(name="Moulins de la Loire"), clock.today(), clock.now()
    make_policy(entity)
    item = make_item(make_customer(entity, name=LONG), "1234.50", today - timedelta(days=9))
    run = dun(actor=SYSTEM, legal_entity=entity, as_of=today, now=now)
    notice = Notice.objects.get(run=run.run_id)

    page.goto("/relances/modeles/")
    pictures(page, "templates-list")
    reminder = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Relance", exact=True))
    reminder.get_by_role("link", name="texte intégré").first.click()
    page.get_by_role("button", name="Préparer une version").click()
    expect(page.get_by_text("Rien à signaler.")).to_be_visible()
    page.get_by_label("Aperçu sur").select_option(label=LONG)
    paper = page.locator(".letter-paper")
    expect(paper).to_contain_text(item.number)
    expect(paper).to_contain_text("234,50")

    # A field that does not exist is told while it is being written, with the one that was meant.
    letter = page.get_by_label("Courrier", exact=True)
    letter.fill(letter.input_value().replace("simple oubli", "oubli de {{ client.nome }}"))
    expect(page.locator("#letter-check")).to_contain_text("client.nom")
    expect(page.locator("#letter-check")).to_contain_text("À corriger")
    pictures(page, "templates-fault")
    letter.fill(letter.input_value().replace("client.nome", "client.nom"))
    expect(paper).to_contain_text(f"d’un oubli de {LONG}")

    # A click in the palette writes the field where the cursor stands.
    page.get_by_label("Objet").fill("Votre compte ")
    page.get_by_text("Champs, blocs et conditions à insérer").click()
    page.get_by_role("button", name="client.compte").click()
    expect(page.get_by_label("Objet")).to_have_value("Votre compte {{ client.compte }}")
    page.get_by_label("Ce qui change").fill("Plus direct")
    page.get_by_role("button", name="Enregistrer et soumettre").click()
    expect(page.get_by_text("une autre personne doit l’approuver").first).to_be_visible()
    expect(page.get_by_role("button", name="Approuver et mettre en service")).to_have_count(0)
    address = page.url

    page.context.clear_cookies()
    sign_in(page, make_user(Role.ADMINISTRATOR, email="admin@example.test").email)
    page.goto(address)
    expect(page.locator("ins").first).to_contain_text("Votre compte")
    pictures(page, "templates-to-approve")
    page.get_by_role("button", name="Approuver et mettre en service").click()
    expect(page.get_by_text("Modèle en service")).to_be_visible()
    assert LetterTemplate.objects.get().status == "ACTIVE"

    # One letter says it otherwise; the amounts stay.
    page.context.clear_cookies()
    sign_in(page, "credit@example.test")
    page.goto(f"/relances/suivi/{notice.pk}/")
    page.get_by_role("link", name="Modifier le texte").click()
    letter = page.get_by_label("Courrier", exact=True)
    letter.fill(letter.input_value().replace("Madame, Monsieur,", "Chère Madame,"))
    expect(page.locator(".letter-paper")).to_contain_text("Chère Madame")
    pictures(page, "letter-edit")
    page.get_by_role("button", name="Enregistrer ce texte").click()
    expect(page.get_by_text("Texte du courrier enregistré.")).to_be_visible()

    approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=today, now=now)
    render_next(actor=SYSTEM, facts=LetterFacts(register()), today=today, now=clock.now())
    sent = Letter.objects.get(notice=notice).context
    assert sent["template"]["subject"] == "Votre compte {{ client.compte }}"
    assert sent["template"]["edited"] is True
    assert "Chère Madame," in sent["template"]["body"]
    assert sent["totals"]["total"] == "1234.50"
