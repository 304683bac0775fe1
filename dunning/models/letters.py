"""Letters: their templates and letterheads, and each letter kept as it was made."""

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.immutable import append_only
from core.states import state_machine
from customers.models import LegalEntity
from dunning.models.notices import Notice
from dunning.models.policies import Level


class TemplateStatus(models.TextChoices):
    DRAFT = "DRAFT", _("Brouillon")
    SUBMITTED = "SUBMITTED", _("À approuver")
    ACTIVE = "ACTIVE", _("En service")
    RETIRED = "RETIRED", _("Retiré")


TEMPLATE_TRANSITIONS = (
    (TemplateStatus.DRAFT, TemplateStatus.SUBMITTED),
    (TemplateStatus.DRAFT, TemplateStatus.RETIRED),
    (TemplateStatus.SUBMITTED, TemplateStatus.DRAFT),
    (TemplateStatus.SUBMITTED, TemplateStatus.ACTIVE),
    (TemplateStatus.ACTIVE, TemplateStatus.RETIRED),
)


class LetterTemplate(models.Model):
    """A version of the words of a letter, in one language; no entity named: for all of them.

    A level names its template by `code`, else takes the one whose code is its kind. Whoever submits a version does
    not approve it. Versions that were in service are never changed.
    """

    Status = TemplateStatus
    TRANSITIONS = TEMPLATE_TRANSITIONS

    code = models.CharField(_("code"), max_length=30)
    kind = models.CharField(_("niveau"), max_length=16, choices=Level.Kind)
    language = models.CharField(_("langue"), max_length=2)
    legal_entity = models.ForeignKey(
        LegalEntity,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("entité"),
    )
    version = models.PositiveIntegerField(_("version"), default=1)
    status = models.CharField(_("état"), max_length=9, choices=TemplateStatus, default=TemplateStatus.DRAFT)
    name = models.CharField(_("libellé"), max_length=80)
    subject = models.CharField(_("objet"), max_length=150)
    body = models.TextField(_("corps du courrier"))
    email_body = models.TextField(_("corps de l’e-mail"), blank=True)
    sms_body = models.CharField(_("SMS"), max_length=480, blank=True)
    note = models.CharField(_("ce qui change"), max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("créé le"))
    updated_at = models.DateTimeField(_("modifié le"))
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(_("approuvé le"), null=True, blank=True)

    class Meta:
        verbose_name = _("modèle de courrier")
        verbose_name_plural = _("modèles de courrier")
        ordering = ["code", "language", "legal_entity", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["code", "language", "legal_entity", "version"],
                nulls_distinct=False,
                name="letter_template_version_once",
            ),
            models.UniqueConstraint(
                fields=["code", "language", "legal_entity"],
                condition=Q(status="ACTIVE"),
                nulls_distinct=False,
                name="letter_template_one_in_service",
            ),
            models.UniqueConstraint(
                fields=["code", "language", "legal_entity"],
                condition=Q(status__in=["DRAFT", "SUBMITTED"]),
                nulls_distinct=False,
                name="letter_template_one_in_work",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=models.F("submitted_by")),
                name="letter_template_four_eyes",
            ),
        ]
        triggers = [state_machine(TEMPLATE_TRANSITIONS)]

    def __str__(self) -> str:
        return f"{self.name} (v{self.version})"


class Letterhead(models.Model):
    """Where an entity's envelopes have their window, and what stands at the foot of its letters. Millimetres."""

    legal_entity = models.OneToOneField(LegalEntity, on_delete=models.PROTECT, related_name="letterhead")
    window_left = models.PositiveSmallIntegerField(
        _("fenêtre, depuis la gauche (mm)"), default=110, validators=[MaxValueValidator(150)]
    )
    window_top = models.PositiveSmallIntegerField(
        _("fenêtre, depuis le haut (mm)"), default=50, validators=[MaxValueValidator(120)]
    )
    window_width = models.PositiveSmallIntegerField(
        _("fenêtre, largeur (mm)"), default=85, validators=[MaxValueValidator(120)]
    )
    window_height = models.PositiveSmallIntegerField(
        _("fenêtre, hauteur (mm)"), default=33, validators=[MaxValueValidator(60)]
    )
    has_fold_marks = models.BooleanField(_("repères de pliage"), default=True)
    footer = models.CharField(_("pied de page"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("papier à en-tête")
        verbose_name_plural = _("papiers à en-tête")

    def __str__(self) -> str:
        return str(self.legal_entity)


class Letter(models.Model):
    """The letter of a notice: the frozen values it was made from and the PDF they gave. Immutable."""

    notice = models.OneToOneField(Notice, on_delete=models.PROTECT, related_name="letter")
    reference = models.CharField(_("référence"), max_length=40, unique=True)
    context = models.JSONField(_("valeurs figées"))
    context_sha256 = models.CharField(max_length=64)
    # None: the built-in text, whose version stands in the frozen values.
    template = models.ForeignKey(
        LetterTemplate, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    file = models.ForeignKey("core.StoredFile", on_delete=models.PROTECT, related_name="+")
    rendered_at = models.DateTimeField(_("produite le"))

    class Meta:
        verbose_name = _("courrier")
        verbose_name_plural = _("courriers")
        ordering = ["-id"]
        triggers = append_only("immutable")

    def __str__(self) -> str:
        return self.reference
