"""Filters of the claims whose limitation comes close."""

from datetime import date
from typing import Any

import django_filters as filters
from django.db.models import Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _

from core.calendar import add_months
from core.folding import Fold
from customers.filters import visible_entities
from customers.models import Customer
from invoices.models import OpenItem

WITHIN = (
    ("passed", _("Dépassée")),
    ("1", _("Dans un mois")),
    ("3", _("Dans trois mois")),
    ("6", _("Dans six mois")),
)


class LimitationFilter(filters.FilterSet):
    """Which claims: how soon, whose, of which customer, from which amount."""

    within = filters.ChoiceFilter(
        label=_("Échéance"), choices=WITHIN, method="filter_within", empty_label=_("Dans l’année")
    )
    entity = filters.ModelChoiceFilter(
        label=_("Entité"),
        field_name="legal_entity",
        to_field_name="code",
        queryset=visible_entities,
        empty_label=_("Toutes"),
    )
    q = filters.CharFilter(label=_("Client ou pièce"), method="filter_text", max_length=80)
    kind = filters.MultipleChoiceFilter(
        label=_("Nature du client"), field_name="customer__kind", choices=Customer.Kind.choices
    )
    min_amount = filters.NumberFilter(
        label=_("Solde à partir de"),
        field_name="open_amount",
        lookup_expr="gte",
        max_digits=14,
        decimal_places=2,
    )

    class Meta:
        model = OpenItem
        fields: list[str] = []

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def filter_within(self, queryset: "QuerySet[OpenItem]", name: str, value: str) -> "QuerySet[OpenItem]":
        if value == "passed":
            return queryset.filter(act_by__lt=self.today)
        return queryset.filter(act_by__gte=self.today, act_by__lte=add_months(self.today, int(value)))

    def filter_text(self, queryset: "QuerySet[OpenItem]", name: str, value: str) -> "QuerySet[OpenItem]":
        customers = Customer.objects.alias(folded=Fold("name")).filter(
            Q(folded__contains=Fold(Value(value.strip()))) | Q(account_code__istartswith=value.strip())
        )
        return queryset.filter(Q(number__istartswith=value.strip()) | Q(customer__in=customers))
