"""The default card beyond the account: a table by hand, hard rules, what is not known, and what must always hold."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk.card_content import FaultyCard, card_of, content_of, fingerprint
from risk.default_cards import CARD_1, CARD_2
from risk.score_card import FAMILIES, Criterion, Family, spread
from risk.score_words import stored, tell, told_families, told_reasons
from risk.scoring import (
    AccountsFacts,
    Behaviour,
    Facts,
    LegalFacts,
    RatingFacts,
    score,
    score_facts,
)
from tests.risk.test_scoring import BEHAVIOURS, PERFECT

TODAY = date(2026, 11, 23)
CLOSE = date(2025, 12, 31)
GOOD = AccountsFacts(
    CLOSE,
    "FORM",
    {
        Criterion.CONAN_HOLDER: D("16"),
        Criterion.EQUITY_RATIO: D("0.40"),
        Criterion.LIQUIDITY: D("1.6"),
        Criterion.NET_MARGIN: D("0.06"),
        Criterion.INTEREST_BURDEN: D("0.05"),
    },
)
ALL_GOOD = Facts(PERFECT, GOOD, (RatingFacts("AGENCY_20", "20", TODAY, D(1)),), LegalFacts(), "C")
WITH_SECTOR = replace(CARD_2, sectors={"C": 100})


def points(facts: Facts, card=CARD_2) -> dict[Criterion, tuple[int, int]]:
    return {
        reason.criterion: (reason.points, reason.maximum)
        for reason in score_facts(card, facts, TODAY).reasons
    }


def test_weights_of_the_families_are_those_of_the_method() -> None:
    weights = {family: CARD_2.weight_of(family) for family in FAMILIES}
    assert weights == {
        Family.BEHAVIOUR: 40,
        Family.FINANCE: 30,
        Family.LEGAL: 15,
        Family.SECTOR: 10,
        Family.RATINGS: 5,
    }
    assert sum(rule.weight for rule in CARD_1.criteria) == 100


def test_everything_good_and_known_is_a_hundred() -> None:
    found = score_facts(WITH_SECTOR, ALL_GOOD, TODAY)
    assert (found.points, found.risk_class) == (100, "A")
    assert [reason.maximum for reason in found.reasons] == [rule.weight for rule in WITH_SECTOR.criteria]


def test_the_points_of_accounts_by_hand() -> None:
    # Of ALPHA SAS: N = 15.09 between 4 and 16, 38.9 % of equity, liquidity 1.43, margin 2.3 %, interest 10 % of EBE.
    alpha = AccountsFacts(
        CLOSE,
        "FORM",
        {
            Criterion.CONAN_HOLDER: D("15.0923"),
            Criterion.EQUITY_RATIO: D("0.389"),
            Criterion.LIQUIDITY: D("1.43"),
            Criterion.NET_MARGIN: D("0.023"),
            Criterion.INTEREST_BURDEN: D("0.1"),
        },
    )
    found = points(replace(ALL_GOOD, accounts=alpha), WITH_SECTOR)
    assert found[Criterion.CONAN_HOLDER] == (7, 8)  # 8 × 11.09 ÷ 12 = 7.39
    assert found[Criterion.EQUITY_RATIO] == (8, 8)
    assert found[Criterion.LIQUIDITY] == (5, 5)  # 5 × 0.63 ÷ 0.70 = 4.5
    assert found[Criterion.NET_MARGIN] == (4, 5)  # 5 × 0.073 ÷ 0.10 = 3.65
    assert found[Criterion.INTEREST_BURDEN] == (4, 4)


def test_without_accounts_ratings_and_sector_the_rest_makes_a_hundred() -> None:
    found = score_facts(CARD_2, Facts(PERFECT, legal=LegalFacts()), TODAY)
    assert found.points == 100
    known = {reason.criterion: reason.maximum for reason in found.reasons if reason.maximum}
    # 40 of behaviour and 15 of age and events: 55 become 100, by the largest remainder.
    assert sum(known[criterion] for criterion in FAMILIES[Family.BEHAVIOUR]) == 73
    assert (known[Criterion.RELATION], known[Criterion.LEGAL_EVENTS]) == (4, 23)
    spread_away = [reason for reason in found.reasons if reason.maximum == 0]
    assert {reason.why for reason in spread_away} == {"NO_ACCOUNTS", "NO_NAF", "NO_RATING"}


def test_an_unknown_customer_is_in_the_middle() -> None:
    assert score_facts(CARD_2, Facts(Behaviour()), TODAY).risk_class == "C"
    assert score_facts(CARD_2, Facts(Behaviour(), legal=LegalFacts()), TODAY).risk_class == "C"


@pytest.mark.parametrize(
    ("facts", "rule", "most"),
    [
        (replace(ALL_GOOD, behaviour=replace(PERFECT, is_insolvent=True)), Criterion.INSOLVENCY, 0),
        (replace(ALL_GOOD, legal=LegalFacts(struck_off_on=TODAY)), Criterion.STRUCK_OFF, 10),
        (
            replace(ALL_GOOD, ratings=(RatingFacts("BDF_2022", "P", TODAY, D(0), is_insolvent=True),)),
            Criterion.RATED_INSOLVENT,
            10,
        ),
        (replace(ALL_GOOD, formal_notice_on=TODAY - timedelta(days=9)), Criterion.UNPAID_FORMAL_NOTICE, 39),
        (replace(ALL_GOOD, accounts=replace(GOOD, has_negative_equity=True)), Criterion.NEGATIVE_EQUITY, 49),
        (
            replace(ALL_GOOD, accounts=replace(GOOD, is_below_half_capital=True)),
            Criterion.EQUITY_BELOW_HALF_CAPITAL,
            69,
        ),
    ],
)
def test_hard_rules_cap_the_best_of_scores(facts, rule, most) -> None:
    found = score_facts(WITH_SECTOR, facts, TODAY)
    assert found.points == most
    assert found.points == sum(reason.points for reason in found.reasons)
    assert rule in [reason.criterion for reason in found.reasons]
    assert told_families(told_reasons(stored(found)))


def test_a_formal_notice_still_in_its_days_caps_nothing() -> None:
    facts = replace(ALL_GOOD, formal_notice_on=TODAY - timedelta(days=8))
    assert score_facts(WITH_SECTOR, facts, TODAY).points == 100


def test_two_hard_rules_take_off_once() -> None:
    facts = replace(
        ALL_GOOD,
        legal=LegalFacts(struck_off_on=TODAY),
        ratings=(RatingFacts("BDF_2022", "P", TODAY, D(0), is_insolvent=True),),
    )
    found = score_facts(WITH_SECTOR, facts, TODAY)
    taken = [reason.points for reason in found.reasons if reason.maximum == 0 and reason.points < 0]
    assert found.points == 10 == sum(reason.points for reason in found.reasons)
    assert len(taken) == 1


@pytest.mark.parametrize(
    ("facts", "criterion", "why"),
    [
        (replace(ALL_GOOD, accounts=None), Criterion.CONAN_HOLDER, "NO_ACCOUNTS"),
        (
            replace(ALL_GOOD, accounts=replace(GOOD, period_end=date(2024, 11, 23))),
            Criterion.LIQUIDITY,
            "ACCOUNTS_OLD",
        ),
        (
            replace(ALL_GOOD, accounts=AccountsFacts(CLOSE, gaps={Criterion.NET_MARGIN: "ZERO:turnover"})),
            Criterion.NET_MARGIN,
            "ZERO:turnover",
        ),
        (replace(ALL_GOOD, legal=None), Criterion.LEGAL_EVENTS, "NOT_WATCHED"),
        (replace(ALL_GOOD, naf_section=""), Criterion.SECTOR, "NO_NAF"),
        (replace(ALL_GOOD, naf_section="F"), Criterion.SECTOR, "NO_SECTOR_SCALE"),
        (replace(ALL_GOOD, ratings=()), Criterion.EXTERNAL_RATING, "NO_RATING"),
        (
            replace(ALL_GOOD, ratings=(RatingFacts("AGENCY_20", "9", date(2025, 11, 23), D("0.45")),)),
            Criterion.EXTERNAL_RATING,
            "RATING_OLD",
        ),
        (
            replace(
                ALL_GOOD,
                ratings=(RatingFacts("AGENCY_20", "9", TODAY, D("0.45"), TODAY - timedelta(days=1)),),
            ),
            Criterion.EXTERNAL_RATING,
            "RATING_OLD",
        ),
    ],
)
def test_what_is_not_known_says_why_and_leaves_its_points(facts, criterion, why) -> None:
    reason = next(
        reason for reason in score_facts(WITH_SECTOR, facts, TODAY).reasons if reason.criterion == criterion
    )
    assert (reason.why, reason.maximum, reason.points, reason.is_neutral) == (why, 0, 0, True)
    assert tell(reason).is_spread
    assert tell(reason).finding


def test_the_worst_of_the_ratings_counts() -> None:
    ratings = (
        RatingFacts("AGENCY_20", "18", TODAY, D("0.9")),
        RatingFacts("COFACE_DRA", "3", TODAY, D("0.3")),
    )
    reason = score_facts(WITH_SECTOR, replace(ALL_GOOD, ratings=ratings), TODAY).reasons[-1]
    assert (reason.value, reason.source, reason.count) == (D("0.30"), "COFACE_DRA=3", 2)


@pytest.mark.parametrize(("events", "given"), [(0, 13), (1, 7), (2, 0), (9, 0)])
def test_legal_events_of_three_years_count(events, given) -> None:
    days = tuple(TODAY - timedelta(days=100 * n) for n in range(1, events + 1))
    old = (date(2023, 11, 23),)
    found = points(replace(ALL_GOOD, legal=LegalFacts(days + old)), WITH_SECTOR)
    assert found[Criterion.LEGAL_EVENTS] == (given, 13)


def test_a_card_is_its_content() -> None:
    for card in (CARD_1, WITH_SECTOR):
        content = content_of(card)
        assert card_of(content, card.version) == card
        assert fingerprint(content) == fingerprint(dict(reversed(content.items())))


def changed(**changes) -> dict:
    return content_of(CARD_2) | changes


def criteria(of: str, **changes) -> dict:
    rows = [row | changes if row["criterion"] == of else row for row in content_of(CARD_2)["criteria"]]
    return changed(criteria=rows)


@pytest.mark.parametrize(
    ("content", "place", "code"),
    [
        (criteria("TREND", weight=5), "total", "TOTAL"),
        (criteria("TREND", weight="x"), "weight-TREND", "WHOLE"),
        (criteria("TREND", weight=-1), "weight-TREND", "WHOLE"),
        (criteria("TREND", best="15"), "worst-TREND", "SAME_BOUNDS"),
        (criteria("TREND", best="15", worst="0"), "worst-TREND", "BOUNDS_REVERSED"),
        (criteria("LIQUIDITY", best="0.1"), "worst-LIQUIDITY", "BOUNDS_REVERSED"),
        (criteria("TREND", best="NaN"), "best-TREND", "NUMBER"),
        (criteria("TREND", best=None), "best-TREND", "NUMBER"),
        (criteria("TREND", when_missing="GUESS"), "when_missing-TREND", "UNKNOWN"),
        (criteria("TREND", criterion="HOROSCOPE"), "criteria", "UNKNOWN"),
        (changed(criteria=[]), "criteria", "NOTHING_CERTAIN"),
        (changed(criteria="x"), "total", "TOTAL"),
        (changed(bounds={"A": 50, "B": 70, "C": 40, "D": 30, "E": 0}), "bound-B", "BOUNDS_ORDER"),
        (changed(bounds={"A": 85, "B": 70, "C": 50, "D": 30, "E": 5}), "bound-E", "LAST_CLASS"),
        (changed(caps={"INSOLVENCY": 20}), "cap-INSOLVENCY", "INSOLVENCY_IS_ZERO"),
        (changed(caps={}), "cap-INSOLVENCY", "INSOLVENCY_IS_ZERO"),
        (changed(caps={"INSOLVENCY": 0, "WEATHER": 3}), "caps", "UNKNOWN"),
        (changed(sectors={"Z": 50}), "sectors", "UNKNOWN"),
        (changed(sectors={"F": 101}), "sector-F", "WHOLE"),
        (changed(sectors=[1]), "sectors", "SHAPE"),
        (changed(accounts_months=0), "accounts_months", "WHOLE"),
    ],
)
def test_a_faulty_card_says_where(content, place, code) -> None:
    with pytest.raises(FaultyCard) as caught:
        card_of(content, 3)
    assert (place, code) in [(fault.place, fault.code) for fault in caught.value.faults]


FACTS = st.builds(
    Facts,
    BEHAVIOURS,
    st.none()
    | st.builds(
        AccountsFacts,
        st.dates(date(1995, 1, 1), TODAY),
        st.just("FORM"),
        st.dictionaries(st.sampled_from(FAMILIES[Family.FINANCE]), st.decimals(-50, 50, places=3)),
        st.just({}),
        st.booleans(),
        st.booleans(),
    ),
    st.lists(
        st.builds(
            RatingFacts,
            st.just("AGENCY_20"),
            st.just("9"),
            st.dates(date(1995, 1, 1), TODAY),
            st.none() | st.decimals(0, 1, places=4),
            st.none() | st.dates(date(1995, 1, 1), date(2030, 1, 1)),
            st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    st.none()
    | st.builds(
        LegalFacts,
        st.lists(st.dates(date(1995, 1, 1), TODAY), max_size=4).map(tuple),
        st.none() | st.dates(date(1995, 1, 1), TODAY),
    ),
    st.sampled_from(["", "C", "F"]),
    st.none() | st.dates(date(2020, 1, 1), TODAY),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FACTS)
def test_points_are_the_sum_of_the_reasons_whatever_is_missing(facts) -> None:
    for card in (CARD_1, CARD_2, WITH_SECTOR):
        found = score_facts(card, facts, TODAY)
        assert 0 <= found.points <= 100
        assert found.points == sum(reason.points for reason in found.reasons)
        assert sum(reason.maximum for reason in found.reasons) == 100
        assert found.risk_class == card.risk_class_of(found.points)
        assert [tell(reason) for reason in found.reasons] == told_reasons(stored(found))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BEHAVIOURS)
def test_version_1_is_the_account_alone(behaviour) -> None:
    assert score_facts(CARD_1, replace(ALL_GOOD, behaviour=behaviour), TODAY) == score(behaviour)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    FACTS,
    st.sampled_from(FAMILIES[Family.FINANCE]),
    st.decimals(-50, 50, places=3),
    st.decimals(0, 50, places=3),
)
def test_a_better_ratio_never_gives_fewer_points(facts, criterion, value, gain) -> None:
    better = value - gain if criterion == Criterion.INTEREST_BURDEN else value + gain
    base = facts.accounts or AccountsFacts(CLOSE)

    def points_with(amount):
        accounts = replace(base, values={**base.values, criterion: amount})
        return score_facts(CARD_2, replace(facts, accounts=accounts), TODAY).points

    assert points_with(better) >= points_with(value)


@settings(deadline=None)
@given(st.sets(st.sampled_from([rule.criterion for rule in CARD_2.criteria])))
def test_the_points_of_the_missing_go_to_the_others(missing) -> None:
    shares = spread(CARD_2.key, frozenset(missing))
    assert sum(shares.values()) == (100 if shares else 0)
    assert set(shares).isdisjoint(missing)
    known = {rule.criterion: rule.weight for rule in CARD_2.criteria if rule.criterion not in missing}
    for criterion, share in shares.items():
        assert abs(share - D(100) * known[criterion] / sum(known.values())) < 1
