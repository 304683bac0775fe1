"""The classical failure functions, side by side: none of them decides, and they often disagree.

Each is a weighted sum of ratios of the accounts. Coefficients and thresholds are those of the publication named in
`source`; all were fitted on other companies in other years, so that a value is an indication and never a
probability of our own. A function that lacks a figure, or divides by nothing, says which and has no value.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from risk.accounting_figures import Figures
from risk.failure_formulas import FUNCTIONS, OHLSON, ZMIJEWSKI, Band, FailureFunction, Term, Zone

SHOWN = Decimal("0.0001")
# The price index (1968 = 100) of Ohlson's size term: his formula knows no euro, so the value is indicative.
PRICE_INDEX = Decimal(676)
DAYS_IN_YEAR = Decimal(365)


class Obstacle(StrEnum):
    """Why a ratio has no value."""

    MISSING = "MISSING"
    ZERO = "ZERO"
    NEGATIVE = "NEGATIVE"


@dataclass(frozen=True)
class TermValue:
    """A ratio and its weight in the sum; `ratio` is rounded for the eye, the sum is not made of it."""

    symbol: str
    coefficient: Decimal
    over: str
    under: str
    ratio: Decimal | None


@dataclass(frozen=True)
class Gap:
    """A figure (name of `Figures`) that keeps the function from being computed."""

    figure: str
    obstacle: Obstacle


@dataclass(frozen=True)
class FunctionResult:
    """What a function says of some accounts: a value with its zone, or what is missing."""

    function: FailureFunction
    value: Decimal | None
    zone: Zone | None
    band: Band | None
    terms: tuple[TermValue, ...]
    gaps: tuple[Gap, ...] = ()
    # Of failure, for the functions that give one.
    probability: Decimal | None = None
    extras: Mapping[str, Decimal] = field(default_factory=dict)


def evaluate(
    function: FailureFunction,
    figures: Figures,
    previous: Figures | None = None,
    *,
    index: Decimal = PRICE_INDEX,
) -> FunctionResult:
    """The function on these accounts. `previous` (the year before) is asked for by Ohlson alone."""
    total, gaps, terms = function.constant, list[Gap](), list[TermValue]()
    for term in function.terms:
        ratio, found = _ratio(term, figures)
        gaps += [gap for gap in found if gap not in gaps]
        terms.append(
            TermValue(
                term.symbol,
                term.coefficient,
                term.over,
                term.under,
                None if ratio is None else rounded(ratio),
            )
        )
        if ratio is not None:
            total += term.coefficient * ratio
    extras: dict[str, Decimal] = {}
    if function is OHLSON:
        more, found = _ohlson_terms(figures, previous, index)
        gaps += [gap for gap in found if gap not in gaps]
        total += sum(more.values(), Decimal(0))
        extras = {name: rounded(value) for name, value in more.items()}
    if gaps:
        return FunctionResult(function, None, None, None, tuple(terms), tuple(gaps), extras=extras)
    band = next(band for band in function.bands if band.holds(total))
    return FunctionResult(
        function, rounded(total), band.zone, band, tuple(terms), (), _probability(function, total), extras
    )


def evaluate_all(figures: Figures, previous: Figures | None = None) -> tuple[FunctionResult, ...]:
    """Every function, in the order in which they are shown."""
    return tuple(evaluate(function, figures, previous) for function in FUNCTIONS)


def bdf_100z(ratios: Sequence[Decimal]) -> Decimal:
    """The Banque de France function of about 1982, 100·Z, from its eight ratios in per cent.

    Known from one secondary source, with signs that look odd (X3, X6, X7): it is offered to whoever wants to check it,
    and shown nowhere.
    """
    weights = ("-1.255", "2.003", "-0.824", "5.221", "-0.689", "-1.164", "0.706", "1.408")
    parts = zip(weights, ratios, strict=True)
    return rounded(sum((Decimal(weight) * ratio for weight, ratio in parts), Decimal("-85.544")))


def rounded(value: Decimal) -> Decimal:
    """Four decimals, half up."""
    return value.quantize(SHOWN, rounding=ROUND_HALF_UP) + 0


def _ratio(term: Term, figures: Figures) -> tuple[Decimal | None, list[Gap]]:
    if term.over in ("no_credit_days", "no_credit_years"):
        return _no_credit(term.over, figures)
    over: Decimal | None = getattr(figures, term.over)
    gaps = [] if over is not None else [Gap(term.over, Obstacle.MISSING)]
    if not term.under:
        return over, gaps
    under: Decimal | None = getattr(figures, term.under)
    gaps += _divisor(term.under, under)
    if gaps or over is None or under is None:
        return None, gaps
    return over / under, []


def _divisor(name: str, value: Decimal | None) -> list[Gap]:
    """What keeps one from dividing by it: a ratio to something negative has no meaning here."""
    if value is None:
        return [Gap(name, Obstacle.MISSING)]
    if value <= 0:
        return [Gap(name, Obstacle.NEGATIVE if value else Obstacle.ZERO)]
    return []


def _no_credit(unit: str, figures: Figures) -> tuple[Decimal | None, list[Gap]]:
    """(Quick assets − current liabilities) ÷ operating costs of a day, or of a year."""
    gap, costs = figures.liquidity_gap, figures.operating_costs
    gaps = [] if gap is not None else [Gap("liquidity_gap", Obstacle.MISSING)]
    gaps += _divisor("operating_costs", costs)
    if gaps or gap is None or costs is None:
        return None, gaps
    years = gap / costs
    return (years * DAYS_IN_YEAR if unit == "no_credit_days" else years), []


def _ohlson_terms(
    figures: Figures, previous: Figures | None, index: Decimal
) -> tuple[dict[str, Decimal], list[Gap]]:
    """The terms of Ohlson that are no ratios: size, debts over assets, two losses, change of the result."""
    assets, debts, net = figures.total_assets, figures.total_liabilities, figures.net_result
    before = None if previous is None else previous.net_result
    gaps = _divisor("total_assets", assets)
    gaps += [
        Gap(name, Obstacle.MISSING)
        for name, value in (
            ("total_liabilities", debts),
            ("net_result", net),
            ("previous_net_result", before),
        )
        if value is None
    ]
    if gaps or assets is None or debts is None or net is None or before is None:
        return {}, gaps
    swing = abs(net) + abs(before)
    return {
        "X1": Decimal("-0.407") * (assets / index).ln(),
        "X5": Decimal("-1.72") if debts > assets else Decimal(0),
        "X8": Decimal("0.285") if net < 0 and before < 0 else Decimal(0),
        # Two results of zero: nothing has changed.
        "X9": Decimal("-0.521") * (net - before) / swing if swing else Decimal(0),
    }, []


def _probability(function: FailureFunction, value: Decimal) -> Decimal | None:
    """Of failure: the normal law for the probit, the logistic one for the logit. A share, no amount of money."""
    bounded = float(max(min(value, Decimal(50)), Decimal(-50)))
    if function is ZMIJEWSKI:
        return rounded(Decimal((1 + math.erf(bounded / math.sqrt(2))) / 2))
    if function is OHLSON:
        return rounded(Decimal(1 / (1 + math.exp(-bounded))))
    return None
