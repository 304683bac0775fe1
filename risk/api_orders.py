"""Orders and deliveries for partners: told under their own numbers, as often as they like."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from core import clock
from core.api.etags import check_if_match, document_response, etag_of
from core.api.fields import InstantField, MoneyField, StrictSerializer
from core.api.ids import EXTERNAL
from core.api.views import ApiView, ListView
from customers.api import ETAG, IF_MATCH, IF_NONE_MATCH, NOT_MODIFIED, VisibleEntityField
from customers.models import Customer
from risk.api_customers import ENTITY, CreditCustomerSerializer, customer_field, customer_named, of_address
from risk.filters_orders import DeliveryApiFilter, OrderApiFilter
from risk.models import Order, UnbilledDelivery
from risk.operations.order_values import OrderConflict
from risk.operations.orders import (
    DeliveryValues,
    OrderValues,
    end_delivery,
    end_order,
    record_delivery,
    record_order,
)

ID = OpenApiParameter(
    "id",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description=lazy("Notre identifiant (UUID), ou `external:` suivi de votre numéro."),
)


class OrderSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    external_id = serializers.CharField(source="reference", help_text=lazy("Votre numéro de commande."))
    legal_entity = serializers.CharField(source="legal_entity.code")
    customer = CreditCustomerSerializer()
    status = serializers.ChoiceField(choices=Order.Status.choices)
    amount = MoneyField(help_text=lazy("Toutes taxes comprises."))
    released_amount = MoneyField(help_text=lazy("Ce qui ne sera pas livré."))
    currency = serializers.CharField()
    ordered_on = serializers.DateField()
    expires_on = serializers.DateField(allow_null=True)
    updated_at = InstantField()


class OrderWriteSerializer(StrictSerializer):
    ignored = ("id", "external_id", "released_amount", "updated_at")

    customer = customer_field()
    legal_entity = VisibleEntityField(
        required=False, help_text=lazy("Code de l’entité juridique, quand plusieurs ont ce code client.")
    )
    amount = MoneyField(max_digits=14)
    currency = serializers.CharField(required=False, allow_blank=True, max_length=3)
    ordered_on = serializers.DateField(required=False)
    expires_on = serializers.DateField(
        required=False, allow_null=True, help_text=lazy("Sans elle, la commande est ferme.")
    )
    status = serializers.ChoiceField(
        required=False,
        choices=Order.Status.choices,
        help_text=lazy(
            "CLOSED (le reste ne sera pas livré) ou CANCELLED ; les autres états viennent des livraisons."
        ),
    )


class UnbilledDeliverySerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    external_id = serializers.CharField(source="reference", help_text=lazy("Votre numéro de livraison."))
    legal_entity = serializers.CharField(source="legal_entity.code")
    customer = CreditCustomerSerializer()
    order = serializers.CharField(
        source="order.reference", default=None, allow_null=True, help_text=lazy("Le numéro de sa commande.")
    )
    status = serializers.ChoiceField(choices=UnbilledDelivery.Status.choices)
    amount = MoneyField(help_text=lazy("Toutes taxes comprises."))
    currency = serializers.CharField()
    delivered_on = serializers.DateField()
    updated_at = InstantField()


class UnbilledDeliveryWriteSerializer(StrictSerializer):
    ignored = ("id", "external_id", "updated_at")

    customer = customer_field()
    legal_entity = VisibleEntityField(
        required=False, help_text=lazy("Code de l’entité juridique, quand plusieurs ont ce code client.")
    )
    amount = MoneyField(max_digits=14)
    currency = serializers.CharField(required=False, allow_blank=True, max_length=3)
    delivered_on = serializers.DateField(required=False)
    order = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=80)
    status = serializers.ChoiceField(
        required=False,
        choices=UnbilledDelivery.Status.choices,
        help_text=lazy("BILLED quand sa facture porte un autre numéro, ou CANCELLED."),
    )


class _Detail(ApiView):
    """A document that a partner tells under his own number."""

    permissions = {"read": "risk.view_exposure", "write": "risk.manage_orders"}
    query_parameters = ("entity",)
    filter_backends = ()
    conflicts = (OrderConflict,)
    problem_statuses = (409,)
    write_serializer: type[serializers.Serializer]
    url_name: str

    def visible(self, request: Request) -> QuerySet[Any]:
        return self.queryset.model.objects.visible_to(request.user).select_related(*self.related)

    related: tuple[str, ...] = ("legal_entity", "customer")

    def read(self, request: Request, id: str) -> Response:
        self.check_parameters()
        found = of_address(request, self.visible(request), id, "reference", "legal_entity__code")
        return document_response(request, self.serializer_class(found).data)

    def write(self, request: Request, id: str) -> Response:
        self.check_parameters()
        given = self.write_serializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        with transaction.atomic():
            reference = id.removeprefix(EXTERNAL)
            if not id.startswith(EXTERNAL):
                reference = of_address(
                    request, self.visible(request), id, "reference", "legal_entity__code"
                ).reference
            customer = customer_named(request, values["customer"].strip(), values.get("legal_entity"))
            known = (
                self.visible(request).filter(legal_entity=customer.legal_entity, reference=reference).first()
            )
            check_if_match(request, etag_of(self.serializer_class(known).data) if known else None)
            document, is_new = self.record(request, customer, reference, values)
        found = self.visible(request).get(pk=document.pk)
        answer = document_response(
            request,
            self.serializer_class(found).data,
            status_code=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK,
        )
        if is_new:
            answer["Location"] = reverse(self.url_name, [found.uid], request=request)
        return answer

    def record(self, request: Request, customer: Customer, reference: str, values: dict[str, Any]) -> Any:
        raise LookupError(self.url_name)


class OrderList(ListView):
    permissions = {"read": "risk.view_exposure"}
    scope = "orders"
    queryset = Order.objects.none()
    serializer_class = OrderSerializer
    filterset_class = OrderApiFilter
    order = ("updated_at", "pk")

    @extend_schema(
        operation_id="orders_list", summary=lazy("Lister les commandes"), responses=OrderSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        return self.page(Order.objects.visible_to(request.user).select_related("legal_entity", "customer"))


class OrderDetail(_Detail):
    scope = "orders"
    queryset = Order.objects.none()
    serializer_class = OrderSerializer
    write_serializer = OrderWriteSerializer
    url_name = "api:order"

    @extend_schema(
        operation_id="orders_read",
        summary=lazy("Lire une commande"),
        parameters=[ID, ENTITY, ETAG],
        responses={200: OrderSerializer, 304: NOT_MODIFIED},
    )
    def get(self, request: Request, id: str) -> Response:
        return self.read(request, id)

    @extend_schema(
        operation_id="orders_write",
        summary=lazy("Créer ou modifier une commande"),
        description=lazy(
            "Dit un fait : la commande compte dans l’encours, que le plafond y suffise ou non. Pour demander avant "
            "d’accepter, voyez `credit-checks`."
        ),
        parameters=[ID, ENTITY, IF_MATCH, IF_NONE_MATCH, ETAG],
        request=OrderWriteSerializer,
        responses={200: OrderSerializer, 201: OrderSerializer},
    )
    def put(self, request: Request, id: str) -> Response:
        return self.write(request, id)

    def record(
        self, request: Request, customer: Customer, reference: str, values: dict[str, Any]
    ) -> tuple[Order, bool]:
        when: dict[str, Any] = {"today": clock.today(), "now": clock.now()}
        ending = values.get("status") if values.get("status") in ("CLOSED", "CANCELLED") else None
        known = Order.objects.filter(legal_entity=customer.legal_entity, reference=reference).first()
        if known is not None and ending is not None and known.status == ending:
            return known, False
        order, is_new = record_order(
            actor=request.user,
            customer=customer,
            reference=reference,
            values=OrderValues(
                values["amount"],
                values.get("currency", ""),
                values.get("ordered_on"),
                values.get("expires_on", known.expires_on if known else None),
            ),
            **when,
        )
        if ending is not None:
            end_order(
                actor=request.user, order=order, status=ending, reason=_("Dit par le partenaire"), **when
            )
        return order, is_new


class DeliveryList(ListView):
    permissions = {"read": "risk.view_exposure"}
    scope = "orders"
    queryset = UnbilledDelivery.objects.none()
    serializer_class = UnbilledDeliverySerializer
    filterset_class = DeliveryApiFilter
    order = ("updated_at", "pk")

    @extend_schema(
        operation_id="deliveries_list",
        summary=lazy("Lister les livraisons à facturer"),
        responses=UnbilledDeliverySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = UnbilledDelivery.objects.visible_to(request.user)
        return self.page(rows.select_related("legal_entity", "customer", "order"))


class DeliveryDetail(_Detail):
    scope = "orders"
    queryset = UnbilledDelivery.objects.none()
    serializer_class = UnbilledDeliverySerializer
    write_serializer = UnbilledDeliveryWriteSerializer
    url_name = "api:delivery"
    related = ("legal_entity", "customer", "order")

    @extend_schema(
        operation_id="deliveries_read",
        summary=lazy("Lire une livraison"),
        parameters=[ID, ENTITY, ETAG],
        responses={200: UnbilledDeliverySerializer, 304: NOT_MODIFIED},
    )
    def get(self, request: Request, id: str) -> Response:
        return self.read(request, id)

    @extend_schema(
        operation_id="deliveries_write",
        summary=lazy("Créer ou modifier une livraison"),
        description=lazy(
            "Elle prend sur sa commande (`order`), compte jusqu’à sa facture, puis la facture seule compte : celle qui "
            "porte en référence le numéro de la livraison ou de la commande."
        ),
        parameters=[ID, ENTITY, IF_MATCH, IF_NONE_MATCH, ETAG],
        request=UnbilledDeliveryWriteSerializer,
        responses={200: UnbilledDeliverySerializer, 201: UnbilledDeliverySerializer},
    )
    def put(self, request: Request, id: str) -> Response:
        return self.write(request, id)

    def record(
        self, request: Request, customer: Customer, reference: str, values: dict[str, Any]
    ) -> tuple[UnbilledDelivery, bool]:
        when: dict[str, Any] = {"today": clock.today(), "now": clock.now()}
        ending = values.get("status") if values.get("status") in ("BILLED", "CANCELLED") else None
        rows = UnbilledDelivery.objects.filter(legal_entity=customer.legal_entity, reference=reference)
        known = rows.first()
        if known is not None and ending is not None and known.status == ending:
            return known, False
        delivery, is_new = record_delivery(
            actor=request.user,
            customer=customer,
            reference=reference,
            values=DeliveryValues(
                values["amount"],
                values.get("currency", ""),
                values.get("delivered_on"),
                values.get("order") or "",
            ),
            **when,
        )
        if ending is not None:
            end_delivery(
                actor=request.user,
                delivery=delivery,
                status=ending,
                reason=_("Dit par le partenaire"),
                **when,
            )
        return delivery, is_new
