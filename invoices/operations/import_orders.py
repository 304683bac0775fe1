"""The orders that people give on a previewed or committed batch: confirm, commit, approve, return, take back.

Each only moves the state and says who did it; workers do the work that the state asks for.
"""

from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import audit
from core.errors import BusinessError, WrongState
from core.jobs import kick
from core.models import User
from core.operation import operation
from core.rights import Actor, has_permission
from core.states import check_move
from invoices.import_dependents import rollback_dependents
from invoices.models import ImportBatch, ImportConfirmation
from invoices.operations.import_preview import accept_due_before_issue
from invoices.suspicion_messages import suspicion_label

COMMIT_TASK = "invoices.tasks.commit_batches"
ROLLBACK_TASK = "invoices.tasks.roll_back_batches"
# Rows that only this one keeps in error may also be left out with the other rejects.
DUE_BEFORE_ISSUE = "due_before_issue"
Status = ImportBatch.Status


class NothingToCommit(BusinessError):
    """No row of the batch would change the ledger."""

    code = "nothing_to_commit"


class RejectsNotAccepted(BusinessError):
    """Rows are in error and nobody has said that they may be left out."""

    code = "rejects_not_accepted"


class SuspicionsNotConfirmed(BusinessError):
    """Something in the batch is suspicious and nobody has said that it is right."""

    code = "suspicions_not_confirmed"


class SamePerson(BusinessError):
    """Who asked for a batch to be written does not approve it."""

    code = "same_person"


class RollbackRefused(BusinessError):
    """A batch cannot be taken back: too late, no reason, or something later depends on it."""

    code = "rollback_refused"


class NotInScope(BusinessError):
    """The batch or the legal entity is not in the actor's scope."""

    code = "not_in_scope"


@operation("invoices.import")
def confirm_suspicion(*, actor: Actor, batch: ImportBatch, code: str, now: datetime) -> ImportBatch:
    """Say that one kind of suspicion of a previewed batch is right. A second time changes nothing.

    `due_before_issue` takes the rows concerned in, due on the day of issue. Raises BusinessError for a suspicion
    that the batch does not have, or an actor who is no person; WrongState unless the batch is PREVIEWED.
    """
    locked = locked_batch(actor, batch.pk)
    check_move(locked, Status.TO_APPROVE)
    if not isinstance(actor, User) or not has_permission(actor, "core.use_site"):
        raise BusinessError(
            _("Un point douteux est confirmé par une personne, à l’écran."), code="person_needed"
        )
    if code not in {suspicion["code"] for suspicion in locked.suspicions}:
        raise BusinessError(
            _("Ce lot n’a pas ce point douteux. Rechargez la page."), code="suspicion_unknown", field="code"
        )
    _row, is_new = ImportConfirmation.objects.get_or_create(
        batch=locked, code=code, defaults={"confirmed_by": actor, "confirmed_at": now}
    )
    if not is_new:
        return locked
    if code == DUE_BEFORE_ISSUE:
        accept_due_before_issue(locked, timezone.localdate(now))
    locked.updated_at = now
    locked.save()
    audit.record(
        actor=actor,
        verb="invoices.batch.suspicion_confirmed",
        refs=[locked, locked.legal_entity],
        now=now,
        code=code,
    )
    return locked


@operation("invoices.import")
def commit_batch(
    *, actor: Actor, batch: ImportBatch, accept_rejects: bool, today: date, now: datetime
) -> ImportBatch:
    """Order what a previewed batch would change to be written; a worker writes it at once.

    When much money moves on suspicious rows, the batch waits TO_APPROVE for another person first. Raises WrongState
    when somebody was quicker, RejectsNotAccepted while rows in error are not expressly left out,
    SuspicionsNotConfirmed, NothingToCommit when the ledger would stay as it is.
    """
    locked = locked_batch(actor, batch.pk)
    if locked.status == Status.TO_APPROVE:
        raise WrongState(_("Ce lot attend déjà l’approbation d’une autre personne."), field="status")
    check_move(locked, Status.COMMITTING)
    if not locked.new_count + locked.changed_count + locked.cleared_count:
        raise NothingToCommit(_("Ce lot ne change rien : il n’y a rien à enregistrer."))
    if locked.error_count and not accept_rejects:
        raise RejectsNotAccepted(
            ngettext(
                "%(count)d ligne est en erreur. Corrigez le fichier, ou cochez la case pour la laisser de côté.",
                "%(count)d lignes sont en erreur. Corrigez le fichier, ou cochez la case pour les laisser de côté.",
                locked.error_count,
            )
            % {"count": locked.error_count},
            field="accept_rejects",
        )
    _check_confirmed(locked)
    waits = locked.needs_second_person
    locked.status = Status.TO_APPROVE if waits else Status.COMMITTING
    locked.accept_rejects, locked.attempts, locked.updated_at = accept_rejects, 0, now
    locked.requested_by, locked.committed_by = person(actor), None if waits else person(actor)
    locked.error_code, locked.error_params = "", {}
    locked.save()
    verb = "invoices.batch.approval_asked" if waits else "invoices.batch.approved"
    _record_order(actor, verb, locked, today, now)
    if not waits:
        kick(COMMIT_TASK)
    return locked


@operation("invoices.approve_import")
def approve_batch(*, actor: Actor, batch: ImportBatch, today: date, now: datetime) -> ImportBatch:
    """The second person lets a batch be written; when a machine asked for it, the first is who confirmed its doubts.

    Raises SamePerson, WrongState.
    """
    locked = _waiting_for_approval(actor, batch)
    if not isinstance(actor, User) or actor.pk == locked.requested_by_id:
        raise SamePerson(_("Vous avez demandé cet enregistrement : une autre personne doit l’approuver."))
    asked_by = locked.requested_by
    by_person = asked_by is not None and has_permission(asked_by, "core.use_site")
    if not by_person and locked.confirmations.filter(confirmed_by=actor).exists():
        raise SamePerson(
            _("Vous avez confirmé les points douteux de ce lot : une autre personne doit l’approuver.")
        )
    locked.status, locked.committed_by = Status.COMMITTING, actor
    locked.attempts, locked.updated_at = 0, now
    locked.save()
    _record_order(actor, "invoices.batch.approved", locked, today, now)
    kick(COMMIT_TASK)
    return locked


@operation("invoices.approve_import")
def return_batch(*, actor: Actor, batch: ImportBatch, reason: str, now: datetime) -> ImportBatch:
    """Send a batch that waits for approval back to its preview, saying why. Raises WrongState, BusinessError."""
    locked = _waiting_for_approval(actor, batch)
    reason = " ".join(reason.split())
    if not reason:
        raise BusinessError(_("Indiquez pourquoi le lot est renvoyé."), code="reason_missing", field="reason")
    locked.status, locked.requested_by, locked.updated_at = Status.PREVIEWED, None, now
    locked.save()
    audit.record(
        actor=actor,
        verb="invoices.batch.returned",
        refs=[locked, locked.legal_entity],
        now=now,
        reason=reason[:200],
    )
    return locked


@operation("invoices.undo_import")
def request_rollback(*, actor: Actor, batch: ImportBatch, reason: str, now: datetime) -> ImportBatch:
    """Order a committed batch to be taken back, all of it; a worker does it at once.

    Raises WrongState, RollbackRefused without a reason, after `ImportBatch.UNDO_DAYS` or while something later
    depends on what the batch wrote (the message names it).
    """
    locked = locked_batch(actor, batch.pk)
    check_move(locked, Status.ROLLING_BACK)
    reason = " ".join(reason.split())
    if not reason:
        raise RollbackRefused(_("Indiquez pourquoi le lot est retiré."), field="reason")
    assert locked.committed_at is not None
    if now > locked.committed_at + timedelta(days=ImportBatch.UNDO_DAYS):
        raise RollbackRefused(
            _("Un lot se retire dans les %(days)d jours. Celui-ci date du %(day)s : passez des avoirs.")
            % {"days": ImportBatch.UNDO_DAYS, "day": f"{locked.committed_at:%d/%m/%Y}"},
            code="rollback_too_late",
        )
    dependents = rollback_dependents(locked)
    if dependents:
        raise RollbackRefused(
            _("Ce lot ne peut plus être retiré : %(dependents)s.")
            % {"dependents": ", ".join(str(dependent) for dependent in dependents)},
            code="rollback_blocked",
        )
    locked.status, locked.rolled_back_by = Status.ROLLING_BACK, person(actor)
    locked.rollback_reason, locked.attempts, locked.updated_at = reason[:200], 0, now
    locked.error_code, locked.error_params = "", {}
    locked.save()
    audit.record(
        actor=actor,
        verb="invoices.batch.rollback_asked",
        refs=[locked, locked.legal_entity],
        now=now,
        reason=locked.rollback_reason,
    )
    kick(ROLLBACK_TASK)
    return locked


def locked_batch(actor: Actor, batch_id: int) -> ImportBatch:
    """The batch, locked, if it is in the actor's scope. Raises NotInScope."""
    batch = (
        ImportBatch.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("legal_entity", "file", "profile")
        .filter(pk=batch_id)
        .first()
    )
    if batch is None:
        raise NotInScope(_("Ce lot n’est pas dans votre périmètre."))
    return batch


def person(actor: Actor) -> User | None:
    """The actor when it is a person."""
    return actor if isinstance(actor, User) else None


def _waiting_for_approval(actor: Actor, batch: ImportBatch) -> ImportBatch:
    locked = locked_batch(actor, batch.pk)
    if locked.status != Status.TO_APPROVE:
        raise WrongState(_("Ce lot n’attend pas d’approbation. Rechargez la page."), field="status")
    return locked


def _check_confirmed(batch: ImportBatch) -> None:
    confirmed = set(batch.confirmations.values_list("code", flat=True)) | {DUE_BEFORE_ISSUE}
    missing = [suspicion for suspicion in batch.suspicions if suspicion["code"] not in confirmed]
    if missing:
        raise SuspicionsNotConfirmed(
            _("Confirmez d’abord chaque point douteux : %(codes)s.")
            % {"codes": ", ".join(suspicion_label(suspicion["code"]) for suspicion in missing)}
        )


def _record_order(actor: Actor, verb: str, batch: ImportBatch, today: date, now: datetime) -> None:
    audit.record(
        actor=actor,
        verb=verb,
        refs=[batch, batch.legal_entity],
        now=now,
        business_date=today.isoformat(),
        new=batch.new_count,
        changed=batch.changed_count,
        cleared=batch.cleared_count,
        errors=batch.error_count,
    )
