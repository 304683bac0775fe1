"""« Puis-je livrer ? »: a table of cases, no database."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.credit_rules import Code, Facts, GroupRoom, Hold, Outcome, decide
from risk.exposure_rules import Components, Counting, reached

TODAY = date(2026, 11, 23)
FACTS = Facts(
    today=TODAY,
    limit_amount=Decimal(100_000),
    limit_currency="EUR",
    exposure_amount=Decimal(90_000),
    tolerance_percent=10,
    grace_days=30,
    late_from_amount=Decimal(100),
    late_currency="EUR",
)
MANUAL = Hold("MANUAL", TODAY - timedelta(days=3), "Chèque impayé")


def released(kind: str, **terms) -> Hold:
    return replace(Hold(kind, TODAY, "Levé"), is_released=True, **terms)


@pytest.mark.parametrize(
    ("facts", "amount", "outcome", "codes"),
    [
        ({}, 10_000, Outcome.APPROVED, []),
        ({}, 10_001, Outcome.REFERRED, [Code.OVER_LIMIT]),
        ({}, 20_000, Outcome.REFERRED, [Code.OVER_LIMIT]),
        ({}, 20_001, Outcome.REFUSED, [Code.OVER_LIMIT]),
        ({"tolerance_percent": 0}, 10_001, Outcome.REFUSED, [Code.OVER_LIMIT]),
        ({"limit_amount": None}, 1, Outcome.REFERRED, [Code.NO_LIMIT]),
        ({"limit_amount": None, "expired_on": TODAY}, 1, Outcome.REFERRED, [Code.LIMIT_EXPIRED]),
        ({"limit_amount": Decimal(0), "exposure_amount": Decimal(0)}, 1, Outcome.REFUSED, [Code.NO_CREDIT]),
        ({"limit_currency": "USD"}, 1, Outcome.REFERRED, [Code.OTHER_CURRENCY]),
        ({"is_closed": True}, 1, Outcome.REFUSED, [Code.CUSTOMER_CLOSED]),
        ({"is_insolvent": True}, 1, Outcome.REFUSED, [Code.INSOLVENT]),
        ({"cover_stop": "60 jours de retard"}, 1, Outcome.REFUSED, [Code.STOP_DELIVERY]),
        ({"holds": (MANUAL,)}, 1, Outcome.REFUSED, [Code.HOLD]),
        ({"late_amount": Decimal(100), "overdue_days": 31}, 1, Outcome.REFERRED, [Code.OVERDUE]),
        ({"late_amount": Decimal("99.99"), "overdue_days": 31}, 1, Outcome.APPROVED, []),
        ({"late_amount": Decimal(500), "grace_days": None}, 1, Outcome.APPROVED, []),
        ({"late_amount": Decimal(0), "late_from_amount": Decimal(0)}, 1, Outcome.APPROVED, []),
        ({"risk_class": "D"}, 1, Outcome.APPROVED, []),
        ({"risk_class": "E"}, 1, Outcome.REFUSED, [Code.WORST_CLASS]),
        # GDPR, art. 22: for a natural person a score never refuses by itself.
        ({"risk_class": "E", "is_natural_person": True}, 1, Outcome.REFERRED, [Code.WORST_CLASS]),
        (
            {"is_insolvent": True, "limit_amount": None},
            1,
            Outcome.REFUSED,
            [Code.INSOLVENT, Code.NO_LIMIT],
        ),
    ],
)
def test_answers(facts, amount, outcome, codes) -> None:
    answer = decide(replace(FACTS, **facts), Decimal(amount), "EUR")
    assert (answer.outcome, [reason.code for reason in answer.reasons]) == (outcome, codes)


def test_headroom_before_and_after() -> None:
    answer = decide(FACTS, Decimal("12500.50"), "EUR")
    assert (answer.headroom_before, answer.headroom_after) == (Decimal(10_000), Decimal("-2500.50"))
    assert answer.reasons[0].values["excess"] == "2500.50"
    assert decide(replace(FACTS, limit_amount=None), Decimal(1), "EUR").headroom_before is None


@pytest.mark.parametrize(
    ("terms", "amount", "outcome"),
    [
        ({"until": TODAY}, 5, Outcome.APPROVED),
        ({"until": TODAY - timedelta(days=1)}, 5, Outcome.REFUSED),
        ({"left_amount": Decimal(5), "left_currency": "EUR"}, 5, Outcome.APPROVED),
        ({"left_amount": Decimal("4.99"), "left_currency": "EUR"}, 5, Outcome.REFUSED),
        ({"left_amount": Decimal(5), "left_currency": "USD"}, 5, Outcome.REFUSED),
        ({"until": TODAY, "left_amount": Decimal(4), "left_currency": "EUR"}, 5, Outcome.REFUSED),
    ],
)
def test_release_until_a_day_or_an_amount(terms, amount, outcome) -> None:
    facts = replace(FACTS, holds=(released("MANUAL", **terms),))
    assert decide(facts, Decimal(amount), "EUR").outcome == outcome


def test_what_a_person_released_is_not_held_against_the_order() -> None:
    facts = replace(
        FACTS,
        is_insolvent=True,
        late_amount=Decimal(9_000),
        holds=(released("INSOLVENCY", until=TODAY), released("OVERDUE", until=TODAY)),
    )
    assert decide(facts, Decimal(10), "EUR").outcome == Outcome.APPROVED


@pytest.mark.parametrize(
    ("used", "amount", "outcome"),
    [
        (150_000, 50_000, Outcome.APPROVED),
        (150_001, 50_000, Outcome.REFERRED),
        (180_001, 50_000, Outcome.REFUSED),
    ],
)
def test_group_limit(used, amount, outcome) -> None:
    facts = replace(
        FACTS,
        exposure_amount=Decimal(0),
        group=GroupRoom("Groupe Durand", Decimal(200_000), "EUR", Decimal(used)),
    )
    assert decide(facts, Decimal(amount), "EUR").outcome == outcome


MONEY = st.decimals(min_value=0, max_value=10_000, places=2)


@given(limit=MONEY, exposure=MONEY, amount=st.decimals(min_value="0.01", max_value=10_000, places=2))
def test_an_approval_never_goes_beyond_the_limit(limit, exposure, amount) -> None:
    answer = decide(replace(FACTS, limit_amount=limit, exposure_amount=exposure), amount, "EUR")
    if answer.outcome == Outcome.APPROVED:
        assert exposure + amount <= limit
    else:
        assert exposure + amount > limit


def test_exposure_of_the_indicators() -> None:
    """The indicators’ own case: 90 000 + 10 000 + 15 000 − 5 000 = 110 000."""
    parts = Components(
        "EUR",
        debits_amount=Decimal(90_000),
        deliveries_amount=Decimal(10_000),
        orders_amount=Decimal(15_000),
        credit_notes_amount=Decimal(3_000),
        receipts_amount=Decimal(2_000),
    )
    assert parts.amount == 110_000
    assert replace(parts, counting=Counting(orders=False)).amount == 95_000
    assert replace(parts, counting=Counting(deliveries=False, receipts=False)).amount == 102_000


@pytest.mark.parametrize(
    ("exposure", "limit", "percent"),
    [("79.99", 100, None), ("80", 100, 80), ("99.99", 100, 90), ("100", 100, 90), ("100.01", 100, 100), ("1", 0, 100), ("0", 0, None)],
)  # fmt: skip
def test_threshold_reached(exposure, limit, percent) -> None:
    assert reached(Decimal(exposure), Decimal(limit), [80, 90, 100]) == percent
