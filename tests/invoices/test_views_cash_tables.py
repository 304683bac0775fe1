"""What stands beside the cash board: acts on items, credits, rates, payers, settings, entries."""

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
    CashSettings,
    EntryExport,
    PayerAlias,
)
from invoices.operations.applying import ApplicationPart, OnAccount
from invoices.operations.cash import apply_line
from tests.customers.factories import LegalEntityFactory
from tests.invoices.factories import PaymentFactory
from tests.invoices.test_views_cash import act, invoice, line_for
from tests.pages import text_of

BOARD = "/factures/rapprochement/"


@pytest.fixture
def accountant(make_user: Any, sign_in: Any) -> Client:
    return sign_in(make_user(Role.ACCOUNTANT))  # type: ignore[no-any-return]


@pytest.mark.django_db
class TestItemsAndTables:
    def test_writing_off_above_the_limit_is_said_at_the_field(self, accountant: Client) -> None:
        item = invoice("80.00")
        url = reverse("invoices:item-write-off", args=[item.pk])
        assert accountant.get(url).status_code == 200
        data = {"amount": "80,00", "reason": "SMALL_DIFFERENCE", "seen": "80.00"}
        answer = accountant.post(url, data)
        assert answer.status_code == 422
        assert answer.context["form"].errors["amount"]
        CashSettings.objects.create(legal_entity=item.legal_entity, write_off_limit=Decimal("80.00"))
        assert accountant.post(url, data).status_code == 302
        item.refresh_from_db()
        assert item.open_amount == 0

    def test_credits_are_matched_announced_back_and_undone(self, accountant: Client) -> None:
        item = invoice("300.00")
        payment = PaymentFactory(customer=item.customer, total_amount=Decimal("-500.00"))
        url = reverse("invoices:credit-apply", args=[item.customer_id])
        assert payment.number in text_of(accountant.get(url).content)
        unequal = accountant.post(url, {"part": [item.pk, payment.pk]})
        assert unequal.status_code == 422
        assert "diffèrent de" in text_of(unequal.content)
        data = {"part": [item.pk, payment.pk], f"amount-{payment.pk}": "−300,00"}
        assert accountant.post(url, data).status_code == 302
        refund = reverse("invoices:item-refund", args=[payment.pk])
        assert accountant.post(refund, {"amount": "200,00", "seen": "-200.00"}).status_code == 302
        payment.refresh_from_db()
        assert payment.open_amount == 0
        announced = CashApplication.objects.get(rule="refund_announced")
        undo = reverse("invoices:application-reverse", args=[announced.pk])
        assert accountant.get(undo).status_code == 200
        assert accountant.post(undo, {"reason": ""}).status_code == 422
        assert accountant.post(undo, {"reason": "Le client préfère un avoir"}).status_code == 302
        payment.refresh_from_db()
        assert payment.open_amount == Decimal("-200.00")

    def test_rates_count_lines_and_payments(self, accountant: Client) -> None:
        item = invoice()
        line, _waiting, aside = line_for(item), line_for(item), line_for(item)
        BankLine.objects.filter(pk=aside.pk).update(status="SET_ASIDE", set_aside_reason="x")
        when = {"actor": SYSTEM, "today": clock.today(), "now": clock.now()}
        apply_line(line_id=line.pk, parts=[ApplicationPart(item.pk, item.open_amount)], **when)
        answer = accountant.get(reverse("invoices:cash-rates"))
        total = answer.context["total"]
        assert (total.lines, total.automatic, total.waiting, total.aside) == (3, 1, 1, 1)
        assert total.matched_share == 0.5
        assert answer.context["by_rule"][0]["automatic"] == 1

    def test_a_payer_is_forgotten(self, accountant: Client) -> None:
        item = invoice()
        line = line_for(item, counterparty_iban="FR7630006000011234567890189")
        act(accountant, line, "apply", ticks="1", part=item.pk, client=item.customer_id)
        page = text_of(accountant.get(reverse("invoices:cash-payers")).content)
        assert "FR7630006000011234567890189" in page
        alias = PayerAlias.objects.get(kind="IBAN")
        accountant.post(reverse("invoices:cash-payer-forget", args=[alias.pk]), follow=True)
        assert not PayerAlias.objects.filter(pk=alias.pk).exists()
        accountant.post(reverse("invoices:cash-payer-forget", args=[alias.pk]), follow=True)

    def test_settings_are_changed_and_refused_at_their_field(self, make_user: Any, sign_in: Any) -> None:
        entity = LegalEntityFactory()
        client = sign_in(make_user(Role.FINANCE_DIRECTOR))
        url = reverse("invoices:cash-settings")
        form = client.get(url).context["form"]
        data = {name: str(value) for name, value in form.initial.items()} | {"posts_by_itself": ""}
        assert client.post(url, {**data, "tolerance_amount": "-1"}).status_code == 422
        assert client.post(url, {**data, "loss_account": "654 000"}).status_code == 422
        assert not CashSettings.objects.exists()
        assert client.post(url, data).status_code == 302
        assert not CashSettings.objects.get(legal_entity=entity).posts_by_itself

    def test_entries_are_exported_once_and_downloaded_again(self, accountant: Client) -> None:
        item = invoice()
        when = {"actor": SYSTEM, "today": clock.today(), "now": clock.now()}
        line = line_for(item)
        apply_line(line_id=line.pk, on_account=[OnAccount(item.customer_id, line.amount)], **when)
        url = reverse("invoices:entry-export-list")
        assert "1 écriture attend" in text_of(accountant.get(url).content)
        data = {"entity": item.legal_entity.code, "until": clock.today().isoformat(), "separator": "tab"}
        assert accountant.post(url, data).status_code == 302
        again = accountant.post(url, data)
        assert again.status_code == 422
        assert again.context["form"].errors["until"]
        file = accountant.get(reverse("invoices:entry-export-file", args=[EntryExport.objects.get().pk]))
        text = b"".join(file.streaming_content).decode()
        assert text.startswith("JournalCode\tJournalLib")
        assert "1200,00" in text
