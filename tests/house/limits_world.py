"""A limit with its review, requests open and decided with papers, a policy in draft and a simulation."""

from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

from core.rights import SYSTEM
from customers.models import Customer
from risk.models import LimitReview
from risk.operations.credit_policies import draft_policy
from risk.operations.limit_requests import Asked, add_note, request_limit
from risk.operations.limit_simulations import compute_limit_simulation, request_limit_simulation
from risk.operations.limits import set_limit

LIMIT_ROUTES: dict[str, dict[str, str]] = {
    "risk:limit-export": {"file_format": "csv"},
    "risk:review-keep": {"pk": "limit_review"},
    "risk:request-create": {"pk": "customer"},
    **{
        f"risk:request-{name}": {"pk": "limit_request"}
        for name in ("detail", "approve", "refuse", "withdraw", "note", "letter", "letter-write")
    },
    "risk:request-file": {"pk": "limit_request", "note": "limit_note"},
    **{
        f"risk:credit-policy-{name}": {"pk": "credit_policy"}
        for name in ("detail", "edit", "submit", "activate", "retire")
    },
    "risk:limit-simulation-detail": {"pk": "limit_simulation"},
    "risk:limit-simulation-ask": {"pk": "limit_simulation"},
    "api:limit-request": {"id": "limit_request_uid"},
}


def limits_world(customer: Customer, today: date, now: datetime) -> dict[str, Any]:
    """Make them for an account that nothing else is about."""
    when: dict[str, Any] = {"today": today, "now": now}
    held = set_limit(actor=SYSTEM, customer=customer, amount=Decimal(1000), reason="Comptes", **when)
    review = LimitReview.objects.create(
        limit=held, customer=customer, reason="PERIODIC", due_on=today, opened_at=now
    )
    asked = Asked(amount=Decimal(9000), reason="Salon", kind="TEMPORARY")
    request = request_limit(actor=SYSTEM, customer=customer, asked=asked, **when)
    note = add_note(
        actor=SYSTEM,
        request_id=request.pk,
        text="Bilan",
        content=BytesIO(b"bilan"),
        name="bilan.txt",
        content_type="text/plain",
        now=now,
    )
    simulation = request_limit_simulation(
        actor=SYSTEM, legal_entity=customer.legal_entity, policy=None, **when
    )
    compute_limit_simulation(actor=SYSTEM, simulation_id=simulation.pk, now=now)
    return {
        "limit_review": review.pk,
        "limit_request": request.pk,
        "limit_request_uid": request.uid,
        "limit_note": note.pk,
        "credit_policy": draft_policy(actor=SYSTEM, legal_entity=None, now=now).pk,
        "limit_simulation": simulation.pk,
    }
