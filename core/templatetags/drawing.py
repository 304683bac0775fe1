"""Small graphics drawn on the server: ageing bar, gauge, and the frame of a chart.

Lengths are computed here, in thousandths of the width, so that templates and scripts do no arithmetic.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core.money import split_money
from core.templatetags.format import amount

register = template.Library()

WIDTH = 1000
OLDEST_TONE = 5


def _pair(bucket: Any) -> tuple[str, Decimal]:
    if isinstance(bucket, Mapping):
        return str(bucket["label"]), Decimal(bucket["amount"])
    if isinstance(bucket, (tuple, list)):
        return str(bucket[0]), Decimal(bucket[1])
    return str(bucket.label), Decimal(bucket.amount)


def _thousandths(part: Decimal, whole: Decimal) -> int:
    return int(part * WIDTH / whole) if whole > 0 else 0


@register.inclusion_tag("components/ageing_bar.html")
def ageing_bar(buckets: Iterable[Any], currency: str = "EUR", legend: bool = False) -> dict[str, object]:
    """Stacked bar of a balance âgée: buckets (label, amount) from not due to the oldest; credits are left out."""
    pairs = [_pair(bucket) for bucket in buckets]
    positive = [max(value, Decimal(0)) for _label, value in pairs]
    widths = (
        [int(part * 100) for part in split_money(Decimal(WIDTH) / 100, positive)]
        if any(positive)
        else [0] * len(pairs)
    )
    parts = []
    start = 0
    for index, ((label, value), width) in enumerate(zip(pairs, widths, strict=True)):
        parts.append(
            {
                "label": label,
                "amount": value,
                "x": start,
                "width": width,
                "tone": min(index, OLDEST_TONE),
            }
        )
        start += width
    return {
        "parts": parts,
        "currency": currency,
        "legend": legend,
        "description": ", ".join(f"{label} {amount(value, currency)}" for label, value in pairs),
    }


@register.inclusion_tag("components/gauge.html")
def gauge(
    used: Decimal,
    limit: Decimal | None,
    currency: str = "EUR",
    cover: Decimal | None = None,
    tone: str = "",
) -> dict[str, object]:
    """Exposure against the limit, with the covered amount as an outline. Over the limit it turns to `late`."""
    used = max(Decimal(used), Decimal(0))
    scale = max(used, limit or Decimal(0), cover or Decimal(0))
    return {
        "used": used,
        "limit": limit,
        "cover": cover,
        "currency": currency,
        "used_width": _thousandths(used, scale),
        "limit_x": None if limit is None else min(_thousandths(limit, scale), WIDTH - 4),
        "cover_width": None if cover is None else _thousandths(cover, scale),
        "tone": tone or ("late" if limit is not None and used > limit else ""),
    }


@register.simple_block_tag
def chart(
    content: str,
    id: str,
    title: str,
    data: Mapping[str, object],
    unit: str = "",
    as_of: dt.date | None = None,
    open: bool = False,
) -> SafeString:
    """A figure answering the question its title states; between the halves the table of the same numbers.

    `data`: {"kind": "bar" | "stacked" | "line", "categories": [...], "series": [{"name", "values",
    "texts", "urls", "tone"}]}; `texts` (as shown), `urls` (rows behind each mark) and `tone` (`age-0` …
    `age-5`, `ok`, `watch`, `late`, `blocked`, `series-1` … `series-6`) are optional.
    """
    return render_to_string(
        "components/chart.html",
        {
            "id": id,
            "title": title,
            "unit": unit,
            "as_of": as_of,
            "open": open,
            "table": content,
            "json": json_script(dict(data), f"{id}-data"),
            "label": _("Graphique : %(title)s") % {"title": title},
        },
    )
