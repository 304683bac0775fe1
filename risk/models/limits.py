"""How much credit a customer may have."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import CURRENCY, Customer


class CreditLimitQuerySet(models.QuerySet["CreditLimit"]):
    def in_force(self) -> "CreditLimitQuerySet":
        """The limits without an end: one per customer at most."""
        return self.filter(valid_to__isnull=True)


class CreditLimit(models.Model):
    """Plafond: what a customer may owe, from one date on. A new one closes the one before."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(_("plafond"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    valid_from = models.DateField(_("du"))
    valid_to = models.DateField(_("au"), null=True, blank=True)
    reason = models.CharField(_("motif"), max_length=200)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("décidé le"))

    objects = CreditLimitQuerySet.as_manager()

    class Meta:
        verbose_name = _("limite de crédit")
        verbose_name_plural = _("limites de crédit")
        ordering = ["customer", "-valid_from", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="credit_limit_not_negative"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="credit_limit_period_in_order",
            ),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(valid_to__isnull=True), name="credit_limit_one_without_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} : {self.amount} {self.currency}"
