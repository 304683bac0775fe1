"""A credit manager prints a batch, notes its posting with its numbers, then makes calls, in a browser."""

from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from core import clock
from core.models import Role, User
from core.rights import SYSTEM
from customers.models import Contact
from dunning.models import Call, Delivery, Level, Notice, PostBatch
from dunning.operations.notices import approve_notices
from dunning.operations.runs import dun
from dunning.tasks_post import move_post_batches
from invoices.models import OpenItem, Promise
from tests.dunning.factories import load_law, make_customer, make_entity, make_item
from tests.dunning.post_house import letters_to_post, paper_policy
from tests.scenarios.house import pictures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user(make_user) -> User:
    return make_user(Role.CREDIT_MANAGER, email="credit@example.test")


@pytest.fixture
def tolerated() -> str:
    """A refused form answers 422, which the console tells too."""
    return "422"


def test_a_batch_is_printed_posted_and_numbered(page: Page) -> None:
    today = clock.today()
    notices = letters_to_post(3, today=today, now=clock.now())
    page.goto("/relances/poste/")
    page.get_by_role("checkbox", name=notices[0].customer.name).check()
    page.get_by_role("checkbox", name=notices[1].customer.name).check()
    page.get_by_role("button", name="Composer un lot", exact=True).click()
    expect(page.locator("main, body").first).to_contain_text("Le PDF du lot se prépare")
    move_post_batches()
    batch = PostBatch.objects.get()
    page.goto(f"/relances/poste/lots/{batch.pk}/")
    answer = page.request.get(f"/relances/poste/lots/{batch.pk}/lot.pdf")
    assert answer.body().startswith(b"%PDF-")
    manifest = page.request.get(f"/relances/poste/lots/{batch.pk}/bordereau.csv").text()
    assert notices[0].letter.reference in manifest and notices[0].letter.file.sha256 in manifest
    pictures(page, "post-batch")

    # Paid after printing: it must come out of the pile, and the page says so before the posting.
    OpenItem.objects.filter(customer=notices[1].customer).update(open_amount=Decimal("0.00"))
    page.reload()
    expect(page.locator("main, body").first).to_contain_text("1 courrier à retirer de la pile")

    # A number that is none is refused, and nothing is written.
    page.get_by_label("Numéros de recommandé, un par ligne").fill(f"{notices[0].letter.reference} 12")
    page.get_by_role("button", name="Confirmer le dépôt du lot").click()
    expect(page.locator("main, body").first).to_contain_text("n’est pas un numéro de suivi")
    assert set(Delivery.objects.values_list("status", flat=True)) == {Delivery.Status.STARTED}

    page.get_by_label("Numéros de recommandé, un par ligne").fill(
        f"{notices[0].letter.reference} 1A 123 456 7890 1"
    )
    page.get_by_role("button", name="Confirmer le dépôt du lot").click()
    expect(page.locator("main, body").first).to_contain_text("1 courrier déposé")
    expect(page.locator("main, body").first).to_contain_text("À retirer de la pile")
    first, second, third = (Notice.objects.get(pk=notice.pk) for notice in notices)
    assert (first.status, second.status, third.status) == ("SENT", "HELD", "RENDERED")
    delivery = first.deliveries.get()
    assert (delivery.tracking_number, delivery.posted_on) == ("1A12345678901", today)

    # Put right afterwards, from the notice itself.
    page.goto(f"/relances/suivi/{first.pk}/")
    page.get_by_label("Corriger le numéro de recommandé").fill("1A12345678902")
    page.locator("#preuve").get_by_role("button", name="Enregistrer").click()
    expect(page.locator("#preuve")).to_contain_text("1A12345678902")


def test_calls_are_made_one_after_the_other(page: Page) -> None:
    load_law()
    today = clock.today()
    entity = make_entity()
    paper_policy(entity, Level.Channel.PHONE)
    names = ("Alpha", "Bravo", "Charlie", "Société anonyme de transformation des métaux du Haut-Dauphiné")
    customers = [make_customer(entity, name=name) for name in names]
    for number, customer in enumerate(customers):
        Contact.objects.filter(customer=customer).update(phone=f"04 76 00 11 2{number}")
        make_item(customer, f"{1000 * (4 - number)}.00", today - timedelta(days=10))
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=today, now=clock.now())
    ids = list(Notice.objects.filter(run=planned.run_id).values_list("pk", flat=True))
    approve_notices(actor=SYSTEM, notice_ids=ids, today=today, now=clock.now())
    alpha, bravo, charlie, _long = (Notice.objects.get(customer=customer) for customer in customers)

    page.goto("/relances/appels/")
    expect(page.locator("tbody tr").first).to_contain_text("Alpha")
    pictures(page, "call-list")
    page.get_by_role("link", name="Alpha").click()
    expect(page.locator("#script")).to_contain_text(entity.name)
    expect(page.locator("#numeros a")).to_have_attribute("href", "tel:0476001120")
    pictures(page, "call-detail")
    # A promise without its date is refused at its field.
    page.get_by_label("Promesse de règlement obtenue").check()
    page.get_by_role("button", name="Enregistrer l’appel").click()
    expect(page.locator("#resultat")).to_contain_text("Indiquez la date promise")
    page.get_by_label("Promis pour le").fill((today + timedelta(days=5)).isoformat())
    page.get_by_role("button", name="Enregistrer l’appel").click()
    expect(page.locator("main, body").first).to_contain_text("la relance est faite")
    assert Promise.objects.get().amount == Decimal("4000.00")
    alpha.refresh_from_db()
    assert (alpha.status, alpha.sent_on) == (Notice.Status.SENT, today)

    # Nobody answers: it is called again another day.
    page.get_by_role("link", name="Bravo").click()
    page.get_by_label("Pas de réponse").check()
    page.get_by_role("button", name="Enregistrer l’appel").click()
    expect(page.locator("main, body").first).to_contain_text("à rappeler le")
    expect(page.get_by_role("link", name="Bravo")).to_have_count(0)
    assert Call.objects.get(notice=bravo).outcome == Call.Outcome.NO_ANSWER

    # Paid while the list was open: the call disappears with a sentence.
    OpenItem.objects.filter(customer=charlie.customer).update(open_amount=Decimal("0.00"))
    page.get_by_role("link", name="Charlie").click()
    expect(page.locator("main, body").first).to_contain_text("N’appelez pas Charlie")
    expect(page.get_by_role("link", name="Charlie")).to_have_count(0)
