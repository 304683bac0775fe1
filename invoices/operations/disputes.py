"""Litiges and promesses de règlement: what keeps an item from being chased."""

import json
from datetime import date, datetime
from decimal import Decimal

from django.db import connection
from django.utils.timezone import get_default_timezone_name
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError, WrongState
from core.models import User
from core.money import format_amount, round_money
from core.operation import operation
from core.rights import Actor
from invoices.models import Dispute, OpenItem, Promise
from invoices.operations.ageing import refresh_ageing
from invoices.promise_rules import promise_deadline


class DisputeRefused(BusinessError):
    """The dispute cannot be opened or closed so."""

    code = "dispute_refused"


class PromiseRefused(BusinessError):
    """The promise cannot be noted or withdrawn so."""

    code = "promise_refused"


@operation("invoices.dispute")
def open_dispute(
    *,
    actor: Actor,
    item_id: int,
    amount: Decimal,
    reason: str,
    today: date,
    now: datetime,
    note: str = "",
    owner: User | None = None,
) -> Dispute:
    """Note that the customer contests `amount` of the item: dunning leaves it, the ageing keeps it.

    Raises DisputeRefused: nothing open, amount above what is open, dispute open already.
    """
    item = _locked_debit(actor, item_id, DisputeRefused)
    _check_amount(item, amount, DisputeRefused)
    if reason not in Dispute.Reason.values:
        raise DisputeRefused(_("Choisissez le motif du litige."), field="reason")
    if Dispute.objects.filter(item=item, resolved_on__isnull=True).exists():
        raise DisputeRefused(
            _("Un litige est déjà ouvert sur cette pièce : résolvez-le avant d’en ouvrir un autre."),
            code="dispute_open",
        )
    dispute = Dispute.objects.create(
        item=item, amount=amount, reason=reason, note=note.strip(), opened_on=today, owner=owner
    )
    _set_disputed(item, amount, now)
    audit.record(
        actor=actor,
        verb="invoices.dispute.opened",
        refs=[dispute, item, f"customer:{item.customer_id}"],
        now=now,
        number=item.number,
        amount=str(amount),
        currency=item.currency,
        reason=reason,
        note=dispute.note,
    )
    refresh_ageing(customer_ids=[item.customer_id], effective_from=today)
    return dispute


@operation("invoices.dispute")
def resolve_dispute(*, actor: Actor, dispute_id: int, outcome: str, today: date, now: datetime) -> Dispute:
    """Close a dispute; `outcome` says how it ended. The item is chased again from the next run on.

    Raises WrongState when it is closed already, DisputeRefused without an outcome.
    """
    item_id = Dispute.objects.filter(pk=dispute_id).values_list("item_id", flat=True).first()
    item = _locked_item(actor, item_id)
    if item is None:
        raise DisputeRefused(_("Ce litige n’existe pas dans votre périmètre."), code="dispute_unknown")
    dispute = Dispute.objects.select_for_update(of=("self",)).get(pk=dispute_id)
    if dispute.resolved_on is not None:
        raise WrongState(
            _("Ce litige a déjà été résolu le %(day)s.") % {"day": f"{dispute.resolved_on:%d/%m/%Y}"}
        )
    if not outcome.strip():
        raise DisputeRefused(_("Indiquez comment le litige s’est terminé."), field="outcome")
    if today < dispute.opened_on:
        raise DisputeRefused(_("Un litige ne peut pas être résolu avant d’avoir été ouvert."))
    dispute.resolved_on = today
    dispute.note = "\n".join(part for part in (dispute.note, outcome.strip()) if part)
    dispute.save(update_fields=["resolved_on", "note"])
    _set_disputed(item, Decimal(0), now)
    audit.record(
        actor=actor,
        verb="invoices.dispute.resolved",
        refs=[dispute, item, f"customer:{item.customer_id}"],
        now=now,
        number=item.number,
        amount=str(dispute.amount),
        currency=item.currency,
        outcome=outcome.strip(),
        days=(today - dispute.opened_on).days,
    )
    refresh_ageing(customer_ids=[item.customer_id], effective_from=today)
    return dispute


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
    item = _locked_debit(actor, item_id, PromiseRefused)
    _check_amount(item, amount, PromiseRefused)
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
        item=item, amount=amount, promised_date=promised_date, made_on=today, note=note.strip()
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
    item = _locked_item(actor, item_id)
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
           CASE WHEN paid.amount >= promise.amount THEN 'KEPT'
                WHEN deadlines.deadline < %(today)s THEN 'BROKEN' END AS status
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
    UPDATE invoices_promise promise SET status = judged.status
    FROM judged WHERE judged.id = promise.id AND judged.status IS NOT NULL
    RETURNING promise.id, promise.item_id, promise.status, promise.amount, promise.promised_date
), told AS (
    INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
    SELECT %(now)s, %(actor_id)s, %(actor_name)s, 'invoices.promise.' || lower(moved.status),
           ARRAY['promise:' || moved.id, 'openitem:' || item.id, 'customer:' || item.customer_id],
           jsonb_build_object('number', item.number, 'amount', moved.amount::text, 'currency', item.currency,
                              'promised_date', moved.promised_date)
    FROM moved JOIN invoices_openitem item ON item.id = moved.item_id
    ORDER BY moved.id
)
SELECT jsonb_object_agg(status, count) FROM (SELECT status, count(*) FROM moved GROUP BY status) counted
"""


@operation("invoices.promise")
def settle_promises(*, actor: Actor, today: date, now: datetime) -> dict[str, int]:
    """Judge the open promises: kept once paid in full in time, broken once the grace is over. In one statement.

    What counts is money received (the credit's own date) by the deadline of `promise_deadline` and matched
    since the promise was made. Returns how many were `kept` and `broken`; run twice, it changes nothing.
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
    return {"kept": counts.get("KEPT", 0), "broken": counts.get("BROKEN", 0)}


def _locked_item(actor: Actor, item_id: int | None) -> OpenItem | None:
    return OpenItem.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=item_id).first()


def _locked_debit(actor: Actor, item_id: int, refusal: type[BusinessError]) -> OpenItem:
    item = _locked_item(actor, item_id)
    if item is None:
        raise refusal(_("Cette pièce n’existe pas dans votre périmètre."), code="item_unknown")
    if item.open_amount <= 0:
        raise refusal(
            _("La pièce %(number)s n’a plus rien à encaisser.") % {"number": item.number}, code="item_settled"
        )
    return item


def _check_amount(item: OpenItem, amount: Decimal, refusal: type[BusinessError]) -> None:
    if amount <= 0 or round_money(amount) != amount:
        raise refusal(_("Le montant est positif, au centime près."), field="amount")
    if amount > item.open_amount:
        raise refusal(
            _("Le solde dû de la pièce %(number)s n’est que de %(open)s.")
            % {"number": item.number, "open": format_amount(item.open_amount, item.currency)},
            field="amount",
        )


def _set_disputed(item: OpenItem, amount: Decimal, now: datetime) -> None:
    item.disputed_amount, item.updated_at = amount, now
    item.save(update_fields=["disputed_amount", "updated_at"])
