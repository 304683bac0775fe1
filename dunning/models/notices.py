"""Campagnes, relances and their lines."""

from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.models import User
from core.rights import SYSTEM, Actor
from core.states import state_machine
from customers.models import CURRENCY, Customer, LegalEntity
from dunning.models.policies import Level
from invoices.models import OpenItem


class RunStatus(models.TextChoices):
    REQUESTED = "REQUESTED", _("Demandée")
    GUARDED = "GUARDED", _("Retenue : volume inhabituel")
    PLANNED = "PLANNED", _("Planifiée")
    CANCELLED = "CANCELLED", _("Annulée")
    FAILED = "FAILED", _("Échouée")


RUN_TRANSITIONS = (
    (RunStatus.REQUESTED, RunStatus.PLANNED),
    (RunStatus.REQUESTED, RunStatus.GUARDED),
    (RunStatus.REQUESTED, RunStatus.FAILED),
    (RunStatus.GUARDED, RunStatus.PLANNED),
    (RunStatus.GUARDED, RunStatus.CANCELLED),
)


class Run(models.Model):
    """Campagne: the set of notices proposed for one legal entity as of one date. One per entity and date.

    A run whose volume is unusual is GUARDED: all its notices are proposed, and none goes further until a person
    releases it. `confirmed_at` says when a person let leave the notices of the levels that ask for it.
    """

    Status = RunStatus
    TRANSITIONS = RUN_TRANSITIONS

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    as_of = models.DateField(_("arrêtée au"))
    sequence = models.PositiveSmallIntegerField(_("passage"), default=1)
    status = models.CharField(_("état"), max_length=10, choices=Status, default=Status.REQUESTED)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("créée le"))
    planned_at = models.DateTimeField(_("planifiée le"), null=True, blank=True)
    notice_count = models.PositiveIntegerField(_("relances"), default=0)
    line_count = models.PositiveIntegerField(_("lignes"), default=0)
    # What made the volume unusual: `volume`, `usual` and what was compared.
    guard = models.JSONField(_("garde-fou"), default=dict, blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(_("confirmée le"), null=True, blank=True)
    error = models.TextField(_("erreur"), blank=True)

    class Meta:
        verbose_name = _("campagne de relance")
        verbose_name_plural = _("campagnes de relance")
        ordering = ["-as_of", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["legal_entity", "as_of", "sequence"], name="run_once_per_entity_and_day"
            )
        ]
        triggers = [state_machine(RUN_TRANSITIONS)]

    def __str__(self) -> str:
        return f"{self.legal_entity} {self.as_of:%Y-%m-%d}"


class NoticeStatus(models.TextChoices):
    PROPOSED = "PROPOSED", _("À valider")
    APPROVED = "APPROVED", _("Validée")
    RENDERED = "RENDERED", _("Courrier prêt")
    SENDING = "SENDING", _("Envoi en cours")
    SENT = "SENT", _("Envoyée")
    HELD = "HELD", _("Retenue avant l’envoi")
    FAILED = "FAILED", _("Envoi échoué")
    REJECTED = "REJECTED", _("Écartée")


NOTICE_TRANSITIONS = (
    (NoticeStatus.PROPOSED, NoticeStatus.APPROVED),
    (NoticeStatus.PROPOSED, NoticeStatus.REJECTED),
    (NoticeStatus.PROPOSED, NoticeStatus.HELD),
    (NoticeStatus.APPROVED, NoticeStatus.PROPOSED),
    (NoticeStatus.APPROVED, NoticeStatus.RENDERED),
    (NoticeStatus.APPROVED, NoticeStatus.SENDING),
    (NoticeStatus.APPROVED, NoticeStatus.FAILED),
    (NoticeStatus.APPROVED, NoticeStatus.HELD),
    (NoticeStatus.APPROVED, NoticeStatus.SENT),
    (NoticeStatus.RENDERED, NoticeStatus.SENDING),
    (NoticeStatus.RENDERED, NoticeStatus.SENT),
    (NoticeStatus.RENDERED, NoticeStatus.HELD),
    (NoticeStatus.SENDING, NoticeStatus.SENT),
    (NoticeStatus.SENDING, NoticeStatus.FAILED),
    (NoticeStatus.SENDING, NoticeStatus.RENDERED),
    (NoticeStatus.SENDING, NoticeStatus.APPROVED),
    (NoticeStatus.SENT, NoticeStatus.FAILED),
    (NoticeStatus.FAILED, NoticeStatus.APPROVED),
    (NoticeStatus.FAILED, NoticeStatus.RENDERED),
    (NoticeStatus.FAILED, NoticeStatus.REJECTED),
    (NoticeStatus.FAILED, NoticeStatus.SENT),
)


class NoticeQuerySet(models.QuerySet["Notice"]):
    def visible_to(self, actor: Actor) -> "NoticeQuerySet":
        """The notices to the customers in the actor's scope."""
        if actor is SYSTEM:
            return self
        if not isinstance(actor, User):
            return self.none()
        customers = Customer.objects.visible_to(actor)
        # Who sees everybody asks nothing: a list is then read straight from its index.
        return self.filter(customer__in=customers) if customers.query.where else self


class Notice(models.Model):
    """Relance: one level's message to one customer in one currency, with its lines' amounts frozen.

    For a hand-over there is no letter: the notice, once approved, opens a case. `item` is named when the policy
    writes one notice per item. `contact_key` is the customer over all entities: his SIREN, else his own key.
    `sent_on` is the day of the proven sending, from which the next step counts.
    """

    Status = NoticeStatus
    TRANSITIONS = NOTICE_TRANSITIONS
    # A step in one of these states still counts, or may still leave: the item's next step waits for it.
    IN_FORCE = (Status.PROPOSED, Status.APPROVED, Status.RENDERED, Status.SENDING, Status.SENT, Status.FAILED)

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="notices")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    level = models.ForeignKey(Level, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    contact_key = models.CharField(max_length=24, default="", db_default="")
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    status = models.CharField(_("état"), max_length=10, choices=Status, default=Status.PROPOSED)
    as_of = models.DateField(_("arrêtée au"))
    # Sums of amounts are wider than an amount: one absurd item must not keep a whole run from being planned.
    open_amount = models.DecimalField(_("principal"), max_digits=18, decimal_places=2)
    interest_amount = models.DecimalField(_("pénalités"), max_digits=18, decimal_places=2, default=0)
    indemnity_amount = models.DecimalField(
        _("indemnités forfaitaires"), max_digits=18, decimal_places=2, default=0
    )
    line_count = models.PositiveIntegerField(_("lignes"))
    oldest_due_date = models.DateField(_("plus ancienne échéance"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("décidée le"), null=True, blank=True)
    reason = models.CharField(_("motif"), max_length=200, blank=True)
    # It waits until then, for the reason named: sending hours, bank data, a call to make again.
    not_before = models.DateTimeField(_("pas avant"), null=True, blank=True)
    wait_reason = models.CharField(_("attente"), max_length=200, blank=True, default="", db_default="")
    # The words of this one letter, when a person changed them; amounts are never changed.
    edited_subject = models.CharField(
        _("objet modifié"), max_length=150, blank=True, default="", db_default=""
    )
    edited_body = models.TextField(_("texte modifié"), blank=True, default="", db_default="")
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Where a person sends this one notice, in place of the customer's contacts: an e-mail address or a number.
    send_to = models.CharField(_("à envoyer à"), max_length=254, blank=True, default="", db_default="")
    sent_on = models.DateField(_("envoyée le"), null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("relance")
        verbose_name_plural = _("relances")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "customer", "currency", "item"],
                nulls_distinct=False,
                name="notice_once_per_run_customer_currency",
            ),
            models.CheckConstraint(
                condition=~Q(status="SENT") | Q(sent_on__isnull=False), name="notice_sent_has_date"
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="notice_by_customer"),
            models.Index(
                fields=["status", "id"],
                name="notice_queue",
                condition=Q(status__in=["PROPOSED", "APPROVED", "RENDERED", "SENDING", "FAILED"]),
            ),
            models.Index(fields=["run", "-open_amount", "id"], name="notice_of_run_by_amount"),
            # The approval list, the largest first.
            models.Index(
                fields=["-open_amount", "-id"], name="notice_to_approve", condition=Q(status="PROPOSED")
            ),
            # The last contact with a customer, over all entities.
            models.Index(
                fields=["contact_key", "-sent_on"], name="notice_contact", condition=~Q(contact_key="")
            ),
        ]
        triggers = [
            state_machine(NOTICE_TRANSITIONS),
            pgtrigger.ReadOnly(
                name="frozen",
                fields=[
                    "run", "legal_entity", "customer", "level", "item", "contact_key", "currency", "as_of",
                    "open_amount", "interest_amount", "indemnity_amount", "line_count", "oldest_due_date",
                ],
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"R{self.pk}"

    @property
    def claimed_amount(self) -> object:
        """Principal, interest and indemnities together, in the notice's currency."""
        return self.open_amount + self.interest_amount + self.indemnity_amount


class NoticeLine(models.Model):
    """One item of a notice with what was computed for it. `rank` is the item's own step.

    `open_amount` is what is asked for; `disputed_amount` and `promised_amount` are the parts of the item's balance
    left out of it, as they stood. `in_force` is true while the step counts; the database refuses the same step twice for an item.
    """

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="lines")
    item = models.ForeignKey(OpenItem, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField(_("rang"))
    in_force = models.BooleanField(_("compte"), default=True)
    open_amount = models.DecimalField(_("solde dû"), max_digits=14, decimal_places=2)
    disputed_amount = models.DecimalField(
        _("dont en litige"), max_digits=14, decimal_places=2, default=0, db_default=0
    )
    promised_amount = models.DecimalField(
        _("dont promis"), max_digits=14, decimal_places=2, default=0, db_default=0
    )
    days_late = models.IntegerField(_("jours de retard"))
    interest_amount = models.DecimalField(_("pénalités"), max_digits=18, decimal_places=2, default=0)
    indemnity_amount = models.DecimalField(
        _("indemnité forfaitaire"), max_digits=14, decimal_places=2, default=0
    )

    class Meta:
        verbose_name = _("ligne de relance")
        verbose_name_plural = _("lignes de relance")
        ordering = ["notice", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["item", "rank"], condition=Q(in_force=True), name="notice_line_step_once_per_item"
            ),
            models.UniqueConstraint(fields=["notice", "item"], name="notice_line_item_once_per_notice"),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="frozen",
                fields=[
                    "notice", "item", "rank", "open_amount", "disputed_amount", "promised_amount", "days_late",
                    "interest_amount", "indemnity_amount",
                ],
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.notice_id}/{self.item_id}"

    @property
    def balance_amount(self) -> Decimal:
        """What was open on the item, the parts in dispute and promised included."""
        return self.open_amount + self.disputed_amount + self.promised_amount


class RunExclusion(models.Model):
    """Why a run leaves items of a customer alone, with how many and how much."""

    class Reason(models.TextChoices):
        DISPUTED = "DISPUTED", _("En litige")
        PROMISED = "PROMISED", _("Règlement promis")
        PLANNED = "PLANNED", _("Échéancier en cours")
        ON_HOLD = "ON_HOLD", _("Relances suspendues pour ce client")
        EXCEPTED = "EXCEPTED", _("Écartée par exception")
        HELD_OUT = "HELD_OUT", _("Groupe témoin d’un essai")
        INSOLVENT = "INSOLVENT", _("Procédure collective")
        FACTORED = "FACTORED", _("Créance cédée à un factor")
        WITH_AGENCY = "WITH_AGENCY", _("Remise en recouvrement")
        UNALLOCATED_CASH = "UNALLOCATED_CASH", _("Règlement ou avoir non lettré qui peut la solder")
        PENDING = "PENDING", _("Relance précédente pas encore envoyée")
        WAITING = "WAITING", _("Prochain niveau pas encore atteint")
        CONTACT_GAP = "CONTACT_GAP", _("Client contacté trop récemment")
        SEQUENCE_DONE = "SEQUENCE_DONE", _("Scénario terminé")
        BELOW_MINIMUM = "BELOW_MINIMUM", _("Sous le montant minimal")
        OTHER_STEP_FIRST = "OTHER_STEP_FIRST", _("Une autre étape du client passe d’abord")
        NO_POLICY = "NO_POLICY", _("Aucun scénario actif ne prend ce client")
        RATE_MISSING = "RATE_MISSING", _("Échéance antérieure aux taux légaux connus")

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="exclusions")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(_("motif"), max_length=20, choices=Reason)
    currency = models.CharField(_("devise"), max_length=3)
    item_count = models.PositiveIntegerField(_("pièces"))
    open_amount = models.DecimalField(_("solde dû"), max_digits=18, decimal_places=2)
    next_date = models.DateField(_("prochaine étape le"), null=True, blank=True)

    class Meta:
        verbose_name = _("exclusion de campagne")
        verbose_name_plural = _("exclusions de campagne")
        ordering = ["run", "reason", "-open_amount", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "customer", "reason", "currency"],
                name="exclusion_once_per_run_customer_reason",
            )
        ]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.customer_id}: {self.reason}"
