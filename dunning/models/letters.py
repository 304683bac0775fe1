"""What left the house: letters kept as sent, and each attempt to deliver them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.immutable import append_only
from core.states import state_machine
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
        triggers = append_only("immutable")

    def __str__(self) -> str:
        return self.reference


class DeliveryStatus(models.TextChoices):
    STARTED = "STARTED", _("En cours")
    SENT = "SENT", _("Acceptée par le serveur de messagerie")
    HANDED = "HANDED", _("Remise à la poste")
    RETRY = "RETRY", _("À réessayer")
    FAILED = "FAILED", _("Échouée")


DELIVERY_TRANSITIONS = tuple(
    (DeliveryStatus.STARTED, end) for end in DeliveryStatus if end is not DeliveryStatus.STARTED
)


class Delivery(models.Model):
    """One attempt to send a notice. Its row is written before the attempt, and closed once: it is the proof."""

    Status = DeliveryStatus
    TRANSITIONS = DELIVERY_TRANSITIONS

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
        indexes = [
            models.Index(fields=["id"], condition=models.Q(status="STARTED"), name="delivery_under_way")
        ]
        triggers = [state_machine(DELIVERY_TRANSITIONS)]

    def __str__(self) -> str:
        return f"{self.notice} ({self.attempt})"
