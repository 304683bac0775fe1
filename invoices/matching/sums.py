"""Which items add up to an amount. Exact, bounded, and told when there are several answers or the search gave up."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

# 2^11 sums on each side: some milliseconds.
MOST_ITEMS = 22


@dataclass(frozen=True, slots=True)
class Sums:
    """`solutions`: the first two at most, each the places of the items. `is_complete`: there are no others."""

    solutions: tuple[tuple[int, ...], ...]
    is_complete: bool


def subsets(amounts: Sequence[int], target: int, *, most: int = 2) -> Sums:
    """The subsets of amounts (positive or negative, none zero) that add up to `target`; not the empty one.

    Up to MOST_ITEMS amounts all subsets are looked at (both halves' sums, joined); beyond, pairs and triples only.
    """
    if len(amounts) > MOST_ITEMS:
        return _small(amounts, target, most)
    middle = len(amounts) // 2
    left, right = _all_sums(amounts[:middle]), _all_sums(amounts[middle:])
    by_sum: dict[int, list[int]] = {}
    for mask, total in enumerate(right):
        by_sum.setdefault(total, []).append(mask)
    found: list[tuple[int, ...]] = []
    for mask, total in enumerate(left):
        for other in by_sum.get(target - total, ()):
            if not mask and not other:
                continue
            found.append(_places(mask, 0) + _places(other, middle))
            if len(found) >= most:
                return Sums(tuple(found), False)
    return Sums(tuple(found), True)


def coincidence(amounts: Sequence[int], size: int) -> int:
    """How many in a million arbitrary amounts some subset of at most `size` items would hit by chance, at least 1.

    The sums lie between zero and the total, on multiples of what all amounts are multiples of.
    """
    positive = [abs(amount) for amount in amounts]
    spread = sum(positive)
    if not spread:
        return 1_000_000
    step = gcd(*positive) if len(positive) > 1 else 1
    places = max(spread // step, 1)
    combinations, count = 1, 0
    for chosen in range(1, min(size, len(positive)) + 1):
        combinations = combinations * (len(positive) - chosen + 1) // chosen
        count += combinations
    return max(1, min(1_000_000, count * 1_000_000 // places))


def _all_sums(amounts: Sequence[int]) -> list[int]:
    sums = [0]
    for amount in amounts:
        sums += [amount + total for total in sums]
    return sums


def _places(mask: int, offset: int) -> tuple[int, ...]:
    found = []
    place = offset
    while mask:
        if mask & 1:
            found.append(place)
        mask >>= 1
        place += 1
    return tuple(found)


def _small(amounts: Sequence[int], target: int, most: int) -> Sums:
    order = sorted(range(len(amounts)), key=lambda place: amounts[place])
    values = [amounts[place] for place in order]
    found: list[tuple[int, ...]] = []
    start = bisect_left(values, target)
    while start < len(values) and values[start] == target and len(found) < most:
        found.append((order[start],))
        start += 1
    fixed: list[int | None] = [None]
    if len(values) <= 120:
        fixed += list(range(len(values)))
    for third in fixed:
        rest = target - (values[third] if third is not None else 0)
        low, high = (0 if third is None else third + 1), len(values) - 1
        while low < high and len(found) < most:
            total = values[low] + values[high]
            if total == rest:
                chosen = [order[low], order[high]]
                if third is not None:
                    chosen.append(order[third])
                found.append(tuple(sorted(chosen)))
                low += 1
            elif total < rest:
                low += 1
            else:
                high -= 1
        if len(found) >= most:
            break
    return Sums(tuple(found), False)
