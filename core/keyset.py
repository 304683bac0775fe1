"""Lists read by cursor: each page starts where the last one ended, whatever the size of the list.

No offset and no count: a page costs the same at the start and at the end. The cursor holds the last row's sort
values, signed, so that an altered one is simply the first page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core import signing
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.http import QueryDict

PAGE_SIZE = 50
PARAMETER = "cursor"
_SALT = "core.keyset"

M = TypeVar("M", bound=Model)


class BadCursor(ValueError):
    """The cursor is not one that this list gave."""


@dataclass(frozen=True)
class KeysetPage(Generic[M]):
    """The rows of one page, and the cursors of its neighbours: empty where there is none."""

    rows: list[M]
    next_cursor: str
    previous_cursor: str

    def next_url(self, query: QueryDict) -> str:
        return _url(query, self.next_cursor)

    def previous_url(self, query: QueryDict) -> str:
        return _url(query, self.previous_cursor)


def chosen_order(asked: str, sorts: Mapping[str, str], default: Sequence[str]) -> tuple[str, ...]:
    """The order that `?sort=` asks for: `sorts` maps its names to lookups. Unknown names give the default.

    The primary key breaks ties, in the same direction.
    """
    field = sorts.get(asked.removeprefix("-"))
    if field is None:
        return tuple(default)
    sign = "-" if asked.startswith("-") else ""
    return (f"{sign}{field}", f"{sign}pk")


def keyset_page(
    queryset: "QuerySet[M]",
    *,
    order: Sequence[str],
    cursor: str = "",
    size: int = PAGE_SIZE,
    strict: bool = False,
) -> KeysetPage[M]:
    """A page of the queryset in `order`: lookups or annotations that are never null, the last one unique.

    A cursor that does not apply gives the first page, or raises BadCursor when `strict`.
    """
    backwards, values = _read(cursor, order)
    if strict and cursor and values is None:
        raise BadCursor(cursor)
    if values is not None:
        queryset = queryset.filter(_beyond(order, values, backwards))
    # Keys first: whatever is joined or computed for a row is then read for the rows of the page only.
    ordered = queryset.order_by(*(_ordering(name, backwards) for name in order))
    keys = list(ordered.values_list("pk", flat=True)[: size + 1])
    more, keys = len(keys) > size, keys[:size]
    if backwards:
        keys.reverse()
    found = queryset.in_bulk(keys)
    rows = [found[key] for key in keys if key in found]
    has_next, has_previous = (True, more) if backwards else (more, values is not None)
    return KeysetPage(
        rows,
        _written(order, rows[-1], False) if rows and has_next else "",
        _written(order, rows[0], True) if rows and has_previous else "",
    )


def _ordering(name: str, backwards: bool) -> OrderBy:
    return OrderBy(F(name.removeprefix("-")), descending=name.startswith("-") != backwards)


def _beyond(order: Sequence[str], values: Sequence[Any], backwards: bool) -> Q:
    """Rows after the cursor's: (a > x) or (a = x and b > y) …, led by the first key's bound, which an index takes."""
    condition = Q()
    for name, value in reversed(list(zip(order, values, strict=True))):
        field, side = name.removeprefix("-"), "lt" if name.startswith("-") != backwards else "gt"
        beyond = Q(**{f"{field}__{side}": value})
        condition = beyond | (Q(**{field: value}) & condition) if condition else beyond
    first = order[0].removeprefix("-")
    side = "lte" if order[0].startswith("-") != backwards else "gte"
    return Q(**{f"{first}__{side}": values[0]}) & condition


def _value(row: Model, name: str) -> str:
    value: Any = row
    for part in name.removeprefix("-").split("__"):
        value = getattr(value, part)
    return str(value)


def _written(order: Sequence[str], row: Model, backwards: bool) -> str:
    return signing.dumps(
        {"o": ",".join(order), "b": backwards, "v": [_value(row, name) for name in order]}, salt=_SALT
    )


def _read(cursor: str, order: Sequence[str]) -> tuple[bool, list[str] | None]:
    if not cursor:
        return False, None
    try:
        held = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError):
        return False, None
    # A cursor of another order, as after a click on a column's head, does not apply.
    return (held["b"], held["v"]) if held["o"] == ",".join(order) else (False, None)


def _url(query: QueryDict, cursor: str) -> str:
    if not cursor:
        return ""
    changed = query.copy()
    changed[PARAMETER] = cursor
    return f"?{changed.urlencode()}"
