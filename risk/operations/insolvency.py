"""What people decide in insolvency proceedings: outcomes that wait, the addressee, the tasks, the end."""

from datetime import date, datetime
from typing import IO

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.files import store_file
from core.legal import register
from core.models import User
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import Customer
from customers.operations import change_judgment_date, hold_customer, lift_insolvency
from risk.insolvency_rules import NewTask, reply_by
from risk.models import EventOutcome, InsolvencyProceeding, ProceedingTask
from risk.operations.proceedings import add_tasks, drop_open_tasks, freeze_statement, set_limits

PROOF_TYPES = {"application/pdf": b"%PDF-", "image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff"}
PROOF_BYTES = 10 * 1024 * 1024
Status = InsolvencyProceeding.Status
Task = ProceedingTask.Status


class InsolvencyRefused(BusinessError):
    """The step cannot be taken so; `field` names the input at fault."""

    code = "insolvency_refused"


def locked_proceeding(actor: Actor, proceeding: InsolvencyProceeding) -> InsolvencyProceeding:
    """The proceeding, locked; outside the actor's scope it does not exist."""
    found: InsolvencyProceeding | None = (
        InsolvencyProceeding.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("customer__legal_entity", "opening")
        .filter(pk=proceeding.pk)
        .first()
    )
    if found is None:
        raise InsolvencyRefused(_("Cette procédure n’est pas dans votre périmètre."))
    return found


def reason_of(text: str, field: str = "note") -> str:
    """A reason on one line. Raises InsolvencyRefused when it is missing or too long."""
    reason = " ".join(text.split())
    if not reason:
        raise InsolvencyRefused(_("Indiquez le motif : il reste au journal."), field=field)
    if len(reason) > 200:
        raise InsolvencyRefused(_("Le motif compte 200 caractères au plus."), field=field)
    return reason


@operation("risk.watch")
def confirm_representative(
    *, actor: Actor, proceeding: InsolvencyProceeding, role: str, name: str, address: str, now: datetime
) -> InsolvencyProceeding:
    """Say who is written to, having checked it. Raises InsolvencyRefused without name or address."""
    proceeding = locked_proceeding(actor, proceeding)
    name, role = " ".join(name.split()), " ".join(role.split())
    lines = "\n".join(line for part in address.splitlines() if (line := " ".join(part.split())))
    if not name or len(name) > 200:
        raise InsolvencyRefused(_("Indiquez le nom du mandataire ou du liquidateur (200 caractères au plus)."), field="name")  # fmt: skip
    if not lines or len(lines) > 500:
        raise InsolvencyRefused(_("Indiquez l’adresse où la déclaration est envoyée."), field="address")
    before = [proceeding.representative_name, proceeding.representative_address]
    proceeding.representative_name, proceeding.representative_address = name, lines
    proceeding.representative_role = role[:60]
    proceeding.representative_confirmed_by = actor if isinstance(actor, User) else None
    proceeding.representative_confirmed_at = proceeding.updated_at = now
    proceeding.save()
    waiting = proceeding.tasks.filter(kind="CONFIRM_REPRESENTATIVE", status=Task.OPEN)
    waiting.update(
        status=Task.DONE,
        done_on=now.date(),
        closed_at=now,
        closed_by=proceeding.representative_confirmed_by,
        note=name[:300],
    )
    audit.record(
        actor=actor,
        verb="risk.insolvency.representative_confirmed",
        refs=[proceeding, proceeding.customer],
        now=now,
        before=before,
        after=[name, lines],
        role=role,
    )
    return proceeding


@operation("risk.watch")
def finish_task(
    *,
    actor: Actor,
    task: ProceedingTask,
    done_on: date,
    note: str,
    today: date,
    now: datetime,
    proof: IO[bytes] | None = None,
    proof_name: str = "",
) -> ProceedingTask:
    """Tick a task, on the day it was truly done: a declaration counts by its posting (CPC 668).

    A declaration made after its limit asks for relief from forclusion. Raises InsolvencyRefused: a day to come, or
    before the judgment, an unreadable proof; WrongState when the task is not open.
    """
    task, proceeding = _locked_task(actor, task)
    check_move(task, Task.DONE)
    if done_on > today:
        raise InsolvencyRefused(_("Cette date est à venir : indiquez le jour où la tâche a été faite."), field="done_on")  # fmt: skip
    if done_on < proceeding.judgment_date:
        raise InsolvencyRefused(_("Cette date précède le jugement d’ouverture."), field="done_on")
    if proof is not None:
        task.proof = _proof(proof, proof_name, now)
    task.status, task.done_on, task.closed_at = Task.DONE, done_on, now
    task.closed_by = actor if isinstance(actor, User) else None
    task.note = " ".join(note.split())[:300]
    task.save()
    if task.kind == ProceedingTask.Kind.DECLARE_CLAIM and task.due_date and done_on > task.due_date:
        add_tasks(
            proceeding,
            task.event,
            [NewTask("ASK_RELIEF", proceeding.relief_by, "C. com. L622-26")],
            now=now,
        )
    _tell_task(actor, task, proceeding, "task_done", now, done_on=done_on.isoformat(), note=task.note)
    return task


@operation("risk.watch")
def drop_task(*, actor: Actor, task: ProceedingTask, note: str, now: datetime) -> ProceedingTask:
    """Say that a task has no object here, and why."""
    task, proceeding = _locked_task(actor, task)
    check_move(task, Task.DROPPED)
    task.status, task.note, task.closed_at = Task.DROPPED, reason_of(note), now
    task.closed_by = actor if isinstance(actor, User) else None
    task.save()
    _tell_task(actor, task, proceeding, "task_dropped", now, note=task.note)
    return task


@operation("risk.watch")
def reopen_task(*, actor: Actor, task: ProceedingTask, note: str, now: datetime) -> ProceedingTask:
    """Take back a tick that was made by mistake."""
    task, proceeding = _locked_task(actor, task)
    check_move(task, Task.OPEN)
    reason = reason_of(note)
    task.status, task.done_on, task.closed_at, task.closed_by = Task.OPEN, None, None, None
    task.note = reason
    task.save()
    _tell_task(actor, task, proceeding, "task_reopened", now, note=reason)
    return task


@operation("risk.watch")
def record_dispute_letter(
    *, actor: Actor, proceeding: InsolvencyProceeding, received_on: date, today: date, now: datetime
) -> ProceedingTask:
    """Note the representative's letter that contests the claim: thirty days to answer, else no appeal (L622-27).

    Raises InsolvencyRefused for a day to come or before the judgment, MissingLegalParameter.
    """
    proceeding = locked_proceeding(actor, proceeding)
    if not proceeding.judgment_date <= received_on <= today:
        raise InsolvencyRefused(
            _("La lettre est reçue entre le jugement et aujourd’hui : vérifiez la date."), field="received_on"
        )
    until = reply_by(register(), received_on)
    task, created = ProceedingTask.objects.get_or_create(
        proceeding=proceeding,
        kind=ProceedingTask.Kind.ANSWER_DISPUTE,
        event=proceeding.opening,
        defaults={"due_date": until, "legal_source": "C. com. L622-27", "created_at": now},
    )
    if not created:
        if task.status == Task.OPEN and task.due_date == until:
            return task
        # Another letter: the time runs again from it.
        task.status, task.due_date = Task.OPEN, until
        task.done_on, task.closed_at, task.closed_by = None, None, None
        task.save()
    _tell_task(actor, task, proceeding, "dispute_received", now, received_on=received_on.isoformat(), until=until.isoformat())  # fmt: skip
    return task


@operation("risk.watch")
def change_proceeding(
    *,
    actor: Actor,
    proceeding: InsolvencyProceeding,
    judgment_date: date,
    is_creditor_abroad: bool,
    note: str,
    today: date,
    now: datetime,
) -> InsolvencyProceeding:
    """Put right the date of the judgment (a new version of the statement is frozen), or say that the creditor is
    established out of the court's territory (two more months to declare, R622-24). Raises InsolvencyRefused."""
    proceeding = locked_proceeding(actor, proceeding)
    reason = reason_of(note)
    _check_live(proceeding)
    if judgment_date > today:
        raise InsolvencyRefused(_("La date du jugement est à venir."), field="judgment_date")
    before = {
        "judgment_date": proceeding.judgment_date.isoformat(),
        "abroad": proceeding.is_creditor_abroad,
    }
    moved = judgment_date != proceeding.judgment_date
    if not moved and is_creditor_abroad == proceeding.is_creditor_abroad:
        return proceeding
    proceeding.judgment_date, proceeding.is_creditor_abroad = judgment_date, is_creditor_abroad
    proceeding.updated_at = now
    values = register()
    set_limits(proceeding, values)
    proceeding.save()
    if moved:
        take_judgment_date(proceeding, actor=actor, reason=reason, today=today, now=now)
        freeze_statement(proceeding, proceeding.customer, values, now=now, reason=reason)
    audit.record(
        actor=actor,
        verb="risk.insolvency.changed",
        refs=[proceeding, proceeding.customer],
        now=now,
        before=before,
        judgment_date=judgment_date.isoformat(),
        abroad=is_creditor_abroad,
        reason=reason,
    )
    return proceeding


def take_judgment_date(
    proceeding: InsolvencyProceeding, *, actor: Actor, reason: str, today: date, now: datetime
) -> None:
    """Give the account the proceeding's day, where it is in insolvency at all."""
    customer = Customer.objects.get(pk=proceeding.customer_id)
    if customer.status == Customer.Status.INSOLVENT:
        change_judgment_date(
            actor=actor,
            now=now,
            today=today,
            customer=customer,
            judgment_date=proceeding.judgment_date,
            reason=reason,
        )


@operation("risk.watch")
def cancel_proceeding(
    *, actor: Actor, proceeding: InsolvencyProceeding, note: str, today: date, now: datetime
) -> InsolvencyProceeding:
    """Confirm that a proceeding never was (annulled notice, another company): what it stopped goes on again.

    The account gets back the state it had, its hold included. Raises InsolvencyRefused without a reason.
    """
    proceeding = locked_proceeding(actor, proceeding)
    reason = reason_of(note)
    check_move(proceeding, Status.CANCELLED)
    proceeding.status, proceeding.updated_at = Status.CANCELLED, now
    proceeding.save()
    drop_open_tasks(proceeding, actor=actor, note=reason, now=now)
    _give_back(proceeding, actor=actor, reason=reason, today=today, now=now)
    waiting = EventOutcome.objects.filter(proceeding=proceeding, status=EventOutcome.Status.TO_REVIEW)
    waiting.update(
        status=EventOutcome.Status.SET_ASIDE,
        decided_by=actor if isinstance(actor, User) else None,
        decided_at=now,
        decision_note=reason,
    )
    audit.record(
        actor=actor,
        verb="risk.insolvency.cancelled",
        refs=[proceeding, proceeding.customer, proceeding.opening],
        now=now,
        reason=reason,
        account_back_to=proceeding.customer_status_before,
    )
    return proceeding


def _give_back(
    proceeding: InsolvencyProceeding, *, actor: Actor, reason: str, today: date, now: datetime
) -> None:
    customer = Customer.objects.get(pk=proceeding.customer_id)
    before = proceeding.customer_status_before
    if customer.status != Customer.Status.INSOLVENT or before == Customer.Status.INSOLVENT:
        return
    lift_insolvency(actor=actor, now=now, customer=customer, reason=reason, was_never=True)
    if before == Customer.Status.ON_HOLD:
        until = proceeding.hold_before.get("until")
        day = date.fromisoformat(until) if until else None
        if day is None or day >= today:
            hold_customer(
                actor=actor,
                now=now,
                today=today,
                customer=customer,
                reason=str(proceeding.hold_before.get("reason") or reason),
                until=day,
            )


@operation("risk.watch")
def reactivate_customer(
    *, actor: Actor, proceeding: InsolvencyProceeding, note: str, now: datetime
) -> InsolvencyProceeding:
    """After an end that lets the debts be claimed or paid them, make the account active again, with the reason."""
    proceeding = locked_proceeding(actor, proceeding)
    reason = reason_of(note)
    if proceeding.status != Status.CLOSED:
        raise InsolvencyRefused(
            _("La procédure n’est pas clôturée : le compte reste en procédure collective.")
        )
    lift_insolvency(actor=actor, now=now, customer=proceeding.customer, reason=reason)
    audit.record(
        actor=actor,
        verb="risk.insolvency.account_reactivated",
        refs=[proceeding, proceeding.customer],
        now=now,
        reason=reason,
    )
    return proceeding


def _check_live(proceeding: InsolvencyProceeding) -> None:
    if proceeding.status not in (Status.OPEN, Status.PLAN):
        raise InsolvencyRefused(_("Cette procédure est terminée : elle ne change plus."))


def _locked_task(actor: Actor, task: ProceedingTask) -> tuple[ProceedingTask, InsolvencyProceeding]:
    proceeding = locked_proceeding(actor, task.proceeding)
    return ProceedingTask.objects.select_for_update(of=("self",)).get(pk=task.pk), proceeding


def _proof(proof: IO[bytes], name: str, now: datetime):  # type: ignore[no-untyped-def]
    content = proof.read(PROOF_BYTES + 1)
    if len(content) > PROOF_BYTES:
        raise InsolvencyRefused(_("La preuve dépasse 10 Mo."), field="proof")
    found = next((kind for kind, head in PROOF_TYPES.items() if content.startswith(head)), "")
    if not found:
        raise InsolvencyRefused(_("La preuve est un PDF ou une image (PNG, JPEG)."), field="proof")
    return store_file(content=content, name=name or "preuve", kind="insolvency_proof", content_type=found, now=now)  # fmt: skip


def _tell_task(
    actor: Actor,
    task: ProceedingTask,
    proceeding: InsolvencyProceeding,
    what: str,
    now: datetime,
    **data: object,
) -> None:
    audit.record(
        actor=actor,
        verb=f"risk.insolvency.{what}",
        refs=[proceeding, proceeding.customer, task],
        now=now,
        task=task.kind,
        due_date=task.due_date.isoformat() if task.due_date else None,
        **data,
    )
