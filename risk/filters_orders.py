"""Filters of orders, deliveries, checks and holds: one set for the pages and the API."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core.api.fields import InstantFilter
from core.api.ids import with_id
from customers.filters import matching, visible_entities
from customers.models import Customer
from risk.models import CreditCheck, CreditHold, Order, UnbilledDelivery


class OfCustomerFilter(django_filters.FilterSet):
    """By the customer's name or code, by the document's number, by entity."""

    q = django_filters.CharFilter(label=_("Client ou numéro"), method="filter_text", max_length=120)
    entity = django_filters.ModelChoiceFilter(
        label=_("Entité"),
        field_name="customer__legal_entity",
        to_field_name="code",
        queryset=visible_entities,
        empty_label=_("Toutes"),
    )

    def filter_text(self, queryset: "QuerySet[Any]", name: str, value: Any) -> "QuerySet[Any]":
        customers = (
            matching(Customer.objects.visible_to(self.request.user), str(value)).order_by().values("pk")
        )
        return queryset.filter(self.named(str(value)) | Q(customer__in=customers))

    def named(self, value: str) -> Q:
        return Q(reference__iexact=value)


class OrderFilter(OfCustomerFilter):
    status = django_filters.MultipleChoiceFilter(label=_("État"), choices=Order.Status.choices)

    class Meta:
        model = Order
        fields: list[str] = []


class DeliveryFilter(OfCustomerFilter):
    status = django_filters.MultipleChoiceFilter(label=_("État"), choices=UnbilledDelivery.Status.choices)

    class Meta:
        model = UnbilledDelivery
        fields: list[str] = []


class CheckFilter(OfCustomerFilter):
    status = django_filters.MultipleChoiceFilter(label=_("État"), choices=CreditCheck.Status.choices)
    outcome = django_filters.MultipleChoiceFilter(label=_("Réponse"), choices=CreditCheck.Outcome.choices)

    class Meta:
        model = CreditCheck
        fields: list[str] = []

    def named(self, value: str) -> Q:
        return Q(order__reference__iexact=value)


class HoldFilter(OfCustomerFilter):
    status = django_filters.MultipleChoiceFilter(label=_("État"), choices=CreditHold.Status.choices)
    kind = django_filters.MultipleChoiceFilter(label=_("Cause"), choices=CreditHold.Kind.choices)

    class Meta:
        model = CreditHold
        fields: list[str] = []

    def named(self, value: str) -> Q:
        return Q(pk__in=[])


class _ForApi(django_filters.FilterSet):
    customer = django_filters.CharFilter(
        label=_("Client : notre identifiant, ou `external:` et son code"),
        method="filter_customer",
        max_length=80,
    )

    def filter_customer(self, queryset: "QuerySet[Any]", name: str, value: Any) -> "QuerySet[Any]":
        customers = with_id(Customer.objects.visible_to(self.request.user), str(value), "account_code")
        return queryset.filter(customer__in=customers.order_by().values("pk"))


class _Synchronised(_ForApi):
    updated_after = InstantFilter(
        label=_("Modifiés après cet instant (ISO 8601)"), field_name="updated_at", lookup_expr="gt"
    )


class OrderApiFilter(OrderFilter, _Synchronised):
    pass


class DeliveryApiFilter(DeliveryFilter, _Synchronised):
    pass


class CheckApiFilter(CheckFilter, _ForApi):
    pass


class HoldApiFilter(HoldFilter, _Synchronised):
    pass
