"""Scorecard version 1: a table of cases, then what must hold for every account."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.score_words import stored, tell, told_classes, told_reasons, told_scales
from risk.scoring import CLASS_BOUNDS, SCALES, Behaviour, Criterion, Reason, Scored, risk_class_of, score

NBSP = "\u00a0"
PERFECT = Behaviour(
    fallen_due_count=24,
    settled_count=12,
    weighted_days_late=Decimal(0),
    recent_count=6,
    recent_days_late=Decimal(0),
    earlier_count=6,
    earlier_days_late=Decimal(0),
    due_count=12,
    on_time_share=Decimal(1),
    invoice_count=12,
    relation_days=2000,
)


def points_of(scored: Scored, criterion: Criterion) -> int:
    return next(reason.points for reason in scored.reasons if reason.criterion == criterion)


def test_the_scales_add_up_to_a_hundred() -> None:
    assert sum(scale.maximum for scale in SCALES.values()) == 100
    assert score(PERFECT).points == 100
    assert score(PERFECT).risk_class == "A"


@pytest.mark.parametrize(
    ("criterion", "value", "points"),
    [
        (Criterion.DAYS_LATE, "-8", 30),
        (Criterion.DAYS_LATE, "0", 30),
        (Criterion.DAYS_LATE, "12.7", 17),
        (Criterion.DAYS_LATE, "29.5", 1),
        (Criterion.DAYS_LATE, "29.6", 0),
        (Criterion.DAYS_LATE, "400", 0),
        (Criterion.ON_TIME, "1", 20),
        (Criterion.ON_TIME, "0.95", 20),
        (Criterion.ON_TIME, "0.818", 16),
        (Criterion.ON_TIME, "0.20", 0),
        (Criterion.ON_TIME, "0", 0),
        (Criterion.TREND, "-30", 10),
        (Criterion.TREND, "7.5", 5),
        (Criterion.TREND, "15", 0),
        (Criterion.OVERDUE_SHARE, "0", 15),
        (Criterion.OVERDUE_SHARE, "0.333", 5),
        (Criterion.OVERDUE_SHARE, "0.5", 0),
        (Criterion.OLDEST_OVERDUE, "1", 10),
        (Criterion.OLDEST_OVERDUE, "45", 5),
        (Criterion.OLDEST_OVERDUE, "90", 0),
        (Criterion.BROKEN_PROMISES, "1", 3),
        (Criterion.BROKEN_PROMISES, "2", 0),
        (Criterion.BOUNCED_PAYMENTS, "1", 2),
        (Criterion.BOUNCED_PAYMENTS, "9", 0),
        (Criterion.DISPUTES, "0.1", 2),
        (Criterion.DISPUTES, "0.3", 0),
        (Criterion.RELATION, "0", 0),
        (Criterion.RELATION, "548", 2),
        (Criterion.RELATION, "1095", 3),
    ],
)
def test_points_of_a_scale(criterion: Criterion, value: str, points: int) -> None:
    assert SCALES[criterion].points(Decimal(value)) == points


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (100, "A"),
        (85, "A"),
        (84, "B"),
        (70, "B"),
        (69, "C"),
        (50, "C"),
        (49, "D"),
        (30, "D"),
        (29, "E"),
        (0, "E"),
    ],
)
def test_bounds_of_the_classes(points: int, expected: str) -> None:
    assert risk_class_of(points) == expected


def test_average_payer_is_class_b() -> None:
    found = replace(
        PERFECT,
        weighted_days_late=Decimal("12.7"),
        on_time_share=Decimal("0.6"),
        overdue_share=Decimal("0.2"),
        oldest_overdue_days=20,
    )
    assert (score(found).points, score(found).risk_class) == (70, "B")


def test_bad_payer_is_class_e() -> None:
    found = replace(
        PERFECT,
        weighted_days_late=Decimal(35),
        on_time_share=Decimal("0.2"),
        recent_days_late=Decimal(40),
        earlier_days_late=Decimal(35),
        overdue_share=Decimal("0.6"),
        oldest_overdue_days=75,
        broken_promises=1,
    )
    assert (score(found).points, score(found).risk_class) == (22, "E")


def test_new_customer_is_in_the_middle_and_told_so() -> None:
    found = score(Behaviour())
    assert (found.points, found.risk_class) == (50, "C")
    assert all(reason.is_neutral for reason in found.reasons if reason.criterion != Criterion.RELATION)
    assert "historique insuffisant" in tell(found.reasons[0]).words


def test_two_settled_items_are_not_enough_to_judge() -> None:
    few = score(
        replace(PERFECT, settled_count=2, weighted_days_late=Decimal(90), recent_count=1, earlier_count=1)
    )
    assert points_of(few, Criterion.DAYS_LATE) == 15
    assert points_of(few, Criterion.TREND) == 5


def test_insolvency_overrides_everything() -> None:
    found = score(replace(PERFECT, is_insolvent=True))
    assert (found.points, found.risk_class) == (0, "E")
    assert [reason.criterion for reason in found.reasons] == [Criterion.INSOLVENCY]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            Reason(Criterion.DAYS_LATE, 17, 30, Decimal("12.7"), 14),
            "Retard moyen pondéré : 12,7 j sur 14 pièces payées en douze mois → 17 points sur 30",
        ),
        (
            Reason(Criterion.DAYS_LATE, 30, 30, Decimal("-3.0"), 1),
            "Retard moyen pondéré : −3,0 j sur 1 pièce payée en douze mois → 30 points sur 30",
        ),
        (
            Reason(Criterion.ON_TIME, 16, 20, Decimal("0.818"), 12),
            "Payé à l’heure (échéance + 5 j) : 81,8 % du montant de 12 pièces échues en douze mois → 16 points sur 20",
        ),
        (
            Reason(Criterion.TREND, 5, 10, Decimal("7.5"), 12),
            "Évolution du retard : 7,5 j de plus que le semestre précédent → 5 points sur 10",
        ),
        (
            Reason(Criterion.OLDEST_OVERDUE, 1, 10, Decimal(81), 3),
            "Plus ancien impayé : échu depuis 81 j → 1 point sur 10",
        ),
        (
            Reason(Criterion.BOUNCED_PAYMENTS, 0, 4, Decimal(2), 2),
            "Règlements rejetés : 2 en douze mois → 0 point sur 4",
        ),
    ],
)
def test_reasons_in_words(reason: Reason, words: str) -> None:
    assert tell(reason).words == words.replace(" :", f"{NBSP}:").replace(" %", f"{NBSP}%")


def test_stored_reasons_are_told_again() -> None:
    for found in (score(PERFECT), score(Behaviour()), score(replace(PERFECT, is_insolvent=True))):
        assert told_reasons(stored(found)) == [tell(reason) for reason in found.reasons]


@pytest.mark.parametrize("rows", [None, {}, [None], [{"criterion": "GONE", "points": 1, "maximum": 2}], [{}]])
def test_what_cannot_be_read_is_left_out(rows: object) -> None:
    assert told_reasons(rows) == []


def test_the_card_in_words() -> None:
    assert [scale.maximum for scale in told_scales()] == [30, 20, 10, 15, 10, 5, 4, 3, 3]
    assert told_classes() == [("A", 85, 100), ("B", 70, 84), ("C", 50, 69), ("D", 30, 49), ("E", 0, 29)]


COUNTS = st.integers(0, 60)
DAYS = st.one_of(st.none(), st.decimals(-200, 900, places=4))
SHARES = st.decimals(0, 1, places=6)
BEHAVIOURS = st.builds(
    Behaviour,
    fallen_due_count=COUNTS,
    settled_count=COUNTS,
    weighted_days_late=DAYS,
    recent_count=COUNTS,
    recent_days_late=DAYS,
    earlier_count=COUNTS,
    earlier_days_late=DAYS,
    due_count=COUNTS,
    on_time_share=st.one_of(st.none(), SHARES),
    overdue_share=SHARES,
    oldest_overdue_days=st.integers(0, 4000),
    broken_promises=COUNTS,
    bounced_payments=COUNTS,
    disputes=COUNTS,
    invoice_count=COUNTS,
    relation_days=st.one_of(st.none(), st.integers(-5, 9000)),
    is_insolvent=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(BEHAVIOURS)
def test_points_are_the_sum_of_reasons_within_bounds(found: Behaviour) -> None:
    scored = score(found)
    assert 0 <= scored.points <= 100
    assert scored.points == sum(reason.points for reason in scored.reasons)
    assert sum(reason.maximum for reason in scored.reasons) == 100
    assert all(0 <= reason.points <= reason.maximum for reason in scored.reasons)
    lowest = dict(CLASS_BOUNDS)[scored.risk_class]
    assert scored.points >= lowest
    assert all(tell(reason).words for reason in scored.reasons)


@settings(max_examples=300, deadline=None)
@given(
    BEHAVIOURS,
    st.decimals(0, 100, places=3),
    st.decimals(0, 100, places=3),
    SHARES,
    SHARES,
    st.integers(0, 400),
    st.integers(0, 5),
)
def test_worse_never_gives_more_points(
    found: Behaviour,
    later: Decimal,
    lately: Decimal,
    less_on_time: Decimal,
    more_overdue: Decimal,
    older: int,
    incidents: int,
) -> None:
    worse = replace(
        found,
        weighted_days_late=None if found.weighted_days_late is None else found.weighted_days_late + later,
        recent_days_late=None if found.recent_days_late is None else found.recent_days_late + lately,
        on_time_share=None
        if found.on_time_share is None
        else max(found.on_time_share - less_on_time, Decimal(0)),
        overdue_share=min(found.overdue_share + more_overdue, Decimal(1)),
        oldest_overdue_days=found.oldest_overdue_days + older,
        broken_promises=found.broken_promises + incidents,
        bounced_payments=found.bounced_payments + incidents,
        disputes=found.disputes + incidents,
    )
    assert score(worse).points <= score(found).points
