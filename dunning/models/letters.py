"""What left the house: letters kept as sent, and each attempt to deliver them."""

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from dunning.models.notices import Notice


class Letter(models.Model):
    """The letter of a notice: the frozen values it was made from and the PDF they gave. Immutable."""

    notice = models.OneToOneField(Notice, on_delete=models.PROTECT, related_name="letter")
    reference = models.CharField(_("référence"), max_length=40, unique=True)
    context = models.JSONField(_("valeurs figées"))
    context_sha256 = models.CharField(max_length=64)
    file = models.ForeignKey("core.StoredFile", on_delete=models.PROTECT, related_name="+")
    rendered_at = models.DateTimeField(_("produite le"))

    class Meta:
        verbose_name = _("courrier")
        verbose_name_plural = _("courriers")
        ordering = ["-id"]
        triggers = [pgtrigger.Protect(name="immutable", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.reference


class Delivery(models.Model):
    """One attempt to send a notice. Its row is written before the attempt; its id is the idempotency key."""

    class Status(models.TextChoices):
        STARTED = "STARTED", _("En cours")
        SENT = "SENT", _("Acceptée par le serveur de messagerie")
        HANDED = "HANDED", _("Remise pour impression")
        RETRY = "RETRY", _("À réessayer")
        FAILED = "FAILED", _("Refusée")

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField(_("canal"), max_length=12)
    recipient = models.CharField(_("destinataire"), max_length=254, blank=True)
    attempt = models.PositiveSmallIntegerField(_("tentative"), default=1)
    status = models.CharField(_("état"), max_length=8, choices=Status, default=Status.STARTED)
    detail = models.TextField(_("réponse"), blank=True)
    started_at = models.DateTimeField(_("tentée le"))
    finished_at = models.DateTimeField(_("réponse le"), null=True, blank=True)

    class Meta:
        verbose_name = _("envoi")
        verbose_name_plural = _("envois")
        ordering = ["notice", "attempt"]
        constraints = [models.UniqueConstraint(fields=["notice", "attempt"], name="delivery_attempt_once")]

    def __str__(self) -> str:
        return f"{self.notice} ({self.attempt})"
