"""Politique de crédit: who decides up to how much, how long a limit runs, how one is proposed. Versioned."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.models import Role
from core.states import state_machine
from customers.models import CURRENCY, LegalEntity


class CreditPolicyStatus(models.TextChoices):
    DRAFT = "DRAFT", _("Brouillon")
    ACTIVE = "ACTIVE", _("En vigueur")
    RETIRED = "RETIRED", _("Retirée")


CREDIT_POLICY_TRANSITIONS = (
    (CreditPolicyStatus.DRAFT, CreditPolicyStatus.ACTIVE),
    (CreditPolicyStatus.DRAFT, CreditPolicyStatus.RETIRED),
    (CreditPolicyStatus.ACTIVE, CreditPolicyStatus.RETIRED),
)

_FOUR_EYES = """
IF NEW.status = 'ACTIVE' AND NEW.activated_by_id IS NOT NULL AND NEW.activated_by_id = ANY(NEW.editor_ids) THEN
    RAISE EXCEPTION 'a credit policy is put in force by somebody who did not write it';
END IF;
RETURN NEW;
"""
_AS_ACTIVATED = """
IF OLD.status <> 'DRAFT' AND (to_jsonb(NEW) - 'status' - 'retired_at') <> (to_jsonb(OLD) - 'status' - 'retired_at') THEN
    RAISE EXCEPTION 'a credit policy that was in force is never changed';
END IF;
RETURN NEW;
"""
_STEPS_OF_DRAFTS = """
IF EXISTS (SELECT 1 FROM risk_creditpolicy p WHERE p.id = coalesce(NEW.policy_id, OLD.policy_id) AND p.status <> 'DRAFT') THEN
    RAISE EXCEPTION 'the steps of a credit policy that was in force are never changed';
END IF;
RETURN coalesce(NEW, OLD);
"""


def _share(label: object, default: str) -> models.DecimalField:
    return models.DecimalField(
        label,  # type: ignore[arg-type]
        max_digits=5,
        decimal_places=2,
        default=default,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )


class CreditPolicy(models.Model):
    """One version of the rules of credit, for one legal entity or, without one, for all that have none of their own.

    Amounts are in `currency`. Shares are in per cent; `*_shares` and `review_months` have five values, for classes
    A to E. A version is written by some and put in force by another (`editor_ids` holds who wrote it).
    """

    Status = CreditPolicyStatus
    TRANSITIONS = CREDIT_POLICY_TRANSITIONS

    legal_entity = models.ForeignKey(
        LegalEntity,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("entité"),
    )
    version = models.PositiveIntegerField(_("version"), default=1)
    status = models.CharField(
        _("état"), max_length=7, choices=CreditPolicyStatus, default=CreditPolicyStatus.DRAFT
    )
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY], default="EUR")
    # How limits are decided.
    requires_requests = models.BooleanField(_("tout relèvement passe par une demande"), default=True)
    request_days = models.PositiveSmallIntegerField(
        _("une demande sans réponse expire après (jours)"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
    )
    # How long they run.
    validity_months = models.PositiveSmallIntegerField(
        _("durée d’un plafond permanent (mois)"),
        default=12,
        validators=[MinValueValidator(1), MaxValueValidator(36)],
    )
    temporary_days = models.PositiveSmallIntegerField(
        _("durée la plus longue d’un plafond temporaire (jours)"),
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
    )
    alarm_days = models.PositiveSmallIntegerField(
        _("alerte avant l’expiration (jours)"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(180)],
    )
    review_months = ArrayField(
        models.PositiveSmallIntegerField(), size=5, verbose_name=_("revue tous les (mois), de A à E")
    )
    large_from = models.DecimalField(
        _("un grand plafond commence à"), max_digits=14, decimal_places=2, default=100_000
    )
    large_review_months = models.PositiveSmallIntegerField(
        _("revue des grands plafonds tous les (mois)"),
        default=6,
        validators=[MinValueValidator(1), MaxValueValidator(36)],
    )
    # How they are proposed.
    peak_factor = models.DecimalField(
        _("facteur de pointe"),
        max_digits=4,
        decimal_places=2,
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
    )
    equity_shares = ArrayField(
        _share("", "0"), size=5, verbose_name=_("part des capitaux propres (%), de A à E")
    )
    turnover_shares = ArrayField(
        _share("", "0"), size=5, verbose_name=_("part du chiffre d’affaires (%), de A à E")
    )
    supplier_debt_shares = ArrayField(
        _share("", "0"), size=5, verbose_name=_("part des dettes fournisseurs (%), de A à E")
    )
    working_capital_shares = ArrayField(
        _share("", "0"), size=5, verbose_name=_("part du fonds de roulement (%), de A à E")
    )
    accounts_months = models.PositiveSmallIntegerField(
        _("des comptes clos depuis plus longtemps (mois) ne comptent plus"),
        default=24,
        validators=[MinValueValidator(6), MaxValueValidator(60)],
    )
    refused_classes = ArrayField(
        models.CharField(max_length=1), verbose_name=_("classes sans crédit"), default=list, blank=True
    )
    new_customer_months = models.PositiveSmallIntegerField(
        _("un client est nouveau pendant (mois)"), default=6, validators=[MaxValueValidator(36)]
    )
    new_customer_amount = models.DecimalField(
        _("plafond d’un nouveau client"),
        max_digits=14,
        decimal_places=2,
        default=3_000,
        validators=[MinValueValidator(0)],
    )
    own_risk_amount = models.DecimalField(
        _("enveloppe en risque propre au-delà de la garantie"),
        max_digits=14,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
    )
    requires_cover = models.BooleanField(
        _("sans garantie, pas plus que l’enveloppe en risque propre"), default=False
    )
    # Where the version comes from.
    note = models.CharField(_("ce qui change"), max_length=200, blank=True)
    editor_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("créée le"))
    is_submitted = models.BooleanField(_("soumise à une seconde personne"), default=False)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    activated_at = models.DateTimeField(_("en vigueur depuis"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retirée le"), null=True, blank=True)

    class Meta:
        verbose_name = _("politique de crédit")
        verbose_name_plural = _("politiques de crédit")
        ordering = ["legal_entity", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["legal_entity", "version"], name="credit_policy_version_once", nulls_distinct=False
            ),
            models.UniqueConstraint(
                fields=["legal_entity"],
                condition=Q(status="ACTIVE"),
                name="credit_policy_one_active",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                fields=["legal_entity"],
                condition=Q(status="DRAFT"),
                name="credit_policy_one_draft",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=~Q(status="ACTIVE") | Q(activated_at__isnull=False),
                name="credit_policy_activated_has_date",
            ),
        ]
        triggers = [
            state_machine(CREDIT_POLICY_TRANSITIONS),
            pgtrigger.Trigger(
                name="four_eyes",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=_FOUR_EYES,
            ),
            pgtrigger.Trigger(
                name="as_activated", when=pgtrigger.Before, operation=pgtrigger.Update, func=_AS_ACTIVATED
            ),
            pgtrigger.Protect(
                name="kept", operation=pgtrigger.Delete, condition=~pgtrigger.Q(old__status="DRAFT")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.legal_entity or _('Toutes les entités')} (v{self.version})"


class ApprovalStep(models.Model):
    """Up to an amount, who must approve: one person for each role named. The last step has no ceiling."""

    policy = models.ForeignKey(CreditPolicy, on_delete=models.CASCADE, related_name="steps")
    up_to_amount = models.DecimalField(
        _("jusqu’à"),
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    roles = ArrayField(models.CharField(max_length=20, choices=Role), verbose_name=_("approbations"))

    class Meta:
        verbose_name = _("palier d’approbation")
        verbose_name_plural = _("paliers d’approbation")
        ordering = ["policy", models.F("up_to_amount").asc(nulls_last=True)]
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "up_to_amount"], name="approval_step_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=~Q(roles=[]), name="approval_step_names_somebody"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="of_a_draft",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func=_STEPS_OF_DRAFTS,
            )
        ]

    def __str__(self) -> str:
        return f"{self.policy_id}: {self.up_to_amount}"
