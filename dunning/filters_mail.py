"""Filters of suppressed addresses and of mail events."""

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from dunning.models import MailEvent, SuppressedAddress


class SuppressionFilter(filters.FilterSet):
    """Which addresses: still suppressed or lifted, why, which one."""

    state = filters.ChoiceFilter(
        label=_("État"),
        method="by_state",
        empty_label=_("Écartées"),
        choices=[("lifted", _("Levées")), ("all", _("Toutes"))],
    )
    reason = filters.MultipleChoiceFilter(label=_("Motif"), choices=SuppressedAddress.Reason.choices)
    q = filters.CharFilter(label=_("Adresse"), field_name="address", lookup_expr="icontains", max_length=254)

    class Meta:
        model = SuppressedAddress
        fields: list[str] = []

    @property
    def qs(self) -> QuerySet[SuppressedAddress]:
        found: QuerySet[SuppressedAddress] = super().qs
        return found if self.form.cleaned_data.get("state") else found.filter(lifted_at=None)

    def by_state(
        self, queryset: QuerySet[SuppressedAddress], _name: str, value: str
    ) -> QuerySet[SuppressedAddress]:
        return queryset.exclude(lifted_at=None) if value == "lifted" else queryset


class MailEventFilter(filters.FilterSet):
    """Which events: of what kind, with what effect, of which address or message."""

    kind = filters.MultipleChoiceFilter(label=_("Nature"), choices=MailEvent.Kind.choices)
    effect = filters.MultipleChoiceFilter(label=_("Effet"), choices=MailEvent.Effect.choices)
    q = filters.CharFilter(label=_("Adresse ou message"), method="by_words", max_length=254)

    class Meta:
        model = MailEvent
        fields: list[str] = []

    def by_words(self, queryset: QuerySet[MailEvent], _name: str, value: str) -> QuerySet[MailEvent]:
        return queryset.filter(
            Q(recipient__icontains=value) | Q(message_id__icontains=value) | Q(detail__icontains=value)
        )
