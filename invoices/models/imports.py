"""Batches of items uploaded as files, staged row by row until a person commits or cancels them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.rights import Actor
from core.states import state_machine
from customers.models import Customer, LegalEntity
from invoices.models.items import OpenItem


class ImportStatus(models.TextChoices):
    RECEIVED = "RECEIVED", _("Reçu")
    READING = "READING", _("Lecture en cours")
    PREVIEWED = "PREVIEWED", _("À valider")
    TO_APPROVE = "TO_APPROVE", _("À approuver")
    REJECTED = "REJECTED", _("Illisible")
    COMMITTING = "COMMITTING", _("Enregistrement en cours")
    COMMITTED = "COMMITTED", _("Enregistré")
    ROLLING_BACK = "ROLLING_BACK", _("Retrait en cours")
    ROLLED_BACK = "ROLLED_BACK", _("Retiré")
    CANCELLED = "CANCELLED", _("Annulé")
    FAILED = "FAILED", _("Interrompu")


IMPORT_TRANSITIONS = (
    (ImportStatus.RECEIVED, ImportStatus.READING),
    (ImportStatus.RECEIVED, ImportStatus.CANCELLED),
    (ImportStatus.READING, ImportStatus.PREVIEWED),
    (ImportStatus.READING, ImportStatus.REJECTED),
    (ImportStatus.READING, ImportStatus.FAILED),
    (ImportStatus.PREVIEWED, ImportStatus.RECEIVED),
    (ImportStatus.PREVIEWED, ImportStatus.COMMITTING),
    (ImportStatus.PREVIEWED, ImportStatus.CANCELLED),
    (ImportStatus.PREVIEWED, ImportStatus.TO_APPROVE),
    (ImportStatus.TO_APPROVE, ImportStatus.COMMITTING),
    (ImportStatus.TO_APPROVE, ImportStatus.PREVIEWED),
    (ImportStatus.TO_APPROVE, ImportStatus.CANCELLED),
    (ImportStatus.REJECTED, ImportStatus.RECEIVED),
    (ImportStatus.REJECTED, ImportStatus.CANCELLED),
    (ImportStatus.COMMITTING, ImportStatus.COMMITTED),
    (ImportStatus.COMMITTING, ImportStatus.PREVIEWED),
    (ImportStatus.COMMITTING, ImportStatus.FAILED),
    (ImportStatus.FAILED, ImportStatus.RECEIVED),
    (ImportStatus.FAILED, ImportStatus.CANCELLED),
    (ImportStatus.COMMITTED, ImportStatus.ROLLING_BACK),
    (ImportStatus.ROLLING_BACK, ImportStatus.ROLLED_BACK),
    (ImportStatus.ROLLING_BACK, ImportStatus.COMMITTED),
)
# Once written, a batch keeps the instant at which it was, even when it is taken back.
WRITTEN = ("COMMITTED", "ROLLING_BACK", "ROLLED_BACK")


class ImportBatchQuerySet(models.QuerySet["ImportBatch"]):
    def visible_to(self, actor: Actor) -> "ImportBatchQuerySet":
        """The batches of the legal entities in the actor's scope."""
        return self.filter(legal_entity__in=LegalEntity.objects.visible_to(actor))


class ImportBatch(models.Model):
    """One uploaded file for one legal entity. The status column is the work list of the import tasks.

    `options` are the reading choices a person imposed, `dialect` those that were used. `error_code` and
    `error_params` say why the batch as a whole failed (`invoices.import_messages`). `as_of` is the day whose
    state a full snapshot shows. `suspicions` lists what a person must confirm: `code`, `count`, `params`.
    """

    class Subject(models.TextChoices):
        ITEMS = "ITEMS", _("Pièces")
        CUSTOMERS = "CUSTOMERS", _("Clients")

    class Format(models.TextChoices):
        TABLE = "TABLE", _("CSV ou XLSX")
        FEC = "FEC", _("Fichier des écritures comptables")
        EINVOICE = "EINVOICE", _("Factures électroniques")
        JSON_LINES = "JSON_LINES", _("JSON par lignes")

    class Mode(models.TextChoices):
        DELTA = "DELTA", _("Pièces nouvelles ou modifiées")
        SNAPSHOT = "SNAPSHOT", _("Toutes les pièces ouvertes")

    class Source(models.TextChoices):
        UPLOAD = "UPLOAD", _("Dépôt à l’écran")
        API = "API", _("API")
        FOLDER = "FOLDER", _("Dossier surveillé")

    Status = ImportStatus
    TRANSITIONS = IMPORT_TRANSITIONS
    UNDER_WAY = (Status.RECEIVED, Status.READING, Status.COMMITTING, Status.ROLLING_BACK)
    UNDO_DAYS = 7

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    file = models.ForeignKey("core.StoredFile", on_delete=models.PROTECT, related_name="+")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    status = models.CharField(_("état"), max_length=12, choices=ImportStatus, default=ImportStatus.RECEIVED)
    subject = models.CharField(_("contenu"), max_length=10, choices=Subject, default=Subject.ITEMS)
    format = models.CharField(_("format"), max_length=10, choices=Format, default=Format.TABLE)
    mode = models.CharField(_("mode"), max_length=8, choices=Mode, default=Mode.DELTA)
    source = models.CharField(_("origine"), max_length=6, choices=Source, default=Source.UPLOAD)
    as_of = models.DateField(_("situation au"), null=True, blank=True)
    profile = models.ForeignKey(
        "invoices.ImportProfile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    creates_customers = models.BooleanField(_("créer les clients inconnus"), default=False)
    options = models.JSONField(default=dict, blank=True)
    dialect = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_params = models.JSONField(default=dict, blank=True)
    done = models.PositiveIntegerField(_("lignes lues"), default=0)
    total = models.PositiveIntegerField(_("lignes du fichier"), default=0)
    new_count = models.PositiveIntegerField(_("nouvelles"), default=0)
    unchanged_count = models.PositiveIntegerField(_("inchangées"), default=0)
    changed_count = models.PositiveIntegerField(_("modifiées"), default=0)
    skipped_count = models.PositiveIntegerField(_("laissées de côté"), default=0)
    error_count = models.PositiveIntegerField(_("en erreur"), default=0)
    suspicious_count = models.PositiveIntegerField(_("douteuses"), default=0)
    cleared_count = models.PositiveIntegerField(_("soldées"), default=0)
    new_customer_count = models.PositiveIntegerField(_("clients créés"), default=0)
    suspicions = models.JSONField(_("points douteux"), default=list, blank=True)
    needs_second_person = models.BooleanField(_("seconde personne requise"), default=False)
    changed_amounts = models.JSONField(
        _("variation des pièces modifiées, par devise"), default=dict, blank=True
    )
    cleared_amounts = models.JSONField(_("montants soldés, par devise"), default=dict, blank=True)
    new_amounts = models.JSONField(_("montants nouveaux par devise"), default=dict, blank=True)
    receivable_before = models.JSONField(_("encours avant, par devise"), default=dict, blank=True)
    receivable_after = models.JSONField(_("encours après, par devise"), default=dict, blank=True)
    accept_rejects = models.BooleanField(_("valider malgré les rejets"), default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    received_at = models.DateTimeField(_("reçu le"))
    read_at = models.DateTimeField(_("lu le"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    committed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    committed_at = models.DateTimeField(_("enregistré le"), null=True, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    rolled_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    rolled_back_at = models.DateTimeField(_("retiré le"), null=True, blank=True)
    rollback_reason = models.CharField(_("motif du retrait"), max_length=200, blank=True)
    updated_at = models.DateTimeField(_("modifié le"))

    objects = ImportBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("lot de pièces")
        verbose_name_plural = _("lots de pièces")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=WRITTEN, committed_at__isnull=False)
                | (~Q(status__in=WRITTEN) & Q(committed_at__isnull=True)),
                name="import_batch_committed_has_instant",
            ),
            models.CheckConstraint(
                condition=~Q(mode="SNAPSHOT") | Q(as_of__isnull=False), name="import_batch_snapshot_has_day"
            ),
            models.CheckConstraint(
                condition=~Q(status="ROLLED_BACK") | Q(rolled_back_at__isnull=False),
                name="import_batch_rolled_back_has_instant",
            ),
        ]
        indexes = [
            models.Index(fields=["legal_entity", "-id"], name="import_batch_by_entity"),
            models.Index(
                fields=["status", "id"],
                condition=Q(status__in=["RECEIVED", "READING", "COMMITTING", "ROLLING_BACK"]),
                name="import_batch_work_list",
            ),
        ]
        triggers = [state_machine(IMPORT_TRANSITIONS)]

    def __str__(self) -> str:
        return self.file.name

    @property
    def is_under_way(self) -> bool:
        return self.status in self.UNDER_WAY

    @property
    def row_count(self) -> int:
        return (
            self.new_count + self.changed_count + self.unchanged_count + self.skipped_count + self.error_count
        )


class ImportRow(models.Model):
    """A line of an uploaded file: its cells as written, what was understood, and what will become of it.

    `errors` is a list of objects with `column` (a field name of `readers.columns`), `code`, `value` and what the
    message of the code needs; `suspicions` the same. `changes` is a list of `column`, `before`, `after`.
    `open_amount` is what the file says is still open, None when it says nothing. `details` holds what the file says
    of the customer (`customer`: name, siren, siret, vat_number, country, address_lines, email, … and `contacts`)
    and of an electronic invoice (`einvoice`). `document_name` is the file of the archive the row was read from.
    """

    class Outcome(models.TextChoices):
        NEW = "NEW", _("Nouvelle")
        CHANGED = "CHANGED", _("Modifiée")
        UNCHANGED = "UNCHANGED", _("Inchangée")
        SKIPPED = "SKIPPED", _("Laissée de côté")
        ERROR = "ERROR", _("En erreur")

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="rows", db_index=False)
    line = models.PositiveIntegerField(_("ligne"))
    cells = models.JSONField(_("cellules du fichier"), default=list)
    customer_code = models.TextField(_("code client"), null=True, blank=True)
    number = models.TextField(_("numéro"), null=True, blank=True)
    instalment = models.PositiveSmallIntegerField(_("échéance n°"), default=1)
    kind = models.CharField(_("nature"), max_length=12, choices=OpenItem.Kind, null=True, blank=True)
    issue_date = models.DateField(_("date de facture"), null=True, blank=True)
    due_date = models.DateField(_("date d’échéance"), null=True, blank=True)
    due_date_computed = models.BooleanField(_("échéance calculée"), default=False)
    currency = models.CharField(_("devise"), max_length=3, null=True, blank=True)
    total_amount = models.DecimalField(
        _("montant TTC"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    vat_amount = models.DecimalField(_("dont TVA"), max_digits=14, decimal_places=2, null=True, blank=True)
    open_amount = models.DecimalField(
        _("reste dû selon le fichier"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    reference = models.TextField(_("référence"), blank=True)
    details = models.JSONField(_("précisions"), default=dict, blank=True, db_default={})
    document_name = models.TextField(_("fichier de l’archive"), blank=True, default="", db_default="")
    outcome = models.CharField(_("sort"), max_length=10, choices=Outcome)
    errors = models.JSONField(_("erreurs"), default=list)
    suspicions = models.JSONField(_("points douteux"), default=list, db_default=[])
    changes = models.JSONField(_("modifications"), default=list, db_default=[])
    item = models.ForeignKey(
        OpenItem, on_delete=models.DO_NOTHING, null=True, blank=True, related_name="+", db_constraint=False
    )
    # Without a constraint in the database: 100,000 checks would cost a second, and the commit joins the customer.
    customer = models.ForeignKey(
        Customer,
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
    )

    class Meta:
        verbose_name = _("ligne de lot")
        verbose_name_plural = _("lignes de lot")
        ordering = ["line"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "line"], name="import_row_line_once_per_batch")
        ]
        indexes = [
            models.Index(
                fields=["batch", "line"],
                condition=~Q(outcome="NEW"),
                name="import_row_not_new",
            ),
            models.Index(fields=["batch", "line"], condition=~Q(suspicions=[]), name="import_row_suspicious"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}:{self.line}"


class ImportClearing(models.Model):
    """An open item that a full snapshot no longer shows: the commit settles what is open of it."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="clearings")
    item = models.ForeignKey(OpenItem, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    open_amount = models.DecimalField(_("solde avant"), max_digits=14, decimal_places=2)

    class Meta:
        verbose_name = _("pièce soldée par un lot")
        verbose_name_plural = _("pièces soldées par un lot")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "item"], name="import_clearing_once_per_item")
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}:{self.item_id}"


class ImportEffect(models.Model):
    """What the commit of a batch changed besides the items and allocations it posted, so that it can be taken back.

    `before` and `after` hold the fields concerned; `before` None: the batch created the row.
    """

    class Document(models.TextChoices):
        ITEM = "ITEM", _("Pièce")
        ALLOCATION = "ALLOCATION", _("Lettrage")
        DISPUTE = "DISPUTE", _("Litige")
        CUSTOMER = "CUSTOMER", _("Client")
        CONTACT = "CONTACT", _("Contact")

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="effects")
    document = models.CharField(_("document"), max_length=10, choices=Document)
    object_id = models.BigIntegerField(_("identifiant"))
    before = models.JSONField(_("avant"), null=True)
    after = models.JSONField(_("après"), null=True)

    class Meta:
        verbose_name = _("effet d’un lot")
        verbose_name_plural = _("effets des lots")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "document", "object_id"], name="import_effect_once_per_document"
            )
        ]
        indexes = [models.Index(fields=["document", "object_id"], name="import_effect_by_document")]

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.document} {self.object_id}"


class ImportConfirmation(models.Model):
    """A person looked at one kind of suspicion of a batch and says that it is right."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="confirmations")
    code = models.CharField(_("point douteux"), max_length=40)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(_("confirmé le"))

    class Meta:
        verbose_name = _("confirmation d’un point douteux")
        verbose_name_plural = _("confirmations de points douteux")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "code"], name="import_confirmation_once_per_code")
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.code}"
