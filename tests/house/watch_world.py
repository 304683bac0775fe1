"""An announcement applied, one that waits for its account, and what the proceeding holds, for the routes of the watch."""

from datetime import date, datetime
from typing import Any

from core.files import store_file
from core.rights import SYSTEM
from customers.models import Customer
from risk.models import InsolvencyProceeding, LegalEvent, ProceedingTask, WatchFile
from risk.operations.legal_events import take_watch_file
from tests.customers.factories import made_up_siren
from tests.risk.announcements import as_file, record

WATCH_ROUTES: dict[str, dict[str, str]] = {
    **{f"risk:event-{name}": {"pk": "legal_event"} for name in ("detail", "attach", "aside")},
    "risk:outcome-decide": {"pk": "event_outcome"},
    **{
        f"risk:proceeding-{name}": {"pk": "proceeding"}
        for name in ("detail", "representative", "change", "dispute", "cancel", "reactivate")
    },
    "risk:proceeding-statement": {"pk": "proceeding", "version": "statement_version"},
    **{f"risk:task-{name}": {"pk": "proceeding_task"} for name in ("done", "drop", "reopen", "proof")},
}


def watch_world(customer: Customer, today: date, now: datetime) -> dict[str, Any]:
    """The documents; the account becomes insolvent."""
    siren = made_up_siren(9_000_001)
    Customer.objects.filter(pk=customer.pk).update(siren=siren)
    day = today.isoformat()
    take_watch_file(
        actor=SYSTEM,
        content=as_file(
            record(siren, judged=day, published=day, number=1),
            record("", judged=day, published=day, number=2, name="Sans numéro"),
        ),
        name="annonces.json",
        source=WatchFile.Source.UPLOAD,
        today=today,
        now=now,
    )
    proceeding = InsolvencyProceeding.objects.get(customer=customer)
    task = proceeding.tasks.filter(kind=ProceedingTask.Kind.DECLARE_CLAIM).get()
    task.proof = store_file(
        content=b"%PDF-1.4",
        name="preuve.pdf",
        kind="insolvency_proof",
        content_type="application/pdf",
        now=now,
    )
    task.save(update_fields=["proof"])
    return {
        "legal_event": LegalEvent.objects.get(matching=LegalEvent.Matching.UNMATCHED).pk,
        "event_outcome": proceeding.opening.outcomes.get().pk,
        "proceeding": proceeding.pk,
        "statement_version": 1,
        "proceeding_task": task.pk,
    }
