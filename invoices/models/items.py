"""The receivables sub-ledger: open items and the allocations that settle them."""

from decimal import Decimal

import pgtrigger
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.models import User
from core.rights import SYSTEM, Actor
from customers.models import CURRENCY, Customer, LegalEntity


class NumberDigits(Func):
    """All digits of a document number without leading zeros: FA-2026-0118 gives 20260118."""

    function = "encours_number_digits"
    output_field = models.TextField()
    arity = 1


class NumberTail(Func):
    """The last digits of a document number without leading zeros: FA-2026-0118 gives 118."""

    function = "encours_number_tail"
    output_field = models.TextField()
    arity = 1


class OpenItemQuerySet(models.QuerySet["OpenItem"]):
    def visible_to(self, actor: Actor) -> "OpenItemQuerySet":
        """The items of the customers in the actor's scope."""
        if actor is SYSTEM:
            return self
        if not isinstance(actor, User):
            return self.none()
        customers = Customer.objects.visible_to(actor)
        # Who sees every customer needs no look at their table.
        return self.filter(customer__in=customers) if customers.query.where else self

    def open(self) -> "OpenItemQuerySet":
        return self.exclude(open_amount=0)

    def overdue(self, as_of: object) -> "OpenItemQuerySet":
        """Debit items still open whose due date lies before `as_of`; the due day itself is not late."""
        return self.filter(open_amount__gt=0, due_date__lt=as_of)


class OpenItem(models.Model):
    """A posted document of a customer's account. Immutable but for its open and disputed amounts.

    Amounts are signed: what the customer owes is positive, credit notes and payments are negative.
    `open_amount` = `total_amount` less the allocations in force; only allocation operations write it.
    `disputed_amount` is the part of the total that an open dispute names; what of it is still owed is
    `contested_amount`.
    `corrects` links a correcting document to the one whose amount it puts right; `import_batch` is the batch that
    posted the item, if one did.
    """

    class Kind(models.TextChoices):
        INVOICE = "INVOICE", _("Facture")
        CREDIT_NOTE = "CREDIT_NOTE", _("Avoir")
        PAYMENT = "PAYMENT", _("Règlement")
        DEPOSIT = "DEPOSIT", _("Acompte demandé")
        OTHER = "OTHER", _("Opération diverse")

    DEBIT_KINDS = (Kind.INVOICE, Kind.DEPOSIT)
    CREDIT_KINDS = (Kind.CREDIT_NOTE, Kind.PAYMENT)

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    # No index of a foreign key alone where a wider one begins with it: each is written at every posting.
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(_("nature"), max_length=12, choices=Kind)
    number = models.CharField(_("numéro"), max_length=40)
    instalment = models.PositiveSmallIntegerField(_("échéance n°"), default=1)
    issue_date = models.DateField(_("date de facture"))
    due_date = models.DateField(_("date d’échéance"))
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    total_amount = models.DecimalField(_("montant TTC"), max_digits=14, decimal_places=2)
    vat_amount = models.DecimalField(_("dont TVA"), max_digits=14, decimal_places=2, null=True, blank=True)
    open_amount = models.DecimalField(_("solde dû"), max_digits=14, decimal_places=2)
    disputed_amount = models.DecimalField(_("montant en litige"), max_digits=14, decimal_places=2, default=0)
    reference = models.CharField(_("référence client"), max_length=80, blank=True)
    is_factored = models.BooleanField(_("cédée à un factor"), default=False)
    einvoice_status = models.CharField(
        _("statut de facture électronique"), max_length=3, blank=True, default="", db_default=""
    )
    document = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    import_batch = models.ForeignKey(
        "invoices.ImportBatch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    corrects = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="corrections",
        db_index=False,
    )
    posted_at = models.DateTimeField(_("comptabilisée le"))
    updated_at = models.DateTimeField(_("modifiée le"))

    objects = OpenItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("pièce")
        verbose_name_plural = _("pièces")
        ordering = ["due_date", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["legal_entity", "number", "instalment"], name="open_item_number_once_per_entity"
            ),
            models.CheckConstraint(
                condition=Q(total_amount__gte=0, open_amount__gte=0, open_amount__lte=F("total_amount"))
                | Q(total_amount__lt=0, open_amount__lte=0, open_amount__gte=F("total_amount")),
                name="open_item_open_between_zero_and_total",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["INVOICE", "DEPOSIT"], total_amount__gte=0)
                | Q(kind__in=["CREDIT_NOTE", "PAYMENT"], total_amount__lte=0)
                | Q(kind="OTHER"),
                name="open_item_sign_follows_kind",
            ),
            models.CheckConstraint(
                condition=Q(due_date__gte=F("issue_date")), name="open_item_due_after_issue"
            ),
            models.CheckConstraint(
                condition=Q(disputed_amount=0)
                | Q(disputed_amount__gt=0, disputed_amount__lte=F("total_amount")),
                name="open_item_disputed_within_total",
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer", "currency", "due_date"],
                include=["open_amount", "issue_date", "legal_entity", "id"],
                condition=~Q(open_amount=0),
                name="open_item_open_by_customer",
            ),
            models.Index(fields=["customer", "-issue_date", "-id"], name="open_item_by_customer"),
            models.Index(fields=["legal_entity", "due_date", "id"], name="open_item_by_due_date"),
            models.Index(fields=["updated_at", "id"], name="open_item_for_sync"),
            models.Index(OpClass(Upper("number"), name="text_pattern_ops"), name="open_item_by_number"),
            # What payers write of a number is looked up among open items.
            models.Index(
                "legal_entity",
                NumberDigits("number"),
                name="open_item_by_digits",
                condition=~Q(open_amount=0),
            ),
            models.Index(
                "legal_entity", NumberTail("number"), name="open_item_by_tail", condition=~Q(open_amount=0)
            ),
            models.Index(fields=["total_amount"], name="open_item_by_amount"),
            models.Index(
                fields=["due_date", "id"], condition=~Q(open_amount=0), name="open_item_open_by_due_date"
            ),
            models.Index(
                fields=["due_date", "id"], condition=Q(disputed_amount__gt=0), name="open_item_disputed"
            ),
            models.Index(
                fields=["open_amount", "id"], condition=~Q(open_amount=0), name="open_item_open_by_amount"
            ),
            models.Index(
                fields=["import_batch"], condition=Q(import_batch__isnull=False), name="open_item_by_batch"
            ),
            models.Index(
                fields=["corrects"], condition=Q(corrects__isnull=False), name="open_item_corrections"
            ),
        ]
        triggers = [
            # A posted document is corrected by another one. Dates are held by the operations.
            pgtrigger.ReadOnly(
                name="posted",
                fields=[
                    "legal_entity", "customer", "kind", "number", "instalment", "currency", "total_amount", "vat_amount",
                    "import_batch", "corrects",
                ],
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number

    @property
    def is_credit(self) -> bool:
        return self.total_amount < 0

    @property
    def contested_amount(self) -> Decimal:
        """What is contested of what is still owed: money settles the rest first, and its undo gives this back."""
        return min(self.disputed_amount, max(self.open_amount, Decimal("0.00")))


class Allocation(models.Model):
    """Lettrage: part of a credit item settles part of a debit item of the same customer and currency.

    In force from `allocated_on` until the day before `reversed_on`. `amount` is positive.
    """

    debit = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="+", db_index=False)
    credit = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="+", db_index=False)
    amount = models.DecimalField(_("montant lettré"), max_digits=14, decimal_places=2)
    allocated_on = models.DateField(_("lettré le"))
    reversed_on = models.DateField(_("délettré le"), null=True, blank=True)
    reversal_reason = models.CharField(_("motif du délettrage"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("créé le"))
    import_batch = models.ForeignKey(
        "invoices.ImportBatch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    application = models.ForeignKey(
        "invoices.CashApplication",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="allocations",
        db_index=False,
    )

    class Meta:
        verbose_name = _("lettrage")
        verbose_name_plural = _("lettrages")
        ordering = ["-allocated_on", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="allocation_amount_positive"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="allocation_of_two_items"),
            models.CheckConstraint(
                condition=Q(reversed_on__isnull=True) | Q(reversed_on__gte=F("allocated_on")),
                name="allocation_reversed_after_made",
            ),
        ]
        indexes = [
            models.Index(
                fields=["debit", "allocated_on"], include=["amount", "reversed_on"], name="allocation_debit"
            ),
            models.Index(
                fields=["credit", "allocated_on"], include=["amount", "reversed_on"], name="allocation_credit"
            ),
            models.Index(
                fields=["allocated_on"],
                include=["debit", "credit", "amount"],
                condition=Q(reversed_on__isnull=True),
                name="allocation_by_date",
            ),
            models.Index(
                fields=["reversed_on"], name="allocation_reversed", condition=Q(reversed_on__isnull=False)
            ),
            models.Index(
                fields=["import_batch"], condition=Q(import_batch__isnull=False), name="allocation_by_batch"
            ),
            models.Index(
                fields=["application"],
                condition=Q(application__isnull=False),
                name="allocation_by_application",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="made", fields=["debit", "credit", "amount", "import_batch", "application"]
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.credit_id} -> {self.debit_id}: {self.amount}"
