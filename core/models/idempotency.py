from django.db import models
from django.utils.translation import gettext_lazy as _


class IdempotencyRecord(models.Model):
    """The answer given to a request that bore an `Idempotency-Key`, to be given again for 24 hours.

    `fingerprint` is the SHA-256 of the method, the address and the body. `body` is the answer's JSON as sent.
    """

    user = models.ForeignKey("core.User", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(_("clé"), max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(_("état HTTP"))
    headers = models.JSONField(_("en-têtes"), default=dict)
    body = models.TextField(_("réponse"))
    created_at = models.DateTimeField(_("enregistrée le"), db_index=True)

    class Meta:
        verbose_name = _("réponse rejouable")
        verbose_name_plural = _("réponses rejouables")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_record_once_per_user_and_key")
        ]

    def __str__(self) -> str:
        return self.key
