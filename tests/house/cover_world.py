"""A policy, covers in two states and a file to the insurer, so that their routes have something to show."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.rights import SYSTEM
from customers.models import Customer
from risk.operations.cover import answer_cover, request_cover, set_policy
from risk.operations.insurer_files import prepare_insurer_file
from tests.dunning.factories import make_item

COVER_ROUTES: dict[str, dict[str, str]] = {
    "risk:cover-answer": {"pk": "cover_asked"},
    "risk:cover-reduce": {"pk": "cover"},
    "risk:cover-cancel": {"pk": "cover"},
    "risk:cover-request": {"pk": "customer"},
    "risk:guarantee-add": {"pk": "customer"},
    "risk:insurance-policy-edit": {"pk": "insurance_policy"},
    "risk:insurer-file-prepare": {"pk": "insurance_policy"},
    "risk:insurer-file-move": {"pk": "insurer_file"},
    "risk:insurer-file-content": {"pk": "insurer_file"},
}


def cover_world(customer: Customer, today: date, now: datetime) -> dict[str, Any]:
    """Make them for a customer that nothing else is about."""
    start = today - timedelta(days=300)
    values = {
        "insurer": "Assureur", "number": "P-1", "currency": "EUR", "valid_from": start,
        "quota_share": Decimal("0.9"), "max_extension_days": 30, "declaration_days": 60, "claim_days": 150,
        "waiting_days": 150, "stop_delivery_days": 30,
    }  # fmt: skip
    policy = set_policy(actor=SYSTEM, entity=customer.legal_entity, values=values, now=now)
    asking: dict[str, Any] = {
        "actor": SYSTEM, "customer": customer, "policy": policy, "amount": Decimal(80_000),
        "requested_on": start, "today": today, "now": now,
    }  # fmt: skip
    cover = answer_cover(
        actor=SYSTEM, cover=request_cover(**asking), amount=Decimal(80_000), answered_on=start,
        valid_from=start, today=today, now=now,
    )  # fmt: skip
    asked = request_cover(**asking | {"amount": Decimal(90_000)})
    make_item(customer, "1000.00", today - timedelta(days=70))
    prepared = prepare_insurer_file(actor=SYSTEM, policy=policy, kind="DECLARATION", today=today, now=now)
    return {
        "insurance_policy": policy.pk,
        "cover": cover.pk,
        "cover_asked": asked.pk,
        "insurer_file": prepared.pk,
    }
