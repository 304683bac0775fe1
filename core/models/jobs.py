from django.db import models
from django.utils.translation import gettext_lazy as _


class JobRun(models.Model):
    """One execution of a background job, unique per (name, key): the intention, its progress and its end."""

    class Status(models.TextChoices):
        RUNNING = "RUNNING", _("En cours")
        DONE = "DONE", _("Terminé")
        FAILED = "FAILED", _("Échoué")

    name = models.CharField(_("travail"), max_length=80)
    key = models.CharField(_("clé"), max_length=120)
    status = models.CharField(_("état"), max_length=10, choices=Status, default=Status.RUNNING)
    started_at = models.DateTimeField(_("début"))
    finished_at = models.DateTimeField(_("fin"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("tentatives"), default=1)
    done = models.PositiveBigIntegerField(_("fait"), default=0)
    total = models.PositiveBigIntegerField(_("à faire"), default=0)
    counts = models.JSONField(default=dict)
    error = models.TextField(_("erreur"), blank=True)

    class Meta:
        verbose_name = _("travail")
        verbose_name_plural = _("travaux")
        ordering = ["-started_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["name", "key"], name="job_run_once_per_name_and_key")]
        indexes = [models.Index(fields=["-started_at", "-id"], name="job_run_latest")]

    def __str__(self) -> str:
        return f"{self.name} {self.key}"
