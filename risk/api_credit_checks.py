"""« Puis-je livrer ? » for partners: ask, with or without a reservation; read what was answered and decided."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.utils import extend_schema, extend_schema_field
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
from customers.api import NOT_MODIFIED, VisibleEntityField
from risk.api_customers import CreditCustomerSerializer, customer_field, customer_named
from risk.credit_rules import Code
from risk.credit_words import told_reasons
from risk.filters_orders import CheckApiFilter
from risk.models import CreditCheck
from risk.operations.credit_checks import ask_credit
from risk.operations.order_values import OrderConflict


class ReasonSerializer(serializers.Serializer):
    code = serializers.ChoiceField(choices=[(code.value, code.name) for code in Code])
    outcome = serializers.ChoiceField(choices=CreditCheck.Outcome.choices)
    message = serializers.CharField(help_text=lazy("Dans la langue demandée."))


class CreditCheckSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    customer = CreditCustomerSerializer()
    legal_entity = serializers.CharField(source="customer.legal_entity.code")
    amount = MoneyField()
    currency = serializers.CharField()
    outcome = serializers.ChoiceField(choices=CreditCheck.Outcome.choices)
    status = serializers.ChoiceField(
        choices=CreditCheck.Status.choices,
        help_text=lazy("PENDING : une personne décidera ; RELEASED ou REJECTED : elle a décidé."),
    )
    may_deliver = serializers.SerializerMethodField(help_text=lazy("La réponse, en un mot."))
    reasons = serializers.SerializerMethodField()
    limit_amount = MoneyField(allow_null=True)
    limit_currency = serializers.SerializerMethodField()
    exposure_amount = MoneyField()
    headroom_before = MoneyField(
        allow_null=True,
        help_text=lazy("Plafond moins encours, avant la commande ; null sans plafond à comparer."),
    )
    headroom_after = MoneyField(allow_null=True)
    known = serializers.DictField(help_text=lazy("Ce qui a été lu pour répondre, avec ses dates."))
    reservation = serializers.SerializerMethodField()
    asked_at = InstantField()
    resolved_at = InstantField(allow_null=True)
    resolution_reason = serializers.CharField()

    def get_may_deliver(self, check: CreditCheck) -> bool:
        return check.outcome == CreditCheck.Outcome.APPROVED or check.status == CreditCheck.Status.RELEASED

    @extend_schema_field(ReasonSerializer(many=True))
    def get_reasons(self, check: CreditCheck) -> list[dict[str, str]]:
        return told_reasons(check.reasons)

    def get_limit_currency(self, check: CreditCheck) -> str:
        return str(check.known["currency"])

    @extend_schema_field(
        {
            "type": ["object", "null"],
            "properties": {
                "order": {"type": "string", "format": "uuid"},
                "external_id": {"type": "string"},
                "expires_on": {"type": ["string", "null"], "format": "date"},
            },
        }
    )
    def get_reservation(self, check: CreditCheck) -> dict[str, Any] | None:
        order = check.order
        if order is None or not self.get_may_deliver(check):
            return None
        return {
            "order": str(order.uid),
            "external_id": order.reference,
            "expires_on": order.expires_on.isoformat() if order.expires_on else None,
        }


class CreditCheckWriteSerializer(StrictSerializer):
    customer = customer_field()
    legal_entity = VisibleEntityField(
        required=False, help_text=lazy("Code de l’entité juridique, quand plusieurs ont ce code client.")
    )
    amount = MoneyField(max_digits=14, help_text=lazy("Montant de la commande, toutes taxes comprises."))
    currency = serializers.CharField(
        required=False, allow_blank=True, max_length=3, help_text=lazy("Celle du compte quand elle manque.")
    )
    reserve = serializers.BooleanField(
        default=False,
        help_text=lazy("Vrai : un accord prend sa part du plafond ; un cas douteux attend une personne."),
    )
    reference = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=80,
        help_text=lazy("Votre numéro de commande, pour réserver."),
    )
    expires_on = serializers.DateField(
        required=False, allow_null=True, help_text=lazy("Fin de la réservation, incluse.")
    )


def _visible(actor: Actor) -> QuerySet[CreditCheck]:
    return CreditCheck.objects.visible_to(actor).select_related("customer__legal_entity", "order")


class CreditCheckList(ListView):
    permissions = {"read": "risk.view_exposure", "write": "risk.check_credit"}
    scope = "credit-checks"
    queryset = CreditCheck.objects.none()
    serializer_class = CreditCheckSerializer
    filterset_class = CheckApiFilter
    conflicts = (OrderConflict,)
    order = ("-pk",)

    @extend_schema(
        operation_id="credit_checks_list",
        summary=lazy("Lister les contrôles de crédit, le dernier d’abord"),
        responses=CreditCheckSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(_visible(request.user))

    @extend_schema(
        operation_id="credit_checks_create",
        summary=lazy("Demander si un client peut être livré"),
        description=lazy(
            "Répond APPROVED, REFERRED ou REFUSED avec ses raisons. Avec `reserve`, un accord prend sa part du plafond "
            "sous `reference` jusqu’à `expires_on` : deux commandes simultanées ne prennent jamais le même disponible. "
            "Redemandé sous le même numéro, le nouveau montant remplace l’ancien."
        ),
        request=CreditCheckWriteSerializer,
        responses={201: CreditCheckSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = CreditCheckWriteSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        values = given.validated_data
        check = ask_credit(
            actor=request.user,
            customer=customer_named(request, values["customer"], values.get("legal_entity")),
            amount=values["amount"],
            currency=values.get("currency", ""),
            reference=values.get("reference", ""),
            reserves=values["reserve"],
            expires_on=values.get("expires_on"),
            today=clock.today(),
            now=clock.now(),
        )
        return Response(CreditCheckSerializer(check).data, status=status.HTTP_201_CREATED)


class CreditCheckDetail(ApiView):
    permissions = {"read": "risk.view_exposure"}
    scope = "credit-checks"
    queryset = CreditCheck.objects.none()
    serializer_class = CreditCheckSerializer
    filter_backends = ()

    @extend_schema(
        operation_id="credit_checks_read",
        summary=lazy("Lire un contrôle de crédit"),
        responses={200: CreditCheckSerializer, 304: NOT_MODIFIED},
    )
    def get(self, request: Request, id: str) -> Response:
        self.check_parameters()
        check = one_of(with_id(_visible(request.user), id))
        return document_response(request, CreditCheckSerializer(check).data)
