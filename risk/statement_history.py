"""The accounts of a customer over the years: ratios and failure functions, ready to stand side by side."""

from dataclasses import dataclass
from decimal import Decimal

from customers.models import Customer
from risk.accounting_figures import Figures
from risk.failure_functions import FunctionResult, evaluate_all
from risk.financial_ratios import (
    Ratio,
    Written,
    has_negative_equity,
    is_below_half_capital,
    ratios,
)
from risk.financials import YEARS, figures, previous_figures, statements_of
from risk.models import FinancialStatement
from risk.score_findings import number, percent, told_gap


@dataclass(frozen=True)
class Year:
    """One financial year, with what is computed of it."""

    statement: FinancialStatement
    figures: Figures
    ratios: tuple[Ratio, ...]
    functions: tuple[FunctionResult, ...]
    has_negative_equity: bool
    is_below_half_capital: bool


@dataclass(frozen=True)
class RatioRow:
    """A ratio over the years: `cells` are values as written, or the reason why there is none."""

    label: str
    formula: str
    cells: tuple["RatioCell", ...]


@dataclass(frozen=True)
class RatioCell:
    text: str
    amount: Decimal | None = None
    currency: str = ""
    reason: str = ""


def years_of(customer: Customer) -> list[Year]:
    """The years in force, latest first, individual accounts before the consolidated ones of the same year."""
    statements = list(statements_of(customer)[: YEARS * 2])
    return [_year(statement, statements) for statement in statements[:YEARS]]


def ratio_rows(years: list[Year]) -> list[RatioRow]:
    """Ratios in rows, years in columns; empty without years."""
    rows = []
    for index, first in enumerate(years[0].ratios if years else ()):
        cells = tuple(_cell(year.ratios[index], year.statement.currency) for year in years)
        rows.append(RatioRow(str(first.rule.label), str(first.rule.formula), cells))
    return rows


def _year(statement: FinancialStatement, statements: list[FinancialStatement]) -> Year:
    before = next(
        (
            other
            for other in statements
            if other.basis == statement.basis
            and 300 <= (statement.period_end - other.period_end).days <= 430
            and other.currency == statement.currency
        ),
        None,
    )
    found = figures(statement)
    return Year(
        statement,
        found,
        ratios(found),
        evaluate_all(found, previous_figures(statement, before)),
        has_negative_equity(found),
        is_below_half_capital(found),
    )


def _cell(found: Ratio, currency: str) -> RatioCell:
    if found.value is None:
        gap = found.gaps[0]
        return RatioCell("–", reason=told_gap(gap.obstacle, gap.figure))
    written = found.rule.written
    if written is Written.AMOUNT:
        return RatioCell("", found.value, currency)
    if written is Written.PERCENT:
        return RatioCell(percent(found.value))
    if written is Written.DAYS:
        return RatioCell(number(found.value, 0) + "\u00a0j")
    return RatioCell(number(found.value, 2))
