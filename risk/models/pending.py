"""What is not billed yet of each customer's orders and deliveries, kept for the lists of a whole portfolio."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import CURRENCY, Customer


class PendingAmount(models.Model):
    """The sums of `risk_pending()` for one customer and currency, as they stood after his last movement or sweep.

    `counted_amount` is what of them counts in the exposure. Checks never read this: they ask the function itself.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    deliveries_amount = models.DecimalField(_("livraisons non facturées"), max_digits=18, decimal_places=2)
    orders_amount = models.DecimalField(_("commandes"), max_digits=18, decimal_places=2)
    counted_amount = models.DecimalField(_("dont compté"), max_digits=18, decimal_places=2)

    class Meta:
        verbose_name = _("engagement en cours")
        verbose_name_plural = _("engagements en cours")
        ordering = ["customer", "currency"]
        constraints = [
            models.UniqueConstraint(fields=["customer", "currency"], name="pending_amount_once_per_customer")
        ]

    def __str__(self) -> str:
        return f"{self.customer} {self.currency}"
