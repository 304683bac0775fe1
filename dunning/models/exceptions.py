"""Exceptions: a customer or an item that is not dunned for a while, or by another policy."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from invoices.models import OpenItem


class DunningException(models.Model):
    """What a person decided for one customer, or for one of his items (`item`), until a day or until he ends it."""

    class Effect(models.TextChoices):
        HOLD = "HOLD", _("Ne pas relancer")
        POLICY = "POLICY", _("Relancer par un autre scénario")
        REMINDERS_ONLY = "REMINDERS_ONLY", _("Ni mise en demeure ni remise en recouvrement")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    effect = models.CharField(_("effet"), max_length=14, choices=Effect)
    policy_code = models.CharField(_("scénario"), max_length=30, blank=True)
    reason = models.CharField(_("motif"), max_length=200)
    from_date = models.DateField(_("à partir du"))
    until = models.DateField(_("jusqu’au (inclus)"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("décidée le"))
    # The first day on which it no longer holds.
    ended_on = models.DateField(_("levée le"), null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("exception de relance")
        verbose_name_plural = _("exceptions de relance")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "item", "effect"],
                condition=Q(ended_on__isnull=True),
                nulls_distinct=False,
                name="dunning_exception_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=(Q(effect="POLICY") & ~Q(policy_code=""))
                | (~Q(effect="POLICY") & Q(policy_code="")),
                name="dunning_exception_names_policy",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=models.F("from_date")),
                name="dunning_exception_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer"], condition=Q(ended_on__isnull=True), name="dunning_exception_in_force"
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer} : {self.get_effect_display()}"
