"""Revues de plafond, and simulations of the rules of proposal over the portfolio."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.states import state_machine
from customers.models import Customer, LegalEntity
from risk.models.credit_policies import CreditPolicy
from risk.models.limit_requests import LimitRequest
from risk.models.limits import CreditLimit


class ReviewStatus(models.TextChoices):
    OPEN = "OPEN", _("À faire")
    KEPT = "KEPT", _("Plafond maintenu")
    REQUESTED = "REQUESTED", _("Demande déposée")
    CANCELLED = "CANCELLED", _("Sans objet")


REVIEW_TRANSITIONS = tuple(
    (ReviewStatus.OPEN, status)
    for status in (ReviewStatus.KEPT, ReviewStatus.REQUESTED, ReviewStatus.CANCELLED)
)


class LimitReview(models.Model):
    """A limit to look at again: because its time has come, or because it expires soon."""

    Status = ReviewStatus
    TRANSITIONS = REVIEW_TRANSITIONS

    class Reason(models.TextChoices):
        PERIODIC = "PERIODIC", _("Revue périodique")
        EXPIRY = "EXPIRY", _("Expire bientôt")

    limit = models.ForeignKey(CreditLimit, on_delete=models.PROTECT, related_name="reviews")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(_("raison"), max_length=8, choices=Reason)
    due_on = models.DateField(_("à faire avant le"))
    opened_at = models.DateTimeField(_("ouverte le"))
    status = models.CharField(_("état"), max_length=9, choices=ReviewStatus, default=ReviewStatus.OPEN)
    request = models.ForeignKey(
        LimitRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.CharField(_("conclusion"), max_length=500, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(_("close le"), null=True, blank=True)

    class Meta:
        verbose_name = _("revue de plafond")
        verbose_name_plural = _("revues de plafond")
        ordering = ["due_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["limit"], condition=Q(status="OPEN"), name="limit_review_one_open"
            ),
            models.UniqueConstraint(fields=["limit", "reason", "due_on"], name="limit_review_once_per_date"),
            models.CheckConstraint(
                condition=Q(status="OPEN") | Q(closed_at__isnull=False), name="limit_review_closed_has_date"
            ),
        ]
        indexes = [
            models.Index(fields=["due_on", "id"], condition=Q(status="OPEN"), name="limit_review_open"),
            models.Index(fields=["customer"], name="limit_review_of_customer"),
        ]
        triggers = [state_machine(REVIEW_TRANSITIONS)]

    def __str__(self) -> str:
        return f"{self.limit_id}: {self.get_reason_display()}"


class LimitSimulationStatus(models.TextChoices):
    REQUESTED = "REQUESTED", _("Demandée")
    DONE = "DONE", _("Terminée")
    FAILED = "FAILED", _("Échouée")


LIMIT_SIMULATION_TRANSITIONS = (
    (LimitSimulationStatus.REQUESTED, LimitSimulationStatus.DONE),
    (LimitSimulationStatus.REQUESTED, LimitSimulationStatus.FAILED),
)


class LimitSimulation(models.Model):
    """The rules of a policy applied to every account of its entities as of a day."""

    Status = LimitSimulationStatus
    TRANSITIONS = LIMIT_SIMULATION_TRANSITIONS

    legal_entity = models.ForeignKey(
        LegalEntity,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("entité"),
    )
    policy = models.ForeignKey(
        CreditPolicy, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    as_of = models.DateField(_("arrêtée au"))
    status = models.CharField(
        _("état"), max_length=9, choices=LimitSimulationStatus, default=LimitSimulationStatus.REQUESTED
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField(_("demandée le"))
    finished_at = models.DateTimeField(_("terminée le"), null=True, blank=True)
    counts = models.JSONField(_("résultat"), default=dict, blank=True)
    error = models.TextField(_("erreur"), blank=True)

    class Meta:
        verbose_name = _("simulation de plafonds")
        verbose_name_plural = _("simulations de plafonds")
        ordering = ["-id"]
        triggers = [state_machine(LIMIT_SIMULATION_TRANSITIONS)]

    def __str__(self) -> str:
        return f"{self.legal_entity or _('Toutes les entités')} {self.as_of:%Y-%m-%d}"


class SimulatedLimit(models.Model):
    """What the rules propose for one account, beside the limit in force. `difference` is proposal - limit."""

    simulation = models.ForeignKey(LimitSimulation, on_delete=models.CASCADE, related_name="lines")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    currency = models.CharField(_("devise"), max_length=3)
    proposed_amount = models.DecimalField(_("proposition"), max_digits=14, decimal_places=2)
    limit_amount = models.DecimalField(
        _("plafond en vigueur"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    difference = models.DecimalField(_("écart"), max_digits=15, decimal_places=2)
    binding = models.CharField(_("ce qui limite"), max_length=20)
    risk_class = models.CharField(_("classe"), max_length=1, blank=True)

    class Meta:
        verbose_name = _("plafond simulé")
        verbose_name_plural = _("plafonds simulés")
        ordering = ["simulation", "-difference", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["simulation", "customer"], name="simulated_limit_once")
        ]
        indexes = [models.Index(fields=["simulation", "difference", "id"], name="simulated_limit_by_gap")]

    def __str__(self) -> str:
        return f"{self.simulation_id}: {self.customer_id}"
