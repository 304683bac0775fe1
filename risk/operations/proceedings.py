"""Opening a proceeding on an account and keeping what it needs: time limits, tasks, the frozen statement, the addressee.

Written inside the transaction of the operation that takes an announcement in or decides on it; never called alone.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from core import audit
from core.errors import BusinessError
from core.files import store_file
from core.jobs import kick
from core.legal_register import MissingLegalParameter, Register
from core.models import User
from core.rights import SYSTEM, Actor
from customers.models import Customer
from customers.operations import declare_insolvent
from risk.bodacc.representatives import Representative, representative_in
from risk.claim_statement import as_csv, frozen, statement_of
from risk.insolvency_rules import NewTask, TimeLimits, opening_tasks, time_limits
from risk.models import ClaimStatement, InsolvencyProceeding, LegalEvent, Procedure, ProceedingTask

HOLD_NOTICES = "dunning.tasks.hold_outdated_notices"
NO_LIMITS = TimeLimits(None, None, None, {})
Status = InsolvencyProceeding.Status


def live_proceeding(customer: Customer) -> InsolvencyProceeding | None:
    """The proceeding under way on the account, locked."""
    found: InsolvencyProceeding | None = (
        InsolvencyProceeding.objects.live().select_for_update(of=("self",)).filter(customer=customer).first()
    )
    return found


def open_proceeding(
    event: LegalEvent, customer: Customer, register: Register, *, today: date, now: datetime
) -> tuple[InsolvencyProceeding, list[str]]:
    """Open the proceeding of an account: stop its dunning, freeze its statement, set its limits and tasks.

    Returns it with the reasons why a person should look. The account is stopped by the house whoever took the
    announcement in: a judgment holds in every entity (C. com. L622-21).
    """
    reasons: list[str] = []
    customer = Customer.objects.select_for_update(of=("self",), no_key=True).select_related("legal_entity").get(
        pk=customer.pk
    )  # fmt: skip
    before, hold = customer.status, _hold_of(customer)
    judgment = event.judgment_date or event.publication_date
    if event.judgment_date is None:
        reasons.append("judgment_date_assumed")
    procedure = event.procedure or Procedure.UNKNOWN
    limits, missing = _limits(register, event.publication_date, procedure, abroad=False)
    reasons += missing
    reasons += _stop_dunning(customer, judgment, today=today, now=now)
    proposal = representative_in(event.complement)
    proceeding = InsolvencyProceeding.objects.create(
        customer=customer,
        procedure=procedure,
        opening=event,
        judgment_date=judgment,
        publication_date=event.publication_date,
        court=event.court,
        declare_by=limits.declare_by,
        reclaim_by=limits.reclaim_by,
        relief_by=limits.relief_by,
        limits_sources=limits.sources,
        customer_status_before=before,
        hold_before=hold,
        opened_at=now,
        updated_at=now,
        **_addressee(proposal),
    )
    add_tasks(proceeding, event, opening_tasks(limits, procedure=procedure), now=now)
    freeze_statement(proceeding, customer, register, now=now)
    audit.record(
        actor=SYSTEM,
        verb="risk.insolvency.opened",
        refs=[proceeding, customer, event],
        now=now,
        notice=event.notice_id,
        procedure=procedure,
        judgment_date=judgment.isoformat(),
        declare_by=limits.declare_by.isoformat() if limits.declare_by else None,
        account_before=before,
    )
    return proceeding, reasons


def _hold_of(customer: Customer) -> dict[str, Any]:
    if customer.status != Customer.Status.ON_HOLD:
        return {}
    return {
        "reason": customer.hold_reason,
        "until": customer.hold_until.isoformat() if customer.hold_until else None,
    }


def _limits(
    register: Register, publication: date, procedure: str, *, abroad: bool
) -> tuple[TimeLimits, list[str]]:
    try:
        return time_limits(register, publication, procedure=procedure, abroad=abroad), []
    except MissingLegalParameter:
        # The account is stopped all the same; the page says that its dates are missing.
        return NO_LIMITS, ["limits_missing"]


def _stop_dunning(customer: Customer, judgment: date, *, today: date, now: datetime) -> list[str]:
    if customer.status == Customer.Status.INSOLVENT:
        return [] if customer.insolvency_date == judgment else ["judgment_date_differs"]
    if customer.status == Customer.Status.CLOSED:
        return ["account_closed"]
    reasons = []
    if judgment > today:
        # Published before our clock reaches it: the account is stopped as of now, a person looks at the date.
        judgment = today
        reasons.append("judgment_to_come")
    declare_insolvent(actor=SYSTEM, now=now, today=today, customer=customer, judgment_date=judgment)
    kick(HOLD_NOTICES)
    return reasons


def _addressee(proposal: Representative | None) -> dict[str, str]:
    return {
        "representative_name": proposal.name if proposal else "",
        "representative_address": proposal.address if proposal else "",
        "representative_role": proposal.role if proposal else "",
    }


def propose_addressee(proceeding: InsolvencyProceeding, event: LegalEvent) -> bool:
    """Put the addressee that a later judgment names in place of the one known; whoever confirmed confirms again."""
    proposal = representative_in(event.complement)
    if proposal is None or proposal.name == proceeding.representative_name:
        return False
    for field, value in _addressee(proposal).items():
        setattr(proceeding, field, value)
    proceeding.representative_confirmed_by = None
    proceeding.representative_confirmed_at = None
    return True


def add_tasks(
    proceeding: InsolvencyProceeding, event: LegalEvent, tasks: Iterable[NewTask], *, now: datetime
) -> None:
    """The tasks that an event asks for, each once."""
    ProceedingTask.objects.bulk_create(
        [
            ProceedingTask(
                proceeding=proceeding,
                kind=task.kind,
                event=event,
                due_date=task.due_date,
                legal_source=task.legal_source,
                created_at=now,
            )
            for task in tasks
        ],
        ignore_conflicts=True,
    )


def drop_open_tasks(proceeding: InsolvencyProceeding, *, actor: Actor, note: str, now: datetime) -> int:
    """Nothing is left to do: the open tasks are set aside, with why."""
    return proceeding.tasks.filter(status=ProceedingTask.Status.OPEN).update(
        status=ProceedingTask.Status.DROPPED,
        note=note[:300],
        closed_at=now,
        closed_by=actor if isinstance(actor, User) else None,
    )


def freeze_statement(
    proceeding: InsolvencyProceeding,
    customer: Customer,
    register: Register,
    *,
    now: datetime,
    reason: str = "",
) -> ClaimStatement:
    """Keep the account as it stood at the eve of the judgment: values and CSV, with the hash of the file."""
    content = statement_of(customer, proceeding.judgment_date, register)
    version = proceeding.statements.count() + 1
    name = f"releve-{customer.account_code}-{content.as_of:%Y%m%d}-v{version}.csv"
    file = store_file(
        content=as_csv(content), name=name, kind="claim_statement", content_type="text/csv; charset=utf-8", now=now
    )  # fmt: skip
    return ClaimStatement.objects.create(
        proceeding=proceeding,
        version=version,
        as_of=content.as_of,
        judgment_date=proceeding.judgment_date,
        content=frozen(content, customer),
        file=file,
        made_at=now,
        reason=reason[:200],
    )


def set_limits(proceeding: InsolvencyProceeding, register: Register) -> list[str]:
    """Count the limits again, from the publication and the creditor's place; open tasks follow."""
    limits, reasons = _limits(
        register, proceeding.publication_date, proceeding.procedure, abroad=proceeding.is_creditor_abroad
    )
    proceeding.declare_by, proceeding.reclaim_by, proceeding.relief_by = (
        limits.declare_by,
        limits.reclaim_by,
        limits.relief_by,
    )
    proceeding.limits_sources = limits.sources
    for kind, day in (("DECLARE_CLAIM", limits.declare_by), ("RECLAIM_GOODS", limits.reclaim_by)):
        if day is not None:
            proceeding.tasks.filter(
                kind=kind, status=ProceedingTask.Status.OPEN, event=proceeding.opening
            ).update(due_date=day)
    return reasons


def refused(step: Any) -> str:
    """Run a step of a lower floor; the code of its refusal, empty when it went."""
    try:
        step()
    except BusinessError as error:
        return error.code
    return ""
