"""What was decided and recorded about the law, for partners: waivers of fees, acts of limitation. Read only."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import InstantField, MoneyField
from core.api.ids import with_id
from core.api.views import ListView
from core.rights import Actor
from customers.api import CustomerRefSerializer
from customers.filters import visible_entities
from customers.models import Customer
from dunning.models import FeeWaiver, LimitationEvent
from invoices.api.items import ItemRefSerializer
from invoices.models import OpenItem

PERMISSIONS = {"read": "dunning.view_notices_by_api"}


class WaiverSerializer(serializers.Serializer):
    number = serializers.IntegerField(source="pk", help_text=lazy("Ne change jamais."))
    legal_entity = serializers.CharField(source="item.legal_entity.code")
    customer = CustomerRefSerializer(source="item.customer")
    invoice = ItemRefSerializer(source="item")
    part = serializers.ChoiceField(
        choices=FeeWaiver.Part.choices, help_text=lazy("Ce qui est remis, quel que soit son montant à venir.")
    )
    interest_amount = MoneyField(
        allow_null=True, help_text=lazy("Pénalités remises, dans la devise de la pièce ; nul : toutes.")
    )
    reason = serializers.CharField()
    granted_on = serializers.DateField(help_text=lazy("La remise vaut depuis ce jour."))
    granted_by = serializers.CharField(source="granted_by.full_name")
    revoked_on = serializers.DateField(
        allow_null=True, help_text=lazy("Les sommes sont de nouveau dues depuis ce jour.")
    )


class LimitationEventSerializer(serializers.Serializer):
    number = serializers.IntegerField(source="pk", help_text=lazy("Ne change jamais."))
    legal_entity = serializers.CharField(source="item.legal_entity.code")
    customer = CustomerRefSerializer(source="item.customer")
    invoice = ItemRefSerializer(source="item")
    kind = serializers.ChoiceField(choices=LimitationEvent.Kind.choices)
    happened_on = serializers.DateField()
    ended_on = serializers.DateField(
        allow_null=True, help_text=lazy("D’une procédure ou d’une médiation ; nul tant qu’elle dure.")
    )
    is_certain = serializers.BooleanField(
        help_text=lazy("Faux : la date d’origine reste celle à surveiller.")
    )
    evidence = serializers.CharField()
    recorded_at = InstantField()
    withdrawn_on = serializers.DateField(
        allow_null=True, help_text=lazy("L’acte ne compte plus depuis ce jour.")
    )
    withdrawn_reason = serializers.CharField()


class _OfItem(django_filters.FilterSet):
    """Whose: creditor, customer, invoice."""

    entity = django_filters.ModelChoiceFilter(
        label=lazy("Entité"),
        field_name="item__legal_entity",
        to_field_name="code",
        queryset=visible_entities,
    )
    customer = django_filters.CharFilter(
        label=lazy("Client : notre identifiant, ou external:<code client>"),
        method="filter_customer",
        max_length=60,
    )
    invoice = django_filters.CharFilter(
        label=lazy("Pièce : notre identifiant, ou external:<numéro>"), method="filter_invoice", max_length=60
    )

    def filter_customer(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        visible = Customer.objects.visible_to(self.request.user)
        return queryset.filter(item__customer__in=with_id(visible, value, "account_code"))

    def filter_invoice(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        visible = OpenItem.objects.visible_to(self.request.user)
        return queryset.filter(item__in=with_id(visible, value, "number"))


class WaiverApiFilter(_OfItem):
    in_force = django_filters.BooleanFilter(
        label=lazy("En vigueur"), field_name="revoked_on", lookup_expr="isnull"
    )


class LimitationEventApiFilter(_OfItem):
    in_force = django_filters.BooleanFilter(
        label=lazy("Qui comptent encore"), field_name="withdrawn_on", lookup_expr="isnull"
    )
    kind = django_filters.ChoiceFilter(label=lazy("Nature"), choices=LimitationEvent.Kind.choices)


class WaiverList(ListView):
    permissions = PERMISSIONS
    scope = "notices"
    queryset = FeeWaiver.objects.none()
    serializer_class = WaiverSerializer
    filterset_class = WaiverApiFilter
    order = ("-pk",)

    @extend_schema(
        operation_id="waivers_list",
        summary=lazy("Lister les remises de pénalités, la dernière d’abord"),
        responses=WaiverSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        waivers = FeeWaiver.objects.filter(item__in=_items(request.user))
        return self.page(waivers.select_related("item__legal_entity", "item__customer", "granted_by"))


class LimitationEventList(ListView):
    permissions = PERMISSIONS
    scope = "notices"
    queryset = LimitationEvent.objects.none()
    serializer_class = LimitationEventSerializer
    filterset_class = LimitationEventApiFilter
    order = ("-pk",)

    @extend_schema(
        operation_id="limitation_events_list",
        summary=lazy("Lister les actes de prescription, le dernier d’abord"),
        responses=LimitationEventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        events = LimitationEvent.objects.filter(item__in=_items(request.user))
        return self.page(events.select_related("item__legal_entity", "item__customer"))


def _items(actor: Actor) -> QuerySet[OpenItem]:
    return OpenItem.objects.visible_to(actor)
