"""The classical functions on a company computed by hand (ALPHA SAS, in k€), and on accounts that say too little."""

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk.accounting_figures import Figures
from risk.failure_formulas import ALTMAN_Z, FUNCTIONS, OHLSON, Zone
from risk.failure_functions import Obstacle, bdf_100z, evaluate, evaluate_all, rounded

# Assets: fixed 800, stocks 300, customers 500, other claims 60, cash 120, prepaid 20. Liabilities: equity 700 (capital
# 200, reserves 430, result 70), provisions 50, loans 350, overdraft 60, suppliers 380, tax and social 210, other 50.
ALPHA = Figures(
    total_assets=D(1800), fixed_assets=D(800), stocks=D(300), trade_receivables=D(500), other_receivables=D(60),
    securities=D(0), cash=D(120), prepaid=D(20), current_assets=D(1000), equity=D(700), share_capital=D(200),
    retained_earnings=D(500), other_own_funds=D(0), provisions=D(50), long_term_debt=D(350), overdraft=D(60),
    suppliers=D(380), tax_social_debts=D(210), total_debts=D(1050), turnover=D(3000), purchases=D(1800),
    value_added=D(1200), personnel=D(980), ebe=D(180), depreciation=D(80), operating_result=D(100), interest=D(18),
    pre_tax_result=D(87), net_result=D(70), market_value=D(900),
)  # fmt: skip
BEFORE = Figures(net_result=D(50))
IN_EUROS = replace(
    ALPHA,
    **{name: value * 1000 for name, value in vars(ALPHA).items() if isinstance(value, D)},
)

# function, value, zone, probability: published formulas, values computed apart from this code.
CASES = [
    ("conan_holder", "15.0923", Zone.SAFE, None),
    ("altman_z", "2.9298", Zone.GREY, None),
    ("altman_z_prime", "2.4580", Zone.GREY, None),
    ("altman_z_second", "3.0404", Zone.SAFE, None),
    ("altman_z_second_em", "6.2904", Zone.SAFE, None),
    ("zmijewski", "-1.0353", Zone.SAFE, "0.1503"),
    ("ohlson", "-1.4589", Zone.SAFE, "0.1886"),
    ("springate", "1.0909", Zone.SAFE, None),
    ("taffler", "2.7585", Zone.SAFE, None),
    ("taffler_weights", "0.2529", Zone.GREY, None),
]
# function, symbol, ratio
RATIOS = [
    ("conan_holder", "X1", "0.171429"),
    ("conan_holder", "X2", "0.611111"),
    ("conan_holder", "X3", "0.388889"),
    ("conan_holder", "X4", "0.006000"),
    ("conan_holder", "X5", "0.816667"),
    ("altman_z", "X1", "0.166667"),
    ("altman_z", "X2", "0.277778"),
    ("altman_z", "X3", "0.055556"),
    ("altman_z", "X4", "0.818182"),
    ("altman_z", "X5", "1.666667"),
    ("altman_z_prime", "X4", "0.636364"),
    ("zmijewski", "X1", "0.038889"),
    ("zmijewski", "X3", "1.428571"),
    ("ohlson", "X7", "0.136364"),
    ("springate", "X3", "0.124286"),
    ("taffler", "X4", "-2.5768"),
]
BY_KEY = {function.key: function for function in FUNCTIONS}


@pytest.mark.parametrize(("key", "value", "zone", "probability"), CASES)
def test_the_company_computed_by_hand(key, value, zone, probability) -> None:
    found = evaluate(BY_KEY[key], IN_EUROS, replace(BEFORE, net_result=D(50_000)))
    assert (found.value, found.zone) == (D(value), zone)
    assert found.probability == (None if probability is None else D(probability))
    assert found.gaps == ()


@pytest.mark.parametrize(("key", "symbol", "ratio"), RATIOS)
def test_its_ratios(key, symbol, ratio) -> None:
    found = evaluate(BY_KEY[key], ALPHA, BEFORE)
    term = next(term for term in found.terms if term.symbol == symbol)
    assert term.ratio == rounded(D(ratio))


def test_the_banque_de_france_function() -> None:
    ratios = [
        "10",
        D(1700) / 1610 * 100,
        D(150) / 410 * 100,
        "6",
        D(380) / 2160 * 100,
        "5",
        D(800) / 3600 * 100,
        "7.5",
    ]
    assert bdf_100z([D(ratio) for ratio in ratios]) == D("122.8901")


@pytest.mark.parametrize(
    ("key", "change", "figure", "obstacle"),
    [
        ("altman_z", {"market_value": None}, "market_value", Obstacle.MISSING),
        ("altman_z_prime", {"total_assets": D(0)}, "total_assets", Obstacle.ZERO),
        ("conan_holder", {"turnover": D(0)}, "turnover", Obstacle.ZERO),
        ("conan_holder", {"value_added": D(-10)}, "value_added", Obstacle.NEGATIVE),
        ("conan_holder", {"ebe": None}, "ebe", Obstacle.MISSING),
        ("taffler", {"turnover": D(167)}, "operating_costs", Obstacle.ZERO),
        ("springate", {"total_debts": D(350)}, "current_liabilities", Obstacle.ZERO),
    ],
)
def test_what_keeps_a_function_from_a_value_is_named(key, change, figure, obstacle) -> None:
    found = evaluate(BY_KEY[key], replace(ALPHA, **change), BEFORE)
    assert (found.value, found.zone, found.band) == (None, None, None)
    assert (figure, obstacle) in [(gap.figure, gap.obstacle) for gap in found.gaps]


def test_ohlson_asks_for_the_year_before() -> None:
    found = evaluate(OHLSON, ALPHA)
    assert found.value is None
    assert [gap.figure for gap in found.gaps] == ["previous_net_result"]


def test_negative_equity_has_values_and_a_zone() -> None:
    sunk = replace(ALPHA, equity=D(-400), total_debts=D(2150), retained_earnings=D(-600), net_result=D(-70))
    found = {result.function.key: result for result in evaluate_all(sunk, replace(BEFORE, net_result=D(-20)))}
    assert all(result.value is not None for result in found.values())
    assert found["altman_z_second"].zone == found["zmijewski"].zone == Zone.DISTRESS
    assert found["ohlson"].extras["X5"] == D("-1.7200")
    assert found["ohlson"].extras["X8"] == D("0.2850")


@pytest.mark.parametrize(
    ("value", "zone"),
    [("2.99", Zone.GREY), ("2.9901", Zone.SAFE), ("1.81", Zone.GREY), ("1.8099", Zone.DISTRESS)],
)
def test_a_threshold_belongs_to_the_grey_zone(value, zone) -> None:
    band = next(band for band in ALTMAN_Z.bands if band.holds(D(value)))
    assert band.zone == zone


AMOUNTS = st.none() | st.integers(-(10**12), 10**12).map(D)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries({name: AMOUNTS for name in vars(ALPHA) if name != "months"}),
    AMOUNTS,
)
def test_no_accounts_are_an_error(values, before) -> None:
    for found in evaluate_all(Figures(**values), Figures(net_result=before)):
        assert (found.value is None) == bool(found.gaps)
        assert (found.zone is None) == bool(found.gaps)
        if found.probability is not None:
            assert 0 <= found.probability <= 1
