"""The only writer of the settings of risk."""

from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from customers.models import Customer, LegalEntity
from risk.models import PendingAmount, RiskSettings
from risk.operations.pending_amounts import refresh_pending

FIELDS = tuple(
    field.name
    for field in RiskSettings._meta.concrete_fields
    if field.name not in ("id", "legal_entity", "updated_at")
)


class SettingsRefused(BusinessError):
    """The settings cannot be so; `field` names the value at fault."""

    code = "settings_refused"


@operation("risk.configure_checks")
def set_risk_settings(
    *, actor: Actor, legal_entity: LegalEntity, values: dict[str, Any], today: date, now: datetime
) -> RiskSettings:
    """Change how an entity counts and stops, for the fields given. Raises SettingsRefused at the field at fault."""
    if not LegalEntity.objects.visible_to(actor).filter(pk=legal_entity.pk).exists():
        raise SettingsRefused(_("Cette entité n’est pas dans votre périmètre."))
    row = RiskSettings.objects.select_for_update().filter(legal_entity=legal_entity).first()
    row = row or RiskSettings(legal_entity=legal_entity)
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise SettingsRefused(_("Réglage inconnu : %(names)s.") % {"names": ", ".join(sorted(unknown))})
    before = {name: getattr(row, name) for name in FIELDS}
    for name, value in values.items():
        setattr(row, name, value)
    percents = row.alert_percents
    if not percents or sorted(set(percents)) != list(percents):
        raise SettingsRefused(
            _("Donnez de un à cinq seuils, du plus bas au plus haut, par exemple 80, 90, 100."),
            field="alert_percents",
        )
    row.updated_at = now
    try:
        row.clean_fields(exclude=["legal_entity"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise SettingsRefused(messages[0], field=field) from None
    if row.overdue_hold_amount < 0:
        raise SettingsRefused(_("Ce montant est positif ou nul."), field="overdue_hold_amount")
    changes = {
        name: [_told(old), _told(getattr(row, name))]
        for name, old in before.items()
        if old != getattr(row, name)
    }
    row.save()
    if {"counts_orders", "counts_deliveries"} & changes.keys():
        mine = Customer.objects.filter(legal_entity=legal_entity)
        held = PendingAmount.objects.filter(customer__in=mine).values_list("customer", flat=True)
        refresh_pending(sorted(set(held)), today)
    audit.record(actor=actor, verb="risk.settings.changed", refs=[legal_entity], now=now, changes=changes)
    return row


def _told(value: Any) -> Any:
    return value if isinstance(value, bool | int | list) else str(value)
