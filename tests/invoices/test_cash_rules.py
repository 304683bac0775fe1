"""The pure rules of cash application: imputation, pairing, what becomes of a gap."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.cash_entry import Fate, Ticked, entry
from invoices.imputation import Claim, ImputationOrder, Share, impute
from invoices.pairing import Pair, Side, pair

TODAY = date(2026, 3, 2)
OLD, RECENT, AHEAD = date(2026, 1, 10), date(2026, 2, 10), date(2026, 4, 10)


def euros(text: str) -> Decimal:
    return Decimal(text)


def claim(key: int, amount: str, due: date = OLD, **changes: object) -> Claim:
    return Claim(key, euros(amount), due, **changes)  # type: ignore[arg-type]


def keys(shares: list[Share]) -> list[tuple[int, str]]:
    return [(share.key, str(share.amount)) for share in shares]


class TestImputation:
    @pytest.mark.parametrize(
        ("claims", "amount", "expected"),
        [
            pytest.param(
                [claim(1, "100.00", AHEAD), claim(2, "100.00")], "100.00", [(2, "100.00")], id="1342-10 due"
            ),
            pytest.param(
                [claim(1, "100.00"), claim(2, "100.00", RECENT, rate=Decimal("12.15"))],
                "120.00",
                [(2, "100.00"), (1, "20.00")],
                id="1342-10 most onerous",
            ),
            pytest.param(
                [claim(1, "100.00", RECENT), claim(2, "100.00", OLD)],
                "150.00",
                [(2, "100.00"), (1, "50.00")],
                id="1342-10 oldest",
            ),
            pytest.param(
                [claim(1, "100.00"), claim(2, "50.00")],
                "100.00",
                [(1, "66.67"), (2, "33.33")],
                id="1342-10 pro rata",
            ),
        ],
    )
    def test_order_of_the_code(
        self, claims: list[Claim], amount: str, expected: list[tuple[int, str]]
    ) -> None:
        found = impute(euros(amount), claims, as_of=TODAY, order=ImputationOrder.PRINCIPAL_FIRST)
        assert keys(found) == expected

    def test_the_debtors_choice_comes_first(self) -> None:
        claims = [claim(1, "100.00"), claim(2, "100.00", AHEAD)]
        found = impute(
            euros("150.00"), claims, as_of=TODAY, order=ImputationOrder.PRINCIPAL_FIRST, chosen=[2]
        )
        assert [(share.key, share.reason) for share in found] == [(2, "CHOSEN"), (1, "DUE")]

    def test_interest_first_or_principal_first(self) -> None:
        claims = [claim(1, "100.00"), claim(2, "40.00", RECENT, is_fee=True)]
        principal = impute(euros("100.00"), claims, as_of=TODAY, order=ImputationOrder.PRINCIPAL_FIRST)
        interest = impute(euros("100.00"), claims, as_of=TODAY, order=ImputationOrder.INTEREST_FIRST)
        assert keys(principal) == [(1, "100.00")]
        assert keys(interest) == [(2, "40.00"), (1, "60.00")]
        assert [share.reason for share in interest] == ["FEE", "DUE"]

    def test_negative_amounts_are_refused(self) -> None:
        with pytest.raises(ValueError, match="positive"):
            impute(euros("-1.00"), [], as_of=TODAY, order=ImputationOrder.PRINCIPAL_FIRST)

    @given(
        amount=st.integers(0, 10_000),
        amounts=st.lists(st.integers(0, 3_000), max_size=8),
        order=st.sampled_from(ImputationOrder),
        picks=st.lists(st.integers(0, 7), max_size=3),
    )
    def test_nothing_is_lost_and_no_claim_is_overpaid(
        self, amount: int, amounts: list[int], order: ImputationOrder, picks: list[int]
    ) -> None:
        claims = [
            Claim(key, Decimal(cents) / 100, [OLD, RECENT, AHEAD][key % 3], is_fee=key % 4 == 0)
            for key, cents in enumerate(amounts)
        ]
        shares = impute(Decimal(amount) / 100, claims, as_of=TODAY, order=order, chosen=picks)
        assert sum(share.amount for share in shares) == min(amount, sum(amounts)) / Decimal(100)
        given_to = {share.key: share.amount for share in shares}
        assert len(given_to) == len(shares)
        assert all(given_to[found.key] <= found.amount for found in claims if found.key in given_to)


class TestPairing:
    def test_both_sides_are_cut_where_either_ends(self) -> None:
        debits = [Side(1, euros("70.00")), Side(2, euros("50.00"))]
        credits = [Side(8, euros("10.00")), Side(9, euros("110.00"))]
        assert pair(debits, credits) == [
            Pair(1, 8, euros("10.00")),
            Pair(1, 9, euros("60.00")),
            Pair(2, 9, euros("50.00")),
        ]

    @given(st.lists(st.integers(1, 500), max_size=8), st.lists(st.integers(1, 500), max_size=8))
    def test_the_smaller_side_is_paired_wholly(self, debits: list[int], credits: list[int]) -> None:
        pairs = pair(
            [Side(key, Decimal(amount)) for key, amount in enumerate(debits)],
            [Side(100 + key, Decimal(amount)) for key, amount in enumerate(credits)],
        )
        assert sum(found.amount for found in pairs) == min(sum(debits), sum(credits))
        assert len({(found.debit, found.credit) for found in pairs}) == len(pairs)


class TestEntry:
    TICKS = (
        Ticked(1, euros("100.00"), OLD),
        Ticked(2, euros("60.00"), RECENT),
        Ticked(3, euros("-10.00"), OLD),
    )

    def test_exact(self) -> None:
        found = entry(euros("150.00"), list(self.TICKS))
        assert (found.gap, found.fate, found.difference) == (0, None, None)

    def test_what_is_left_goes_on_account_unless_said_otherwise(self) -> None:
        found = entry(euros("170.00"), list(self.TICKS), "BANK_CHARGES")
        assert (found.fate, found.on_account) == (Fate.ON_ACCOUNT, euros("20.00"))
        kept = entry(euros("150.40"), list(self.TICKS), "SMALL_DIFFERENCE")
        assert kept.difference == (1, euros("-0.40"), "SMALL_DIFFERENCE")
        assert entry(euros("170.00"), list(self.TICKS), "ON_LINE").left_on_line == euros("20.00")

    def test_what_is_missing_stays_due_on_the_latest_unless_said_otherwise(self) -> None:
        found = entry(euros("80.00"), list(self.TICKS))
        assert (found.fate, dict(found.parts)) == (Fate.PARTIAL, {1: euros("90.00"), 3: euros("-10.00")})
        charges = entry(euros("145.00"), list(self.TICKS), "BANK_CHARGES")
        assert charges.difference == (1, euros("5.00"), "BANK_CHARGES")

    def test_nothing_ticked(self) -> None:
        assert entry(euros("80.00"), []).on_account == euros("80.00")
        assert entry(euros("80.00"), [], "SMALL_DIFFERENCE").difference is None
