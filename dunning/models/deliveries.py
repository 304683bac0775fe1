"""What left the house: each attempt to deliver, what came back, and what is given to the printer."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.immutable import append_only
from core.states import state_machine
from customers.models import LegalEntity
from dunning.models.notices import Notice
from dunning.models.policies import Level


class PostBatchStatus(models.TextChoices):
    PREPARED = "PREPARED", _("À déposer")
    HANDED = "HANDED", _("Déposé")
    ACKNOWLEDGED = "ACKNOWLEDGED", _("Pris en charge")
    REFUSED = "REFUSED", _("Refusé")


POST_BATCH_TRANSITIONS = (
    (PostBatchStatus.PREPARED, PostBatchStatus.HANDED),
    (PostBatchStatus.PREPARED, PostBatchStatus.REFUSED),
    (PostBatchStatus.HANDED, PostBatchStatus.ACKNOWLEDGED),
    (PostBatchStatus.HANDED, PostBatchStatus.REFUSED),
)


class PostBatch(models.Model):
    """Letters given together to the printer (`EXCHANGE`), or printed together by the house (`HOUSE`).

    `reference` is the intention: handing the same batch over twice gives the printer the same files.
    """

    Status = PostBatchStatus
    TRANSITIONS = POST_BATCH_TRANSITIONS

    class Provider(models.TextChoices):
        HOUSE = "HOUSE", _("Impression sur place")
        EXCHANGE = "EXCHANGE", _("Prestataire d’impression")

    reference = models.CharField(_("référence"), max_length=40, unique=True)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(_("canal"), max_length=12, choices=Level.Channel)
    provider = models.CharField(_("prestataire"), max_length=8, choices=Provider)
    status = models.CharField(
        _("état"), max_length=12, choices=PostBatchStatus, default=PostBatchStatus.PREPARED
    )
    letter_count = models.PositiveIntegerField(_("courriers"), default=0)
    page_count = models.PositiveIntegerField(_("pages"), default=0, db_default=0)
    # Printed on both sides: every letter begins on a front.
    is_duplex = models.BooleanField(_("impression recto verso"), default=False, db_default=False)
    # Batches printed by the house: one PDF with separators and a manifest.
    file = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("préparé le"))
    handed_at = models.DateTimeField(_("déposé le"), null=True, blank=True)
    answered_at = models.DateTimeField(_("réponse le"), null=True, blank=True)
    detail = models.TextField(_("réponse"), blank=True)

    class Meta:
        verbose_name = _("lot de courriers")
        verbose_name_plural = _("lots de courriers")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(status__in=["PREPARED", "HANDED"]), name="post_batch_under_way"
            )
        ]
        triggers = [state_machine(POST_BATCH_TRANSITIONS)]

    def __str__(self) -> str:
        return self.reference


class DeliveryStatus(models.TextChoices):
    STARTED = "STARTED", _("En cours")
    SENT = "SENT", _("Acceptée par le serveur")
    HANDED = "HANDED", _("Remise à la poste")
    DELIVERED = "DELIVERED", _("Distribuée")
    RETRY = "RETRY", _("À réessayer")
    FAILED = "FAILED", _("Échouée")
    RETURNED = "RETURNED", _("Revenue")


DELIVERY_TRANSITIONS = (
    *(
        (DeliveryStatus.STARTED, end)
        for end in (DeliveryStatus.SENT, DeliveryStatus.HANDED, DeliveryStatus.RETRY, DeliveryStatus.FAILED)
    ),
    (DeliveryStatus.STARTED, DeliveryStatus.RETURNED),
    (DeliveryStatus.SENT, DeliveryStatus.DELIVERED),
    (DeliveryStatus.SENT, DeliveryStatus.RETURNED),
    (DeliveryStatus.HANDED, DeliveryStatus.DELIVERED),
    (DeliveryStatus.HANDED, DeliveryStatus.RETURNED),
    (DeliveryStatus.DELIVERED, DeliveryStatus.RETURNED),
)


class Delivery(models.Model):
    """One attempt to send a notice. Its row is written before the attempt, and closed once: it is the proof.

    What is learnt afterwards is added to it: tracking number, first presentation, delivery, return.
    """

    Status = DeliveryStatus
    TRANSITIONS = DELIVERY_TRANSITIONS

    class Return(models.TextChoices):
        # Valid as a formal notice all the same (Cass. 1re civ., 20 Jan. 2021, 19-20.680).
        UNCLAIMED = "UNCLAIMED", _("Avisé et non réclamé")
        REFUSED = "REFUSED", _("Refusé par le destinataire")
        UNKNOWN_ADDRESS = "UNKNOWN_ADDRESS", _("Destinataire inconnu à l’adresse")
        BOUNCED = "BOUNCED", _("Adresse e-mail en erreur")
        COMPLAINT = "COMPLAINT", _("Signalé comme indésirable")

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField(_("canal"), max_length=12)
    recipient = models.CharField(_("destinataire"), max_length=254, blank=True)
    # The customer's other contacts who get the same message; the recipient's domain, by which mail is paced.
    copies = ArrayField(
        models.EmailField(), verbose_name=_("en copie"), default=list, db_default=[], blank=True
    )
    domain = models.CharField(max_length=254, default="", db_default="", blank=True)
    attempt = models.PositiveSmallIntegerField(_("tentative"), default=1)
    status = models.CharField(_("état"), max_length=9, choices=DeliveryStatus, default=DeliveryStatus.STARTED)
    detail = models.TextField(_("réponse"), blank=True)
    started_at = models.DateTimeField(_("tentée le"))
    finished_at = models.DateTimeField(_("réponse le"), null=True, blank=True)
    message_id = models.CharField(_("identifiant du message"), max_length=200, blank=True)
    post_batch = models.ForeignKey(
        PostBatch, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    page_count = models.PositiveSmallIntegerField(_("pages"), default=0, db_default=0)
    tracking_number = models.CharField(_("numéro de suivi"), max_length=40, blank=True)
    posted_on = models.DateField(_("déposée le"), null=True, blank=True)
    first_presented_on = models.DateField(_("première présentation le"), null=True, blank=True)
    delivered_on = models.DateField(_("distribuée le"), null=True, blank=True)
    returned_on = models.DateField(_("revenue le"), null=True, blank=True)
    return_reason = models.CharField(_("motif du retour"), max_length=16, choices=Return, blank=True)
    proof = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("envoi")
        verbose_name_plural = _("envois")
        ordering = ["notice", "attempt"]
        constraints = [
            models.UniqueConstraint(fields=["notice", "attempt"], name="delivery_attempt_once"),
            models.UniqueConstraint(
                fields=["tracking_number"], condition=~Q(tracking_number=""), name="delivery_tracking_once"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(status="STARTED"), name="delivery_under_way"),
            models.Index(fields=["message_id"], condition=~Q(message_id=""), name="delivery_by_message"),
            models.Index(fields=["domain", "started_at"], condition=~Q(domain=""), name="delivery_pace"),
        ]
        triggers = [state_machine(DELIVERY_TRANSITIONS)]

    def __str__(self) -> str:
        return f"{self.notice} ({self.attempt})"


class MailEvent(models.Model):
    """What a mail system told us of a message: a bounce, a complaint, a delivery. Kept as told, told twice kept once."""

    class Kind(models.TextChoices):
        HARD_BOUNCE = "HARD_BOUNCE", _("Adresse refusée définitivement")
        SOFT_BOUNCE = "SOFT_BOUNCE", _("Refus provisoire")
        COMPLAINT = "COMPLAINT", _("Signalement comme indésirable")
        # The mail system is still trying: nothing follows from it.
        DELAYED = "DELAYED", _("Remise retardée")
        DELIVERED = "DELIVERED", _("Distribué")

    class Effect(models.TextChoices):
        """What was done because of it."""

        NONE = "NONE", _("Noté")
        DELIVERED = "DELIVERED", _("Envoi distribué")
        TAKEN_BACK = "TAKEN_BACK", _("Relance à reprendre")
        TOO_LATE = "TOO_LATE", _("Arrivé après l’étape suivante")
        UNKNOWN = "UNKNOWN", _("Message inconnu")

    class Source(models.TextChoices):
        DSN = "DSN", _("Avis de non-remise")
        WEBHOOK = "WEBHOOK", _("Service d’envoi")

    fingerprint = models.CharField(max_length=64, unique=True)
    kind = models.CharField(_("nature"), max_length=12, choices=Kind)
    source = models.CharField(_("source"), max_length=8, choices=Source)
    message_id = models.CharField(_("identifiant du message"), max_length=200, blank=True)
    recipient = models.CharField(_("destinataire"), max_length=254, blank=True)
    code = models.CharField(_("code"), max_length=20, blank=True)
    detail = models.TextField(_("réponse"), blank=True)
    effect = models.CharField(_("effet"), max_length=10, choices=Effect, default=Effect.NONE)
    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, null=True, blank=True, related_name="mail_events"
    )
    happened_at = models.DateTimeField(_("survenu le"))
    received_at = models.DateTimeField(_("reçu le"))

    class Meta:
        verbose_name = _("retour de messagerie")
        verbose_name_plural = _("retours de messagerie")
        ordering = ["-id"]
        indexes = [models.Index(fields=["recipient", "received_at"], name="mail_event_by_recipient")]
        triggers = append_only("immutable")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.recipient})"


class SuppressedAddress(models.Model):
    """An e-mail address that is not written to any more, until a person lifts it. In lower case."""

    class Reason(models.TextChoices):
        HARD_BOUNCE = "HARD_BOUNCE", _("Adresse refusée définitivement")
        SOFT_BOUNCES = "SOFT_BOUNCES", _("Refus provisoires répétés")
        COMPLAINT = "COMPLAINT", _("Signalement comme indésirable")
        PERSON = "PERSON", _("Décision d’une personne")

    address = models.EmailField(_("adresse e-mail"))
    reason = models.CharField(_("motif"), max_length=12, choices=Reason)
    detail = models.CharField(_("précision"), max_length=200, blank=True)
    suppressed_at = models.DateTimeField(_("depuis le"))
    suppressed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField(_("levée le"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    lift_reason = models.CharField(_("motif de la levée"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("adresse écartée")
        verbose_name_plural = _("adresses écartées")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["address"], condition=Q(lifted_at__isnull=True), name="suppressed_address_once"
            )
        ]

    def __str__(self) -> str:
        return self.address


class Call(models.Model):
    """A telephone call made for a notice, and what came of it."""

    class Outcome(models.TextChoices):
        REACHED = "REACHED", _("Interlocuteur joint")
        PROMISED = "PROMISED", _("Promesse de règlement obtenue")
        DISPUTED = "DISPUTED", _("Contestation annoncée")
        PAID = "PAID", _("Dit avoir réglé")
        MESSAGE_LEFT = "MESSAGE_LEFT", _("Message laissé")
        NO_ANSWER = "NO_ANSWER", _("Pas de réponse")
        WRONG_NUMBER = "WRONG_NUMBER", _("Numéro erroné")

    # The customer was told: the step is done.
    PROVEN = (Outcome.REACHED, Outcome.PROMISED, Outcome.DISPUTED, Outcome.PAID)

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="calls")
    outcome = models.CharField(_("résultat"), max_length=12, choices=Outcome)
    spoke_to = models.CharField(_("interlocuteur"), max_length=80, blank=True)
    phone = models.CharField(_("numéro"), max_length=30, blank=True)
    note = models.TextField(_("compte rendu"), blank=True)
    called_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    called_at = models.DateTimeField(_("appelé le"))
    call_again_on = models.DateField(_("à rappeler le"), null=True, blank=True)

    class Meta:
        verbose_name = _("appel")
        verbose_name_plural = _("appels")
        ordering = ["-id"]
        triggers = append_only("immutable")

    def __str__(self) -> str:
        return f"{self.notice}: {self.get_outcome_display()}"
