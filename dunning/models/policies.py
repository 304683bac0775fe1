"""Scénarios de relance: versioned ladders of levels."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import LegalEntity


class Policy(models.Model):
    """A ladder of levels, versioned by code. Which customers it takes stands in its conditions.

    An empty condition takes everybody; among the active policies that take a customer,
    the one with the lowest `priority` number leads.
    """

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("Brouillon")
        ACTIVE = "ACTIVE", _("Actif")
        RETIRED = "RETIRED", _("Retiré")

    TRANSITIONS = ((Status.DRAFT, Status.ACTIVE), (Status.ACTIVE, Status.RETIRED))

    code = models.CharField(_("code"), max_length=30)
    version = models.PositiveIntegerField(_("version"), default=1)
    name = models.CharField(_("libellé"), max_length=80)
    status = models.CharField(_("état"), max_length=8, choices=Status, default=Status.DRAFT)
    priority = models.PositiveSmallIntegerField(_("priorité"), default=100)
    legal_entity = models.ForeignKey(
        LegalEntity,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("entité"),
    )
    customer_kind = models.CharField(_("nature de client"), max_length=12, blank=True)
    segment = models.CharField(_("segment"), max_length=40, blank=True)
    risk_class = models.CharField(_("classe de risque"), max_length=1, blank=True)
    minimum_amount = models.DecimalField(
        _("montant minimal relancé"),
        max_digits=14,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("Par client et par devise ; en dessous, la relance attend."),
    )

    class Meta:
        verbose_name = _("scénario de relance")
        verbose_name_plural = _("scénarios de relance")
        ordering = ["priority", "code", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="policy_version_once"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(status="ACTIVE"), name="policy_one_active_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (v{self.version})"


class Level(models.Model):
    """One step of a policy. An item reaches it `delay_days` after its due date and `gap_days` after the
    proven sending of the previous step, whichever is later; no step is ever skipped."""

    class Kind(models.TextChoices):
        REMINDER = "REMINDER", _("Relance")
        SECOND_REMINDER = "SECOND_REMINDER", _("Seconde relance")
        FORMAL_NOTICE = "FORMAL_NOTICE", _("Mise en demeure")
        HAND_OVER = "HAND_OVER", _("Remise en recouvrement")

    class Channel(models.TextChoices):
        EMAIL = "EMAIL", _("E-mail")
        LETTER = "LETTER", _("Courrier")
        REGISTERED = "REGISTERED", _("Lettre recommandée")
        AGENCY = "AGENCY", _("Dépôt à l’agence")

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="levels")
    rank = models.PositiveSmallIntegerField(_("rang"), validators=[MinValueValidator(1)])
    kind = models.CharField(_("niveau"), max_length=16, choices=Kind)
    channel = models.CharField(_("canal"), max_length=12, choices=Channel)
    delay_days = models.PositiveSmallIntegerField(_("jours après l’échéance"))
    gap_days = models.PositiveSmallIntegerField(_("jours après l’envoi du niveau précédent"), default=0)
    pay_within_days = models.PositiveSmallIntegerField(_("délai de règlement demandé (jours)"), default=8)
    claims_interest = models.BooleanField(_("réclame les pénalités"), default=False)
    claims_indemnity = models.BooleanField(_("réclame l’indemnité forfaitaire"), default=False)
    needs_approval = models.BooleanField(_("demande une validation"), default=True)

    class Meta:
        verbose_name = _("niveau de relance")
        verbose_name_plural = _("niveaux de relance")
        ordering = ["policy", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "rank"], name="level_rank_once_per_policy"),
            models.CheckConstraint(
                condition=Q(kind="HAND_OVER", channel="AGENCY", needs_approval=True)
                | (~Q(kind="HAND_OVER") & ~Q(channel="AGENCY")),
                name="level_hand_over_goes_to_agency_after_approval",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rank}. {self.get_kind_display()}"
