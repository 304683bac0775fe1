"""Filters of customers, for the pages and the API."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet, Value
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.folding import Fold
from core.models import Grant, Role, User
from customers.models import Customer, LegalEntity

SHORTEST_PART = 3


def visible_entities(request: HttpRequest | None) -> "QuerySet[LegalEntity]":
    """The legal entities that the person behind a request may see."""
    return LegalEntity.objects.visible_to(request.user) if request else LegalEntity.objects.none()


def portfolio_owners(request: HttpRequest | None) -> "QuerySet[User]":
    managers = Grant.objects.filter(role=Role.CREDIT_MANAGER).values("user")
    return User.objects.filter(pk__in=managers).order_by("full_name", "id")


def matching(customers: "QuerySet[Customer]", text: str) -> "QuerySet[Customer]":
    """Customers by part of the name or of the code, whatever the accents, or by SIREN, SIRET or VAT number.

    Fewer than three letters match the beginning only, so that the index always serves.
    """
    text = " ".join(text.split())
    if not text:
        return customers
    lookup = "contains" if len(text) >= SHORTEST_PART else "startswith"
    folded = Fold(Value(text))
    found = Q(**{f"folded_name__{lookup}": folded}) | Q(**{f"folded_code__{lookup}": folded})
    compact = text.replace(" ", "").replace(".", "").upper()
    if compact.isascii() and compact.isdigit() and len(compact) in (9, 14):
        found |= Q(siren=compact[:9]) & ~Q(siren="")
    elif len(compact) > 10 and compact.isalnum():
        found |= Q(vat_number=compact)
    return customers.alias(folded_name=Fold("name"), folded_code=Fold("account_code")).filter(found)


class CustomerFilter(django_filters.FilterSet):
    """Filters on what a customer is. What he owes is filtered where the ledger is known."""

    q = django_filters.CharFilter(label=_("Client"), method="filter_text", max_length=120)
    entity = django_filters.ModelChoiceFilter(
        label=_("Entité"),
        field_name="legal_entity",
        to_field_name="code",
        queryset=visible_entities,
        empty_label=_("Toutes"),
    )
    status = django_filters.MultipleChoiceFilter(label=_("État"), choices=Customer.Status.choices)
    kind = django_filters.MultipleChoiceFilter(label=_("Nature"), choices=Customer.Kind.choices)
    segment = django_filters.CharFilter(label=_("Segment"), lookup_expr="iexact", max_length=40)
    country = django_filters.CharFilter(label=_("Pays"), lookup_expr="iexact", max_length=2)
    owner = django_filters.ModelChoiceFilter(
        label=_("Gestionnaire"),
        field_name="portfolio_owner",
        queryset=portfolio_owners,
        empty_label=_("Tous"),
    )

    class Meta:
        model = Customer
        fields: list[str] = []

    def filter_text(self, queryset: "QuerySet[Customer]", name: str, value: Any) -> "QuerySet[Customer]":
        return matching(queryset, str(value))
