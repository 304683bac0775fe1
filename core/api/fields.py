"""How values travel: money as decimal strings beside an ISO 4217 code, instants in UTC; nothing unknown."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import django_filters
from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers


class MoneyField(serializers.DecimalField):
    """An amount, as the ledger keeps it: a string with two decimals."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 18, "decimal_places": 2, **kwargs})


class InstantField(serializers.DateTimeField):
    """An instant, ISO 8601 in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"default_timezone": UTC, **kwargs})


class StrictSerializer(serializers.Serializer):
    """Input in which a misspelt field is an error. `ignored`: what a reader may send back as he got it."""

    ignored: ClassVar[tuple[str, ...]] = ()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [str(name) for name in data if name not in self.fields and name not in self.ignored]
            if unknown:
                message = _("Champ inconnu. Vérifiez son nom dans la description de l’API.")
                raise serializers.ValidationError(
                    {
                        name: [exceptions.ErrorDetail(message, code="unknown_field")]
                        for name in sorted(unknown)
                    }
                )
        return super().to_internal_value(data)


class InstantFormField(forms.CharField):
    """An instant with its offset: without one, nobody knows which hour is meant."""

    def clean(self, value: Any) -> datetime | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            instant = parse_datetime(text)
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            raise forms.ValidationError(
                _(
                    "Donnez un instant ISO 8601 avec son décalage, par exemple 2026-06-30T08:00:00Z (« + » s’écrit %2B)."
                ),
                code="invalid_instant",
            )
        return instant


class InstantFilter(django_filters.Filter):
    """Rows by an instant."""

    field_class = InstantFormField
