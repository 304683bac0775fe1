"""Filters of limits, requests and simulated limits: one set for pages, exports and the API."""

from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from core import clock
from customers.filters import matching, visible_entities
from customers.models import Customer
from risk.models import CreditLimit, LimitRequest, Score

WITHIN = (("30", _("30 jours")), ("60", _("60 jours")), ("90", _("90 jours")))


class OfLimitCustomerFilter(django_filters.FilterSet):
    """By the customer's name or code, and by entity."""

    q = django_filters.CharFilter(label=_("Client"), method="filter_text", max_length=120)
    entity = django_filters.ModelChoiceFilter(
        label=_("Entité"),
        field_name="customer__legal_entity",
        to_field_name="code",
        queryset=visible_entities,
        empty_label=_("Toutes"),
    )
    kind = django_filters.MultipleChoiceFilter(label=_("Nature"), choices=CreditLimit.Kind.choices)
    scope = django_filters.MultipleChoiceFilter(label=_("Portée"), choices=CreditLimit.Scope.choices)

    def filter_text(self, queryset: "QuerySet[Any]", name: str, value: Any) -> "QuerySet[Any]":
        customers = matching(Customer.objects.visible_to(self.request.user), str(value))
        return queryset.filter(customer__in=customers.order_by().values("pk"))


class LimitFilter(OfLimitCustomerFilter):
    """Limits: those in force, unless all that ever were are asked for."""

    basis = django_filters.MultipleChoiceFilter(label=_("Fondement"), choices=CreditLimit.Basis.choices)
    risk_class = django_filters.MultipleChoiceFilter(
        label=_("Classe"), choices=Score.RiskClass.choices, method="filter_class"
    )
    expires = django_filters.ChoiceFilter(
        label=_("Expire dans"), choices=WITHIN, method="filter_expiry", empty_label=_("Indifférent")
    )
    ended = django_filters.ChoiceFilter(
        label=_("Historique"),
        choices=[("1", _("Avec les plafonds passés"))],
        method="filter_ended",
        empty_label=_("En vigueur"),
    )

    class Meta:
        model = CreditLimit
        fields: list[str] = []

    def filter_class(self, queryset: "QuerySet[Any]", name: str, value: list[str]) -> "QuerySet[Any]":
        if not value:
            return queryset
        scores = Score.objects.current().filter(customer=OuterRef("customer"), risk_class__in=value)
        return queryset.filter(Exists(scores))

    def filter_expiry(self, queryset: "QuerySet[Any]", name: str, value: str) -> "QuerySet[Any]":
        return queryset.filter(expires_on__lte=clock.today() + timedelta(days=int(value)))

    def filter_ended(self, queryset: "QuerySet[Any]", name: str, value: str) -> "QuerySet[Any]":
        return queryset


class LimitRequestFilter(OfLimitCustomerFilter):
    """Requests by state and origin."""

    status = django_filters.MultipleChoiceFilter(label=_("État"), choices=LimitRequest.Status.choices)
    source = django_filters.MultipleChoiceFilter(label=_("Origine"), choices=LimitRequest.Source.choices)

    class Meta:
        model = LimitRequest
        fields: list[str] = []
