"""Reading the registry of legal values (`core.models.LegalParameter`). Nothing here writes."""

import csv
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from django.db.models import Q

from core.legal_register import (
    ECB_RATE,
    LEGAL_INTEREST,
    EndingSeries,
    LegalValue,
    MissingLegalParameter,
    RatePeriod,
    Register,
)
from core.models import LegalParameter

__all__ = [
    "ECB_RATE",
    "LEGAL_INTEREST",
    "EndingSeries",
    "LegalValue",
    "MissingLegalParameter",
    "RatePeriod",
    "Register",
    "expiring_series",
    "parameter",
    "rate_series",
    "register",
    "shipped_values",
    "unconfirmed_rates",
    "unconfirmed_values",
]

SHIPPED_FILE = Path(__file__).with_name("legal_parameters.csv")
_FIELDS = (
    "key",
    "value",
    "valid_from",
    "valid_to",
    "source",
    "checked_on",
    "confirmed",
)


def register() -> Register:
    """The whole registry, in one query: for a run, a letter or a file that needs several values."""
    return Register.of(LegalValue(*row) for row in LegalParameter.objects.values_list(*_FIELDS))


def parameter(key: str, on: date) -> LegalValue:
    """The value in force on a day. Raises MissingLegalParameter naming the key and the half-year."""
    row = (
        LegalParameter.objects.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=on), key=key, valid_from__lte=on
        )
        .order_by("-valid_from")
        .values_list(*_FIELDS)
        .first()
    )
    if row is None:
        raise MissingLegalParameter(key, on)
    return LegalValue(*row)


def rate_series(key: str, start: date, end: date) -> tuple[RatePeriod, ...]:
    """The rates of every day from `start` to `end`. Raises MissingLegalParameter at the first gap."""
    rows = LegalParameter.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=start), key=key, valid_from__lte=end
    )
    found = Register.of(LegalValue(*row) for row in rows.values_list(*_FIELDS))
    return found.rate_series(key, start, end)


def expiring_series(as_of: date, within_days: int = 90) -> tuple[EndingSeries, ...]:
    """The values that run out within so many days, the most urgent first: a banner asks for the next one."""
    return register().ending(as_of, within_days)


def unconfirmed_values(as_of: date) -> tuple[LegalValue, ...]:
    """The values in use on a day that were only read in a secondary source."""
    return register().unconfirmed(as_of)


def unconfirmed_rates(keys: Iterable[str], start: date, end: date) -> tuple[LegalValue, ...]:
    """The values of these series, between two days, that nobody has confirmed from the primary source."""
    rows = LegalParameter.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=start), key__in=keys, valid_from__lte=end, confirmed=False
    )
    return tuple(LegalValue(*row) for row in rows.order_by("key", "valid_from").values_list(*_FIELDS))


def shipped_values() -> tuple[LegalValue, ...]:
    """The values shipped with the product, for `core.operations.legal_parameters` to load."""
    with SHIPPED_FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            LegalValue(
                key=row["key"],
                value=row["value"],
                valid_from=date.fromisoformat(row["valid_from"]),
                valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
                source=row["source"],
                checked_on=date.fromisoformat(row["checked_on"]),
                confirmed=row["confirmed"] == "true",
            )
            for row in csv.DictReader(file, delimiter=";")
        )
