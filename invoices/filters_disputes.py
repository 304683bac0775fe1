"""Filters of disputes and of promises."""

from datetime import date
from typing import Any

import django_filters
from django import forms
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core import clock
from core.forms import DateInput
from core.models import User
from customers.filters import visible_entities
from invoices.dispute_rules import GROUP_LABELS, GROUPS, ReasonGroup
from invoices.filters import MOST_CUSTOMERS, matching, visible_customers
from invoices.models import Dispute, Promise
from invoices.promise_reads import to_recall

NOBODY = "none"


def people_of(field: str, model: type[Dispute] | type[Promise]) -> Any:
    """The people that `field` of some row names."""

    def people(request: HttpRequest | None) -> "QuerySet[User]":
        return User.objects.filter(pk__in=model.objects.values(field)).order_by("full_name", "pk")

    return people


class _OnItems(django_filters.FilterSet):
    """What lies on items: found by their number, their customer, their entity."""

    q = django_filters.CharFilter(label=_("Pièce ou client"), method="filter_text", max_length=120)

    def __init__(self, *args: Any, as_of: date | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.as_of = as_of or clock.today()

    def filter_text(self, queryset: "QuerySet[Any]", name: str, value: str) -> "QuerySet[Any]":
        customers = matching(visible_customers(self.request), value).order_by().values_list("pk", flat=True)
        ids = list(customers[: MOST_CUSTOMERS + 1])
        found = Q(item__customer__in=ids if len(ids) <= MOST_CUSTOMERS else customers)
        return queryset.filter(Q(item__number__istartswith=value.strip()) | found)


class DisputeFilter(_OnItems):
    """`as_of` is the day that « late » is counted from; by default today's business date."""

    state = django_filters.ChoiceFilter(
        label=_("État"),
        choices=[("open", _("Ouverts")), ("closed", _("Résolus"))],
        method="filter_state",
        empty_label=None,
    )
    group = django_filters.ChoiceFilter(
        label=_("Nature du motif"),
        choices=list(GROUP_LABELS.items()),
        method="filter_group",
        empty_label=_("Toutes"),
    )
    owner = django_filters.ModelChoiceFilter(
        label=_("Responsable"),
        queryset=people_of("owner", Dispute),
        empty_label=_("Tous"),
        null_label=_("Sans responsable"),
        null_value=NOBODY,
    )
    late = django_filters.ChoiceFilter(
        label=_("Délai"),
        choices=[("yes", _("Délai dépassé")), ("no", _("Dans les délais"))],
        method="filter_late",
        empty_label=_("Tous"),
    )
    reason = django_filters.MultipleChoiceFilter(label=_("Motif"), choices=Dispute.Reason.choices)
    resolution = django_filters.MultipleChoiceFilter(label=_("Issue"), choices=Dispute.Resolution.choices)
    entity = django_filters.ModelChoiceFilter(
        label=_("Entité"),
        field_name="item__legal_entity",
        to_field_name="code",
        queryset=visible_entities,
        empty_label=_("Toutes"),
    )
    resolved_after = django_filters.DateFilter(
        label=_("Résolu du"), field_name="resolved_on", lookup_expr="gte", widget=DateInput
    )
    resolved_before = django_filters.DateFilter(
        label=_("Résolu au"), field_name="resolved_on", lookup_expr="lte", widget=DateInput
    )

    class Meta:
        model = Dispute
        fields: list[str] = []

    def filter_state(self, queryset: "QuerySet[Dispute]", name: str, value: str) -> "QuerySet[Dispute]":
        return queryset.filter(resolved_on__isnull=value == "open")

    def filter_group(self, queryset: "QuerySet[Dispute]", name: str, value: str) -> "QuerySet[Dispute]":
        return queryset.filter(reason__in=GROUPS[ReasonGroup(value)])

    def filter_late(self, queryset: "QuerySet[Dispute]", name: str, value: str) -> "QuerySet[Dispute]":
        late = Q(resolved_on__isnull=True, deadline__lt=self.as_of) | Q(resolved_on__gt=F("deadline"))
        # Without a deadline the condition is neither true nor false: such a dispute is not late.
        return queryset.filter(late) if value == "yes" else queryset.filter(Q(deadline__isnull=True) | ~late)


class PromiseFilter(_OnItems):
    state = django_filters.ChoiceFilter(
        label=_("État"),
        choices=[*Promise.Status.choices, ("ALL", _("Toutes"))],
        method="filter_state",
        empty_label=None,
    )
    made_by = django_filters.ModelChoiceFilter(
        label=_("Obtenue par"), queryset=people_of("made_by", Promise), empty_label=_("Tous")
    )
    entity = django_filters.ModelChoiceFilter(
        label=_("Entité"),
        field_name="item__legal_entity",
        to_field_name="code",
        queryset=visible_entities,
        empty_label=_("Toutes"),
    )
    customer = django_filters.ModelChoiceFilter(
        label=_("Client"),
        field_name="item__customer",
        queryset=visible_customers,
        widget=forms.HiddenInput,
    )
    promised_before = django_filters.DateFilter(
        label=_("Promise jusqu’au"), field_name="promised_date", lookup_expr="lte", widget=DateInput
    )
    judged_after = django_filters.DateFilter(
        label=_("Jugée depuis le"), field_name="judged_on", lookup_expr="gte", widget=DateInput
    )
    recall = django_filters.ChoiceFilter(
        label=_("Suite"),
        choices=[("yes", _("À rappeler : pièce encore due, sans nouvelle promesse"))],
        method="filter_recall",
        empty_label=_("Toutes"),
    )

    class Meta:
        model = Promise
        fields: list[str] = []

    def filter_state(self, queryset: "QuerySet[Promise]", name: str, value: str) -> "QuerySet[Promise]":
        return queryset if value == "ALL" else queryset.filter(status=value)

    def filter_recall(self, queryset: "QuerySet[Promise]", name: str, value: str) -> "QuerySet[Promise]":
        return to_recall(queryset)
