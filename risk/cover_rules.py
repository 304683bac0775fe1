"""What credit insurance pays for and until when something may be done: arithmetic on the terms of a policy, no clock.

A delay of N days after a due date ends with day `due + N`; that day still counts, and no delay of a contract is moved
to the next working day.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from core.money import round_money

# In a collective proceeding the waiting period starts so many days after the claim is admitted (usual terms of French policies).
DAYS_AFTER_ADMISSION = 30


@dataclass(frozen=True)
class Terms:
    """The delays of a policy, in calendar days."""

    max_extension_days: int
    declaration_days: int
    claim_days: int
    waiting_days: int
    stop_delivery_days: int | None = None
    alarm_days: int = 0


@dataclass(frozen=True)
class Deadlines:
    """The last days for one item: to defer its payment, to deliver its buyer, to declare it, to claim it."""

    extend_until: date
    deliver_until: date | None
    declare_by: date
    claim_by: date


class Urgency(StrEnum):
    FAR = "FAR"
    NEAR = "NEAR"
    LAPSED = "LAPSED"


def insured_part(exposure: Decimal, cover: Decimal, quota_share: Decimal) -> Decimal:
    """What the insurer bears: min(exposure, cover) × quota share; nothing of a credit balance."""
    return round_money(max(min(exposure, cover), Decimal(0)) * quota_share)


def uncovered(exposure: Decimal, cover: Decimal, quota_share: Decimal) -> Decimal:
    """What the house bears: exposure - min(exposure, cover) × quota share. An expired cover is a cover of zero."""
    return exposure - insured_part(exposure, cover, quota_share)


def deadlines(due_date: date, terms: Terms) -> Deadlines:
    """Every last day of an item, from its due date."""
    stop = terms.stop_delivery_days
    return Deadlines(
        extend_until=due_date + timedelta(days=terms.max_extension_days),
        deliver_until=None if stop is None else due_date + timedelta(days=stop),
        declare_by=due_date + timedelta(days=terms.declaration_days),
        claim_by=due_date + timedelta(days=terms.claim_days),
    )


def urgency(deadline: date, today: date, alarm_days: int) -> Urgency:
    """Whether a deadline has lapsed, is so near that somebody is told, or neither."""
    if today > deadline:
        return Urgency.LAPSED
    return Urgency.NEAR if today >= deadline - timedelta(days=alarm_days) else Urgency.FAR


def delivery_stopped(oldest_due_date: date | None, today: date, terms_stop_days: int | None) -> bool:
    """Whether the buyer is later than the policy lets one deliver to."""
    if oldest_due_date is None or terms_stop_days is None:
        return False
    return (today - oldest_due_date).days > terms_stop_days


def indemnity_on(received_on: date | None, waiting_days: int, admitted_on: date | None = None) -> date | None:
    """The day from which the indemnity is due: the waiting period after the insurer received the claim.

    In a collective proceeding it starts 30 days after the claim is admitted. None while neither day is known.
    """
    start = received_on
    if admitted_on is not None:
        start = admitted_on + timedelta(days=DAYS_AFTER_ADMISSION)
    return None if start is None else start + timedelta(days=waiting_days)
