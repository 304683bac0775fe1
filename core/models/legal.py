from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class LegalParameter(models.Model):
    """A value that a law, a decree or a rate series gives, from one date to another, with its source.

    `valid_to` is inclusive; empty means « still in force ». `confirmed` is false as long as the value
    was only read in a secondary source: pages that use it say so.
    """

    key = models.CharField(_("clé"), max_length=80)
    value = models.CharField(_("valeur"), max_length=200)
    valid_from = models.DateField(_("du"))
    valid_to = models.DateField(_("au"), null=True, blank=True)
    source = models.TextField(_("source"))
    checked_on = models.DateField(_("vérifié le"))
    confirmed = models.BooleanField(_("confirmé"), default=False)

    class Meta:
        verbose_name = _("paramètre légal")
        verbose_name_plural = _("paramètres légaux")
        ordering = ["key", "valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["key", "valid_from"], name="legal_parameter_once_per_start"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="legal_parameter_period_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} = {self.value}"
