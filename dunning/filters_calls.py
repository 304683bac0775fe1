"""Filters of the call list."""

import django_filters as filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from dunning.filters import visible_entities
from dunning.models import Level, Notice


class CallFilter(filters.FilterSet):
    """Which calls: customer, creditor, level."""

    customer = filters.CharFilter(label=_("Client"), method="by_customer")
    legal_entity = filters.ModelChoiceFilter(label=_("Entité"), queryset=visible_entities)
    level = filters.MultipleChoiceFilter(
        label=_("Niveau"), field_name="level__kind", choices=Level.Kind.choices
    )
    min_amount = filters.NumberFilter(
        label=_("Principal à partir de"),
        field_name="open_amount",
        lookup_expr="gte",
        max_digits=14,
        decimal_places=2,
    )

    class Meta:
        model = Notice
        fields: list[str] = []

    def by_customer(self, queryset: QuerySet[Notice], _name: str, value: str) -> QuerySet[Notice]:
        return queryset.filter(customer__name__icontains=value) | queryset.filter(
            customer__account_code__iexact=value
        )
