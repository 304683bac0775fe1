"""A draft allowance and an assessment, so that their routes have something to show."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.models import User
from core.rights import SYSTEM
from customers.models import Customer
from risk.models import IndividualAssessment
from risk.operations.provisions import (
    compute_provision,
    request_provision,
    set_provision_method,
)

PROVISION_ROUTES: dict[str, dict[str, str]] = {
    **{f"risk:provision-{name}": {"pk": "provision"} for name in ("detail", "close", "discard", "back-test")},
    "risk:provision-entries": {"pk": "provision"},
    "risk:provision-lines": {"pk": "provision", "file_format": "csv"},
    "risk:provision-method": {"pk": "entity"},
    "risk:assessment-create": {"pk": "customer"},
    "risk:assessment-end": {"pk": "assessment"},
}


def provision_world(customer: Customer, assessor: User, today: date, now: datetime) -> dict[str, Any]:
    """Make them for a customer of the world."""
    entity = customer.legal_entity
    rates = {str(bucket): "0.01" for bucket in range(5)}
    set_provision_method(actor=SYSTEM, entity=entity, values={"entered_rates": rates}, now=now)
    assessment = IndividualAssessment.objects.create(
        customer=customer,
        cause="DIFFICULTY",
        rate=Decimal("0.5"),
        evidence="Deux rejets",
        valid_from=today,
        assessed_by=assessor,
        created_at=now,
    )
    run = request_provision(actor=SYSTEM, entity=entity, as_of=today, today=today, now=now)
    compute_provision(actor=SYSTEM, run=run, now=now)
    return {"provision": run.pk, "assessment": assessment.pk}
