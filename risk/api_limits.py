"""Credit limits and the requests for them, for partners: read what is decided, ask for more."""

from decimal import Decimal
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api.etags import document_response
from core.api.fields import InstantField, MoneyField, StrictSerializer
from core.api.idempotency import idempotent
from core.api.ids import one_of, with_id
from core.api.views import ApiView, ListView
from core.rights import Actor
from customers.api import ID, NOT_MODIFIED, VisibleEntityField
from customers.models import Customer
from risk.api_customers import CreditCustomerSerializer, customer_field, customer_named
from risk.filters_limits import LimitFilter, LimitRequestFilter
from risk.limits import visible_limits
from risk.models import CreditLimit, LimitRequest
from risk.operations.limit_requests import Asked, request_limit
from risk.operations.limit_writing import LimitRefused


class _OfCustomer(django_filters.FilterSet):
    customer = django_filters.CharFilter(
        label=lazy("Client : notre identifiant, ou `external:` et son code"),
        method="filter_customer",
        max_length=80,
    )

    def filter_customer(self, queryset: "QuerySet[Any]", name: str, value: Any) -> "QuerySet[Any]":
        customers = with_id(Customer.objects.visible_to(self.request.user), str(value), "account_code")
        return queryset.filter(customer__in=customers.order_by().values("pk"))


class LimitApiFilter(LimitFilter, _OfCustomer):
    pass


class LimitRequestApiFilter(LimitRequestFilter, _OfCustomer):
    pass


class CreditLimitSerializer(serializers.Serializer):
    customer = CreditCustomerSerializer()
    legal_entity = serializers.CharField(source="customer.legal_entity.code")
    scope = serializers.ChoiceField(choices=CreditLimit.Scope.choices)
    kind = serializers.ChoiceField(
        choices=CreditLimit.Kind.choices,
        help_text=lazy("Un plafond temporaire remplace le permanent jusqu’à son dernier jour."),
    )
    basis = serializers.ChoiceField(choices=CreditLimit.Basis.choices)
    amount = MoneyField()
    currency = serializers.CharField()
    valid_from = serializers.DateField()
    expires_on = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True, help_text=lazy("Dernier jour, une fois terminé."))
    reason = serializers.CharField()
    conditions = serializers.CharField()
    request = serializers.UUIDField(source="request.uid", default=None, allow_null=True)
    decided_at = InstantField()


class LimitRequestSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    customer = CreditCustomerSerializer()
    legal_entity = serializers.CharField(source="customer.legal_entity.code")
    status = serializers.ChoiceField(choices=LimitRequest.Status.choices)
    scope = serializers.ChoiceField(choices=CreditLimit.Scope.choices)
    kind = serializers.ChoiceField(choices=CreditLimit.Kind.choices)
    basis = serializers.ChoiceField(choices=CreditLimit.Basis.choices)
    amount = MoneyField(help_text=lazy("Le montant demandé."))
    approved_amount = MoneyField(allow_null=True)
    currency = serializers.CharField()
    expires_on = serializers.DateField()
    reason = serializers.CharField()
    conditions = serializers.CharField()
    refusal_reasons = serializers.ListField(child=serializers.CharField())
    requested_at = InstantField()
    answer_by = serializers.DateField()
    decided_at = InstantField(allow_null=True)


class LimitRequestWriteSerializer(StrictSerializer):
    customer = customer_field()
    legal_entity = VisibleEntityField(
        required=False, help_text=lazy("Code de l’entité juridique, quand plusieurs ont ce code client.")
    )
    amount = MoneyField(
        max_digits=14, help_text=lazy("Ce que le client pourra devoir en tout, toutes taxes comprises.")
    )
    currency = serializers.CharField(
        required=False, allow_blank=True, max_length=3, help_text=lazy("Celle du compte quand elle manque.")
    )
    kind = serializers.ChoiceField(choices=CreditLimit.Kind.choices, default=CreditLimit.Kind.PERMANENT)
    expires_on = serializers.DateField(
        required=False, allow_null=True, help_text=lazy("Sans elle, la durée de la politique de crédit.")
    )
    expected_purchases = MoneyField(max_digits=14, required=False, allow_null=True)
    reason = serializers.CharField(max_length=1000)


class LimitList(ListView):
    permissions = {"read": "risk.view_limits_by_api"}
    scope = "credit-limits"
    queryset = CreditLimit.objects.none()
    serializer_class = CreditLimitSerializer
    filterset_class = LimitApiFilter
    order = ("-pk",)

    @extend_schema(
        operation_id="credit_limits_list",
        summary=lazy("Lister les plafonds"),
        description=lazy("Ceux en vigueur ; avec `ended=1`, tous ceux qui ont jamais été décidés."),
        responses=CreditLimitSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        limits = visible_limits(request.user)
        if request.query_params.get("ended") != "1":
            limits = limits.standing(clock.today())
        return self.page(limits.select_related("customer__legal_entity", "request"))


def _visible(actor: Actor) -> "QuerySet[LimitRequest]":
    return LimitRequest.objects.visible_to(actor).select_related("customer__legal_entity")


class LimitRequestList(ListView):
    permissions = {"read": "risk.view_limits_by_api", "write": "risk.request_limit"}
    scope = "limit-requests"
    queryset = LimitRequest.objects.none()
    serializer_class = LimitRequestSerializer
    filterset_class = LimitRequestApiFilter
    conflicts = (LimitRefused,)
    order = ("-pk",)

    @extend_schema(
        operation_id="limit_requests_list",
        summary=lazy("Lister les demandes de plafond, la dernière d’abord"),
        responses=LimitRequestSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(_visible(request.user))

    @extend_schema(
        operation_id="limit_requests_create",
        summary=lazy("Demander un plafond"),
        description=lazy(
            "La demande attend les approbations que veut la politique de crédit ; une seule est ouverte à la fois "
            "par client et par nature."
        ),
        request=LimitRequestWriteSerializer,
        responses={201: LimitRequestSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = LimitRequestWriteSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        values = given.validated_data
        expected: Decimal | None = values.get("expected_purchases")
        made = request_limit(
            actor=request.user,
            customer=customer_named(request, values["customer"], values.get("legal_entity")),
            asked=Asked(
                amount=values["amount"],
                reason=values["reason"],
                currency=values.get("currency", ""),
                kind=values["kind"],
                expires_on=values.get("expires_on"),
                expected_purchases=expected,
            ),
            source=LimitRequest.Source.PARTNER,
            today=clock.today(),
            now=clock.now(),
        )
        return Response(LimitRequestSerializer(made).data, status=status.HTTP_201_CREATED)


class LimitRequestDetail(ApiView):
    permissions = {"read": "risk.view_limits_by_api"}
    scope = "limit-requests"
    queryset = LimitRequest.objects.none()
    serializer_class = LimitRequestSerializer
    filter_backends = ()

    @extend_schema(
        operation_id="limit_requests_read",
        summary=lazy("Lire une demande de plafond"),
        parameters=[ID],
        responses={200: LimitRequestSerializer, 304: NOT_MODIFIED},
    )
    def get(self, request: Request, id: str) -> Response:
        self.check_parameters()
        return document_response(
            request, LimitRequestSerializer(one_of(with_id(_visible(request.user), id))).data
        )
