"""How much credit a customer, or a group of customers, may have: every limit ever decided, with who and why."""

from datetime import date, timedelta

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from customers.models import CURRENCY, Customer

# A limit that was replaced on the day it began ends the day before: it covers no day.
_EVE_OF_START = models.ExpressionWrapper(F("valid_from") - timedelta(days=1), output_field=models.DateField())

_AS_APPROVED = """
IF NEW.request_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM risk_limitrequest r
    WHERE r.id = NEW.request_id AND r.status = 'APPROVED' AND r.customer_id = NEW.customer_id
      AND r.scope = NEW.scope AND r.currency = NEW.currency AND NEW.amount <= r.approved_amount
) THEN
    RAISE EXCEPTION 'a limit is what its request was approved for';
END IF;
RETURN NEW;
"""


class LimitScope(models.TextChoices):
    ACCOUNT = "ACCOUNT", _("Compte")
    GROUP = "GROUP", _("Groupe")


class LimitKind(models.TextChoices):
    PERMANENT = "PERMANENT", _("Permanent")
    TEMPORARY = "TEMPORARY", _("Temporaire")


class LimitBasis(models.TextChoices):
    """What the credit rests on. An insured or secured limit never counts for more than its cover."""

    OWN = "OWN", _("Risque propre")
    INSURED = "INSURED", _("Assurance-crédit")
    SECURED = "SECURED", _("Sûreté")


class CreditLimitQuerySet(models.QuerySet["CreditLimit"]):
    def standing(self, today: date | None = None) -> "CreditLimitQuerySet":
        """Every limit that runs on a day, permanent and temporary, of accounts and of groups.

        Without a day: those that nothing has ended yet.
        """
        if today is None:
            return self.filter(valid_to__isnull=True)
        return self.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=today),
            Q(expires_on__isnull=True) | Q(expires_on__gte=today),
            valid_from__lte=today,
        )

    def leading(self, scope: str, today: date | None = None) -> "CreditLimitQuerySet":
        """One limit at most for each customer: of those that run, the highest."""
        higher = CreditLimit.objects.standing(today).filter(
            Q(amount__gt=OuterRef("amount")) | Q(amount=OuterRef("amount"), pk__gt=OuterRef("pk")),
            customer=OuterRef("customer"),
            scope=scope,
        )
        return self.standing(today).filter(~Exists(higher), scope=scope)

    def in_force(self, today: date | None = None) -> "CreditLimitQuerySet":
        """The limit of each account that counts on a day: the temporary one while it is the higher."""
        return self.leading(LimitScope.ACCOUNT, today)


class CreditLimit(models.Model):
    """Plafond: what a customer may owe in all, from one date on. A new one of its kind closes the one before.

    A temporary limit stands in the place of the permanent one until its last day, then the permanent one counts
    again by itself. Both are totals: nobody owes a sum that no one decided. `expires_on` is the last day planned,
    `valid_to` the last day in fact. A limit of scope GROUP is held by the account at the head of the group and
    counts for all its accounts together, on top of the limit that each may have.
    """

    Scope = LimitScope
    Kind = LimitKind
    Basis = LimitBasis

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    scope = models.CharField(
        _("portée"), max_length=7, choices=LimitScope, default=LimitScope.ACCOUNT, db_default="ACCOUNT"
    )
    kind = models.CharField(
        _("nature"), max_length=9, choices=LimitKind, default=LimitKind.PERMANENT, db_default="PERMANENT"
    )
    basis = models.CharField(
        _("fondement"), max_length=7, choices=LimitBasis, default=LimitBasis.OWN, db_default="OWN"
    )
    amount = models.DecimalField(_("plafond"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    valid_from = models.DateField(_("du"))
    valid_to = models.DateField(_("au"), null=True, blank=True)
    expires_on = models.DateField(_("expire le"), null=True, blank=True)
    reason = models.CharField(_("motif"), max_length=200)
    conditions = models.CharField(_("conditions"), max_length=500, blank=True, default="", db_default="")
    request = models.OneToOneField(
        "risk.LimitRequest", on_delete=models.PROTECT, null=True, blank=True, related_name="limit"
    )
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
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=_EVE_OF_START),
                name="credit_limit_period_in_order",
            ),
            models.CheckConstraint(
                condition=Q(expires_on__isnull=True) | Q(expires_on__gte=F("valid_from")),
                name="credit_limit_expires_after_it_began",
            ),
            models.CheckConstraint(
                condition=~Q(kind="TEMPORARY") | Q(expires_on__isnull=False),
                name="credit_limit_temporary_expires",
            ),
            models.UniqueConstraint(
                fields=["customer", "scope", "kind"],
                condition=Q(valid_to__isnull=True),
                name="credit_limit_one_of_a_kind_without_end",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_on"], condition=Q(valid_to__isnull=True), name="credit_limit_expiring"
            ),
            models.Index(
                fields=["customer"], condition=Q(valid_to__isnull=True), name="credit_limit_standing"
            ),
            models.Index(
                fields=["customer"],
                condition=Q(valid_to__isnull=True, scope="GROUP"),
                name="credit_limit_of_groups",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="decided",
                fields=[
                    "customer", "scope", "kind", "basis", "amount", "currency", "valid_from", "expires_on",
                    "reason", "conditions", "request", "decided_by", "decided_at",
                ],
            ),
            pgtrigger.Protect(
                name="ended_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__valid_to__isnull=False)
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="as_approved", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_AS_APPROVED
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.customer} : {self.amount} {self.currency}"
