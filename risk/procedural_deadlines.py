"""Time limits of legal recovery: insolvency, payment order, limitation. Pure: durations are passed in.

CPC 641 counts months to the same day, else the last day of the month; CPC 642 carries a limit that expires on
a Saturday, a Sunday or a public holiday to the next working day. A limit that the creditor must meet is shown
without that extension: nobody should rely on it. A limit that the debtor enjoys is waited for with it.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.utils.translation import gettext as _

from core.calendar import add_days, add_months, next_working_day

MAX_COUNT = 1200


class Procedure(StrEnum):
    """What must be done in time; the comment gives the text."""

    CLAIM_DECLARATION = "CLAIM_DECLARATION"  # C. com. R622-24, R641-25: from publication
    RETENTION_OF_TITLE = "RETENTION_OF_TITLE"  # C. com. L624-9: from publication
    RELEVE_FORCLUSION = "RELEVE_FORCLUSION"  # C. com. L622-26: from publication
    CLAIM_REPLY = "CLAIM_REPLY"  # C. com. L622-27: from the representative's letter
    INJONCTION_SERVICE = "INJONCTION_SERVICE"  # CPC 1411: from the order
    OPPOSITION = "OPPOSITION"  # CPC 1416: from service, for the debtor
    EXECUTION = "EXECUTION"  # CPC 1422: from service, waiting period of the creditor
    CONSIGNATION = "CONSIGNATION"  # CPC 1425: from the clerk's request
    PRESCRIPTION = "PRESCRIPTION"  # C. com. L110-4 and others: from the due date


# The creditor waits for these to end; all others he must meet himself.
WAITED_FOR = frozenset({Procedure.OPPOSITION, Procedure.EXECUTION})


class Unit(StrEnum):
    DAYS = "D"
    MONTHS = "M"
    YEARS = "Y"


class DeadlineError(ValueError):
    """A text names no known time limit; the message gives examples."""


@dataclass(frozen=True)
class TimeLimit:
    """A duration from its starting day. `from_next_year`: counted from 1 January after it (loi 68-1250, art. 1)."""

    procedure: Procedure
    count: int
    unit: Unit
    abroad: bool = False
    from_next_year: bool = False


@dataclass(frozen=True)
class Deadline:
    """When a time limit expires: as counted, and carried to a working day.

    `act_by` is the day to show: without extension when the creditor must act, with it when he must wait.
    """

    procedure: Procedure
    counted: date
    extended: date

    @property
    def act_by(self) -> date:
        return self.extended if self.procedure in WAITED_FOR else self.counted


def deadline(limit: TimeLimit, start: date, *, alsace_moselle: bool = False) -> Deadline:
    """When a limit that starts on `start` expires. Raises DateError past the end of the calendar."""
    if limit.from_next_year:
        # The whole years after the one in which the debt arose: the last day is a 31 December.
        counted = date(start.year, 12, 31)
        counted = add_months(counted, 12 * limit.count)
    elif limit.unit is Unit.DAYS:
        counted = add_days(start, limit.count)
    else:
        counted = add_months(start, limit.count * (12 if limit.unit is Unit.YEARS else 1))
    return Deadline(limit.procedure, counted, next_working_day(counted, alsace_moselle))


_NAME = re.compile(r"([A-Z_]+?)_([0-9]{1,4})([DMY])(_ABROAD)?(_PUBLIC)?")


def parse_time_limit(text: str) -> TimeLimit:
    """Read CLAIM_DECLARATION_2M, CLAIM_DECLARATION_4M_ABROAD, OPPOSITION_1M, PRESCRIPTION_5Y…

    Raises DeadlineError.
    """
    found = _NAME.fullmatch(text.strip().upper())
    if not found or found[1] not in Procedure.__members__ or int(found[2]) > MAX_COUNT:
        raise DeadlineError(
            _(
                "Délai inconnu : « %(name)s ». Exemples : CLAIM_DECLARATION_2M, RETENTION_OF_TITLE_3M, "
                "INJONCTION_SERVICE_3M, OPPOSITION_1M, PRESCRIPTION_5Y."
            )
            % {"name": text.strip()}
        )
    return TimeLimit(
        Procedure[found[1]],
        int(found[2]),
        Unit(found[3]),
        abroad=bool(found[4]),
        from_next_year=bool(found[5]),
    )
