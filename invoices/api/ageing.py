"""The balance âgée for partners."""

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api.fields import InstantField, MoneyField
from core.api.pagination import KeysetPagination
from core.api.problems import InvalidQuery
from core.api.query import check_filterset
from core.api.views import ApiView
from core.keyset import BadCursor
from customers.api import CustomerRefSerializer
from customers.models import Customer, LegalEntity
from invoices.ageing import DEFAULT_SORT, AgeingPage, Amounts, ageing
from invoices.ageing_buckets import Scheme
from invoices.filters_ageing import AgeingFilter

SORTS = ("name", "code", "total", "overdue", "credits", "disputed", "oldest")


class BucketSerializer(serializers.Serializer):
    label = serializers.CharField()
    from_day = serializers.IntegerField(
        allow_null=True, help_text=lazy("Premier jour de la tranche ; null : sans début.")
    )
    to_day = serializers.IntegerField(allow_null=True, help_text=lazy("Dernier jour ; null : sans fin."))


class AmountsSerializer(serializers.Serializer):
    currency = serializers.CharField()
    buckets = serializers.ListField(
        child=MoneyField(), help_text=lazy("Un montant par tranche, dans leur ordre.")
    )
    credits_amount = MoneyField(
        source="credits", help_text=lazy("Avoirs et règlements non lettrés : négatif.")
    )
    overdue_amount = MoneyField(source="overdue")
    disputed_amount = MoneyField(source="disputed")
    total_amount = MoneyField(source="total", help_text=lazy("Tranches plus avoirs et règlements."))


class AgeingTotalsSerializer(AmountsSerializer):
    customer_count = serializers.IntegerField()
    sub_ledger_amount = MoneyField(
        source="sub_ledger", help_text=lazy("Solde du compte clients à cette date : égal au total.")
    )


class AgeingRowSerializer(AmountsSerializer):
    customer = CustomerRefSerializer()
    legal_entity = serializers.CharField()
    oldest_due_date = serializers.DateField(allow_null=True)


class AgeingSerializer(serializers.Serializer):
    as_of = serializers.DateField()
    basis = serializers.ChoiceField(choices=["due", "issue"])
    buckets = BucketSerializer(many=True)
    stored_at = InstantField(allow_null=True, help_text=lazy("Calculée le, si elle était déjà enregistrée."))
    totals = AgeingTotalsSerializer(
        many=True, help_text=lazy("Un total par devise ; les devises ne s’additionnent pas.")
    )
    results = AgeingRowSerializer(many=True)
    next_cursor = serializers.CharField(allow_null=True)
    next = serializers.URLField(allow_null=True)


class AgeingApiFilter(AgeingFilter):
    """The page's filters, without the choice of a person."""

    owner = None


class AgeingView(ApiView):
    permissions = {"read": "invoices.view_ageing"}
    scope = "ageing"
    queryset = Customer.objects.none()
    serializer_class = AgeingSerializer
    filterset_class = AgeingApiFilter

    @extend_schema(
        operation_id="ageing_read",
        summary=lazy("Lire la balance âgée à une date"),
        description=lazy(
            "Les totaux par devise, puis une ligne par client et devise. `as_of` vaut aujourd’hui s’il est absent ; "
            "toute date passée peut être demandée."
        ),
        parameters=[
            OpenApiParameter("as_of", OpenApiTypes.DATE, description=lazy("Arrêtée à cette date.")),
            OpenApiParameter(
                "min_overdue", {"type": "number", "minimum": 0}, description=lazy("Échu d’au moins.")
            ),
            OpenApiParameter(
                "bucket", {"type": "string", "pattern": "^[0-8]$"}, description=lazy("Tranche non vide.")
            ),
            OpenApiParameter(
                "sort",
                {"type": "string", "default": DEFAULT_SORT},
                description=lazy(
                    "`name`, `code`, `total`, `overdue`, `credits`, `disputed`, `oldest` ou `bucket_0`, `bucket_1`… ; "
                    "précédé de `-` : le plus grand d’abord."
                ),
            ),
            *(
                OpenApiParameter(
                    name=parameter["name"],
                    type=parameter["schema"],
                    description=parameter["description"],
                )
                for parameter in KeysetPagination().get_schema_operation_parameters(None)
            ),
        ],
        responses=AgeingSerializer,
    )
    def get(self, request: Request) -> Response:
        filterset = AgeingApiFilter(request.query_params, request=request)
        check_filterset(request, filterset, ("sort", *KeysetPagination.parameters))
        asked = filterset.read(clock.today())
        try:
            page = ageing(
                actor=request.user,
                sort=_sort(request, asked["scheme"]),
                cursor=request.query_params.get("cursor", ""),
                limit=KeysetPagination().limit(request),
                strict=True,
                **asked,
            )
        except BadCursor as error:
            raise KeysetPagination.bad_cursor() from error
        return Response(AgeingSerializer(_represented(request, page)).data)


def _represented(request: Request, page: AgeingPage) -> dict[str, Any]:
    customers = Customer.objects.only("uid", "account_code", "name").in_bulk(
        [row.customer_id for row in page.rows]
    )
    entities = LegalEntity.objects.only("code").in_bulk({row.legal_entity_id for row in page.rows})
    ranges = (page.scheme.day_range(index) for index in range(page.scheme.size))
    next_url = KeysetPagination.address(request, page.next_cursor)
    return {
        "as_of": page.as_of,
        "basis": page.scheme.basis.value,
        "buckets": [
            {"label": label, "from_day": first, "to_day": last}
            for label, (first, last) in zip(page.bucket_labels, ranges, strict=True)
        ],
        "stored_at": page.stored_at,
        "totals": [
            {**_amounts(totals), "customer_count": totals.customer_count, "sub_ledger": totals.sub_ledger}
            for totals in page.totals
        ],
        "results": [
            {
                **_amounts(row),
                "customer": customers[row.customer_id],
                "legal_entity": entities[row.legal_entity_id].code,
                "oldest_due_date": row.oldest_due_date,
            }
            for row in page.rows
        ],
        "next_cursor": page.next_cursor or None,
        "next": next_url,
    }


def _amounts(amounts: Amounts) -> dict[str, Any]:
    return {name: value for name, value in asdict(amounts).items() if name in _AMOUNTS}


_AMOUNTS = ("currency", "buckets", "credits", "overdue", "disputed", "total")


def _sort(request: Request, scheme: Scheme) -> str:
    asked = request.query_params.get("sort", DEFAULT_SORT)
    if asked.removeprefix("-") not in (*SORTS, *(f"bucket_{index}" for index in range(scheme.size))):
        raise InvalidQuery(
            {"sort": _("Ce tri n’existe pas. Essayez -overdue, -total ou name.")}, code="invalid_choice"
        )
    return asked
