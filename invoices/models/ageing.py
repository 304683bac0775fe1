"""The stored balance âgée of a day: one row per customer and currency, and its totals."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import CURRENCY, Customer, LegalEntity


class AgeingDay(models.Model):
    """The ageing of one legal entity as of one date, stored to be read at once.

    The latest day follows every movement of the ledger; an older one touched by a backdated movement turns
    stale, and readers compute it again from the ledger instead.
    """

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    as_of = models.DateField(_("arrêtée au"))
    computed_at = models.DateTimeField(_("calculée le"))
    is_stale = models.BooleanField(_("périmée"), default=False)

    class Meta:
        verbose_name = _("balance âgée du jour")
        verbose_name_plural = _("balances âgées du jour")
        ordering = ["-as_of", "legal_entity"]
        constraints = [
            models.UniqueConstraint(fields=["legal_entity", "as_of"], name="ageing_day_once_per_entity")
        ]

    def __str__(self) -> str:
        return f"{self.legal_entity_id} {self.as_of}"


class AgeingAmounts(models.Model):
    """The columns of a balance âgée by due date, in the house's own buckets (`ageing_buckets.DUE_BOUNDS`).

    Bucket 0 is not due, bucket 5 the oldest. Buckets hold debits only; `credits_amount` (negative) holds credit
    notes and unallocated cash; `total_amount` = buckets + credits. `sub_ledger_amount` is the sum of what was
    posted up to the day, computed apart from the rest: it must equal `total_amount`.
    """

    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    bucket_0_amount = models.DecimalField(_("non échu"), max_digits=18, decimal_places=2)
    bucket_1_amount = models.DecimalField(_("1 à 30 jours"), max_digits=18, decimal_places=2)
    bucket_2_amount = models.DecimalField(_("31 à 60 jours"), max_digits=18, decimal_places=2)
    bucket_3_amount = models.DecimalField(_("61 à 90 jours"), max_digits=18, decimal_places=2)
    bucket_4_amount = models.DecimalField(_("91 à 120 jours"), max_digits=18, decimal_places=2)
    bucket_5_amount = models.DecimalField(_("plus de 120 jours"), max_digits=18, decimal_places=2)
    credits_amount = models.DecimalField(_("avoirs et règlements"), max_digits=18, decimal_places=2)
    overdue_amount = models.DecimalField(_("échu"), max_digits=18, decimal_places=2)
    disputed_amount = models.DecimalField(_("en litige"), max_digits=18, decimal_places=2)
    total_amount = models.DecimalField(_("encours"), max_digits=18, decimal_places=2)
    sub_ledger_amount = models.DecimalField(_("solde comptable"), max_digits=18, decimal_places=2)

    class Meta:
        abstract = True


class AgeingSnapshot(AgeingAmounts):
    """What one customer owed in one currency on the stored day."""

    # The unique constraint's index serves both keys; two more would slow every movement.
    day = models.ForeignKey(AgeingDay, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    oldest_due_date = models.DateField(_("plus ancienne échéance"), null=True, blank=True)

    class Meta:
        verbose_name = _("ligne de balance âgée")
        verbose_name_plural = _("lignes de balance âgée")
        ordering = ["day", "customer", "currency"]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "customer", "currency"], name="ageing_snapshot_once_per_customer"
            )
        ]
        indexes = [
            models.Index(fields=["day", "overdue_amount", "customer", "currency"], name="ageing_by_overdue"),
            models.Index(fields=["day", "total_amount", "customer", "currency"], name="ageing_by_total"),
        ]

    def __str__(self) -> str:
        return f"{self.day_id} {self.customer_id} {self.currency}"


class AgeingTotal(AgeingAmounts):
    """A part of the totals of a stored day: the totals are the sum of its rows per currency.

    One row is written with the day, then one for each movement: adding a row instead of changing one lets
    two people post at the same time without waiting for each other.
    """

    day = models.ForeignKey(AgeingDay, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer_count = models.IntegerField(_("nombre de clients"))

    class Meta:
        verbose_name = _("total de balance âgée")
        verbose_name_plural = _("totaux de balance âgée")
        ordering = ["day", "currency", "id"]
        indexes = [models.Index(fields=["day", "currency"], name="ageing_total_by_day")]

    def __str__(self) -> str:
        return f"{self.day_id} {self.currency} {self.total_amount}"
