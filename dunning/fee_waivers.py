"""What a waiver takes off a décompte. Pure.

No text in force forbids to waive interest or the indemnity; a bill would make it void, hence the registry's
`waiver.allowed`. What a payment has settled already is not given back by a waiver.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.legal_register import Register
from invoices.late_fee_rules import Reason
from invoices.late_fees import ZERO, LateFees, printable

WAIVER_ALLOWED = "waiver.allowed"


class Waived(StrEnum):
    """A part that is given up; `FeeWaiver.Part` names one or both."""

    INTEREST = "INTEREST"
    INDEMNITY = "INDEMNITY"


def waived_parts(part: str) -> frozenset[Waived]:
    """The parts that a stored value names."""
    return frozenset(Waived) if part == "BOTH" else frozenset({Waived(part)})


def without_waived(fees: LateFees, waived: Collection[Waived]) -> LateFees:
    """The statement without what is given up, which it says."""
    if Waived.INTEREST in waived and fees.interest > fees.interest_paid:
        kept = fees.interest_paid
        fees = replace(
            fees,
            interest=kept,
            segments=printable(list(fees.segments), kept) if kept else (),
            reasons=(*fees.reasons, Reason.INTEREST_WAIVED),
        )
    if Waived.INDEMNITY in waived and (fees.indemnity or fees.indemnity_apart):
        fees = replace(
            fees,
            indemnity=ZERO,
            indemnity_apart=ZERO,
            indemnity_apart_currency="",
            reasons=(*fees.reasons, Reason.INDEMNITY_WAIVED),
        )
    return fees


def is_allowed(legal: Register, on: date) -> bool:
    """Whether the registry permits a waiver on a day. Raises MissingLegalParameter."""
    return legal.parameter(WAIVER_ALLOWED, on).value == "YES"


def given_up(before: LateFees, after: LateFees) -> Decimal:
    """How much a waiver takes off, in the invoice's currency."""
    return before.interest - after.interest + before.indemnity - after.indemnity
