"""Deciding on what waits: an outcome is confirmed in one of the ways it allows, or set aside, with its reason."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from core import audit
from core.errors import WrongState
from core.legal import register
from core.models import User
from core.operation import operation
from core.rights import Actor
from customers.models import Customer
from customers.operations import update_customer
from risk.insolvency_rules import choices_of
from risk.models import EventOutcome, InsolvencyProceeding, LegalEvent
from risk.operations.insolvency import (
    InsolvencyRefused,
    cancel_proceeding,
    locked_proceeding,
    reactivate_customer,
    reason_of,
    take_judgment_date,
)
from risk.operations.insolvency_effects import Setting, apply_as
from risk.operations.proceedings import live_proceeding, open_proceeding

Status = EventOutcome.Status
# What a person may say that an announcement of unknown nature is.
CLASSES = (
    LegalEvent.Kind.OPENING,
    LegalEvent.Kind.CONVERSION,
    LegalEvent.Kind.PLAN,
    LegalEvent.Kind.PLAN_CHANGE,
    LegalEvent.Kind.PLAN_FAILURE,
    LegalEvent.Kind.CLOSURE,
    LegalEvent.Kind.ADMIN,
)


@dataclass
class Decision:
    """What the steps share."""

    actor: Actor
    outcome: EventOutcome
    note: str
    today: date
    now: datetime
    kind: str = ""
    procedure: str = ""


@operation("risk.watch")
def decide_outcome(
    *,
    actor: Actor,
    outcome: EventOutcome,
    choice: str,
    note: str,
    today: date,
    now: datetime,
    kind: str = "",
    procedure: str = "",
) -> EventOutcome:
    """Confirm an outcome that waits, by one of its choices (`insolvency_rules.choices_of`), or `set_aside`.

    Raises InsolvencyRefused: no reason, a choice it does not allow; WrongState when it waits no more.
    """
    reason = reason_of(note)
    held = (
        EventOutcome.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("event", "event__earlier", "customer")
        .filter(pk=outcome.pk)
        .first()
    )
    if held is None:
        raise InsolvencyRefused(_("Cet événement n’est pas dans votre périmètre."))
    if held.status != Status.TO_REVIEW:
        raise WrongState(_("Cet événement n’attend plus de décision. Rechargez la page."))
    if choice != "set_aside":
        allowed = choices_of(kind=held.event.kind, notice_type=held.event.notice_type, reasons=held.reasons)
        if choice not in allowed:
            raise InsolvencyRefused(_("Cette décision ne convient pas à cet événement."), field="choice")
        decision = Decision(actor, held, reason, today, now, kind, procedure)
        _STEPS[choice](decision)
    held.refresh_from_db(fields=["status"])
    held.status = Status.SET_ASIDE if choice == "set_aside" else Status.APPLIED
    held.decided_by = actor if isinstance(actor, User) else None
    held.decided_at, held.decision_note = now, reason
    held.save()
    audit.record(
        actor=actor,
        verb="risk.legal_event.decided",
        refs=[held.event, held.customer, *([held.proceeding] if held.proceeding_id else [])],
        now=now,
        notice=held.event.notice_id,
        choice=choice,
        reasons=held.reasons,
        note=reason,
    )
    return held


def _seen(decision: Decision) -> None:
    """Nothing to write but who looked."""


def _cancel(decision: Decision) -> None:
    """Undo what the cancelled notice had done: the proceeding it opened, or nothing when it opened none."""
    event, customer = decision.outcome.event, decision.outcome.customer
    source = event.earlier if event.notice_type == LegalEvent.NoticeType.CANCELLATION else event
    opened = InsolvencyProceeding.objects.live().filter(customer=customer, opening=source).first()
    if opened is None:
        raise InsolvencyRefused(
            _(
                "L’annonce annulée n’a pas ouvert de procédure en cours sur ce compte : corrigez la procédure sur sa page, "
                "puis prenez acte."
            ),
            field="choice",
        )
    # Its own outcome must wait no more when the others of the proceeding are set aside.
    EventOutcome.objects.filter(pk=decision.outcome.pk).update(status=Status.APPLIED)
    cancel_proceeding(
        actor=decision.actor, proceeding=opened, note=decision.note, today=decision.today, now=decision.now
    )


def _take_date(decision: Decision) -> None:
    proceeding = _proceeding(decision)
    take_judgment_date(
        proceeding, actor=decision.actor, reason=decision.note, today=decision.today, now=decision.now
    )


def _replace(decision: Decision) -> None:
    """The new judgment's proceeding takes the place of the one under way, which ends that day."""
    event, customer = decision.outcome.event, decision.outcome.customer
    live = live_proceeding(customer)
    if live is not None:
        live.status = InsolvencyProceeding.Status.CLOSED
        live.closed_on = event.judgment_date or event.publication_date
        live.closure = LegalEvent.Closure.OTHER
        live.updated_at = decision.now
        live.save()
    proceeding, _reasons = open_proceeding(
        event, customer, register(), today=decision.today, now=decision.now
    )
    decision.outcome.proceeding = proceeding
    take_judgment_date(
        proceeding, actor=decision.actor, reason=decision.note, today=decision.today, now=decision.now
    )


def _reactivate(decision: Decision) -> None:
    reactivate_customer(
        actor=decision.actor, proceeding=_proceeding(decision), note=decision.note, now=decision.now
    )


def _classify(decision: Decision) -> None:
    """Read the announcement as what the person says it is: for every account that waits for it."""
    if decision.kind not in CLASSES:
        raise InsolvencyRefused(_("Choisissez ce que cette annonce décide."), field="kind")
    event = decision.outcome.event
    event.facts = {**event.facts, "read_as": decision.kind, "published_kind": event.kind}
    event.kind = decision.kind
    if decision.procedure:
        event.procedure = decision.procedure
    event.save(update_fields=["kind", "procedure", "facts"])
    effect = apply_as(event, decision.outcome.customer, Setting(register(), decision.today, decision.now))
    decision.outcome.proceeding = effect.proceeding
    decision.outcome.reasons = [*decision.outcome.reasons, *effect.reasons]


def _rename(decision: Decision) -> None:
    _update(decision, "name", str(decision.outcome.event.facts.get("name", ""))[:120])


def _move(decision: Decision) -> None:
    _update(decision, "address_lines", str(decision.outcome.event.facts.get("address", "")))


def _update(decision: Decision, field: str, value: str) -> None:
    if not value:
        raise InsolvencyRefused(_("L’annonce ne dit pas la nouvelle valeur : modifiez la fiche du client."))
    customer = Customer.objects.get(pk=decision.outcome.customer_id)
    before = getattr(customer, field)
    update_customer(actor=decision.actor, now=decision.now, customer=customer, **{field: value})
    decision.outcome.changes = {field: {"from": before, "to": value}}


def _proceeding(decision: Decision) -> InsolvencyProceeding:
    if decision.outcome.proceeding is None:
        raise InsolvencyRefused(_("Aucune procédure n’est suivie sur ce compte."))
    return locked_proceeding(decision.actor, decision.outcome.proceeding)


_STEPS: dict[str, Callable[[Decision], None]] = {
    "seen": _seen,
    "cancel": _cancel,
    "take_date": _take_date,
    "replace": _replace,
    "reactivate": _reactivate,
    "classify": _classify,
    "rename": _rename,
    "move": _move,
}
