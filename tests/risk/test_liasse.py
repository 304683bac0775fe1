"""The tax return: its sums, its figures, and what it does not say."""

from decimal import Decimal as D

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk.accounting_figures import Figures, figures_of
from risk.failure_functions import evaluate_all
from risk.financial_ratios import Written, ratios, scored_accounts
from risk.liasse import SUMS, completed, faults
from risk.liasse_cells import CELLS, SECTIONS
from risk.score_card import Criterion
from tests.risk.alpha import cells


def alpha() -> Figures:
    return figures_of(
        "NORMAL", completed("NORMAL", {code: value * 1000 for code, value in cells().items()}), unit=1000
    )


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("total_assets", 1800), ("fixed_assets", 800), ("stocks", 300), ("trade_receivables", 500), ("cash", 120),
        ("current_assets", 1000), ("equity", 700), ("share_capital", 200), ("retained_earnings", 500),
        ("provisions", 50), ("long_term_debt", 350), ("overdraft", 60), ("suppliers", 380), ("total_debts", 1050),
        ("current_liabilities", 700), ("working_capital", 300), ("permanent_capital", 1100),
        ("total_liabilities", 1100), ("turnover", 3000), ("value_added", 1200), ("ebe", 180), ("personnel", 980),
        ("operating_result", 100), ("pre_tax_result", 87), ("net_result", 70), ("cash_flow", 150), ("quick_assets", 680),
    ],
)  # fmt: skip
def test_figures_of_a_normal_return(figure, value) -> None:
    assert getattr(alpha(), figure) == D(value) * 1000


def test_the_conan_holder_of_the_hand_is_that_of_the_return() -> None:
    found = {result.function.key: result for result in evaluate_all(alpha(), Figures(net_result=D(50_000)))}
    assert found["conan_holder"].value == D("15.0923")
    assert found["taffler"].value == D("2.7585")
    assert found["zmijewski"].value == D("-1.0353")
    assert found["altman_z_prime"].value == D("2.4580")
    assert found["altman_z_second"].value == D("3.0404")
    assert found["springate"].value == D("1.0909")
    assert found["ohlson"].value == D("-1.4589")
    # The stock exchange's value stands in no tax return.
    assert [gap.figure for gap in found["altman_z"].gaps] == ["market_value"]


def test_totals_left_out_are_made_and_balance() -> None:
    made = completed("NORMAL", cells())
    assert (made["CO"], made["1A"], made["EE"], made["DL"], made["GG"], made["HN"]) == (
        2400,
        600,
        1800,
        700,
        100,
        70,
    )
    assert faults("NORMAL", made, 1000) == []


@pytest.mark.parametrize(
    ("change", "totals"),
    [
        ({"CF": 220}, ["EE"]),  # assets are a hundred more than liabilities
        ({"DI": 90, "DH": 80}, ["DI"]),  # not the profit and loss's
        ({"EE": 1900}, ["EE", "EE"]),  # neither the parts' nor the assets'
        ({"FR": 2990}, ["FR"]),
    ],
)
def test_sums_that_do_not_come_out_are_named(change, totals) -> None:
    made = completed("NORMAL", cells(**change))
    assert [fault.total for fault in faults("NORMAL", made, 1)][: len(totals)] == totals


def test_rounding_to_thousands_is_tolerated() -> None:
    made = {code: value * 1000 for code, value in completed("NORMAL", cells()).items()}
    made["EE"] += 2000
    assert faults("NORMAL", made, 1000) == []
    assert [fault.total for fault in faults("NORMAL", made, 1)] == ["EE", "EE"]


def test_an_empty_cell_is_zero_only_when_its_total_comes_out() -> None:
    whole = figures_of("NORMAL", completed("NORMAL", cells(BZ=None, CF=180)))
    assert whole.other_receivables == 0
    # As the Banque de France publishes: the total of liabilities, equity, some loans and the turnover.
    partial = figures_of("NORMAL", {"EE": D(1800), "DL": D(700), "DU": D(410), "FL": D(3000), "HN": D(70)})
    assert (partial.total_assets, partial.equity, partial.turnover) == (1800, 700, 3000)
    assert (partial.suppliers, partial.ebe, partial.current_assets) == (None, None, None)


def test_the_simplified_return() -> None:
    made = completed(
        "SIMPLIFIED",
        {
            code: D(value)
            for code, value in {
                "044": 500, "048": 200, "060": 80, "068": 150, "084": 70, "120": 50, "134": 150, "136": 40,
                "156": 200, "166": 110, "172": 50, "195": 150, "218": 900, "242": 500, "244": 10, "250": 200,
                "252": 80, "254": 50, "294": 8, "306": 12,
            }.items()
        },
    )  # fmt: skip
    assert faults("SIMPLIFIED", made, 1) == []
    found = figures_of("SIMPLIFIED", made)
    assert (found.total_assets, found.equity, found.turnover, found.ebe) == (600, 240, 900, 110)
    assert (found.long_term_debt, found.current_liabilities, found.net_result) == (150, 210, 40)


def test_key_figures_alone() -> None:
    found = figures_of("KEY_FIGURES", {"turnover": D(1000), "net_result": D(-50), "equity": D(-10)})
    scored = scored_accounts(found)
    assert scored.values == {Criterion.NET_MARGIN: D("-0.050")}
    assert scored.gaps[Criterion.EQUITY_RATIO] == "MISSING:total_assets"
    assert scored.has_negative_equity


def test_a_ratio_over_nothing_says_so() -> None:
    found = {ratio.rule.key: ratio for ratio in ratios(Figures(equity=D(-5), turnover=D(0), net_result=D(1)))}
    assert found["gearing"].value is None
    assert [(gap.figure, gap.obstacle) for gap in found["gearing"].gaps] == [
        ("financial_debt", "MISSING"),
        ("equity", "NEGATIVE"),
    ]
    assert found["net_margin"].gaps[-1].obstacle == "ZERO"


def test_every_code_of_the_sums_is_a_cell_and_stands_once() -> None:
    codes = [cell.code for section in SECTIONS for cell in section.cells]
    assert len(codes) == len(set(codes))
    for rules in SUMS.values():
        for rule in rules:
            assert {rule.total, *rule.parts} <= set(CELLS)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(sorted(CELLS)), st.integers(-(10**11), 10**11).map(D), max_size=12),
    st.sampled_from(["NORMAL", "SIMPLIFIED", "KEY_FIGURES"]),
    st.integers(1, 24),
)
def test_no_return_is_an_error(values, form, months) -> None:
    found = figures_of(form, values, months=months)
    assert all((ratio.value is None) == bool(ratio.gaps) for ratio in ratios(found))
    scored = scored_accounts(found)
    assert set(scored.values).isdisjoint(scored.gaps)
    assert len(faults(form, completed(form, values), 1)) >= 0
    assert {rule.rule.written for rule in ratios(found)} <= set(Written)
