"""How a customer pays and stands: scores with their points and reasons."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

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
        return f"{self.customer} : {self.risk_class} ({self.points})"
