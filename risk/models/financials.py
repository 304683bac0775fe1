"""What is known of a customer from outside: its accounts, as filed or handed over, and what others think of it."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from customers.models import CURRENCY, Customer


class FinancialStatement(models.Model):
    """The accounts of one financial year of a company, as its tax forms give them.

    `values` and `previous` (the year before, when the document gives it) are `{code: amount}` in units of the
    currency, amounts as text. Accounts belong to the company: those of a SIREN count for each of its accounts. A
    later document on the same year replaces the earlier one, which stays as it was.
    """

    class Form(models.TextChoices):
        NORMAL = "NORMAL", _("Liasse normale (2050 à 2053)")
        SIMPLIFIED = "SIMPLIFIED", _("Liasse simplifiée (2033-A et B)")
        KEY_FIGURES = "KEY_FIGURES", _("Chiffres clés")

    class Basis(models.TextChoices):
        INDIVIDUAL = "INDIVIDUAL", _("Comptes sociaux")
        CONSOLIDATED = "CONSOLIDATED", _("Comptes consolidés")

    class Publicity(models.TextChoices):
        DEPOSITED = "DEPOSITED", _("Déposés, publics")
        CONFIDENTIAL = "CONFIDENTIAL", _("Déposés, confidentiels")
        NOT_DEPOSITED = "NOT_DEPOSITED", _("Remis par le client, non déposés")
        UNKNOWN = "UNKNOWN", _("Non précisé")

    class Source(models.TextChoices):
        FORM = "FORM", _("Saisie")
        CSV = "CSV", _("Fichier CSV")
        BANQUE_DE_FRANCE = "BDF", _("Bilans de la Banque de France")
        TAX_OFFICE = "DGFIP", _("Liasses de la DGFiP")
        RATIOS = "RATIOS", _("Ratios INPI / BCE")
        API = "API", _("API")

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    siren = models.CharField("SIREN", max_length=9, blank=True)
    form = models.CharField(_("modèle"), max_length=12, choices=Form)
    basis = models.CharField(_("nature"), max_length=12, choices=Basis, default=Basis.INDIVIDUAL)
    period_end = models.DateField(_("clôture"))
    months = models.PositiveSmallIntegerField(
        _("durée (mois)"), default=12, validators=[MinValueValidator(1), MaxValueValidator(24)]
    )
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY], default="EUR")
    unit = models.PositiveIntegerField(_("unité du document"), default=1)
    values = models.JSONField(_("exercice"))
    previous = models.JSONField(_("exercice précédent"), default=dict, blank=True)
    warnings = models.JSONField(_("réserves"), default=list, blank=True)
    publicity = models.CharField(_("publicité"), max_length=13, choices=Publicity, default=Publicity.UNKNOWN)
    source = models.CharField(_("source"), max_length=6, choices=Source, default=Source.FORM)
    note = models.CharField(_("précision"), max_length=200, blank=True)
    file = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_current = models.BooleanField(_("en vigueur"), default=True)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    entered_at = models.DateTimeField(_("enregistré le"))

    class Meta:
        verbose_name = _("comptes annuels")
        verbose_name_plural = _("comptes annuels")
        ordering = ["customer", "-period_end", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["siren", "period_end", "basis"],
                condition=Q(is_current=True) & ~Q(siren=""),
                name="statement_one_current_per_siren_and_year",
            ),
            models.UniqueConstraint(
                fields=["customer", "period_end", "basis"],
                condition=Q(is_current=True, siren=""),
                name="statement_one_current_per_customer_and_year",
            ),
            models.CheckConstraint(condition=Q(months__range=(1, 24)), name="statement_months_in_range"),
            models.CheckConstraint(condition=Q(unit__in=(1, 1000, 1_000_000)), name="statement_unit_known"),
        ]
        indexes = [
            models.Index(
                fields=["siren", "-period_end"],
                condition=Q(is_current=True) & ~Q(siren=""),
                name="statement_by_siren",
            ),
            models.Index(
                fields=["customer", "-period_end"], condition=Q(is_current=True), name="statement_by_customer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} : {self.period_end:%d/%m/%Y}"


class ExternalRating(models.Model):
    """A rating by somebody else, on his scale (`risk.rating_scales`), from one date until it runs out.

    `position` is where the value stands on its scale, from 0 (worst) to 1 (best); none for a value that says nothing
    (Banque de France « 0 »). A rating is withdrawn, never changed.
    """

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    siren = models.CharField("SIREN", max_length=9, blank=True)
    scale = models.CharField(_("échelle"), max_length=30)
    value = models.CharField(_("note"), max_length=10)
    position = models.DecimalField(_("position"), max_digits=5, decimal_places=4, null=True, blank=True)
    is_insolvent = models.BooleanField(_("procédure collective"), default=False)
    rated_on = models.DateField(_("attribuée le"))
    valid_until = models.DateField(_("valable jusqu’au"), null=True, blank=True)
    reference = models.CharField(_("référence"), max_length=80, blank=True)
    source = models.CharField(
        _("source"),
        max_length=6,
        choices=FinancialStatement.Source,
        default=FinancialStatement.Source.FORM,
    )
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    entered_at = models.DateTimeField(_("enregistrée le"))
    withdrawn_on = models.DateField(_("retirée le"), null=True, blank=True)
    withdrawal_reason = models.CharField(_("motif du retrait"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("note externe")
        verbose_name_plural = _("notes externes")
        ordering = ["customer", "-rated_on", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "scale", "rated_on"],
                condition=Q(withdrawn_on__isnull=True),
                name="rating_once_per_scale_and_day",
            ),
            models.CheckConstraint(
                condition=Q(position__isnull=True) | Q(position__range=(0, 1)),
                name="rating_position_in_range",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("rated_on")),
                name="rating_period_in_order",
            ),
        ]
        indexes = [
            models.Index(
                fields=["siren"],
                condition=Q(withdrawn_on__isnull=True) & ~Q(siren=""),
                name="rating_by_siren",
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer} : {self.value}"


class UnpaidFormalNotice(models.Model):
    """A formal notice that was sent and of which something is still unpaid, as told by the floor that sends them.

    One row per customer: the oldest. The whole table is told anew; nothing here is decided.
    """

    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="+")
    sent_on = models.DateField(_("envoyée le"))
    told_at = models.DateTimeField(_("relevée le"))

    class Meta:
        verbose_name = _("mise en demeure impayée")
        verbose_name_plural = _("mises en demeure impayées")

    def __str__(self) -> str:
        return f"{self.customer} : {self.sent_on:%d/%m/%Y}"
