"""Réglages de relance of a legal entity."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from customers.models import LegalEntity
from dunning.models import DunningSettings, Level

FIELDS = (
    "sender_name", "sender_email", "reply_address", "copy_to", "bank_freshness_days", "guard_ratio",
    "guard_minimum", "mails_per_minute", "channel_costs", "cost_of_money",
)  # fmt: skip
# What stands for the notice in a reply address.
CASE_MARK = "{dossier}"


class DunningSettingsRefused(BusinessError):
    """These settings cannot be."""

    code = "dunning_settings_refused"


def settings_of(entity: LegalEntity) -> DunningSettings:
    """The entity's settings, with the house's defaults where nobody has set any. Nothing is written."""
    found = DunningSettings.objects.filter(legal_entity=entity).first()
    return found or DunningSettings(legal_entity=entity)


@operation("dunning.configure")
def change_dunning_settings(
    *, actor: Actor, entity: LegalEntity, values: Mapping[str, Any], now: datetime
) -> DunningSettings:
    """Set what is given. `channel_costs`: channel -> Decimal. Raises DunningSettingsRefused at its field."""
    if not LegalEntity.objects.visible_to(actor).filter(pk=entity.pk).exists():
        raise DunningSettingsRefused(_("Cette entité n’est pas dans votre périmètre."), field="entity")
    _check_reply_address(values.get("reply_address", ""))
    DunningSettings.objects.get_or_create(legal_entity=entity)
    settings = DunningSettings.objects.select_for_update(of=("self",)).get(legal_entity=entity)
    before = {name: str(getattr(settings, name)) for name in FIELDS}
    for name in FIELDS:
        if name in values:
            setattr(settings, name, values[name])
    settings.channel_costs = _checked_costs(settings.channel_costs)
    settings.save()
    settings.refresh_from_db()
    after = {name: str(getattr(settings, name)) for name in FIELDS}
    audit.record(
        actor=actor,
        verb="dunning.settings.changed",
        refs=[settings, entity],
        now=now,
        changes={name: [before[name], after[name]] for name in FIELDS if before[name] != after[name]},
    )
    return settings


def _check_reply_address(pattern: str) -> None:
    if not pattern:
        return
    try:
        validate_email(pattern.replace(CASE_MARK, "R123456789"))
    except ValidationError:
        raise DunningSettingsRefused(
            _("« %(pattern)s » n’est pas une adresse : écrivez par exemple relances+{dossier}@exemple.fr.")
            % {"pattern": pattern},
            field="reply_address",
        ) from None


def _checked_costs(costs: Mapping[str, Any]) -> dict[str, str]:
    kept = {}
    for channel, cost in costs.items():
        if channel not in Level.Channel.values or not Decimal(0) <= Decimal(cost) < Decimal(10_000):
            raise DunningSettingsRefused(
                _("Un coût est un montant entre 0 et 10 000."), field="channel_costs"
            )
        kept[channel] = f"{Decimal(cost):.2f}"
    return kept
