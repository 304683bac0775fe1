"""How much credit a customer may have, and how he pays: limits and scores."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import CURRENCY, Customer


class CreditLimitQuerySet(models.QuerySet["CreditLimit"]):
    def in_force(self) -> "CreditLimitQuerySet":
        """The limits without an end: one per customer at most."""
        return self.filter(valid_to__isnull=True)


class CreditLimit(models.Model):
    """Plafond: what a customer may owe, from one date on. A new one closes the one before."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(_("plafond"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    valid_from = models.DateField(_("du"))
    valid_to = models.DateField(_("au"), null=True, blank=True)
    reason = models.CharField(_("motif"), max_length=200)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("décidé le"))

    objects = CreditLimitQuerySet.as_manager()

    class Meta:
        verbose_name = _("limite de crédit")
        verbose_name_plural = _("limites de crédit")
        ordering = ["customer", "-valid_from", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="credit_limit_not_negative"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="credit_limit_period_in_order",
            ),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(valid_to__isnull=True), name="credit_limit_one_without_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} : {self.amount} {self.currency}"


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
