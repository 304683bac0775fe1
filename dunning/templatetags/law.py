"""What a page that prints interest says of the rates it rests on."""

from datetime import date

from django import template
from django.urls import reverse

from core import clock
from core.legal import unconfirmed_rates
from customers.models import Customer
from dunning.models import Notice
from invoices.late_fee_laws import law_of, series_of

register = template.Library()


@register.inclusion_tag("dunning/unconfirmed_rates.html")
def unconfirmed_rates_of_notice(notice: Notice) -> dict[str, object]:
    """A banner when a rate between the oldest due date and the notice's day waits for a person's confirmation."""
    if not notice.interest_amount:
        return {"values": ()}
    return _context(notice.customer, notice.oldest_due_date, notice.as_of)


@register.inclusion_tag("dunning/unconfirmed_rates.html")
def unconfirmed_rates_on(day: date) -> dict[str, object]:
    """The same for pages that print the interest of many customers: the rates in force on a day."""
    values = unconfirmed_rates(series_of(law_of("")), day, day)
    return {"values": values, "url": reverse("core:legal-parameter-list")}


@register.inclusion_tag("dunning/unconfirmed_rates.html")
def unconfirmed_rates_now() -> dict[str, object]:
    """The same for lists: the rates in force today."""
    return unconfirmed_rates_on(clock.today())


def _context(customer: Customer, start: date, end: date) -> dict[str, object]:
    values = unconfirmed_rates(series_of(law_of(customer.late_payment_law)), start, end)
    return {"values": values, "url": reverse("core:legal-parameter-list")}
