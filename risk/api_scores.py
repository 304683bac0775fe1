"""Scores, accounts and ratings for partners: read why a customer has his score, tell what one knows of him."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api.fields import InstantField, StrictSerializer
from core.api.idempotency import idempotent
from core.api.ids import with_id
from core.api.views import ListView
from core.rights import Actor
from customers.api import VisibleEntityField
from customers.filters import visible_entities
from customers.models import Customer
from risk.api_customers import CreditCustomerSerializer, customer_field, customer_named
from risk.models import ExternalRating, FinancialStatement, Score
from risk.operations.financial_statements import StatementEntry, StatementRefused, enter_statement
from risk.operations.ratings import enter_rating
from risk.rating_scales import SCALES
from risk.score_words import told_reasons

NATURAL_PERSONS = (Customer.Kind.SOLE_TRADER, Customer.Kind.CONSUMER)


class ScoreReasonSerializer(serializers.Serializer):
    criterion = serializers.CharField()
    label = serializers.CharField()
    finding = serializers.CharField()
    points = serializers.IntegerField()
    maximum = serializers.IntegerField(
        help_text=lazy("0 : ce critère n’est pas connu, les autres ont ses points.")
    )
    input_date = serializers.DateField(
        source="on", allow_null=True, help_text=lazy("De quel jour est la donnée.")
    )


class ScoreSerializer(serializers.Serializer):
    customer = CreditCustomerSerializer()
    legal_entity = serializers.CharField(source="customer.legal_entity.code")
    as_of = serializers.DateField()
    points = serializers.IntegerField(help_text=lazy("De 0 à 100."))
    risk_class = serializers.ChoiceField(choices=Score.RiskClass.choices)
    class_since = serializers.DateField(allow_null=True)
    previous_class = serializers.CharField()
    card_version = serializers.IntegerField()
    scored_at = InstantField()
    is_advisory = serializers.SerializerMethodField(
        help_text=lazy(
            "Vrai pour une personne physique : aucune décision ne se prend sur le score seul (RGPD, art. 22)."
        )
    )
    reasons = serializers.SerializerMethodField()

    def get_is_advisory(self, score: Score) -> bool:
        return score.customer.kind in NATURAL_PERSONS

    @extend_schema_field(ScoreReasonSerializer(many=True))
    def get_reasons(self, score: Score) -> list[dict[str, Any]]:
        return list(ScoreReasonSerializer(told_reasons(score.reasons), many=True).data)


class _OfCustomerFilter(django_filters.FilterSet):
    entity = django_filters.ModelChoiceFilter(
        label=lazy("Entité"),
        field_name="customer__legal_entity",
        to_field_name="code",
        queryset=visible_entities,
    )
    customer = django_filters.CharFilter(
        label=lazy("Client : notre identifiant, ou external:<code client>"),
        method="filter_customer",
        max_length=60,
    )

    def filter_customer(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        visible = Customer.objects.visible_to(self.request.user)
        return queryset.filter(customer__in=with_id(visible, value, "account_code"))


class ScoreFilter(_OfCustomerFilter):
    risk_class = django_filters.ChoiceFilter(label=lazy("Classe"), choices=Score.RiskClass.choices)

    class Meta:
        model = Score
        fields: list[str] = []


class StatementFilter(_OfCustomerFilter):
    class Meta:
        model = FinancialStatement
        fields: list[str] = []


class RatingFilter(_OfCustomerFilter):
    class Meta:
        model = ExternalRating
        fields: list[str] = []


def _of_visible(model: Any, actor: Actor) -> QuerySet[Any]:
    visible = Customer.objects.visible_to(actor).order_by()
    found: QuerySet[Any] = model.objects.filter(customer__in=visible).select_related("customer__legal_entity")
    return found


class ScoreList(ListView):
    permissions = {"read": "risk.view_scores_by_api"}
    scope = "scores"
    queryset = Score.objects.none()
    serializer_class = ScoreSerializer
    filterset_class = ScoreFilter

    @extend_schema(
        operation_id="scores_list",
        summary=lazy("Lister les scores en vigueur, avec leurs points"),
        responses=ScoreSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(_of_visible(Score, request.user).filter(is_current=True))


class StatementSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    customer = CreditCustomerSerializer()
    legal_entity = serializers.CharField(source="customer.legal_entity.code")
    siren = serializers.CharField()
    form = serializers.ChoiceField(choices=FinancialStatement.Form.choices)
    basis = serializers.ChoiceField(choices=FinancialStatement.Basis.choices)
    period_end = serializers.DateField()
    months = serializers.IntegerField()
    currency = serializers.CharField()
    values = serializers.DictField(
        child=serializers.CharField(),
        help_text=lazy("Par case de la liasse (EE, DL, FL…), en unités de la devise."),
    )
    previous = serializers.DictField(child=serializers.CharField())
    publicity = serializers.ChoiceField(choices=FinancialStatement.Publicity.choices)
    source = serializers.ChoiceField(choices=FinancialStatement.Source.choices)
    entered_at = InstantField()


class StatementWriteSerializer(StrictSerializer):
    customer = customer_field()
    legal_entity = VisibleEntityField(
        required=False, help_text=lazy("Code de l’entité juridique, quand plusieurs ont ce code client.")
    )
    form = serializers.ChoiceField(choices=FinancialStatement.Form.choices)
    basis = serializers.ChoiceField(
        choices=FinancialStatement.Basis.choices, default=FinancialStatement.Basis.INDIVIDUAL
    )
    period_end = serializers.DateField()
    months = serializers.IntegerField(min_value=1, max_value=24, default=12)
    currency = serializers.CharField(max_length=3, default="EUR")
    unit = serializers.ChoiceField(choices=[1, 1000, 1_000_000], default=1)
    values = serializers.DictField(
        child=serializers.DecimalField(max_digits=18, decimal_places=2),
        help_text=lazy("Montant par case de la liasse, en `unit`."),
    )
    previous = serializers.DictField(
        child=serializers.DecimalField(max_digits=18, decimal_places=2), required=False
    )
    publicity = serializers.ChoiceField(
        choices=FinancialStatement.Publicity.choices, default=FinancialStatement.Publicity.UNKNOWN
    )
    is_complete = serializers.BooleanField(
        default=False,
        help_text=lazy(
            "Vrai : une case absente vaut zéro, les totaux manquants sont calculés et tous vérifiés."
        ),
    )
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class StatementList(ListView):
    permissions = {"read": "risk.view_scores_by_api", "write": "risk.enter_accounts"}
    scope = "financial-statements"
    queryset = FinancialStatement.objects.none()
    serializer_class = StatementSerializer
    filterset_class = StatementFilter
    order = ("-pk",)

    @extend_schema(
        operation_id="financial_statements_list",
        summary=lazy("Lister les comptes annuels en vigueur, les derniers reçus d’abord"),
        responses=StatementSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(_of_visible(FinancialStatement, request.user).filter(is_current=True))

    @extend_schema(
        operation_id="financial_statements_create",
        summary=lazy("Donner les comptes d’un exercice"),
        description=lazy(
            "Les totaux sont vérifiés quand leurs parties sont données. Ceux du même exercice et de la même nature sont "
            "remplacés, et gardés dans l’historique."
        ),
        request=StatementWriteSerializer,
        responses={201: StatementSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = StatementWriteSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        customer = customer_named(request, values.pop("customer"), values.pop("legal_entity", None))
        entry = StatementEntry(
            values=values.pop("values"),
            previous=values.pop("previous", {}),
            source=FinancialStatement.Source.API,
            **values,
        )
        try:
            statement = enter_statement(
                actor=request.user, customer=customer, entry=entry, today=clock.today(), now=clock.now()
            )
        except StatementRefused as refusal:
            if not refusal.faults:
                raise
            raise serializers.ValidationError({"values": dict(refusal.faults)}) from None
        return Response(StatementSerializer(statement).data, status=status.HTTP_201_CREATED)


class RatingSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    customer = CreditCustomerSerializer()
    legal_entity = serializers.CharField(source="customer.legal_entity.code")
    siren = serializers.CharField()
    scale = serializers.CharField()
    value = serializers.CharField()
    position = serializers.DecimalField(
        max_digits=5, decimal_places=4, allow_null=True, help_text=lazy("De 0, la pire de l’échelle, à 1.")
    )
    rated_on = serializers.DateField()
    valid_until = serializers.DateField(allow_null=True)
    reference = serializers.CharField()
    source = serializers.ChoiceField(choices=FinancialStatement.Source.choices)
    entered_at = InstantField()


class RatingWriteSerializer(StrictSerializer):
    customer = customer_field()
    legal_entity = VisibleEntityField(
        required=False, help_text=lazy("Code de l’entité juridique, quand plusieurs ont ce code client.")
    )
    scale = serializers.ChoiceField(choices=sorted(SCALES))
    value = serializers.CharField(max_length=10)
    rated_on = serializers.DateField()
    valid_until = serializers.DateField(required=False, allow_null=True)
    reference = serializers.CharField(required=False, allow_blank=True, max_length=80)


class RatingList(ListView):
    permissions = {"read": "risk.view_scores_by_api", "write": "risk.enter_accounts"}
    scope = "external-ratings"
    queryset = ExternalRating.objects.none()
    serializer_class = RatingSerializer
    filterset_class = RatingFilter
    order = ("-pk",)

    @extend_schema(
        operation_id="external_ratings_list",
        summary=lazy("Lister les notes externes en vigueur, les dernières reçues d’abord"),
        responses=RatingSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(_of_visible(ExternalRating, request.user).filter(withdrawn_on__isnull=True))

    @extend_schema(
        operation_id="external_ratings_create",
        summary=lazy("Donner la note d’un assureur, d’une agence ou d’une banque"),
        request=RatingWriteSerializer,
        responses={201: RatingSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = RatingWriteSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        customer = customer_named(request, values.pop("customer"), values.pop("legal_entity", None))
        rating = enter_rating(
            actor=request.user,
            customer=customer,
            source=FinancialStatement.Source.API,
            today=clock.today(),
            now=clock.now(),
            **values,
        )
        return Response(RatingSerializer(rating).data, status=status.HTTP_201_CREATED)
