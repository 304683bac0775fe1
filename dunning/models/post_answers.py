"""What the printer answered: its files, each taken in once, and what became of each of their lines."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dunning.models.deliveries import Delivery


class PostAnswerFile(models.Model):
    """A file found in the folder of answers. Its row is written before it is read: name and version are the claim."""

    class Status(models.TextChoices):
        CLAIMED = "CLAIMED", _("En lecture")
        READ = "READ", _("Lu")
        REFUSED = "REFUSED", _("Refusé")

    name = models.CharField(_("fichier"), max_length=255)
    version = models.CharField(max_length=80)
    status = models.CharField(_("état"), max_length=8, choices=Status, default=Status.CLAIMED)
    file = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    line_count = models.PositiveIntegerField(_("lignes"), default=0)
    applied_count = models.PositiveIntegerField(_("prises en compte"), default=0)
    known_count = models.PositiveIntegerField(_("déjà connues"), default=0)
    problem_count = models.PositiveIntegerField(_("à regarder"), default=0)
    message = models.TextField(_("compte rendu"), blank=True)
    claimed_at = models.DateTimeField(_("reçu le"))
    archived_as = models.CharField(_("archivé sous"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("fichier de réponses du prestataire")
        verbose_name_plural = _("fichiers de réponses du prestataire")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="post_answer_file_once")]

    def __str__(self) -> str:
        return self.name


class PostAnswerLine(models.Model):
    """A line that a person may have to look at: in error, contradictory, or of a letter we do not know."""

    class Kind(models.TextChoices):
        BAD = "BAD", _("Illisible")
        UNKNOWN = "UNKNOWN", _("Courrier inconnu")
        CONTRADICTORY = "CONTRADICTORY", _("Contradictoire")

    file = models.ForeignKey(PostAnswerFile, on_delete=models.PROTECT, related_name="problems")
    line = models.PositiveIntegerField(_("ligne"))
    kind = models.CharField(_("nature"), max_length=13, choices=Kind)
    reference = models.CharField(_("référence"), max_length=60, blank=True)
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    message = models.TextField(_("explication"))
    # What the line said, as read.
    content = models.JSONField(_("contenu"), default=dict)
    is_closed = models.BooleanField(_("traitée"), default=False)

    class Meta:
        verbose_name = _("ligne de réponse à regarder")
        verbose_name_plural = _("lignes de réponse à regarder")
        ordering = ["-file", "line"]
        indexes = [models.Index(fields=["-id"], condition=Q(is_closed=False), name="post_answer_line_open")]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"
