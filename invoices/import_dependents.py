"""What depends on a committed batch, so that it cannot be taken back: found in the schema itself, upper floors included."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, models
from django.utils.translation import gettext as _

from core.money import format_count
from core.references import is_carried_away, references
from customers.models import Contact, Customer
from invoices.models import ImportBatch, OpenItem

_EXAMPLES = 3
_OWN = "SELECT id, number AS label FROM invoices_openitem WHERE import_batch_id = %(batch)s"
_CREATED = """
SELECT c.id, c.account_code AS label FROM customers_customer c
JOIN invoices_importeffect e ON e.document = 'CUSTOMER' AND e.object_id = c.id
WHERE e.batch_id = %(batch)s AND e.before IS NULL
"""

# What was changed in place and does not stand there any more as the batch left it.
_ITEMS_CHANGED = """
SELECT o.number FROM invoices_importeffect e JOIN invoices_openitem o ON o.id = e.object_id
WHERE e.batch_id = %(batch)s AND e.document = 'ITEM' AND (
    (e.after ? 'issue_date' AND o.issue_date <> (e.after ->> 'issue_date')::date)
    OR (e.after ? 'due_date' AND o.due_date <> (e.after ->> 'due_date')::date)
    OR (e.after ? 'reference' AND o.reference <> e.after ->> 'reference')
    OR (e.after ? 'vat_amount' AND o.vat_amount IS DISTINCT FROM (e.after ->> 'vat_amount')::numeric)
    OR (e.after ? 'disputed_amount' AND o.disputed_amount <> (e.after ->> 'disputed_amount')::numeric)
)
"""
_DISPUTES_MOVED = """
SELECT o.number FROM invoices_importeffect e
JOIN invoices_dispute d ON d.id = e.object_id JOIN invoices_openitem o ON o.id = d.item_id
WHERE e.batch_id = %(batch)s AND e.document = 'DISPUTE' AND (
    d.resolved_on IS DISTINCT FROM (e.after ->> 'resolved_on')::date
    OR EXISTS (SELECT FROM invoices_dispute n WHERE n.item_id = d.item_id AND n.resolved_on IS NULL)
)
"""
_ALLOCATIONS_REVERSED = """
SELECT o.number FROM invoices_allocation a JOIN invoices_openitem o ON o.id = a.debit_id
WHERE a.import_batch_id = %(batch)s AND a.reversed_on IS NOT NULL
"""
# An item that the batch opened again was matched anew by somebody else.
_MATCHED_SINCE = """
SELECT DISTINCT o.number
FROM invoices_importeffect e
JOIN invoices_allocation ended ON ended.id = e.object_id
JOIN invoices_openitem o ON o.id IN (ended.debit_id, ended.credit_id)
JOIN invoices_allocation a ON (a.debit_id = o.id OR a.credit_id = o.id)
WHERE e.batch_id = %(batch)s AND e.document = 'ALLOCATION' AND a.id <> ended.id
    AND a.import_batch_id IS DISTINCT FROM %(batch)s AND a.id > (e.after ->> 'last_allocation')::bigint
"""
_CUSTOMERS_CHANGED = """
SELECT c.account_code FROM invoices_importeffect e JOIN customers_customer c ON c.id = e.object_id
WHERE e.batch_id = %(batch)s AND e.document = 'CUSTOMER' AND e.before IS NOT NULL AND NOT to_jsonb(c) @> e.after
"""
_CONTACTS_CHANGED = """
SELECT c.name FROM invoices_importeffect e JOIN customers_contact c ON c.id = e.object_id
WHERE e.batch_id = %(batch)s AND e.document = 'CONTACT' AND e.before IS NOT NULL AND NOT to_jsonb(c) @> e.after
"""


@dataclass(frozen=True)
class Dependent:
    """One kind of thing that came after a batch and stands on it: how many, and the first ones concerned."""

    label: str
    count: int
    examples: list[str]

    def __str__(self) -> str:
        return _("%(count)s %(label)s (%(examples)s)") % {
            "count": format_count(self.count),
            "label": self.label,
            "examples": ", ".join(self.examples),
        }


def may_roll_back_until(batch: ImportBatch) -> datetime | None:
    """The instant until which a committed batch may be taken back; None for any other."""
    if batch.status != ImportBatch.Status.COMMITTED or batch.committed_at is None:
        return None
    return batch.committed_at + timedelta(days=ImportBatch.UNDO_DAYS)


def rollback_dependents(batch: ImportBatch) -> list[Dependent]:
    """What would be left without ground if the batch were taken back; empty when nothing would."""
    found = [
        *_standing_on(batch, OpenItem, _OWN),
        *_found(batch, _("pièces modifiées depuis"), _ITEMS_CHANGED),
        *_found(batch, _("litiges rouverts ou modifiés depuis"), _DISPUTES_MOVED),
        *_found(batch, _("lettrages du lot défaits depuis"), _ALLOCATIONS_REVERSED),
        *_found(batch, _("pièces lettrées de nouveau depuis"), _MATCHED_SINCE),
    ]
    if batch.subject == ImportBatch.Subject.CUSTOMERS:
        found += [
            *_standing_on(batch, Customer, _CREATED),
            *_found(batch, _("fiches client modifiées depuis"), _CUSTOMERS_CHANGED),
            *_found(batch, _("contacts modifiés depuis"), _CONTACTS_CHANGED),
        ]
    return found


def others_only(model: type[models.Model]) -> str:
    """The condition that leaves out the rows `t` which the batch itself wrote."""
    if model is Contact:
        return (
            "NOT EXISTS (SELECT FROM invoices_importeffect e WHERE e.batch_id = %(batch)s"
            " AND e.document = 'CONTACT' AND e.object_id = t.id AND e.before IS NULL)"
        )
    if any(field.name == "import_batch" for field in model._meta.concrete_fields):
        return "t.import_batch_id IS DISTINCT FROM %(batch)s"
    return "true"


def _standing_on(batch: ImportBatch, target: type[models.Model], own: str) -> list[Dependent]:
    found: dict[str, Dependent] = {}
    for model, field in references(target):
        if is_carried_away(field) and model is not Contact:
            continue
        sql = (
            f"SELECT own.label FROM ({own}) own JOIN {model._meta.db_table} t ON t.{field.column} = own.id"
            f" WHERE {others_only(model)}"
        )
        label = str(model._meta.verbose_name_plural)
        for dependent in _found(batch, label, sql):
            before = found.get(label)
            found[label] = dependent if before is None else max(before, dependent, key=lambda one: one.count)
    return list(found.values())


def _found(batch: ImportBatch, label: str, sql: str) -> list[Dependent]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found AS MATERIALIZED ({sql}) SELECT (SELECT count(*) FROM found),"
            " ARRAY(SELECT DISTINCT * FROM found ORDER BY 1 LIMIT %(most)s)",
            {"batch": batch.pk, "most": _EXAMPLES},
        )
        count, examples = cursor.fetchone()
    return [Dependent(label, count, list(examples))] if count else []
