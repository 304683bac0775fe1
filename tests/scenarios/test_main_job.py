"""From the file to the letter, in a browser: what a newcomer does in the first hour."""

import io
import os
import re
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pdfplumber
import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect, sync_playwright

from core import clock
from core.models import Role
from dunning.models import Notice, Run
from invoices.models import OpenItem
from tests.dunning.factories import load_law, make_customer, make_entity, make_policy
from tests.scenarios.house import SCREENSHOTS, mail_server, open_browser, worker

# Playwright's own event loop would make Django refuse the ORM in this thread.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
PASSWORD = "mot-de-passe-de-test"


@pytest.fixture
def smtp(settings):
    with mail_server() as (mailbox, url):
        yield mailbox, url


@pytest.fixture
def page(live_server, tmp_path, smtp):
    with worker(tmp_path, smtp[1]), sync_playwright() as playwright:
        browser = open_browser(playwright)
        opened = browser.new_page(
            viewport={"width": 1440, "height": 900}, base_url=live_server.url, locale="fr-FR"
        )
        problems: list[str] = []
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.on(
            "console", lambda message: problems.append(message.text) if message.type == "error" else None
        )
        opened.on("response", lambda answer: problems.append(answer.url) if answer.status >= 500 else None)
        yield opened
        # What the browser showed last says more of a failure than its stack.
        picture(opened, "last")
        browser.close()
        assert not problems


def picture(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def until(found: Callable[[], object], seconds: float = 60) -> object:
    """Ask again until the worker has done it."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, "the worker did not get there in time"
        time.sleep(0.2)
    return value


def sign_in(page: Page, email: str) -> None:
    page.goto(reverse("login"))
    page.get_by_label(re.compile("e-mail", re.I)).first.fill(email)
    page.locator("input[type=password]").first.fill(PASSWORD)
    page.get_by_role("button", name=re.compile("connecter|connexion", re.I)).first.click()
    expect(page).to_have_url(re.compile(r"/$"))


@pytest.mark.django_db(transaction=True)
def test_from_the_file_to_the_letter(page: Page, make_user, tmp_path, smtp) -> None:
    load_law()
    today = clock.today()
    entity = make_entity()
    make_policy(entity)
    customers = [
        make_customer(entity, name=name) for name in ("Maçonnerie du Val d’Orge", "Transports Kerbrat & Fils")
    ]
    make_user(Role.ACCOUNTANT, Role.CREDIT_MANAGER, email="claire@encours.example")
    rows = [
        (customers[0].account_code, "FA-1001", 40, 10, "1 234,56"),
        (customers[0].account_code, "FA-1002", 20, -10, "800,00"),
        (customers[1].account_code, "FA-1003", 45, 12, "2 000,00"),
    ]
    lines = ["Code client;N° facture;Date facture;Date d’échéance;Montant TTC;Devise"]
    for code, number, issued, late, amount in rows:
        issue, due = today - timedelta(days=issued), today - timedelta(days=late)
        lines.append(f"{code};{number};{issue:%d/%m/%Y};{due:%d/%m/%Y};{amount};EUR")
    upload = tmp_path / "factures d’octobre.csv"
    upload.write_bytes("\r\n".join(lines).encode("cp1252"))

    sign_in(page, "claire@encours.example")
    picture(page, "agenda")

    page.goto(reverse("invoices:import-upload"))
    page.locator("input[type=file]").set_input_files(upload)
    picture(page, "import-file")
    page.get_by_role("button", name="Déposer et lire").click()
    page.get_by_role("button", name=re.compile("Enregistrer 3 pièces")).wait_for(timeout=60_000)
    picture(page, "import-preview")
    assert not OpenItem.objects.exists()
    page.get_by_role("button", name=re.compile("Enregistrer 3 pièces")).click()
    until(lambda: OpenItem.objects.count() == 3)
    page.get_by_role("link", name="Déposer un autre fichier").wait_for(timeout=60_000)
    picture(page, "import-committed")

    page.goto(reverse("invoices:ageing"))
    expect(page.get_by_role("link", name=customers[0].name).first).to_be_visible()
    total = sum(OpenItem.objects.values_list("open_amount", flat=True), Decimal(0))
    assert total == Decimal("4034.56")
    expect(page.locator("body")).to_contain_text(re.compile(r"4\s034,56"))
    picture(page, "ageing")

    page.goto(reverse("dunning:run-list"))
    page.get_by_role("button", name="Préparer la campagne").click()
    until(lambda: Run.objects.filter(status=Run.Status.PLANNED).exists())
    page.get_by_role("link", name="Valider les relances").wait_for(timeout=30_000)
    picture(page, "run")
    page.get_by_role("link", name="Valider les relances").click()
    expect(page.get_by_role("link", name=customers[1].name).first).to_be_visible()
    page.locator("[data-select-all]").check()
    picture(page, "approval")
    page.get_by_role("button", name="Valider", exact=True).click()
    expect(page.locator("body")).to_contain_text("2 relances validées")
    until(lambda: Notice.objects.filter(status=Notice.Status.SENT).count() == 2)

    notice = Notice.objects.get(customer=customers[0])
    page.goto(reverse("dunning:notice-detail", args=[notice.pk]))
    expect(page.locator("body")).to_contain_text("Relance envoyée")
    picture(page, "letter")
    answer = page.request.get(reverse("dunning:letter-pdf", args=[notice.pk]))
    with pdfplumber.open(io.BytesIO(answer.body())) as pdf:
        text = "\n".join(sheet.extract_text() for sheet in pdf.pages)
    assert "FA-1001" in text
    assert "FA-1002" not in text
    assert re.search(r"1\s234,56", text)

    mailbox, _url = smtp
    assert {recipient for message in mailbox.messages for recipient in message.rcpt_tos} == {
        customer.contacts.get().email for customer in customers
    }
