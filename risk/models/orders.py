"""What will be owed: orders that take their share of the limit, and deliveries not billed yet."""

from datetime import date

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.rights import Actor
from core.states import state_machine
from customers.models import CURRENCY, Customer, LegalEntity


class OrderStatus(models.TextChoices):
    REFERRED = "REFERRED", _("À décider")
    RESERVED = "RESERVED", _("Réservée")
    PART_DELIVERED = "PART_DELIVERED", _("Livrée en partie")
    DELIVERED = "DELIVERED", _("Livrée")
    BILLED = "BILLED", _("Facturée")
    CLOSED = "CLOSED", _("Soldée")
    CANCELLED = "CANCELLED", _("Annulée")
    EXPIRED = "EXPIRED", _("Expirée")


_OPEN = (OrderStatus.RESERVED, OrderStatus.PART_DELIVERED, OrderStatus.DELIVERED)
ORDER_TRANSITIONS = (
    (OrderStatus.REFERRED, OrderStatus.RESERVED),
    (OrderStatus.REFERRED, OrderStatus.CANCELLED),
    (OrderStatus.REFERRED, OrderStatus.EXPIRED),
    *((before, after) for before in _OPEN for after in _OPEN if before != after),
    *(
        (before, after)
        for before in _OPEN
        for after in (OrderStatus.BILLED, OrderStatus.CLOSED, OrderStatus.CANCELLED)
    ),
    (OrderStatus.RESERVED, OrderStatus.EXPIRED),
    # Reserved again by a new check, or by what the partner's system says.
    *((OrderStatus.EXPIRED, after) for after in _OPEN),
    *((OrderStatus.CANCELLED, after) for after in _OPEN),
    # A batch of invoices that is taken back gives its orders back.
    *((OrderStatus.BILLED, after) for after in _OPEN),
    (OrderStatus.EXPIRED, OrderStatus.BILLED),
)


class OrderQuerySet(models.QuerySet["Order"]):
    def visible_to(self, actor: Actor) -> "OrderQuerySet":
        """The orders of the customers in the actor's scope."""
        return self.filter(customer__in=Customer.objects.visible_to(actor))

    def reserving(self, today: date) -> "OrderQuerySet":
        """The orders that may take a share of the limit that day."""
        return self.filter(Q(expires_on__isnull=True) | Q(expires_on__gte=today), status__in=_OPEN)


class Order(models.Model):
    """A customer's order, all taxes included. While it is open, what is neither delivered nor billed is reserved.

    `reference` is the partner's number and unique in the entity; invoices that carry it as their reference bill it.
    `released_amount` will never be delivered. A reservation counts up to `expires_on`, included; a firm order has none.
    """

    Status = OrderStatus
    OPEN_STATUSES = _OPEN
    TRANSITIONS = ORDER_TRANSITIONS

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    reference = models.CharField(_("numéro de commande"), max_length=80)
    status = models.CharField(_("état"), max_length=14, choices=OrderStatus)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    amount = models.DecimalField(_("montant TTC"), max_digits=14, decimal_places=2)
    released_amount = models.DecimalField(_("dont libéré"), max_digits=14, decimal_places=2, default=0)
    ordered_on = models.DateField(_("date de commande"))
    expires_on = models.DateField(_("réservée jusqu’au (inclus)"), null=True, blank=True)
    note = models.CharField(_("commentaire"), max_length=200, blank=True)
    settled_at = models.DateTimeField(_("terminée le"), null=True, blank=True)
    created_at = models.DateTimeField(_("enregistrée le"))
    updated_at = models.DateTimeField(_("modifiée le"))

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("commande")
        verbose_name_plural = _("commandes")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["legal_entity", "reference"], name="order_reference_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="order_amount_positive"),
            models.CheckConstraint(
                condition=Q(released_amount__gte=0, released_amount__lte=F("amount")),
                name="order_released_within_amount",
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer"],
                include=["currency", "amount", "released_amount", "expires_on", "id"],
                condition=Q(status__in=["RESERVED", "PART_DELIVERED", "DELIVERED"]),
                name="order_open_by_customer",
            ),
            models.Index(fields=["customer", "-id"], name="order_by_customer"),
            models.Index(fields=["updated_at", "id"], name="order_for_sync"),
            models.Index(fields=["settled_at"], condition=Q(status="BILLED"), name="order_billed_lately"),
        ]
        triggers = [
            state_machine(ORDER_TRANSITIONS),
            pgtrigger.ReadOnly(name="whose", fields=["legal_entity", "customer", "reference"]),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.reference


class DeliveryStatus(models.TextChoices):
    OPEN = "OPEN", _("À facturer")
    BILLED = "BILLED", _("Facturée")
    CANCELLED = "CANCELLED", _("Annulée")


DELIVERY_TRANSITIONS = (
    (DeliveryStatus.OPEN, DeliveryStatus.BILLED),
    (DeliveryStatus.OPEN, DeliveryStatus.CANCELLED),
    (DeliveryStatus.BILLED, DeliveryStatus.OPEN),
    (DeliveryStatus.CANCELLED, DeliveryStatus.OPEN),
)


class UnbilledDeliveryQuerySet(models.QuerySet["UnbilledDelivery"]):
    def visible_to(self, actor: Actor) -> "UnbilledDeliveryQuerySet":
        """The deliveries to the customers in the actor's scope."""
        return self.filter(customer__in=Customer.objects.visible_to(actor))


class UnbilledDelivery(models.Model):
    """Goods gone and not billed yet, all taxes included; invoices that carry its number, or its order's, bill it."""

    Status = DeliveryStatus
    TRANSITIONS = DELIVERY_TRANSITIONS

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    reference = models.CharField(_("numéro de livraison"), max_length=80)
    status = models.CharField(_("état"), max_length=9, choices=DeliveryStatus, default=DeliveryStatus.OPEN)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    amount = models.DecimalField(_("montant TTC"), max_digits=14, decimal_places=2)
    delivered_on = models.DateField(_("livrée le"))
    settled_at = models.DateTimeField(_("terminée le"), null=True, blank=True)
    created_at = models.DateTimeField(_("enregistrée le"))
    updated_at = models.DateTimeField(_("modifiée le"))

    objects = UnbilledDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("livraison non facturée")
        verbose_name_plural = _("livraisons non facturées")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["legal_entity", "reference"], name="delivery_reference_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="unbilled_delivery_amount_positive"),
        ]
        indexes = [
            models.Index(
                fields=["customer"],
                include=["currency", "amount", "order", "id"],
                condition=Q(status="OPEN"),
                name="delivery_open_by_customer",
            ),
            models.Index(fields=["customer", "-id"], name="delivery_by_customer"),
            models.Index(fields=["updated_at", "id"], name="delivery_for_sync"),
            models.Index(fields=["settled_at"], condition=Q(status="BILLED"), name="delivery_billed_lately"),
        ]
        triggers = [
            state_machine(DELIVERY_TRANSITIONS),
            pgtrigger.ReadOnly(name="whose", fields=["legal_entity", "customer", "reference"]),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.reference


class CheckStatus(models.TextChoices):
    FINAL = "FINAL", _("Définitive")
    PENDING = "PENDING", _("À décider")
    RELEASED = "RELEASED", _("Accordée par décision")
    REJECTED = "REJECTED", _("Refusée par décision")


CHECK_TRANSITIONS = (
    (CheckStatus.PENDING, CheckStatus.RELEASED),
    (CheckStatus.PENDING, CheckStatus.REJECTED),
)


class CreditCheckQuerySet(models.QuerySet["CreditCheck"]):
    def visible_to(self, actor: Actor) -> "CreditCheckQuerySet":
        """The answers about the customers in the actor's scope."""
        return self.filter(customer__in=Customer.objects.visible_to(actor))


class CreditCheck(models.Model):
    """« Puis-je livrer ? »: who asked, what was known, the answer. It is never changed, but a person may decide what
    was referred to him.

    `reasons` is a list of {code, …}; `known` holds the figures that were read and their days. Amounts are in the
    limit's currency, which is `currency` unless the reasons say so.
    """

    class Outcome(models.TextChoices):
        APPROVED = "APPROVED", _("Accordé")
        REFERRED = "REFERRED", _("À décider")
        REFUSED = "REFUSED", _("Refusé")

    Status = CheckStatus
    TRANSITIONS = CHECK_TRANSITIONS

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, blank=True, related_name="checks")
    status = models.CharField(_("état"), max_length=8, choices=CheckStatus)
    outcome = models.CharField(_("réponse"), max_length=8, choices=Outcome)
    amount = models.DecimalField(_("montant demandé"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    is_reservation = models.BooleanField(_("avec réservation"))
    reasons = models.JSONField(_("motifs"), default=list)
    known = models.JSONField(_("éléments connus"), default=dict)
    limit_amount = models.DecimalField(_("plafond"), max_digits=14, decimal_places=2, null=True, blank=True)
    exposure_amount = models.DecimalField(_("encours avant"), max_digits=18, decimal_places=2)
    headroom_before = models.DecimalField(
        _("disponible avant"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    headroom_after = models.DecimalField(
        _("disponible après"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    asked_on = models.DateField(_("au"))
    asked_at = models.DateTimeField(_("demandé le"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    asked_by_name = models.CharField(_("demandé par"), max_length=120)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    resolved_at = models.DateTimeField(_("décidé le"), null=True, blank=True)
    resolution_reason = models.CharField(_("motif de la décision"), max_length=200, blank=True)

    objects = CreditCheckQuerySet.as_manager()

    class Meta:
        verbose_name = _("contrôle de crédit")
        verbose_name_plural = _("contrôles de crédit")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="credit_check_amount_positive"),
            models.CheckConstraint(
                condition=Q(status="FINAL") | Q(outcome="REFERRED"), name="credit_check_only_referred_waits"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["RELEASED", "REJECTED"])
                | (Q(resolved_by__isnull=False) & Q(resolved_at__isnull=False) & ~Q(resolution_reason="")),
                name="credit_check_decision_has_author_and_reason",
            ),
            # Who asks does not grant.
            models.CheckConstraint(
                condition=Q(resolved_by__isnull=True)
                | Q(asked_by__isnull=True)
                | ~Q(resolved_by=F("asked_by"))
                | Q(status="REJECTED"),
                name="credit_check_granted_by_another",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="credit_check_by_customer"),
            models.Index(fields=["-id"], condition=Q(status="PENDING"), name="credit_check_pending"),
        ]
        triggers = [
            state_machine(CHECK_TRANSITIONS),
            pgtrigger.ReadOnly(
                name="answer",
                fields=[
                    "customer", "outcome", "amount", "currency", "is_reservation", "reasons", "known", "limit_amount",
                    "exposure_amount", "headroom_before", "headroom_after", "asked_on", "asked_at", "asked_by",
                    "asked_by_name",
                ],
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.customer} : {self.amount} {self.currency}"
