"""Cash application: receipts, what was matched with what and why, what was learned of payers."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.rights import Actor
from customers.models import Customer, LegalEntity
from invoices.models.bank import BankLine
from invoices.models.items import OpenItem


class CashSettings(models.Model):
    """What a legal entity lets the matching do by itself. Amounts in the entity's currency, shares in percent."""

    legal_entity = models.OneToOneField(LegalEntity, on_delete=models.PROTECT, related_name="+")
    posts_by_itself = models.BooleanField(_("lettrer sans intervention ce qui est certain"), default=True)
    tolerance_amount = models.DecimalField(
        _("écart toléré"), max_digits=14, decimal_places=2, default=Decimal("1.00")
    )
    charges_tolerance = models.DecimalField(
        _("frais bancaires tolérés"), max_digits=14, decimal_places=2, default=Decimal("25.00")
    )
    discount_share = models.DecimalField(
        _("escompte admis (%)"), max_digits=5, decimal_places=2, default=Decimal("0.00")
    )
    discount_days = models.PositiveSmallIntegerField(
        _("escompte si payé avant l’échéance de (jours)"), default=10
    )
    oldest_days = models.PositiveSmallIntegerField(
        _("jamais sans intervention au-delà de (jours de retard)"), default=365
    )
    difference_account = models.CharField(
        _("compte des écarts de règlement"), max_length=20, default="658000"
    )
    gain_account = models.CharField(_("compte des écarts en notre faveur"), max_length=20, default="758000")
    charges_account = models.CharField(_("compte des frais bancaires"), max_length=20, default="627000")
    discount_account = models.CharField(_("compte des escomptes accordés"), max_length=20, default="665000")
    loss_account = models.CharField(_("compte des pertes sur créances"), max_length=20, default="654000")
    customer_account = models.CharField(_("compte collectif clients"), max_length=20, default="411000")
    write_off_limit = models.DecimalField(
        _("passage en écart limité à"), max_digits=14, decimal_places=2, default=Decimal("50.00")
    )

    class Meta:
        verbose_name = _("réglages de l’affectation des règlements")
        verbose_name_plural = _("réglages de l’affectation des règlements")

    def __str__(self) -> str:
        return str(self.legal_entity)


class CashApplicationQuerySet(models.QuerySet["CashApplication"]):
    def visible_to(self, actor: Actor) -> "CashApplicationQuerySet":
        """The applications of the customers in the actor's scope."""
        return self.filter(customer__in=Customer.objects.visible_to(actor))


class CashApplication(models.Model):
    """One act of matching: a bank line, or a credit already on the account, settles items of one customer.

    Its allocations name it. It is reversed as a whole; `score` and `reasons` say why it was made.
    """

    REFUND, REFUND_ANNOUNCED, WRITE_OFF = "refund", "refund_announced", "write_off"
    REFUNDS = (REFUND, REFUND_ANNOUNCED)

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    bank_line = models.ForeignKey(
        BankLine,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="applications",
        db_index=False,
    )
    is_automatic = models.BooleanField(_("automatique"), default=False)
    rule = models.CharField(_("règle"), max_length=40, blank=True)
    score = models.PositiveSmallIntegerField(_("score"), null=True, blank=True)
    reasons = models.JSONField(_("raisons"), default=list, blank=True)
    applied_on = models.DateField(_("lettré le"))
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    applied_at = models.DateTimeField(_("enregistré le"))
    reversed_on = models.DateField(_("défait le"), null=True, blank=True)
    reversed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reversed_at = models.DateTimeField(_("défait à"), null=True, blank=True)
    reversal_reason = models.CharField(_("motif"), max_length=200, blank=True)

    objects = CashApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("affectation de règlement")
        verbose_name_plural = _("affectations de règlements")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reversed_on__isnull=True, reversed_at__isnull=True)
                | Q(reversed_on__gte=F("applied_on"), reversed_at__isnull=False),
                name="cash_application_reversed_after_made",
            )
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="cash_application_by_customer"),
            models.Index(fields=["bank_line"], name="cash_application_by_line"),
            models.Index(fields=["legal_entity", "applied_on"], name="cash_application_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.customer} {self.applied_on}"


class Receipt(models.Model):
    """The part of a bank line that stands on a customer's account as an item.

    `amount` is positive, in the line's currency; the item has its own currency and sign. A payment is a credit item;
    a returned payment or a refund is a debit item. `application` is the act that posted it; once undone,
    `counter_item` neutralises the item and the receipt is no longer in force: the line is open again by its amount.
    """

    class Role(models.TextChoices):
        PAYMENT = "PAYMENT", _("Règlement")
        RETURN = "RETURN", _("Impayé")
        REFUND = "REFUND", _("Remboursement")

    bank_line = models.ForeignKey(BankLine, on_delete=models.PROTECT, related_name="receipts")
    item = models.OneToOneField(OpenItem, on_delete=models.PROTECT, related_name="receipt")
    application = models.ForeignKey(
        CashApplication, on_delete=models.PROTECT, null=True, blank=True, related_name="receipts"
    )
    counter_item = models.OneToOneField(
        OpenItem, on_delete=models.PROTECT, null=True, blank=True, related_name="neutralises"
    )
    role = models.CharField(_("nature"), max_length=10, choices=Role, default=Role.PAYMENT)
    amount = models.DecimalField(_("montant"), max_digits=14, decimal_places=2)
    returned_by = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="returns"
    )
    export = models.ForeignKey(
        "invoices.EntryExport", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reversal_export = models.ForeignKey(
        "invoices.EntryExport", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("encaissement")
        verbose_name_plural = _("encaissements")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="receipt_amount_positive")]
        indexes = [
            models.Index(fields=["id"], condition=Q(export__isnull=True), name="receipt_to_export"),
            models.Index(
                fields=["id"],
                condition=Q(counter_item__isnull=False, reversal_export__isnull=True),
                name="receipt_reversal_to_export",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bank_line_id} -> {self.item_id}"


class Adjustment(models.Model):
    """A difference that was given up or taken: its item of kind OTHER, the reason and the account it goes to."""

    class Reason(models.TextChoices):
        SMALL_DIFFERENCE = "SMALL_DIFFERENCE", _("Écart de règlement")
        BANK_CHARGES = "BANK_CHARGES", _("Frais bancaires")
        DISCOUNT = "DISCOUNT", _("Escompte")
        EXCHANGE = "EXCHANGE", _("Écart de change")
        LOSS = "LOSS", _("Perte sur créance")

    item = models.OneToOneField(OpenItem, on_delete=models.PROTECT, related_name="adjustment")
    application = models.ForeignKey(
        CashApplication, on_delete=models.PROTECT, null=True, blank=True, related_name="adjustments"
    )
    reason = models.CharField(_("motif"), max_length=20, choices=Reason)
    account = models.CharField(_("compte comptable"), max_length=20)
    note = models.CharField(_("commentaire"), max_length=200, blank=True)
    reversed_by = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reverses"
    )
    export = models.ForeignKey(
        "invoices.EntryExport", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("écart")
        verbose_name_plural = _("écarts")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], condition=Q(export__isnull=True), name="adjustment_to_export"),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {self.item_id}"


class MatchProposal(models.Model):
    """What the matching found for a bank line, or for a credit already on an account: one candidate, ranked.

    `score` goes from 0 to 100; `reasons` are objects with `code` and what its sentence needs; `blocks` the same, for
    what forbids posting it without a person. `difference_amount` is what the line gives less than the parts ask.
    """

    class Status(models.TextChoices):
        OPEN = "OPEN", _("Proposée")
        POSTED = "POSTED", _("Retenue")
        DISMISSED = "DISMISSED", _("Écartée")

    bank_line = models.ForeignKey(
        BankLine, on_delete=models.CASCADE, null=True, blank=True, related_name="proposals", db_index=False
    )
    credit = models.ForeignKey(
        OpenItem, on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField(_("rang"))
    status = models.CharField(_("état"), max_length=10, choices=Status, default=Status.OPEN)
    rule = models.CharField(_("règle"), max_length=40)
    score = models.PositiveSmallIntegerField(_("score"))
    reasons = models.JSONField(_("raisons"), default=list)
    blocks = models.JSONField(_("pourquoi pas sans intervention"), default=list)
    amount = models.DecimalField(_("montant lettré"), max_digits=14, decimal_places=2)
    difference_amount = models.DecimalField(_("écart"), max_digits=14, decimal_places=2, default=0)
    difference_reason = models.CharField(
        _("motif de l’écart"), max_length=20, choices=Adjustment.Reason, blank=True
    )
    created_at = models.DateTimeField(_("créée le"))

    class Meta:
        verbose_name = _("proposition de rapprochement")
        verbose_name_plural = _("propositions de rapprochement")
        ordering = ["rank", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(bank_line__isnull=False, credit__isnull=True)
                | Q(bank_line__isnull=True, credit__isnull=False),
                name="match_proposal_for_line_or_credit",
            ),
            models.CheckConstraint(condition=Q(score__lte=100), name="match_proposal_score_of_100"),
        ]
        indexes = [
            models.Index(fields=["bank_line", "rank"], name="match_proposal_by_line"),
            models.Index(fields=["credit", "rank"], name="match_proposal_by_credit"),
        ]

    def __str__(self) -> str:
        return f"{self.bank_line_id or self.credit_id}: {self.score}"


class ProposalPart(models.Model):
    """An item of a proposal and how much of it would be settled (signed as the item)."""

    proposal = models.ForeignKey(
        MatchProposal, on_delete=models.CASCADE, related_name="parts", db_index=False
    )
    item = models.ForeignKey(OpenItem, on_delete=models.CASCADE, related_name="+")
    amount = models.DecimalField(_("montant"), max_digits=14, decimal_places=2)

    class Meta:
        verbose_name = _("pièce d’une proposition")
        verbose_name_plural = _("pièces d’une proposition")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["proposal", "item"], name="proposal_part_once_per_item")
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id}: {self.item_id}"


class PayerAlias(models.Model):
    """A sign by which a payer was recognised and a person agreed: IBAN, name as the bank writes it, own reference."""

    class Kind(models.TextChoices):
        IBAN = "IBAN", "IBAN"
        NAME = "NAME", _("Nom")
        MANDATE = "MANDATE", _("Mandat")

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("nature"), max_length=10, choices=Kind)
    value = models.CharField(_("valeur"), max_length=140)
    uses = models.PositiveIntegerField(_("emplois"), default=1)
    learned_on = models.DateField(_("appris le"))
    last_used_on = models.DateField(_("dernier emploi"))
    learned_from = models.ForeignKey(
        BankLine, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("signe d’un payeur")
        verbose_name_plural = _("signes des payeurs")
        ordering = ["customer", "kind", "value"]
        constraints = [
            models.UniqueConstraint(
                fields=["legal_entity", "kind", "value", "customer"], name="payer_alias_once"
            )
        ]
        indexes = [models.Index(fields=["customer"], name="payer_alias_by_customer")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"


class EntryExport(models.Model):
    """A file of accounting entries to post back into the ledger, in the columns of the FEC."""

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    file = models.ForeignKey("core.StoredFile", on_delete=models.PROTECT, related_name="+")
    until = models.DateField(_("jusqu’au"))
    entry_count = models.PositiveIntegerField(_("écritures"))
    debit_amount = models.DecimalField(_("total"), max_digits=14, decimal_places=2)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("créé le"))

    class Meta:
        verbose_name = _("export d’écritures")
        verbose_name_plural = _("exports d’écritures")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file.name
