"""When open items will be paid: the models that say so, what they say, and how right they were."""

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.states import state_machine
from customers.models import CURRENCY, LegalEntity
from invoices.models import OpenItem

# From, to. A retired model may be taken back into use.
MODEL_MOVES = (
    ("CHALLENGER", "CHAMPION"),
    ("CHALLENGER", "RETIRED"),
    ("CHAMPION", "RETIRED"),
    ("RETIRED", "CHAMPION"),
)
SHARE: dict[str, Any] = {"max_digits": 5, "decimal_places": 4}


class PredictionModelQuerySet(models.QuerySet["PredictionModel"]):
    def champion(self, kind: str) -> "PredictionModel | None":
        """The model in use for that question, if one is."""
        return self.filter(kind=kind, status=PredictionModel.Status.CHAMPION).first()


class PredictionModel(models.Model):
    """A trained model and its card: on what, until when, how well against simple rules, and the file's hash.

    The file holds the fitted estimators in the skops format; it is loaded only after its SHA-256 was found equal
    and its types were found on our closed list. `profile` holds the distribution of each feature in training, which
    drift is measured against.
    """

    class Kind(models.TextChoices):
        PAYMENT = "PAYMENT", _("Date de paiement")
        FAILURE = "FAILURE", _("Défaillance")

    class Status(models.TextChoices):
        CHALLENGER = "CHALLENGER", _("Candidat")
        CHAMPION = "CHAMPION", _("En service")
        RETIRED = "RETIRED", _("Retiré")

    TRANSITIONS = MODEL_MOVES

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    kind = models.CharField(_("question"), max_length=8, choices=Kind)
    version = models.PositiveIntegerField(_("version"))
    status = models.CharField(_("état"), max_length=10, choices=Status, default=Status.CHALLENGER)
    source = models.CharField(_("données d’apprentissage"), max_length=200)
    trained_from = models.DateField(_("apprentissage du"), null=True, blank=True)
    trained_until = models.DateField(_("apprentissage jusqu’au"))
    test_from = models.DateField(_("période d’essai depuis le"), null=True, blank=True)
    item_count = models.PositiveIntegerField(_("pièces apprises"))
    customer_count = models.PositiveIntegerField(_("clients appris"))
    metrics = models.JSONField(_("mesures"))
    features = models.JSONField(_("variables"))
    profile = models.JSONField(_("distributions"))
    parameters = models.JSONField(_("réglages"))
    versions = models.JSONField(_("versions des bibliothèques"))
    file = models.ForeignKey("core.StoredFile", on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField("SHA-256", max_length=64)
    is_kept = models.BooleanField(
        _("gardé par décision"),
        default=False,
        help_text=_("Un nouveau modèle ne le remplace pas de lui-même."),
    )
    trained_at = models.DateTimeField(_("entraîné le"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("décidé le"), null=True, blank=True)
    decision_reason = models.CharField(_("motif"), max_length=300, blank=True)

    objects = PredictionModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("modèle de prévision")
        verbose_name_plural = _("modèles de prévision")
        ordering = ["kind", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "version"], name="prediction_model_version_once"),
            models.UniqueConstraint(
                fields=["kind"], condition=Q(status="CHAMPION"), name="prediction_model_one_champion"
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="prediction_model_sha256"
            ),
        ]
        triggers = [
            state_machine(MODEL_MOVES),
            # A card tells what was trained: only who is in use, and why, may change.
            pgtrigger.ReadOnly(
                name="card",
                fields=[
                    "kind", "version", "source", "trained_from", "trained_until", "test_from", "item_count",
                    "customer_count", "metrics", "features", "profile", "parameters", "versions", "file", "sha256",
                    "trained_at",
                ],
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_kind_display()} v{self.version}"


class Method(models.TextChoices):
    """What a forecast rests on, from the most to the least particular."""

    MODEL = "MODEL", _("Modèle")
    CUSTOMER = "CUSTOMER", _("Habitudes du client")
    SEGMENT = "SEGMENT", _("Clients du même segment")
    HOUSE = "HOUSE", _("Ensemble des clients")


class PaymentForecast(models.Model):
    """When an item open today will be paid, as said last night: a date, a band from 10 to 90 %, reasons.

    `probability_late` is that of being settled after the due date; 1 once the due date has passed.
    """

    item = models.OneToOneField(OpenItem, on_delete=models.PROTECT, related_name="+")
    model = models.ForeignKey(
        PredictionModel, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    method = models.CharField(_("fondé sur"), max_length=8, choices=Method)
    probability_late = models.DecimalField(_("probabilité de retard"), **SHARE)
    expected_date = models.DateField(_("paiement prévu le"))
    low_date = models.DateField(_("au plus tôt (10 %)"))
    high_date = models.DateField(_("au plus tard (90 %)"))
    history_count = models.PositiveIntegerField(_("factures réglées connues"))
    reasons = models.JSONField(_("raisons"))
    forecast_on = models.DateField(_("prévu le"))

    class Meta:
        verbose_name = _("prévision de paiement")
        verbose_name_plural = _("prévisions de paiement")
        ordering = ["expected_date", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(probability_late__gte=0, probability_late__lte=1),
                name="payment_forecast_probability",
            ),
            models.CheckConstraint(
                condition=Q(low_date__lte=F("expected_date"), expected_date__lte=F("high_date")),
                name="payment_forecast_band_in_order",
            ),
            models.CheckConstraint(
                condition=Q(low_date__gte=F("forecast_on")), name="payment_forecast_not_in_the_past"
            ),
        ]
        indexes = [models.Index(fields=["expected_date", "id"], name="payment_forecast_by_date")]

    def __str__(self) -> str:
        return f"{self.item_id} : {self.expected_date}"


class ForecastRecord(models.Model):
    """A forecast kept to be judged: the first one of an item, and that of its due date, with what happened."""

    class Checkpoint(models.TextChoices):
        FIRST = "FIRST", _("Première prévision")
        DUE = "DUE", _("À l’échéance")

    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="+", db_index=False)
    checkpoint = models.CharField(max_length=5, choices=Checkpoint)
    model = models.ForeignKey(
        PredictionModel, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    method = models.CharField(_("fondé sur"), max_length=8, choices=Method)
    probability_late = models.DecimalField(_("probabilité de retard"), **SHARE)
    expected_date = models.DateField()
    low_date = models.DateField()
    high_date = models.DateField()
    forecast_on = models.DateField()
    settled_on = models.DateField(_("soldée le"), null=True, blank=True)

    class Meta:
        verbose_name = _("prévision gardée")
        verbose_name_plural = _("prévisions gardées")
        ordering = ["item", "checkpoint"]
        constraints = [
            models.UniqueConstraint(fields=["item", "checkpoint"], name="forecast_record_once"),
        ]
        indexes = [
            models.Index(
                fields=["settled_on"], condition=Q(settled_on__isnull=False), name="forecast_record_settled"
            ),
            models.Index(
                fields=["item"], condition=Q(settled_on__isnull=True), name="forecast_record_waiting"
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="said",
                fields=[
                    "item", "checkpoint", "model", "method", "probability_late", "expected_date", "low_date",
                    "high_date", "forecast_on",
                ],
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]  # fmt: skip


class ForecastWeek(models.Model):
    """The receipts expected of one week, as said before it began, and what came in of those items."""

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    week_start = models.DateField(_("semaine du"))
    forecast_on = models.DateField(_("prévu le"))
    item_count = models.PositiveIntegerField(_("pièces"))
    forecast_amount = models.DecimalField(_("prévu"), max_digits=16, decimal_places=2)
    actual_amount = models.DecimalField(_("encaissé"), max_digits=16, decimal_places=2, null=True, blank=True)

    class Meta:
        verbose_name = _("semaine prévue")
        verbose_name_plural = _("semaines prévues")
        ordering = ["-week_start", "legal_entity", "currency"]
        constraints = [
            models.UniqueConstraint(
                fields=["legal_entity", "currency", "week_start"], name="forecast_week_once"
            ),
            models.CheckConstraint(
                condition=Q(forecast_on__lte=F("week_start")), name="forecast_week_said_before"
            ),
        ]


class DriftReading(models.Model):
    """How far the items of today, and the errors of late, have moved from those of the training."""

    model = models.ForeignKey(PredictionModel, on_delete=models.PROTECT, related_name="+")
    measured_on = models.DateField(_("mesuré le"))
    item_count = models.PositiveIntegerField(_("pièces ouvertes"))
    feature_psi = models.JSONField(_("indice de stabilité par variable"))
    worst_psi = models.DecimalField(max_digits=8, decimal_places=4)
    error_psi = models.DecimalField(max_digits=8, decimal_places=4, null=True, blank=True)
    settled_count = models.PositiveIntegerField(_("pièces soldées jugées"))
    mean_error_days = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    within_three_share = models.DecimalField(null=True, blank=True, **SHARE)
    band_share = models.DecimalField(null=True, blank=True, **SHARE)
    alarms = models.JSONField(_("alarmes"))

    class Meta:
        verbose_name = _("mesure de dérive")
        verbose_name_plural = _("mesures de dérive")
        ordering = ["-measured_on", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["model", "measured_on"], name="drift_reading_once_a_day"),
        ]
