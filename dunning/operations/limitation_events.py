"""Acts that interrupt or suspend the limitation of claims: recorded with their evidence, ended, withdrawn."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.files import store_file
from core.legal import register
from core.models import StoredFile, User
from core.operation import operation
from core.rights import Actor
from dunning.limitation import NEVER_CERTAIN, SUSPENDING, EventKind
from dunning.limitation_reads import limitations
from dunning.models import LimitationEvent
from invoices.models import OpenItem

MOST_ITEMS = 2000


class LimitationRefused(BusinessError):
    """The event cannot be recorded, ended or withdrawn so."""

    code = "limitation_refused"


@operation("dunning.record_limitation")
def record_limitation_event(
    *,
    actor: Actor,
    item_id: int,
    kind: str,
    happened_on: date,
    evidence: str,
    today: date,
    now: datetime,
    ended_on: date | None = None,
    is_certain: bool = False,
    content: IO[bytes] | None = None,
    name: str = "",
    content_type: str = "application/octet-stream",
    whole_account: bool = False,
) -> list[LimitationEvent]:
    """Record an act on an item, or with `whole_account` on all open claims of its customer issued by then.

    A part payment is never certain; the day of performance always is. Raises LimitationRefused: unknown item or
    kind, dates that contradict each other, no evidence, a certain act after the claim was barred.
    """
    item = _locked(actor, item_id)
    if kind not in LimitationEvent.Kind.values:
        raise LimitationRefused(_("Choisissez la nature de l’acte."), field="kind")
    event_kind = EventKind(kind)
    evidence = _text(
        evidence, "evidence", _("Dites quelle pièce le prouve : un acte sans preuve ne vaut rien.")
    )
    _check_days(event_kind, happened_on, ended_on, today)
    certain = event_kind is EventKind.PERFORMANCE or (is_certain and event_kind not in NEVER_CERTAIN)
    items = _items_concerned(item, happened_on) if whole_account else [item]
    _check_against(items, event_kind, happened_on, certain, strict=not whole_account)
    stored = _stored(content, name, content_type, now)
    events = LimitationEvent.objects.bulk_create(
        LimitationEvent(
            item=one,
            kind=kind,
            happened_on=happened_on,
            ended_on=ended_on,
            is_certain=certain,
            evidence=evidence,
            file=stored,
            recorded_by=actor if isinstance(actor, User) else None,
            recorded_at=now,
        )
        for one in items
    )
    audit.record_each(
        actor=actor,
        verb="dunning.limitation.recorded",
        events=(
            (
                [event, event.item, f"customer:{event.item.customer_id}"],
                {
                    "number": event.item.number,
                    "kind": kind,
                    "happened_on": happened_on.isoformat(),
                    "is_certain": certain,
                    "evidence": evidence,
                    "sha256": stored.sha256 if stored else "",
                },
            )
            for event in events
        ),
        now=now,
    )
    return events


@operation("dunning.record_limitation")
def end_limitation_event(
    *, actor: Actor, event_id: int, ended_on: date, today: date, now: datetime
) -> LimitationEvent:
    """Say when proceedings or mediation ended: the period runs again. Raises LimitationRefused."""
    event = _locked_event(actor, event_id)
    kind = EventKind(event.kind)
    if kind not in SUSPENDING or event.ended_on is not None:
        raise LimitationRefused(
            _("Cet acte n’est pas en cours : rechargez la page."), code="event_not_pending"
        )
    _check_days(kind, event.happened_on, ended_on, today)
    event.ended_on = ended_on
    event.save(update_fields=["ended_on"])
    audit.record(
        actor=actor,
        verb="dunning.limitation.ended",
        refs=[event, event.item, f"customer:{event.item.customer_id}"],
        now=now,
        number=event.item.number,
        kind=event.kind,
        ended_on=ended_on.isoformat(),
    )
    return event


@operation("dunning.record_limitation")
def withdraw_limitation_event(
    *, actor: Actor, event_id: int, reason: str, today: date, now: datetime
) -> LimitationEvent:
    """Take back an event recorded by mistake, or an interruption held void (C. civ. 2243). Raises LimitationRefused."""
    event = _locked_event(actor, event_id)
    reason = _text(reason, "reason", _("Dites pourquoi cet acte ne compte plus."))
    event.withdrawn_on, event.withdrawn_reason = today, reason
    event.save(update_fields=["withdrawn_on", "withdrawn_reason"])
    audit.record(
        actor=actor,
        verb="dunning.limitation.withdrawn",
        refs=[event, event.item, f"customer:{event.item.customer_id}"],
        now=now,
        number=event.item.number,
        kind=event.kind,
        reason=reason,
    )
    return event


def _locked(actor: Actor, item_id: int) -> OpenItem:
    item = (
        OpenItem.objects.visible_to(actor)
        .select_related("customer")
        .select_for_update(of=("self",))
        .filter(pk=item_id, total_amount__gt=0)
        .first()
    )
    if item is None:
        raise LimitationRefused(_("Cette pièce n’existe pas dans votre périmètre."), code="item_unknown")
    return item


def _locked_event(actor: Actor, event_id: int) -> LimitationEvent:
    event = (
        LimitationEvent.objects.select_related("item")
        .select_for_update(of=("self",))
        .filter(pk=event_id, item__in=OpenItem.objects.visible_to(actor))
        .first()
    )
    if event is None or event.withdrawn_on is not None:
        raise LimitationRefused(
            _("Cet acte n’existe plus dans votre périmètre : rechargez la page."), code="event_unknown"
        )
    return event


def _text(text: str, field: str, missing: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise LimitationRefused(missing, field=field)
    if len(text) > 200:
        raise LimitationRefused(_("Ce texte tient en 200 caractères."), field=field)
    return text


def _check_days(kind: EventKind, happened_on: date, ended_on: date | None, today: date) -> None:
    if happened_on > today:
        raise LimitationRefused(_("Cette date est à venir."), field="happened_on")
    if ended_on is None:
        return
    if kind not in SUSPENDING:
        raise LimitationRefused(
            _("Seules une procédure et une médiation ont une fin : videz ce champ."), field="ended_on"
        )
    if ended_on > today:
        raise LimitationRefused(_("Cette date est à venir : videz-la tant que cela dure."), field="ended_on")
    if ended_on < happened_on:
        raise LimitationRefused(_("La fin précède le début."), field="ended_on")


def _items_concerned(item: OpenItem, happened_on: date) -> list[OpenItem]:
    """The open claims of the account issued by the day of the act, this one included."""
    found = list(
        OpenItem.objects.filter(customer=item.customer_id, open_amount__gt=0, issue_date__lte=happened_on)
        .select_related("customer")
        .order_by("pk")
        .select_for_update(of=("self",))[: MOST_ITEMS + 1]
    )
    if len(found) > MOST_ITEMS:
        raise LimitationRefused(
            _("Ce compte a plus de %(most)d créances ouvertes : enregistrez l’acte pièce par pièce.")
            % {"most": MOST_ITEMS},
            field="whole_account",
        )
    return found if item in found else [item, *found]


def _check_against(
    items: Sequence[OpenItem], kind: EventKind, happened_on: date, certain: bool, *, strict: bool
) -> None:
    """An act that comes once the claim is barred changes nothing; two days of performance contradict each other."""
    if kind is EventKind.PERFORMANCE:
        known = LimitationEvent.objects.filter(item__in=items, withdrawn_on__isnull=True, kind=kind)
        if known.exists():
            raise LimitationRefused(
                _("Une date d’exécution est déjà connue : retirez-la d’abord."), field="kind", code="event_known"
            )  # fmt: skip
        return
    if not certain or not strict:
        return
    for found in limitations(items, register()).values():
        expires_on = found.limitation.expires_on if found.limitation else None
        if expires_on is not None and happened_on > expires_on:
            raise LimitationRefused(
                _("La créance était prescrite depuis le %(day)s : cet acte n’y change rien.")
                % {"day": f"{expires_on:%d/%m/%Y}"},
                field="happened_on",
                code="already_barred",
            )


def _stored(content: IO[bytes] | None, name: str, content_type: str, now: datetime) -> StoredFile | None:
    if content is None:
        return None
    size = content.seek(0, 2)
    content.seek(0)
    if not size:
        raise LimitationRefused(_("Ce fichier est vide : choisissez-en un autre."), field="file")
    if size > settings.DISPUTE_FILE_MAX_BYTES:
        raise LimitationRefused(
            _("Ce fichier dépasse %(limit)d Mo : réduisez-le.")
            % {"limit": settings.DISPUTE_FILE_MAX_BYTES // (1024 * 1024)},
            field="file",
        )
    return store_file(
        content=content, name=name, kind="dunning.limitation", content_type=content_type, now=now
    )
