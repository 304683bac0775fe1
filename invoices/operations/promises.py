"""Promesses de règlement: noted, withdrawn, and judged from the receipts."""

import json
from datetime import date, datetime
from decimal import Decimal

from django.db import connection
from django.utils.timezone import get_default_timezone_name
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError, WrongState
from core.models import User
from core.operation import operation
from core.rights import Actor
from invoices.models import Promise
from invoices.operations.chased_items import check_part, locked_debit, locked_item
from invoices.promise_rules import promise_deadline


class PromiseRefused(BusinessError):
    """The promise cannot be noted or withdrawn so."""

    code = "promise_refused"


@operation("invoices.promise")
def make_promise(
    *,
    actor: Actor,
    item_id: int,
    amount: Decimal,
    promised_date: date,
    today: date,
    now: datetime,
    note: str = "",
) -> Promise:
    """Note that the customer pays `amount` of the item by `promised_date`; dunning waits for it.

    Raises PromiseRefused: nothing open, amount above what is open, date in the past, promise open already.
    """
    item = locked_debit(actor, item_id, PromiseRefused)
    check_part(item, amount, PromiseRefused)
    if promised_date < today:
        raise PromiseRefused(
            _("La date promise est passée : demandez une nouvelle date."), field="promised_date"
        )
    if Promise.objects.filter(item=item, status=Promise.Status.OPEN).exists():
        raise PromiseRefused(
            _("Une promesse est déjà en cours sur cette pièce : retirez-la avant d’en noter une autre."),
            code="promise_open",
        )
    promise = Promise.objects.create(
        item=item,
        amount=amount,
        promised_date=promised_date,
        made_on=today,
        made_by=actor if isinstance(actor, User) else None,
        note=note.strip(),
    )
    audit.record(
        actor=actor,
        verb="invoices.promise.made",
        refs=[promise, item, f"customer:{item.customer_id}"],
        now=now,
        number=item.number,
        amount=str(amount),
        currency=item.currency,
        promised_date=promised_date.isoformat(),
        note=promise.note,
    )
    return promise


@operation("invoices.promise")
def withdraw_promise(*, actor: Actor, promise_id: int, reason: str, now: datetime) -> Promise:
    """Take back a promise that was noted by mistake or replaced; the item is chased again.

    Raises WrongState unless it is open, PromiseRefused without a reason.
    """
    item_id = Promise.objects.filter(pk=promise_id).values_list("item_id", flat=True).first()
    item = locked_item(actor, item_id)
    if item is None:
        raise PromiseRefused(_("Cette promesse n’existe pas dans votre périmètre."), code="promise_unknown")
    promise = Promise.objects.select_for_update(of=("self",)).get(pk=promise_id)
    if promise.status != Promise.Status.OPEN:
        raise WrongState(
            _("Cette promesse n’est plus en cours (%(state)s).") % {"state": promise.get_status_display()}
        )
    if not reason.strip():
        raise PromiseRefused(_("Indiquez pourquoi la promesse est retirée."), field="reason")
    promise.status = Promise.Status.WITHDRAWN
    promise.save(update_fields=["status"])
    audit.record(
        actor=actor,
        verb="invoices.promise.withdrawn",
        refs=[promise, item, f"customer:{item.customer_id}"],
        now=now,
        number=item.number,
        reason=reason.strip(),
    )
    return promise


_SETTLE = """
WITH deadlines AS (
    SELECT * FROM unnest(%(dates)s::date[], %(deadlines)s::date[]) AS pair (promised_date, deadline)
), locked AS MATERIALIZED (
    SELECT id FROM invoices_promise WHERE status = 'OPEN' ORDER BY id FOR UPDATE SKIP LOCKED
), judged AS (
    SELECT promise.id,
           least(paid.amount, promise.amount) AS received_amount,
           CASE WHEN paid.amount >= promise.amount THEN 'KEPT'
                WHEN deadlines.deadline >= %(today)s THEN NULL
                WHEN paid.amount > 0 THEN 'PARTLY_KEPT'
                ELSE 'BROKEN' END AS status
    FROM locked
    JOIN invoices_promise promise USING (id)
    JOIN deadlines USING (promised_date)
    CROSS JOIN LATERAL (
        SELECT COALESCE(SUM(allocation.amount), 0) AS amount
        FROM invoices_allocation allocation
        JOIN invoices_openitem credit ON credit.id = allocation.credit_id
        WHERE allocation.debit_id = promise.item_id
          AND allocation.reversed_on IS NULL
          AND GREATEST(allocation.allocated_on, (allocation.created_at AT TIME ZONE %(zone)s)::date)
              >= promise.made_on
          AND credit.issue_date <= deadlines.deadline
    ) paid
), moved AS (
    UPDATE invoices_promise promise
    SET status = judged.status, received_amount = judged.received_amount, judged_on = %(today)s
    FROM judged WHERE judged.id = promise.id AND judged.status IS NOT NULL
    RETURNING promise.id, promise.item_id, promise.status, promise.amount, promise.received_amount,
              promise.promised_date
), told AS (
    INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
    SELECT %(now)s, %(actor_id)s, %(actor_name)s, 'invoices.promise.' || lower(moved.status),
           ARRAY['promise:' || moved.id, 'openitem:' || item.id, 'customer:' || item.customer_id],
           jsonb_build_object('number', item.number, 'amount', moved.amount::text, 'currency', item.currency,
                              'received_amount', moved.received_amount::text,
                              'promised_date', moved.promised_date)
    FROM moved JOIN invoices_openitem item ON item.id = moved.item_id
    ORDER BY moved.id
)
SELECT jsonb_object_agg(status, count) FROM (SELECT status, count(*) FROM moved GROUP BY status) counted
"""


@operation("invoices.promise")
def settle_promises(*, actor: Actor, today: date, now: datetime) -> dict[str, int]:
    """Judge the open promises: kept once paid in full in time; once the grace is over, kept in part or broken.

    What counts is money received (the credit's own date) by the deadline of `promise_deadline` and matched
    since the promise was made. Returns how many were `kept`, `partly_kept` and `broken`. One statement; run twice,
    it changes nothing.
    """
    dates = list(
        Promise.objects.filter(status=Promise.Status.OPEN)
        .order_by("promised_date")
        .values_list("promised_date", flat=True)
        .distinct()
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE,
            {
                "dates": dates,
                "deadlines": [promise_deadline(day) for day in dates],
                "today": today,
                "now": now,
                "zone": get_default_timezone_name(),
                "actor_id": actor.pk,
                "actor_name": str(actor)[:120],
            },
        )
        found = cursor.fetchone()[0]
    counts = json.loads(found) if isinstance(found, str) else (found or {})
    return {status: counts.get(status.upper(), 0) for status in ("kept", "partly_kept", "broken")}
