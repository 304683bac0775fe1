"""Deciding on limit requests: others than who asked, as many as the policy wants, each once."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core import audit
from core.errors import WrongState
from core.models import User
from core.money import format_amount, round_money
from core.operation import operation
from core.rights import Actor, roles_of
from core.states import check_move
from risk.approval_rules import missing_roles, role_to_sign_with
from risk.credit_policies import roles_required
from risk.limit_rules import Refusal
from risk.models import LimitApproval, LimitRequest
from risk.operations.limit_requests import locked_request
from risk.operations.limit_writing import (
    REASON_LENGTH,
    Grant,
    LimitRefused,
    check_values,
    standing_of,
    write_limit,
)

TEXT_LENGTH = 500
Verdict, Status = LimitApproval.Verdict, LimitRequest.Status


class ChangedMeanwhile(WrongState):
    """Somebody else has answered since the page was read."""

    code = "changed_meanwhile"


@operation("risk.decide_limit")
def approve_request(
    *,
    actor: Actor,
    request_id: int,
    amount: Decimal,
    seen_approvals: int,
    today: date,
    now: datetime,
    conditions: str = "",
    note: str = "",
) -> LimitRequest:
    """Approve a request, for its amount or less. The last approval wanted writes the limit.

    An approval holds for the amount it names: whoever comes next may lower it, and the policy then wants what that
    lower amount wants. `seen_approvals` is how many answers the person saw. Raises LimitRefused: own request, a
    second approval by the same person, nobody of his role is waited for, an amount above what is asked or already
    granted; ChangedMeanwhile; WrongState once it is decided.
    """
    request, given = _to_decide(actor, request_id, seen_approvals)
    assert isinstance(actor, User)
    most = request.amount if request.approved_amount is None else request.approved_amount
    if not amount.is_finite() or amount < 0 or amount > most or round_money(amount) != amount:
        raise LimitRefused(
            _("Accordez %(most)s au plus, au centime près.")
            % {"most": format_amount(most, request.currency)},
            field="amount",
        )
    required = roles_required(request.policy, amount, request.currency)
    role = _role_of(actor, request, given, required)
    conditions = _short(conditions, "conditions") or request.conditions
    LimitApproval.objects.create(
        request=request,
        approver=actor,
        role=role,
        verdict=Verdict.APPROVED,
        amount=amount,
        note=_short(note, "note"),
        decided_at=now,
    )
    left = missing_roles(required, [*(row.role for row in given), role])
    target = Status.IN_APPROVAL if left else Status.APPROVED
    if request.status != target:
        check_move(request, target)
    request.status, request.approved_amount, request.conditions = target, amount, conditions
    request.required_roles, request.approvals_required = list(required), len(required)
    request.decided_at = None if left else now
    request.save(
        update_fields=[
            "status", "approved_amount", "conditions", "required_roles", "approvals_required", "decided_at",
        ]
    )  # fmt: skip
    audit.record(
        actor=actor,
        verb="risk.limit_request.seconded" if left else "risk.limit_request.approved",
        refs=[request, request.customer],
        now=now,
        amount=str(amount),
        currency=request.currency,
        asked=str(request.amount),
        role=role,
        conditions=conditions,
        note=note.strip(),
        waits_for=list(left),
    )
    if not left:
        _write(actor, request, today, now)
    return request


def _write(actor: Actor, request: LimitRequest, today: date, now: datetime) -> None:
    assert request.approved_amount is not None
    standing = standing_of(request.customer_id, request.scope)
    grant = Grant(
        amount=request.approved_amount,
        currency=request.currency,
        reason=request.reason[:REASON_LENGTH],
        kind=request.kind,
        scope=request.scope,
        basis=request.basis,
        expires_on=request.expires_on,
        conditions=request.conditions,
    )
    check_values(request.customer, grant, standing, request.policy, today)
    write_limit(
        actor=actor,
        customer=request.customer,
        grant=grant,
        standing=standing,
        policy=request.policy,
        today=today,
        now=now,
        request=request,
    )


@operation("risk.decide_limit")
def refuse_request(
    *,
    actor: Actor,
    request_id: int,
    reasons: Sequence[str],
    note: str,
    seen_approvals: int,
    now: datetime,
) -> LimitRequest:
    """Refuse a request, for reasons that may stand in a letter. One refusal is enough, whatever was approved before.

    Raises as `approve_request` does; LimitRefused without a known reason.
    """
    request, given = _to_decide(actor, request_id, seen_approvals)
    assert isinstance(actor, User)
    known = [code for code in Refusal if code in reasons]
    if not known or len(known) != len(set(reasons)):
        raise LimitRefused(_("Choisissez au moins un motif de refus."), field="reasons")
    note = _short(note, "note")
    role = _role_of(actor, request, given, request.required_roles)
    LimitApproval.objects.create(
        request=request, approver=actor, role=role, verdict=Verdict.REFUSED, note=note, decided_at=now
    )
    check_move(request, Status.REFUSED)
    request.status, request.decided_at = Status.REFUSED, now
    request.refusal_reasons, request.decision_note = [str(code) for code in known], note
    request.save(update_fields=["status", "decided_at", "refusal_reasons", "decision_note"])
    audit.record(
        actor=actor,
        verb="risk.limit_request.refused",
        refs=[request, request.customer],
        now=now,
        amount=str(request.amount),
        currency=request.currency,
        reasons=request.refusal_reasons,
        note=note,
        role=role,
    )
    return request


def _to_decide(actor: Actor, request_id: int, seen: int) -> tuple[LimitRequest, list[LimitApproval]]:
    if not isinstance(actor, User):
        raise LimitRefused(_("Une demande de plafond est décidée par une personne."))
    request = locked_request(actor, request_id)
    if not request.is_open:
        raise WrongState(
            _("Cette demande est déjà close : « %(state)s ». Rechargez la page.")
            % {"state": request.get_status_display()}
        )
    if request.requested_by_id == actor.pk:
        raise LimitRefused(
            _("Vous avez déposé cette demande : une autre personne en décide."), code="own_request"
        )
    given = list(request.approvals.select_for_update().order_by("pk"))
    if any(row.approver_id == actor.pk for row in given):
        raise LimitRefused(
            _("Vous avez déjà approuvé cette demande : la seconde approbation vient d’une autre personne."),
            code="already_approved",
        )
    if len(given) != seen:
        raise ChangedMeanwhile(
            _("Une autre personne a répondu entre-temps. Relisez la demande, puis décidez.")
        )
    return request, given


def _role_of(
    actor: User, request: LimitRequest, given: Sequence[LimitApproval], required: Sequence[str]
) -> str:
    """The role under which the person answers: one that the amount granted wants, or the amount asked."""
    signed = [row.role for row in given]
    for wanted in (required, request.required_roles):
        role = role_to_sign_with(wanted, signed, roles_of(actor))
        if role is not None:
            return role
    raise LimitRefused(
        _("La politique de crédit n’attend pas d’approbation de votre rôle pour ce montant."),
        code="role_not_wanted",
    )


def _short(text: str, field: str) -> str:
    text = " ".join(text.split())
    if len(text) > TEXT_LENGTH:
        raise LimitRefused(
            _("Ce texte compte %(length)d caractères au plus.") % {"length": TEXT_LENGTH}, field=field
        )
    return text
