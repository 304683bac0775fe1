"""Insolvency proceedings of an account: the judgment, the time limits, the tasks, the statement at the eve."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.immutable import append_only
from core.rights import SYSTEM, Actor
from core.states import state_machine
from customers.models import Customer
from risk.models.legal_events import LegalEvent, Procedure

PROCEEDING_MOVES = (
    ("OPEN", "PLAN"),
    ("OPEN", "CLOSED"),
    ("OPEN", "CANCELLED"),
    ("PLAN", "OPEN"),
    ("PLAN", "CLOSED"),
    ("PLAN", "CANCELLED"),
    ("CLOSED", "OPEN"),
)


class InsolvencyProceedingQuerySet(models.QuerySet["InsolvencyProceeding"]):
    def visible_to(self, actor: Actor) -> "InsolvencyProceedingQuerySet":
        if actor is SYSTEM:
            return self
        return self.filter(customer__in=Customer.objects.visible_to(actor).order_by())

    def live(self) -> "InsolvencyProceedingQuerySet":
        """Those in which nothing is asked of the customer for what he owed before: under way, or under a plan."""
        return self.filter(status__in=("OPEN", "PLAN"))


class InsolvencyProceeding(models.Model):
    """Procédure collective of one account. Time limits are counted from the publication, by dated legal values.

    `customer_status_before` is what the account was when the opening stopped it: a cancellation that a person
    confirms gives it back. `limits_sources` keeps the text of law behind each date.
    """

    class Status(models.TextChoices):
        OPEN = "OPEN", _("En cours")
        PLAN = "PLAN", _("Plan en cours")
        CLOSED = "CLOSED", _("Clôturée")
        CANCELLED = "CANCELLED", _("Annulée")

    TRANSITIONS = PROCEEDING_MOVES

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    procedure = models.CharField(_("procédure"), max_length=24, choices=Procedure)
    status = models.CharField(_("état"), max_length=10, choices=Status, default=Status.OPEN)
    opening = models.ForeignKey(LegalEvent, on_delete=models.PROTECT, related_name="+")
    judgment_date = models.DateField(_("jugement d’ouverture"))
    publication_date = models.DateField(_("parution"))
    # Of the judgment that turned it into a liquidation or failed its plan.
    conversion_date = models.DateField(_("jugement de conversion"), null=True, blank=True)
    closed_on = models.DateField(_("jugement de clôture"), null=True, blank=True)
    closure = models.CharField(_("motif de clôture"), max_length=20, choices=LegalEvent.Closure, blank=True)
    court = models.CharField(_("greffe"), max_length=160, blank=True)
    is_creditor_abroad = models.BooleanField(_("créancier hors du territoire du tribunal"), default=False)
    declare_by = models.DateField(_("déclarer la créance avant le"), null=True, blank=True)
    reclaim_by = models.DateField(_("revendiquer les biens avant le"), null=True, blank=True)
    relief_by = models.DateField(_("relevé de forclusion avant le"), null=True, blank=True)
    limits_sources = models.JSONField(_("textes des délais"), default=dict)
    customer_status_before = models.CharField(_("état du compte avant"), max_length=10)
    hold_before = models.JSONField(_("suspension avant"), default=dict)
    # Parsed from the announcement as a proposal; a person confirms who is written to.
    representative_name = models.CharField(_("mandataire ou liquidateur"), max_length=200, blank=True)
    representative_address = models.TextField(_("adresse du mandataire"), blank=True)
    representative_role = models.CharField(_("qualité"), max_length=60, blank=True)
    representative_confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    representative_confirmed_at = models.DateTimeField(_("adresse confirmée le"), null=True, blank=True)
    opened_at = models.DateTimeField(_("enregistrée le"))
    updated_at = models.DateTimeField(_("modifiée le"))

    objects = InsolvencyProceedingQuerySet.as_manager()

    class Meta:
        verbose_name = _("procédure collective")
        verbose_name_plural = _("procédures collectives")
        ordering = ["-judgment_date", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(status__in=("OPEN", "PLAN")),
                name="insolvency_proceeding_one_live_per_customer",
            ),
            models.UniqueConstraint(
                fields=["customer", "opening"], name="insolvency_proceeding_once_per_opening"
            ),
            models.CheckConstraint(
                condition=~Q(status="CLOSED") | Q(closed_on__isnull=False),
                name="insolvency_proceeding_closed_has_day",
            ),
            models.CheckConstraint(
                condition=Q(representative_confirmed_at__isnull=True) | ~Q(representative_name=""),
                name="insolvency_proceeding_confirms_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["-judgment_date", "-id"], name="insolvency_proceeding_latest"),
            models.Index(
                fields=["declare_by"],
                condition=Q(status__in=("OPEN", "PLAN")),
                name="insolvency_by_declaration",
            ),
        ]
        triggers = [state_machine(PROCEEDING_MOVES)]

    def __str__(self) -> str:
        return f"{self.customer} : {self.get_procedure_display()}"


TASK_MOVES = (
    ("OPEN", "DONE"),
    ("OPEN", "DROPPED"),
    ("DONE", "OPEN"),
    ("DROPPED", "OPEN"),
)


class ProceedingTask(models.Model):
    """What somebody must do in a proceeding, until when and by which text. Done or dropped, never deleted."""

    class Kind(models.TextChoices):
        CONFIRM_REPRESENTATIVE = "CONFIRM_REPRESENTATIVE", _("Confirmer le mandataire et son adresse")
        CALL_REPRESENTATIVE = "CALL_REPRESENTATIVE", _("Appeler le mandataire")
        DECLARE_CLAIM = "DECLARE_CLAIM", _("Déclarer la créance")
        RECLAIM_GOODS = "RECLAIM_GOODS", _("Revendiquer les marchandises impayées")
        ANSWER_DISPUTE = "ANSWER_DISPUTE", _("Répondre au mandataire qui conteste la créance")
        ASK_RELIEF = "ASK_RELIEF", _("Demander le relevé de forclusion")
        CHECK_GUARANTORS = "CHECK_GUARANTORS", _("Vérifier les cautions et autres garants")
        CHECK_STATE_OF_CLAIMS = "CHECK_STATE_OF_CLAIMS", _("Vérifier l’état des créances déposé")
        DECLARE_LATER_CLAIMS = "DECLARE_LATER_CLAIMS", _("Faire connaître les créances postérieures impayées")
        WRITE_TO_LIQUIDATOR = "WRITE_TO_LIQUIDATOR", _("Écrire au liquidateur")
        RECOVER_VAT = "RECOVER_VAT", _("Examiner la récupération de la TVA")
        RECORD_DIVIDENDS = "RECORD_DIVIDENDS", _("Enregistrer les dividendes du plan")
        WRITE_OFF = "WRITE_OFF", _("Examiner le passage en perte")
        REVIEW_NOTICE = "REVIEW_NOTICE", _("Revoir une annonce")
        CHECK_PAYMENTS = "CHECK_PAYMENTS", _("Vérifier les règlements reçus après le jugement")

    class Status(models.TextChoices):
        OPEN = "OPEN", _("À faire")
        DONE = "DONE", _("Faite")
        DROPPED = "DROPPED", _("Sans objet")

    TRANSITIONS = TASK_MOVES

    proceeding = models.ForeignKey(InsolvencyProceeding, on_delete=models.PROTECT, related_name="tasks")
    kind = models.CharField(_("tâche"), max_length=24, choices=Kind)
    # The event that asks for it; a second conversion asks again.
    event = models.ForeignKey(LegalEvent, on_delete=models.PROTECT, related_name="+")
    due_date = models.DateField(_("avant le"), null=True, blank=True)
    legal_source = models.CharField(_("texte"), max_length=120, blank=True)
    status = models.CharField(_("état"), max_length=8, choices=Status, default=Status.OPEN)
    created_at = models.DateTimeField(_("créée le"))
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(_("terminée le"), null=True, blank=True)
    # When it was truly done: a declaration counts by its posting.
    done_on = models.DateField(_("faite le"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    proof = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("tâche d’une procédure")
        verbose_name_plural = _("tâches des procédures")
        ordering = ["due_date", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["proceeding", "kind", "event"], name="proceeding_task_once_per_kind_and_event"
            ),
            models.CheckConstraint(
                condition=~Q(status="DONE") | Q(done_on__isnull=False, closed_at__isnull=False),
                name="proceeding_task_done_has_day",
            ),
        ]
        indexes = [
            models.Index(fields=["due_date", "id"], condition=Q(status="OPEN"), name="proceeding_task_open")
        ]
        triggers = [state_machine(TASK_MOVES)]

    def __str__(self) -> str:
        return self.get_kind_display()


class ClaimStatement(models.Model):
    """The account frozen at the eve of the judgment: values, a CSV file and its hash. Never changed; a judgment whose
    date is corrected gets the next version."""

    proceeding = models.ForeignKey(InsolvencyProceeding, on_delete=models.PROTECT, related_name="statements")
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    as_of = models.DateField(_("arrêté au"))
    judgment_date = models.DateField(_("jugement du"))
    content = models.JSONField(_("valeurs arrêtées"))
    file = models.ForeignKey("core.StoredFile", on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("établi le"))
    reason = models.CharField(_("motif"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("relevé arrêté à la veille du jugement")
        verbose_name_plural = _("relevés arrêtés à la veille du jugement")
        ordering = ["proceeding", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["proceeding", "version"], name="claim_statement_version_once_per_proceeding"
            )
        ]
        triggers = append_only("frozen")

    def __str__(self) -> str:
        return f"{self.proceeding_id} v{self.version}"
