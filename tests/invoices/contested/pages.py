"""What the pages of disputes and of promises share in their tests: a customer, and how a list is read."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.test import Client
from django.urls import reverse

from customers.models import Customer
from invoices.models import Dispute, OpenItem
from tests.invoices.factories import DisputeFactory, OpenItemFactory
from tests.pages import page_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
LIST = reverse("invoices:dispute-list")
PROMISES = reverse("invoices:promise-list")


def invoice(customer: Customer, number: str, **fields: Any) -> OpenItem:
    return OpenItemFactory(customer=customer, number=number, **{"total_amount": Decimal("500.00")} | fields)


def contested(customer: Customer, number: str, **fields: Any) -> Dispute:
    given = {"amount": Decimal("120.00"), "opened_on": TODAY - timedelta(days=10)} | fields
    return DisputeFactory(item=invoice(customer, number), **given)


def numbers(client: Client, query: str = "", address: str = LIST, table: str = "disputes") -> list[str]:
    page = page_of(client.get(f"{address}{query}").content)
    return [cell.text_content().strip() for cell in page.xpath(f"//table[@id='{table}']/tbody/tr/th")]


def totals(client: Client, query: str = "", address: str = LIST, table: str = "disputes") -> list[list[str]]:
    page = page_of(client.get(f"{address}{query}").content)
    return [
        [
            cell.text_content().replace("\u202f", " ").replace("\xa0", " ")
            for cell in row.xpath("td[@class='num']")
        ]
        for row in page.xpath(f"//table[@id='{table}']/tfoot/tr")
    ]


def csv_rows(answer: Any) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(text.splitlines(), delimiter=";"))


def url(name: str, pk: int) -> str:
    return reverse(f"invoices:{name}", args=[pk])
