"""What keeps an item from being chased: a dispute on all or part of it, or a promise to pay it."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from invoices.models.items import OpenItem


class DisputeReason(models.TextChoices):
    """Why customers contest: the reason codes of the French e-invoicing life cycle, and three the trade needs.

    Source: codes of statuses 206, 207, 208 and 210 (XP Z12-012, flow 6).
    """

    PRICE = "PU_ERR", _("Prix unitaire erroné")
    REBATE = "REM_ERR", _("Remise erronée")
    QUANTITY = "QTE_ERR", _("Quantité facturée erronée")
    ARTICLE = "ART_ERR", _("Article erroné")
    QUALITY = "QUALITE_ERR", _("Qualité non conforme")
    INCOMPLETE_DELIVERY = "LIVR_INCOMP", _("Livraison ou prestation incomplète")
    ORDER = "CMD_ERR", _("Numéro de commande absent ou erroné")
    CONTRACT_REFERENCE = "REF_CT_ABSENT", _("Référence contractuelle absente")
    REFERENCE = "REF_ERR", _("Référence erronée")
    DUPLICATE = "DOUBLON", _("Facture en double")
    ALREADY_INVOICED = "DOUBLE_FACT", _("Prestation déjà facturée")
    UNKNOWN_TRANSACTION = "TRANSAC_INC", _("Transaction inconnue")
    UNKNOWN_ISSUER = "EMMET_INC", _("Émetteur inconnu")
    ENDED_CONTRACT = "CONTRAT_TERM", _("Contrat terminé")
    UNKNOWN_RECIPIENT = "DEST_INC", _("Destinataire inconnu")
    WRONG_RECIPIENT = "DEST_ERR", _("Destinataire erroné")
    ADDRESS = "ADR_ERR", _("Adresse erronée")
    SIRET = "SIRET_ERR", _("SIRET erroné ou absent")
    ROUTING_CODE = "CODE_ROUTAGE_ERR", _("Code de routage erroné ou absent")
    ROUTING = "ROUTAGE_ERR", _("Erreur de routage")
    NOT_TRANSMITTED = "NON_TRANSMISE", _("Facture non transmise")
    MISSING_PROOF = "JUSTIF_ABS", _("Justificatif absent ou insuffisant")
    BANK_DETAILS = "COORD_BANC_ERR", _("Coordonnées bancaires erronées")
    PAYMENT_MEANS = "MODPAI_ERR", _("Mode de paiement erroné")
    VAT_RATE = "TX_TVA_ERR", _("Taux de TVA erroné")
    TOTAL = "MONTANTTOTAL_ERR", _("Montant total erroné")
    CALCULATION = "CALCUL_ERR", _("Erreur de calcul")
    NOT_COMPLIANT = "NON_CONFORME", _("Mention légale manquante")
    OTHER = "AUTRE", _("Autre motif")


class Dispute(models.Model):
    """Litige on all or part of an item. Open as long as `resolved_on` is empty; the part stays in the ageing.

    `deadline` is the day by which its owner answers the customer.
    """

    class Origin(models.TextChoices):
        PERSON = "PERSON", _("Saisi")
        EINVOICE = "EINVOICE", _("Statut de facture électronique")

    class Resolution(models.TextChoices):
        CREDIT_NOTE = "CREDIT_NOTE", _("Avoir émis")
        UPHELD = "UPHELD", _("Créance maintenue")
        SETTLED = "SETTLED", _("Accord trouvé")
        DOCUMENT_SENT = "DOCUMENT_SENT", _("Justificatif envoyé")
        PAID = "PAID", _("Facture payée")
        OPENED_BY_MISTAKE = "OPENED_BY_MISTAKE", _("Ouvert par erreur")

    Reason = DisputeReason

    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="disputes")
    amount = models.DecimalField(_("montant en litige"), max_digits=14, decimal_places=2)
    reason = models.CharField(_("motif"), max_length=20, choices=DisputeReason)
    origin = models.CharField(
        _("origine"), max_length=10, choices=Origin, default=Origin.PERSON, db_default="PERSON"
    )
    deadline = models.DateField(_("à traiter avant le"), null=True, blank=True)
    resolution = models.CharField(
        _("issue"), max_length=20, choices=Resolution, blank=True, default="", db_default=""
    )
    resolution_note = models.TextField(_("commentaire de l’issue"), blank=True, default="", db_default="")
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

    @property
    def contested_amount(self) -> Decimal:
        """What is contested: while it is open, at most what is still owed on the item."""
        if self.resolved_on is not None:
            return self.amount
        return min(self.amount, max(self.item.open_amount, Decimal("0.00")))


class DisputeFile(models.Model):
    """A document put with a dispute: the customer's claim, a delivery note, an answer."""

    dispute = models.ForeignKey(Dispute, on_delete=models.CASCADE, related_name="files")
    file = models.ForeignKey("core.StoredFile", on_delete=models.PROTECT, related_name="+")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    added_at = models.DateTimeField(_("ajouté le"))

    class Meta:
        verbose_name = _("document d’un litige")
        verbose_name_plural = _("documents d’un litige")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["dispute", "file"], name="dispute_file_once")]

    def __str__(self) -> str:
        return f"{self.dispute_id}: {self.file_id}"


class Promise(models.Model):
    """Promesse de règlement: the customer says he pays this amount of the item by this date.

    `made_by` is the collector who obtained it; `received_amount` and `judged_on` are written when it is judged.
    """

    class Status(models.TextChoices):
        OPEN = "OPEN", _("En cours")
        KEPT = "KEPT", _("Tenue")
        PARTLY_KEPT = "PARTLY_KEPT", _("Tenue en partie")
        BROKEN = "BROKEN", _("Non tenue")
        WITHDRAWN = "WITHDRAWN", _("Retirée")

    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="promises")
    amount = models.DecimalField(_("montant promis"), max_digits=14, decimal_places=2)
    promised_date = models.DateField(_("date promise"))
    made_on = models.DateField(_("faite le"))
    status = models.CharField(_("état"), max_length=12, choices=Status, default=Status.OPEN)
    received_amount = models.DecimalField(
        _("montant reçu"), max_digits=14, decimal_places=2, default=0, db_default=0
    )
    note = models.TextField(_("commentaire"), blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    judged_on = models.DateField(_("jugée le"), null=True, blank=True)

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
