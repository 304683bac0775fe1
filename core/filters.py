"""Filters of the administration's lists."""

from datetime import datetime, time, timedelta
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.audit_words import verb_table
from core.forms import DateInput
from core.models import AuditEvent, JobRun


def verb_choices() -> list[tuple[str, str]]:
    """Every named verb, by its words."""
    return sorted(
        ((verb, str(words)) for verb, (words, _tone) in verb_table().items()), key=lambda pair: pair[1]
    )


class JobFilter(django_filters.FilterSet):
    status = django_filters.MultipleChoiceFilter(label=_("État"), choices=JobRun.Status.choices)
    name = django_filters.CharFilter(label=_("Travail"), lookup_expr="istartswith", max_length=80)

    class Meta:
        model = JobRun
        fields: list[str] = []


class AuditFilter(django_filters.FilterSet):
    """`ref` is a document as the trail names it, as « customer:42 »."""

    verb = django_filters.ChoiceFilter(label=_("Fait"), choices=verb_choices, empty_label=_("Tous"))
    actor = django_filters.CharFilter(
        label=_("Auteur"), field_name="actor_name", lookup_expr="icontains", max_length=120
    )
    since = django_filters.DateFilter(label=_("Depuis le"), method="filter_since", widget=DateInput)
    until = django_filters.DateFilter(label=_("Jusqu’au"), method="filter_until", widget=DateInput)
    ref = django_filters.CharFilter(label=_("Document"), method="filter_ref", max_length=60)

    class Meta:
        model = AuditEvent
        fields: list[str] = []

    def filter_since(self, queryset: "QuerySet[AuditEvent]", name: str, value: Any) -> "QuerySet[AuditEvent]":
        return queryset.filter(occurred_at__gte=_midnight(value))

    def filter_until(self, queryset: "QuerySet[AuditEvent]", name: str, value: Any) -> "QuerySet[AuditEvent]":
        try:
            return queryset.filter(occurred_at__lt=_midnight(value + timedelta(days=1)))
        except OverflowError:
            return queryset

    def filter_ref(self, queryset: "QuerySet[AuditEvent]", name: str, value: str) -> "QuerySet[AuditEvent]":
        return queryset.filter(refs__contains=[value.strip().lower()])


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
