"""Ratios of the accounts, each with its formula. A ratio that has no value says why, and never raises.

Equity below half of the capital is a legal flag of companies with limited liability (C. com. L223-42 for SARL,
L225-248 for SA and SAS); negative equity is its extreme.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from risk.accounting_figures import Figures
from risk.failure_formulas import CONAN_HOLDER
from risk.failure_functions import Gap, Obstacle, evaluate
from risk.score_card import Criterion

YEAR_DAYS = Decimal(365)
# VAT is in what customers and suppliers owe, and not in turnover: the usual rate, for days of credit only.
VAT_FACTOR = Decimal("1.20")


class Written(StrEnum):
    """How a value is shown."""

    PERCENT = "PERCENT"
    TIMES = "TIMES"
    DAYS = "DAYS"
    AMOUNT = "AMOUNT"


_PLACES = {
    Written.PERCENT: Decimal("0.001"),
    Written.TIMES: Decimal("0.01"),
    Written.DAYS: Decimal("0.1"),
    Written.AMOUNT: Decimal("0.01"),
}


@dataclass(frozen=True)
class RatioRule:
    """`over` ÷ `under` (names of `Figures`) × `factor`; without `under`, the figure itself."""

    key: str
    label: "str | Promise"
    formula: "str | Promise"
    over: str
    under: str = ""
    factor: Decimal = Decimal(1)
    written: Written = Written.PERCENT
    higher_is_better: bool | None = True


@dataclass(frozen=True)
class Ratio:
    rule: RatioRule
    value: Decimal | None
    gaps: tuple[Gap, ...] = ()


RATIOS = (
    RatioRule(
        "equity_ratio",
        _("Autonomie financière"),
        _("capitaux propres ÷ total du bilan"),
        "equity",
        "total_assets",
    ),
    RatioRule(
        "gearing",
        _("Endettement financier"),
        _("dettes financières ÷ capitaux propres"),
        "financial_debt",
        "equity",
        higher_is_better=False,
    ),
    RatioRule(
        "liquidity",
        _("Liquidité générale"),
        _("actif circulant ÷ dettes à court terme"),
        "current_assets",
        "current_liabilities",
        written=Written.TIMES,
    ),
    RatioRule(
        "quick_ratio",
        _("Liquidité réduite"),
        _("(créances + disponibilités) ÷ dettes à court terme"),
        "quick_assets",
        "current_liabilities",
        written=Written.TIMES,
    ),
    RatioRule(
        "working_capital",
        _("Fonds de roulement"),
        _("actif circulant − dettes à court terme"),
        "working_capital",
        written=Written.AMOUNT,
    ),
    RatioRule("ebe_margin", _("Marge d’EBE"), _("EBE ÷ chiffre d’affaires"), "ebe", "turnover"),
    RatioRule(
        "net_margin", _("Marge nette"), _("résultat net ÷ chiffre d’affaires"), "net_result", "turnover"
    ),
    RatioRule(
        "return_on_equity",
        _("Rentabilité des capitaux propres"),
        _("résultat net ÷ capitaux propres"),
        "net_result",
        "equity",
    ),
    RatioRule(
        "interest_burden",
        _("Poids des intérêts"),
        _("intérêts ÷ EBE"),
        "interest",
        "ebe",
        higher_is_better=False,
    ),
    RatioRule(
        "repayment_years",
        _("Capacité de remboursement (années)"),
        _("dettes financières ÷ capacité d’autofinancement"),
        "financial_debt",
        "cash_flow",
        written=Written.TIMES,
        higher_is_better=False,
    ),
    RatioRule(
        "customer_days",
        _("Délai clients"),
        _("créances clients ÷ (chiffre d’affaires × 1,20) × 365"),
        "trade_receivables",
        "turnover",
        YEAR_DAYS / VAT_FACTOR,
        Written.DAYS,
        None,
    ),
    RatioRule(
        "supplier_days",
        _("Délai fournisseurs"),
        _("dettes fournisseurs ÷ (achats et charges externes × 1,20) × 365"),
        "suppliers",
        "purchases",
        YEAR_DAYS / VAT_FACTOR,
        Written.DAYS,
        None,
    ),
    RatioRule(
        "stock_days",
        _("Rotation des stocks"),
        _("stocks ÷ achats et charges externes × 365"),
        "stocks",
        "purchases",
        YEAR_DAYS,
        Written.DAYS,
        None,
    ),
)
BY_KEY: Mapping[str, RatioRule] = {rule.key: rule for rule in RATIOS}
# The criteria of the score that are ratios; Conan-Holder is the other one.
SCORED: Mapping[Criterion, str] = {
    Criterion.EQUITY_RATIO: "equity_ratio",
    Criterion.LIQUIDITY: "liquidity",
    Criterion.NET_MARGIN: "net_margin",
    Criterion.INTEREST_BURDEN: "interest_burden",
}
# Interest with nothing to pay it from is the worst of all.
_NO_EBE = Decimal(1)


@dataclass(frozen=True)
class ScoredAccounts:
    """What the score takes from accounts."""

    values: Mapping[Criterion, Decimal]
    gaps: Mapping[Criterion, str]
    has_negative_equity: bool
    is_below_half_capital: bool


def ratio(rule: RatioRule, figures: Figures) -> Ratio:
    """One ratio. Days are brought to the length of the year of the accounts."""
    over: Decimal | None = getattr(figures, rule.over)
    gaps = [] if over is not None else [Gap(rule.over, Obstacle.MISSING)]
    if not rule.under:
        return Ratio(rule, None if over is None else _round(over, rule), tuple(gaps))
    under: Decimal | None = getattr(figures, rule.under)
    if under is None:
        gaps.append(Gap(rule.under, Obstacle.MISSING))
    elif under <= 0:
        gaps.append(Gap(rule.under, Obstacle.NEGATIVE if under else Obstacle.ZERO))
    if gaps or over is None or under is None:
        return Ratio(rule, None, tuple(gaps))
    factor = rule.factor
    if rule.written is Written.DAYS:
        factor = factor * figures.months / 12
    return Ratio(rule, _round(over / under * factor, rule))


def ratios(figures: Figures) -> tuple[Ratio, ...]:
    """Every ratio, in the order in which they are shown."""
    return tuple(ratio(rule, figures) for rule in RATIOS)


def scored_accounts(figures: Figures) -> ScoredAccounts:
    """The values of the financial criteria, or `OBSTACLE:figure` for each that has none."""
    values: dict[Criterion, Decimal] = {}
    gaps: dict[Criterion, str] = {}
    conan = evaluate(CONAN_HOLDER, figures)
    _keep(Criterion.CONAN_HOLDER, conan.value, conan.gaps, values, gaps)
    for criterion, key in SCORED.items():
        found = ratio(BY_KEY[key], figures)
        _keep(criterion, found.value, found.gaps, values, gaps)
    if figures.interest == 0:
        values[Criterion.INTEREST_BURDEN] = Decimal(0)
        gaps.pop(Criterion.INTEREST_BURDEN, None)
    elif figures.interest is not None and figures.ebe is not None and figures.ebe <= 0:
        values[Criterion.INTEREST_BURDEN] = _NO_EBE
        gaps.pop(Criterion.INTEREST_BURDEN, None)
    return ScoredAccounts(values, gaps, has_negative_equity(figures), is_below_half_capital(figures))


def has_negative_equity(figures: Figures) -> bool:
    return figures.equity is not None and figures.equity < 0


def is_below_half_capital(figures: Figures) -> bool:
    """C. com. L223-42 and L225-248: equity less than half of the share capital, as a loss leaves it."""
    if figures.equity is None or figures.share_capital is None or figures.share_capital <= 0:
        return False
    return figures.equity < figures.share_capital / 2


def _keep(
    criterion: Criterion,
    value: Decimal | None,
    found: tuple[Gap, ...],
    values: dict[Criterion, Decimal],
    gaps: dict[Criterion, str],
) -> None:
    if value is not None:
        values[criterion] = value
    elif found:
        gaps[criterion] = f"{found[0].obstacle}:{found[0].figure}"


def _round(value: Decimal, rule: RatioRule) -> Decimal:
    return value.quantize(_PLACES[rule.written], rounding=ROUND_HALF_UP) + 0
