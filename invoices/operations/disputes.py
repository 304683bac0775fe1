"""Litiges: opened, changed, documented, resolved. The contested part is not chased; it stays in the ageing."""

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import IO

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError, WrongState
from core.files import sha256_of, store_file
from core.models import User
from core.operation import operation
from core.rights import SYSTEM, Actor
from customers.models import Customer
from invoices.dispute_rules import default_deadline
from invoices.models import Dispute, DisputeFile, OpenItem
from invoices.operations.ageing import refresh_ageing
from invoices.operations.chased_items import check_part, locked_debit, locked_item

MOST_FILES = 50


class DisputeRefused(BusinessError):
    """The dispute cannot be opened, changed or closed so."""

    code = "dispute_refused"


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
    deadline: date | None = None,
    origin: str = Dispute.Origin.PERSON,
) -> Dispute:
    """Note that the customer contests `amount` of the item: dunning leaves that part, the ageing keeps it.

    Without a deadline, that of the reason's group holds. Raises DisputeRefused: nothing open, amount above what is
    open, dispute open already, unknown reason, deadline in the past, owner who may not see the customer.
    """
    item = locked_debit(actor, item_id, DisputeRefused)
    check_part(item, amount, DisputeRefused)
    if reason not in Dispute.Reason.values:
        raise DisputeRefused(_("Choisissez le motif du litige."), field="reason")
    if origin not in Dispute.Origin.values:
        raise DisputeRefused(_("L’origine de ce litige est inconnue."), field="origin")
    if Dispute.objects.filter(item=item, resolved_on__isnull=True).exists():
        raise DisputeRefused(
            _("Un litige est déjà ouvert sur cette pièce : résolvez-le avant d’en ouvrir un autre."),
            code="dispute_open",
        )
    _check_owner(owner, item)
    if deadline is not None:
        _check_deadline(deadline, today)
    dispute = Dispute.objects.create(
        item=item,
        amount=amount,
        reason=reason,
        origin=origin,
        note=note.strip(),
        opened_on=today,
        owner=owner,
        deadline=deadline or default_deadline(reason, today, settings.DISPUTE_DEADLINE_DAYS),
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
        origin=str(origin),
        deadline=dispute.deadline.isoformat(),
        note=dispute.note,
    )
    refresh_ageing(customer_ids=[item.customer_id], effective_from=today)
    return dispute


@operation("invoices.dispute")
def change_dispute(
    *,
    actor: Actor,
    dispute_id: int,
    amount: Decimal,
    reason: str,
    owner: User | None,
    deadline: date | None,
    note: str,
    today: date,
    now: datetime,
) -> Dispute:
    """Give an open dispute another part, reason, owner, deadline or note; what is the same is left alone.

    Raises WrongState when it is resolved, DisputeRefused as `open_dispute` does.
    """
    dispute, item = _locked_dispute(actor, dispute_id)
    wanted = {"amount": amount, "reason": reason, "owner": owner, "deadline": deadline, "note": note.strip()}
    changed = {name: value for name, value in wanted.items() if getattr(dispute, name) != value}
    if not changed:
        return dispute
    if "amount" in changed:
        check_part(item, amount, DisputeRefused)
    if reason not in Dispute.Reason.values:
        raise DisputeRefused(_("Choisissez le motif du litige."), field="reason")
    if "owner" in changed:
        _check_owner(owner, item)
    if "deadline" in changed and deadline is not None:
        _check_deadline(deadline, today)
    before = {name: _told(getattr(dispute, name)) for name in changed}
    for name, value in changed.items():
        setattr(dispute, name, value)
    dispute.save(update_fields=list(changed))
    if "amount" in changed:
        _set_disputed(item, amount, now)
    audit.record(
        actor=actor,
        verb="invoices.dispute.changed",
        refs=[dispute, item, f"customer:{item.customer_id}"],
        now=now,
        number=item.number,
        currency=item.currency,
        before=before,
        after={name: _told(value) for name, value in changed.items()},
    )
    if "amount" in changed:
        refresh_ageing(customer_ids=[item.customer_id], effective_from=today)
    return dispute


@operation("invoices.dispute")
def add_dispute_file(
    *, actor: Actor, dispute_id: int, content: IO[bytes], name: str, content_type: str, now: datetime
) -> DisputeFile:
    """Keep a document with a dispute, open or resolved; the same bytes are kept once.

    Raises DisputeRefused: unknown dispute, empty or too large file, the same file already there, too many files.
    """
    dispute, item = _locked_dispute(actor, dispute_id, may_be_resolved=True)
    size = content.seek(0, 2)
    content.seek(0)
    if not size:
        raise DisputeRefused(_("Ce fichier est vide : choisissez-en un autre."), field="file")
    if size > settings.DISPUTE_FILE_MAX_BYTES:
        raise DisputeRefused(
            _("Ce fichier dépasse %(limit)d Mo : réduisez-le, ou déposez-le en plusieurs parties.")
            % {"limit": settings.DISPUTE_FILE_MAX_BYTES // (1024 * 1024)},
            field="file",
        )
    sha256 = sha256_of(content)
    if DisputeFile.objects.filter(dispute=dispute, file__sha256=sha256).exists():
        raise DisputeRefused(
            _("Ce document est déjà joint à ce litige."), field="file", code="dispute_file_known"
        )
    if DisputeFile.objects.filter(dispute=dispute).count() >= MOST_FILES:
        raise DisputeRefused(
            _("Un litige porte au plus %(count)d documents : regroupez-les dans un seul fichier.")
            % {"count": MOST_FILES},
            field="file",
        )
    stored = store_file(
        content=content, name=name, kind="invoices.dispute", content_type=content_type, now=now
    )
    added = DisputeFile.objects.create(
        dispute=dispute, file=stored, added_by=actor if isinstance(actor, User) else None, added_at=now
    )
    audit.record(
        actor=actor,
        verb="invoices.dispute.file_added",
        refs=[dispute, item, f"customer:{item.customer_id}"],
        now=now,
        number=item.number,
        name=stored.name,
        sha256=sha256,
    )
    return added


@operation("invoices.dispute")
def resolve_dispute(
    *,
    actor: Actor,
    dispute_id: int,
    outcome: str,
    today: date,
    now: datetime,
    resolution: str = "",
) -> Dispute:
    """Close a dispute; `outcome` says in words how it ended, `resolution` in a code (empty: not told).

    The part is chased again from the next run on. Raises WrongState when it is closed already, DisputeRefused
    without an outcome or with an unknown resolution.
    """
    dispute, item = _locked_dispute(actor, dispute_id)
    if resolution and resolution not in Dispute.Resolution.values:
        raise DisputeRefused(_("Choisissez l’issue du litige."), field="resolution")
    if not outcome.strip():
        raise DisputeRefused(_("Indiquez comment le litige s’est terminé."), field="outcome")
    if today < dispute.opened_on:
        raise DisputeRefused(_("Un litige ne peut pas être résolu avant d’avoir été ouvert."))
    dispute.resolved_on, dispute.resolution = today, resolution
    dispute.resolution_note = outcome.strip()
    dispute.save(update_fields=["resolved_on", "resolution", "resolution_note"])
    _set_disputed(item, Decimal(0), now)
    audit.record(
        actor=actor,
        verb="invoices.dispute.resolved",
        refs=[dispute, item, f"customer:{item.customer_id}"],
        now=now,
        number=item.number,
        amount=str(dispute.amount),
        currency=item.currency,
        resolution=str(resolution),
        outcome=dispute.resolution_note,
        days=(today - dispute.opened_on).days,
    )
    refresh_ageing(customer_ids=[item.customer_id], effective_from=today)
    return dispute


_RESOLVE_PAID = """
WITH settled AS (
    SELECT id, customer_id, number, currency FROM invoices_openitem
    WHERE id = ANY(%(items)s) AND open_amount = 0
), cleared AS (
    UPDATE invoices_openitem item SET disputed_amount = 0, updated_at = %(now)s
    FROM settled WHERE item.id = settled.id AND item.disputed_amount <> 0
), closed AS (
    UPDATE invoices_dispute dispute
    SET resolved_on = greatest(%(today)s, dispute.opened_on), resolution = 'PAID'
    FROM settled
    WHERE dispute.item_id = settled.id AND dispute.resolved_on IS NULL
    RETURNING dispute.id, dispute.item_id, dispute.amount, dispute.opened_on, dispute.resolved_on
)
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, 'invoices.dispute.resolved',
       ARRAY['dispute:' || closed.id, 'openitem:' || settled.id, 'customer:' || settled.customer_id],
       jsonb_build_object('number', settled.number, 'amount', closed.amount::text, 'currency', settled.currency,
                          'resolution', 'PAID', 'days', closed.resolved_on - closed.opened_on)
FROM closed JOIN settled ON settled.id = closed.item_id
ORDER BY closed.id
"""


def resolve_disputes_of_settled(
    item_ids: Collection[int], today: date, now: datetime, *, actor: Actor = SYSTEM
) -> int:
    """Close the open disputes of those of the items that are settled; how many. One statement.

    Part of the operation that settled them, one item or many: same transaction, items locked by it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _RESOLVE_PAID,
            {
                "items": list(item_ids),
                "today": today,
                "now": now,
                "actor": actor.pk,
                "actor_name": str(actor)[:120],
            },
        )
        return cursor.rowcount


def _locked_dispute(
    actor: Actor, dispute_id: int, *, may_be_resolved: bool = False
) -> tuple[Dispute, OpenItem]:
    item_id = Dispute.objects.filter(pk=dispute_id).values_list("item_id", flat=True).first()
    item = locked_item(actor, item_id)
    if item is None:
        raise DisputeRefused(_("Ce litige n’existe pas dans votre périmètre."), code="dispute_unknown")
    dispute = Dispute.objects.select_for_update(of=("self",)).get(pk=dispute_id)
    if dispute.resolved_on is not None and not may_be_resolved:
        raise WrongState(
            _("Ce litige a déjà été résolu le %(day)s.") % {"day": f"{dispute.resolved_on:%d/%m/%Y}"}
        )
    return dispute, item


def _check_owner(owner: User | None, item: OpenItem) -> None:
    if owner is None:
        return
    if not owner.is_active or not Customer.objects.visible_to(owner).filter(pk=item.customer_id).exists():
        raise DisputeRefused(
            _("%(name)s ne voit pas ce client : choisissez une autre personne.") % {"name": owner},
            field="owner",
        )


def _check_deadline(deadline: date, today: date) -> None:
    if deadline < today:
        raise DisputeRefused(
            _("Cette échéance est passée : choisissez une date à partir d’aujourd’hui."), field="deadline"
        )


def _set_disputed(item: OpenItem, amount: Decimal, now: datetime) -> None:
    item.disputed_amount, item.updated_at = amount, now
    item.save(update_fields=["disputed_amount", "updated_at"])


def _told(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)
