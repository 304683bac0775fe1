"""Arrêt des relances: for an entity or for all, nothing leaves until a person lifts it; nothing is lost meanwhile."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.jobs import kick
from core.operation import operation
from core.rights import Actor
from customers.models import LegalEntity
from dunning.models import DunningStop


class StopRefused(BusinessError):
    """The stop cannot be made or lifted as asked."""

    code = "stop_refused"


@operation("dunning.stop")
def stop_dunning(
    *, actor: Actor, legal_entity: LegalEntity | None, reason: str, now: datetime
) -> DunningStop:
    """Stop all that leaves: for an entity, or for all of them (None). Raises StopRefused when it is already so."""
    if not reason.strip():
        raise StopRefused(_("Dites pourquoi les relances sont arrêtées."), field="reason")
    _check_scope(actor, legal_entity)
    try:
        with transaction.atomic():
            stop = DunningStop.objects.create(
                legal_entity=legal_entity, reason=reason.strip()[:200], stopped_by_id=actor.pk, stopped_at=now
            )
    except IntegrityError:
        raise StopRefused(_("Les relances sont déjà arrêtées : rechargez la page.")) from None
    audit.record(
        actor=actor,
        verb="dunning.sending.stopped",
        refs=[stop, *([legal_entity] if legal_entity else [])],
        now=now,
        reason=stop.reason,
        legal_entity=legal_entity.code if legal_entity else "*",
    )
    return stop


@operation("dunning.stop")
def lift_stop(*, actor: Actor, stop_id: int, now: datetime) -> DunningStop:
    """Let dunning go on where it stood. Raises StopRefused when the stop is lifted already."""
    stop = (
        DunningStop.objects.select_for_update(of=("self",))
        .select_related("legal_entity")
        .filter(pk=stop_id, lifted_at=None)
        .first()
    )
    if stop is None:
        raise StopRefused(_("Cet arrêt est déjà levé : rechargez la page."))
    _check_scope(actor, stop.legal_entity)
    stop.lifted_by_id, stop.lifted_at = actor.pk, now
    stop.save(update_fields=["lifted_by", "lifted_at"])
    audit.record(
        actor=actor,
        verb="dunning.sending.resumed",
        refs=[stop, *([stop.legal_entity] if stop.legal_entity else [])],
        now=now,
        reason=stop.reason,
        legal_entity=stop.legal_entity.code if stop.legal_entity else "*",
    )
    kick("dunning.tasks.hold_outdated_notices")
    kick("dunning.tasks.render_letters")
    kick("dunning.tasks.send_letters")
    return stop


def _check_scope(actor: Actor, legal_entity: LegalEntity | None) -> None:
    visible = LegalEntity.objects.visible_to(actor)
    if legal_entity is not None:
        if not visible.filter(pk=legal_entity.pk).exists():
            raise StopRefused(_("Cette entité n’est pas dans votre périmètre."), field="legal_entity")
    elif LegalEntity.objects.exclude(pk__in=visible).exists():
        raise StopRefused(
            _("Votre périmètre ne couvre pas toutes les entités : choisissez-en une."), field="legal_entity"
        )
