"""The proposal of a limit: the vectors of practice, each cap by class, what is missing, and what would raise it."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.limit_rules import (
    Figure,
    Part,
    ProposalFacts,
    ProposalRules,
    Refusal,
    insured_cap,
    need_of,
    propose,
    what_would_raise,
)

TODAY = date(2026, 11, 23)
CLOSED = date(2025, 12, 31)
RULES = ProposalRules()


def figure(value: str, source: str = "LEDGER", as_of: date | None = TODAY) -> Figure:
    return Figure(D(value), source, as_of)


def facts(**values) -> ProposalFacts:
    known = {
        "currency": "EUR",
        "purchases": figure("288000"),
        "contract_days": figure("60"),
        "delay_days": figure("10"),
        "risk_class": "B",
        "has_paid": True,
        "customer_since": date(2019, 1, 1),
    }
    return ProposalFacts(**known | values)


@pytest.mark.parametrize(
    ("case", "purchases", "days", "delay", "peak", "expected"),
    [
        ("240 k€ HT at 20 % of VAT, 60 days and 10 late", "288000", "60", "10", "1", "55233"),
        ("the same at a peak of 1.3", "288000", "60", "10", "1.3", "71803"),
        ("pays at once", "288000", "0", "0", "1", "0"),
        ("pays before the invoice is due", "288000", "30", "-12", "1", "14203"),
        ("never a negative need", "288000", "0", "-12", "1", "0"),
        ("half a unit goes up", "365", "0.5", "0", "1", "1"),
    ],
)
def test_need(case, purchases, days, delay, peak, expected) -> None:
    assert need_of(D(purchases), D(days), D(delay), D(peak)) == D(expected)


@pytest.mark.parametrize(
    ("insured", "quota", "own", "expected"),
    [("90000", "0.9", "5000", "105000"), ("100000", "1", "0", "100000"), ("0", "0.95", "2000", "2000")],
)
def test_insured_cap(insured, quota, own, expected) -> None:
    assert insured_cap(D(insured), D(quota), D(own)) == D(expected)


@pytest.mark.parametrize(
    ("name", "values", "amount", "binding"),
    [
        ("no accounts at all: the need", {}, "55233", Part.NEED),
        (
            "5/10/15/20 % of equity: class A",
            {"equity": figure("100000"), "risk_class": "A"},
            "20000",
            Part.EQUITY,
        ),
        ("class B", {"equity": figure("100000")}, "15000", Part.EQUITY),
        ("class C", {"equity": figure("100000"), "risk_class": "C"}, "10000", Part.EQUITY),
        ("class D", {"equity": figure("100000"), "risk_class": "D"}, "5000", Part.EQUITY),
        ("without a score, the middle", {"equity": figure("100000"), "risk_class": ""}, "10000", Part.EQUITY),
        ("turnover", {"turnover": figure("400000")}, "40000", Part.TURNOVER),
        ("supplier debt", {"supplier_debt": figure("100000")}, "15000", Part.SUPPLIER_DEBT),
        ("no supplier debt tells nothing", {"supplier_debt": figure("0")}, "55233", Part.NEED),
        ("working capital", {"working_capital": figure("50000")}, "15000", Part.WORKING_CAPITAL),
        ("negative equity", {"equity": figure("-1")}, "0", Part.EQUITY),
        ("old accounts cap nothing", {"equity": figure("1", as_of=date(2024, 11, 22))}, "55233", Part.NEED),
        ("cover", {"insured": figure("36000"), "quota_share": D("0.9")}, "40000", Part.COVER),
        ("withdrawn cover", {"insured": figure("0"), "quota_share": D("0.9")}, "0", Part.COVER),
        ("new", {"has_paid": False, "customer_since": None}, "3000", Part.NEW_CUSTOMER),
        ("new for too long", {"has_paid": False, "customer_since": date(2026, 5, 23)}, "55233", Part.NEED),
        ("class E", {"risk_class": "E"}, "0", Part.RISK_CLASS),
        ("insolvent", {"is_insolvent": True}, "0", Part.INSOLVENCY),
        (
            "nothing known of purchases",
            {"purchases": Figure(), "equity": figure("10000")},
            "1500",
            Part.EQUITY,
        ),
    ],
)
def test_the_lowest_decides(name, values, amount, binding) -> None:
    found = propose(facts(**values), RULES, TODAY)
    assert (found.amount, found.binding) == (D(amount), binding)


def test_nothing_known_gives_nothing() -> None:
    found = propose(facts(purchases=Figure()), RULES, TODAY)
    assert (found.amount, found.binding) == (0, None)
    assert {line.missing for line in found.lines} == {"PURCHASES", "ACCOUNTS"}


def test_a_house_that_wants_cover_gives_its_own_risk_without_it() -> None:
    rules = ProposalRules(requires_cover=True, own_risk_amount=D(7000))
    found = propose(facts(), rules, TODAY)
    assert (found.amount, found.binding) == (7000, Part.COVER)


@pytest.mark.parametrize(
    ("values", "refusals"),
    [
        ({}, [Refusal.NEED, Refusal.NO_ACCOUNTS]),
        ({"equity": figure("-5")}, [Refusal.NEGATIVE_EQUITY]),
        ({"insured": figure("10")}, [Refusal.COMMITMENT, Refusal.NO_ACCOUNTS]),
        ({"overdue_amount": D(9), "equity": figure("1")}, [Refusal.OVERDUE, Refusal.EQUITY]),
        ({"risk_class": "E", "equity": figure("1")}, [Refusal.BEHAVIOUR, Refusal.EQUITY]),
    ],
)
def test_refusals_say_nothing_of_the_insurer(values, refusals) -> None:
    assert list(propose(facts(**values), RULES, TODAY).refusals) == refusals


def test_what_would_raise_it_names_every_part_below() -> None:
    known = facts(equity=figure("300000", "ACCOUNTS", CLOSED), insured=figure("36000"), quota_share=D("0.9"))
    found = propose(known, RULES, TODAY)
    assert (found.amount, found.binding) == (40_000, Part.COVER)
    levers = {lever.part: lever for lever in what_would_raise(found, known, RULES, D(10_000))}
    assert set(levers) == {Part.COVER, Part.EQUITY}
    assert levers[Part.COVER].needed == 45_000
    assert (levers[Part.EQUITY].needed, levers[Part.EQUITY].risk_class) == (333_334, "A")


AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=2)


@given(
    purchases=AMOUNTS,
    days=st.integers(0, 120),
    delay=st.integers(-60, 200),
    equity=st.none() | st.decimals(min_value=-(10**6), max_value=10**9, places=2),
    insured=st.none() | AMOUNTS,
    quota=st.sampled_from([D("0.9"), D("0.95"), D("1")]),
    name=st.sampled_from("ABCDE"),
)
def test_never_above_a_part_and_levers_lead_there(
    purchases, days, delay, equity, insured, quota, name
) -> None:
    values = {
        "purchases": figure(str(purchases)),
        "contract_days": figure(str(days)),
        "delay_days": figure(str(delay)),
        "risk_class": name,
        "equity": Figure() if equity is None else figure(str(equity)),
        "insured": Figure() if insured is None else figure(str(insured)),
        "quota_share": quota,
    }
    known = facts(**values)
    found = propose(known, RULES, TODAY)
    assert found.amount >= 0
    assert all(line.amount is None or found.amount <= line.amount for line in found.lines)
    inputs = {Part.NEED: "purchases", Part.EQUITY: "equity", Part.COVER: "insured"}
    levers = what_would_raise(found, known, RULES, D(10_000))
    if levers and all(lever.needed is not None and lever.part in inputs for lever in levers):
        raised = values | {inputs[lever.part]: figure(str(lever.needed)) for lever in levers}
        assert propose(facts(**raised), RULES, TODAY).amount >= found.amount + 10_000
