"""Exposure, limit and holds of a customer, for partners."""

from typing import Any

from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api.etags import document_response
from core.api.fields import InstantField, MoneyField
from core.api.views import ApiView, ListView
from customers.api import ID, NOT_MODIFIED
from customers.models import Customer
from risk.api_customers import ENTITY, CreditCustomerSerializer, of_address
from risk.exposure import Exposure, exposures
from risk.filters_orders import HoldApiFilter
from risk.models import CreditHold, Score


class ComponentsSerializer(serializers.Serializer):
    currency = serializers.CharField()
    exposure_amount = MoneyField(
        source="amount", help_text=lazy("Ce qui compte, selon les réglages de l’entité.")
    )
    open_items_amount = MoneyField(source="debits_amount")
    deliveries_amount = MoneyField(help_text=lazy("Livraisons non facturées."))
    orders_amount = MoneyField(help_text=lazy("Commandes et réservations, hors ce qui est livré ou facturé."))
    credit_notes_amount = MoneyField()
    receipts_amount = MoneyField(help_text=lazy("Règlements non lettrés."))
    overdue_amount = MoneyField()


class LimitSerializer(serializers.Serializer):
    amount = MoneyField()
    currency = serializers.CharField()
    kind = serializers.CharField()
    valid_from = serializers.DateField()
    until = serializers.DateField(allow_null=True)


class ExposureHoldSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=CreditHold.Kind.choices)
    reason = serializers.CharField()
    since = serializers.DateField(source="placed_on")


class ExposureSerializer(serializers.Serializer):
    customer = CreditCustomerSerializer()
    legal_entity = serializers.CharField()
    as_of = serializers.DateField()
    exposure = ComponentsSerializer(help_text=lazy("Dans la devise du plafond."))
    other_currencies = ComponentsSerializer(many=True)
    limit = LimitSerializer(allow_null=True)
    headroom_amount = MoneyField(allow_null=True)
    used_share = serializers.CharField(allow_null=True, help_text=lazy("1.100 : 110 % du plafond."))
    risk_class = serializers.CharField(help_text=lazy("A à E ; vide sans score."))
    holds = ExposureHoldSerializer(many=True)


class HoldSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    customer = CreditCustomerSerializer()
    legal_entity = serializers.CharField(source="customer.legal_entity.code")
    kind = serializers.ChoiceField(choices=CreditHold.Kind.choices)
    status = serializers.ChoiceField(choices=CreditHold.Status.choices)
    reason = serializers.CharField()
    placed_on = serializers.DateField()
    release_until = serializers.DateField(allow_null=True)
    release_amount = MoneyField(allow_null=True)
    release_used_amount = MoneyField()
    ended_on = serializers.DateField(allow_null=True)
    updated_at = InstantField()


class ExposureDetail(ApiView):
    permissions = {"read": "risk.view_exposure"}
    scope = "exposures"
    queryset = Customer.objects.none()
    serializer_class = ExposureSerializer
    query_parameters = ("entity",)
    filter_backends = ()
    problem_statuses = (409,)

    @extend_schema(
        operation_id="exposures_read",
        summary=lazy("Lire l’encours d’un client, son plafond et ses blocages"),
        parameters=[ID, ENTITY],
        responses={200: ExposureSerializer, 304: NOT_MODIFIED},
    )
    def get(self, request: Request, id: str) -> Response:
        self.check_parameters()
        customers = Customer.objects.visible_to(request.user).select_related("legal_entity")
        customer = of_address(request, customers, id, "account_code", "legal_entity__code")
        today = clock.today()
        found = exposures([customer], today)[customer.pk]
        holds = CreditHold.objects.filter(customer=customer).in_force(today).order_by("pk")
        score = Score.objects.current().filter(customer=customer).first()
        shown = {
            "customer": customer,
            "legal_entity": customer.legal_entity.code,
            "as_of": today,
            "exposure": found.counted,
            "other_currencies": list(found.apart),
            "limit": _limit(found),
            "headroom_amount": found.use.headroom,
            "used_share": None if found.use.share is None else str(found.use.share),
            "risk_class": score.risk_class if score else "",
            "holds": holds,
        }
        return document_response(request, ExposureSerializer(shown).data)


def _limit(found: Exposure) -> dict[str, Any] | None:
    if found.limit is None or found.in_force is None:
        return None
    return {
        "amount": found.in_force.amount,
        "currency": found.in_force.currency,
        "kind": found.in_force.kind,
        "valid_from": found.limit.valid_from,
        "until": found.in_force.until,
    }


class HoldList(ListView):
    permissions = {"read": "risk.view_exposure"}
    scope = "holds"
    queryset = CreditHold.objects.none()
    serializer_class = HoldSerializer
    filterset_class = HoldApiFilter
    order = ("updated_at", "pk")

    @extend_schema(
        operation_id="holds_list",
        summary=lazy("Lister les blocages de livraison"),
        responses=HoldSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(CreditHold.objects.visible_to(request.user).select_related("customer__legal_entity"))
