"""The holds of a customer, and where each stands on a day."""

from datetime import date

from django.utils.translation import gettext as _

from customers.models import Customer
from risk.models import CreditHold


def standing_holds(customer: Customer, today: date) -> list[CreditHold]:
    """The holds that are not over, released ones included, each with its `state`."""
    rows = CreditHold.objects.filter(customer=customer).exclude(status=CreditHold.Status.ENDED)
    found = list(rows.select_related("placed_by", "released_by").order_by("pk"))
    for hold in found:
        hold.state = state_of(hold, today)  # type: ignore[attr-defined]
    return found


def is_in_force(hold: CreditHold, today: date) -> bool:
    """Whether it stops deliveries that day (`CreditHoldQuerySet.in_force`)."""
    if hold.status != CreditHold.Status.RELEASED:
        return hold.status == CreditHold.Status.ACTIVE
    if hold.release_until is not None and hold.release_until < today:
        return True
    return hold.release_amount is not None and hold.release_used_amount >= hold.release_amount


def state_of(hold: CreditHold, today: date) -> tuple[str, str]:
    """Tone and words."""
    if hold.status == CreditHold.Status.ENDED:
        return "neutral", _("Levé")
    if not is_in_force(hold, today):
        return "watch", _("Levé sous condition")
    if hold.status == CreditHold.Status.RELEASED:
        return "blocked", _("En vigueur, levée épuisée")
    return "blocked", _("En vigueur")
