"""Filters of the bank lines that wait on the cash board."""

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from customers.filters import visible_entities
from invoices.models import BankAccount, BankLine, MatchProposal

STATES = [
    ("open", _("À affecter")),
    ("applied", _("Affectés")),
    ("aside", _("Sans objet")),
]
SENSES = [("in", _("Encaissements")), ("returns", _("Impayés et rejets")), ("out", _("Débits"))]
PROPOSALS = [
    ("certain", _("Certaine")),
    ("good", _("Bonne (80 et plus)")),
    ("any", _("Au moins une")),
    ("none", _("Aucune")),
]
GOOD_SCORE = 80
# The house's own switch is no doubt about the proposal.
SWITCHED_OFF = [{"code": "block_switched_off"}]


def visible_accounts(request: HttpRequest | None) -> "QuerySet[BankAccount]":
    return BankAccount.objects.visible_to(request.user) if request else BankAccount.objects.none()


def open_proposals() -> "QuerySet[MatchProposal]":
    return MatchProposal.objects.filter(bank_line=OuterRef("pk"), status=MatchProposal.Status.OPEN)


def certain(proposals: "QuerySet[MatchProposal]") -> "QuerySet[MatchProposal]":
    """The first proposals that nothing speaks against."""
    return proposals.filter(Q(blocks=[]) | Q(blocks=SWITCHED_OFF), rank=1)


class CashLineFilter(django_filters.FilterSet):
    """`state` is the open ones unless asked otherwise."""

    q = django_filters.CharFilter(label=_("Libellé, tiers ou IBAN"), method="filter_text", max_length=120)
    proposals = django_filters.ChoiceFilter(
        label=_("Proposition"), choices=PROPOSALS, method="filter_proposals", empty_label=_("Toutes")
    )
    sense = django_filters.ChoiceFilter(
        label=_("Sens"), choices=SENSES, method="filter_sense", empty_label=_("Tous")
    )
    account = django_filters.ModelChoiceFilter(
        label=_("Compte"), field_name="bank_account", queryset=visible_accounts, empty_label=_("Tous")
    )
    state = django_filters.ChoiceFilter(
        label=_("État"), choices=STATES, method="filter_state", empty_label=None
    )
    entity = django_filters.ModelChoiceFilter(
        label=_("Entité"),
        field_name="bank_account__legal_entity",
        to_field_name="code",
        queryset=visible_entities,
        empty_label=_("Toutes"),
    )
    booked_after = django_filters.DateFilter(
        label=_("Opération du"), field_name="booking_date", lookup_expr="gte", widget=DateInput
    )
    booked_before = django_filters.DateFilter(
        label=_("Opération au"), field_name="booking_date", lookup_expr="lte", widget=DateInput
    )
    amount_min = django_filters.NumberFilter(
        label=_("Montant de"), field_name="amount", lookup_expr="gte", max_digits=14, decimal_places=2
    )
    amount_max = django_filters.NumberFilter(
        label=_("Montant à"), field_name="amount", lookup_expr="lte", max_digits=14, decimal_places=2
    )

    class Meta:
        model = BankLine
        fields: list[str] = []

    def filter_text(self, lines: "QuerySet[BankLine]", name: str, value: str) -> "QuerySet[BankLine]":
        for word in value.split()[:6]:
            lines = lines.filter(
                Q(remittance__icontains=word)
                | Q(counterparty_name__icontains=word)
                | Q(counterparty_iban__istartswith=word)
            )
        return lines

    def filter_state(self, lines: "QuerySet[BankLine]", name: str, value: Any) -> "QuerySet[BankLine]":
        status = {"applied": BankLine.Status.APPLIED, "aside": BankLine.Status.SET_ASIDE}.get(value)
        return lines.filter(status=status) if status else lines

    def filter_sense(self, lines: "QuerySet[BankLine]", name: str, value: Any) -> "QuerySet[BankLine]":
        if value == "in":
            return lines.filter(amount__gt=0)
        return lines.filter(amount__lt=0, is_return=value == "returns")

    def filter_proposals(self, lines: "QuerySet[BankLine]", name: str, value: Any) -> "QuerySet[BankLine]":
        found = open_proposals()
        if value == "none":
            return lines.filter(~Exists(found))
        if value == "good":
            return lines.filter(Exists(found.filter(score__gte=GOOD_SCORE)))
        return lines.filter(Exists(certain(found) if value == "certain" else found))
