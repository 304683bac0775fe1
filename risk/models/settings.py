"""How an entity counts its risk: what makes up the exposure, from when people are told, when deliveries stop."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import LegalEntity


def default_alert_percents() -> list[int]:
    return [80, 90, 100]


class RiskSettings(models.Model):
    """The choices of one legal entity; without a row, the values written here hold.

    Days are calendar days. `overdue_grace_days` after its due date, an unpaid item holds deliveries, once the
    overdue amount reaches `overdue_hold_amount`. `tolerance_percent` of the limit is the excess that a person may
    still be asked to let through.
    """

    legal_entity = models.OneToOneField(LegalEntity, on_delete=models.PROTECT, related_name="+")
    counts_open_items = models.BooleanField(_("factures et autres débits ouverts"), default=True)
    counts_deliveries = models.BooleanField(_("livraisons non facturées"), default=True)
    counts_orders = models.BooleanField(_("commandes fermes et réservations"), default=True)
    counts_credit_notes = models.BooleanField(_("avoirs non lettrés"), default=True)
    counts_receipts = models.BooleanField(_("règlements non lettrés"), default=True)
    alert_percents = ArrayField(
        models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(500)]),
        verbose_name=_("seuils d’alerte (% du plafond)"),
        default=default_alert_percents,
        size=5,
    )
    tolerance_percent = models.PositiveSmallIntegerField(
        _("dépassement soumis à décision (% du plafond)"), default=10, validators=[MaxValueValidator(100)]
    )
    holds_overdue = models.BooleanField(_("bloquer les clients en retard"), default=True)
    overdue_grace_days = models.PositiveSmallIntegerField(
        _("délai de grâce après l’échéance (jours)"), default=30, validators=[MaxValueValidator(365)]
    )
    overdue_hold_amount = models.DecimalField(
        _("à partir d’un montant échu de"), max_digits=14, decimal_places=2, default=100
    )
    holds_over_limit = models.BooleanField(_("bloquer les clients au-delà de leur plafond"), default=False)
    over_limit_grace_days = models.PositiveSmallIntegerField(
        _("délai de grâce d’un dépassement (jours)"), default=5, validators=[MaxValueValidator(365)]
    )
    ends_holds = models.BooleanField(_("lever un blocage automatique dont la cause a disparu"), default=True)
    reservation_days = models.PositiveSmallIntegerField(
        _("validité d’une réservation (jours)"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
    )
    updated_at = models.DateTimeField(_("modifiés le"))

    class Meta:
        verbose_name = _("réglages du risque")
        verbose_name_plural = _("réglages du risque")
        ordering = ["legal_entity"]
        constraints = [
            models.CheckConstraint(
                condition=Q(overdue_hold_amount__gte=0), name="risk_settings_hold_amount_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(reservation_days__gte=1), name="risk_settings_reservation_lasts"
            ),
        ]

    def __str__(self) -> str:
        return str(self.legal_entity)
