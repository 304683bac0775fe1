"""Reading promises: who may see which, and how many are kept, by customer and by collector."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.urls import reverse

from core.rights import Actor
from invoices.models import OpenItem, Promise

# The total of a list is added up only when this bounds the work.
MOST_SUMMED = 10_000
_KEPT = Q(status=Promise.Status.KEPT)
_PARTLY = Q(status=Promise.Status.PARTLY_KEPT)
_BROKEN = Q(status=Promise.Status.BROKEN)


def visible_promises(actor: Actor) -> "QuerySet[Promise]":
    """The promises on the items in one's scope."""
    items = OpenItem.objects.visible_to(actor)
    # Who sees every item needs no look at their table.
    return Promise.objects.filter(item__in=items) if items.query.where else Promise.objects.all()


def promise_totals(promises: "QuerySet[Promise]") -> list[dict[str, Any]]:
    """What is promised per currency (currency, count, promised, received); empty when they are too many to add up."""
    bounded = Promise.objects.filter(pk__in=promises.order_by().values("pk")[: MOST_SUMMED + 1])
    rows = list(
        bounded.values(currency=F("item__currency"))
        .annotate(count=Count("pk"), promised=Sum("amount"), received=Sum("received_amount"))
        .order_by("currency")
    )
    return rows if sum(row["count"] for row in rows) <= MOST_SUMMED else []


def to_recall(promises: "QuerySet[Promise]") -> "QuerySet[Promise]":
    """Those whose item is still owed and that no other promise covers."""
    of_item = Promise.objects.filter(item=OuterRef("item"), status=Promise.Status.OPEN)
    return promises.filter(~Exists(of_item), item__open_amount__gt=0)


def broken_since(actor: Actor, since: date) -> "QuerySet[Promise]":
    """Those judged broken since, that somebody should call about."""
    return to_recall(visible_promises(actor).filter(_BROKEN, judged_on__gte=since))


def due_promises(actor: Actor, today: date) -> "QuerySet[Promise]":
    """The open ones promised for today or before."""
    return visible_promises(actor).filter(status=Promise.Status.OPEN, promised_date__lte=today)


@dataclass(frozen=True)
class Kept:
    """How many promises of one customer, or one collector, were judged, and how; `ratio` is kept / judged."""

    label: str
    kept: int
    partly: int
    broken: int
    ratio: Decimal
    kept_url: str
    partly_url: str
    broken_url: str


def kept_by_collector(promises: "QuerySet[Promise]", since: date, most: int) -> list[Kept]:
    """By the person who obtained them, the most judged first. One statement."""
    return _kept(promises, since, "made_by", "made_by__full_name", most)


def kept_by_customer(promises: "QuerySet[Promise]", since: date, most: int) -> list[Kept]:
    """By customer, the most broken first. One statement."""
    return _kept(promises, since, "item__customer", "item__customer__name", most)


def _kept(promises: "QuerySet[Promise]", since: date, key: str, name: str, most: int) -> list[Kept]:
    rows = (
        promises.filter(_KEPT | _PARTLY | _BROKEN, judged_on__gte=since, **{f"{key}__isnull": False})
        .order_by()
        .values(key, name)
        .annotate(
            kept=Count("pk", filter=_KEPT),
            partly=Count("pk", filter=_PARTLY),
            broken=Count("pk", filter=_BROKEN),
        )
        .order_by("-broken", "-partly", "-kept", key)[:most]
    )
    parameter = key.removeprefix("item__")
    return [
        Kept(
            label=row[name],
            kept=row["kept"],
            partly=row["partly"],
            broken=row["broken"],
            ratio=Decimal(row["kept"]) / (row["kept"] + row["partly"] + row["broken"]),
            kept_url=_url(Promise.Status.KEPT, parameter, row[key], since),
            partly_url=_url(Promise.Status.PARTLY_KEPT, parameter, row[key], since),
            broken_url=_url(Promise.Status.BROKEN, parameter, row[key], since),
        )
        for row in rows
    ]


def _url(status: str, parameter: str, value: int, since: date) -> str:
    query = urlencode({"state": str(status), parameter: value, "judged_after": since.isoformat()})
    return f"{reverse('invoices:promise-list')}?{query}"
