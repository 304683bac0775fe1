"""What keeps an item from being chased: a dispute on all or part of it, or a promise to pay it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from invoices.models.items import OpenItem


class Dispute(models.Model):
    """Litige on part of an item. Open as long as `resolved_on` is empty; the part stays in the ageing."""

    class Reason(models.TextChoices):
        PRICE = "PRICE", _("Prix ou remise")
        QUANTITY = "QUANTITY", _("Quantité livrée")
        QUALITY = "QUALITY", _("Qualité")
        DELIVERY = "DELIVERY", _("Livraison ou prestation non faite")
        ORDER = "ORDER", _("Bon de commande manquant ou erroné")
        DUPLICATE = "DUPLICATE", _("Facture en double")
        ADMINISTRATIVE = "ADMINISTRATIVE", _("Erreur administrative")
        OTHER = "OTHER", _("Autre")

    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="disputes")
    amount = models.DecimalField(_("montant en litige"), max_digits=14, decimal_places=2)
    reason = models.CharField(_("motif"), max_length=16, choices=Reason)
    note = models.TextField(_("commentaire"), blank=True)
    opened_on = models.DateField(_("ouvert le"))
    resolved_on = models.DateField(_("résolu le"), null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("litige")
        verbose_name_plural = _("litiges")
        ordering = ["-opened_on", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="dispute_amount_positive"),
            models.UniqueConstraint(
                fields=["item"], condition=Q(resolved_on__isnull=True), name="dispute_open_once_per_item"
            ),
            models.CheckConstraint(
                condition=Q(resolved_on__isnull=True) | Q(resolved_on__gte=F("opened_on")),
                name="dispute_resolved_after_opened",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} : {self.get_reason_display()}"


class Promise(models.Model):
    """Promesse de règlement: the customer says he pays this amount of the item by this date."""

    class Status(models.TextChoices):
        OPEN = "OPEN", _("En cours")
        KEPT = "KEPT", _("Tenue")
        BROKEN = "BROKEN", _("Non tenue")
        WITHDRAWN = "WITHDRAWN", _("Retirée")

    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="promises")
    amount = models.DecimalField(_("montant promis"), max_digits=14, decimal_places=2)
    promised_date = models.DateField(_("date promise"))
    made_on = models.DateField(_("faite le"))
    status = models.CharField(_("état"), max_length=10, choices=Status, default=Status.OPEN)
    note = models.TextField(_("commentaire"), blank=True)

    class Meta:
        verbose_name = _("promesse de règlement")
        verbose_name_plural = _("promesses de règlement")
        ordering = ["promised_date", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="promise_amount_positive"),
            models.UniqueConstraint(
                fields=["item"], condition=Q(status="OPEN"), name="promise_open_once_per_item"
            ),
        ]
        indexes = [
            models.Index(fields=["promised_date"], condition=Q(status="OPEN"), name="promise_open_by_date")
        ]

    def __str__(self) -> str:
        return f"{self.item} : {self.promised_date}"
