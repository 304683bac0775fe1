"""External ratings: taken in with their scale and date, withdrawn with a reason, never changed."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from customers.models import Customer
from risk.models import ExternalRating, FinancialStatement
from risk.rating_scales import SCALES, RatingRefused, read_rating

FIRST_YEAR = 1990


class ExternalRatingRefused(BusinessError):
    """The rating cannot be taken as it is."""

    code = "rating_refused"


@operation("risk.enter_accounts")
def enter_rating(
    *,
    actor: Actor,
    customer: Customer,
    scale: str,
    value: str,
    rated_on: date,
    today: date,
    now: datetime,
    valid_until: date | None = None,
    reference: str = "",
    source: str = FinancialStatement.Source.FORM,
) -> ExternalRating:
    """Take in a rating. The same one again is returned; another of the same scale and day replaces it.

    Raises ExternalRatingRefused, naming the field: unknown scale, a value that is none of the scale's, a day on which
    the scale was not in use, a day to come, a customer outside the scope.
    """
    held = (
        Customer.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=customer.pk)
        .first()
    )
    if held is None:
        raise ExternalRatingRefused(_("Ce client n’existe pas dans votre périmètre."))
    known = SCALES.get(scale)
    if known is None:
        raise ExternalRatingRefused(_("Choisissez une échelle de la liste."), field="scale")
    if rated_on > today or rated_on.year < FIRST_YEAR:
        raise ExternalRatingRefused(_("Indiquez le jour passé où la note a été attribuée."), field="rated_on")
    if valid_until is not None and valid_until < rated_on:
        raise ExternalRatingRefused(_("La validité ne peut finir avant la note."), field="valid_until")
    try:
        found = read_rating(known, value, rated_on)
    except RatingRefused as refused:
        raise _refusal(refused) from None
    before = ExternalRating.objects.filter(
        customer=held, scale=scale, rated_on=rated_on, withdrawn_on__isnull=True
    ).first()
    if before is not None:
        if (before.value, before.valid_until) == (found.value, valid_until):
            return before
        before.withdrawn_on, before.withdrawal_reason = today, _("Remplacée par une note du même jour")
        before.save(update_fields=["withdrawn_on", "withdrawal_reason"])
    rating = ExternalRating.objects.create(
        customer=held,
        siren=held.siren,
        scale=scale,
        value=found.value,
        position=found.position,
        is_insolvent=found.is_insolvent,
        rated_on=rated_on,
        valid_until=valid_until,
        reference=" ".join(reference.split())[:80],
        source=source,
        entered_by_id=actor.pk,
        entered_at=now,
    )
    audit.record(
        actor=actor,
        verb="risk.rating.entered",
        refs=[rating, held],
        now=now,
        name=f"{known.provider} {found.value}",
        scale=scale,
        rated_on=rated_on.isoformat(),
        source=source,
    )
    return rating


@operation("risk.enter_accounts")
def withdraw_rating(
    *, actor: Actor, rating_id: int, reason: str, today: date, now: datetime
) -> ExternalRating:
    """Take a rating out of the score, with the reason why. Raises ExternalRatingRefused."""
    rating = (
        ExternalRating.objects.select_for_update(of=("self",))
        .select_related("customer")
        .filter(pk=rating_id, customer__in=Customer.objects.visible_to(actor).order_by())
        .first()
    )
    if rating is None or rating.withdrawn_on is not None:
        raise ExternalRatingRefused(_("Cette note n’est plus en vigueur : rechargez la page."))
    reason = " ".join(reason.split())
    if not reason:
        raise ExternalRatingRefused(_("Indiquez pourquoi cette note est retirée."), field="reason")
    rating.withdrawn_on, rating.withdrawal_reason = today, reason[:200]
    rating.save(update_fields=["withdrawn_on", "withdrawal_reason"])
    audit.record(
        actor=actor,
        verb="risk.rating.withdrawn",
        refs=[rating, rating.customer],
        now=now,
        name=rating.value,
        reason=reason[:200],
    )
    return rating


def _refusal(refused: RatingRefused) -> ExternalRatingRefused:
    scale = refused.scale
    if refused.code == "DAY":
        return ExternalRatingRefused(
            _("Cette échelle n’était pas en usage ce jour-là (%(label)s) : choisissez l’autre version.")
            % {"label": scale.label},
            field="rated_on",
        )
    return ExternalRatingRefused(
        _("Cette note n’est pas de l’échelle, qui va de %(range)s (de la meilleure à la pire).")
        % {"range": scale.range_text},
        field="value",
    )
