"""Filters of items, for the pages and the API."""

from datetime import date, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Upper
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core import clock
from core.forms import DateInput
from customers.filters import matching, visible_entities
from customers.models import Customer
from invoices.ageing_buckets import STORED
from invoices.models import OpenItem, Promise

MOST_CUSTOMERS = 500
STATES = [
    ("open", _("Non soldées")),
    ("all", _("Toutes, soldées comprises")),
    ("overdue", _("En retard")),
    ("not_due", _("Non échues")),
    ("disputed", _("En litige")),
    ("promised", _("Promises")),
    ("promise_due", _("Promises arrivées à échéance")),
    ("promise_broken", _("Promesse non tenue")),
    ("unmatched", _("Règlements et avoirs à lettrer")),
    ("settled", _("Soldées")),
]


def visible_customers(request: HttpRequest | None) -> "QuerySet[Customer]":
    return Customer.objects.visible_to(request.user) if request else Customer.objects.none()


def bucket_choices() -> list[tuple[str, str]]:
    """The columns of the house's balance âgée, by number."""
    return [(str(index), label) for index, label in enumerate(STORED.labels())]


class ItemFilter(django_filters.FilterSet):
    """`as_of` is the day that « late » is counted from; by default today's business date."""

    q = django_filters.CharFilter(label=_("Pièce ou client"), method="filter_text", max_length=120)
    state = django_filters.ChoiceFilter(
        label=_("État"), choices=STATES, method="filter_state", empty_label=None
    )
    kind = django_filters.MultipleChoiceFilter(label=_("Nature"), choices=OpenItem.Kind.choices)
    entity = django_filters.ModelChoiceFilter(
        label=_("Entité"),
        field_name="legal_entity",
        to_field_name="code",
        queryset=visible_entities,
        empty_label=_("Toutes"),
    )
    number = django_filters.CharFilter(label=_("Numéro"), method="filter_number", max_length=40)
    due_after = django_filters.DateFilter(
        label=_("Échéance du"), field_name="due_date", lookup_expr="gte", widget=DateInput
    )
    due_before = django_filters.DateFilter(
        label=_("Échéance au"), field_name="due_date", lookup_expr="lte", widget=DateInput
    )
    amount_min = django_filters.NumberFilter(
        label=_("Montant TTC de"), method="filter_least", max_digits=14, decimal_places=2
    )
    amount_max = django_filters.NumberFilter(
        label=_("Montant TTC à"), method="filter_most", max_digits=14, decimal_places=2
    )
    currency = django_filters.CharFilter(label=_("Devise"), method="filter_currency", max_length=3)
    bucket = django_filters.ChoiceFilter(
        label=_("Tranche d’âge"), choices=bucket_choices, method="filter_bucket", empty_label=_("Toutes")
    )
    customer = django_filters.ModelChoiceFilter(
        label=_("Client"), queryset=visible_customers, widget=forms.HiddenInput
    )

    class Meta:
        model = OpenItem
        fields: list[str] = []

    def __init__(self, *args: Any, as_of: date | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.as_of = as_of or clock.today()

    def filter_text(self, queryset: "QuerySet[OpenItem]", name: str, value: str) -> "QuerySet[OpenItem]":
        customers = matching(visible_customers(self.request), value).order_by().values_list("pk", flat=True)
        ids = list(customers[: MOST_CUSTOMERS + 1])
        # A short list lets the indexes on customers and on numbers serve together; a subquery would not.
        found = Q(customer__in=ids if len(ids) <= MOST_CUSTOMERS else customers)
        return self._with_number(queryset).filter(Q(folded_number__startswith=value.strip().upper()) | found)

    def filter_number(self, queryset: "QuerySet[OpenItem]", name: str, value: str) -> "QuerySet[OpenItem]":
        return self._with_number(queryset).filter(folded_number__startswith=value.strip().upper())

    def filter_currency(self, queryset: "QuerySet[OpenItem]", name: str, value: str) -> "QuerySet[OpenItem]":
        return queryset.filter(currency=value.strip().upper())

    def filter_least(self, queryset: "QuerySet[OpenItem]", name: str, value: Any) -> "QuerySet[OpenItem]":
        return queryset.filter(Q(total_amount__gte=value) | Q(total_amount__lte=-value))

    def filter_most(self, queryset: "QuerySet[OpenItem]", name: str, value: Any) -> "QuerySet[OpenItem]":
        return queryset.filter(total_amount__lte=value, total_amount__gte=-value)

    def filter_state(self, queryset: "QuerySet[OpenItem]", name: str, value: str) -> "QuerySet[OpenItem]":
        if value == "all":
            return queryset
        if value == "open":
            return queryset.open()
        if value == "overdue":
            return queryset.open().overdue(self.as_of)
        if value == "not_due":
            return queryset.open().filter(open_amount__gt=0, due_date__gte=self.as_of)
        if value == "disputed":
            return queryset.open().filter(disputed_amount__gt=0)
        if value == "promised":
            return queryset.open().filter(promises__status=Promise.Status.OPEN)
        if value == "promise_due":
            return queryset.open().filter(
                promises__status=Promise.Status.OPEN, promises__promised_date__lte=self.as_of
            )
        if value == "promise_broken":
            of_item = Promise.objects.filter(item=OuterRef("pk"))
            return queryset.open().filter(
                Exists(of_item.filter(status=Promise.Status.BROKEN)),
                ~Exists(of_item.filter(status=Promise.Status.OPEN)),
            )
        if value == "unmatched":
            return queryset.open().filter(open_amount__lt=0)
        return queryset.filter(open_amount=0)

    def filter_bucket(self, queryset: "QuerySet[OpenItem]", name: str, value: str) -> "QuerySet[OpenItem]":
        """What is owed and falls in this column of the balance âgée."""
        first, last = STORED.day_range(int(value))
        queryset = queryset.open().filter(open_amount__gt=0)
        if first is not None:
            queryset = queryset.filter(due_date__lte=self.as_of - timedelta(days=first))
        if last is not None:
            queryset = queryset.filter(due_date__gte=self.as_of - timedelta(days=last))
        return queryset

    @staticmethod
    def _with_number(queryset: "QuerySet[OpenItem]") -> "QuerySet[OpenItem]":
        return queryset.alias(folded_number=Upper(F("number")))
