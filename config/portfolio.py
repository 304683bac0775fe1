"""The list of customers with what they owe: customers and ledger joined, for any sort of the whole portfolio.

The order and the filters read the stored balance âgée of the latest day, one indexed row per customer; the
figures shown are computed again from the open items of the few customers on the page.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import django_filters
from django.db.models import (
    BigIntegerField,
    Case,
    DateField,
    DecimalField,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.exports import Column, Kind
from core.rights import Actor
from customers.filters import CustomerFilter
from customers.models import Customer, LegalEntity
from invoices.accounts import AccountFigures, account_figures
from invoices.models import AgeingDay, AgeingSnapshot, OpenItem

# After every due date: customers who owe nothing come last when the oldest delay leads.
EXPORT_CHUNK = 1000
NEVER = date(9999, 12, 31)
SORTS = {
    "name": "name",
    "code": "account_code",
    "balance": "ledger_balance",
    "overdue": "ledger_overdue",
    "oldest": "ledger_oldest",
}
DEFAULT_ORDER = ("-ledger_overdue", "name", "pk")
_MONEY = DecimalField(max_digits=18, decimal_places=2)
_ZERO = Value(Decimal(0), output_field=_MONEY)


@dataclass(frozen=True)
class Portfolio:
    """The customers in scope, annotated; `stored_on` is the day their order and filters are read from, if stored."""

    customers: "QuerySet[Customer]"
    stored_on: date | None
    late: "QuerySet[Any]"

    def late_since(self, day: date) -> Q:
        """Customers who owe something that was due before the day, in any currency."""
        return Q(pk__in=self.late.filter(oldest_due_date__lt=day).values("customer"))


def portfolio(actor: Actor, today: date) -> Portfolio:
    """Customers in scope with `ledger_balance`, `ledger_overdue` and `ledger_oldest` in their own currency."""
    customers = Customer.objects.visible_to(actor)
    entities = set(LegalEntity.objects.visible_to(actor).values_list("pk", flat=True))
    days = list(
        AgeingDay.objects.filter(legal_entity__in=entities, is_stale=False, as_of__lte=today)
        .order_by("legal_entity_id", "-as_of")
        .distinct("legal_entity_id")
        .only("pk", "legal_entity_id", "as_of")
    )
    unknown = entities - {day.legal_entity_id for day in days}
    if days and not OpenItem.objects.open().filter(legal_entity__in=unknown).exists():
        late = AgeingSnapshot.objects.filter(day__in=[day.pk for day in days], overdue_amount__gt=0)
        return Portfolio(_from_days(customers, days), min(day.as_of for day in days), late.order_by())
    late = OpenItem.objects.open().overdue(today).annotate(oldest_due_date=F("due_date"))
    return Portfolio(_from_items(customers, today), None, late.order_by())


def _from_days(customers: "QuerySet[Customer]", days: list[AgeingDay]) -> "QuerySet[Customer]":
    # One look into the index per customer: his entity says which day.
    customers = customers.alias(
        ledger_day=Case(
            *(When(legal_entity=day.legal_entity_id, then=Value(day.pk)) for day in days),
            output_field=BigIntegerField(),
        )
    )
    row = AgeingSnapshot.objects.filter(
        day=OuterRef("ledger_day"), customer=OuterRef("pk"), currency=OuterRef("currency")
    ).order_by()
    return _annotated(
        customers,
        row.values("total_amount")[:1],
        row.values("overdue_amount")[:1],
        row.values("oldest_due_date")[:1],
    )


def _from_items(customers: "QuerySet[Customer]", today: date) -> "QuerySet[Customer]":
    items = (
        OpenItem.objects.open()
        .filter(customer=OuterRef("pk"), currency=OuterRef("currency"))
        .order_by()
        .values("customer")
    )
    late = Q(open_amount__gt=0, due_date__lt=today)
    return _annotated(
        customers,
        items.annotate(found=Sum("open_amount")).values("found"),
        items.annotate(found=Sum("open_amount", filter=late)).values("found"),
        items.annotate(found=Min("due_date", filter=Q(open_amount__gt=0))).values("found"),
    )


def _annotated(
    customers: "QuerySet[Customer]",
    balance: "QuerySet[Any]",
    overdue: "QuerySet[Any]",
    oldest: "QuerySet[Any]",
) -> "QuerySet[Customer]":
    return customers.annotate(
        ledger_balance=Coalesce(Subquery(balance, output_field=_MONEY), _ZERO),
        ledger_overdue=Coalesce(Subquery(overdue, output_field=_MONEY), _ZERO),
        ledger_oldest=Coalesce(
            Subquery(oldest, output_field=DateField()), Value(NEVER, output_field=DateField())
        ),
    )


class PortfolioFilter(CustomerFilter):
    """Filters of customers, and of what they owe."""

    late = django_filters.ChoiceFilter(
        label=_("Retard"),
        method="filter_late",
        empty_label=_("Tous les clients"),
        choices=[
            ("0", _("En retard")),
            ("30", _("De plus de 30 jours")),
            ("60", _("De plus de 60 jours")),
            ("90", _("De plus de 90 jours")),
            ("120", _("De plus de 120 jours")),
        ],
    )
    balance_min = django_filters.NumberFilter(
        label=_("Solde d’au moins"),
        field_name="ledger_balance",
        lookup_expr="gte",
        max_digits=14,
        decimal_places=2,
    )

    field_order = ["q", "late", "entity", "status", "kind", "owner", "segment", "country", "balance_min"]

    def __init__(self, *args: Any, found: Portfolio, today: date, **kwargs: Any) -> None:
        super().__init__(*args, queryset=found.customers, **kwargs)
        self.found, self.today = found, today
        for name in reversed(self.field_order):
            self.filters.move_to_end(name, last=False)

    def filter_late(self, queryset: "QuerySet[Customer]", name: str, value: str) -> "QuerySet[Customer]":
        return queryset.filter(self.found.late_since(self.today - timedelta(days=int(value))))


@dataclass(frozen=True)
class PageTotal:
    """The sum of a page's accounts in one currency; currencies are never added."""

    currency: str
    customer_count: int
    total_amount: Decimal
    overdue_amount: Decimal


def page_totals(figures: dict[int, list[AccountFigures]]) -> list[PageTotal]:
    """One total per currency over the accounts of a page."""
    by_currency: dict[str, list[AccountFigures]] = defaultdict(list)
    for accounts in figures.values():
        for account in accounts:
            by_currency[account.currency].append(account)
    return [
        PageTotal(
            currency,
            len(accounts),
            sum((account.total_amount for account in accounts), Decimal(0)),
            sum((account.overdue_amount for account in accounts), Decimal(0)),
        )
        for currency, accounts in sorted(by_currency.items())
    ]


def export_columns() -> list[Column]:
    """The columns of the exported list: one row per customer and currency."""
    return [
        Column(gettext("Entité"), width=10),
        Column(gettext("Code client"), width=14),
        Column(gettext("Client"), width=36),
        Column("SIREN", width=12),
        Column(gettext("État"), width=18),
        Column(gettext("Devise"), width=8),
        Column(gettext("Solde"), Kind.AMOUNT),
        Column(gettext("En retard"), Kind.AMOUNT),
        Column(gettext("En litige"), Kind.AMOUNT),
        Column(gettext("Plus ancienne échéance"), Kind.DATE),
        Column(gettext("Retard (jours)"), Kind.INTEGER),
    ]


def export_rows(customers: "QuerySet[Customer]", today: date) -> Iterator[list[object]]:
    """The rows, their figures read a thousand customers at a time; who owes nothing has one row of zeroes."""
    rows = customers.select_related("legal_entity").iterator(chunk_size=EXPORT_CHUNK)
    while chunk := list(islice(rows, EXPORT_CHUNK)):
        figures = account_figures([customer.pk for customer in chunk], today)
        for customer in chunk:
            identity = [
                customer.legal_entity.code,
                customer.account_code,
                customer.name,
                customer.siren,
                customer.get_status_display(),
            ]
            for account in figures.get(customer.pk, []):
                yield [
                    *identity,
                    account.currency,
                    account.total_amount,
                    account.overdue_amount,
                    account.disputed_amount,
                    account.oldest_due_date,
                    account.days_late,
                ]
            if customer.pk not in figures:
                yield [*identity, customer.currency, Decimal(0), Decimal(0), Decimal(0), None, 0]
