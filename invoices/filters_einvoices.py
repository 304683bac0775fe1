"""Filters of life-cycle statuses, for the page and the API."""

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from customers.filters import visible_entities
from invoices.einvoice_statuses import EFFECT_LABELS, STATUSES
from invoices.models import EInvoiceStatus


def code_choices() -> list[tuple[str, str]]:
    """The codes with their words, in the reader's language."""
    return [(code, f"{code} · {words[0]}") for code, words in STATUSES.items()]


class EInvoiceStatusFilter(django_filters.FilterSet):
    """Statuses by number, code, entity, effect and day."""

    q = django_filters.CharFilter(label=_("Facture"), method="filter_number", max_length=40)
    code = django_filters.MultipleChoiceFilter(label=_("Statut"), choices=code_choices)
    entity = django_filters.ModelChoiceFilter(
        label=_("Entité"),
        field_name="legal_entity",
        to_field_name="code",
        queryset=visible_entities,
        empty_label=_("Toutes"),
    )
    effect = django_filters.MultipleChoiceFilter(label=_("Effet"), choices=list(EFFECT_LABELS.items()))
    waiting = django_filters.ChoiceFilter(
        label=_("Pièce"),
        choices=[("no", _("Connue")), ("yes", _("Numéro inconnu"))],
        method="filter_waiting",
        empty_label=_("Toutes"),
    )
    occurred_after = django_filters.DateFilter(
        label=_("Intervenu du"), field_name="occurred_at", lookup_expr="date__gte", widget=DateInput
    )
    occurred_before = django_filters.DateFilter(
        label=_("Intervenu au"), field_name="occurred_at", lookup_expr="date__lte", widget=DateInput
    )

    received_after = django_filters.DateFilter(
        label=_("Reçu du"), field_name="received_at", lookup_expr="date__gte", widget=DateInput
    )

    class Meta:
        model = EInvoiceStatus
        fields: list[str] = []

    def filter_number(
        self, queryset: "QuerySet[EInvoiceStatus]", name: str, value: str
    ) -> "QuerySet[EInvoiceStatus]":
        return queryset.filter(number__istartswith=value.strip())

    def filter_waiting(
        self, queryset: "QuerySet[EInvoiceStatus]", name: str, value: str
    ) -> "QuerySet[EInvoiceStatus]":
        return queryset.filter(item__isnull=value == "yes")
