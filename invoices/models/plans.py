"""Échéanciers: several items paid in instalments, as the customer signed."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.rights import Actor
from core.states import state_machine
from customers.models import CURRENCY, Customer, LegalEntity
from invoices.models.items import OpenItem


class PlanStatus(models.TextChoices):
    DRAFT = "DRAFT", _("Brouillon")
    TO_APPROVE = "TO_APPROVE", _("À approuver")
    OFFERED = "OFFERED", _("Proposé au client")
    ACTIVE = "ACTIVE", _("En cours")
    COMPLETED = "COMPLETED", _("Soldé")
    DEFAULTED = "DEFAULTED", _("Défaillant")
    CANCELLED = "CANCELLED", _("Annulé")


PLAN_TRANSITIONS = (
    (PlanStatus.DRAFT, PlanStatus.TO_APPROVE),
    (PlanStatus.DRAFT, PlanStatus.OFFERED),
    (PlanStatus.DRAFT, PlanStatus.CANCELLED),
    (PlanStatus.TO_APPROVE, PlanStatus.OFFERED),
    (PlanStatus.TO_APPROVE, PlanStatus.DRAFT),
    (PlanStatus.TO_APPROVE, PlanStatus.CANCELLED),
    (PlanStatus.OFFERED, PlanStatus.ACTIVE),
    (PlanStatus.OFFERED, PlanStatus.CANCELLED),
    (PlanStatus.ACTIVE, PlanStatus.COMPLETED),
    (PlanStatus.ACTIVE, PlanStatus.DEFAULTED),
    (PlanStatus.ACTIVE, PlanStatus.CANCELLED),
)


class PaymentPlanQuerySet(models.QuerySet["PaymentPlan"]):
    def visible_to(self, actor: Actor) -> "PaymentPlanQuerySet":
        """The plans of the customers in the actor's scope."""
        return self.filter(customer__in=Customer.objects.visible_to(actor))


class PaymentPlan(models.Model):
    """An agreement to pay items in instalments. While ACTIVE its items are not chased; in default they all are,
    and the whole balance is due again. `grace_days` are calendar days after an instalment's date.
    """

    Status = PlanStatus
    TRANSITIONS = PLAN_TRANSITIONS

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(_("état"), max_length=10, choices=PlanStatus, default=PlanStatus.DRAFT)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    total_amount = models.DecimalField(_("montant échelonné"), max_digits=14, decimal_places=2)
    grace_days = models.PositiveSmallIntegerField(_("délai de grâce (jours)"), default=5)
    made_on = models.DateField(_("établi le"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(_("approuvé le"), null=True, blank=True)
    agreement = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    signed_agreement = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    started_on = models.DateField(_("en vigueur le"), null=True, blank=True)
    ended_on = models.DateField(_("terminé le"), null=True, blank=True)
    end_reason = models.CharField(_("motif de fin"), max_length=200, blank=True)
    note = models.TextField(_("commentaire"), blank=True)
    updated_at = models.DateTimeField(_("modifié le"))

    objects = PaymentPlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("échéancier")
        verbose_name_plural = _("échéanciers")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(total_amount__gt=0), name="payment_plan_amount_positive"),
            models.CheckConstraint(
                condition=~Q(status__in=["ACTIVE", "COMPLETED", "DEFAULTED"]) | Q(started_on__isnull=False),
                name="payment_plan_started_has_day",
            ),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True, status__in=["DRAFT", "TO_APPROVE", "OFFERED", "ACTIVE"])
                | Q(ended_on__isnull=False, status__in=["COMPLETED", "DEFAULTED", "CANCELLED"]),
                name="payment_plan_ended_has_day",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="payment_plan_by_customer"),
            models.Index(fields=["id"], condition=Q(status="ACTIVE"), name="payment_plan_active"),
        ]
        triggers = [state_machine(PLAN_TRANSITIONS)]

    def __str__(self) -> str:
        return f"{self.customer} {self.made_on}"


class PlanItem(models.Model):
    """An item of a plan, and how much of it the plan covers. It stands in one running plan at most."""

    plan = models.ForeignKey(PaymentPlan, on_delete=models.CASCADE, related_name="items")
    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(_("montant"), max_digits=14, decimal_places=2)
    # Empty while the plan keeps the item from being chased.
    released_on = models.DateField(_("libérée le"), null=True, blank=True)

    class Meta:
        verbose_name = _("pièce d’un échéancier")
        verbose_name_plural = _("pièces d’un échéancier")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "item"], name="plan_item_once_per_plan"),
            models.UniqueConstraint(
                fields=["item"], condition=Q(released_on__isnull=True), name="plan_item_in_one_running_plan"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="plan_item_amount_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id}: {self.item_id}"


class Instalment(models.Model):
    """One payment of a plan: what is due on its day, and how much of it has come."""

    class Status(models.TextChoices):
        DUE = "DUE", _("À venir")
        PARTLY_PAID = "PARTLY_PAID", _("Payée en partie")
        PAID = "PAID", _("Payée")
        MISSED = "MISSED", _("Manquée")

    plan = models.ForeignKey(PaymentPlan, on_delete=models.CASCADE, related_name="instalments")
    rank = models.PositiveSmallIntegerField(_("rang"))
    due_date = models.DateField(_("date d’échéance"))
    amount = models.DecimalField(_("montant"), max_digits=14, decimal_places=2)
    paid_amount = models.DecimalField(_("payé"), max_digits=14, decimal_places=2, default=0)
    status = models.CharField(_("état"), max_length=12, choices=Status, default=Status.DUE)
    reminded_on = models.DateField(_("rappelée le"), null=True, blank=True)

    class Meta:
        verbose_name = _("échéance d’un échéancier")
        verbose_name_plural = _("échéances d’un échéancier")
        ordering = ["plan", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "rank"], name="instalment_rank_once_per_plan"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="instalment_amount_positive"),
            models.CheckConstraint(
                condition=Q(paid_amount__gte=0, paid_amount__lte=models.F("amount")),
                name="instalment_paid_within_amount",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_date"],
                condition=Q(status__in=["DUE", "PARTLY_PAID"]),
                name="instalment_to_come",
            )
        ]

    def __str__(self) -> str:
        return f"{self.plan_id}/{self.rank}"
