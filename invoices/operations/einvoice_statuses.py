"""Life-cycle statuses of electronic invoices: received once, with their effects, and attached when the item comes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.models import StoredFile, User
from core.operation import operation
from core.rights import SYSTEM, Actor
from customers.models import LegalEntity
from invoices.einvoice_statuses import STATUSES, Effect, Reason, ReceivedStatus
from invoices.models import EInvoiceStatus, OpenItem
from invoices.operations.einvoice_effects import Effects

_AT_ONCE = 1_000
_LONGEST_NUMBER = 40
# Clocks of platforms run ahead by minutes; a day says nothing more than a date.
_AHEAD = timedelta(days=1)


class StatusRefused(BusinessError):
    """A status cannot be taken. `index` is its place in what was given."""

    code = "einvoice_status_refused"

    def __init__(self, message: str, *, index: int = 0, **options: Any) -> None:
        super().__init__(message, **options)
        self.index = index


@dataclass
class Recorded:
    """What became of the statuses: new ones, known ones, those whose number is unknown, and effects by name."""

    created: int = 0
    known: int = 0
    waiting: int = 0
    effects: Counter[str] = field(default_factory=Counter)


_LATEST = """
UPDATE invoices_openitem item SET einvoice_status = latest.code, updated_at = %(now)s
FROM (
    SELECT DISTINCT ON (number) number, code FROM invoices_einvoicestatus
    WHERE legal_entity_id = %(entity)s AND number = ANY(%(numbers)s) AND item_id IS NOT NULL
    ORDER BY number, occurred_at DESC, id DESC
) latest
WHERE item.legal_entity_id = %(entity)s AND item.number = latest.number AND item.einvoice_status <> latest.code
"""

_ARRIVED = """
SELECT status.id FROM invoices_einvoicestatus status
WHERE status.item_id IS NULL AND status.legal_entity_id = %(entity)s
  AND EXISTS (SELECT 1 FROM invoices_openitem item
              WHERE item.legal_entity_id = status.legal_entity_id AND item.number = status.number)
ORDER BY status.occurred_at, status.id LIMIT %(limit)s
"""


@operation("invoices.record_einvoice_status")
def record_statuses(
    *,
    actor: Actor,
    entity: LegalEntity,
    statuses: Iterable[ReceivedStatus],
    now: datetime,
    today: date,
    file: StoredFile | None = None,
) -> Recorded:
    """Take statuses of invoices of one entity, all or none, in the order of their instants.

    One that was received before is known and changes nothing. One whose number is unknown is kept and waits for its
    item. Raises StatusRefused: unknown entity, code or number, instant in the future, invoice of another seller.
    """
    if not LegalEntity.objects.visible_to(actor).filter(pk=entity.pk).exists():
        raise StatusRefused(_("Cette entité n’est pas dans votre périmètre."), code="entity_unknown")
    given = list(statuses)
    for index, status in enumerate(given):
        check_status(status, entity, now, index)
    _lock(entity)
    recorded = Recorded()
    new = _new(entity, given)
    recorded.known = len(given) - len(new)
    waiting = iter(sorted(new, key=lambda status: (status.occurred_at, status.code)))
    while part := list(islice(waiting, _AT_ONCE)):
        _record(part, entity=entity, actor=actor, file=file, today=today, now=now, recorded=recorded)
    if recorded.created:
        audit.record(
            actor=actor,
            verb="invoices.einvoice_statuses.received",
            refs=[entity, *([file] if file else [])],
            now=now,
            created=recorded.created,
            known=recorded.known,
            waiting=recorded.waiting,
            effects=dict(recorded.effects),
        )
    return recorded


@operation("invoices.record_einvoice_status")
def attach_waiting_statuses(
    *, actor: Actor, entity: LegalEntity, today: date, now: datetime, limit: int = _AT_ONCE
) -> int:
    """Give the statuses that wait for an item of this entity to it, with their effects; how many were attached."""
    _lock(entity)
    with connection.cursor() as cursor:
        cursor.execute(_ARRIVED, {"entity": entity.pk, "limit": limit})
        keys = [key for (key,) in cursor.fetchall()]
    rows = list(EInvoiceStatus.objects.filter(pk__in=keys).order_by("occurred_at", "pk"))
    if not rows:
        return 0
    effects = Effects(entity.pk, [row.number for row in rows], today, now)
    for row in rows:
        row.effect, row.effect_params = effects.apply(_as_received(row))
        row.item = effects.items(row.number)[0]
    EInvoiceStatus.objects.bulk_update(rows, ["item", "effect", "effect_params"], batch_size=_AT_ONCE)
    _finish(rows, effects, entity=entity, actor=actor, now=now)
    return len(rows)


def entities_with_waiting() -> list[LegalEntity]:
    """The entities some of whose statuses wait for an item that has come."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT status.legal_entity_id FROM invoices_einvoicestatus status
            JOIN invoices_openitem item USING (legal_entity_id, number) WHERE status.item_id IS NULL
            """
        )
        keys = [key for (key,) in cursor.fetchall()]
    return list(LegalEntity.objects.filter(pk__in=keys).order_by("pk"))


def check_status(status: ReceivedStatus, entity: LegalEntity, now: datetime, index: int = 0) -> None:
    """Raise StatusRefused, saying why, for a status that cannot be of an invoice of the entity."""
    if status.code not in STATUSES:
        raise StatusRefused(
            _("Le statut « %(code)s » n’est pas du cycle de vie : de 200 à 228, ou 501.")
            % {"code": status.code[:20]},
            index=index,
            field="code",
        )
    if not status.number or len(status.number) > _LONGEST_NUMBER:
        raise StatusRefused(
            _("Donnez le numéro de la facture, 40 caractères au plus."), index=index, field="number"
        )
    if status.occurred_at > now + _AHEAD:
        raise StatusRefused(
            _("Le statut de la facture %(number)s est daté du %(day)s, dans l’avenir. Vérifiez l’envoi.")
            % {"number": status.number, "day": f"{status.occurred_at:%d/%m/%Y}"},
            index=index,
            field="occurred_at",
        )
    if status.seller and entity.siren and status.seller != entity.siren:
        raise StatusRefused(
            _(
                "La facture %(number)s est émise par le SIREN %(siren)s, pas par %(entity)s. "
                "Choisissez l’entité qui l’a émise."
            )
            % {"number": status.number, "siren": status.seller, "entity": entity.name},
            index=index,
            code="other_seller",
        )


def _lock(entity: LegalEntity) -> None:
    """One at a time per entity: what is known must stay known until this is written."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"invoices.einvoice:{entity.pk}"]
        )


def _new(entity: LegalEntity, given: Sequence[ReceivedStatus]) -> list[ReceivedStatus]:
    """Those that were not received before, each once."""
    by_key = {(status.number, status.code, status.occurred_at): status for status in given}
    numbers = iter(sorted({status.number for status in given}))
    while some := list(islice(numbers, _AT_ONCE)):
        known = EInvoiceStatus.objects.filter(legal_entity=entity, number__in=some)
        for key in known.values_list("number", "code", "occurred_at"):
            by_key.pop(key, None)
    return list(by_key.values())


def _record(
    part: Sequence[ReceivedStatus],
    *,
    entity: LegalEntity,
    actor: Actor,
    file: StoredFile | None,
    today: date,
    now: datetime,
    recorded: Recorded,
) -> None:
    numbers = {status.number for status in part}
    # An item outside the actor's scope gets its statuses from the sweep: nobody learns that it exists.
    seen = set(
        OpenItem.objects.visible_to(actor)
        .filter(legal_entity=entity, number__in=numbers)
        .values_list("number", flat=True)
    )
    effects = Effects(entity.pk, seen, today, now)
    rows = []
    for status in part:
        effect, params = effects.apply(status)
        items = effects.items(status.number)
        rows.append(
            EInvoiceStatus(
                legal_entity=entity,
                item=items[0] if items else None,
                number=status.number,
                code=status.code,
                reasons=[{"code": reason.code, "text": reason.text} for reason in status.reasons],
                amounts={kind: f"{amount:f}" for kind, amount in status.amounts.items()}
                | ({"currency": status.currency} if status.currency else {}),
                note=status.note,
                occurred_at=status.occurred_at,
                received_at=now,
                received_from=actor if isinstance(actor, User) else None,
                file=file,
                effect=effect,
                effect_params=params,
            )
        )
        recorded.effects[effect] += 1
    rows = EInvoiceStatus.objects.bulk_create(rows, batch_size=_AT_ONCE)
    recorded.created += len(rows)
    recorded.waiting += sum(row.effect == Effect.WAITING for row in rows)
    _finish([row for row in rows if row.item_id], effects, entity=entity, actor=actor, now=now)


def _finish(
    rows: Sequence[EInvoiceStatus], effects: Effects, *, entity: LegalEntity, actor: Actor, now: datetime
) -> None:
    """Write on the items what the statuses changed there, and tell it."""
    for wanted in (True, False):
        keys = [key for key, value in effects.factored.items() if value is wanted]
        if keys:
            OpenItem.objects.filter(pk__in=keys).update(is_factored=wanted, updated_at=now)
    with connection.cursor() as cursor:
        numbers = sorted({row.number for row in rows})
        cursor.execute(_LATEST, {"entity": entity.pk, "numbers": numbers, "now": now})
    audit.record_each(
        actor=actor,
        verb="invoices.einvoice_status.received",
        events=[
            (
                [*effects.items(row.number), f"customer:{effects.items(row.number)[0].customer_id}"],
                {
                    "number": row.number,
                    "code": row.code,
                    "effect": str(row.effect),
                    "note": f"{row.code} {STATUSES[row.code][0]}",
                    "occurred_at": row.occurred_at.isoformat(),
                    "reasons": [reason["code"] for reason in row.reasons],
                },
            )
            for row in rows
        ],
        now=now,
    )


def _as_received(row: EInvoiceStatus) -> ReceivedStatus:
    """A kept status as it was received."""
    amounts = {kind: Decimal(amount) for kind, amount in row.amounts.items() if kind != "currency"}
    return ReceivedStatus(
        number=row.number,
        code=row.code,
        occurred_at=row.occurred_at,
        reasons=tuple(Reason(reason.get("code", ""), reason.get("text", "")) for reason in row.reasons),
        amounts=amounts,
        currency=row.amounts.get("currency", ""),
        note=row.note,
    )


def sweep_waiting_statuses(*, today: date, now: datetime) -> int:
    """Attach what waits, entity by entity, a bounded part in each transaction; how many were attached."""
    attached = 0
    for entity in entities_with_waiting():
        while done := attach_waiting_statuses(actor=SYSTEM, entity=entity, today=today, now=now):
            attached += done
    return attached
