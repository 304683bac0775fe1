"""An order, its delivery, an answer and a hold, so that the routes of checks have something to show."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.rights import SYSTEM
from customers.models import Customer
from risk.operations.credit_checks import ask_credit
from risk.operations.holds import place_hold
from risk.operations.orders import DeliveryValues, OrderValues, record_delivery, record_order

CHECK_ROUTES: dict[str, dict[str, str]] = {
    "risk:check-detail": {"pk": "credit_check"},
    **{f"risk:hold-{name}": {"pk": "hold"} for name in ("detail", "end", "restore")},
    "risk:hold-place": {"pk": "customer"},
    **{f"risk:order-{name}": {"pk": "order"} for name in ("detail", "deliver", "end")},
    "risk:check-settings-edit": {"pk": "entity"},
    "api:credit-check": {"id": "credit_check_uid"},
    "api:order": {"id": "order_uid"},
    "api:delivery": {"id": "delivery_uid"},
    "api:exposure": {"id": "customer_uid"},
}


def checks_world(customer: Customer, today: date, now: datetime) -> dict[str, Any]:
    """Make them for an account that nothing else is about."""
    when: dict[str, Any] = {"actor": SYSTEM, "customer": customer, "today": today, "now": now}
    order, _new = record_order(reference="C-1", values=OrderValues(Decimal(500)), **when)
    delivery, _new = record_delivery(
        reference="BL-1", values=DeliveryValues(Decimal(200), order_reference="C-1"), **when
    )
    check = ask_credit(amount=Decimal(10), **when)
    hold = place_hold(reason="Chèque impayé", **when)
    return {
        "order": order.pk,
        "order_uid": order.uid,
        "delivery_uid": delivery.uid,
        "credit_check": check.pk,
        "credit_check_uid": check.uid,
        "hold": hold.pk,
    }
