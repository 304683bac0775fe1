"""Filters of the lists of risk: on who the customer is and on his class."""

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from customers.filters import matching, portfolio_owners, visible_entities
from customers.models import Customer
from risk.models import Score


class RiskFilter(django_filters.FilterSet):
    """Customers by name, legal entity, class of risk, nature and manager."""

    q = django_filters.CharFilter(label=_("Client"), method="filter_text", max_length=120)
    entity = django_filters.ModelChoiceFilter(
        label=_("Entité"),
        field_name="legal_entity",
        to_field_name="code",
        queryset=visible_entities,
        empty_label=_("Toutes"),
    )
    risk_class = django_filters.MultipleChoiceFilter(
        label=_("Classe"), choices=Score.RiskClass.choices, method="filter_class"
    )
    kind = django_filters.MultipleChoiceFilter(label=_("Nature"), choices=Customer.Kind.choices)
    owner = django_filters.ModelChoiceFilter(
        label=_("Gestionnaire"),
        field_name="portfolio_owner",
        queryset=portfolio_owners,
        empty_label=_("Tous"),
    )

    class Meta:
        model = Customer
        fields: list[str] = []

    def filter_text(self, queryset: "QuerySet[Customer]", name: str, value: Any) -> "QuerySet[Customer]":
        return matching(queryset, str(value))

    def filter_class(
        self, queryset: "QuerySet[Customer]", name: str, value: list[str]
    ) -> "QuerySet[Customer]":
        if not value:
            return queryset
        return queryset.filter(
            Exists(Score.objects.current().filter(customer=OuterRef("pk"), risk_class__in=value))
        )
