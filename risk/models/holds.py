"""Credit holds: customers to whom nothing is delivered on credit until a person, or the end of the cause, says so."""

from datetime import date

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.rights import Actor
from core.states import state_machine
from customers.models import CURRENCY, Customer


class HoldStatus(models.TextChoices):
    ACTIVE = "ACTIVE", _("En vigueur")
    RELEASED = "RELEASED", _("Levé sous condition")
    ENDED = "ENDED", _("Levé")


HOLD_TRANSITIONS = (
    (HoldStatus.ACTIVE, HoldStatus.RELEASED),
    (HoldStatus.ACTIVE, HoldStatus.ENDED),
    (HoldStatus.RELEASED, HoldStatus.ACTIVE),
    (HoldStatus.RELEASED, HoldStatus.ENDED),
)


class CreditHoldQuerySet(models.QuerySet["CreditHold"]):
    def visible_to(self, actor: Actor) -> "CreditHoldQuerySet":
        """The holds of the customers in the actor's scope."""
        return self.filter(customer__in=Customer.objects.visible_to(actor))

    def in_force(self, today: date) -> "CreditHoldQuerySet":
        """The holds that stop deliveries that day: a release whose day or amount is past holds no more."""
        lapsed = Q(release_until__lt=today) | Q(release_used_amount__gte=F("release_amount"))
        return self.filter(Q(status=HoldStatus.ACTIVE) | (Q(status=HoldStatus.RELEASED) & lapsed))


class CreditHold(models.Model):
    """A block on deliveries, with its cause. One of a kind at a time per customer; none is ever deleted.

    RELEASED: deliveries pass until `release_until` (included), or for `release_amount` in all, of which
    `release_used_amount` has gone. ENDED: it is over for good.
    """

    class Kind(models.TextChoices):
        MANUAL = "MANUAL", _("Décision")
        OVERDUE = "OVERDUE", _("Retard au-delà du délai de grâce")
        OVER_LIMIT = "OVER_LIMIT", _("Plafond dépassé")
        INSOLVENCY = "INSOLVENCY", _("Procédure collective")
        COVER = "COVER", _("Garantie retirée")

    Status = HoldStatus
    TRANSITIONS = HOLD_TRANSITIONS

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(_("cause"), max_length=10, choices=Kind)
    status = models.CharField(_("état"), max_length=8, choices=HoldStatus, default=HoldStatus.ACTIVE)
    reason = models.CharField(_("motif"), max_length=200)
    placed_on = models.DateField(_("bloqué depuis le"))
    placed_at = models.DateTimeField(_("décidé le"))
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    release_until = models.DateField(_("levé jusqu’au (inclus)"), null=True, blank=True)
    release_amount = models.DecimalField(
        _("levé à hauteur de"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    release_currency = models.CharField(_("devise"), max_length=3, blank=True, validators=[CURRENCY])
    release_used_amount = models.DecimalField(_("dont utilisé"), max_digits=14, decimal_places=2, default=0)
    release_reason = models.CharField(_("motif de la levée"), max_length=200, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    released_at = models.DateTimeField(_("levé le"), null=True, blank=True)
    ended_on = models.DateField(_("terminé le"), null=True, blank=True)
    updated_at = models.DateTimeField(_("modifié le"))

    objects = CreditHoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("blocage")
        verbose_name_plural = _("blocages")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind"], condition=~Q(status="ENDED"), name="credit_hold_one_of_a_kind"
            ),
            models.CheckConstraint(
                condition=(Q(status="ENDED") & Q(ended_on__isnull=False))
                | (~Q(status="ENDED") & Q(ended_on__isnull=True)),
                name="credit_hold_ended_has_day",
            ),
            models.CheckConstraint(
                condition=~Q(status="RELEASED")
                | (
                    ~Q(release_reason="")
                    & Q(released_at__isnull=False)
                    & (Q(release_until__isnull=False) | Q(release_amount__isnull=False))
                ),
                name="credit_hold_release_has_reason_and_bound",
            ),
            models.CheckConstraint(
                condition=Q(release_amount__isnull=True)
                | Q(release_amount__gt=0, release_used_amount__gte=0),
                name="credit_hold_release_amount_positive",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="credit_hold_by_customer"),
            models.Index(fields=["-id"], condition=~Q(status="ENDED"), name="credit_hold_standing"),
        ]
        triggers = [
            state_machine(HOLD_TRANSITIONS),
            pgtrigger.ReadOnly(
                name="what_was_decided",
                fields=["customer", "kind", "reason", "placed_on", "placed_at", "placed_by"],
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.customer} : {self.get_kind_display()}"
