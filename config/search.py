"""One search over everything: customers by name, code or SIREN; items by number or exact amount."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, QuerySet
from django.db.models.functions import Upper

from core.models import User
from core.money import AmountError, parse_amount
from core.rights import has_permission
from customers.filters import matching
from customers.models import Customer
from invoices.models import OpenItem

MOST_SHOWN = 20
SHORTEST = 2
LONGEST = 120


@dataclass(frozen=True)
class Found:
    """What a search found, at most MOST_SHOWN of each kind; `more_*` when there is more."""

    customers: list[Customer]
    items: list[OpenItem]
    more_customers: bool
    more_items: bool
    amount: Decimal | None

    def __bool__(self) -> bool:
        return bool(self.customers or self.items)


def search(user: User, text: str) -> Found:
    """What the person may see that answers to the text. Each part of the search goes through an index."""
    text = " ".join(text.split())[:LONGEST]
    if len(text) < SHORTEST:
        return Found([], [], False, False, None)
    amount = _amount(text)
    customers = _customers(user, text) if has_permission(user, "customers.view") else []
    items = _items(user, text, amount) if has_permission(user, "invoices.view") else []
    return Found(
        customers[:MOST_SHOWN],
        items[:MOST_SHOWN],
        len(customers) > MOST_SHOWN,
        len(items) > MOST_SHOWN,
        amount,
    )


def _customers(user: User, text: str) -> list[Customer]:
    customers = matching(Customer.objects.visible_to(user).select_related("legal_entity"), text)
    return list(customers.order_by("name", "pk")[: MOST_SHOWN + 1])


def _items(user: User, text: str, amount: Decimal | None) -> list[OpenItem]:
    visible = OpenItem.objects.visible_to(user).select_related("customer", "legal_entity")
    found = _latest(visible.alias(folded=Upper(F("number"))).filter(folded__startswith=text.upper()))
    if amount is not None:
        known = {item.pk for item in found}
        of_amount = _latest(visible.filter(total_amount__in=[amount, -amount]))
        found += [item for item in of_amount if item.pk not in known]
    return found


def _latest(items: "QuerySet[OpenItem]") -> list[OpenItem]:
    return list(items.order_by("-issue_date", "-pk")[: MOST_SHOWN + 1])


def _amount(text: str) -> Decimal | None:
    """The amount that the text writes, if any. Nine or fourteen figures are a SIREN or a SIRET first."""
    try:
        amount = abs(parse_amount(text))
    except AmountError:
        return None
    return amount or None
