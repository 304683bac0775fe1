"""How much of what the bank receives is applied, and by whom: per line and per payment, by day, account and rule."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from invoices.models import BankLine, CashApplication

ZERO = Decimal("0.00")
# The ways of matching, as proposals name them; an act without one was ticked by a person.
RULES = {
    "": _("Pièces cochées à la main"),
    "NAMED": _("Pièces citées, montant exact"),
    "NAMED_LESS_CREDITS": _("Pièces citées, avoirs déduits"),
    "NAMED_SOME": _("Une partie des pièces citées"),
    "NAMED_PART": _("Acompte sur des pièces citées"),
    "NAMED_AND_OTHERS": _("Pièces citées et d’autres du compte"),
    "NAMED_ABOVE": _("Pièces citées, trop-perçu"),
    "ONE_ITEM": _("Une pièce du montant"),
    "BALANCE": _("Solde du compte"),
    "OVERDUE": _("Tout ce qui est échu"),
    "DUE_TOGETHER": _("Pièces de même échéance"),
    "OLDEST_FIRST": _("Les plus anciennes pièces"),
    "SUBSET": _("Somme de pièces du compte"),
    "PART_OF_ACCOUNT": _("Acompte sur le compte"),
    "refund": _("Remboursement"),
    "refund_announced": _("Remboursement annoncé"),
}


@dataclass(frozen=True)
class Rate:
    """Counts of received lines of a period. Shares are between 0 and 1, None without lines."""

    label: object
    lines: int
    amount: Decimal
    automatic: int
    by_hand: int
    aside: int
    waiting: int
    undone: int

    @property
    def is_day(self) -> bool:
        return isinstance(self.label, date)

    @property
    def matched_share(self) -> float | None:
        """Applied lines over those that had to be: what is set aside concerned nobody."""
        return _share(self.automatic + self.by_hand, self.lines - self.aside)

    @property
    def automatic_share(self) -> float | None:
        return _share(self.automatic, self.lines - self.aside)


def rates(lines: "QuerySet[BankLine]", field: str) -> list[Rate]:
    """The rates of received lines by a field of the line (`booking_date`, `bank_account__name`, `currency`)."""
    acts = CashApplication.objects.filter(bank_line=OuterRef("pk"))
    told = lines.filter(amount__gt=0, status__in=["OPEN", "APPLIED", "SET_ASIDE"]).annotate(
        is_alone=Exists(acts.filter(reversed_on__isnull=True, is_automatic=True)),
        was_undone=Exists(acts.filter(reversed_on__isnull=False)),
    )
    applied = Q(status="APPLIED")
    rows = (
        told.values(label=F(field))
        .annotate(
            lines=Count("pk"),
            amount=Sum("amount"),
            automatic=Count("pk", filter=applied & Q(is_alone=True)),
            by_hand=Count("pk", filter=applied & Q(is_alone=False)),
            aside=Count("pk", filter=Q(status="SET_ASIDE")),
            waiting=Count("pk", filter=Q(status="OPEN")),
            undone=Count("pk", filter=Q(was_undone=True)),
        )
        .order_by("-label")[:60]
    )
    return [Rate(**row) for row in rows]


def total_of(found: list[Rate], label: object) -> Rate:
    """The sum of rates over disjoint lines."""
    names = ("lines", "automatic", "by_hand", "aside", "waiting", "undone")
    counts = {name: sum(getattr(rate, name) for rate in found) for name in names}
    return Rate(label=label, amount=sum((rate.amount for rate in found), ZERO), **counts)


def payments_by_rule(entity_ids: list[int], since: date) -> list[dict[str, Any]]:
    """Acts of matching since a day, per rule: how many alone, by hand, undone. One act is one payment of a customer."""
    rows = (
        CashApplication.objects.filter(
            legal_entity__in=entity_ids, applied_on__gte=since, bank_line__isnull=False
        )
        .exclude(rule="return")
        .values("rule")
        .annotate(
            total=Count("pk"),
            automatic=Count("pk", filter=Q(is_automatic=True)),
            by_hand=Count("pk", filter=Q(is_automatic=False)),
            undone=Count("pk", filter=Q(reversed_on__isnull=False)),
            undone_automatic=Count("pk", filter=Q(reversed_on__isnull=False, is_automatic=True)),
        )
        .order_by("-total", "rule")[:40]
    )
    return [{**row, "label": RULES.get(row["rule"], row["rule"])} for row in rows]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None
