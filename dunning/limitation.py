"""When a claim is barred by limitation, and when to be warned. Pure: durations and events are passed in.

C. com. L110-4 (five years), L133-6 and L110-4 II (one), C. consom. L218-2 (two), loi 68-1250 (four, counted from
1 January), C. civ. 2254 (agreed: one to ten), 2233 (from the due date), 2240 to 2244 (interruption), 2231 (a new
period of the same length), 2238 (suspension), 2232 (long stop). Reminders and formal notices interrupt nothing.

Three dates, because the law is not always certain: `act_by` counts from the earliest plausible day and believes only
what is certain: alarms follow it. `expires_on` counts from the due date. `perhaps_until` believes possible events too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.calendar import add_months
from core.legal_register import Register
from risk.legal_deadlines import LIMITATION_YEARS


class Regime(StrEnum):
    """Which period applies; the values are keys of `legal_deadlines.LIMITATION_YEARS`, CONTRACT set apart."""

    B2B = "B2B"
    B2C = "B2C"
    CARRIAGE = "CARRIAGE"
    SHIPPING = "SHIPPING"
    PUBLIC = "PUBLIC"
    CONTRACT = "CONTRACT"


class EventKind(StrEnum):
    """What may change the period; the values are those of `LimitationEvent.Kind`."""

    ACKNOWLEDGEMENT = "ACKNOWLEDGEMENT"
    COURT_CLAIM = "COURT_CLAIM"
    ORDER_SERVED = "ORDER_SERVED"
    ENFORCEMENT = "ENFORCEMENT"
    CLAIM_DECLARED = "CLAIM_DECLARED"
    MEDIATION = "MEDIATION"
    PART_PAYMENT = "PART_PAYMENT"
    PERFORMANCE = "PERFORMANCE"


# As long as these last, the new period does not begin (C. civ. 2242; C. com. L622-25-1).
LASTING = frozenset({EventKind.COURT_CLAIM, EventKind.CLAIM_DECLARED})
# While these last, no period runs at all.
SUSPENDING = LASTING | {EventKind.MEDIATION}
# C. civ. 2232 al. 2: the long stop does not hold against these.
BEYOND_LONG_STOP = LASTING | {EventKind.ORDER_SERVED, EventKind.ENFORCEMENT}
# A lone part payment may be an acknowledgement (C. civ. 2240): the original date stays the one to watch.
NEVER_CERTAIN = frozenset({EventKind.PART_PAYMENT})


@dataclass(frozen=True)
class Period:
    """The durations of one claim. `from_next_year`: counted from 1 January after its start (loi 68-1250, art. 1)."""

    regime: Regime
    years: int
    long_stop_years: int
    suspension_min_months: int

    @property
    def from_next_year(self) -> bool:
        return self.regime is Regime.PUBLIC

    def end_from(self, start: date) -> date:
        """The last day to act of a period that starts on a day."""
        if self.from_next_year:
            return date(start.year + self.years, 12, 31)
        return add_months(start, 12 * self.years)


@dataclass(frozen=True)
class Event:
    """An act with its day; `ended_on` of a suspension or of proceedings, None while they last."""

    kind: EventKind
    day: date
    ended_on: date | None = None
    is_certain: bool = True

    @property
    def counts_for_certain(self) -> bool:
        return self.is_certain and self.kind not in NEVER_CERTAIN


@dataclass(frozen=True)
class Limitation:
    """The dates of one claim; None: the period does not run at present (proceedings or mediation pending)."""

    period: Period
    start: date
    earliest_start: date
    act_by: date | None
    expires_on: date | None
    perhaps_until: date | None
    long_stop_on: date
    # Events that came when the period was over: they changed nothing.
    too_late: tuple[Event, ...] = ()

    def is_barred(self, today: date) -> bool:
        """Whether even the date counted from the due date has passed."""
        return self.expires_on is not None and today > self.expires_on

    def months_left(self, today: date, alert_months: Sequence[int]) -> int | None:
        """The closest alarm that has rung, in months before `act_by`; 0 once it has passed, None before all."""
        if self.act_by is None:
            return None
        if today > self.act_by:
            return 0
        rung = [months for months in alert_months if add_months(self.act_by, -months) <= today]
        return min(rung, default=None)


def regime_of(*, debtor_kind: str, nature: str = "", contract_years: int | None = None) -> tuple[Regime, ...]:
    """The regimes that may apply to a customer's claims: the shortest of them is the one to watch.

    `nature`: `Customer.ClaimNature`; undetermined, carriage is not excluded. A contract changes the ordinary
    period between professionals only.
    """
    if nature in (Regime.CARRIAGE, Regime.SHIPPING):
        return (Regime(nature),)
    by_kind = {"CONSUMER": Regime.B2C, "PUBLIC_BODY": Regime.PUBLIC}.get(debtor_kind, Regime.B2B)
    if by_kind is Regime.B2B and contract_years is not None:
        by_kind = Regime.CONTRACT
    return (by_kind, Regime.CARRIAGE) if nature == "UNKNOWN" else (by_kind,)


def period_of(
    register: Register, regimes: Sequence[Regime], on: date, *, contract_years: int | None
) -> Period:
    """The shortest of the periods that may apply, in force on a day. Raises MissingLegalParameter."""
    if Regime.CONTRACT in regimes:
        low = register.parameter("fr.limitation.contract_min_years", on).integer
        high = register.parameter("fr.limitation.contract_max_years", on).integer
        contract_years = min(max(contract_years or low, low), high)

    def years(regime: Regime) -> int:
        if regime is Regime.CONTRACT and contract_years is not None:
            return contract_years
        return register.parameter(LIMITATION_YEARS[regime], on).integer

    shortest = min(regimes, key=years)
    return Period(
        shortest,
        years(shortest),
        register.parameter("fr.limitation.long_stop_years", on).integer,
        register.parameter("fr.limitation.suspension_min_months", on).integer,
    )


def limitation_of(
    period: Period, *, due_date: date, issue_date: date, events: Iterable[Event] = ()
) -> Limitation:
    """The dates of a claim. Some decisions count from performance, not from the due date: the earliest day alarms."""
    ordered = sorted(events, key=lambda event: event.day)
    performed = [event.day for event in ordered if event.kind is EventKind.PERFORMANCE]
    earliest = min([due_date, issue_date, *performed])
    certain = [event for event in ordered if event.counts_for_certain]
    act_by, late = _walk(period, earliest, certain, born=earliest)
    expires_on, _late = _walk(period, due_date, certain, born=earliest)
    perhaps_until, _late = _walk(period, due_date, ordered, born=earliest)
    return Limitation(
        period=period,
        start=due_date,
        earliest_start=earliest,
        act_by=act_by,
        expires_on=expires_on,
        perhaps_until=perhaps_until,
        long_stop_on=add_months(earliest, 12 * period.long_stop_years),
        too_late=late,
    )


def _walk(
    period: Period, start: date, events: Sequence[Event], *, born: date
) -> tuple[date | None, tuple[Event, ...]]:
    """The end of the period after its events, in their order; and those that came once it was over."""
    end = period.end_from(start)
    late: list[Event] = []
    capped = True
    for event in events:
        if event.kind is EventKind.PERFORMANCE:
            continue
        if event.day > end:
            late.append(event)
            continue
        if event.kind in SUSPENDING and event.ended_on is None:
            return None, tuple(late)
        capped = capped and event.kind not in BEYOND_LONG_STOP
        end = max(end, _end_after(period, end, event))
    if capped:
        end = min(end, add_months(born, 12 * period.long_stop_years))
    return end, tuple(late)


def _end_after(period: Period, end: date, event: Event) -> date:
    """The end of the period that an event leaves: a new one, or the old one later (C. civ. 2238)."""
    if event.kind is EventKind.MEDIATION and event.ended_on is not None:
        later = end + (event.ended_on - event.day)
        return max(later, add_months(event.ended_on, period.suspension_min_months))
    if event.kind in LASTING and event.ended_on is not None:
        return period.end_from(event.ended_on)
    return period.end_from(event.day)
