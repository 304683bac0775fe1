"""Bank accounts of the legal entities, their statements and the lines on them."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.rights import Actor
from core.states import state_machine
from customers.models import CURRENCY, LegalEntity


class BankAccountQuerySet(models.QuerySet["BankAccount"]):
    def visible_to(self, actor: Actor) -> "BankAccountQuerySet":
        """The accounts of the legal entities in the actor's scope."""
        return self.filter(legal_entity__in=LegalEntity.objects.visible_to(actor))


class BankAccount(models.Model):
    """An account on which a legal entity is paid. `gl_account` and `journal_code` are for the entries posted back."""

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(_("nom"), max_length=80)
    iban = models.CharField("IBAN", max_length=34, unique=True)
    bic = models.CharField("BIC", max_length=11, blank=True)
    other_identification = models.CharField(
        _("autre identifiant dans les relevés"), max_length=60, blank=True
    )
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY], default="EUR")
    gl_account = models.CharField(_("compte comptable"), max_length=20, default="512000")
    journal_code = models.CharField(_("journal"), max_length=10, default="BQ1")
    is_active = models.BooleanField(_("actif"), default=True)

    objects = BankAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("compte bancaire")
        verbose_name_plural = _("comptes bancaires")
        ordering = ["name", "id"]
        indexes = [
            models.Index(
                fields=["other_identification"],
                condition=~Q(other_identification=""),
                name="bank_account_by_other_id",
            )
        ]

    def __str__(self) -> str:
        return self.name


class BankFileStatus(models.TextChoices):
    RECEIVED = "RECEIVED", _("Reçu")
    READING = "READING", _("Lecture en cours")
    PREVIEWED = "PREVIEWED", _("À valider")
    REJECTED = "REJECTED", _("Illisible")
    ACCEPTED = "ACCEPTED", _("Enregistré")
    WITHDRAWN = "WITHDRAWN", _("Retiré")
    CANCELLED = "CANCELLED", _("Annulé")
    FAILED = "FAILED", _("Interrompu")


BANK_FILE_TRANSITIONS = (
    (BankFileStatus.RECEIVED, BankFileStatus.READING),
    (BankFileStatus.RECEIVED, BankFileStatus.CANCELLED),
    (BankFileStatus.READING, BankFileStatus.PREVIEWED),
    (BankFileStatus.READING, BankFileStatus.REJECTED),
    (BankFileStatus.READING, BankFileStatus.FAILED),
    (BankFileStatus.PREVIEWED, BankFileStatus.RECEIVED),
    (BankFileStatus.PREVIEWED, BankFileStatus.ACCEPTED),
    (BankFileStatus.PREVIEWED, BankFileStatus.CANCELLED),
    (BankFileStatus.ACCEPTED, BankFileStatus.WITHDRAWN),
    (BankFileStatus.REJECTED, BankFileStatus.RECEIVED),
    (BankFileStatus.REJECTED, BankFileStatus.CANCELLED),
    (BankFileStatus.FAILED, BankFileStatus.RECEIVED),
    (BankFileStatus.FAILED, BankFileStatus.CANCELLED),
)


class BankFileQuerySet(models.QuerySet["BankFile"]):
    def visible_to(self, actor: Actor) -> "BankFileQuerySet":
        """The files of the legal entities in the actor's scope."""
        return self.filter(legal_entity__in=LegalEntity.objects.visible_to(actor))


class BankFile(models.Model):
    """A file of the bank: one or several statements. Its status is the work list of the reading task."""

    class Format(models.TextChoices):
        CAMT = "CAMT", "CAMT"
        MT940 = "MT940", "MT940 / MT942"
        CFONB120 = "CFONB120", "CFONB120"
        CFONB240 = "CFONB240", "CFONB240"
        OFX = "OFX", "OFX"
        CSV = "CSV", "CSV"

    class Source(models.TextChoices):
        UPLOAD = "UPLOAD", _("Dépôt à l’écran")
        API = "API", _("API")
        FOLDER = "FOLDER", _("Dossier surveillé")

    Status = BankFileStatus
    TRANSITIONS = BANK_FILE_TRANSITIONS
    UNDER_WAY = (Status.RECEIVED, Status.READING)

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    file = models.ForeignKey("core.StoredFile", on_delete=models.PROTECT, related_name="+")
    format = models.CharField(_("format"), max_length=10, choices=Format, blank=True)
    source = models.CharField(_("origine"), max_length=6, choices=Source, default=Source.UPLOAD)
    # A CSV names no account: the person does.
    bank_account = models.ForeignKey(
        BankAccount, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # How a CSV is read, where the automatic choice is wrong: `encoding`, `delimiter`, `decimal`, `date_order`.
    options = models.JSONField(default=dict, blank=True, db_default={})
    status = models.CharField(
        _("état"), max_length=10, choices=BankFileStatus, default=BankFileStatus.RECEIVED
    )
    error_code = models.CharField(max_length=40, blank=True)
    error_params = models.JSONField(default=dict, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    received_at = models.DateTimeField(_("reçu le"))
    read_at = models.DateTimeField(_("lu le"), null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField(_("enregistré le"), null=True, blank=True)
    updated_at = models.DateTimeField(_("modifié le"))

    objects = BankFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("fichier bancaire")
        verbose_name_plural = _("fichiers bancaires")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["legal_entity", "-id"], name="bank_file_by_entity"),
            models.Index(
                fields=["status", "id"],
                condition=Q(status__in=["RECEIVED", "READING"]),
                name="bank_file_work_list",
            ),
        ]
        triggers = [state_machine(BANK_FILE_TRANSITIONS)]

    def __str__(self) -> str:
        return self.file.name

    @property
    def is_under_way(self) -> bool:
        return self.status in self.UNDER_WAY


class BankStatement(models.Model):
    """One statement of one account. A statement whose opening balance and movements do not give its closing balance
    is refused; `fingerprint` recognises the same statement in another file or format.
    """

    class Kind(models.TextChoices):
        BOOKED = "BOOKED", _("Relevé de compte")
        INTERIM = "INTERIM", _("Relevé intrajournalier")
        NOTIFICATION = "NOTIFICATION", _("Avis d’opérations")
        RETURNS = "RETURNS", _("Avis d’impayés")

    class Status(models.TextChoices):
        PREVIEWED = "PREVIEWED", _("À valider")
        ACCEPTED = "ACCEPTED", _("Enregistré")
        DUPLICATE = "DUPLICATE", _("Déjà enregistré")
        REFUSED = "REFUSED", _("Refusé")
        WITHDRAWN = "WITHDRAWN", _("Retiré")

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    bank_file = models.ForeignKey(BankFile, on_delete=models.CASCADE, related_name="statements")
    bank_account = models.ForeignKey(
        BankAccount, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    rank = models.PositiveIntegerField(_("rang dans le fichier"))
    kind = models.CharField(_("nature"), max_length=12, choices=Kind, default=Kind.BOOKED)
    status = models.CharField(_("état"), max_length=10, choices=Status, default=Status.PREVIEWED)
    account_identification = models.CharField(_("compte selon le fichier"), max_length=60, blank=True)
    identification = models.CharField(_("référence du relevé"), max_length=80, blank=True)
    sequence = models.CharField(_("numéro"), max_length=30, blank=True)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    from_date = models.DateField(_("du"), null=True, blank=True)
    to_date = models.DateField(_("au"), null=True, blank=True)
    opening_amount = models.DecimalField(
        _("solde d’ouverture"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    closing_amount = models.DecimalField(
        _("solde de clôture"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    credit_amount = models.DecimalField(_("total des crédits"), max_digits=14, decimal_places=2, default=0)
    debit_amount = models.DecimalField(_("total des débits"), max_digits=14, decimal_places=2, default=0)
    line_count = models.PositiveIntegerField(_("mouvements"), default=0)
    known_count = models.PositiveIntegerField(_("mouvements déjà connus"), default=0)
    fingerprint = models.CharField(max_length=64)
    remark_code = models.CharField(max_length=40, blank=True)
    remark_params = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("relevé de compte")
        verbose_name_plural = _("relevés de compte")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["bank_file", "rank"], name="bank_statement_rank_once_per_file"),
            models.UniqueConstraint(
                fields=["bank_account", "fingerprint"],
                condition=Q(status="ACCEPTED"),
                name="bank_statement_once_per_account",
            ),
            models.CheckConstraint(
                condition=~Q(status="ACCEPTED") | Q(bank_account__isnull=False),
                name="bank_statement_accepted_has_account",
            ),
        ]

    def __str__(self) -> str:
        return self.identification or f"{self.bank_file_id}/{self.rank}"


class BankLineStatus(models.TextChoices):
    DRAFT = "DRAFT", _("À valider")
    KNOWN = "KNOWN", _("Déjà connu")
    OPEN = "OPEN", _("À affecter")
    APPLIED = "APPLIED", _("Affecté")
    SET_ASIDE = "SET_ASIDE", _("Sans objet")


BANK_LINE_TRANSITIONS = (
    (BankLineStatus.DRAFT, BankLineStatus.KNOWN),
    (BankLineStatus.DRAFT, BankLineStatus.OPEN),
    (BankLineStatus.DRAFT, BankLineStatus.SET_ASIDE),
    (BankLineStatus.OPEN, BankLineStatus.APPLIED),
    (BankLineStatus.OPEN, BankLineStatus.SET_ASIDE),
    (BankLineStatus.APPLIED, BankLineStatus.OPEN),
    (BankLineStatus.SET_ASIDE, BankLineStatus.OPEN),
)


class BankLineQuerySet(models.QuerySet["BankLine"]):
    def visible_to(self, actor: Actor) -> "BankLineQuerySet":
        """The lines of the accounts in the actor's scope."""
        return self.filter(bank_account__in=BankAccount.objects.visible_to(actor))


class BankLine(models.Model):
    """A movement of an account: money received is positive. What the bank said is never changed.

    A batch booking that is itemised gives one line per transaction, all with the same `entry_rank`.
    `applied_amount` is the part, without sign and in the line's currency, that receipts carry; OPEN until it is the
    whole. `fingerprint` and `occurrence` recognise the same movement in overlapping files; a KNOWN line names the
    one it repeats in `same_as`, and carries nothing.
    """

    class Nature(models.TextChoices):
        TRANSFER = "TRANSFER", _("Virement")
        DIRECT_DEBIT = "DIRECT_DEBIT", _("Prélèvement")
        CHEQUE = "CHEQUE", _("Chèque")
        BILL = "BILL", _("Effet de commerce")
        CARD = "CARD", _("Carte")
        CASH = "CASH", _("Espèces")
        CHARGES = "CHARGES", _("Frais bancaires")
        RETURN = "RETURN", _("Impayé ou rejet")
        OTHER = "OTHER", _("Autre")

    Status = BankLineStatus
    TRANSITIONS = BANK_LINE_TRANSITIONS

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    statement = models.ForeignKey(
        BankStatement, on_delete=models.CASCADE, related_name="lines", db_index=False
    )
    bank_account = models.ForeignKey(
        BankAccount, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    rank = models.PositiveIntegerField(_("rang"))
    entry_rank = models.PositiveIntegerField(_("rang de l’écriture"))
    status = models.CharField(_("état"), max_length=10, choices=BankLineStatus, default=BankLineStatus.DRAFT)
    nature = models.CharField(_("nature"), max_length=12, choices=Nature, default=Nature.OTHER)
    booking_date = models.DateField(_("date d’opération"))
    value_date = models.DateField(_("date de valeur"), null=True, blank=True)
    amount = models.DecimalField(_("montant"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    applied_amount = models.DecimalField(_("montant affecté"), max_digits=14, decimal_places=2, default=0)
    original_amount = models.DecimalField(
        _("montant d’origine"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    original_currency = models.CharField(_("devise d’origine"), max_length=3, blank=True)
    charges_amount = models.DecimalField(
        _("frais retenus"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    bank_code = models.CharField(_("code opération de la banque"), max_length=40, blank=True)
    bank_reference = models.CharField(_("référence de la banque"), max_length=80, blank=True)
    end_to_end_id = models.CharField(_("référence de bout en bout"), max_length=80, blank=True)
    mandate_reference = models.CharField(_("référence unique du mandat"), max_length=80, blank=True)
    structured_reference = models.CharField(_("référence structurée"), max_length=80, blank=True)
    remittance = models.TextField(_("libellé"), blank=True)
    document_references = models.JSONField(_("documents cités"), default=list, blank=True)
    counterparty_name = models.CharField(_("tiers"), max_length=140, blank=True)
    counterparty_iban = models.CharField(_("IBAN du tiers"), max_length=34, blank=True)
    ultimate_name = models.CharField(_("tiers final"), max_length=140, blank=True)
    is_return = models.BooleanField(_("impayé, rejet ou annulation"), default=False)
    return_code = models.CharField(_("code motif du rejet"), max_length=10, blank=True)
    return_reason = models.CharField(_("motif du rejet"), max_length=140, blank=True)
    returns = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="returned_by"
    )
    set_aside_reason = models.CharField(_("motif"), max_length=200, blank=True)
    fingerprint = models.CharField(max_length=64)
    occurrence = models.PositiveIntegerField(default=1)
    same_as = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # When proposals were last sought; NULL: they must be.
    matched_at = models.DateTimeField(_("rapproché le"), null=True, blank=True)
    updated_at = models.DateTimeField(_("modifié le"))

    objects = BankLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("mouvement bancaire")
        verbose_name_plural = _("mouvements bancaires")
        ordering = ["booking_date", "id"]
        constraints = [
            models.UniqueConstraint(fields=["statement", "rank"], name="bank_line_rank_once_per_statement"),
            models.UniqueConstraint(
                fields=["bank_account", "fingerprint", "occurrence"],
                condition=~Q(status__in=["DRAFT", "KNOWN"]),
                name="bank_line_once_per_account",
            ),
            models.CheckConstraint(condition=~Q(amount=0), name="bank_line_amount_not_zero"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, applied_amount__gte=0, applied_amount__lte=models.F("amount"))
                | Q(amount__lt=0, applied_amount__gte=0, applied_amount__lte=-models.F("amount")),
                name="bank_line_applied_within_amount",
            ),
            models.CheckConstraint(
                condition=~Q(status="APPLIED")
                | Q(applied_amount=models.F("amount"))
                | Q(applied_amount=-models.F("amount")),
                name="bank_line_applied_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(status="SET_ASIDE") | Q(applied_amount=0),
                name="bank_line_set_aside_carries_nothing",
            ),
        ]
        indexes = [
            models.Index(
                fields=["bank_account", "booking_date", "id"],
                condition=Q(status="OPEN"),
                name="bank_line_open",
            ),
            # The cash board shows the lines of every account in one order.
            models.Index(
                fields=["booking_date", "id"], condition=Q(status="OPEN"), name="bank_line_open_by_day"
            ),
            models.Index(
                fields=["id"], condition=Q(status="OPEN", matched_at__isnull=True), name="bank_line_to_match"
            ),
            models.Index(fields=["bank_account", "-booking_date", "-id"], name="bank_line_by_account"),
            models.Index(fields=["bank_account", "amount", "booking_date"], name="bank_line_by_amount"),
            models.Index(fields=["fingerprint", "occurrence"], name="bank_line_by_fingerprint"),
            models.Index(
                fields=["end_to_end_id"], condition=~Q(end_to_end_id=""), name="bank_line_by_end_to_end"
            ),
            models.Index(
                fields=["counterparty_iban"], condition=~Q(counterparty_iban=""), name="bank_line_by_iban"
            ),
        ]
        triggers = [
            state_machine(BANK_LINE_TRANSITIONS),
            # What the bank said stands.
            pgtrigger.ReadOnly(
                name="as_the_bank_said",
                fields=[
                    "amount",
                    "currency",
                    "booking_date",
                    "value_date",
                    "remittance",
                    "statement",
                    "fingerprint",
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booking_date} {self.amount} {self.currency}"

    @property
    def remaining_amount(self) -> object:
        """What no receipt carries yet, without sign."""
        return abs(self.amount) - self.applied_amount
