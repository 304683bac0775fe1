"""The ways in which people pay: each looks at an account and an amount, and says which items it would settle.

`named_ways` start from items that the text names; `unnamed_ways` from the amount alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from invoices.matching.sums import MOST_ITEMS, subsets
from invoices.matching.values import Account, Item, Line, Rules

Parts = tuple[tuple[Item, int], ...]
# A proposal with more documents than that is no help to anybody.
MOST_PARTS = 300


@dataclass(frozen=True, slots=True)
class Way:
    """Parts, signed; `difference` is what the line gives less than they ask (negative: more), and why."""

    rule: str
    amount_code: str
    parts: Parts
    difference: int = 0
    difference_reason: str = ""
    solutions: int = 1
    is_search_complete: bool = True


def named_ways(line: Line, named: Sequence[Item], account: Account, rules: Rules) -> list[Way]:
    """What the items that the text names, of one account, and the amount say together."""
    parts = _whole(named)
    total, target = _sum(parts), line.cents
    if not parts or len(parts) > MOST_PARTS:
        return []
    if total == target:
        return [Way("NAMED", "amount_exact", parts)]
    ways = list(_with_difference("NAMED", parts, total - target, line, rules))
    debits = [item for item in named if item.cents > 0]
    if total > target:
        ways += _named_less_credits(parts, total - target, named, account)
        if len(named) > 1:
            ways += _part_of_named(named, target)
        if debits and target < _sum(_whole(debits)):
            ways.append(Way("NAMED_PART", "amount_part_of_named", _oldest_first(debits, target)))
    else:
        ways += _named_and_others(parts, target - total, named, account)
        ways.append(Way("NAMED_ABOVE", "amount_above_named", parts, total - target))
    return ways


def unnamed_ways(line: Line, account: Account, rules: Rules) -> list[Way]:
    """What the amount alone says on an account: the first ways are the most usual ones; each set of items once."""
    target = line.cents
    debits = [item for item in account.items if item.cents > 0]
    ways: list[Way] = []
    single = [item for item in debits if item.cents == target]
    for item in single[:2]:
        ways.append(Way("ONE_ITEM", "amount_one_item", _whole([item]), solutions=len(single)))
    if account.is_complete and len(account.items) > 1 and sum(item.cents for item in account.items) == target:
        ways.append(Way("BALANCE", "amount_balance", _whole(account.items)))
    overdue = [item for item in debits if item.due_date < line.booking_date]
    if account.is_complete and len(overdue) > 1 and _sum(_whole(overdue)) == target:
        ways.append(Way("OVERDUE", "amount_overdue", _whole(overdue)))
    ways += _together(debits, target)
    prefix = _prefix(debits, target)
    if prefix:
        ways.append(Way("OLDEST_FIRST", "amount_oldest_first", _whole(prefix)))
    found, sums = _any_subset(account, target)
    ways = _each_once([*ways, *sums])
    if ways:
        # However plausible one way is: it is certain only where no other items give the amount.
        several = found > 1 or len(ways) > 1
        complete = found >= 0
        return [
            replace(way, solutions=max(way.solutions, 2 if several else 1), is_search_complete=complete)
            for way in ways
        ]
    return _unnamed_with_difference(line, account, debits, rules)


def part_of_account(line: Line, account: Account) -> list[Way]:
    """When nothing fits: the oldest items as far as the money goes."""
    debits = [item for item in account.items if item.cents > 0]
    if not debits:
        return []
    parts = _oldest_first(debits, line.cents)
    if len(parts) > MOST_PARTS:
        return []
    return [Way("PART_OF_ACCOUNT", "amount_part_of_account", parts, min(0, _sum(parts) - line.cents))]


def _whole(items: Iterable[Item]) -> Parts:
    return tuple((item, item.cents) for item in items)


def _sum(parts: Parts) -> int:
    return sum(cents for _item, cents in parts)


def _oldest_first(items: Sequence[Item], target: int) -> Parts:
    parts: list[tuple[Item, int]] = []
    for item in sorted(items, key=lambda item: (item.due_date, item.pk)):
        taken = min(item.cents, target)
        if taken <= 0:
            break
        parts.append((item, taken))
        target -= taken
    return tuple(parts)


def _with_difference(rule: str, parts: Parts, missing: int, line: Line, rules: Rules) -> Iterable[Way]:
    """Less (or a little more) than asked, for a reason that we know."""
    asked = _sum(parts)
    if missing < 0:
        if -missing <= rules.tolerance:
            yield Way(rule, "amount_small_difference", parts, missing, "SMALL_DIFFERENCE")
        return
    if not parts or any(cents <= 0 for _item, cents in parts):
        return
    if line.charges and missing == line.charges:
        yield Way(rule, "amount_charges_told", parts, missing, "BANK_CHARGES")
    elif missing <= asked * rules.discount_share // 10_000 + 1 and _in_time(parts, line.booking_date, rules):
        yield Way(rule, "amount_discount", parts, missing, "DISCOUNT")
    elif missing <= rules.tolerance:
        yield Way(rule, "amount_small_difference", parts, missing, "SMALL_DIFFERENCE")
    elif missing <= rules.charges_tolerance and missing * 5 <= asked:
        yield Way(rule, "amount_charges", parts, missing, "BANK_CHARGES")


def _in_time(parts: Parts, day: date, rules: Rules) -> bool:
    """A discount is for who pays so many days before the due date (escompte)."""
    return rules.discount_share > 0 and all(
        (item.due_date - day).days >= rules.discount_days for item, _cents in parts
    )


def _named_less_credits(parts: Parts, excess: int, named: Sequence[Item], account: Account) -> list[Way]:
    """Credit notes that the payer took off without saying so."""
    taken = {item.pk for item in named}
    credits = [item for item in account.items if item.cents < 0 and item.pk not in taken][:MOST_ITEMS]
    found = subsets([item.cents for item in credits], -excess)
    return [
        Way(
            "NAMED_LESS_CREDITS",
            "amount_net_of_credits",
            parts + _whole(credits[place] for place in places),
            solutions=len(found.solutions),
            is_search_complete=found.is_complete,
        )
        for places in found.solutions[:1]
    ]


def _part_of_named(named: Sequence[Item], target: int) -> list[Way]:
    """Some of the named items only: one instalment of several, or a list in which one was not paid."""
    found = subsets([item.cents for item in named[:MOST_ITEMS]], target)
    return [
        Way(
            "NAMED_SOME",
            "amount_named_subset",
            _whole(named[place] for place in places),
            solutions=len(found.solutions),
            is_search_complete=found.is_complete,
        )
        for places in found.solutions[:1]
    ]


def _named_and_others(parts: Parts, rest: int, named: Sequence[Item], account: Account) -> list[Way]:
    taken = {item.pk for item in named}
    others = [item for item in account.items if item.pk not in taken]
    found = subsets([item.cents for item in others], rest)
    return [
        Way(
            "NAMED_AND_OTHERS",
            "amount_named_and_others",
            parts + _whole(others[place] for place in places),
            solutions=len(found.solutions),
            is_search_complete=found.is_complete,
        )
        for places in found.solutions[:1]
    ]


def _together(debits: Sequence[Item], target: int) -> list[Way]:
    """All that falls due on one day, or was issued in one month: statements are paid so."""
    groups: dict[tuple[str, int, int, int], list[Item]] = {}
    for item in debits:
        due = item.due_date
        groups.setdefault(("due", due.year, due.month, due.day), []).append(item)
        groups.setdefault(("issued", item.issue_date.year, item.issue_date.month, 0), []).append(item)
    return [
        Way("DUE_TOGETHER", "amount_due_together", _whole(items))
        for items in groups.values()
        if len(items) > 1 and sum(item.cents for item in items) == target
    ]


def _prefix(debits: Sequence[Item], target: int) -> list[Item]:
    total = 0
    for count, item in enumerate(debits, start=1):
        total += item.cents
        if total >= target:
            return list(debits[:count]) if total == target and count > 1 else []
    return []


def _any_subset(account: Account, target: int) -> tuple[int, list[Way]]:
    """Any items that add up, credit notes too where there are few documents; how many ways (-1: not all were tried)."""
    debits = [item for item in account.items if item.cents > 0]
    credits = [item for item in account.items if item.cents < 0]
    usable = [item for item in debits if item.cents <= target or credits]
    pool = usable + credits if len(usable) + len(credits) <= MOST_ITEMS else usable
    if not pool or len(pool) > MOST_PARTS:
        return -1 if pool else 0, []
    found = subsets([item.cents for item in pool], target)
    is_complete = account.is_complete and len(pool) == len(usable) + len(credits) and len(pool) <= MOST_ITEMS
    ways = [
        Way(
            "SUBSET",
            "amount_subset",
            _whole(sorted((pool[place] for place in places), key=lambda item: (item.due_date, item.pk))),
        )
        for places in found.solutions
    ]
    return len(found.solutions) if is_complete else -1, ways


def _unnamed_with_difference(line: Line, account: Account, debits: Sequence[Item], rules: Rules) -> list[Way]:
    ways: list[Way] = []
    widest = max(rules.charges_tolerance, line.cents * rules.discount_share // 9_000, line.charges)
    for item in debits:
        missing = item.cents - line.cents
        if -rules.tolerance <= missing <= widest:
            ways += _with_difference("ONE_ITEM", _whole([item]), missing, line, rules)
    if account.is_complete and len(debits) > 1:
        parts = _whole(account.items)
        missing = _sum(parts) - line.cents
        if -rules.tolerance <= missing <= widest:
            ways += _with_difference("BALANCE", parts, missing, line, rules)
    return sorted(ways, key=lambda way: abs(way.difference))[:3]


def _each_once(ways: Iterable[Way]) -> list[Way]:
    """The first way to each set of items."""
    seen: dict[tuple[int, ...], Way] = {}
    for way in ways:
        seen.setdefault(tuple(sorted(item.pk for item, _cents in way.parts)), way)
    return list(seen.values())
