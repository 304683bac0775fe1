"""When an invoice falls due, and the latest day the law allows. Pure: the legal limits are passed in.

Sources: C. com. L441-10 I (30 days by default, 60 days net, 45 days end of month, 45 days for periodic
invoices), L441-11 II (perishables, meat, alcohol, transport), CCP R2192-10 and R2192-11 (public buyers).
Terms are calendar days: no text moves a due date that falls on a Sunday.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.utils.translation import gettext as _

from core.calendar import add_days, add_months, end_of_month, end_of_ten_days

MAX_DAYS = 3650


class TermKind(StrEnum):
    """How days and month ends combine; the first three are `PaymentTerms.Rule`."""

    NET = "NET"
    EOM_AFTER = "EOM_AFTER"  # issue + days, then end of month (« lecture A »)
    EOM_BEFORE = "EOM_BEFORE"  # end of the month of issue, then + days (« lecture B »)
    AFTER_TEN_DAYS = "AFTER_TEN_DAYS"  # end of the ten-day period of delivery, then + days


class Sector(StrEnum):
    """Whose special limit applies (L441-11 II), or that the invoice is periodic (L441-10 I)."""

    GENERAL = "GENERAL"
    PERIODIC = "PERIODIC"
    PERISHABLE = "PERISHABLE"
    FRESH_MEAT = "FRESH_MEAT"
    ALCOHOL = "ALCOHOL"
    TRANSPORT = "TRANSPORT"


class TermError(ValueError):
    """A text names no known payment term; the message gives examples."""


@dataclass(frozen=True)
class Term:
    """A payment term. `cutoff_day`: paid on that day of the month that follows (« 45 jours fin de mois le 10 »)."""

    kind: TermKind
    days: int
    cutoff_day: int | None = None
    sector: Sector = Sector.GENERAL


@dataclass(frozen=True)
class TermLimits:
    """The longest terms the law allows, in days, from the registry."""

    default: int
    max_net: int
    end_of_month: int
    periodic: int
    perishable: int
    fresh_meat: int
    alcohol: int
    transport: int


class CapReason(StrEnum):
    """Where a due date stands against the legal limit."""

    AT_LIMIT = "AT_LIMIT"
    DEFAULT_TERM = "DEFAULT_TERM"
    BELOW_LIMIT = "BELOW_LIMIT"
    TERM_ABOVE_LEGAL_CAP = "TERM_ABOVE_LEGAL_CAP"


@dataclass(frozen=True)
class CapCheck:
    """The latest lawful due date, and what to think of the term: a person decides, the printed date stands."""

    cap: date
    reason: CapReason

    @property
    def is_above(self) -> bool:
        return self.reason is CapReason.TERM_ABOVE_LEGAL_CAP


def due_date(term: Term, base: date) -> date:
    """The due date from the start event (issue, receipt or delivery, as the term says).

    Raises DateError past the end of the calendar.
    """
    if term.kind is TermKind.NET:
        found = add_days(base, term.days)
    elif term.kind is TermKind.EOM_AFTER:
        found = end_of_month(add_days(base, term.days))
    elif term.kind is TermKind.EOM_BEFORE:
        found = add_days(end_of_month(base), term.days)
    else:
        found = add_days(end_of_ten_days(base), term.days)
    if term.cutoff_day is not None:
        following = add_months(found.replace(day=1), 1)
        last = monthrange(following.year, following.month)[1]
        found = following.replace(day=min(term.cutoff_day, last))
    return found


def legal_cap(term: Term, base: date, limits: TermLimits) -> date:
    """The latest due date the law allows for such a term from the same start.

    For an end-of-month term the derogation of 45 days counts, in the reading that the term uses; it must be
    expressly stipulated (L441-10 I), which only a person can check.
    """
    sector_days = {
        Sector.PERIODIC: limits.periodic,
        Sector.PERISHABLE: limits.perishable,
        Sector.FRESH_MEAT: limits.fresh_meat,
        Sector.TRANSPORT: limits.transport,
    }.get(term.sector)
    if term.sector is Sector.ALCOHOL:
        return add_days(end_of_month(base), limits.alcohol)
    if sector_days is not None:
        start = end_of_ten_days(base) if term.kind is TermKind.AFTER_TEN_DAYS else base
        return add_days(start, sector_days)
    cap = add_days(base, limits.max_net)
    if term.kind is TermKind.EOM_AFTER:
        return max(cap, end_of_month(add_days(base, limits.end_of_month)))
    if term.kind is TermKind.EOM_BEFORE:
        return max(cap, add_days(end_of_month(base), limits.end_of_month))
    return cap


def cap_check(term: Term, base: date, limits: TermLimits) -> CapCheck:
    """Compare a term with the legal limit, as a rule and on these dates (L441-10 I, L441-11 II)."""
    cap = legal_cap(term, base, limits)
    if due_date(term, base) > cap:
        return CapCheck(cap, CapReason.TERM_ABOVE_LEGAL_CAP)
    statutory = {
        Sector.PERIODIC: limits.periodic,
        Sector.PERISHABLE: limits.perishable,
        Sector.FRESH_MEAT: limits.fresh_meat,
        Sector.ALCOHOL: limits.alcohol,
        Sector.TRANSPORT: limits.transport,
    }.get(term.sector)
    if statutory is None:
        statutory = limits.max_net if term.kind is TermKind.NET else limits.end_of_month
    if term.cutoff_day is None and term.days == statutory:
        return CapCheck(cap, CapReason.AT_LIMIT)
    if term.sector is Sector.GENERAL and term.kind is TermKind.NET and term.days == limits.default:
        return CapCheck(cap, CapReason.DEFAULT_TERM)
    return CapCheck(cap, CapReason.BELOW_LIMIT)


_NET = re.compile(r"NET_?([0-9]{1,4})(?:_(PERIODIC|TRANSPORT|RECEIPT|ISSUE|DELIVERY))?")
_END_OF_MONTH = re.compile(r"EOM_?([0-9]{1,4})(?:_([AB]))?(?:_DAY_?([0-9]{1,2}))?")
_SECTOR = re.compile(
    r"(PERISHABLE|FRESH_MEAT|MEAT|ALCOHOL|SPIRITS|TRANSPORT)_([0-9]{1,4})"
    r"_(DELIVERY|AFTER_DECADE|EOM_DELIVERY|ISSUE)"
)
_CUTOFF_DAYS = (None, *range(1, 32))
_SECTOR_NAMES = {"MEAT": Sector.FRESH_MEAT, "SPIRITS": Sector.ALCOHOL}


def parse_term(text: str) -> Term:
    """Read the name of a term: NET60, NET45_PERIODIC, EOM45_A, EOM45_A_DAY10, EOM60_B, PERISHABLE_30_DELIVERY…

    Raises TermError.
    """
    name = text.strip().upper()
    term = None
    if found := _NET.fullmatch(name):
        suffix = found[2] or ""
        sector = Sector[suffix] if suffix in ("PERIODIC", "TRANSPORT") else Sector.GENERAL
        term = Term(TermKind.NET, int(found[1]), sector=sector)
    elif found := _END_OF_MONTH.fullmatch(name):
        kind = TermKind.EOM_BEFORE if found[2] == "B" else TermKind.EOM_AFTER
        term = Term(kind, int(found[1]), cutoff_day=int(found[3]) if found[3] else None)
    elif found := _SECTOR.fullmatch(name):
        kind = {"AFTER_DECADE": TermKind.AFTER_TEN_DAYS, "EOM_DELIVERY": TermKind.EOM_BEFORE}.get(
            found[3], TermKind.NET
        )
        sector = _SECTOR_NAMES.get(found[1]) or Sector[found[1]]
        term = Term(kind, int(found[2]), sector=sector)
    if term is None or term.days > MAX_DAYS or term.cutoff_day not in _CUTOFF_DAYS:
        raise TermError(
            _(
                "Conditions de règlement inconnues : « %(term)s ». Exemples : NET60, EOM45_A, EOM45_B, "
                "EOM45_A_DAY10, NET45_PERIODIC, PERISHABLE_30_AFTER_DECADE."
            )
            % {"term": text.strip()}
        )
    return term
