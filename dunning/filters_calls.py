"""Filters of the call list."""

import django_filters as filters
from django.utils.translation import gettext_lazy as _

from customers.filters import visible_entities
from dunning.filters import Choices, OfCustomer
from dunning.models import Level, Notice


class CallFilter(OfCustomer):
    """Which calls: customer, creditor, level."""

    legal_entity = filters.ModelChoiceFilter(
        label=_("Entité"), queryset=visible_entities, empty_label=_("Toutes")
    )
    level = Choices(label=_("Niveau"), field_name="level__kind", choices=Level.Kind.choices)
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
