"""Scénarios de relance: versioned ladders of levels, and which customers they take."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.states import state_machine
from customers.models import COUNTRY, LegalEntity

WEEKDAYS = RegexValidator(
    r"^(?!.*(.).*\1)[1-7]+$", _("Jours attendus : 1 (lundi) à 7 (dimanche), sans répétition.")
)


class PolicyStatus(models.TextChoices):
    DRAFT = "DRAFT", _("Brouillon")
    ACTIVE = "ACTIVE", _("Actif")
    RETIRED = "RETIRED", _("Retiré")


POLICY_TRANSITIONS = (
    (PolicyStatus.DRAFT, PolicyStatus.ACTIVE),
    (PolicyStatus.DRAFT, PolicyStatus.RETIRED),
    (PolicyStatus.ACTIVE, PolicyStatus.RETIRED),
)


class Policy(models.Model):
    """A ladder of levels, versioned by code. Which customers it takes stands in its conditions.

    An empty condition takes everybody; among the active policies that take a customer, the one with the lowest
    `priority` number leads. Amounts of conditions are per customer and currency. A version that was active is never
    changed: an edit makes the next version.
    """

    Status = PolicyStatus
    TRANSITIONS = POLICY_TRANSITIONS

    class Grouping(models.TextChoices):
        CUSTOMER = "CUSTOMER", _("Une relance par client")
        ITEM = "ITEM", _("Une relance par pièce")

    class Progression(models.TextChoices):
        OWN_LEVEL = "OWN_LEVEL", _("Chaque pièce garde son niveau")
        OLDEST_LEADS = "OLDEST_LEADS", _("La pièce la plus avancée entraîne les autres")

    code = models.CharField(_("code"), max_length=30)
    version = models.PositiveIntegerField(_("version"), default=1)
    name = models.CharField(_("libellé"), max_length=80)
    status = models.CharField(_("état"), max_length=8, choices=PolicyStatus, default=PolicyStatus.DRAFT)
    priority = models.PositiveSmallIntegerField(
        _("priorité"),
        default=100,
        help_text=_("Le scénario de plus petit numéro l’emporte quand plusieurs prennent un client."),
    )
    # Which customers it takes.
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
    countries = ArrayField(
        models.CharField(max_length=2, validators=[COUNTRY]), verbose_name=_("pays"), default=list, blank=True
    )
    overdue_from = models.DecimalField(
        _("échu à partir de"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    overdue_below = models.DecimalField(
        _("échu inférieur à"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    turnover_share_from = models.DecimalField(
        _("part du chiffre d’affaires à partir de (%)"),
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("Part du client dans ce que l’entité a facturé sur les douze derniers mois."),
    )
    oldest_days_from = models.PositiveSmallIntegerField(
        _("plus ancien retard à partir de (jours)"), null=True, blank=True
    )
    oldest_days_below = models.PositiveSmallIntegerField(
        _("plus ancien retard inférieur à (jours)"), null=True, blank=True
    )
    # How it writes to them.
    minimum_amount = models.DecimalField(
        _("montant minimal relancé"),
        max_digits=14,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("Par client et par devise ; en dessous, la relance attend."),
    )
    grouping = models.CharField(_("regroupement"), max_length=8, choices=Grouping, default=Grouping.CUSTOMER)
    progression = models.CharField(
        _("progression"), max_length=12, choices=Progression, default=Progression.OWN_LEVEL
    )
    contact_gap_days = models.PositiveSmallIntegerField(
        _("jours au moins entre deux contacts"),
        default=7,
        help_text=_("Avec un même client, tous canaux et toutes entités confondus."),
    )
    sending_weekdays = models.CharField(
        _("jours d’envoi"), max_length=7, default="12345", validators=[WEEKDAYS]
    )
    sending_from = models.TimeField(_("envois à partir de"), default="08:00")
    sending_until = models.TimeField(_("envois jusqu’à"), default="18:00")
    sends_on_holidays = models.BooleanField(_("envoie les jours fériés"), default=False)
    # Where the version comes from.
    note = models.CharField(_("ce qui change"), max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("créé le"), null=True, blank=True)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    activated_at = models.DateTimeField(_("activé le"), null=True, blank=True)

    class Meta:
        verbose_name = _("scénario de relance")
        verbose_name_plural = _("scénarios de relance")
        ordering = ["priority", "code", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="policy_version_once"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(status="ACTIVE"), name="policy_one_active_version"
            ),
            models.UniqueConstraint(
                fields=["code"], condition=Q(status="DRAFT"), name="policy_one_draft_version"
            ),
            models.CheckConstraint(
                condition=Q(sending_until__gt=F("sending_from")), name="policy_sending_hours_open"
            ),
        ]
        triggers = [state_machine(POLICY_TRANSITIONS)]

    def __str__(self) -> str:
        return f"{self.name} (v{self.version})"


class Level(models.Model):
    """One step of a policy; no step is ever skipped.

    An item reaches it `delay_days` after the day that `delay_from` names, and `gap_days` after the proven sending of
    the previous step, whichever is later. A negative delay is a number of days before.
    """

    class Kind(models.TextChoices):
        PRE_REMINDER = "PRE_REMINDER", _("Rappel avant échéance")
        REMINDER = "REMINDER", _("Relance")
        SECOND_REMINDER = "SECOND_REMINDER", _("Seconde relance")
        FORMAL_NOTICE = "FORMAL_NOTICE", _("Mise en demeure")
        HAND_OVER = "HAND_OVER", _("Remise en recouvrement")

    class Channel(models.TextChoices):
        EMAIL = "EMAIL", _("E-mail")
        LETTER = "LETTER", _("Courrier")
        REGISTERED = "REGISTERED", _("Lettre recommandée")
        E_REGISTERED = "E_REGISTERED", _("Lettre recommandée électronique")
        PHONE = "PHONE", _("Appel téléphonique")
        SMS = "SMS", _("SMS")
        AGENCY = "AGENCY", _("Dépôt à l’agence")

    class DelayFrom(models.TextChoices):
        DUE_DATE = "DUE_DATE", _("de l’échéance")
        END_OF_MONTH = "END_OF_MONTH", _("de la fin du mois de l’échéance")
        PREVIOUS = "PREVIOUS", _("de l’envoi du niveau précédent")

    class Tone(models.TextChoices):
        COURTEOUS = "COURTEOUS", _("Courtois")
        FIRM = "FIRM", _("Ferme")
        FORMAL = "FORMAL", _("Solennel")

    class Approval(models.TextChoices):
        AUTOMATIC = "AUTOMATIC", _("Automatique")
        CONFIRMATION = "CONFIRMATION", _("Automatique après confirmation de la campagne")
        MANUAL = "MANUAL", _("Validée une à une")

    # Without a letter: spoken, or a word on a telephone.
    WITHOUT_LETTER = (Channel.PHONE, Channel.SMS, Channel.AGENCY)
    POSTED = (Channel.LETTER, Channel.REGISTERED)

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="levels")
    rank = models.PositiveSmallIntegerField(_("rang"), validators=[MinValueValidator(1)])
    kind = models.CharField(_("niveau"), max_length=16, choices=Kind)
    channel = models.CharField(_("canal"), max_length=12, choices=Channel)
    tone = models.CharField(_("ton"), max_length=10, choices=Tone, default=Tone.COURTEOUS)
    template_code = models.CharField(
        _("modèle de courrier"), max_length=30, blank=True, help_text=_("Vide : le modèle du niveau.")
    )
    delay_from = models.CharField(
        _("délai compté"), max_length=12, choices=DelayFrom, default=DelayFrom.DUE_DATE
    )
    delay_days = models.SmallIntegerField(
        _("jours après l’échéance"), validators=[MinValueValidator(-90), MaxValueValidator(720)]
    )
    gap_days = models.PositiveSmallIntegerField(
        _("jours après l’envoi du niveau précédent"), default=0, validators=[MaxValueValidator(720)]
    )
    pay_within_days = models.PositiveSmallIntegerField(_("délai de règlement demandé (jours)"), default=8)
    minimum_amount = models.DecimalField(
        _("montant minimal"), max_digits=14, decimal_places=2, default=0, validators=[MinValueValidator(0)]
    )
    maximum_amount = models.DecimalField(
        _("validation manuelle au-delà de"),
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    claims_interest = models.BooleanField(_("réclame les pénalités"), default=False)
    claims_indemnity = models.BooleanField(_("réclame l’indemnité forfaitaire"), default=False)
    approval = models.CharField(_("validation"), max_length=12, choices=Approval, default=Approval.MANUAL)
    attaches_statement = models.BooleanField(_("joint le relevé de compte"), default=False)
    attaches_invoices = models.BooleanField(_("joint les copies de factures"), default=False)
    call_script = models.TextField(_("script d’appel"), blank=True)

    class Meta:
        verbose_name = _("niveau de relance")
        verbose_name_plural = _("niveaux de relance")
        ordering = ["policy", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "rank"], name="level_rank_once_per_policy"),
            models.CheckConstraint(
                condition=Q(kind="HAND_OVER", channel="AGENCY", approval="MANUAL")
                | (~Q(kind="HAND_OVER") & ~Q(channel="AGENCY")),
                name="level_hand_over_goes_to_agency_after_approval",
            ),
            models.CheckConstraint(
                condition=~Q(kind="PRE_REMINDER") | Q(claims_interest=False, claims_indemnity=False),
                name="level_before_due_date_claims_nothing",
            ),
            models.CheckConstraint(
                condition=~Q(rank=1) | ~Q(delay_from="PREVIOUS"), name="level_first_has_no_previous"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rank}. {self.get_kind_display()}"
