"""What the platforms say of an electronic invoice: its life-cycle statuses, as they were received."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.immutable import append_only
from customers.models import LegalEntity
from invoices.models.items import OpenItem


class EInvoiceStatus(models.Model):
    """A life-cycle status (200 to 228, 501) of one invoice, received once. What it says is never changed.

    `reasons` are objects with `code`, `text` and `amount`; `amounts` maps a type (MEN, MPA, MAP, MNA, …) to a decimal
    text in the invoice's currency. `effect` says what the status did here; `item` is empty while the number is unknown, and settled once.
    """

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(
        OpenItem, on_delete=models.PROTECT, null=True, blank=True, related_name="einvoice_statuses"
    )
    number = models.CharField(_("numéro"), max_length=40)
    code = models.CharField(_("statut"), max_length=3)
    reasons = models.JSONField(_("motifs"), default=list, blank=True)
    amounts = models.JSONField(_("montants"), default=dict, blank=True)
    note = models.TextField(_("commentaire"), blank=True)
    occurred_at = models.DateTimeField(_("intervenu le"))
    received_at = models.DateTimeField(_("reçu le"))
    received_from = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    file = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    effect = models.CharField(_("effet"), max_length=40, blank=True)
    effect_params = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("statut de facture électronique")
        verbose_name_plural = _("statuts de factures électroniques")
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["legal_entity", "number", "code", "occurred_at"], name="einvoice_status_once"
            ),
            models.CheckConstraint(condition=Q(code__regex=r"^\d{3}$"), name="einvoice_status_code_digits"),
        ]
        indexes = [
            models.Index(fields=["item", "occurred_at"], name="einvoice_status_by_item"),
            models.Index(fields=["legal_entity", "-occurred_at", "-id"], name="einvoice_status_by_entity"),
            models.Index(
                fields=["legal_entity", "number"],
                condition=Q(item__isnull=True),
                name="einvoice_status_waiting",
            ),
            models.Index(
                fields=["occurred_at"], condition=Q(effect="FLAGGED"), name="einvoice_status_flagged"
            ),
        ]
        triggers = [
            append_only("as_received")[1],
            pgtrigger.Protect(name="as_received", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="attached_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__item__isnull=False)
            ),
            pgtrigger.ReadOnly(
                name="said_once",
                fields=[
                    "uid", "legal_entity", "number", "code", "reasons", "amounts", "note", "occurred_at", "received_at",
                    "received_from", "file",
                ],
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.number} {self.code}"
