"""The limits and requests of a customer, on his page."""

from datetime import date
from typing import Any

from core.models import User
from core.rights import has_permission
from customers.models import Customer
from risk.models import CreditLimit, LimitRequest


def panel(customer: Customer, user: User, today: date) -> dict[str, Any] | None:
    """What runs, what is asked, and the way to ask."""
    requests = LimitRequest.objects.open().filter(customer=customer).order_by("-pk")
    limits = CreditLimit.objects.standing(today).filter(customer=customer).order_by("scope", "kind")
    may_request = has_permission(user, "risk.request_limit") and customer.status != Customer.Status.CLOSED
    found = {
        "customer": customer,
        "requests": list(requests[:5]),
        "limits": list(limits),
        "may_request": may_request,
    }
    return found if found["requests"] or found["limits"] or may_request else None
