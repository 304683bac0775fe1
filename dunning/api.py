"""Notices for partners, with the letters as they were sent."""

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpResponseBase
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from core.api.etags import document_response, is_known
from core.api.fields import InstantField, MoneyField
from core.api.ids import one_of, with_id
from core.api.renderers import PdfRenderer
from core.api.views import ApiView, ListView
from core.files_http import file_response
from core.rights import Actor
from customers.api import ETAG, NOT_MODIFIED, CustomerRefSerializer
from customers.filters import visible_entities
from customers.models import Customer
from dunning.filters import NoticeFilter
from dunning.models import Delivery, Level, Notice, NoticeLine
from invoices.api.items import ItemRefSerializer

ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH, description=lazy("Notre identifiant."))


class LevelSerializer(serializers.Serializer):
    rank = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Level.Kind.choices)
    channel = serializers.ChoiceField(choices=Level.Channel.choices)


class LetterSerializer(serializers.Serializer):
    reference = serializers.CharField()
    sha256 = serializers.CharField(
        source="file.sha256", help_text=lazy("Du PDF : le courrier ne change plus.")
    )
    size = serializers.IntegerField(source="file.size", help_text=lazy("Octets."))
    rendered_at = InstantField()
    url = serializers.SerializerMethodField(help_text=lazy("L’adresse du PDF."))

    @extend_schema_field(OpenApiTypes.URI)
    def get_url(self, letter: Any) -> str:
        return str(reverse("api:notice-letter", [letter.notice.uid], request=self.context["request"]))


class NoticeSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    legal_entity = serializers.CharField(source="legal_entity.code")
    customer = CustomerRefSerializer()
    level = LevelSerializer()
    status = serializers.ChoiceField(choices=Notice.Status.choices)
    as_of = serializers.DateField(help_text=lazy("Arrêtée à cette date."))
    currency = serializers.CharField()
    open_amount = MoneyField(help_text=lazy("Principal."))
    interest_amount = MoneyField(help_text=lazy("Pénalités de retard."))
    indemnity_amount = MoneyField(help_text=lazy("Indemnités forfaitaires de recouvrement."))
    claimed_amount = MoneyField(help_text=lazy("Principal, pénalités et indemnités."))
    line_count = serializers.IntegerField()
    oldest_due_date = serializers.DateField()
    decided_at = InstantField(allow_null=True)
    reason = serializers.CharField(help_text=lazy("Pourquoi elle est écartée, retenue ou échouée."))
    sent_on = serializers.DateField(allow_null=True)
    letter = LetterSerializer(default=None, allow_null=True)


class NoticeLineSerializer(serializers.Serializer):
    invoice = ItemRefSerializer(source="item")
    due_date = serializers.DateField(source="item.due_date")
    open_amount = MoneyField()
    days_late = serializers.IntegerField()
    interest_amount = MoneyField()
    indemnity_amount = MoneyField()


class DeliverySerializer(serializers.Serializer):
    attempt = serializers.IntegerField()
    channel = serializers.CharField()
    recipient = serializers.CharField()
    status = serializers.ChoiceField(choices=Delivery.Status.choices)
    started_at = InstantField()
    finished_at = InstantField(allow_null=True)
    message_id = serializers.CharField(help_text=lazy("L’en-tête Message-ID d’un e-mail."))
    delivered_on = serializers.DateField(allow_null=True)
    returned_on = serializers.DateField(allow_null=True)
    return_reason = serializers.ChoiceField(choices=Delivery.Return.choices, allow_blank=True)


class NoticeDetailSerializer(NoticeSerializer):
    lines = NoticeLineSerializer(many=True)
    deliveries = DeliverySerializer(many=True)


class NoticeApiFilter(NoticeFilter):
    """The pages' filters, with codes and ids that partners know."""

    run = None
    legal_entity = None
    entity = django_filters.ModelChoiceFilter(
        label=lazy("Entité"), field_name="legal_entity", to_field_name="code", queryset=visible_entities
    )
    customer = django_filters.CharFilter(
        label=lazy("Client : notre identifiant, ou external:<code client>"),
        method="filter_customer",
        max_length=60,
    )
    as_of_after = django_filters.DateFilter(
        label=lazy("Arrêtées à partir du"), field_name="as_of", lookup_expr="gte"
    )
    as_of_before = django_filters.DateFilter(
        label=lazy("Arrêtées jusqu’au"), field_name="as_of", lookup_expr="lte"
    )

    def filter_customer(self, queryset: QuerySet[Notice], name: str, value: str) -> QuerySet[Notice]:
        visible = Customer.objects.visible_to(self.request.user)
        return queryset.filter(customer__in=with_id(visible, value, "account_code"))


class NoticeList(ListView):
    permissions = {"read": "dunning.view_notices_by_api"}
    scope = "notices"
    queryset = Notice.objects.none()
    serializer_class = NoticeSerializer
    filterset_class = NoticeApiFilter
    order = ("-pk",)

    @extend_schema(
        operation_id="notices_list",
        summary=lazy("Lister les relances, la dernière d’abord"),
        responses=NoticeSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(_visible(request.user))


class NoticeDetail(ApiView):
    permissions = {"read": "dunning.view_notices_by_api"}
    scope = "notices"
    queryset = Notice.objects.none()
    serializer_class = NoticeDetailSerializer
    filter_backends = ()

    @extend_schema(
        operation_id="notices_read",
        summary=lazy("Lire une relance, ses lignes et ses envois"),
        parameters=[ID, ETAG],
        responses={200: NoticeDetailSerializer, 304: NOT_MODIFIED},
    )
    def get(self, request: Request, id: str) -> Response:
        self.check_parameters()
        lines = NoticeLine.objects.select_related("item").order_by("item__due_date", "pk")
        deliveries = Delivery.objects.order_by("attempt")
        found = _one(request.user, id, Prefetch("lines", lines), Prefetch("deliveries", deliveries))
        data: Mapping[str, Any] = NoticeDetailSerializer(found, context=self.get_serializer_context()).data
        return document_response(request, data)


class NoticeLetter(ApiView):
    permissions = {"read": "dunning.view_notices_by_api"}
    scope = "notices"
    queryset = Notice.objects.none()
    serializer_class = LetterSerializer
    filter_backends = ()
    renderer_classes = (PdfRenderer,)

    @extend_schema(
        operation_id="notices_letter",
        summary=lazy("Télécharger le courrier"),
        description=lazy("Le PDF tel qu’il a été produit, octet pour octet ; son ETag est son SHA-256."),
        parameters=[ID, ETAG],
        responses={200: OpenApiTypes.BINARY, 304: NOT_MODIFIED},
    )
    def get(self, request: Request, id: str) -> HttpResponseBase:
        self.check_parameters()
        letter = getattr(_one(request.user, id), "letter", None)
        if letter is None:
            raise Http404
        etag = f'"{letter.file.sha256}"'
        if is_known(request, etag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag})
        response = file_response(letter.file)
        response["ETag"] = etag
        return response


def _visible(actor: Actor) -> QuerySet[Notice]:
    return Notice.objects.visible_to(actor).select_related(
        "legal_entity", "customer", "level", "letter__file"
    )


def _one(actor: Actor, id: str, *prefetched: Prefetch) -> Notice:
    return one_of(with_id(_visible(actor), id).prefetch_related(*prefetched))
