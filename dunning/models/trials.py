"""Essais: a policy compared with what was, on a part of the customers held out; and simulations before activation."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.states import state_machine
from customers.models import Customer
from dunning.models.policies import Policy


class TrialStatus(models.TextChoices):
    RUNNING = "RUNNING", _("En cours")
    ENDED = "ENDED", _("Terminé")


TRIAL_TRANSITIONS = ((TrialStatus.RUNNING, TrialStatus.ENDED),)


class Trial(models.Model):
    """Of the customers that `policy` takes, a share drawn by lot is the control group.

    The control group follows `control_policy`, or is not dunned at all when none is named. Groups are drawn once, by
    customer over all entities, and stay until the trial ends.
    """

    Status = TrialStatus
    TRANSITIONS = TRIAL_TRANSITIONS

    name = models.CharField(_("libellé"), max_length=80)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+", verbose_name=_("scénario"))
    control_policy = models.ForeignKey(
        Policy,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("scénario du groupe témoin"),
    )
    control_share = models.PositiveSmallIntegerField(
        _("part témoin (%)"), default=10, validators=[MinValueValidator(1), MaxValueValidator(50)]
    )
    status = models.CharField(_("état"), max_length=8, choices=TrialStatus, default=TrialStatus.RUNNING)
    started_on = models.DateField(_("commencé le"))
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_on = models.DateField(_("terminé le"), null=True, blank=True)

    class Meta:
        verbose_name = _("essai comparatif")
        verbose_name_plural = _("essais comparatifs")
        ordering = ["-id"]
        triggers = [state_machine(TRIAL_TRANSITIONS)]

    def __str__(self) -> str:
        return self.name


class TrialMember(models.Model):
    """A customer's group in a trial."""

    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="members")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    is_control = models.BooleanField(_("groupe témoin"))
    is_live = models.BooleanField(_("en cours"), default=True)

    class Meta:
        verbose_name = _("client d’un essai")
        verbose_name_plural = _("clients d’un essai")
        constraints = [
            models.UniqueConstraint(fields=["trial", "customer"], name="trial_member_once"),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(is_live=True), name="trial_member_of_one_trial"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trial_id}: {self.customer_id}"


class SimulationStatus(models.TextChoices):
    REQUESTED = "REQUESTED", _("Demandée")
    DONE = "DONE", _("Terminée")
    FAILED = "FAILED", _("Échouée")


SIMULATION_TRANSITIONS = (
    (SimulationStatus.REQUESTED, SimulationStatus.DONE),
    (SimulationStatus.REQUESTED, SimulationStatus.FAILED),
)


class Simulation(models.Model):
    """What a policy would do on the portfolio as it stands, over the days to come, beside the active version.

    `outcome` holds counts and costs by week, level and channel, for both; `file` names who would be contacted when.
    """

    Status = SimulationStatus
    TRANSITIONS = SIMULATION_TRANSITIONS

    class Payments(models.TextChoices):
        NONE = "NONE", _("Personne ne règle")
        USUAL = "USUAL", _("Chacun règle avec son retard habituel")

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="simulations")
    as_of = models.DateField(_("au"))
    horizon_days = models.PositiveSmallIntegerField(
        _("horizon (jours)"), default=90, validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    payments = models.CharField(_("règlements"), max_length=5, choices=Payments, default=Payments.NONE)
    status = models.CharField(
        _("état"), max_length=9, choices=SimulationStatus, default=SimulationStatus.REQUESTED
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField(_("demandée le"))
    finished_at = models.DateTimeField(_("terminée le"), null=True, blank=True)
    # The policy as it was simulated: a draft may be edited afterwards.
    fingerprint = models.CharField(max_length=64, blank=True)
    outcome = models.JSONField(_("résultat"), default=dict, blank=True)
    file = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    error = models.TextField(_("erreur"), blank=True)

    class Meta:
        verbose_name = _("simulation")
        verbose_name_plural = _("simulations")
        ordering = ["-id"]
        triggers = [state_machine(SIMULATION_TRANSITIONS)]

    def __str__(self) -> str:
        return f"{self.policy} {self.as_of:%Y-%m-%d}"
