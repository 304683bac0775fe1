from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.immutable import append_only


class AuditEvent(models.Model):
    """What happened, to which documents, by whom. Append-only: the database refuses changes.

    `verb` is `app.noun.past`; `refs` hold `noun:id`, so that any document's timeline is one query.
    """

    occurred_at = models.DateTimeField(_("survenu le"), db_default=Now())
    actor = models.ForeignKey("core.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(_("auteur"), max_length=120)
    verb = models.CharField(_("fait"), max_length=80)
    refs = ArrayField(models.CharField(max_length=60), default=list)
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("événement d’audit")
        verbose_name_plural = _("événements d’audit")
        ordering = ["-id"]
        indexes = [
            GinIndex(fields=["refs"], name="audit_event_refs", opclasses=["array_ops"]),
            models.Index(fields=["verb", "-id"], name="audit_event_verb"),
        ]
        triggers = append_only("append_only")

    def __str__(self) -> str:
        return f"{self.occurred_at:%Y-%m-%d %H:%M} {self.verb}"
