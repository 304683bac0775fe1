"""The accounts that count for a customer as of a day: read once for many customers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet

from core.calendar import add_months
from core.money import round_money
from customers.models import Customer
from risk.accounting_figures import Figures, figures_of
from risk.models import FinancialStatement

# Accounts older than this say more about the past than about the customer.
FRESH_MONTHS = 24
# Years shown side by side.
YEARS = 4


@dataclass(frozen=True)
class Accounts:
    """The latest accounts of a company, in units of `currency`. A figure that they do not give is None.

    `turnover` is brought to twelve months; the others are of the balance sheet's day, `net_result` of the year as it
    is. `is_fresh`: the year ended less than FRESH_MONTHS months ago.
    """

    statement_id: int
    period_end: date
    months: int
    currency: str
    equity: Decimal | None
    share_capital: Decimal | None
    turnover: Decimal | None
    supplier_debt: Decimal | None
    working_capital: Decimal | None
    net_result: Decimal | None
    total_assets: Decimal | None
    is_fresh: bool
    source: str
    publicity: str


def latest(customers: Iterable[Customer], today: date) -> dict[int, Accounts]:
    """The latest individual accounts of each customer (those of his SIREN), as known today; none: no entry.

    Two queries at most, whatever the number of customers.
    """
    return {
        pk: accounts_of(statements[0], today)
        for pk, statements in statements_by_customer(list(customers), today).items()
        if statements
    }


def accounts_of(statement: FinancialStatement, today: date) -> Accounts:
    """A statement's figures, as limits and pages use them."""
    found = figures(statement)
    turnover = found.turnover
    if turnover is not None and statement.months != 12:
        turnover = round_money(turnover * 12 / statement.months)
    return Accounts(
        statement_id=statement.pk,
        period_end=statement.period_end,
        months=statement.months,
        currency=statement.currency,
        equity=found.equity,
        share_capital=found.share_capital,
        turnover=turnover,
        supplier_debt=found.suppliers,
        working_capital=found.working_capital,
        net_result=found.net_result,
        total_assets=found.total_assets,
        is_fresh=add_months(statement.period_end, FRESH_MONTHS) > today,
        source=statement.source,
        publicity=statement.publicity,
    )


def figures(statement: FinancialStatement) -> Figures:
    """The figures of a statement's year."""
    return figures_of(statement.form, amounts(statement.values), unit=statement.unit, months=statement.months)


def previous_figures(
    statement: FinancialStatement, before: FinancialStatement | None = None
) -> Figures | None:
    """The year before: its own accounts (`before`) when they are held, else what this document repeats of it."""
    if before is not None:
        return figures(before)
    if not statement.previous:
        return None
    return figures_of(statement.form, amounts(statement.previous), unit=statement.unit)


def amounts(stored: Mapping[str, str]) -> dict[str, Decimal]:
    """Stored cells as amounts."""
    return {code: Decimal(text) for code, text in stored.items()}


def statements_of(customer: Customer) -> "QuerySet[FinancialStatement]":
    """The statements in force that count for a customer, latest year first; individual before consolidated."""
    return (
        FinancialStatement.objects.filter(_of(customer), is_current=True)
        .select_related("entered_by", "file")
        .order_by("-period_end", "-basis", "-id")
    )


def _of(customer: Customer) -> Q:
    return Q(siren=customer.siren) if customer.siren else Q(customer=customer, siren="")


def statements_by_customer(customers: Sequence[Customer], today: date) -> dict[int, list[FinancialStatement]]:
    """The individual accounts that count for each customer and end by today, latest year first."""
    by_siren: dict[str, list[int]] = defaultdict(list)
    alone: list[int] = []
    for customer in customers:
        if customer.siren:
            by_siren[customer.siren].append(customer.pk)
        else:
            alone.append(customer.pk)
    rows = FinancialStatement.objects.filter(
        is_current=True, basis=FinancialStatement.Basis.INDIVIDUAL, period_end__lte=today
    ).order_by("-period_end", "-id")
    found: dict[int, list[FinancialStatement]] = defaultdict(list)
    if by_siren:
        for statement in rows.filter(siren__in=list(by_siren)):
            for pk in by_siren[statement.siren]:
                found[pk].append(statement)
    if alone:
        for statement in rows.filter(siren="", customer__in=alone):
            found[statement.customer_id].append(statement)
    return dict(found)
