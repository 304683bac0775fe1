"""What secures a debt from outside: credit insurance policies, covers per customer, guarantees, files to the insurer.

Every delay is data of the policy: no contract is like another.
"""

from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.models import StoredFile, User
from core.rights import SYSTEM, Actor
from core.states import state_machine
from customers.models import CURRENCY, Customer, LegalEntity
from invoices.models import OpenItem

LONGEST_DAYS = 1825
DAYS = (MaxValueValidator(LONGEST_DAYS),)
SHARE = (MinValueValidator(Decimal("0.01")), MaxValueValidator(Decimal(1)))


class InsurancePolicy(models.Model):
    """A credit insurance contract of a legal entity.

    `quota_share` is the insured ratio (0.9: the insurer bears 90 % of what is covered). Delays are calendar days after
    the due date, except `waiting_days`, after the claim. The unnamed zone covers buyers without an agreement of their
    own, up to `unnamed_limit_amount`, while none of their debts is later than `unnamed_overdue_days`.
    """

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    insurer = models.CharField(_("assureur"), max_length=80)
    number = models.CharField(_("numéro de police"), max_length=40)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    valid_from = models.DateField(_("en vigueur du"))
    valid_until = models.DateField(_("au"), null=True, blank=True)
    quota_share = models.DecimalField(_("quotité garantie"), max_digits=5, decimal_places=4, validators=SHARE)
    unnamed_limit_amount = models.DecimalField(
        _("zone des non-dénommés"),
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text=_("Montant garanti sans agrément nominatif. Vide : la police n’en a pas."),
    )
    unnamed_overdue_days = models.PositiveSmallIntegerField(
        _("non-dénommés : retard au-delà duquel un acheteur en sort (jours)"),
        null=True,
        blank=True,
        validators=DAYS,
    )
    unnamed_conditions = models.CharField(
        _("conditions de la zone des non-dénommés"), max_length=500, blank=True
    )
    max_extension_days = models.PositiveSmallIntegerField(
        _("prorogation maximale (jours après l’échéance)"), validators=DAYS
    )
    declaration_days = models.PositiveSmallIntegerField(
        _("déclaration d’impayé (jours après l’échéance)"), validators=DAYS
    )
    claim_days = models.PositiveSmallIntegerField(
        _("demande d’indemnisation (jours après l’échéance)"), validators=DAYS
    )
    waiting_days = models.PositiveSmallIntegerField(
        _("délai de carence (jours après la demande)"), validators=DAYS
    )
    stop_delivery_days = models.PositiveSmallIntegerField(
        _("arrêt des livraisons (jours de retard)"),
        null=True,
        blank=True,
        validators=DAYS,
        help_text=_("Livrer un client plus en retard que cela fait perdre la garantie. Vide : pas de règle."),
    )
    alarm_days = models.PositiveSmallIntegerField(
        _("prévenir avant chaque délai (jours)"), default=10, validators=[MaxValueValidator(90)]
    )
    updated_at = models.DateTimeField(_("modifiée le"))

    class Meta:
        verbose_name = _("police d’assurance-crédit")
        verbose_name_plural = _("polices d’assurance-crédit")
        ordering = ["legal_entity", "insurer", "number", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["legal_entity", "insurer", "number"], name="insurance_policy_number_once"
            ),
            models.CheckConstraint(
                condition=Q(quota_share__gt=0, quota_share__lte=1), name="insurance_quota_is_a_ratio"
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="insurance_period_in_order",
            ),
            models.CheckConstraint(
                condition=Q(claim_days__gte=F("declaration_days")), name="insurance_declares_before_it_claims"
            ),
            models.CheckConstraint(
                condition=Q(unnamed_limit_amount__isnull=True) | Q(unnamed_limit_amount__gt=0),
                name="insurance_unnamed_limit_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.insurer} {self.number}"


class CoverStatus(models.TextChoices):
    REQUESTED = "REQUESTED", _("Demandé")
    GRANTED = "GRANTED", _("Accordé")
    REDUCED = "REDUCED", _("Accordé en partie ou réduit")
    REFUSED = "REFUSED", _("Refusé")
    CANCELLED = "CANCELLED", _("Retiré")
    EXPIRED = "EXPIRED", _("Expiré")


IN_FORCE = (CoverStatus.GRANTED, CoverStatus.REDUCED)
COVER_TRANSITIONS = (
    (CoverStatus.REQUESTED, CoverStatus.GRANTED),
    (CoverStatus.REQUESTED, CoverStatus.REDUCED),
    (CoverStatus.REQUESTED, CoverStatus.REFUSED),
    (CoverStatus.REQUESTED, CoverStatus.CANCELLED),
    (CoverStatus.GRANTED, CoverStatus.REDUCED),
    (CoverStatus.GRANTED, CoverStatus.CANCELLED),
    (CoverStatus.GRANTED, CoverStatus.EXPIRED),
    (CoverStatus.REDUCED, CoverStatus.CANCELLED),
    (CoverStatus.REDUCED, CoverStatus.EXPIRED),
)


class CoverQuerySet(models.QuerySet["Cover"]):
    def visible_to(self, actor: Actor) -> "CoverQuerySet":
        """The covers of the customers in the actor's scope."""
        if actor is SYSTEM:
            return self
        if not isinstance(actor, User):
            return self.none()
        return self.filter(customer__in=Customer.objects.visible_to(actor))

    def in_force(self, as_of: object) -> "CoverQuerySet":
        """Those on which the insurer is bound for a delivery of that day."""
        return self.filter(status__in=IN_FORCE, valid_from__lte=as_of).filter(
            Q(valid_until__isnull=True) | Q(valid_until__gte=as_of)
        )


class Cover(models.Model):
    """The insurer's agreement (agrément) for one customer under a policy.

    `amount` is what the insurer agreed, before the quota share. After a reduction or a cancellation notified on
    `notified_on`, what was delivered until that day stays covered as it was.
    """

    Status = CoverStatus
    TRANSITIONS = COVER_TRANSITIONS

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    policy = models.ForeignKey(InsurancePolicy, on_delete=models.PROTECT, related_name="covers")
    status = models.CharField(
        _("état"), max_length=9, choices=CoverStatus.choices, default=CoverStatus.REQUESTED
    )
    requested_amount = models.DecimalField(_("montant demandé"), max_digits=14, decimal_places=2)
    amount = models.DecimalField(_("montant accordé"), max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    valid_from = models.DateField(_("du"), null=True, blank=True)
    valid_until = models.DateField(_("au"), null=True, blank=True)
    insurer_reference = models.CharField(_("référence de l’assureur"), max_length=60, blank=True)
    requested_on = models.DateField(_("demandé le"))
    answered_on = models.DateField(_("réponse du"), null=True, blank=True)
    notified_on = models.DateField(_("réduction ou retrait notifié le"), null=True, blank=True)
    amount_before = models.DecimalField(
        _("montant avant la notification"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    reason = models.CharField(_("motif"), max_length=500, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    updated_at = models.DateTimeField(_("modifié le"))

    objects = CoverQuerySet.as_manager()

    class Meta:
        verbose_name = _("agrément")
        verbose_name_plural = _("agréments")
        ordering = ["-id"]
        triggers = [state_machine(COVER_TRANSITIONS)]
        indexes = [models.Index(fields=["customer", "status"], name="cover_by_customer")]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "policy"],
                condition=Q(status__in=["GRANTED", "REDUCED"]),
                name="cover_in_force_once_per_policy",
            ),
            models.UniqueConstraint(
                fields=["customer", "policy"],
                condition=Q(status="REQUESTED"),
                name="cover_requested_once_per_policy",
            ),
            models.CheckConstraint(condition=Q(requested_amount__gt=0), name="cover_asks_for_something"),
            models.CheckConstraint(
                condition=~Q(status__in=["GRANTED", "REDUCED"])
                | Q(amount__gt=0, valid_from__isnull=False, answered_on__isnull=False),
                name="cover_granted_with_amount_and_date",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="cover_period_in_order",
            ),
            models.CheckConstraint(
                condition=~Q(status="CANCELLED") | Q(notified_on__isnull=False),
                name="cover_cancelled_with_its_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} – {self.policy}"


class GuaranteeStatus(models.TextChoices):
    ACTIVE = "ACTIVE", _("En vigueur")
    CALLED = "CALLED", _("Appelée")
    RELEASED = "RELEASED", _("Libérée")


GUARANTEE_TRANSITIONS = (
    (GuaranteeStatus.ACTIVE, GuaranteeStatus.CALLED),
    (GuaranteeStatus.ACTIVE, GuaranteeStatus.RELEASED),
    (GuaranteeStatus.CALLED, GuaranteeStatus.RELEASED),
)


class Guarantee(models.Model):
    """A security other than insurance. One without an amount (a retention of title) backs no limit."""

    class Kind(models.TextChoices):
        BANK = "BANK", _("Garantie bancaire")
        PARENT = "PARENT", _("Garantie de la maison mère")
        PERSONAL = "PERSONAL", _("Caution")
        TITLE = "TITLE", _("Réserve de propriété")
        PLEDGE = "PLEDGE", _("Nantissement ou gage")
        DEPOSIT = "DEPOSIT", _("Dépôt de garantie")
        OTHER = "OTHER", _("Autre sûreté")

    Status = GuaranteeStatus
    TRANSITIONS = GUARANTEE_TRANSITIONS

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("nature"), max_length=8, choices=Kind)
    guarantor = models.CharField(_("garant"), max_length=120, blank=True)
    reference = models.CharField(_("référence"), max_length=60, blank=True)
    amount = models.DecimalField(_("montant"), max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    valid_from = models.DateField(_("du"))
    valid_until = models.DateField(_("au"), null=True, blank=True)
    status = models.CharField(
        _("état"), max_length=8, choices=GuaranteeStatus.choices, default=GuaranteeStatus.ACTIVE
    )
    ended_on = models.DateField(_("appelée ou libérée le"), null=True, blank=True)
    reason = models.CharField(_("motif"), max_length=500, blank=True)
    document = models.ForeignKey(
        StoredFile, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    updated_at = models.DateTimeField(_("modifiée le"))

    class Meta:
        verbose_name = _("sûreté")
        verbose_name_plural = _("sûretés")
        ordering = ["-id"]
        triggers = [state_machine(GUARANTEE_TRANSITIONS)]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gt=0), name="guarantee_amount_positive"
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=False) | Q(kind="TITLE"), name="guarantee_has_an_amount"
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="guarantee_period_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.reference}".strip()


class FileStatus(models.TextChoices):
    DRAFT = "DRAFT", _("À envoyer")
    DISCARDED = "DISCARDED", _("Abandonné")
    SENT = "SENT", _("Envoyé")
    ACKNOWLEDGED = "ACKNOWLEDGED", _("Accusé de réception")
    PAID = "PAID", _("Indemnisé")
    REFUSED = "REFUSED", _("Refusé par l’assureur")


FILE_TRANSITIONS = (
    (FileStatus.DRAFT, FileStatus.SENT),
    (FileStatus.DRAFT, FileStatus.DISCARDED),
    (FileStatus.SENT, FileStatus.ACKNOWLEDGED),
    (FileStatus.SENT, FileStatus.REFUSED),
    (FileStatus.ACKNOWLEDGED, FileStatus.PAID),
    (FileStatus.ACKNOWLEDGED, FileStatus.REFUSED),
)


class InsurerFile(models.Model):
    """A declaration of overdue items, or a claim, to the insurer of a policy: what it says never changes.

    `file` is what is sent, as it was written. A claim's waiting period runs from `acknowledged_on`.
    """

    class Kind(models.TextChoices):
        DECLARATION = "DECLARATION", _("Déclaration d’impayés")
        CLAIM = "CLAIM", _("Demande d’indemnisation")

    Status = FileStatus
    TRANSITIONS = FILE_TRANSITIONS

    policy = models.ForeignKey(InsurancePolicy, on_delete=models.PROTECT, related_name="files")
    kind = models.CharField(_("nature"), max_length=11, choices=Kind)
    status = models.CharField(_("état"), max_length=12, choices=FileStatus.choices, default=FileStatus.DRAFT)
    as_of = models.DateField(_("établi au"))
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    item_count = models.PositiveIntegerField(_("pièces"))
    total_amount = models.DecimalField(_("montant"), max_digits=18, decimal_places=2)
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    insurer_reference = models.CharField(_("référence de l’assureur"), max_length=60, blank=True)
    sent_on = models.DateField(_("envoyé le"), null=True, blank=True)
    acknowledged_on = models.DateField(_("reçu par l’assureur le"), null=True, blank=True)
    paid_on = models.DateField(_("indemnisé le"), null=True, blank=True)
    paid_amount = models.DecimalField(_("indemnité"), max_digits=18, decimal_places=2, null=True, blank=True)
    refused_on = models.DateField(_("refusé le"), null=True, blank=True)
    reason = models.CharField(_("motif"), max_length=500, blank=True)
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    prepared_at = models.DateTimeField(_("établi à"))

    class Meta:
        verbose_name = _("dossier à l’assureur")
        verbose_name_plural = _("dossiers à l’assureur")
        ordering = ["-id"]
        triggers = [state_machine(FILE_TRANSITIONS)]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["DRAFT", "DISCARDED"]) | Q(sent_on__isnull=False),
                name="insurer_file_sent_with_its_day",
            ),
            models.CheckConstraint(
                condition=~Q(status="PAID") | Q(paid_on__isnull=False, paid_amount__gt=0),
                name="insurer_file_paid_with_amount",
            ),
            models.CheckConstraint(
                condition=Q(item_count__gt=0, total_amount__gt=0), name="insurer_file_says_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.as_of:%d/%m/%Y} {self.policy}"


class InsurerFileItem(models.Model):
    """A debt in a file to the insurer, as it stood. `is_live` ends when its file is given up or refused."""

    insurer_file = models.ForeignKey(InsurerFile, on_delete=models.PROTECT, related_name="lines")
    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(_("nature"), max_length=11, choices=InsurerFile.Kind)
    due_date = models.DateField(_("échéance"))
    deadline = models.DateField(_("délai de la police"))
    open_amount = models.DecimalField(_("solde dû"), max_digits=14, decimal_places=2)
    contested_amount = models.DecimalField(_("dont en litige"), max_digits=14, decimal_places=2)
    is_live = models.BooleanField(_("compte"), default=True)

    class Meta:
        verbose_name = _("pièce d’un dossier à l’assureur")
        verbose_name_plural = _("pièces des dossiers à l’assureur")
        ordering = ["insurer_file", "item"]
        constraints = [
            models.UniqueConstraint(
                fields=["item", "kind"], condition=Q(is_live=True), name="insurer_file_item_once"
            ),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.insurer_file_id} {self.item_id} {self.open_amount}"
