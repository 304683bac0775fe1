"""Which debts a payment extinguishes when neither the customer's choice nor the documents say it. Pure.

C. civ. 1342-10: the debtor says which debt he pays; failing that, first the debts that are due, among those the ones he
had most interest in paying off (the most onerous), then the oldest, and pro rata between equals. C. civ. 1343-1: a part
payment of a debt that bears interest goes to the interest first, unless the creditor accepts otherwise. Applying 1343-1
to the penalties of C. com. L441-10 is a reading of the law: the house chooses, in the dated parameter
« late_fees.allocation », PRINCIPAL_FIRST or INTEREST_FIRST. A debtor's choice of one debt stands against a creditor only
when it is paid in full (1342-4): what is chosen is served first, in the order given.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import groupby

from core.money import split_money

ZERO = Decimal("0.00")


class ImputationOrder(StrEnum):
    PRINCIPAL_FIRST = "PRINCIPAL_FIRST"
    INTEREST_FIRST = "INTEREST_FIRST"


@dataclass(frozen=True)
class Claim:
    """What is owed under one document. `amount` is positive; `rate` tells the most onerous, in percent a year."""

    key: int
    amount: Decimal
    due_date: date
    is_fee: bool = False
    rate: Decimal = ZERO


@dataclass(frozen=True)
class Share:
    """How much of a claim is extinguished, and by which step of the order."""

    key: int
    amount: Decimal
    reason: str


def impute(
    amount: Decimal,
    claims: Sequence[Claim],
    *,
    as_of: date,
    order: ImputationOrder,
    chosen: Sequence[int] = (),
) -> list[Share]:
    """The shares of `amount` (positive), in the order in which the claims are served; what is left over is not shared.

    `reason` is CHOSEN, FEE, DUE or NOT_DUE. Raises ValueError for a negative amount or claim.
    """
    if amount < 0 or any(claim.amount < 0 for claim in claims):
        raise ValueError("amounts are positive")
    by_key = {claim.key: claim for claim in claims}
    named = [by_key[key] for key in dict.fromkeys(chosen) if key in by_key]
    rest = [claim for claim in claims if claim.key not in {claim.key for claim in named}]
    shares: list[Share] = []
    left = amount
    for claim in named:
        left = _serve(shares, [claim], left, "CHOSEN")
    for reason, group in _ranked(rest, as_of, order):
        left = _serve(shares, group, left, reason)
        if left == 0:
            break
    return shares


def _ranked(
    claims: Iterable[Claim], as_of: date, order: ImputationOrder
) -> Iterable[tuple[str, list[Claim]]]:
    fee_rank = 0 if order is ImputationOrder.INTEREST_FIRST else 1

    def rank(claim: Claim) -> tuple[int, int, Decimal, date]:
        return (
            fee_rank if claim.is_fee else 1 - fee_rank,
            0 if claim.due_date <= as_of else 1,
            -claim.rate,
            claim.due_date,
        )

    for key, group in groupby(sorted(claims, key=lambda claim: (rank(claim), claim.key)), key=rank):
        reason = "FEE" if key[0] == fee_rank else "DUE" if key[1] == 0 else "NOT_DUE"
        yield reason, list(group)


def _serve(shares: list[Share], group: Sequence[Claim], left: Decimal, reason: str) -> Decimal:
    """Serve claims of one rank: whole when the money lasts, else in proportion."""
    asked = sum((claim.amount for claim in group), ZERO)
    if asked == 0 or left == 0:
        return left
    given = (
        [claim.amount for claim in group]
        if asked <= left
        else split_money(left, [claim.amount for claim in group])
    )
    shares += [Share(claim.key, part, reason) for claim, part in zip(group, given, strict=True) if part > 0]
    return left - min(asked, left)
