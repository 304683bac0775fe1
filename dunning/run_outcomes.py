"""What a run decided of every customer it looked at: a notice, a wait, or a reason to leave him alone.

Notices and exclusions stand in two tables; the list over both is read by cursor, the largest amounts first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core import signing
from django.db.models import CharField, DateField, F, IntegerField, Q, QuerySet, Value
from django.db.models.functions import Cast

from core.rights import Actor
from customers.filters import matching
from customers.models import Customer
from dunning.models import Level, Notice, Run, RunExclusion

PROPOSED, WAITING = "PROPOSED", "WAITING"
_SALT = "dunning.run_outcomes"
_NOTICE, _EXCLUSION = 0, 1
_COLUMNS = ("kind", "id", "customer_id", "currency", "open_amount", "items", "what", "status", "next_date")


@dataclass(frozen=True)
class Outcome:
    """One line of the list. `what` is a level's kind for a notice (then `notice_id` names it), else the reason."""

    customer_id: int
    currency: str
    open_amount: Decimal
    items: int
    what: str
    status: str
    next_date: date | None
    notice_id: int | None

    @property
    def label(self) -> str:
        """In words: the level, or why not."""
        if self.notice_id is not None:
            return str(Level.Kind(self.what).label)
        return str(RunExclusion.Reason(self.what).label)


@dataclass(frozen=True)
class OutcomePage:
    """A page, its customers by key, and the cursors of its neighbours."""

    rows: list[Outcome]
    customers: dict[int, Customer]
    next_cursor: str
    previous_cursor: str


def outcomes_page(
    *, run: Run, actor: Actor, outcome: str = "", customer: str = "", cursor: str = "", size: int = 50
) -> OutcomePage:
    """Those of the customers in the actor's scope; `outcome` is PROPOSED or a reason, `customer` part of a name or
    a code. A cursor that is not ours gives the first page.
    """
    backwards, place = _read(cursor)
    notices, exclusions = _branches(run, actor, outcome, customer)
    parts = [
        _beyond(branch, kind, place, backwards)
        for branch, kind in ((notices, _NOTICE), (exclusions, _EXCLUSION))
        if branch is not None
    ]
    signs = ("open_amount", "-kind", "-id") if backwards else ("-open_amount", "kind", "id")
    # Each branch brings its own page: the database sorts the two pages, not the two tables.
    cut = [part.order_by(*signs)[: size + 1] for part in parts]
    found = sorted(
        (row for part in cut for row in part),
        key=lambda row: (-row["open_amount"], row["kind"], row["id"]),
        reverse=backwards,
    )
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_next, has_previous = (True, more) if backwards else (more, place is not None)
    return OutcomePage(
        [_outcome(row) for row in found],
        Customer.objects.in_bulk({row["customer_id"] for row in found}),
        _written(found[-1], False) if found and has_next else "",
        _written(found[0], True) if found and has_previous else "",
    )


def every_outcome(*, run: Run, actor: Actor, outcome: str = "", customer: str = "") -> Iterator[Outcome]:
    """All of them, notices first: for the export. Read as a stream."""
    for branch in _branches(run, actor, outcome, customer):
        if branch is not None:
            for row in branch.order_by("-open_amount", "id").iterator(chunk_size=2_000):
                yield _outcome(row)


def _branches(
    run: Run, actor: Actor, outcome: str, customer: str
) -> tuple[QuerySet[Any, Any] | None, QuerySet[Any, Any] | None]:
    visible = Customer.objects.visible_to(actor)
    if customer:
        visible = matching(visible, customer)
    visible = visible.order_by().values("pk")
    notices = (
        Notice.objects.filter(run=run, customer__in=visible)
        .annotate(
            kind=Value(_NOTICE, IntegerField()),
            items=F("line_count"),
            what=Cast(F("level__kind"), CharField()),
            next_date=Cast(Value(None), DateField()),
        )
        .values(*_COLUMNS)
    )
    exclusions = (
        RunExclusion.objects.filter(run=run, customer__in=visible)
        .annotate(
            kind=Value(_EXCLUSION, IntegerField()),
            items=F("item_count"),
            what=Cast(F("reason"), CharField()),
            status=Value("", CharField()),
        )
        .values(*_COLUMNS)
    )
    if outcome == PROPOSED:
        return notices, None
    return (None, exclusions.filter(reason=outcome)) if outcome else (notices, exclusions)


def _beyond(
    branch: QuerySet[Any, Any], kind: int, place: tuple[Decimal, int, int] | None, backwards: bool
) -> QuerySet[Any, Any]:
    if place is None:
        return branch
    amount, last_kind, last_id = place
    smaller, greater = ("gt", "lt") if backwards else ("lt", "gt")
    beyond = Q(**{f"open_amount__{smaller}": amount})
    if kind == last_kind:
        beyond |= Q(open_amount=amount) & Q(**{f"id__{greater}": last_id})
    elif (kind > last_kind) != backwards:
        beyond |= Q(open_amount=amount)
    return branch.filter(beyond)


def _outcome(row: dict[str, Any]) -> Outcome:
    return Outcome(
        customer_id=row["customer_id"],
        currency=row["currency"],
        open_amount=row["open_amount"],
        items=row["items"],
        what=row["what"],
        status=row["status"],
        next_date=row["next_date"],
        notice_id=row["id"] if row["kind"] == _NOTICE else None,
    )


def _written(row: dict[str, Any], backwards: bool) -> str:
    return signing.dumps([backwards, str(row["open_amount"]), row["kind"], row["id"]], salt=_SALT)


def _read(cursor: str) -> tuple[bool, tuple[Decimal, int, int] | None]:
    if not cursor:
        return False, None
    try:
        backwards, amount, kind, key = signing.loads(cursor, salt=_SALT)
        return backwards, (Decimal(amount), kind, key)
    except (signing.BadSignature, ValueError, TypeError, InvalidOperation):
        return False, None
