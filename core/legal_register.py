"""Dated legal values, in memory: the pure part of the registry. `core.legal` fills it from the database.

A value that is missing for a day is never guessed: `MissingLegalParameter` names it and its half-year.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.calendar import half_year_of

ECB_RATE = "ecb.main_refinancing_rate"
LEGAL_INTEREST = "fr.legal_interest.professional"

# Published rates: each period has a last day, and the next one must be entered in time.
RATE_SERIES = frozenset(
    {ECB_RATE, LEGAL_INTEREST, "de.base_rate", "at.base_rate", "gb.bank_rate", "pl.reference_rate"}
)

# The values that are neither a number nor free words: key, its form, an example for whoever enters it.
FORMS = {
    **{
        f"{law}.indemnity": (
            r"[A-Z]{3}(\|[A-Z]{3})?(\|min [0-9.]+)?(\|max [0-9.]+)?\|(<=?[0-9.]+:[0-9.]+%? )*\*:[0-9.]+%?",
            "EUR|<=1000:40.00 <=10000:70.00 *:100.00",
        )
        for law in ("de", "at", "be", "es", "ie", "it", "lu", "nl", "pl", "pt", "gb")
    },
    "late_fees.day_count": ("ACT/365|ACT/ACT|ACT/360", "ACT/365"),
    "late_fees.allocation": ("PRINCIPAL_FIRST|INTEREST_FIRST", "PRINCIPAL_FIRST"),
    "late_fees.credit_notes": ("EFFECTIVE_DATE|RETROACTIVE", "EFFECTIVE_DATE"),
    "late_fees.floor_policy": ("FLOOR|DEFAULT|AS_WRITTEN_AND_FLAG", "FLOOR"),
    "limitation.alert_months": (r"[1-9][0-9]?( [1-9][0-9]?)*", "12 6 3 1"),
    "waiver.allowed": ("YES|NO", "YES"),
}

LABELS = {
    ECB_RATE: gettext_lazy("Taux directeur de la BCE"),
    LEGAL_INTEREST: gettext_lazy("Taux de l’intérêt légal (créanciers professionnels)"),
    "fr.penalty.margin": gettext_lazy("Majoration du taux supplétif de pénalités"),
    "fr.penalty.floor_multiple": gettext_lazy("Plancher du taux contractuel, en multiple de l’intérêt légal"),
    "fr.public.margin": gettext_lazy("Majoration des intérêts moratoires des acheteurs publics"),
    "fr.indemnity": gettext_lazy("Indemnité forfaitaire de recouvrement"),
    "fr.formal_notice.days": gettext_lazy("Délai laissé par la mise en demeure"),
    "de.base_rate": gettext_lazy("Taux de base allemand (Basiszinssatz)"),
    "at.base_rate": gettext_lazy("Taux de base autrichien (Basiszinssatz)"),
    "gb.bank_rate": gettext_lazy("Taux directeur de la Banque d’Angleterre"),
    "pl.reference_rate": gettext_lazy("Taux de référence de la Banque nationale de Pologne"),
    "waiver.allowed": gettext_lazy("Remise de pénalités ou d’indemnité permise"),
    "limitation.alert_months": gettext_lazy("Alertes de prescription, en mois avant l’échéance"),
}


class MissingLegalParameter(LookupError):
    """No legal value covers a day. `key` and `on` say which; the message is shown as it is."""

    def __init__(self, key: str, on: date) -> None:
        self.key, self.on = key, on
        super().__init__(
            _(
                "%(label)s : aucune valeur pour le %(half_year)s (%(key)s au %(day)s). "
                "Un administrateur doit saisir cette valeur et sa source dans les paramètres légaux."
            )
            % {
                "label": label_of(key),
                "half_year": half_year_of(on).label(),
                "key": key,
                "day": f"{on:%d/%m/%Y}",
            }
        )


def label_of(key: str) -> str:
    """The name of a value for people; its key when it has none."""
    return str(LABELS.get(key, key))


@dataclass(frozen=True)
class LegalValue:
    """One value of the registry and where it comes from. `valid_to` is inclusive, None while in force."""

    key: str
    value: str
    valid_from: date
    valid_to: date | None
    source: str
    checked_on: date
    confirmed: bool

    @property
    def decimal(self) -> Decimal:
        return Decimal(self.value)

    @property
    def integer(self) -> int:
        return int(self.value)

    @property
    def label(self) -> str:
        """Its name for people."""
        return label_of(self.key)

    @property
    def shown(self) -> str:
        """A rate as it is read: 2,40 % with a decimal comma; any other value as it stands."""
        return f"{self.value.replace('.', ',')}\u00a0%" if self.key in RATE_SERIES else self.value

    def covers(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class RatePeriod:
    """A rate in per cent a year, from `start` to `end` inclusive."""

    start: date
    end: date
    rate_percent: Decimal
    confirmed: bool = True


@dataclass(frozen=True)
class EndingSeries:
    """A value whose last known day comes soon: somebody has to enter the next one."""

    key: str
    label: str
    last_day: date
    days_left: int


@dataclass(frozen=True)
class Register:
    """All values of the registry, by key and in the order of their dates."""

    values: dict[str, tuple[LegalValue, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Iterable[LegalValue]) -> "Register":
        by_key: dict[str, list[LegalValue]] = {}
        for value in sorted(values, key=lambda value: (value.key, value.valid_from)):
            by_key.setdefault(value.key, []).append(value)
        return cls({key: tuple(rows) for key, rows in by_key.items()})

    def parameter(self, key: str, on: date) -> LegalValue:
        """The value in force on a day. Raises MissingLegalParameter."""
        for value in reversed(self.values.get(key, ())):
            if value.covers(on):
                return value
        raise MissingLegalParameter(key, on)

    def rate_series(self, key: str, start: date, end: date) -> tuple[RatePeriod, ...]:
        """The rates of every day from `start` to `end`. Raises MissingLegalParameter at the first gap."""
        periods = self.known_rates(key, start, end)
        day = start
        for period in periods:
            if period.start > day:
                break
            day = period.end + timedelta(days=1)
        if day <= end:
            raise MissingLegalParameter(key, day)
        return periods

    def known_rates(self, key: str, start: date, end: date) -> tuple[RatePeriod, ...]:
        """The rates known between two days, which may leave gaps: the rule that uses them names a gap."""
        periods = []
        for value in self.values.get(key, ()):
            first = max(value.valid_from, start)
            last = min(value.valid_to or end, end)
            if first <= last:
                periods.append(RatePeriod(first, last, value.decimal, value.confirmed))
        return tuple(periods)

    def ending(self, as_of: date, within_days: int = 90) -> tuple[EndingSeries, ...]:
        """The values whose last period ends within so many days of `as_of`, or has ended already."""
        found = []
        for key, rows in self.values.items():
            last_day = rows[-1].valid_to
            if last_day is not None and (last_day - as_of).days <= within_days:
                found.append(EndingSeries(key, label_of(key), last_day, (last_day - as_of).days))
        return tuple(sorted(found, key=lambda series: (series.last_day, series.key)))

    def unconfirmed(self, as_of: date) -> tuple[LegalValue, ...]:
        """The values in force on a day that nobody has confirmed from the primary source."""
        return tuple(
            value
            for rows in self.values.values()
            for value in rows
            if not value.confirmed and value.covers(as_of)
        )
