"""Payment plans for tests, made by their operations."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from core.rights import SYSTEM
from invoices.models import OpenItem, PaymentPlan
from invoices.operations.payment_plans import draft_plan, start_plan, submit_plan
from invoices.plan_rules import equal_instalments
from tests.customers.factories import CustomerFactory
from tests.invoices.factories import OpenItemFactory

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FIRST = date(2026, 3, 31)
SIGNED = b"%PDF-1.7\n% signed\n%%EOF\n"


def late_items(*amounts: str, customer: Any = None) -> list[OpenItem]:
    """Open invoices of one customer, of these amounts."""
    customer = customer or CustomerFactory()
    return [OpenItemFactory(customer=customer, total_amount=Decimal(amount)) for amount in amounts]


def drafted(items: list[OpenItem], *, count: int = 3, actor: Any = SYSTEM, **changes: Any) -> PaymentPlan:
    """A draft of `count` equal instalments over the items, from the end of March on."""
    total = sum((item.open_amount for item in items), Decimal(0))
    given = {
        "actor": actor,
        "customer_id": items[0].customer_id,
        "item_ids": [item.pk for item in items],
        "instalments": equal_instalments(total, count, FIRST),
        "today": TODAY,
        "now": NOW,
    }
    return draft_plan(**given | changes)


def active(items: list[OpenItem], **changes: Any) -> PaymentPlan:
    """A plan in force, signed on the day it was made; below the amount that a second person approves."""
    plan = drafted(items, **changes)
    submit_plan(actor=SYSTEM, plan_id=plan.pk, today=TODAY, now=NOW)
    return start_plan(
        actor=SYSTEM, plan_id=plan.pk, content=io.BytesIO(SIGNED), name="accord.pdf", today=TODAY, now=NOW
    )
