"""Objections to a score, and their review by a person (GDPR art. 22(3); CJEU C-634/21, 7 December 2023)."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.models import User
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import Customer
from risk.models import Score, ScoreObjection

LONGEST = 2000
ANSWERS = (
    ScoreObjection.Status.MAINTAINED,
    ScoreObjection.Status.CORRECTED,
    ScoreObjection.Status.SET_ASIDE,
)


class ObjectionRefused(BusinessError):
    """The objection cannot be recorded or answered so."""

    code = "objection_refused"


@operation("risk.record_objection")
def record_objection(
    *,
    actor: Actor,
    customer: Customer,
    kind: str,
    contested_on: date,
    contested_by: str,
    grounds: str,
    today: date,
    now: datetime,
) -> ScoreObjection:
    """Record that somebody contests a score or asks for a person; the score in force is noted with it.

    Raises ObjectionRefused: one is already open, nothing said, a day to come, a customer outside the scope.
    """
    held = (
        Customer.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=customer.pk)
        .first()
    )
    if held is None:
        raise ObjectionRefused(_("Ce client n’existe pas dans votre périmètre."))
    grounds, contested_by = grounds.strip(), " ".join(contested_by.split())
    if kind not in ScoreObjection.Kind.values:
        raise ObjectionRefused(_("Choisissez la nature de la demande."), field="kind")
    if contested_on > today:
        raise ObjectionRefused(_("Indiquez le jour où la demande a été reçue."), field="contested_on")
    if not contested_by:
        raise ObjectionRefused(_("Indiquez qui fait cette demande."), field="contested_by")
    if not grounds or len(grounds) > LONGEST:
        raise ObjectionRefused(
            _("Notez ce que la personne fait valoir, en %(count)d caractères au plus.") % {"count": LONGEST},
            field="grounds",
        )
    if ScoreObjection.objects.filter(customer=held, status=ScoreObjection.Status.OPEN).exists():
        raise ObjectionRefused(
            _("Une demande attend déjà d’être examinée pour ce client : répondez-y d’abord.")
        )
    score = Score.objects.current().filter(customer=held).first()
    objection = ScoreObjection.objects.create(
        customer=held,
        kind=kind,
        contested_on=contested_on,
        contested_by=contested_by[:120],
        grounds=grounds,
        score=score,
        points=score.points if score else None,
        risk_class=score.risk_class if score else "",
        recorded_by_id=actor.pk,
        recorded_at=now,
    )
    audit.record(
        actor=actor,
        verb="risk.objection.recorded",
        refs=[objection, held],
        now=now,
        name=str(objection.get_kind_display()),
        contested_by=objection.contested_by,
        contested_on=contested_on.isoformat(),
        points=objection.points,
    )
    return objection


@operation("risk.review_objection")
def review_objection(
    *, actor: Actor, objection_id: int, answer: str, outcome: str, now: datetime
) -> ScoreObjection:
    """Answer an objection, by a person and with words for whoever asked. A score set aside can be taken up again.

    Raises ObjectionRefused without an answer or words, WrongState when it is answered already.
    """
    objection = (
        ScoreObjection.objects.select_for_update(of=("self",))
        .select_related("customer")
        .filter(pk=objection_id, customer__in=Customer.objects.visible_to(actor).order_by())
        .first()
    )
    if objection is None:
        raise ObjectionRefused(_("Cette demande n’existe pas dans votre périmètre."))
    if not isinstance(actor, User):
        raise ObjectionRefused(
            _("Une demande d’examen reçoit la réponse d’une personne, jamais d’un automate.")
        )
    if answer not in ANSWERS:
        raise ObjectionRefused(_("Choisissez la suite donnée."), field="answer")
    outcome = outcome.strip()
    if not outcome or len(outcome) > LONGEST:
        raise ObjectionRefused(
            _("Écrivez la réponse, motivée, en %(count)d caractères au plus.") % {"count": LONGEST},
            field="outcome",
        )
    check_move(objection, answer)
    objection.status, objection.outcome = ScoreObjection.Status(answer), outcome
    objection.reviewed_by, objection.reviewed_at = actor, now
    objection.save(update_fields=["status", "outcome", "reviewed_by", "reviewed_at"])
    audit.record(
        actor=actor,
        verb="risk.objection.reviewed",
        refs=[objection, objection.customer],
        now=now,
        name=str(objection.get_status_display()),
        outcome=outcome,
    )
    return objection
