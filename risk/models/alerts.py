"""Customers whose exposure has reached a threshold of their limit."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.rights import Actor
from customers.models import CURRENCY, Customer


class UtilisationAlertQuerySet(models.QuerySet["UtilisationAlert"]):
    def visible_to(self, actor: Actor) -> "UtilisationAlertQuerySet":
        """The alerts of the customers in the actor's scope."""
        return self.filter(customer__in=Customer.objects.visible_to(actor))

    def standing(self) -> "UtilisationAlertQuerySet":
        return self.filter(cleared_on__isnull=True)


class UtilisationAlert(models.Model):
    """The threshold that a customer has reached, `percent` of his limit, from one day to another.

    A higher threshold, or a lower one, is a new alert; below the lowest there is none. `over_since` is the first day
    above the limit, kept from one alert to the next.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    percent = models.PositiveSmallIntegerField(_("seuil (% du plafond)"))
    exposure_amount = models.DecimalField(_("encours"), max_digits=18, decimal_places=2)
    limit_amount = models.DecimalField(_("plafond"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    raised_on = models.DateField(_("depuis le"))
    over_since = models.DateField(_("au-delà du plafond depuis le"), null=True, blank=True)
    cleared_on = models.DateField(_("jusqu’au"), null=True, blank=True)

    objects = UtilisationAlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("alerte d’utilisation")
        verbose_name_plural = _("alertes d’utilisation")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(cleared_on__isnull=True),
                name="utilisation_alert_one_standing",
            )
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="utilisation_alert_by_customer"),
            models.Index(
                fields=["-percent", "-id"],
                condition=Q(cleared_on__isnull=True),
                name="utilisation_alert_standing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} : {self.percent} %"
