"""Filters of bank files and of their lines, for the pages and the API."""

import django_filters
from django.db.models import Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _

from core.folding import Fold
from customers.filters import visible_entities
from invoices.models import BankFile, BankLine


class BankFileFilter(django_filters.FilterSet):
    status = django_filters.MultipleChoiceFilter(label=_("État"), choices=BankFile.Status.choices)
    entity = django_filters.ModelChoiceFilter(
        label=_("Entité"),
        field_name="legal_entity",
        to_field_name="code",
        queryset=visible_entities,
        empty_label=_("Toutes"),
    )
    format = django_filters.MultipleChoiceFilter(label=_("Format"), choices=BankFile.Format.choices)

    class Meta:
        model = BankFile
        fields: list[str] = []


class BankLineFilter(django_filters.FilterSet):
    """Lines of one file: by state, nature, amount, and what they say."""

    q = django_filters.CharFilter(
        label=_("Libellé, tiers ou référence"), method="filter_text", max_length=120
    )
    status = django_filters.MultipleChoiceFilter(label=_("État"), choices=BankLine.Status.choices)
    nature = django_filters.MultipleChoiceFilter(label=_("Nature"), choices=BankLine.Nature.choices)
    amount_min = django_filters.NumberFilter(
        label=_("Montant de"), field_name="amount", lookup_expr="gte", max_digits=14, decimal_places=2
    )
    amount_max = django_filters.NumberFilter(
        label=_("Montant à"), field_name="amount", lookup_expr="lte", max_digits=14, decimal_places=2
    )

    class Meta:
        model = BankLine
        fields: list[str] = []

    def filter_text(self, lines: "QuerySet[BankLine]", _name: str, text: str) -> "QuerySet[BankLine]":
        text = " ".join(text.split())
        if not text:
            return lines
        folded = Fold(Value(text))
        return lines.alias(said=Fold("remittance"), named=Fold("counterparty_name")).filter(
            Q(said__contains=folded)
            | Q(named__contains=folded)
            | Q(end_to_end_id__iexact=text)
            | Q(bank_reference__iexact=text)
            | Q(structured_reference__iexact=text.replace(" ", ""))
        )
