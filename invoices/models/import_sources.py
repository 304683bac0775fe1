"""Where batches come from: the saved reading of a source, what is suspicious there, the folders that are watched."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import LegalEntity
from invoices.models.imports import ImportBatch


class ImportProfile(models.Model):
    """How the files of one source are read: which column holds what, and how the source writes things.

    `columns` maps a field of `readers.columns` to the header it has in the files; `constants` gives a field the same
    value on every row; `options` are reading choices (`encoding`, `delimiter`, `sheet`, `decimal`, `date_order`, …);
    `values` maps a field to {word of the source: value of ours}.
    """

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(_("nom de la source"), max_length=80)
    subject = models.CharField(
        _("contenu"), max_length=10, choices=ImportBatch.Subject, default=ImportBatch.Subject.ITEMS
    )
    mode = models.CharField(_("mode"), max_length=8, choices=ImportBatch.Mode, default=ImportBatch.Mode.DELTA)
    columns = models.JSONField(_("colonnes"), default=dict, blank=True)
    constants = models.JSONField(_("valeurs fixes"), default=dict, blank=True)
    options = models.JSONField(_("lecture"), default=dict, blank=True)
    values = models.JSONField(_("correspondances de valeurs"), default=dict, blank=True)
    creates_customers = models.BooleanField(_("créer les clients inconnus"), default=False)
    is_archived = models.BooleanField(_("archivée"), default=False)
    updated_at = models.DateTimeField(_("modifiée le"))
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("source de lots")
        verbose_name_plural = _("sources de lots")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["legal_entity", "name"],
                condition=Q(is_archived=False),
                name="import_profile_name_once_per_entity",
            )
        ]

    def __str__(self) -> str:
        return self.name


class ImportGuard(models.Model):
    """What a legal entity finds suspicious in a batch. Shares in percent, amounts in the entity's currency."""

    legal_entity = models.OneToOneField(LegalEntity, on_delete=models.PROTECT, related_name="+")
    cleared_share = models.DecimalField(
        _("part maximale de l’encours soldée par un instantané (%)"),
        max_digits=5,
        decimal_places=2,
        default=Decimal(30),
    )
    amount_factor = models.PositiveSmallIntegerField(_("montant multiplié par"), default=10)
    volume_factor = models.PositiveSmallIntegerField(_("volume multiplié par"), default=5)
    second_person_amount = models.DecimalField(
        _("seconde personne au-delà de"), max_digits=14, decimal_places=2, default=Decimal(500_000)
    )

    class Meta:
        verbose_name = _("garde-fou des lots")
        verbose_name_plural = _("garde-fous des lots")
        constraints = [
            models.CheckConstraint(
                condition=Q(cleared_share__gte=0, cleared_share__lte=100),
                name="import_guard_share_is_percent",
            ),
            models.CheckConstraint(
                condition=Q(amount_factor__gte=2, volume_factor__gte=2), name="import_guard_factors_above_one"
            ),
        ]

    def __str__(self) -> str:
        return str(self.legal_entity)


class DropFolder(models.Model):
    """A directory or bucket prefix that is swept for files. `path` lies below the storage named `drop`."""

    class Subject(models.TextChoices):
        ITEMS = "ITEMS", _("Pièces")
        CUSTOMERS = "CUSTOMERS", _("Clients")
        BANK = "BANK", _("Relevés de compte")
        EINVOICE_STATUSES = "STATUSES", _("Statuts de factures électroniques")

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    path = models.CharField(_("chemin"), max_length=200, unique=True)
    subject = models.CharField(_("contenu"), max_length=10, choices=Subject, default=Subject.ITEMS)
    profile = models.ForeignKey(
        ImportProfile, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    commits_by_itself = models.BooleanField(
        _("valider sans intervention s’il n’y a ni erreur ni point douteux"), default=False
    )
    is_active = models.BooleanField(_("surveillé"), default=True)
    swept_at = models.DateTimeField(_("dernier passage"), null=True, blank=True)
    sweep_error = models.CharField(_("dernière erreur"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("dossier surveillé")
        verbose_name_plural = _("dossiers surveillés")
        ordering = ["path"]

    def __str__(self) -> str:
        return self.path


class DroppedFile(models.Model):
    """A file found in a watched folder. It is claimed once: by its name, size and time of change."""

    class Status(models.TextChoices):
        CLAIMED = "CLAIMED", _("Prise en charge")
        RECEIVED = "RECEIVED", _("Reçu")
        REFUSED = "REFUSED", _("Refusé")

    folder = models.ForeignKey(DropFolder, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(_("nom"), max_length=255)
    version = models.CharField(_("version"), max_length=80)
    status = models.CharField(_("état"), max_length=10, choices=Status, default=Status.CLAIMED)
    batch = models.ForeignKey(ImportBatch, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    bank_file = models.ForeignKey(
        "invoices.BankFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    message = models.TextField(_("compte rendu"), blank=True)
    archived_as = models.CharField(_("archivé sous"), max_length=300, blank=True)
    claimed_at = models.DateTimeField(_("pris en charge le"))
    updated_at = models.DateTimeField(_("modifié le"))

    class Meta:
        verbose_name = _("fichier déposé")
        verbose_name_plural = _("fichiers déposés")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["folder", "name", "version"], name="dropped_file_claimed_once")
        ]

    def __str__(self) -> str:
        return self.name
