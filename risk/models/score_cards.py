"""The cards that scores come from, and what a card would change before it is put in force."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.states import state_machine
from customers.models import Customer


class ScoreCardStatus(models.TextChoices):
    DRAFT = "DRAFT", _("Brouillon")
    CHALLENGER = "CHALLENGER", _("À l’essai")
    ACTIVE = "ACTIVE", _("En vigueur")
    RETIRED = "RETIRED", _("Retirée")


SCORE_CARD_TRANSITIONS = (
    (ScoreCardStatus.DRAFT, ScoreCardStatus.CHALLENGER),
    (ScoreCardStatus.DRAFT, ScoreCardStatus.ACTIVE),
    (ScoreCardStatus.DRAFT, ScoreCardStatus.RETIRED),
    (ScoreCardStatus.CHALLENGER, ScoreCardStatus.ACTIVE),
    (ScoreCardStatus.CHALLENGER, ScoreCardStatus.RETIRED),
    (ScoreCardStatus.ACTIVE, ScoreCardStatus.RETIRED),
)


class ScoreCard(models.Model):
    """A version of the score card; `content` is what `risk.card_content` reads.

    A version that has left the draft is never changed. Whoever changed it last does not put it in force.
    """

    Status = ScoreCardStatus
    TRANSITIONS = SCORE_CARD_TRANSITIONS

    version = models.PositiveSmallIntegerField(_("version"), unique=True)
    name = models.CharField(_("libellé"), max_length=80)
    status = models.CharField(
        _("état"), max_length=10, choices=ScoreCardStatus, default=ScoreCardStatus.DRAFT
    )
    content = models.JSONField(_("critères"))
    note = models.CharField(_("ce qui change"), max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("créée le"))
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    edited_at = models.DateTimeField(_("modifiée le"))
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    activated_at = models.DateTimeField(_("mise en vigueur le"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retirée le"), null=True, blank=True)

    class Meta:
        verbose_name = _("grille de score")
        verbose_name_plural = _("grilles de score")
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="ACTIVE"), name="score_card_one_active"
            ),
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="CHALLENGER"), name="score_card_one_challenger"
            ),
            models.CheckConstraint(
                condition=Q(activated_by__isnull=True)
                | Q(edited_by__isnull=True)
                | ~Q(activated_by=F("edited_by")),
                name="score_card_four_eyes",
            ),
        ]
        triggers = [
            state_machine(SCORE_CARD_TRANSITIONS),
            pgtrigger.Protect(
                name="content_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.status <> 'DRAFT' AND (NEW.content IS DISTINCT FROM OLD.content"
                    " OR NEW.version <> OLD.version)"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (v{self.version})"


class CardSimulationStatus(models.TextChoices):
    REQUESTED = "REQUESTED", _("Demandée")
    DONE = "DONE", _("Terminée")
    FAILED = "FAILED", _("Échouée")


CARD_SIMULATION_TRANSITIONS = (
    (CardSimulationStatus.REQUESTED, CardSimulationStatus.DONE),
    (CardSimulationStatus.REQUESTED, CardSimulationStatus.FAILED),
)


class CardSimulation(models.Model):
    """The whole portfolio scored by a card beside the scores in force: asked for by a person, or each night.

    `matrix` is `{old class: {new class: customers}}` ("" for a customer without a score), `fingerprint` that of the
    content that was tried.
    """

    class Kind(models.TextChoices):
        ON_REQUEST = "ON_REQUEST", _("Simulation")
        NIGHTLY = "NIGHTLY", _("Essai de la nuit")

    Status = CardSimulationStatus
    TRANSITIONS = CARD_SIMULATION_TRANSITIONS

    card = models.ForeignKey(ScoreCard, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("nature"), max_length=10, choices=Kind)
    status = models.CharField(
        _("état"), max_length=9, choices=CardSimulationStatus, default=CardSimulationStatus.REQUESTED
    )
    as_of = models.DateField(_("arrêtée au"))
    against_version = models.PositiveSmallIntegerField(_("comparée à la version"), default=0)
    fingerprint = models.CharField(_("empreinte"), max_length=64)
    customers = models.PositiveIntegerField(_("clients"), default=0)
    moved = models.PositiveIntegerField(_("changent de classe"), default=0)
    matrix = models.JSONField(_("migrations"), default=dict, blank=True)
    facts = models.JSONField(_("chiffres"), default=dict, blank=True)
    error = models.CharField(_("erreur"), max_length=300, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField(_("demandée le"))
    finished_at = models.DateTimeField(_("terminée le"), null=True, blank=True)

    class Meta:
        verbose_name = _("simulation de grille")
        verbose_name_plural = _("simulations de grille")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["card", "as_of"], condition=Q(kind="NIGHTLY"), name="card_simulation_once_a_night"
            ),
            models.UniqueConstraint(
                fields=["card"], condition=Q(status="REQUESTED"), name="card_simulation_one_waiting"
            ),
        ]
        triggers = [state_machine(CARD_SIMULATION_TRANSITIONS)]

    def __str__(self) -> str:
        return f"{self.card} : {self.as_of:%d/%m/%Y}"


class SimulatedMove(models.Model):
    """A customer whose class the simulated card would change, with the reasons of the new score."""

    simulation = models.ForeignKey(CardSimulation, on_delete=models.CASCADE, related_name="moves")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    old_points = models.PositiveSmallIntegerField(_("points en vigueur"), null=True, blank=True)
    old_class = models.CharField(_("classe en vigueur"), max_length=1, blank=True)
    new_points = models.PositiveSmallIntegerField(_("points simulés"))
    new_class = models.CharField(_("classe simulée"), max_length=1)
    reasons = models.JSONField(_("détail des points"))

    class Meta:
        verbose_name = _("changement de classe simulé")
        verbose_name_plural = _("changements de classe simulés")
        ordering = ["simulation", "id"]
        constraints = [models.UniqueConstraint(fields=["simulation", "customer"], name="simulated_move_once")]

    def __str__(self) -> str:
        return f"{self.customer} : {self.old_class} → {self.new_class}"
