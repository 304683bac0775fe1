"""Demandes de plafond: what was asked, who decided, with which papers and words."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.immutable import append_only
from core.models import Role
from core.rights import Actor
from core.states import state_machine
from customers.models import CURRENCY, Customer
from risk.models.credit_policies import CreditPolicy
from risk.models.limits import LimitBasis, LimitKind, LimitScope


class RequestStatus(models.TextChoices):
    SUBMITTED = "SUBMITTED", _("Soumise")
    IN_APPROVAL = "IN_APPROVAL", _("Première approbation donnée")
    APPROVED = "APPROVED", _("Approuvée")
    REFUSED = "REFUSED", _("Refusée")
    WITHDRAWN = "WITHDRAWN", _("Retirée")
    EXPIRED = "EXPIRED", _("Expirée sans réponse")


OPEN_STATUSES = (RequestStatus.SUBMITTED, RequestStatus.IN_APPROVAL)
REQUEST_TRANSITIONS = (
    (RequestStatus.SUBMITTED, RequestStatus.IN_APPROVAL),
    *((status, RequestStatus.APPROVED) for status in OPEN_STATUSES),
    *((status, RequestStatus.REFUSED) for status in OPEN_STATUSES),
    *((status, RequestStatus.WITHDRAWN) for status in OPEN_STATUSES),
    *((status, RequestStatus.EXPIRED) for status in OPEN_STATUSES),
)

_ENOUGH_APPROVALS = """
IF NEW.status = 'APPROVED' AND (
    SELECT count(DISTINCT a.approver_id) FROM risk_limitapproval a
    WHERE a.request_id = NEW.id AND a.verdict = 'APPROVED' AND a.amount >= NEW.approved_amount
      AND a.approver_id IS DISTINCT FROM NEW.requested_by_id
) < greatest(NEW.approvals_required, 1) THEN
    RAISE EXCEPTION 'a limit request is approved by as many persons as its policy asks';
END IF;
RETURN NEW;
"""

_NOT_ONE_S_OWN = """
IF EXISTS (SELECT 1 FROM risk_limitrequest r WHERE r.id = NEW.request_id AND r.requested_by_id = NEW.approver_id) THEN
    RAISE EXCEPTION 'nobody decides on his own limit request';
END IF;
RETURN NEW;
"""


class LimitRequestQuerySet(models.QuerySet["LimitRequest"]):
    def visible_to(self, actor: Actor) -> "LimitRequestQuerySet":
        customers = Customer.objects.visible_to(actor)
        return self.filter(customer__in=customers.order_by().values("pk")) if customers.query.where else self

    def open(self) -> "LimitRequestQuerySet":
        return self.filter(status__in=OPEN_STATUSES)


class LimitRequest(models.Model):
    """A limit that somebody asks for. Decided by others than him, as many as the policy of its day wants.

    `proposal` is what the rules proposed when it was asked, frozen with the sources and dates of its figures.
    `approved_amount` is the lowest amount that an approver has granted so far; it never exceeds `amount`.
    """

    Status = RequestStatus
    TRANSITIONS = REQUEST_TRANSITIONS

    class Source(models.TextChoices):
        PERSON = "PERSON", _("Saisie")
        PARTNER = "PARTNER", _("API")
        SIMULATION = "SIMULATION", _("Simulation du portefeuille")
        REVIEW = "REVIEW", _("Revue")

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    scope = models.CharField(_("portée"), max_length=7, choices=LimitScope, default=LimitScope.ACCOUNT)
    kind = models.CharField(_("nature"), max_length=9, choices=LimitKind, default=LimitKind.PERMANENT)
    basis = models.CharField(_("fondement"), max_length=7, choices=LimitBasis, default=LimitBasis.OWN)
    amount = models.DecimalField(_("montant demandé"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY])
    expires_on = models.DateField(_("jusqu’au"))
    reason = models.TextField(_("motif"), max_length=1000)
    expected_purchases = models.DecimalField(
        _("achats annuels attendus"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    source = models.CharField(_("origine"), max_length=10, choices=Source, default=Source.PERSON)
    status = models.CharField(
        _("état"), max_length=11, choices=RequestStatus, default=RequestStatus.SUBMITTED
    )
    policy = models.ForeignKey(
        CreditPolicy, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    required_roles = ArrayField(
        models.CharField(max_length=20, choices=Role), verbose_name=_("approbations demandées")
    )
    approvals_required = models.PositiveSmallIntegerField(_("nombre d’approbations"), default=1)
    previous_amount = models.DecimalField(
        _("plafond à la demande"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    proposal = models.JSONField(_("proposition"), default=dict, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField(_("demandée le"))
    answer_by = models.DateField(_("réponse attendue avant le"))
    approved_amount = models.DecimalField(
        _("montant accordé"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    conditions = models.CharField(_("conditions"), max_length=500, blank=True)
    refusal_reasons = ArrayField(
        models.CharField(max_length=20), verbose_name=_("motifs de refus"), default=list, blank=True
    )
    decision_note = models.CharField(_("note de décision"), max_length=500, blank=True)
    decided_at = models.DateTimeField(_("décidée le"), null=True, blank=True)
    letter = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = LimitRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("demande de plafond")
        verbose_name_plural = _("demandes de plafond")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "scope", "kind"],
                condition=Q(status__in=["SUBMITTED", "IN_APPROVAL"]),
                name="limit_request_one_open_of_a_kind",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="limit_request_not_negative"),
            models.CheckConstraint(
                condition=Q(approved_amount__isnull=True) | Q(approved_amount__range=(0, F("amount"))),
                name="limit_request_grants_no_more_than_asked",
            ),
            models.CheckConstraint(
                condition=~Q(status="APPROVED") | Q(approved_amount__isnull=False, decided_at__isnull=False),
                name="limit_request_approved_has_amount",
            ),
            models.CheckConstraint(
                condition=~Q(status="REFUSED") | ~Q(refusal_reasons=[]),
                name="limit_request_refused_has_reasons",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(status__in=["SUBMITTED", "IN_APPROVAL"]), name="limit_request_open"
            ),
            models.Index(fields=["customer", "-id"], name="limit_request_of_customer"),
        ]
        triggers = [
            state_machine(REQUEST_TRANSITIONS),
            pgtrigger.ReadOnly(
                name="asked",
                fields=[
                    "uid", "customer", "scope", "kind", "basis", "amount", "currency", "expires_on", "reason",
                    "expected_purchases", "source", "policy", "previous_amount", "proposal", "requested_by",
                    "requested_at", "answer_by",
                ],
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="enough_approvals",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=_ENOUGH_APPROVALS,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.customer} : {self.amount} {self.currency}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES


class LimitApproval(models.Model):
    """One person's answer to a request, under one of his roles. Never changed, never his own request."""

    class Verdict(models.TextChoices):
        APPROVED = "APPROVED", _("Approuve")
        REFUSED = "REFUSED", _("Refuse")

    request = models.ForeignKey(LimitRequest, on_delete=models.PROTECT, related_name="approvals")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(_("au titre de"), max_length=20, choices=Role)
    verdict = models.CharField(_("décision"), max_length=8, choices=Verdict)
    amount = models.DecimalField(_("montant accordé"), max_digits=14, decimal_places=2, null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    decided_at = models.DateTimeField(_("le"))

    class Meta:
        verbose_name = _("approbation")
        verbose_name_plural = _("approbations")
        ordering = ["request", "id"]
        constraints = [
            models.UniqueConstraint(fields=["request", "approver"], name="limit_approval_once_per_person"),
            models.CheckConstraint(
                condition=Q(verdict="REFUSED", amount__isnull=True) | Q(verdict="APPROVED", amount__gte=0),
                name="limit_approval_has_its_amount",
            ),
        ]
        triggers = [
            *append_only("given"),
            pgtrigger.Trigger(
                name="not_ones_own", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_NOT_ONE_S_OWN
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.get_verdict_display()}"


class LimitNote(models.Model):
    """A word or a paper added to a request: by anybody who sees it, as long as it is open."""

    request = models.ForeignKey(LimitRequest, on_delete=models.PROTECT, related_name="notes")
    text = models.TextField(_("commentaire"), max_length=2000, blank=True)
    file = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    written_at = models.DateTimeField(_("le"))

    class Meta:
        verbose_name = _("commentaire de demande")
        verbose_name_plural = _("commentaires de demande")
        ordering = ["request", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(text="") | Q(file__isnull=False), name="limit_note_says_something"
            )
        ]
        triggers = append_only("written")

    def __str__(self) -> str:
        return f"{self.request_id}: {self.text[:40]}"
