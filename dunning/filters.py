"""Filters of the dunning lists; the same serve the pages and the API."""

import django_filters as filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from customers.models import LegalEntity
from dunning.models import Case, Level, Notice


def visible_entities(request: object) -> QuerySet[LegalEntity]:
    user = getattr(request, "user", None)
    return LegalEntity.objects.visible_to(user) if user is not None else LegalEntity.objects.none()


class NoticeFilter(filters.FilterSet):
    """Which notices: state, level, creditor, customer, amount."""

    status = filters.MultipleChoiceFilter(label=_("État"), choices=Notice.Status.choices)
    level = filters.MultipleChoiceFilter(
        label=_("Niveau"), field_name="level__kind", choices=Level.Kind.choices
    )
    channel = filters.MultipleChoiceFilter(
        label=_("Canal"), field_name="level__channel", choices=Level.Channel.choices
    )
    legal_entity = filters.ModelChoiceFilter(label=_("Entité"), queryset=visible_entities)
    customer = filters.CharFilter(label=_("Client"), method="by_customer")
    min_amount = filters.NumberFilter(
        label=_("Principal à partir de"),
        field_name="open_amount",
        lookup_expr="gte",
        max_digits=14,
        decimal_places=2,
    )
    run = filters.NumberFilter(label=_("Campagne"), field_name="run_id")

    class Meta:
        model = Notice
        fields: list[str] = []

    def by_customer(self, queryset: QuerySet[Notice], _name: str, value: str) -> QuerySet[Notice]:
        return queryset.filter(customer__name__icontains=value) | queryset.filter(
            customer__account_code__iexact=value
        )


class CaseFilter(filters.FilterSet):
    """Which cases: state and creditor."""

    status = filters.MultipleChoiceFilter(label=_("État"), choices=Case.Status.choices)
    legal_entity = filters.ModelChoiceFilter(label=_("Entité"), queryset=visible_entities)

    class Meta:
        model = Case
        fields: list[str] = []
