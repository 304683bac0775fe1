"""The cards shipped with the product: version 1 looks at the account alone, version 2 at all that is known."""

from decimal import Decimal

from risk.score_card import Card, Criterion, CriterionRule, WhenMissing

_BOUNDS = (("A", 85), ("B", 70), ("C", 50), ("D", 30), ("E", 0))


def _rule(
    criterion: Criterion, weight: int, best: str, worst: str, missing: str = "NEUTRAL"
) -> CriterionRule:
    return CriterionRule(criterion, weight, Decimal(best), Decimal(worst), WhenMissing(missing))


CARD_1 = Card(
    version=1,
    criteria=(
        _rule(Criterion.DAYS_LATE, 30, "0", "30"),
        _rule(Criterion.ON_TIME, 20, "0.95", "0.20"),
        _rule(Criterion.TREND, 10, "0", "15"),
        _rule(Criterion.OVERDUE_SHARE, 15, "0", "0.50"),
        _rule(Criterion.OLDEST_OVERDUE, 10, "0", "90"),
        _rule(Criterion.BROKEN_PROMISES, 5, "0", "2"),
        _rule(Criterion.BOUNCED_PAYMENTS, 4, "0", "2"),
        _rule(Criterion.DISPUTES, 3, "0", "0.30"),
        _rule(Criterion.RELATION, 3, "1095", "0"),
    ),
    bounds=_BOUNDS,
    caps={Criterion.INSOLVENCY: 0},
)

# Payment 40, accounts 30, age and legal events 15, sector 10, ratings 5. Conan-Holder between its published thresholds.
# No failure rate by sector is shipped: as long as nobody enters a scale, the sector's points go to the others.
CARD_2 = Card(
    version=2,
    criteria=(
        _rule(Criterion.DAYS_LATE, 12, "0", "30"),
        _rule(Criterion.ON_TIME, 8, "0.95", "0.20"),
        _rule(Criterion.TREND, 4, "0", "15"),
        _rule(Criterion.OVERDUE_SHARE, 6, "0", "0.50"),
        _rule(Criterion.OLDEST_OVERDUE, 4, "0", "90"),
        _rule(Criterion.BROKEN_PROMISES, 2, "0", "2"),
        _rule(Criterion.BOUNCED_PAYMENTS, 2, "0", "2"),
        _rule(Criterion.DISPUTES, 2, "0", "0.30"),
        _rule(Criterion.CONAN_HOLDER, 8, "16", "4", "SPREAD"),
        _rule(Criterion.EQUITY_RATIO, 8, "0.35", "0", "SPREAD"),
        _rule(Criterion.LIQUIDITY, 5, "1.50", "0.80", "SPREAD"),
        _rule(Criterion.NET_MARGIN, 5, "0.05", "-0.05", "SPREAD"),
        _rule(Criterion.INTEREST_BURDEN, 4, "0.10", "0.60", "SPREAD"),
        _rule(Criterion.RELATION, 2, "1095", "0"),
        _rule(Criterion.LEGAL_EVENTS, 13, "0", "2", "SPREAD"),
        _rule(Criterion.SECTOR, 10, "1", "0", "SPREAD"),
        _rule(Criterion.EXTERNAL_RATING, 5, "1", "0", "SPREAD"),
    ),
    bounds=_BOUNDS,
    caps={
        Criterion.INSOLVENCY: 0,
        Criterion.STRUCK_OFF: 10,
        Criterion.RATED_INSOLVENT: 10,
        Criterion.UNPAID_FORMAL_NOTICE: 39,
        Criterion.NEGATIVE_EQUITY: 49,
        Criterion.EQUITY_BELOW_HALF_CAPITAL: 69,
    },
)
DEFAULT_CARD = CARD_2
DEFAULT_CARDS = (CARD_1, CARD_2)
