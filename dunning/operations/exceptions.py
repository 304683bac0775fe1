"""Exceptions: what a person decides for one customer or one of his items, for a while. They end by their dates."""

from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.jobs import kick
from core.operation import operation
from core.rights import Actor
from customers.models import Customer
from dunning.models import DunningException, Policy
from invoices.models import OpenItem

Effect = DunningException.Effect
# A suspension for good is a write-off that nobody decided: it is looked at again within this time.
LONGEST_HOLD = timedelta(days=366)


class ExceptionRefused(BusinessError):
    """The exception cannot be made or ended as asked."""

    code = "exception_refused"


@operation("dunning.except")
def add_exception(
    *,
    actor: Actor,
    customer: Customer,
    effect: str,
    reason: str,
    until: date | None,
    today: date,
    now: datetime,
    item: OpenItem | None = None,
    policy_code: str = "",
) -> DunningException:
    """Decide it from today, until a day (included) or until it is ended. Raises ExceptionRefused at its field.

    What is already proposed against it is held by the next sweep, and by the gate in any case.
    """
    customer = _locked_customer(actor, customer)
    if item is not None and item.customer_id != customer.pk:
        raise ExceptionRefused(_("Cette pièce n’est pas de ce client."), field="item")
    _check(customer, effect, reason, until, today, policy_code)
    same = DunningException.objects.filter(customer=customer, item=item, effect=effect, ended_on=None)
    # What is over by its date makes room.
    for expired in same.filter(until__lt=today):
        expired.ended_on = expired.until + timedelta(days=1)
        expired.save(update_fields=["ended_on"])
    if (standing := same.first()) is not None:
        raise ExceptionRefused(
            _(
                "« %(effect)s » est déjà décidé (%(reason)s) : levez cette exception avant d’en décider une autre."
            )
            % {"effect": standing.get_effect_display(), "reason": standing.reason},
            field="effect",
        )
    exception = DunningException.objects.create(
        customer=customer,
        item=item,
        effect=effect,
        policy_code=policy_code if effect == Effect.POLICY else "",
        reason=reason.strip()[:200],
        from_date=today,
        until=until,
        created_by_id=actor.pk,
        created_at=now,
    )
    audit.record(
        actor=actor,
        verb="dunning.exception.added",
        refs=_refs(exception),
        now=now,
        effect=effect,
        reason=exception.reason,
        until=until.isoformat() if until else "",
        policy=exception.policy_code,
    )
    kick("dunning.tasks.hold_outdated_notices")
    return exception


@operation("dunning.except")
def end_exception(*, actor: Actor, exception_id: int, today: date, now: datetime) -> DunningException:
    """End it today: the next run looks at the customer again. Raises ExceptionRefused when it is over already."""
    exception = (
        DunningException.objects.select_for_update(of=("self",))
        .select_related("customer", "item")
        .filter(pk=exception_id, customer__in=Customer.objects.visible_to(actor))
        .filter(Q(until=None) | Q(until__gte=today), ended_on=None)
        .first()
    )
    if exception is None:
        raise ExceptionRefused(_("Cette exception est déjà levée : rechargez la page."))
    exception.ended_on, exception.ended_by_id = today, actor.pk
    exception.save(update_fields=["ended_on", "ended_by"])
    audit.record(
        actor=actor,
        verb="dunning.exception.ended",
        refs=_refs(exception),
        now=now,
        effect=exception.effect,
        reason=exception.reason,
    )
    return exception


def selectable_policies(customer: Customer) -> list[tuple[str, str]]:
    """The active policies that may take a customer of that entity: code and name."""
    active = Policy.objects.filter(status=Policy.Status.ACTIVE).filter(
        Q(legal_entity=None) | Q(legal_entity=customer.legal_entity_id)
    )
    return list(active.order_by("priority", "code").values_list("code", "name"))


def _check(
    customer: Customer, effect: str, reason: str, until: date | None, today: date, policy_code: str
) -> None:
    if effect not in Effect.values:
        raise ExceptionRefused(_("Choisissez ce que l’exception change."), field="effect")
    if not reason.strip():
        raise ExceptionRefused(_("Dites pourquoi : le motif est montré à qui se demande."), field="reason")
    if until is not None and until < today:
        raise ExceptionRefused(_("Choisissez aujourd’hui ou un jour à venir."), field="until")
    if effect == Effect.HOLD and until is None:
        raise ExceptionRefused(
            _("Dites jusqu’à quand : une suspension sans fin s’oublie. Elle se renouvelle."), field="until"
        )
    if effect == Effect.HOLD and until is not None and until > today + LONGEST_HOLD:
        raise ExceptionRefused(_("Une suspension dure un an au plus ; elle se renouvelle."), field="until")
    if effect == Effect.POLICY and policy_code not in dict(selectable_policies(customer)):
        raise ExceptionRefused(
            _("Choisissez un scénario actif pour l’entité de ce client."), field="policy_code"
        )


def _locked_customer(actor: Actor, customer: Customer) -> Customer:
    locked = (
        Customer.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=customer.pk)
        .first()
    )
    if locked is None:
        raise ExceptionRefused(_("Ce client n’est pas dans votre périmètre."), field="customer")
    return locked


def _refs(exception: DunningException) -> list[str]:
    refs = [audit.ref(exception), f"customer:{exception.customer_id}"]
    return [*refs, f"openitem:{exception.item_id}"] if exception.item_id else refs
