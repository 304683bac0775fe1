"""The place « Risque »: classes of the portfolio, and the customers to look at."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from core import clock
from core.keyset import KeysetPage, chosen_order, keyset_page
from core.rights import has_permission, permission_required
from customers.models import Customer
from risk.exposure import Balances, balances
from risk.filters import RiskFilter
from risk.models import Score
from risk.overview import (
    CHANGE_DAYS,
    RiskRow,
    class_changes,
    class_summaries,
    over_limit,
    page_rows,
    scored,
    without_limit,
)
from risk.views.places import subtabs, tabs
from risk.views.tones import class_tone

# Tabs say how many rows wait, up to this many.
MOST_COUNTED = 1000
Rows = Callable[["QuerySet[Customer]", Balances, date], "QuerySet[Any]"]


@dataclass(frozen=True)
class Listing:
    """One tab of the page: its rows and how they sort."""

    label: Any
    rows: Rows
    sorts: dict[str, str]
    default: tuple[str, ...]


LISTINGS = {
    "over": Listing(
        gettext_lazy("Au-dessus du plafond"),
        lambda customers, held, today: over_limit(customers, held),
        {"customer": "customer__name", "share": "share", "excess": "excess"},
        ("-share", "-pk"),
    ),
    "unlimited": Listing(
        gettext_lazy("Sans plafond"),
        lambda customers, held, today: without_limit(customers, held),
        {"customer": "name", "exposure": "exposure"},
        ("-exposure", "-pk"),
    ),
    "changes": Listing(
        gettext_lazy("Changements de classe"),
        lambda customers, held, today: class_changes(customers, today),
        {"customer": "customer__name", "points": "points", "since": "class_since"},
        ("-class_since", "-pk"),
    ),
    "scores": Listing(
        gettext_lazy("Scores"),
        lambda customers, held, today: scored(customers),
        {"customer": "customer__name", "points": "points", "since": "class_since"},
        ("points", "pk"),
    ),
}


@require_GET
@permission_required("risk.view")
def overview(request: HttpRequest) -> HttpResponse:
    """Customers by class of risk with their amounts, and one of four lists."""
    today = clock.today()
    held = balances(request.user, today)
    filterset = RiskFilter(request.GET, queryset=Customer.objects.visible_to(request.user), request=request)
    customers = filterset.qs if filterset.is_valid() else Customer.objects.none()
    chosen = request.GET.get("list", "")
    chosen = chosen if chosen in LISTINGS else "over"
    listing = LISTINGS[chosen]
    page: KeysetPage[Any] = keyset_page(
        listing.rows(customers, held, today),
        order=chosen_order(request.GET.get("sort", ""), listing.sorts, listing.default),
        cursor=request.GET.get("cursor", ""),
    )
    context = {
        "filterset": filterset,
        "listing": chosen,
        "title": listing.label,
        "classes": [_class_row(summary) for summary in class_summaries(customers, held)],
        "rows": [_row(row) for row in page_rows(page, today)],
        "tabs": tabs(request, "overview"),
        "subtabs": subtabs(request, "overview"),
        "lists": _lists(request, customers, held, today, chosen),
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "as_of": held.stored_on or today,
        "today": today,
        "change_days": CHANGE_DAYS,
        "may_set_limit": has_permission(request.user, "risk.set_limit"),
        "is_filtered": any(request.GET.get(name) for name in filterset.filters),
    }
    return render(request, "risk/overview.html", context, status=200 if filterset.is_valid() else 400)


def _class_row(summary: Any) -> dict[str, Any]:
    name = summary.risk_class
    return {
        "label": Score.RiskClass(name).label if name else _("Pas encore de score"),
        "tone": class_tone(name),
        "count": summary.customer_count,
        "amounts": summary.amounts,
        "url": f"?{urlencode({'list': 'scores', 'risk_class': name})}"
        if name and summary.customer_count
        else "",
    }


def _row(row: RiskRow) -> dict[str, Any]:
    """What the template needs of a row, without a question that it could ask of nothing."""
    score, use = row.score, row.exposure.use
    return {
        "customer": row.customer,
        "exposure": row.exposure,
        "use": use,
        "score": score,
        "label": score.get_risk_class_display() if score else "",
        "tone": class_tone(score.risk_class) if score else "",
        "previous": score.previous_class if score else "",
        "is_worse": bool(score and score.previous_class and score.risk_class > score.previous_class),
    }


def _lists(
    request: HttpRequest, customers: "QuerySet[Customer]", held: Balances, today: date, chosen: str
) -> list[dict[str, Any]]:
    lists = []
    for key, listing in LISTINGS.items():
        query = request.GET.copy()
        for name in ("cursor", "sort", "list"):
            query.pop(name, None)
        query["list"] = key
        rows = listing.rows(customers, held, today).order_by()
        lists.append(
            {
                "label": listing.label,
                "url": f"?{query.urlencode()}",
                "active": key == chosen,
                "count": None if key == "scores" else rows[:MOST_COUNTED].count(),
            }
        )
    return lists
