"""Into which bucket of the balance âgée an amount falls. Pure: values in, values out.

By due date, the French default: not due, then days late. The due day itself is not late. By invoice date: days
since the invoice. `ageing_sql` says the same in SQL; a test holds both together.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.utils.translation import gettext as _

DUE_BOUNDS = (30, 60, 90, 120)
ISSUE_BOUNDS = (30, 60, 90)
CREDITS_APART = -1


class Basis(StrEnum):
    DUE = "due"
    ISSUE = "issue"


class Credits(StrEnum):
    """Credit notes and unallocated cash: in their own column, or in the bucket of their own date."""

    APART = "apart"
    OWN_DATE = "own_date"


@dataclass(frozen=True)
class Scheme:
    """How a balance âgée is cut: from which date, at which numbers of days, and what becomes of credits.

    `bounds` are the last days of each bucket but the oldest. Raises ValueError unless they rise from 1.
    """

    basis: Basis = Basis.DUE
    bounds: tuple[int, ...] = ()
    credits: Credits = Credits.APART

    def __post_init__(self) -> None:
        if not self.bounds:
            default = DUE_BOUNDS if self.basis == Basis.DUE else ISSUE_BOUNDS
            object.__setattr__(self, "bounds", default)
        rising = all(earlier < later for earlier, later in zip(self.bounds, self.bounds[1:], strict=False))
        if not rising or self.bounds[0] < 1 or self.bounds[-1] > 3650 or len(self.bounds) > 8:
            raise ValueError("bounds are one to eight rising numbers of days, from 1 to 3650")

    @property
    def thresholds(self) -> list[int]:
        """The first day of each bucket but the first, in days late (due) or days old (issue)."""
        later = [bound + 1 for bound in self.bounds]
        return [1, *later] if self.basis == Basis.DUE else later

    @property
    def size(self) -> int:
        return len(self.thresholds) + 1

    @property
    def is_stored(self) -> bool:
        """Whether the stored day holds it."""
        return self == STORED

    def bucket_of(self, *, issue_date: date, due_date: date, as_of: date, is_credit: bool = False) -> int:
        """The index of the bucket, or CREDITS_APART."""
        if is_credit and self.credits == Credits.APART:
            return CREDITS_APART
        days = (as_of - (due_date if self.basis == Basis.DUE else issue_date)).days
        return sum(days >= threshold for threshold in self.thresholds)

    def labels(self) -> list[str]:
        """The names of the buckets, as column heads."""
        first = [_("Non échu")] if self.basis == Basis.DUE else []
        starts = [1, *(bound + 1 for bound in self.bounds)]
        middle = [
            _("%(first)d–%(last)d j") % {"first": start, "last": last}
            for start, last in zip(starts, self.bounds, strict=False)
        ]
        if self.basis == Basis.ISSUE:
            middle = [_("%(first)d–%(last)d j") % {"first": 0, "last": self.bounds[0]}, *middle[1:]]
        return [*first, *middle, _("> %(days)d j") % {"days": self.bounds[-1]}]

    def day_range(self, bucket: int) -> tuple[int | None, int | None]:
        """The first and last day of a bucket (days late, or old), None where it is open-ended."""
        starts: list[int | None] = [None, *self.thresholds]
        ends: list[int | None] = [*(threshold - 1 for threshold in self.thresholds), None]
        return starts[bucket], ends[bucket]


STORED = Scheme()
