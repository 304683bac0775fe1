"""Writing and reading the audit trail."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet

from core.models import AuditEvent, User
from core.rights import Actor


def ref(document: Model) -> str:
    """The reference of a document in the audit trail, e.g. `customer:42`."""
    return f"{document._meta.model_name}:{document.pk}"


def record(
    *,
    actor: Actor,
    verb: str,
    refs: Iterable[Model | str],
    now: datetime | None = None,
    **data: Any,
) -> AuditEvent:
    """Append one event in the transaction under way. `data` must be JSON-able (amounts as strings)."""
    event = _event(actor, verb, refs, data)
    if now is not None:
        event.occurred_at = now
    event.save(force_insert=True)
    return event


def record_each(
    *, actor: Actor, verb: str, events: Iterable[tuple[Iterable[Model | str], dict[str, Any]]], now: datetime
) -> None:
    """Append one event for each (refs, data), in few statements: for what is decided on many documents at once."""
    rows = []
    for refs, data in events:
        event = _event(actor, verb, refs, data)
        event.occurred_at = now
        rows.append(event)
    AuditEvent.objects.bulk_create(rows, batch_size=2_000)


def _event(actor: Actor, verb: str, refs: Iterable[Model | str], data: dict[str, Any]) -> AuditEvent:
    return AuditEvent(
        actor=actor if isinstance(actor, User) else None,
        actor_name=str(actor)[:120],
        verb=verb,
        refs=[item if isinstance(item, str) else ref(item) for item in refs],
        data=data,
    )


def timeline(*documents: Model | str) -> QuerySet[AuditEvent]:
    """The events that touch any of the documents, latest first."""
    refs = [item if isinstance(item, str) else ref(item) for item in documents]
    return (
        AuditEvent.objects.filter(refs__overlap=refs).select_related("actor").order_by("-occurred_at", "-id")
    )
