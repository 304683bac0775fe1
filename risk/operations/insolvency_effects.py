"""What an announcement does to an account: applied at once where the law leaves no choice, else left to a person.

Each function takes the event, the account and what is under way there, and returns a status with its reasons.
Announcements come late, twice, and in any order: what contradicts what is known changes nothing and says why.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from core import audit
from core.legal_register import MissingLegalParameter, Register
from core.rights import SYSTEM
from customers.models import Customer
from risk.insolvency_rules import (
    NewTask,
    closure_tasks,
    conversion_tasks,
    merged,
    state_of_claims_tasks,
)
from risk.models import EventOutcome, InsolvencyProceeding, LegalEvent, Procedure
from risk.operations.proceedings import (
    add_tasks,
    drop_open_tasks,
    freeze_statement,
    live_proceeding,
    open_proceeding,
    propose_addressee,
    set_limits,
)

Kind, Status, Type = LegalEvent.Kind, EventOutcome.Status, LegalEvent.NoticeType
Proceeding = InsolvencyProceeding.Status
# An opening published so long ago has most often ended since, in a notice that nobody took in.
OLD = timedelta(days=3 * 365)


@dataclass
class Setting:
    """What the effects share."""

    register: Register
    today: date
    now: datetime


@dataclass
class Effect:
    """What came of an event on one account."""

    status: str
    reasons: list[str] = field(default_factory=list)
    proceeding: InsolvencyProceeding | None = None


def apply_to(event: LegalEvent, customer: Customer, setting: Setting) -> EventOutcome:
    """Apply an event to an account, once: a second call returns what the first wrote."""
    known = EventOutcome.objects.filter(event=event, customer=customer).first()
    if known is not None:
        return known
    if event.annulled_on is not None:
        effect = Effect(Status.NOTED, ["annulled_before"])
    elif _corrected_before(event):
        effect = Effect(Status.NOTED, ["corrected_before"], live_proceeding(customer))
    elif event.notice_type == Type.CANCELLATION:
        effect = _cancellation(event, customer, setting)
    elif event.notice_type == Type.CORRECTION and event.earlier is not None:
        effect = _correction(event, customer, setting)
    else:
        effect = _EFFECTS.get(event.kind, _directory_fact)(event, customer, setting)
        if event.notice_type == Type.CORRECTION and event.kind in LegalEvent.JUDGMENTS:
            effect = Effect(Status.TO_REVIEW, [*effect.reasons, "earlier_unknown"], effect.proceeding)
    if event.doubts and effect.status == Status.APPLIED and event.kind in LegalEvent.JUDGMENTS:
        effect.status = Status.TO_REVIEW
    outcome = EventOutcome.objects.create(
        event=event,
        customer=customer,
        proceeding=effect.proceeding,
        status=effect.status,
        reasons=merged(effect.reasons, event.doubts),
        recorded_at=setting.now,
    )
    audit.record(
        actor=SYSTEM,
        verb="risk.legal_event.received",
        refs=[event, customer, *([effect.proceeding] if effect.proceeding else [])],
        now=setting.now,
        notice=event.notice_id,
        kind=event.kind,
        status=effect.status,
        reasons=outcome.reasons,
    )
    return outcome


def apply_as(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    """What an event does, its class having been settled by a person."""
    return _EFFECTS.get(event.kind, _directory_fact)(event, customer, setting)


def _corrected_before(event: LegalEvent) -> bool:
    """Whether its correction was taken in first, and applied in its place."""
    return LegalEvent.objects.filter(
        source=event.source, notice_type=Type.CORRECTION, facts__earlier_notice=event.notice_id, earlier=None
    ).exists()


def _opening(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    live = live_proceeding(customer)
    if live is not None:
        return _second_opening(event, live)
    judged = event.judgment_date or event.publication_date
    ended = (
        InsolvencyProceeding.objects.filter(customer=customer, judgment_date=judged)
        .exclude(status__in=("OPEN", "PLAN"))
        .first()
    )
    if ended is not None:
        # The same judgment, published again: it is not opened a second time.
        if ended.status == Proceeding.CANCELLED:
            return Effect(Status.TO_REVIEW, ["cancelled_before"], ended)
        return Effect(Status.NOTED, ["already_closed"], ended)
    proceeding, reasons = open_proceeding(
        event, customer, setting.register, today=setting.today, now=setting.now
    )
    ends = events_of(customer).filter(kind=Kind.CLOSURE, annulled_on__isnull=True, judgment_date__gte=judged)
    if ends.exists():
        reasons.append("closure_known")
    if judged < setting.today - OLD:
        reasons.append("old_opening")
    return Effect(Status.TO_REVIEW if reasons else Status.APPLIED, reasons, proceeding)


def _second_opening(event: LegalEvent, live: InsolvencyProceeding) -> Effect:
    same_day = event.judgment_date in (None, live.judgment_date)
    same_procedure = event.procedure in ("", Procedure.UNKNOWN, live.procedure)
    if same_day and same_procedure:
        return Effect(Status.NOTED, ["already_open"], live)
    reason = "second_opening_before" if (event.judgment_date or event.publication_date) < live.judgment_date else "second_opening"  # fmt: skip
    return Effect(Status.TO_REVIEW, [reason], live)


def _extension(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    """The proceedings of another debtor reach this one: for his creditors it is an opening."""
    live = live_proceeding(customer)
    if live is not None:
        return Effect(Status.TO_REVIEW, ["extension_of_open"], live)
    return _opening(event, customer, setting)


def _conversion(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    live = live_proceeding(customer)
    if live is None:
        proceeding, reasons = open_proceeding(
            event, customer, setting.register, today=setting.today, now=setting.now
        )
        return Effect(Status.TO_REVIEW, ["opening_unknown", *reasons], proceeding)
    judged = event.judgment_date or event.publication_date
    if judged < live.judgment_date:
        return Effect(Status.TO_REVIEW, ["before_opening"], live)
    if event.procedure == live.procedure and live.conversion_date is not None:
        return Effect(Status.NOTED, ["already_converted"], live)
    reasons = _convert(live, event, judged, setting)
    return Effect(Status.TO_REVIEW if reasons else Status.APPLIED, reasons, live)


def _convert(live: InsolvencyProceeding, event: LegalEvent, judged: date, setting: Setting) -> list[str]:
    """Another procedure, another addressee, the tasks that come with it."""
    reasons: list[str] = []
    live.procedure = event.procedure or live.procedure
    live.conversion_date = judged
    live.status = Proceeding.OPEN
    live.court = event.court or live.court
    propose_addressee(live, event)
    # Whoever was written to before is no longer the one: the address is confirmed anew.
    live.representative_confirmed_by, live.representative_confirmed_at = None, None
    _save(live, setting)
    try:
        tasks = conversion_tasks(setting.register, event.publication_date, procedure=live.procedure)
    except MissingLegalParameter:
        reasons.append("limits_missing")
        tasks = [NewTask("CONFIRM_REPRESENTATIVE"), NewTask("WRITE_TO_LIQUIDATOR")]
    add_tasks(live, event, tasks, now=setting.now)
    _told(live, event, "converted", setting)
    return reasons


def _plan(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    live = live_proceeding(customer)
    if live is None:
        return Effect(Status.TO_REVIEW, ["no_proceeding"])
    if (event.judgment_date or event.publication_date) < live.judgment_date:
        return Effect(Status.TO_REVIEW, ["before_opening"], live)
    if live.status == Proceeding.PLAN:
        return Effect(Status.NOTED, ["already_planned"], live)
    live.status = Proceeding.PLAN
    _save(live, setting)
    add_tasks(live, event, [NewTask("RECORD_DIVIDENDS", None, "C. com. L626-10, L631-19")], now=setting.now)
    _told(live, event, "planned", setting)
    return Effect(Status.APPLIED, [], live)


def _plan_change(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    live = live_proceeding(customer)
    if live is not None:
        add_tasks(live, event, [NewTask("REVIEW_NOTICE")], now=setting.now)
    return Effect(Status.TO_REVIEW, ["plan_changed"], live)


def _plan_failure(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    """A new procedure opens with its own limits; who had declared is spared it (C. com. L626-27): a person looks."""
    live = live_proceeding(customer)
    if live is None:
        if not event.procedure:
            return Effect(Status.TO_REVIEW, ["no_proceeding", "plan_failed"])
        proceeding, reasons = open_proceeding(
            event, customer, setting.register, today=setting.today, now=setting.now
        )
        return Effect(Status.TO_REVIEW, ["opening_unknown", "plan_failed", *reasons], proceeding)
    if not event.procedure:
        add_tasks(live, event, [NewTask("REVIEW_NOTICE")], now=setting.now)
        return Effect(Status.TO_REVIEW, ["plan_failed"], live)
    reasons = _convert(live, event, event.judgment_date or event.publication_date, setting)
    live.publication_date = event.publication_date
    reasons += set_limits(live, setting.register)
    _save(live, setting)
    if live.declare_by:
        add_tasks(
            live,
            event,
            [NewTask("DECLARE_CLAIM", live.declare_by, "C. com. L626-27, R622-24")],
            now=setting.now,
        )
    return Effect(Status.TO_REVIEW, ["plan_failed", *reasons], live)


def _closure(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    live = live_proceeding(customer)
    if live is None:
        closed = InsolvencyProceeding.objects.filter(customer=customer, status=Proceeding.CLOSED)
        if closed.filter(closed_on=event.judgment_date or event.publication_date).exists():
            return Effect(Status.NOTED, ["already_closed"])
        return Effect(Status.TO_REVIEW, ["closure_before_opening"])
    closed_on = event.judgment_date or event.publication_date
    if closed_on < live.judgment_date:
        return Effect(Status.TO_REVIEW, ["before_opening"], live)
    live.status, live.closed_on, live.closure = Proceeding.CLOSED, closed_on, event.closure
    _save(live, setting)
    drop_open_tasks(live, actor=SYSTEM, note=event.notice_id, now=setting.now)
    add_tasks(live, event, closure_tasks(event.closure), now=setting.now)
    _told(live, event, "closed", setting)
    if event.closure in (LegalEvent.Closure.INSUFFICIENT_ASSETS, LegalEvent.Closure.DEBTS_ERASED):
        return Effect(Status.APPLIED, [], live)
    # The debts may be claimed again, or were paid: a person says what the account becomes.
    return Effect(Status.TO_REVIEW, ["account_after_closure"], live)


def _admin(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    live = live_proceeding(customer)
    if live is None:
        return Effect(Status.NOTED, ["no_proceeding"])
    if "bodies_changed" in event.doubts:
        if live.representative_confirmed_at is None and propose_addressee(live, event):
            _save(live, setting)
        add_tasks(live, event, [NewTask("CONFIRM_REPRESENTATIVE")], now=setting.now)
        return Effect(Status.TO_REVIEW, [], live)
    if "creances" in event.nature.lower().replace("é", "e"):
        try:
            add_tasks(
                live, event, state_of_claims_tasks(setting.register, event.publication_date), now=setting.now
            )
        except MissingLegalParameter:
            return Effect(Status.TO_REVIEW, ["limits_missing"], live)
    return Effect(Status.NOTED, [], live)


def _person_decides(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    live = live_proceeding(customer)
    if live is not None:
        add_tasks(live, event, [NewTask("REVIEW_NOTICE")], now=setting.now)
    return Effect(Status.TO_REVIEW, [], live)


def _directory_fact(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    """Facts of the register are shown; the record changes by a person alone."""
    if event.kind == Kind.RENAMED:
        same = str(event.facts.get("name", "")).casefold() == customer.name.casefold()
        return Effect(Status.NOTED, ["already_so"]) if same else Effect(Status.TO_REVIEW)
    if event.kind == Kind.MOVED and not event.facts.get("address"):
        return Effect(Status.TO_REVIEW, ["address_missing"])
    if event.kind in (Kind.MOVED, Kind.STRIKE_OFF, Kind.CEASED, Kind.REVIVED, Kind.CONCILIATION, Kind.SALE):
        return Effect(Status.TO_REVIEW)
    return Effect(Status.NOTED)


def _cancellation(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    """Nothing is undone by itself: what the cancelled notice did goes back to a person, with its reason."""
    if event.earlier is None:
        return Effect(Status.TO_REVIEW, ["earlier_unknown"])
    reopened = reopen_outcome(event.earlier, customer, "annulled", setting)
    return Effect(Status.TO_REVIEW, ["cancels"], reopened)


def reopen_outcome(
    earlier: LegalEvent, customer: Customer, reason: str, setting: Setting
) -> InsolvencyProceeding | None:
    """Give the outcome of an earlier notice back to a person; its proceeding when it opened or moved one."""
    outcome = (
        EventOutcome.objects.select_for_update(of=("self",)).filter(event=earlier, customer=customer).first()
    )
    if outcome is None:
        return None
    if outcome.status in (Status.APPLIED, Status.NOTED):
        outcome.status = Status.TO_REVIEW
    outcome.reasons = merged(outcome.reasons, [reason])
    outcome.save(update_fields=["status", "reasons"])
    return outcome.proceeding


def _correction(event: LegalEvent, customer: Customer, setting: Setting) -> Effect:
    """The earlier notice is read again as corrected. The limits already counted stay: the earlier ones are safer."""
    earlier = event.earlier
    assert earlier is not None
    opened = (
        InsolvencyProceeding.objects.select_for_update(of=("self",))
        .filter(customer=customer, opening=earlier, status__in=("OPEN", "PLAN"))
        .first()
    )
    if opened is None or event.kind not in (Kind.OPENING, Kind.CONVERSION, Kind.EXTENSION, Kind.UNKNOWN):
        if event.kind == earlier.kind:
            known = EventOutcome.objects.filter(event=earlier, customer=customer).first()
            if known is not None:
                return Effect(Status.TO_REVIEW, ["corrects"], known.proceeding)
        return _EFFECTS.get(event.kind, _directory_fact)(event, customer, setting)
    if event.kind != earlier.kind:
        reopen_outcome(earlier, customer, "corrected_otherwise", setting)
        return Effect(Status.TO_REVIEW, ["corrects", "kind_corrected"], opened)
    changed = []
    if event.procedure not in ("", Procedure.UNKNOWN, opened.procedure):
        opened.procedure = event.procedure
        changed.append("procedure_corrected")
    if event.judgment_date is not None and event.judgment_date != opened.judgment_date:
        opened.judgment_date = event.judgment_date
        changed.append("judgment_date_corrected")
    if propose_addressee(opened, event):
        changed.append("addressee_corrected")
    opened.court = event.court or opened.court
    _save(opened, setting)
    if "judgment_date_corrected" in changed:
        freeze_statement(opened, customer, setting.register, now=setting.now, reason=event.notice_id)
    _told(opened, event, "corrected", setting, changed=changed)
    # The customer's own date follows by the person who looks (`decide_outcome`).
    return Effect(Status.TO_REVIEW if changed else Status.NOTED, ["corrects", *changed], opened)


def events_of(customer: Customer) -> "QuerySet[LegalEvent]":
    """The events of an account: those of its SIREN, and those that a person attached to it."""
    attached = LegalEvent.objects.filter(customer=customer)
    return attached | LegalEvent.objects.filter(siren=customer.siren) if customer.siren else attached


def _save(proceeding: InsolvencyProceeding, setting: Setting) -> None:
    proceeding.updated_at = setting.now
    proceeding.save()


def _told(
    proceeding: InsolvencyProceeding, event: LegalEvent, what: str, setting: Setting, **data: object
) -> None:
    audit.record(
        actor=SYSTEM,
        verb=f"risk.insolvency.{what}",
        refs=[proceeding, proceeding.customer, event],
        now=setting.now,
        notice=event.notice_id,
        procedure=proceeding.procedure,
        **data,
    )


_EFFECTS: dict[str, Callable[[LegalEvent, Customer, Setting], Effect]] = {
    Kind.OPENING: _opening,
    Kind.EXTENSION: _extension,
    Kind.CONVERSION: _conversion,
    Kind.PLAN: _plan,
    Kind.PLAN_CHANGE: _plan_change,
    Kind.PLAN_FAILURE: _plan_failure,
    Kind.CLOSURE: _closure,
    Kind.ADMIN: _admin,
    Kind.APPEAL: _person_decides,
    Kind.UNKNOWN: _person_decides,
}
