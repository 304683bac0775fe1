"""What official announcements and directories say of our customers: files taken in, notices, what came of each."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.models import User
from core.rights import SYSTEM, Actor, has_permission
from core.states import state_machine
from customers.models import Customer, LegalEntity


class Procedure(models.TextChoices):
    """Which insolvency proceedings a judgment opens."""

    CONCILIATION = "CONCILIATION", _("Conciliation")
    SAFEGUARD = "SAFEGUARD", _("Sauvegarde")
    ACCELERATED_SAFEGUARD = "ACCELERATED_SAFEGUARD", _("Sauvegarde accélérée")
    FINANCIAL_SAFEGUARD = "FINANCIAL_SAFEGUARD", _("Sauvegarde financière accélérée")
    CRISIS_EXIT = "CRISIS_EXIT", _("Traitement de sortie de crise")
    RECEIVERSHIP = "RECEIVERSHIP", _("Redressement judiciaire")
    LIQUIDATION = "LIQUIDATION", _("Liquidation judiciaire")
    SIMPLIFIED_LIQUIDATION = "SIMPLIFIED_LIQUIDATION", _("Liquidation judiciaire simplifiée")
    PROFESSIONAL_RECOVERY = "PROFESSIONAL_RECOVERY", _("Rétablissement professionnel")
    UNKNOWN = "UNKNOWN", _("Procédure non précisée")


class WatchFile(models.Model):
    """A file or an answer of announcements, taken in whole or not at all. The same bytes are read once.

    `problems` lists what could not be read: number of the record, code, and the words around it.
    """

    class Source(models.TextChoices):
        UPLOAD = "UPLOAD", _("Déposé sur la page")
        FOLDER = "FOLDER", _("Dossier surveillé")
        URL = "URL", _("Service en ligne")

    class Subject(models.TextChoices):
        BODACC = "BODACC", _("Annonces du Bodacc")
        SIRENE = "SIRENE", _("Répertoire Sirene")

    subject = models.CharField(_("contenu"), max_length=8, choices=Subject)
    source = models.CharField(_("provenance"), max_length=8, choices=Source)
    name = models.CharField(_("nom"), max_length=255)
    file = models.ForeignKey("core.StoredFile", on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64, unique=True)
    received_at = models.DateTimeField(_("reçu le"))
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    record_count = models.PositiveIntegerField(_("annonces lues"), default=0)
    new_count = models.PositiveIntegerField(_("nouvelles"), default=0)
    known_count = models.PositiveIntegerField(_("déjà connues"), default=0)
    foreign_count = models.PositiveIntegerField(_("sans rapport avec vos clients"), default=0)
    problem_count = models.PositiveIntegerField(_("illisibles"), default=0)
    problems = models.JSONField(_("enregistrements illisibles"), default=list)

    class Meta:
        verbose_name = _("fichier de veille")
        verbose_name_plural = _("fichiers de veille")
        ordering = ["-received_at", "-id"]
        indexes = [models.Index(fields=["-received_at", "-id"], name="watch_file_latest")]

    def __str__(self) -> str:
        return self.name


EVENT_MOVES = (
    ("UNMATCHED", "ATTACHED"),
    ("UNMATCHED", "SET_ASIDE"),
    ("SET_ASIDE", "ATTACHED"),
)


class LegalEventQuerySet(models.QuerySet["LegalEvent"]):
    def visible_to(self, actor: Actor) -> "LegalEventQuerySet":
        """The events of the customers in the actor's scope, and for who watches all entities those of nobody yet."""
        if actor is SYSTEM:
            return self
        if not isinstance(actor, User):
            return self.none()
        outcomes = EventOutcome.objects.filter(customer__in=Customer.objects.visible_to(actor).order_by())
        seen = Q(pk__in=outcomes.values("event"))
        if (
            has_permission(actor, "risk.watch")
            and not LegalEntity.objects.exclude(pk__in=LegalEntity.objects.visible_to(actor)).exists()
        ):
            seen |= Q(matching=LegalEvent.Matching.UNMATCHED)
        return self.filter(seen)


class LegalEvent(models.Model):
    """An announcement, of one person of it: the judgment, or the fact of the register. Kept as published.

    One event concerns every account of its SIREN; what came of it there is its `EventOutcome`s. `earlier` is the
    notice that a correction or a cancellation names. `annulled_on`: since when it holds no more.
    """

    class Source(models.TextChoices):
        BODACC = "BODACC", _("Bodacc")
        SIRENE = "SIRENE", _("Sirene")

    class Kind(models.TextChoices):
        OPENING = "OPENING", _("Ouverture")
        CONVERSION = "CONVERSION", _("Conversion")
        EXTENSION = "EXTENSION", _("Extension")
        PLAN = "PLAN", _("Plan arrêté")
        PLAN_CHANGE = "PLAN_CHANGE", _("Plan modifié")
        PLAN_FAILURE = "PLAN_FAILURE", _("Résolution du plan")
        CLOSURE = "CLOSURE", _("Clôture")
        ADMIN = "ADMIN", _("Dépôt ou liste")
        APPEAL = "APPEAL", _("Arrêt d’appel")
        UNKNOWN = "UNKNOWN", _("Nature inconnue")
        CONCILIATION = "CONCILIATION", _("Conciliation")
        STRIKE_OFF = "STRIKE_OFF", _("Radiation")
        CEASED = "CEASED", _("Cessation d’activité")
        REVIVED = "REVIVED", _("Reprise d’activité")
        RENAMED = "RENAMED", _("Changement de dénomination")
        MOVED = "MOVED", _("Transfert du siège")
        MODIFICATION = "MODIFICATION", _("Modification")
        SALE = "SALE", _("Vente ou cession")
        ACCOUNTS_FILED = "ACCOUNTS_FILED", _("Dépôt des comptes")
        REGISTRATION = "REGISTRATION", _("Immatriculation")

    # What insolvency is; the others are facts of the directory.
    JUDGMENTS = (
        Kind.OPENING, Kind.CONVERSION, Kind.EXTENSION, Kind.PLAN, Kind.PLAN_CHANGE, Kind.PLAN_FAILURE, Kind.CLOSURE,
        Kind.ADMIN, Kind.APPEAL, Kind.UNKNOWN,
    )  # fmt: skip

    class NoticeType(models.TextChoices):
        INITIAL = "INITIAL", _("Avis initial")
        CORRECTION = "CORRECTION", _("Avis rectificatif")
        CANCELLATION = "CANCELLATION", _("Avis d’annulation")

    class Matching(models.TextChoices):
        MATCHED = "MATCHED", _("Rapprochée par le SIREN")
        UNMATCHED = "UNMATCHED", _("À rapprocher")
        ATTACHED = "ATTACHED", _("Rapprochée par une personne")
        SET_ASIDE = "SET_ASIDE", _("Écartée")

    TRANSITIONS = EVENT_MOVES

    class Closure(models.TextChoices):
        """Why proceedings ended."""

        INSUFFICIENT_ASSETS = "INSUFFICIENT_ASSETS", _("Insuffisance d’actif")
        ACTIONS_RESUMED = "ACTIONS_RESUMED", _("Insuffisance d’actif, poursuites individuelles reprises")
        DEBTS_PAID = "DEBTS_PAID", _("Extinction du passif")
        DEBTS_ERASED = "DEBTS_ERASED", _("Rétablissement professionnel clôturé")
        OTHER = "OTHER", _("Autre clôture")

    source = models.CharField(_("source"), max_length=8, choices=Source)
    # The announcement's own identifier (A202600991234), and which of its persons this is.
    notice_id = models.CharField(_("annonce"), max_length=60)
    person_rank = models.PositiveSmallIntegerField(_("personne n°"), default=1)
    siren = models.CharField("SIREN", max_length=9, blank=True)
    register_number = models.CharField(_("numéro publié"), max_length=60, blank=True)
    name = models.CharField(_("nom publié"), max_length=300)
    is_natural_person = models.BooleanField(_("personne physique"), default=False)
    kind = models.CharField(_("événement"), max_length=16, choices=Kind)
    procedure = models.CharField(_("procédure"), max_length=24, choices=Procedure, blank=True)
    closure = models.CharField(_("motif de clôture"), max_length=20, choices=Closure, blank=True)
    nature = models.CharField(_("nature publiée"), max_length=300, blank=True)
    family = models.CharField(_("famille publiée"), max_length=120, blank=True)
    notice_type = models.CharField(_("avis"), max_length=12, choices=NoticeType, default=NoticeType.INITIAL)
    judgment_date = models.DateField(_("date du jugement"), null=True, blank=True)
    publication_date = models.DateField(_("date de parution"))
    court = models.CharField(_("greffe"), max_length=160, blank=True)
    complement = models.TextField(_("texte publié"), blank=True)
    url = models.URLField(_("adresse de l’annonce"), max_length=400, blank=True)
    # What is proposed for the customer's record (name, address, state), and the words of the announcement.
    facts = models.JSONField(_("faits publiés"), default=dict)
    # Why a person should look: codes of `risk.insolvency_rules`.
    doubts = models.JSONField(_("points à revoir"), default=list)
    matching = models.CharField(_("rapprochement"), max_length=10, choices=Matching)
    # The account that a person attached an announcement without SIREN to.
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    matched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    matched_at = models.DateTimeField(_("rapprochée le"), null=True, blank=True)
    matching_note = models.CharField(_("motif du rapprochement"), max_length=200, blank=True)
    earlier = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="later_notices"
    )
    annulled_on = models.DateField(_("annulée le"), null=True, blank=True)
    file = models.ForeignKey(WatchFile, on_delete=models.PROTECT, related_name="events")
    received_at = models.DateTimeField(_("reçue le"))

    objects = LegalEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("événement légal")
        verbose_name_plural = _("événements légaux")
        ordering = ["-publication_date", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "notice_id", "person_rank"], name="legal_event_once_per_notice_and_person"
            ),
            models.CheckConstraint(
                condition=Q(siren="") | Q(siren__regex=r"^\d{9}$"), name="legal_event_siren_digits"
            ),
            models.CheckConstraint(
                condition=~Q(matching="MATCHED") | ~Q(siren=""), name="legal_event_matched_by_siren"
            ),
            models.CheckConstraint(
                condition=~Q(matching="ATTACHED")
                | Q(customer__isnull=False, matched_by__isnull=False, matched_at__isnull=False),
                name="legal_event_attached_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["siren", "-publication_date", "-id"],
                condition=~Q(siren=""),
                name="legal_event_by_siren",
            ),
            models.Index(fields=["-publication_date", "-id"], name="legal_event_latest"),
            models.Index(fields=["notice_id"], name="legal_event_by_notice"),
            models.Index(
                fields=["-publication_date", "-id"],
                condition=Q(matching="UNMATCHED"),
                name="legal_event_unmatched",
            ),
            GinIndex(fields=["doubts"], name="legal_event_by_doubt"),
        ]
        triggers = [state_machine(EVENT_MOVES, field="matching")]

    def __str__(self) -> str:
        return f"{self.notice_id} {self.name}"


OUTCOME_MOVES = (
    ("TO_REVIEW", "APPLIED"),
    ("TO_REVIEW", "SET_ASIDE"),
    ("NOTED", "TO_REVIEW"),
    ("APPLIED", "TO_REVIEW"),
)


class EventOutcomeQuerySet(models.QuerySet["EventOutcome"]):
    def visible_to(self, actor: Actor) -> "EventOutcomeQuerySet":
        if actor is SYSTEM:
            return self
        return self.filter(customer__in=Customer.objects.visible_to(actor).order_by())


class EventOutcome(models.Model):
    """What came of an event for one account: once each. `reasons` are codes, with their values."""

    class Status(models.TextChoices):
        APPLIED = "APPLIED", _("Appliqué")
        NOTED = "NOTED", _("Pour information")
        TO_REVIEW = "TO_REVIEW", _("À revoir")
        SET_ASIDE = "SET_ASIDE", _("Écarté")

    TRANSITIONS = OUTCOME_MOVES

    event = models.ForeignKey(LegalEvent, on_delete=models.PROTECT, related_name="outcomes")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    proceeding = models.ForeignKey(
        "risk.InsolvencyProceeding",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="outcomes",
    )
    status = models.CharField(_("suite"), max_length=10, choices=Status)
    reasons = models.JSONField(_("motifs"), default=list)
    recorded_at = models.DateTimeField(_("enregistré le"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("décidé le"), null=True, blank=True)
    decision_note = models.CharField(_("motif de la décision"), max_length=200, blank=True)
    changes = models.JSONField(_("changements appliqués"), default=dict)

    objects = EventOutcomeQuerySet.as_manager()

    class Meta:
        verbose_name = _("suite d’un événement légal")
        verbose_name_plural = _("suites d’événements légaux")
        ordering = ["-recorded_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["event", "customer"], name="event_outcome_once_per_event_and_customer"
            )
        ]
        indexes = [
            models.Index(fields=["customer", "-recorded_at"], name="event_outcome_by_customer"),
            models.Index(fields=["event"], condition=Q(status="TO_REVIEW"), name="event_outcome_to_review"),
        ]
        triggers = [state_machine(OUTCOME_MOVES)]

    def __str__(self) -> str:
        return f"{self.event_id} {self.customer_id} {self.status}"
