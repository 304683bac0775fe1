"""The only writer of insurance policies, covers and guarantees."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.models import User
from core.money import MAX_AMOUNT, round_money
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import Customer, LegalEntity
from risk.models import Cover, Guarantee, InsurancePolicy

POLICY_FIELDS = (
    "insurer", "number", "currency", "valid_from", "valid_until", "quota_share", "unnamed_limit_amount",
    "unnamed_overdue_days", "unnamed_conditions", "max_extension_days", "declaration_days", "claim_days",
    "waiting_days", "stop_delivery_days", "alarm_days",
)  # fmt: skip
Status = Cover.Status


class CoverRefused(BusinessError):
    """The policy, the cover or the guarantee cannot be written so; `field` names the input at fault."""

    code = "cover_refused"


def checked_amount(amount: Decimal | None, field: str = "amount") -> Decimal:
    if amount is None or not amount.is_finite() or not 0 < amount <= MAX_AMOUNT:
        raise CoverRefused(_("Indiquez un montant positif."), field=field)
    if round_money(amount) != amount:
        raise CoverRefused(_("Deux décimales au plus."), field=field)
    return amount


def _checked_period(start: date | None, end: date | None) -> None:
    if start is None:
        raise CoverRefused(_("Indiquez à partir de quel jour."), field="valid_from")
    if end is not None and end < start:
        raise CoverRefused(_("La fin précède le début."), field="valid_until")


def _not_after(day: date, today: date, field: str) -> date:
    if day > today:
        raise CoverRefused(_("Cette date est dans le futur."), field=field)
    return day


def _visible(actor: Actor, customer: Customer) -> Customer:
    """The customer, locked: two people who write his covers come one after the other."""
    found = (
        Customer.objects.select_for_update(of=("self",))
        .filter(pk__in=Customer.objects.visible_to(actor).filter(pk=customer.pk).values("pk"))
        .first()
    )
    if found is None:
        raise CoverRefused(_("Ce client n’est pas dans votre périmètre."), code="customer_unknown")
    return found


def _author(actor: Actor) -> int | None:
    return actor.pk if isinstance(actor, User) else None


@operation("risk.manage_cover")
def set_policy(
    *,
    actor: Actor,
    entity: LegalEntity,
    values: Mapping[str, Any],
    now: datetime,
    policy: InsurancePolicy | None = None,
) -> InsurancePolicy:
    """Write down a policy of an entity, or change its terms. Raises CoverRefused, at the field."""
    if not LegalEntity.objects.wholly_visible_to(actor).filter(pk=entity.pk).exists():
        raise CoverRefused(_("Cette entité n’est pas entière dans votre périmètre."), field="entity")
    LegalEntity.objects.select_for_update(of=("self",)).get(pk=entity.pk)
    written = InsurancePolicy(legal_entity=entity) if policy is None else policy
    if policy is not None:
        written = InsurancePolicy.objects.select_for_update(of=("self",)).get(
            pk=policy.pk, legal_entity=entity
        )
    changed = {}
    for name in POLICY_FIELDS:
        if name in values and getattr(written, name) != values[name]:
            changed[name] = [str(getattr(written, name)), str(values[name])]
            setattr(written, name, values[name])
    _checked_period(written.valid_from, written.valid_until)
    if not written.quota_share or not 0 < written.quota_share <= 1:
        raise CoverRefused(_("La quotité va de 1 à 100 %."), field="quota_share")
    if written.claim_days < written.declaration_days:
        raise CoverRefused(
            _("L’indemnisation se demande après la déclaration : ce délai est trop court."),
            field="claim_days",
        )
    if written.unnamed_limit_amount is not None:
        checked_amount(written.unnamed_limit_amount, "unnamed_limit_amount")
    twin = InsurancePolicy.objects.filter(
        legal_entity=entity, insurer=written.insurer, number=written.number
    ).exclude(pk=written.pk)
    if twin.exists():
        raise CoverRefused(_("Cette police est déjà enregistrée pour cette entité."), field="number")
    if changed:
        written.updated_at = now
        written.save()
        audit.record(
            actor=actor, verb="risk.insurance_policy.set", refs=[written, entity], now=now,
            name=str(written), changed=changed,
        )  # fmt: skip
    return written


@operation("risk.manage_cover")
def request_cover(
    *,
    actor: Actor,
    customer: Customer,
    policy: InsurancePolicy,
    amount: Decimal,
    requested_on: date,
    today: date,
    now: datetime,
) -> Cover:
    """Record that a cover was asked of the insurer; the cover in force stands until he answers. Raises CoverRefused."""
    held = _visible(actor, customer)
    if policy.legal_entity_id != held.legal_entity_id:
        raise CoverRefused(_("Cette police est celle d’une autre entité."), field="policy")
    checked_amount(amount)
    _not_after(requested_on, today, "requested_on")
    if Cover.objects.filter(customer=held, policy=policy, status=Status.REQUESTED).exists():
        raise CoverRefused(
            _("Une demande attend déjà la réponse de l’assureur : enregistrez-la d’abord."),
            code="cover_requested_already",
        )
    cover = Cover.objects.create(
        customer=held,
        policy=policy,
        requested_amount=amount,
        currency=policy.currency,
        requested_on=requested_on,
        created_by_id=_author(actor),
        updated_at=now,
    )
    _record(actor, "risk.cover.requested", cover, now, amount=str(amount))
    return cover


@operation("risk.manage_cover")
def answer_cover(
    *,
    actor: Actor,
    cover: Cover,
    amount: Decimal | None,
    answered_on: date,
    today: date,
    now: datetime,
    valid_from: date | None = None,
    valid_until: date | None = None,
    insurer_reference: str = "",
    reason: str = "",
) -> Cover:
    """Record what the insurer answered to a request: `amount` is None when he refused.

    An agreement takes the place of the one before under the same policy, which ends the day before. Raises CoverRefused,
    WrongState.
    """
    cover = _locked(actor, cover)
    granted = amount is not None
    target = Status.REFUSED
    if granted:
        target = Status.GRANTED if checked_amount(amount) >= cover.requested_amount else Status.REDUCED
    check_move(cover, target)
    _not_after(answered_on, today, "answered_on")
    if answered_on < cover.requested_on:
        raise CoverRefused(_("La réponse précède la demande."), field="answered_on")
    if granted:
        _checked_period(valid_from, valid_until)
        _end_earlier(cover, valid_from or answered_on, now)
        cover.amount, cover.valid_from, cover.valid_until = amount, valid_from, valid_until
    cover.status, cover.answered_on, cover.updated_at = target, answered_on, now
    cover.insurer_reference, cover.reason = insurer_reference.strip(), reason.strip()
    cover.save()
    _record(
        actor, "risk.cover.answered", cover, now, status=target, amount=str(amount) if granted else None,
        reference=cover.insurer_reference, reason=cover.reason,
    )  # fmt: skip
    return cover


def _end_earlier(cover: Cover, start: date, now: datetime) -> None:
    earlier = Cover.objects.filter(
        customer=cover.customer_id, policy=cover.policy_id, status__in=[Status.GRANTED, Status.REDUCED]
    ).first()
    if earlier is None:
        return
    assert earlier.valid_from is not None
    if start <= earlier.valid_from:
        raise CoverRefused(
            _("Un agrément en vigueur a commencé ce jour-là ou après : choisissez un jour postérieur."),
            field="valid_from",
        )
    day_before = start - timedelta(days=1)
    if earlier.valid_until is None or earlier.valid_until > day_before:
        earlier.valid_until = day_before
    earlier.status, earlier.updated_at = Status.EXPIRED, now
    earlier.save(update_fields=["valid_until", "status", "updated_at"])


@operation("risk.manage_cover")
def reduce_cover(
    *, actor: Actor, cover: Cover, amount: Decimal, notified_on: date, reason: str, today: date, now: datetime
) -> Cover:
    """The insurer cut what he agreed: the lower amount counts from now on. Raises CoverRefused, WrongState."""
    cover = _locked(actor, cover)
    if cover.status != Status.REDUCED:
        check_move(cover, Status.REDUCED)
    if cover.amount is None:
        raise CoverRefused(_("Enregistrez d’abord la réponse de l’assureur."), field="amount")
    if checked_amount(amount) >= cover.amount:
        raise CoverRefused(_("Le montant réduit est inférieur au montant accordé."), field="amount")
    cover.amount_before, cover.amount = cover.amount, amount
    cover.status = Status.REDUCED
    _notify(cover, notified_on, reason, today, now)
    _record(
        actor, "risk.cover.reduced", cover, now, amount=str(amount), before=str(cover.amount_before),
        notified_on=notified_on.isoformat(), reason=cover.reason,
    )  # fmt: skip
    return cover


@operation("risk.manage_cover")
def cancel_cover(
    *, actor: Actor, cover: Cover, notified_on: date, reason: str, today: date, now: datetime
) -> Cover:
    """The insurer withdrew his cover, or the house its request. What was invoiced until that day stays insured.

    Raises CoverRefused, WrongState.
    """
    cover = _locked(actor, cover)
    check_move(cover, Status.CANCELLED)
    cover.amount_before = cover.amount
    cover.status = Status.CANCELLED
    _notify(cover, notified_on, reason, today, now)
    _record(
        actor, "risk.cover.cancelled", cover, now, notified_on=notified_on.isoformat(), reason=cover.reason
    )
    return cover


def _notify(cover: Cover, notified_on: date, reason: str, today: date, now: datetime) -> None:
    _not_after(notified_on, today, "notified_on")
    if notified_on < (cover.valid_from or cover.requested_on):
        raise CoverRefused(_("La notification précède le début de l’agrément."), field="notified_on")
    if not reason.strip():
        raise CoverRefused(_("Écrivez le motif, ou la référence du courrier de l’assureur."), field="reason")
    cover.notified_on, cover.reason, cover.updated_at = notified_on, reason.strip(), now
    cover.save()


@operation("risk.manage_cover")
def add_guarantee(
    *, actor: Actor, customer: Customer, values: Mapping[str, Any], today: date, now: datetime
) -> Guarantee:
    """Write down a security other than insurance. Raises CoverRefused, at the field."""
    held = _visible(actor, customer)
    if values["kind"] not in Guarantee.Kind.values:
        raise CoverRefused(_("Choisissez une nature."), field="kind")
    if values.get("amount") is not None or values["kind"] != Guarantee.Kind.TITLE:
        checked_amount(values.get("amount"))
    _checked_period(values["valid_from"], values.get("valid_until"))
    guarantee = Guarantee.objects.create(
        customer=held,
        currency=values.get("currency") or held.currency,
        updated_at=now,
        **{
            name: values[name]
            for name in ("kind", "guarantor", "reference", "amount", "valid_from", "valid_until")
            if name in values
        },
    )
    audit.record(
        actor=actor, verb="risk.guarantee.added", refs=[guarantee, held], now=now, name=str(held),
        kind=guarantee.kind, amount=str(guarantee.amount),
    )  # fmt: skip
    return guarantee


@operation("risk.manage_cover")
def end_guarantee(
    *, actor: Actor, guarantee: Guarantee, status: str, reason: str, today: date, now: datetime
) -> Guarantee:
    """The guarantee was called, or released: it backs nothing more. Raises CoverRefused, WrongState."""
    _visible(actor, guarantee.customer)
    guarantee = Guarantee.objects.select_for_update(of=("self",)).get(pk=guarantee.pk)
    check_move(guarantee, status)
    if not reason.strip():
        raise CoverRefused(_("Écrivez le motif."), field="reason")
    guarantee.status, guarantee.ended_on, guarantee.reason = status, today, reason.strip()
    guarantee.updated_at = now
    guarantee.save(update_fields=["status", "ended_on", "reason", "updated_at"])
    audit.record(
        actor=actor, verb="risk.guarantee.ended", refs=[guarantee, guarantee.customer], now=now,
        name=str(guarantee.customer), status=status, reason=guarantee.reason,
    )  # fmt: skip
    return guarantee


def _locked(actor: Actor, cover: Cover) -> Cover:
    _visible(actor, cover.customer)
    return Cover.objects.select_for_update(of=("self",)).select_related("customer", "policy").get(pk=cover.pk)


def _record(actor: Actor, verb: str, cover: Cover, now: datetime, **facts: Any) -> None:
    audit.record(
        actor=actor, verb=verb, refs=[cover, cover.customer], now=now, name=str(cover.customer), **facts
    )
