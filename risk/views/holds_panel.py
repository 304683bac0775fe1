"""What the customer's page shows of his deliveries: holds, open orders, and asking."""

from datetime import date
from typing import Any

from core.models import User
from core.rights import has_permission
from customers.models import Customer
from risk.holds import standing_holds
from risk.models import Order


def panel(customer: Customer, user: User, today: date) -> dict[str, Any]:
    """The context of `risk/panel_holds.html`."""
    return {
        "holds": standing_holds(customer, today),
        "orders": Order.objects.filter(customer=customer, status__in=Order.OPEN_STATUSES).count(),
        "may_hold": has_permission(user, "risk.place_hold"),
    }
