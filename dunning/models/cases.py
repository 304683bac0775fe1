"""Remise en recouvrement: agencies and the cases given to them."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.models import User
from core.rights import SYSTEM, Actor
from core.states import state_machine
from customers.models import Customer, LegalEntity
from dunning.models.notices import Notice
from invoices.models import OpenItem


class Agency(models.Model):
    """A collection agency with its contract (CPCE R124-3: written agreement, remuneration on the creditor)."""

    name = models.CharField(_("nom"), max_length=120, unique=True)
    email = models.EmailField(_("adresse e-mail"))
    address_lines = models.TextField(_("adresse"))
    contract_reference = models.CharField(_("référence du mandat"), max_length=60)
    commission_rate = models.DecimalField(
        _("commission (%)"),
        max_digits=5,
        decimal_places=2,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    is_active = models.BooleanField(_("en activité"), default=True)

    class Meta:
        verbose_name = _("agence de recouvrement")
        verbose_name_plural = _("agences de recouvrement")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CaseStatus(models.TextChoices):
    OPENED = "OPENED", _("À préparer")
    READY = "READY", _("Dossier prêt")
    HANDED_OVER = "HANDED_OVER", _("Remis à l’agence")
    RECALLED = "RECALLED", _("Rappelé")
    CLOSED = "CLOSED", _("Clos")


CASE_TRANSITIONS = (
    (CaseStatus.OPENED, CaseStatus.READY),
    (CaseStatus.READY, CaseStatus.HANDED_OVER),
    (CaseStatus.OPENED, CaseStatus.RECALLED),
    (CaseStatus.READY, CaseStatus.RECALLED),
    (CaseStatus.HANDED_OVER, CaseStatus.RECALLED),
    (CaseStatus.HANDED_OVER, CaseStatus.CLOSED),
)


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, actor: Actor) -> "CaseQuerySet":
        """The cases of the customers in the actor's scope."""
        if actor is SYSTEM:
            return self
        if not isinstance(actor, User):
            return self.none()
        return self.filter(customer__in=Customer.objects.visible_to(actor))


class Case(models.Model):
    """Dossier handed over to an agency: its items, its frozen statement, its ZIP."""

    Status = CaseStatus
    TRANSITIONS = CASE_TRANSITIONS
    LIVE = (Status.OPENED, Status.READY, Status.HANDED_OVER)

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    notice = models.OneToOneField(Notice, on_delete=models.PROTECT, related_name="case")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="cases")
    status = models.CharField(_("état"), max_length=12, choices=Status, default=Status.OPENED)
    opened_on = models.DateField(_("ouvert le"))
    handed_over_on = models.DateField(_("remis le"), null=True, blank=True)
    dossier = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("dossier de recouvrement")
        verbose_name_plural = _("dossiers de recouvrement")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["OPENED", "RECALLED"]) | Q(dossier__isnull=False),
                name="case_ready_has_dossier",
            )
        ]
        indexes = [models.Index(fields=["customer", "-id"], name="case_by_customer")]
        triggers = [state_machine(CASE_TRANSITIONS)]

    def __str__(self) -> str:
        return f"D{self.pk}"


class CaseItem(models.Model):
    """An item that the agency collects. While its case lives, our own dunning is silent about it."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="items")
    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="+")
    is_live = models.BooleanField(_("en cours"), default=True)

    class Meta:
        verbose_name = _("pièce du dossier")
        verbose_name_plural = _("pièces du dossier")
        ordering = ["case", "id"]
        constraints = [
            models.UniqueConstraint(fields=["item"], condition=Q(is_live=True), name="case_item_live_once")
        ]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.item_id}"
