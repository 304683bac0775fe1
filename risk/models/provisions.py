"""Dépréciations: what a legal entity sets aside at a closing for what it may not get, and how it was found."""

from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.models import StoredFile
from core.states import state_machine
from customers.models import CURRENCY, Customer, LegalEntity
from invoices.models import OpenItem

SHARE = (MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1)))


class ProvisionMethod(models.Model):
    """How a legal entity estimates its expected losses. Rates are ratios (0.024 is 2.4 %)."""

    class Grouping(models.TextChoices):
        """What debts of one kind have in common (IFRS 9 B5.5.5)."""

        NONE = "NONE", _("Toutes ensemble")
        SEGMENT = "SEGMENT", _("Par segment")
        COUNTRY = "COUNTRY", _("Par pays")

    class Base(models.TextChoices):
        WITH_VAT = "WITH_VAT", _("Montants TTC")
        WITHOUT_VAT = "WITHOUT_VAT", _("Montants hors TVA")

    legal_entity = models.OneToOneField(LegalEntity, on_delete=models.PROTECT, related_name="+")
    grouping = models.CharField(
        _("groupes de créances"), max_length=8, choices=Grouping, default=Grouping.NONE
    )
    base = models.CharField(_("assiette"), max_length=11, choices=Base, default=Base.WITH_VAT)
    window_months = models.PositiveSmallIntegerField(
        _("historique observé (mois d’échéances)"),
        default=24,
        validators=[MinValueValidator(6), MaxValueValidator(120)],
    )
    loss_after_days = models.PositiveSmallIntegerField(
        _("tenue pour perdue après (jours de retard)"),
        default=365,
        validators=[MinValueValidator(91), MaxValueValidator(3650)],
        help_text=_("Une facture encore impayée ce jour-là compte comme perdue dans les taux observés."),
    )
    minimum_count = models.PositiveSmallIntegerField(
        _("pièces nécessaires pour un taux propre au groupe"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
    )
    entered_rates = models.JSONField(
        _("taux saisis"),
        default=dict,
        blank=True,
        help_text=_("Par tranche, pour ce que l’historique ne montre pas encore."),
    )
    insolvency_rate = models.DecimalField(
        _("taux des clients en procédure collective"),
        max_digits=7,
        decimal_places=6,
        null=True,
        blank=True,
        validators=SHARE,
        help_text=_("Tant que personne ne les a évalués un à un. Vide : la matrice s’applique."),
    )
    doubtful_account = models.CharField(_("clients douteux"), max_length=20, default="416000")
    allowance_account = models.CharField(
        _("dépréciation des comptes clients"), max_length=20, default="491000"
    )
    charge_account = models.CharField(_("dotation"), max_length=20, default="681740")
    reversal_account = models.CharField(_("reprise"), max_length=20, default="781740")

    class Meta:
        verbose_name = _("méthode de dépréciation")
        verbose_name_plural = _("méthodes de dépréciation")

    def __str__(self) -> str:
        return str(self.legal_entity)


class AssessmentQuerySet(models.QuerySet["IndividualAssessment"]):
    def in_force(self, as_of: object) -> "AssessmentQuerySet":
        """Those that hold on a day."""
        return self.filter(valid_from__lte=as_of).filter(Q(ended_on__isnull=True) | Q(ended_on__gt=as_of))


class IndividualAssessment(models.Model):
    """A debt, or all debts of a customer, assessed apart from the matrix, for a reason that stands in its file.

    That of an item goes before that of its customer. `rate` is the expected loss, a ratio.
    """

    class Cause(models.TextChoices):
        INSOLVENCY = "INSOLVENCY", _("Procédure collective")
        COURT = "COURT", _("Procédure judiciaire")
        DISPUTE = "DISPUTE", _("Contestation")
        DIFFICULTY = "DIFFICULTY", _("Difficultés de paiement avérées")
        DISAPPEARED = "DISAPPEARED", _("Débiteur disparu")
        AGE = "AGE", _("Ancienneté")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(
        OpenItem, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("pièce")
    )
    cause = models.CharField(_("cause"), max_length=12, choices=Cause)
    rate = models.DecimalField(_("perte attendue"), max_digits=7, decimal_places=6, validators=SHARE)
    evidence = models.CharField(_("ce qui le montre"), max_length=500)
    valid_from = models.DateField(_("à partir du"))
    ended_on = models.DateField(_("jusqu’au"), null=True, blank=True)
    assessed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("enregistrée le"))

    objects = AssessmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("évaluation individuelle")
        verbose_name_plural = _("évaluations individuelles")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(rate__range=(0, 1)), name="assessment_rate_is_a_ratio"),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("valid_from")),
                name="assessment_period_in_order",
            ),
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(ended_on__isnull=True, item__isnull=True),
                name="assessment_once_per_customer",
            ),
            models.UniqueConstraint(
                fields=["item"], condition=Q(ended_on__isnull=True), name="assessment_once_per_item"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item or self.customer}: {self.get_cause_display()}"


class RunStatus(models.TextChoices):
    REQUESTED = "REQUESTED", _("En calcul")
    FAILED = "FAILED", _("Échec")
    DRAFT = "DRAFT", _("Projet")
    CLOSED = "CLOSED", _("Arrêtée")
    DISCARDED = "DISCARDED", _("Abandonnée")


RUN_TRANSITIONS = (
    (RunStatus.REQUESTED, RunStatus.DRAFT),
    (RunStatus.REQUESTED, RunStatus.FAILED),
    (RunStatus.FAILED, RunStatus.DISCARDED),
    (RunStatus.DRAFT, RunStatus.CLOSED),
    (RunStatus.DRAFT, RunStatus.DISCARDED),
)


class ProvisionRun(models.Model):
    """The allowance of a legal entity as of a day: a draft, then closed by another person and never changed again.

    `method`, `matrix` and `totals` are kept as they were used; `previous` is the closing that its movements and its
    entries start from.
    """

    Status = RunStatus
    TRANSITIONS = RUN_TRANSITIONS

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    as_of = models.DateField(_("arrêtée au"))
    outlook_factor = models.DecimalField(
        _("coefficient de conjoncture"),
        max_digits=5,
        decimal_places=3,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal("0.5")), MaxValueValidator(Decimal(5))],
    )
    outlook_reason = models.CharField(_("pourquoi ce coefficient"), max_length=500, blank=True)
    status = models.CharField(_("état"), max_length=9, choices=RunStatus, default=RunStatus.REQUESTED)
    error = models.CharField(_("erreur"), max_length=1000, blank=True)
    method = models.JSONField(_("méthode"), default=dict)
    matrix = models.JSONField(_("matrice"), default=list)
    totals = models.JSONField(_("totaux"), default=list)
    previous = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    entries = models.ForeignKey(StoredFile, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField(_("demandée le"))
    computed_at = models.DateTimeField(_("calculée le"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(_("arrêtée à"), null=True, blank=True)

    class Meta:
        verbose_name = _("dépréciation des créances")
        verbose_name_plural = _("dépréciations des créances")
        ordering = ["-as_of", "-id"]
        triggers = [state_machine(RUN_TRANSITIONS)]
        constraints = [
            models.UniqueConstraint(
                fields=["legal_entity", "as_of"],
                condition=Q(status="CLOSED"),
                name="provision_closed_once_a_day",
            ),
            models.CheckConstraint(
                condition=~Q(status="CLOSED") | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="provision_closed_by_a_person",
            ),
            models.CheckConstraint(
                condition=Q(closed_by__isnull=True) | ~Q(closed_by=F("requested_by")),
                name="provision_closed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.legal_entity} {self.as_of:%d/%m/%Y}"


class ProvisionLine(models.Model):
    """What is set aside for one debt: allowance = base × rate, by the matrix or by an individual assessment.

    `owed_amount` is what is open less the customer's credits, oldest debts first; `base_amount` the part that the
    rate applies to, with or without VAT. Lines of a closed run never change.
    """

    run = models.ForeignKey(ProvisionRun, on_delete=models.CASCADE, related_name="lines", db_index=False)
    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    group = models.CharField(_("groupe"), max_length=40, blank=True)
    bucket = models.PositiveSmallIntegerField(_("tranche"))
    open_amount = models.DecimalField(_("solde dû"), max_digits=14, decimal_places=2)
    owed_amount = models.DecimalField(_("solde après avoirs et règlements"), max_digits=14, decimal_places=2)
    owed_without_vat = models.DecimalField(_("dont hors TVA"), max_digits=14, decimal_places=2)
    base_amount = models.DecimalField(_("assiette"), max_digits=14, decimal_places=2)
    rate = models.DecimalField(_("taux"), max_digits=7, decimal_places=6)
    allowance_amount = models.DecimalField(_("dépréciation"), max_digits=14, decimal_places=2)
    cause = models.CharField(
        _("cause"), max_length=12, choices=IndividualAssessment.Cause, blank=True, default=""
    )

    class Meta:
        verbose_name = _("ligne de dépréciation")
        verbose_name_plural = _("lignes de dépréciation")
        ordering = ["run", "item"]
        constraints = [models.UniqueConstraint(fields=["run", "item"], name="provision_line_once_per_item")]
        indexes = [
            models.Index(fields=["run", "-allowance_amount", "id"], name="provision_line_by_amount"),
            models.Index(fields=["run", "id"], condition=~Q(cause=""), name="provision_line_individual"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_changes", operation=pgtrigger.Update),
            pgtrigger.Trigger(
                name="closed_stays",
                operation=pgtrigger.Delete,
                when=pgtrigger.Before,
                declare=[("frozen", "boolean")],
                func=(
                    "SELECT r.status = 'CLOSED' INTO frozen FROM risk_provisionrun r WHERE r.id = OLD.run_id; "
                    "IF frozen THEN RAISE EXCEPTION 'a closed allowance never changes'; END IF; RETURN OLD;"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.item_id} {self.allowance_amount} {self.currency}"
