"""What a legal entity lets cash application do by itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from customers.models import LegalEntity
from invoices.models import CashSettings
from invoices.operations.matching import reset_matching

FIELDS = tuple(field.name for field in CashSettings._meta.fields if field.name not in ("id", "legal_entity"))


class SettingsRefused(BusinessError):
    """These settings cannot be."""

    code = "settings_refused"


@operation("invoices.configure_cash")
def change_cash_settings(
    *, actor: Actor, entity: LegalEntity, values: Mapping[str, Any], now: datetime
) -> CashSettings:
    """Set what is given; proposals are sought again under the new rules. Raises SettingsRefused at its field."""
    if not LegalEntity.objects.visible_to(actor).filter(pk=entity.pk).exists():
        raise SettingsRefused(_("Cette entité n’est pas dans votre périmètre."), field="entity")
    for name in ("tolerance_amount", "charges_tolerance", "write_off_limit", "discount_share"):
        if values.get(name, 0) < 0:
            raise SettingsRefused(_("Cette valeur ne peut pas être négative."), field=name)
    if values.get("discount_share", 0) > 100:
        raise SettingsRefused(_("Un escompte ne dépasse pas 100 %."), field="discount_share")
    for name in FIELDS:
        if name.endswith("_account") and name in values and not str(values[name]).isalnum():
            raise SettingsRefused(_("Un compte s’écrit en chiffres et en lettres."), field=name)
    settings, _created = CashSettings.objects.select_for_update().get_or_create(legal_entity=entity)
    before = {name: str(getattr(settings, name)) for name in FIELDS}
    for name in FIELDS:
        if name in values:
            setattr(settings, name, values[name])
    settings.save()
    after = {name: str(getattr(settings, name)) for name in FIELDS}
    audit.record(
        actor=actor,
        verb="invoices.cash_settings.changed",
        refs=[settings, entity],
        now=now,
        changes={name: [before[name], after[name]] for name in FIELDS if before[name] != after[name]},
    )
    reset_matching(entity_id=entity.pk)
    return settings
