"""Addresses that are not written to any more: put there by bounces and complaints or by a person, lifted by a person."""

from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection
from django.db.models import Model
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import SYSTEM, Actor
from dunning.mail.addresses import same_address
from dunning.models import SuppressedAddress


class SuppressionRefused(BusinessError):
    """The address cannot be set aside, or is not any more."""

    code = "suppression_refused"


@operation("dunning.suppress")
def suppress_address(*, actor: Actor, address: str, detail: str, now: datetime) -> SuppressedAddress:
    """Set an address aside by a person's decision. Raises SuppressionRefused."""
    address, detail = same_address(address), detail.strip()
    try:
        validate_email(address)
    except ValidationError as error:
        raise SuppressionRefused(_("Saisissez une adresse e-mail complète."), field="address") from error
    if not detail:
        raise SuppressionRefused(_("Dites pourquoi cette adresse est écartée."), field="detail")
    written = write_suppression(
        actor=actor, address=address, reason=SuppressedAddress.Reason.PERSON, detail=detail, refs=[], now=now
    )
    if written is None:
        raise SuppressionRefused(
            _("« %(address)s » est déjà écartée.") % {"address": address}, field="address"
        )
    return written


@operation("dunning.suppress")
def lift_suppression(
    *, actor: Actor, suppression: SuppressedAddress, reason: str, now: datetime
) -> SuppressedAddress:
    """Write to an address again. Raises SuppressionRefused."""
    suppression = SuppressedAddress.objects.select_for_update(of=("self",)).get(pk=suppression.pk)
    if suppression.lifted_at is not None:
        raise SuppressionRefused(_("Cette adresse n’est plus écartée : rechargez la page."))
    reason = reason.strip()
    if not reason:
        raise SuppressionRefused(_("Dites pourquoi cette adresse peut de nouveau servir."), field="reason")
    suppression.lifted_at, suppression.lift_reason = now, reason[:200]
    suppression.lifted_by = None if actor is SYSTEM else actor  # type: ignore[assignment]
    suppression.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
    audit.record(
        actor=actor,
        verb="dunning.address.lifted",
        refs=[suppression],
        now=now,
        address=suppression.address,
        reason=suppression.lift_reason,
    )
    return suppression


def write_suppression(
    *, actor: Actor, address: str, reason: str, detail: str, refs: Iterable[Model | str], now: datetime
) -> SuppressedAddress | None:
    """Set an address aside, unless it already is: then None. Part of the operations that learn of a bounce."""
    address = same_address(address)
    with connection.cursor() as cursor:
        # Of the workers who learn of it at once, one writes.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"suppress:{address}"])
    if SuppressedAddress.objects.filter(address=address, lifted_at=None).exists():
        return None
    written = SuppressedAddress.objects.create(
        address=address,
        reason=reason,
        detail=detail[:200],
        suppressed_at=now,
        suppressed_by=None if actor is SYSTEM else actor,  # type: ignore[misc]
    )
    audit.record(
        actor=actor,
        verb="dunning.address.suppressed",
        refs=[written, *refs],
        now=now,
        address=address,
        reason=reason,
        detail=detail[:200],
    )
    return written
