"""Sums of subsets: held against every subset, and never silent about what was not looked at."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from invoices.matching.sums import MOST_ITEMS, coincidence, subsets

AMOUNTS = st.lists(st.integers(-50, 200).filter(bool), min_size=0, max_size=9)


def every_subset(amounts: list[int], target: int) -> set[tuple[int, ...]]:
    places = range(len(amounts))
    return {
        chosen
        for size in range(1, len(amounts) + 1)
        for chosen in combinations(places, size)
        if sum(amounts[place] for place in chosen) == target
    }


@given(AMOUNTS, st.integers(-60, 900))
@settings(deadline=None, max_examples=300)
def test_all_subsets_are_found(amounts: list[int], target: int) -> None:
    true = every_subset(amounts, target)
    found = subsets(amounts, target)
    assert set(found.solutions) <= true
    assert len(set(found.solutions)) == min(len(true), 2) == len(found.solutions)
    assert found.is_complete == (len(true) < 2)


@given(st.lists(st.integers(1, 10_000), min_size=MOST_ITEMS + 1, max_size=40), st.data())
@settings(deadline=None, max_examples=50)
def test_beyond_the_bound_pairs_and_triples_are_found_and_the_rest_is_not_claimed(
    amounts: list[int], data: st.DataObject
) -> None:
    places = data.draw(st.sets(st.integers(0, len(amounts) - 1), min_size=1, max_size=3))
    found = subsets(amounts, sum(amounts[place] for place in places))
    assert found.solutions
    assert not found.is_complete
    assert all(
        sum(amounts[place] for place in one) == sum(amounts[place] for place in places)
        for one in found.solutions
    )


def test_chance_grows_with_round_amounts_and_with_choice() -> None:
    odd = [12_345, 67_891, 45_013, 99_007]
    round_ones = [10_000, 70_000, 50_000, 100_000]
    assert coincidence(odd, 1) < 100
    assert coincidence(odd, 1) <= coincidence(odd, 2) <= coincidence(odd, 4)
    assert coincidence(round_ones, 1) > 10_000
    assert coincidence([], 1) == 1_000_000
