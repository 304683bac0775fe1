"""How a customer pays and stands: scores with their points and reasons."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.states import state_machine
from customers.models import Customer


class ScoreQuerySet(models.QuerySet["Score"]):
    def current(self) -> "ScoreQuerySet":
        return self.filter(is_current=True)


class Score(models.Model):
    """A customer's payment-behaviour score, with the points and reasons it is made of.

    The current row moves on with the days as long as points and class stay the same: a closed one tells the last
    day on which they held. A new row is written when either changes.
    """

    class RiskClass(models.TextChoices):
        A = "A", _("A · très bon payeur")
        B = "B", _("B · bon payeur")
        C = "C", _("C · à suivre")
        D = "D", _("D · risqué")
        E = "E", _("E · très risqué")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    as_of = models.DateField(_("arrêté au"))
    points = models.PositiveSmallIntegerField(_("points sur 100"))
    risk_class = models.CharField(_("classe de risque"), max_length=1, choices=RiskClass)
    reasons = models.JSONField(_("détail des points"))
    card_version = models.PositiveSmallIntegerField(_("version de la grille"))
    is_current = models.BooleanField(_("en vigueur"), default=True)
    class_since = models.DateField(_("dans cette classe depuis"), null=True, blank=True)
    previous_class = models.CharField(
        _("classe précédente"), max_length=1, choices=RiskClass, blank=True, default=""
    )
    scored_at = models.DateTimeField(_("calculé le"))

    objects = ScoreQuerySet.as_manager()

    class Meta:
        verbose_name = _("score")
        verbose_name_plural = _("scores")
        ordering = ["customer", "-as_of"]
        constraints = [
            models.UniqueConstraint(fields=["customer", "as_of"], name="score_once_per_customer_and_day"),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(is_current=True), name="score_one_current_per_customer"
            ),
            models.CheckConstraint(condition=Q(points__lte=100), name="score_points_up_to_100"),
        ]
        indexes = [
            models.Index(
                fields=["-class_since", "-id"],
                condition=Q(is_current=True) & ~Q(previous_class=""),
                name="score_class_changes",
            ),
            models.Index(fields=["points", "id"], condition=Q(is_current=True), name="score_by_points"),
        ]

    def __str__(self) -> str:
        return f"{self.customer} : {self.risk_class} ({self.points})"


class ScoreObjectionStatus(models.TextChoices):
    OPEN = "OPEN", _("À examiner")
    MAINTAINED = "MAINTAINED", _("Score maintenu")
    CORRECTED = "CORRECTED", _("Données corrigées")
    SET_ASIDE = "SET_ASIDE", _("Score écarté")


SCORE_OBJECTION_TRANSITIONS = (
    (ScoreObjectionStatus.OPEN, ScoreObjectionStatus.MAINTAINED),
    (ScoreObjectionStatus.OPEN, ScoreObjectionStatus.CORRECTED),
    (ScoreObjectionStatus.OPEN, ScoreObjectionStatus.SET_ASIDE),
    # A score set aside comes back when a person says so.
    (ScoreObjectionStatus.SET_ASIDE, ScoreObjectionStatus.MAINTAINED),
)


class ScoreObjection(models.Model):
    """The customer contests his score, or asks a person to look at it (GDPR art. 22(3)); and what came of it."""

    Status = ScoreObjectionStatus
    TRANSITIONS = SCORE_OBJECTION_TRANSITIONS

    class Kind(models.TextChoices):
        REVIEW = "REVIEW", _("Demande d’examen par une personne")
        OBJECTION = "OBJECTION", _("Contestation du score")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("nature"), max_length=9, choices=Kind)
    status = models.CharField(
        _("état"), max_length=10, choices=ScoreObjectionStatus, default=ScoreObjectionStatus.OPEN
    )
    contested_on = models.DateField(_("reçue le"))
    contested_by = models.CharField(_("par"), max_length=120)
    grounds = models.TextField(_("motifs"), max_length=2000)
    score = models.ForeignKey(
        Score, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("score")
    )
    points = models.PositiveSmallIntegerField(_("points contestés"), null=True, blank=True)
    risk_class = models.CharField(_("classe contestée"), max_length=1, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    recorded_at = models.DateTimeField(_("enregistrée le"))
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(_("examinée le"), null=True, blank=True)
    outcome = models.TextField(_("réponse"), max_length=2000, blank=True)

    class Meta:
        verbose_name = _("contestation du score")
        verbose_name_plural = _("contestations du score")
        ordering = ["-contested_on", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(status="OPEN"), name="score_objection_one_open"
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN", reviewed_at__isnull=True)
                | (
                    ~Q(status="OPEN")
                    & Q(reviewed_by__isnull=False, reviewed_at__isnull=False)
                    & ~Q(outcome="")
                ),
                name="score_objection_answered_by_a_person",
            ),
        ]
        triggers = [state_machine(SCORE_OBJECTION_TRANSITIONS)]

    def __str__(self) -> str:
        return f"{self.customer} : {self.get_kind_display()}"
