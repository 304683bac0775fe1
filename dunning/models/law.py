"""What a person decides or records about the law: waivers of interest and indemnities, events of limitation."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dunning.models.notices import Notice
from invoices.models import OpenItem


class FeeWaiver(models.Model):
    """Late-payment interest, fixed indemnity or both that the creditor gives up on an item, with the reason.

    No amount: the whole, whatever it grows to. It holds from `granted_on`; what was asked for before stays said.
    """

    class Part(models.TextChoices):
        INTEREST = "INTEREST", _("Pénalités de retard")
        INDEMNITY = "INDEMNITY", _("Indemnité forfaitaire")
        BOTH = "BOTH", _("Pénalités et indemnité")

    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="+")
    notice = models.ForeignKey(
        Notice, on_delete=models.PROTECT, null=True, blank=True, related_name="waivers"
    )
    part = models.CharField(_("objet"), max_length=9, choices=Part)
    interest_amount = models.DecimalField(
        _("pénalités abandonnées"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    reason = models.CharField(_("motif"), max_length=200)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    granted_on = models.DateField(_("accordée le"))
    created_at = models.DateTimeField(_("enregistrée le"))
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_on = models.DateField(_("retirée le"), null=True, blank=True)

    class Meta:
        verbose_name = _("remise de pénalités")
        verbose_name_plural = _("remises de pénalités")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=Q(revoked_on__isnull=True), name="fee_waiver_once_per_item"
            ),
            models.CheckConstraint(
                condition=Q(interest_amount__isnull=True) | (Q(interest_amount__gt=0) & ~Q(part="INDEMNITY")),
                name="fee_waiver_amount_is_of_interest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item}: {self.get_part_display()}"


class LimitationEvent(models.Model):
    """An act that interrupts or suspends the limitation of a claim (C. civ. 2238 to 2244), or may do so."""

    class Kind(models.TextChoices):
        ACKNOWLEDGEMENT = "ACKNOWLEDGEMENT", _("Reconnaissance de dette (C. civ. 2240)")
        COURT_CLAIM = "COURT_CLAIM", _("Demande en justice (C. civ. 2241)")
        ORDER_SERVED = "ORDER_SERVED", _("Signification d’une ordonnance d’injonction de payer")
        ENFORCEMENT = "ENFORCEMENT", _("Mesure conservatoire ou acte d’exécution (C. civ. 2244)")
        CLAIM_DECLARED = "CLAIM_DECLARED", _("Déclaration de créance (C. com. L622-25-1)")
        MEDIATION = "MEDIATION", _("Médiation ou conciliation (C. civ. 2238)")
        PART_PAYMENT = "PART_PAYMENT", _("Règlement partiel")
        PERFORMANCE = "PERFORMANCE", _("Date d’exécution de la prestation")

    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("nature"), max_length=16, choices=Kind)
    happened_on = models.DateField(_("date"))
    # Of a suspension or of insolvency proceedings; the period runs again the day after.
    ended_on = models.DateField(_("terminée le"), null=True, blank=True)
    is_certain = models.BooleanField(_("effet certain"), default=False)
    evidence = models.CharField(_("preuve"), max_length=200)
    file = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    recorded_at = models.DateTimeField(_("enregistrée le"))
    withdrawn_on = models.DateField(_("retirée le"), null=True, blank=True)
    withdrawn_reason = models.CharField(_("motif du retrait"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("événement de prescription")
        verbose_name_plural = _("événements de prescription")
        ordering = ["item", "happened_on", "id"]
        indexes = [
            models.Index(
                fields=["item"], condition=Q(withdrawn_on__isnull=True), name="limitation_event_of_item"
            )
        ]

    def __str__(self) -> str:
        return f"{self.item}: {self.get_kind_display()}"
