"""Réglages et arrêt des relances, by legal entity."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import LegalEntity


class DunningSettings(models.Model):
    """How an entity sends: its sender, what it waits for, what looks unusual, what each channel costs."""

    legal_entity = models.OneToOneField(
        LegalEntity, on_delete=models.PROTECT, related_name="dunning_settings"
    )
    sender_name = models.CharField(_("nom de l’expéditeur"), max_length=80, blank=True)
    sender_email = models.EmailField(
        _("adresse d’expédition"), blank=True, help_text=_("Vide : l’adresse d’envoi de l’installation.")
    )
    reply_address = models.CharField(
        _("adresse de réponse"),
        max_length=120,
        blank=True,
        help_text=_(
            "« relances+{dossier}@exemple.fr » donne une adresse par relance ; vide : l’adresse de l’entité."
        ),
    )
    copy_to = models.EmailField(_("copie cachée à"), blank=True)
    bank_freshness_days = models.PositiveSmallIntegerField(
        _("relevés bancaires exigés depuis moins de (jours ouvrés)"),
        null=True,
        blank=True,
        help_text=_("Au-delà, les envois attendent un relevé plus récent. Vide : non vérifié."),
    )
    guard_ratio = models.DecimalField(
        _("volume inhabituel au-delà de (fois l’habitude)"),
        max_digits=4,
        decimal_places=1,
        default=2,
        validators=[MinValueValidator(1)],
    )
    guard_minimum = models.PositiveIntegerField(
        _("volume jamais inhabituel en dessous de (relances)"), default=50
    )
    mails_per_minute = models.PositiveSmallIntegerField(
        _("e-mails par minute et par domaine"), default=30, validators=[MinValueValidator(1)]
    )
    # Channel -> cost of one contact, as text with two decimals, in the entity's currency.
    channel_costs = models.JSONField(_("coûts par canal"), default=dict, blank=True)
    cost_of_money = models.DecimalField(
        _("coût de l’argent (% l’an)"),
        max_digits=5,
        decimal_places=2,
        default=5,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    updated_at = models.DateTimeField(_("modifiés le"), auto_now=True)

    class Meta:
        verbose_name = _("réglages de relance")
        verbose_name_plural = _("réglages de relance")

    def __str__(self) -> str:
        return str(self.legal_entity)


class DunningStop(models.Model):
    """Arrêt des relances: nothing is approved by itself, rendered or sent while it stands; no entity named: all."""

    legal_entity = models.ForeignKey(
        LegalEntity, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(_("motif"), max_length=200)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    stopped_at = models.DateTimeField(_("arrêtées le"))
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField(_("reprises le"), null=True, blank=True)

    class Meta:
        verbose_name = _("arrêt des relances")
        verbose_name_plural = _("arrêts des relances")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["legal_entity"],
                condition=Q(lifted_at__isnull=True),
                nulls_distinct=False,
                name="dunning_stop_once_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return str(self.legal_entity or _("toutes les entités"))
