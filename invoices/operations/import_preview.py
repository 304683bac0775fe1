"""What a batch would change: matched, summed up, its suspicions listed. For the preview, and again at the commit."""

from collections.abc import Iterator
from datetime import date

from core.calendar import DateError
from core.legal import MissingLegalParameter, register
from customers.legal_terms import term_limits
from customers.models import PaymentTerms
from customers.payment_terms import Term, TermKind, due_date, legal_cap
from invoices.models import ImportBatch, ImportGuard
from invoices.operations.import_customers import judge_new_customers, preview_customers
from invoices.staging import clearing, figures, matching
from invoices.staging.figures import Amounts
from invoices.staging.suspicions import suspicions
from invoices.staging.table import Staging

Subject = ImportBatch.Subject
Mode = ImportBatch.Mode


def preview_rows(batch: ImportBatch, table: Staging, today: date) -> None:
    """Check the staged rows, match them with what is there, and keep them with their outcomes."""
    if batch.subject == Subject.CUSTOMERS:
        preview_customers(batch, table)
        return
    entity_id = batch.legal_entity_id
    guard = ImportGuard.objects.filter(legal_entity=entity_id).first() or ImportGuard()
    table.name_customers(entity_id)
    judge_new_customers(batch, table)
    table.set_due_dates(_due_dates(table.terms_in_use(entity_id)))
    table.resolve(
        batch_id=batch.pk,
        entity_id=entity_id,
        today=today,
        is_snapshot=batch.mode == Mode.SNAPSHOT,
        amount_factor=guard.amount_factor,
    )
    if batch.mode == Mode.SNAPSHOT:
        assert batch.as_of is not None
        clearing.find_clearings(batch_id=batch.pk, entity_id=entity_id, as_of=batch.as_of)


def accept_due_before_issue(batch: ImportBatch, today: date) -> None:
    """Take the rows in whose due date precedes their issue, due on that day; the batch's figures follow."""
    matching.accept_due_before_issue(batch.pk)
    matching.recheck(
        batch_id=batch.pk,
        entity_id=batch.legal_entity_id,
        today=today,
        is_snapshot=batch.mode == Mode.SNAPSHOT,
        creates_customers=batch.creates_customers,
    )
    summarize(batch)


def summarize(batch: ImportBatch) -> None:
    """Set the counts, amounts and suspicions of a batch as its rows, clearings and the ledger stand now."""
    found = figures.figures(batch.pk)
    counts = found.counts
    batch.new_count, batch.changed_count = counts.get("NEW", 0), counts.get("CHANGED", 0)
    batch.unchanged_count, batch.skipped_count = counts.get("UNCHANGED", 0), counts.get("SKIPPED", 0)
    batch.error_count, batch.suspicious_count = counts.get("ERROR", 0), found.suspicious_count
    batch.cleared_count = found.cleared_count
    before = figures.receivable(batch.legal_entity_id)
    if batch.subject == Subject.CUSTOMERS:
        batch.new_customer_count = batch.new_count
        batch.receivable_before = batch.receivable_after = _as_json(before)
        return
    batch.new_customer_count = found.new_customer_count
    batch.new_amounts, batch.changed_amounts = _as_json(found.new), _as_json(found.changed)
    batch.cleared_amounts = _as_json(found.cleared)
    after = dict(before)
    for amounts, sign in ((found.new, 1), (found.changed, 1), (found.cleared, -1)):
        for currency, amount in amounts.items():
            after[currency] = after.get(currency, amount * 0) + sign * amount
    batch.receivable_before, batch.receivable_after = _as_json(before), _as_json(after)
    suspicious = suspicions(batch, found)
    batch.suspicions, batch.needs_second_person = suspicious.suspicions, suspicious.needs_second_person


def _due_dates(
    pairs: list[tuple[int, date]],
) -> Iterator[tuple[int, date, date | None, date | None]]:
    """The due date and the latest lawful one of each (payment terms, issue date).

    None where the terms lead out of the calendar, and where the law of the day set no limit.
    """
    terms = {row.pk: Term(TermKind(row.rule), row.days) for row in PaymentTerms.objects.all()}
    law = register()
    for terms_id, issued in pairs:
        try:
            due = due_date(terms[terms_id], issued)
        except DateError:
            due = None
        try:
            cap = legal_cap(terms[terms_id], issued, term_limits(law, issued))
        except (DateError, MissingLegalParameter):
            cap = None
        yield terms_id, issued, due, cap


def _as_json(amounts: Amounts) -> dict[str, str]:
    return {currency: str(amount) for currency, amount in sorted(amounts.items())}
