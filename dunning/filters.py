"""Filters of the dunning lists; the same serve the pages and the API."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import django_filters as filters
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from customers.filters import matching, visible_entities
from customers.models import Customer
from dunning.gate_facts import exceptions_in_force
from dunning.models import Case, DunningException, Level, Notice, Policy


class Choices(filters.MultipleChoiceFilter):
    """Several values of a column of the row or of one it points to: nothing comes twice, nothing is made distinct."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"distinct": False} | kwargs)


def named(text: str) -> "QuerySet[Customer]":
    """The keys of the customers whose name or code holds the text, as the search of customers finds them."""
    return matching(Customer.objects.all(), text).order_by().values("pk")  # type: ignore[return-value]


class OfCustomer(filters.FilterSet):
    """Whose row: `customer` by part of his name or code."""

    customer = filters.CharFilter(label=_("Client"), method="by_customer", max_length=120)

    def by_customer(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(customer__in=named(value))


class NoticeFilter(OfCustomer):
    """Which notices: state, level, creditor, customer, amount."""

    status = Choices(label=_("État"), choices=Notice.Status.choices)
    level = Choices(label=_("Niveau"), field_name="level__kind", choices=Level.Kind.choices)
    channel = Choices(label=_("Canal"), field_name="level__channel", choices=Level.Channel.choices)
    legal_entity = filters.ModelChoiceFilter(
        label=_("Entité"), queryset=visible_entities, empty_label=_("Toutes")
    )
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


def _policies() -> list[tuple[str, str]]:
    """Each scenario once, by the name of its latest version."""
    latest = Policy.objects.order_by("code", "-version").distinct("code").values_list("code", "name")
    return sorted(latest, key=lambda policy: policy[1])


class ApprovalFilter(OfCustomer):
    """Which proposed notices: level, channel, scenario, creditor, amount, delay, language, exception, customer."""

    level = Choices(label=_("Niveau"), field_name="level__kind", choices=Level.Kind.choices)
    min_amount = filters.NumberFilter(
        label=_("Principal à partir de"),
        field_name="open_amount",
        lookup_expr="gte",
        max_digits=14,
        decimal_places=2,
    )
    max_amount = filters.NumberFilter(
        label=_("Principal jusqu’à"),
        field_name="open_amount",
        lookup_expr="lte",
        max_digits=14,
        decimal_places=2,
    )
    channel = Choices(label=_("Canal"), field_name="level__channel", choices=Level.Channel.choices)
    policy = filters.ChoiceFilter(
        label=_("Scénario"), field_name="level__policy__code", choices=_policies, empty_label=_("Tous")
    )
    legal_entity = filters.ModelChoiceFilter(
        label=_("Entité"), queryset=visible_entities, empty_label=_("Toutes")
    )
    late_from = filters.NumberFilter(
        label=_("Retard à partir de (jours)"), method="by_delay", min_value=0, max_value=36_500
    )
    language = Choices(
        label=_("Langue du client"), field_name="customer__language", choices=Customer.Language.choices
    )
    exception = filters.ChoiceFilter(
        label=_("Exception"),
        method="by_exception",
        empty_label=_("Avec ou sans"),
        choices=[("with", _("Client avec une exception")), ("without", _("Client sans exception"))],
    )
    run = filters.NumberFilter(label=_("Campagne"), field_name="run_id")

    class Meta:
        model = Notice
        fields: list[str] = []

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def by_delay(self, queryset: QuerySet[Notice], _name: str, value: Decimal) -> QuerySet[Notice]:
        return queryset.filter(oldest_due_date__lte=self.today - timedelta(days=int(value)))

    def by_exception(self, queryset: QuerySet[Notice], _name: str, value: str) -> QuerySet[Notice]:
        in_force = DunningException.objects.filter(
            exceptions_in_force(self.today), customer=OuterRef("customer")
        )
        return queryset.filter(Exists(in_force) if value == "with" else ~Exists(in_force))


class CaseFilter(filters.FilterSet):
    """Which cases: state and creditor."""

    status = Choices(label=_("État"), choices=Case.Status.choices)
    legal_entity = filters.ModelChoiceFilter(
        label=_("Entité"), queryset=visible_entities, empty_label=_("Toutes")
    )

    class Meta:
        model = Case
        fields: list[str] = []


class ExceptionFilter(OfCustomer):
    """Which exceptions: in force or over, what they change, of whom."""

    state = filters.ChoiceFilter(
        label=_("État"),
        method="by_state",
        empty_label=_("En cours"),
        choices=[("over", _("Terminées ou levées")), ("all", _("Toutes"))],
    )
    effect = Choices(label=_("Effet"), choices=DunningException.Effect.choices)
    legal_entity = filters.ModelChoiceFilter(
        label=_("Entité"),
        field_name="customer__legal_entity",
        queryset=visible_entities,
        empty_label=_("Toutes"),
    )

    class Meta:
        model = DunningException
        fields: list[str] = []

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    @property
    def qs(self) -> QuerySet[DunningException]:
        found: QuerySet[DunningException] = super().qs
        if not self.form.cleaned_data.get("state"):
            found = found.filter(exceptions_in_force(self.today))
        return found

    def by_state(
        self, queryset: QuerySet[DunningException], _name: str, value: str
    ) -> QuerySet[DunningException]:
        return queryset.exclude(exceptions_in_force(self.today)) if value == "over" else queryset
