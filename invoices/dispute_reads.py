"""Reading disputes: who may see which, who may answer them, and how long each reason takes to be settled."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Case, Count, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Greatest, Least
from django.urls import reverse

from core.models import Grant, Role, User
from core.rights import Actor
from customers.models import Customer, EntityScope
from invoices.dispute_rules import GROUP_LABELS, ReasonGroup, group_of
from invoices.models import Dispute, OpenItem

# The total of a list is added up only when this bounds the work.
MOST_SUMMED = 10_000
_ORDER = list(ReasonGroup)
_LABELS = dict(Dispute.Reason.choices)


def visible_disputes(actor: Actor) -> "QuerySet[Dispute]":
    """The disputes on the items in one's scope."""
    items = OpenItem.objects.visible_to(actor)
    # Who sees every item needs no look at their table.
    return Dispute.objects.filter(item__in=items) if items.query.where else Dispute.objects.all()


def dispute_totals(disputes: "QuerySet[Dispute]") -> list[dict[str, Any]]:
    """What is contested per currency (currency, count, contested); empty when they are too many to add up for a page."""
    bounded = Dispute.objects.filter(pk__in=disputes.order_by().values("pk")[: MOST_SUMMED + 1])
    owed = Greatest(F("item__open_amount"), Value(Decimal("0.00")))
    contested = Case(When(resolved_on__isnull=True, then=Least(F("amount"), owed)), default=F("amount"))
    rows = list(
        bounded.values(currency=F("item__currency"))
        .annotate(count=Count("pk"), contested=Sum(contested))
        .order_by("currency")
    )
    return rows if sum(row["count"] for row in rows) <= MOST_SUMMED else []


def late_disputes(actor: Actor, today: date) -> "QuerySet[Dispute]":
    """The open ones whose answer was due before `today`."""
    return visible_disputes(actor).filter(resolved_on__isnull=True, deadline__lt=today)


def possible_owners(customer: Customer) -> "QuerySet[User]":
    """Active people whose entities include the customer's; the operation checks that they see the customer."""
    seeing = EntityScope.objects.filter(
        Q(legal_entity__isnull=True) | Q(legal_entity=customer.legal_entity_id)
    ).values("user")
    people = Grant.objects.exclude(role=Role.API_PARTNER).values("user")
    return User.objects.filter(Q(pk__in=seeing), Q(pk__in=people), is_active=True).order_by("full_name", "pk")


@dataclass(frozen=True)
class ReasonDelay:
    """One reason: how many are open, how many late, how many were resolved, in how many days on average."""

    reason: str
    label: str
    group_label: str
    open_count: int
    late_count: int
    resolved_count: int
    mean_days: Decimal | None
    open_url: str
    late_url: str
    resolved_url: str


def delays_by_reason(disputes: "QuerySet[Dispute]", *, since: date, today: date) -> list[ReasonDelay]:
    """Per reason that has any open or resolved since `since`; one statement. Days run from opening to resolution."""
    is_open, resolved = Q(resolved_on__isnull=True), Q(resolved_on__gte=since)
    rows = (
        disputes.filter(is_open | resolved)
        .order_by()
        .values("reason")
        .annotate(
            open_count=Count("pk", filter=is_open),
            late_count=Count("pk", filter=is_open & Q(deadline__lt=today)),
            resolved_count=Count("pk", filter=resolved),
            mean=Avg(F("resolved_on") - F("opened_on"), filter=resolved),
        )
    )
    url = reverse("invoices:dispute-list")
    found = [
        ReasonDelay(
            reason=row["reason"],
            label=str(_LABELS.get(row["reason"], row["reason"])),
            group_label=str(GROUP_LABELS[group_of(row["reason"])]),
            open_count=row["open_count"],
            late_count=row["late_count"],
            resolved_count=row["resolved_count"],
            mean_days=_days(row["mean"]),
            open_url=f"{url}?reason={row['reason']}",
            late_url=f"{url}?reason={row['reason']}&late=yes",
            resolved_url=f"{url}?state=closed&reason={row['reason']}&resolved_after={since.isoformat()}",
        )
        for row in rows
    ]
    return sorted(found, key=lambda row: (_ORDER.index(group_of(row.reason)), row.label))


def _days(mean: timedelta | None) -> Decimal | None:
    if mean is None:
        return None
    return (Decimal(int(mean.total_seconds())) / 86_400).quantize(Decimal("0.1"))
