"""Filters of the balance âgée, for the page, its exports and the API."""

from datetime import date
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from core.calendar import FIRST_YEAR, LAST_YEAR
from core.forms import DateInput
from customers.filters import CustomerFilter, visible_entities
from customers.models import Customer, LegalEntity
from invoices.ageing import AgeingFilters
from invoices.ageing_buckets import Basis, Credits, Scheme

BASES = [(Basis.ISSUE.value, _("Date de facture"))]
CREDITS = [(Credits.OWN_DATE.value, _("À leur propre date"))]
# What narrows the customers; the rest says which day, how it is cut, and which rows are kept.
OF_CUSTOMERS = ("q", "kind", "segment", "country", "owner")


def within_calendar(day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValidationError(
            _now("Choisissez une date entre %(first)d et %(last)d.")
            % {"first": FIRST_YEAR, "last": LAST_YEAR}
        )


class DayField(forms.DateField):
    """A date that shows its initial value as long as none is chosen."""

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data or initial


class DayFilter(django_filters.DateFilter):
    field_class = DayField


class AgeingFilter(CustomerFilter):
    """`read()` gives the arguments of `ageing.ageing`; a field in error counts as not given."""

    as_of = DayFilter(
        label=_("Arrêtée au"), method="not_here", widget=DateInput, validators=[within_calendar]
    )
    currency = django_filters.CharFilter(label=_("Devise"), method="not_here", max_length=3)
    basis = django_filters.ChoiceFilter(
        label=_("Âge compté depuis"), choices=BASES, method="not_here", empty_label=_("L’échéance")
    )
    credits = django_filters.ChoiceFilter(
        label=_("Avoirs et règlements"), choices=CREDITS, method="not_here", empty_label=_("À part")
    )
    bucket = django_filters.ChoiceFilter(
        label=_("Tranche non vide"), method="not_here", empty_label=_("Toutes")
    )
    min_overdue = django_filters.NumberFilter(
        label=_("Échu d’au moins"), method="not_here", min_value=0, max_digits=14, decimal_places=2
    )
    entity = django_filters.ModelChoiceFilter(
        label=_("Entité"),
        to_field_name="code",
        queryset=visible_entities,
        method="not_here",
        empty_label=_("Toutes"),
    )
    status = None

    def __init__(self, data: QueryDict | None = None, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("queryset", Customer.objects.all())
        # Always bound: the page without any parameter is the balance of the day.
        super().__init__(data if data is not None else QueryDict(), *args, **kwargs)
        self.filters["bucket"].extra["choices"] = [
            (str(index), label) for index, label in enumerate(self._scheme_asked().labels())
        ]
        order = ("as_of", "entity", "q", "bucket")
        self.filters = {name: self.filters[name] for name in (*order, *_others(self.filters, order))}

    def not_here(self, queryset: Any, name: str, value: Any) -> Any:
        """Not a filter of customers: `read` passes it on."""
        return queryset

    def read(self, today: date) -> dict[str, Any]:
        """Arguments of `ageing`: as_of, legal_entity, filters, scheme."""
        self.form.is_valid()
        given = self.form.cleaned_data
        narrowed = any(given.get(name) for name in OF_CUSTOMERS)
        bucket = given.get("bucket")
        entity: LegalEntity | None = given.get("entity")
        return {
            "as_of": given.get("as_of") or today,
            "legal_entity": entity,
            "scheme": self._scheme_asked(),
            "filters": AgeingFilters(
                customers=self.qs if narrowed else None,
                currency=(given.get("currency") or "").strip().upper(),
                bucket=int(bucket) if bucket else None,
                min_overdue=given.get("min_overdue"),
            ),
        }

    def _scheme_asked(self) -> Scheme:
        basis, credits_ = self.data.get("basis"), self.data.get("credits")
        return Scheme(
            basis=Basis.ISSUE if basis == Basis.ISSUE else Basis.DUE,
            credits=Credits.OWN_DATE if credits_ == Credits.OWN_DATE else Credits.APART,
        )


def _others(filters: dict[str, Any], first: tuple[str, ...]) -> list[str]:
    return [name for name in filters if name not in first]
