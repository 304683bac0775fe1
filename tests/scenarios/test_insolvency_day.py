"""The insolvency day in a browser: a file dropped, the customer stopped, the notice held, limits, tasks, statement."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from core import clock
from core.models import Role, User
from core.rights import SYSTEM
from customers.models import Customer
from dunning.models import Notice
from dunning.operations.runs import dun
from dunning.tasks import hold_outdated_notices
from risk.models import InsolvencyProceeding
from tests.customers.factories import made_up_siren
from tests.dunning.factories import load_law, make_customer, make_entity, make_item, make_policy
from tests.risk.announcements import as_file, record

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user(make_user) -> User:
    return make_user(Role.CREDIT_MANAGER, email="credit@example.test")


@pytest.fixture
def tolerated() -> str:
    """A refused form answers 422, which the console tells too."""
    return "422"


def test_the_insolvency_day(page: Page, user: User) -> None:
    today, now = clock.today(), clock.now()
    load_law()
    entity = make_entity()
    make_policy(entity)
    customer = make_customer(entity, name="Menuiseries du Perche", siren=made_up_siren(77))
    make_item(customer, "1500.00", today - timedelta(days=12))
    dun(actor=SYSTEM, legal_entity=entity, as_of=today, now=now)
    notice = Notice.objects.get(customer=customer)
    assert notice.status == Notice.Status.PROPOSED
    content = page.locator("main, body").first
    judged, published = today - timedelta(days=5), today - timedelta(days=1)

    page.goto("/risque/veille/")
    page.get_by_role("link", name="Déposer des annonces").first.click()
    announced = record(customer.siren, judged=judged.isoformat(), published=published.isoformat())
    page.get_by_label("Fichier").set_input_files(
        {"name": "annonces.json", "mimeType": "application/json", "buffer": as_file(announced)}
    )
    page.get_by_role("button", name="Lire et appliquer").click()
    expect(content).to_contain_text("1 annonce concerne vos clients.")
    customer.refresh_from_db()
    assert (customer.status, customer.insolvency_date) == (Customer.Status.INSOLVENT, judged)

    # The sweep that the opening asks for takes the notice from the lists.
    assert hold_outdated_notices() == 1
    notice.refresh_from_db()
    assert notice.status not in (Notice.Status.PROPOSED, Notice.Status.APPROVED)

    page.get_by_role("link", name="Procédures", exact=True).click()
    page.get_by_role("link", name="Menuiseries du Perche").click()
    proceeding = InsolvencyProceeding.objects.get()
    expect(content).to_contain_text(f"{proceeding.declare_by:%d/%m/%Y}")
    expect(content).to_contain_text("Revendiquer les marchandises")
    expect(content).to_contain_text(f"Compte arrêté au {judged - timedelta(days=1):%d/%m/%Y}")
    expect(content).to_contain_text("Antérieures au jugement")

    page.get_by_label("Nom").fill("SELARL Vasseur et Lemoine, étude de Chartres")
    page.get_by_role("button", name="Confirmer ce destinataire").click()
    expect(content).to_contain_text("Le mandataire est confirmé.")

    row = page.locator("#tasks tr", has_text="Déclarer la créance").first
    row.get_by_role("button", name="Faite").click()
    task = proceeding.tasks.get(kind="DECLARE_CLAIM")
    dialog = page.locator(f"#done-{task.pk}")
    dialog.get_by_label("Postée le").fill(today.isoformat())
    dialog.get_by_label("Note").fill("Recommandé avec avis de réception")
    dialog.get_by_label("Preuve").set_input_files(
        {"name": "envoi.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 preuve"}
    )
    dialog.get_by_role("button", name="Cocher la tâche").click()
    expect(content).to_contain_text("La tâche est faite.")
    task.refresh_from_db()
    assert task.proof is not None and task.closed_by == user

    with page.expect_download() as download:
        page.get_by_role("link", name="Relevé arrêté (CSV)").click()
    assert download.value.suggested_filename.endswith("-v1.csv")

    page.goto(f"/clients/{customer.pk}/")
    expect(content).to_contain_text("jugement du")
    page.goto("/")
    expect(content).not_to_contain_text("mandataire à joindre")
