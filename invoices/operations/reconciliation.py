"""Telling people that the books do not hold. Nothing is repaired: a person decides what to post."""

from datetime import datetime

from django.db import connection

from core import audit
from core.operation import operation
from core.rights import Actor
from customers.models import LegalEntity
from invoices.ageing_sql import FOR_A_LARGE_SCAN
from invoices.reconciliation import Finding, findings


@operation("invoices.store_ageing")
def reconcile_ledger(*, actor: Actor, legal_entity: LegalEntity, now: datetime) -> list[Finding]:
    """Check the entity's ledger and record one audit event for each truth that is broken. Returns them."""
    with connection.cursor() as cursor:
        cursor.execute(FOR_A_LARGE_SCAN)
    found = findings(entity_id=legal_entity.pk)
    for finding in found:
        audit.record(
            actor=actor,
            verb="invoices.ledger.mismatch_found",
            refs=[legal_entity, *finding.examples],
            now=now,
            check=finding.check,
            count=finding.count,
        )
    return found
