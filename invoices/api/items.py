"""Items of the sub-ledger for partners: invoices, credit notes, payments, with what is still open."""

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.etags import document_response
from core.api.fields import InstantField, InstantFilter, MoneyField
from core.api.ids import one_of, with_id
from core.api.problems import InvalidQuery
from core.api.views import ApiView, ListView
from core.rights import Actor
from customers.api import ENTITY, ETAG, NOT_MODIFIED, CustomerRefSerializer
from invoices.filters import ItemFilter, visible_customers
from invoices.models import Allocation, OpenItem

MOST_INSTALMENTS = 32767
ID = OpenApiParameter(
    "id",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description=lazy("Notre identifiant (UUID), ou `external:` suivi du numéro de pièce."),
)
INSTALMENT = OpenApiParameter(
    "instalment",
    {"type": "integer", "minimum": 1, "maximum": MOST_INSTALMENTS},
    description=lazy("Numéro d’échéance, quand la pièce en a plusieurs."),
)


class ItemRefSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    external_id = serializers.CharField(source="number", help_text=lazy("Le numéro de pièce."))
    instalment = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=OpenItem.Kind.choices)


class ItemSerializer(ItemRefSerializer):
    legal_entity = serializers.CharField(source="legal_entity.code")
    customer = CustomerRefSerializer()
    issue_date = serializers.DateField()
    due_date = serializers.DateField()
    currency = serializers.CharField(help_text=lazy("ISO 4217."))
    total_amount = MoneyField(help_text=lazy("TTC ; négatif pour un avoir ou un règlement."))
    vat_amount = MoneyField(allow_null=True)
    open_amount = MoneyField(help_text=lazy("Solde : le total moins les lettrages en vigueur."))
    disputed_amount = MoneyField(source="contested_amount")
    reference = serializers.CharField()
    is_factored = serializers.BooleanField()
    posted_at = InstantField()
    updated_at = InstantField()


class AllocationSerializer(serializers.Serializer):
    item = ItemRefSerializer(help_text=lazy("L’autre pièce du lettrage."))
    amount = MoneyField()
    allocated_on = serializers.DateField()
    reversed_on = serializers.DateField(allow_null=True, help_text=lazy("Délettré le ; null : en vigueur."))


class ItemDetailSerializer(ItemSerializer):
    allocations = AllocationSerializer(many=True)


class ItemApiFilter(ItemFilter):
    """The pages' filters, with our ids or the partner's, and what changed since an instant."""

    customer = django_filters.CharFilter(
        label=lazy("Client : notre identifiant, ou external:<code client>"),
        method="filter_customer",
        max_length=60,
    )
    updated_after = InstantFilter(
        label=lazy("Modifiées après cet instant (ISO 8601)"), field_name="updated_at", lookup_expr="gt"
    )

    def filter_customer(self, queryset: QuerySet[OpenItem], name: str, value: str) -> QuerySet[OpenItem]:
        return queryset.filter(customer__in=with_id(visible_customers(self.request), value, "account_code"))


class ItemList(ListView):
    permissions = {"read": "invoices.view"}
    scope = "invoices"
    queryset = OpenItem.objects.none()
    serializer_class = ItemSerializer
    filterset_class = ItemApiFilter
    order = ("updated_at", "pk")

    @extend_schema(
        operation_id="invoices_list",
        summary=lazy("Lister les pièces"),
        description=lazy(
            "Factures, avoirs, règlements et autres pièces, de la plus anciennement à la plus récemment modifiée. Pour "
            "une synchronisation, gardez l’instant de votre dernière lecture et donnez-le, moins cinq minutes, dans "
            "`updated_after`."
        ),
        responses=ItemSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(_visible(request.user))


class ItemDetail(ApiView):
    permissions = {"read": "invoices.view"}
    scope = "invoices"
    queryset = OpenItem.objects.none()
    serializer_class = ItemDetailSerializer
    query_parameters = ("entity", "instalment")
    filter_backends = ()
    problem_statuses = (409,)

    @extend_schema(
        operation_id="invoices_read",
        summary=lazy("Lire une pièce et ses lettrages"),
        parameters=[ID, ENTITY, INSTALMENT, ETAG],
        responses={200: ItemDetailSerializer, 304: NOT_MODIFIED},
    )
    def get(self, request: Request, id: str) -> Response:
        self.check_parameters()
        found = with_id(_visible(request.user), id, "number")
        if entity := request.query_params.get("entity"):
            found = found.filter(legal_entity__code=entity)
        if instalment := request.query_params.get("instalment"):
            found = found.filter(instalment=_whole_number(instalment))
        return document_response(request, _represented(one_of(found)))


def _visible(actor: Actor) -> QuerySet[OpenItem]:
    return OpenItem.objects.visible_to(actor).select_related("customer", "legal_entity")


def _represented(item: OpenItem) -> Mapping[str, Any]:
    item.allocations = _allocations(item)
    return ItemDetailSerializer(item).data


def _allocations(item: OpenItem) -> list[dict[str, Any]]:
    """The item's allocations, reversed ones too, each with the item on the other side."""
    found = Allocation.objects.filter(Q(debit=item) | Q(credit=item)).select_related("debit", "credit")
    return [
        {
            "item": allocation.credit if allocation.debit_id == item.pk else allocation.debit,
            "amount": allocation.amount,
            "allocated_on": allocation.allocated_on,
            "reversed_on": allocation.reversed_on,
        }
        for allocation in found.order_by("allocated_on", "pk")
    ]


def _whole_number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST_INSTALMENTS:
        return int(text)
    raise InvalidQuery({"instalment": _("Donnez un numéro d’échéance : 1, 2, 3…")}, code="invalid")
