"""Limit requests: asking, withdrawing, and adding words and papers."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _

from core import audit
from core.errors import WrongState
from core.files import sha256_of, store_file
from core.models import User
from core.money import MAX_AMOUNT, round_money
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import Customer
from risk.credit_policies import REQUEST_DAYS, policy_of, roles_required
from risk.limit_facts import proposals_of
from risk.limit_words import stored
from risk.models import CreditLimit, CreditPolicy, LimitNote, LimitRequest, LimitReview
from risk.operations.limit_writing import (
    REASON_LENGTH,
    Grant,
    LimitRefused,
    Standing,
    check_values,
    latest_end,
    locked_customer,
    standing_of,
)

REQUEST_REASON_LENGTH = 1000
NOTE_LENGTH = 2000
MOST_FILES = 20


@dataclass(frozen=True)
class Asked:
    """What a person asks for. `expires_on` None: the longest that the policy gives to that kind."""

    amount: Decimal
    reason: str
    currency: str = ""
    kind: str = CreditLimit.Kind.PERMANENT
    scope: str = CreditLimit.Scope.ACCOUNT
    basis: str = CreditLimit.Basis.OWN
    expires_on: date | None = None
    expected_purchases: Decimal | None = None


@operation("risk.request_limit")
def request_limit(
    *,
    actor: Actor,
    customer: Customer,
    asked: Asked,
    today: date,
    now: datetime,
    source: str = LimitRequest.Source.PERSON,
) -> LimitRequest:
    """Ask for a limit. Who must approve follows from the policy in force and the amount; the proposal is frozen.

    Raises LimitRefused: values that make no sense, an open request of that kind (`request_open`), the same limit
    as the one in force with the same end, customer outside the actor's scope.
    """
    held = locked_customer(actor, customer.pk)
    policy = policy_of(held.legal_entity_id)
    standing = standing_of(held.pk, asked.scope)
    grant = _checked(held, asked, standing, policy, today)
    _refuse_second(held, grant)
    leading = standing.leading(today)
    worked = proposals_of(
        [held],
        today,
        expected_purchases={} if asked.expected_purchases is None else {held.pk: asked.expected_purchases},
    )[held.pk]
    roles = list(roles_required(policy, grant.amount, grant.currency))
    request = LimitRequest.objects.create(
        customer=held,
        scope=grant.scope,
        kind=grant.kind,
        basis=grant.basis,
        amount=grant.amount,
        currency=grant.currency,
        expires_on=grant.expires_on,
        reason=" ".join(asked.reason.split()),
        expected_purchases=asked.expected_purchases,
        source=source,
        policy=policy,
        required_roles=roles,
        approvals_required=len(roles),
        previous_amount=leading.amount if leading and leading.currency == grant.currency else None,
        proposal=stored(worked),
        requested_by=actor if isinstance(actor, User) else None,
        requested_at=now,
        answer_by=today + timedelta(days=policy.request_days if policy else REQUEST_DAYS),
    )
    _answer_reviews(actor, standing, request, now)
    audit.record(
        actor=actor,
        verb="risk.limit_request.submitted",
        refs=[request, held],
        now=now,
        amount=str(request.amount),
        currency=request.currency,
        kind=request.kind,
        scope=request.scope,
        expires_on=request.expires_on.isoformat(),
        reason=request.reason,
        roles=roles,
        proposed=request.proposal["amount"],
    )
    return request


def _checked(
    customer: Customer, asked: Asked, standing: Standing, policy: CreditPolicy | None, today: date
) -> Grant:
    reason = " ".join(asked.reason.split())
    if len(reason) > REQUEST_REASON_LENGTH:
        raise LimitRefused(
            _("Le motif compte %(length)d caractères au plus.") % {"length": REQUEST_REASON_LENGTH},
            field="reason",
        )
    grant = Grant(
        amount=asked.amount,
        currency=(asked.currency or customer.currency).strip().upper(),
        reason=reason[:REASON_LENGTH],
        kind=asked.kind,
        scope=asked.scope,
        basis=asked.basis,
        expires_on=asked.expires_on or latest_end(asked.kind, policy, today),
    )
    check_values(customer, grant, standing, policy, today)
    expected = asked.expected_purchases
    if expected is not None and not (
        expected.is_finite() and 0 <= expected <= MAX_AMOUNT and round_money(expected) == expected
    ):
        raise LimitRefused(
            _("Les achats annuels attendus sont un montant positif, au centime près."),
            field="expected_purchases",
        )
    same = standing.of(grant.kind)
    if (
        same is not None
        and (same.amount, same.currency, same.basis) == (grant.amount, grant.currency, grant.basis)
        and same.expires_on is not None
        and grant.expires_on is not None
        and same.expires_on >= grant.expires_on
    ):
        raise LimitRefused(
            _(
                "Ce plafond est déjà en vigueur, jusqu’à ce jour au moins : demandez un autre montant ou une autre fin."
            ),
            code="same_limit",
            field="amount",
        )
    return grant


def _refuse_second(customer: Customer, grant: Grant) -> None:
    twin = LimitRequest.objects.open().filter(customer=customer, scope=grant.scope, kind=grant.kind).first()
    if twin is not None:
        raise LimitRefused(
            _("Une demande de cette nature attend déjà une réponse pour ce client : n° %(number)d.")
            % {"number": twin.pk},
            code="request_open",
        )


def _answer_reviews(actor: Actor, standing: Standing, request: LimitRequest, now: datetime) -> None:
    """A review of the limit that the request would replace has led to it."""
    reviews = LimitReview.objects.filter(
        limit__in=[row.pk for row in standing.former if row.kind == request.kind],
        status=LimitReview.Status.OPEN,
    )
    reviews.update(status=LimitReview.Status.REQUESTED, request=request, closed_by_id=actor.pk, closed_at=now)


@operation("risk.request_limit")
def withdraw_request(*, actor: Actor, request_id: int, note: str, now: datetime) -> LimitRequest:
    """Take a request back: by whoever made it. Raises WrongState once it is decided, LimitRefused for others."""
    request = locked_request(actor, request_id)
    if isinstance(actor, User) and request.requested_by_id != actor.pk:
        raise LimitRefused(
            _("Seul son auteur retire une demande. Vous pouvez la refuser, si c’est à vous d’en décider.")
        )
    check_move(request, LimitRequest.Status.WITHDRAWN)
    request.status, request.decided_at = LimitRequest.Status.WITHDRAWN, now
    request.decision_note = " ".join(note.split())[:500]
    request.save(update_fields=["status", "decided_at", "decision_note"])
    audit.record(
        actor=actor,
        verb="risk.limit_request.withdrawn",
        refs=[request, f"customer:{request.customer_id}"],
        now=now,
        note=request.decision_note,
    )
    return request


@operation("risk.view")
def add_note(
    *,
    actor: Actor,
    request_id: int,
    text: str,
    now: datetime,
    content: IO[bytes] | None = None,
    name: str = "",
    content_type: str = "",
) -> LimitNote:
    """Add a word, a paper or both to an open request. Raises LimitRefused, WrongState when it is decided."""
    request = locked_request(actor, request_id)
    if not request.is_open:
        raise WrongState(_("Cette demande est close : plus rien ne s’y ajoute."))
    text = text.strip()
    if not text and content is None:
        raise LimitRefused(_("Écrivez un commentaire ou joignez un document."), field="text")
    if len(text) > NOTE_LENGTH:
        raise LimitRefused(
            _("Le commentaire compte %(length)d caractères au plus.") % {"length": NOTE_LENGTH}, field="text"
        )
    stored_file = None
    if content is not None:
        _check_file(request, content)
        stored_file = store_file(
            content=content, name=name, kind="risk.limit_request", content_type=content_type, now=now
        )
    note = LimitNote.objects.create(
        request=request,
        text=text,
        file=stored_file,
        written_by=actor if isinstance(actor, User) else None,
        written_at=now,
    )
    audit.record(
        actor=actor,
        verb="risk.limit_request.noted",
        refs=[request, f"customer:{request.customer_id}"],
        now=now,
        text=text,
        file=stored_file.name if stored_file else None,
    )
    return note


def _check_file(request: LimitRequest, content: IO[bytes]) -> None:
    size = content.seek(0, 2)
    content.seek(0)
    if not size:
        raise LimitRefused(_("Ce fichier est vide : choisissez-en un autre."), field="file")
    if size > settings.DISPUTE_FILE_MAX_BYTES:
        raise LimitRefused(
            _("Ce fichier dépasse %(limit)d Mo : réduisez-le, ou déposez-le en plusieurs parties.")
            % {"limit": settings.DISPUTE_FILE_MAX_BYTES // (1024 * 1024)},
            field="file",
        )
    files = LimitNote.objects.filter(request=request, file__isnull=False)
    if files.filter(file__sha256=sha256_of(content)).exists():
        raise LimitRefused(_("Ce document est déjà joint à cette demande."), field="file")
    if files.count() >= MOST_FILES:
        raise LimitRefused(
            _("Une demande porte au plus %(count)d documents : regroupez-les dans un seul fichier.")
            % {"count": MOST_FILES},
            field="file",
        )


def locked_request(actor: Actor, request_id: int) -> LimitRequest:
    """The request in the actor's scope, locked after its customer. Raises LimitRefused when there is none."""
    customer_id = LimitRequest.objects.filter(pk=request_id).values_list("customer_id", flat=True).first()
    if customer_id is None or not Customer.objects.visible_to(actor).filter(pk=customer_id).exists():
        raise LimitRefused(_("Cette demande n’existe pas dans votre périmètre."), code="request_unknown")
    Customer.objects.select_for_update(of=("self",), no_key=True).get(pk=customer_id)
    return (
        LimitRequest.objects.select_for_update(of=("self",))
        .select_related("customer", "policy")
        .get(pk=request_id)
    )
