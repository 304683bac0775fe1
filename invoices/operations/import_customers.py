"""Customers by batch: those that a file of items names for the first time, and files of customers with contacts."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection

from core import audit
from core.rights import Actor
from customers.batch_rules import Judged, judge_customer
from customers.models import Contact, Customer, PaymentTerms
from customers.operations.batches import AT_ONCE, COLUMNS, CustomerChange, write_customers
from invoices.models import ImportBatch, ImportEffect, ImportRow
from invoices.staging.table import Staging, as_object

_CONTACT_FIELDS = ("name", "role", "email", "phone", "gets_dunning")
_CHANGES_OF_TERMS = "terms_id"
Outcome = ImportRow.Outcome
Document = ImportEffect.Document

_NEW_OF_ITEMS = """
SELECT DISTINCT ON (r.customer_code) r.customer_code, r.details -> 'customer'
FROM invoices_importrow r
WHERE r.batch_id = %(batch)s AND r.outcome = 'NEW' AND r.customer_id IS NULL
ORDER BY r.customer_code, r.line
"""
_NAME_THEM = """
UPDATE invoices_importrow r SET customer_id = c.id
FROM customers_customer c
WHERE r.batch_id = %(batch)s AND r.outcome = 'NEW' AND r.customer_id IS NULL
    AND c.legal_entity_id = %(entity)s AND c.account_code = r.customer_code
"""


def judge_new_customers(batch: ImportBatch, table: Staging) -> None:
    """Say in the staging table which unknown customers of a file of items may be created, and which not and why."""
    if not batch.creates_customers:
        return
    known = terms_by_code()
    default = batch.legal_entity.default_terms_id
    seen: dict[str, str] = {}

    def judged() -> Iterator[tuple[str, int | None, list[dict[str, Any]]]]:
        for some in chunks(table.new_customers(batch.legal_entity_id)):
            taken = _sirets_taken(batch.legal_entity_id, [said.get("siret") for _code, said in some])
            for code, said in some:
                found = judge_customer(said, [], terms=known)
                _check_siret(found, code, seen, taken)
                faults = [
                    {**fault, "column": "customer_name"} if fault["column"] == "name" else fault
                    for fault in found.faults
                ]
                if any(fault["code"] == "required" for fault in faults):
                    faults = [{"column": "customer_code", "code": "customer_unknown", "value": code}]
                yield code, None if faults else found.values.get("terms_id", default), faults

    table.set_new_customers(list(judged()))


def create_new_customers(*, actor: Actor, batch: ImportBatch, now: datetime) -> int:
    """Open the accounts that the new rows of a file of items need; how many. Before the rows are posted."""
    with connection.cursor() as cursor:
        cursor.execute(_NEW_OF_ITEMS, {"batch": batch.pk})
        found = [(code, as_object(said)) for code, said in cursor.fetchall()]
    if not found:
        return 0
    known = terms_by_code()

    def changes() -> Iterator[CustomerChange]:
        for code, said in found:
            judged = judge_customer(said, [], terms=known)
            yield CustomerChange(code, judged.values, judged.contacts)

    written = write_customers(
        actor=actor, entity=batch.legal_entity, changes=changes(), refs=[audit.ref(batch)], now=now
    )
    _keep_created(batch, written.opened.values(), written.contact_ids)
    with connection.cursor() as cursor:
        cursor.execute(_NAME_THEM, {"batch": batch.pk, "entity": batch.legal_entity_id})
    return len(written.opened)


def preview_customers(batch: ImportBatch, table: Staging) -> None:
    """Check the rows of a file of customers, and keep each with what it would change."""
    known = terms_by_code()
    codes: dict[str, int] = {}
    sirets: dict[str, str] = {}
    for some in chunks(table.staged_customers()):
        there = _there(batch.legal_entity_id, [code for _line, _cells, code, _details, _errors in some])
        taken = _sirets_taken(
            batch.legal_entity_id,
            [as_object(details.get("customer")).get("siret") for _l, _c, _code, details, _e in some],
        )
        rows = []
        for line, cells, code, details, errors in some:
            found = there.get(code or "")
            judged = _judge(details, known, found)
            judged.faults = [*errors, *(fault for fault in judged.faults if fault not in errors)]
            if code:
                if code in codes:
                    judged.fail("customer_code", "duplicate_in_file", code, other=codes[code])
                codes.setdefault(code, line)
            elif not errors:
                judged.fail("customer_code", "required")
            _check_siret(judged, code or "", sirets, taken)
            change = _change(code or "", judged, found)
            rows.append(
                ImportRow(
                    batch=batch,
                    line=line,
                    cells=cells,
                    customer_code=code,
                    customer_id=found["id"] if found else None,
                    details=details,
                    errors=judged.faults,
                    changes=[] if judged.faults or found is None else _told(change, found),
                    outcome=_outcome(judged, change, found),
                )
            )
        ImportRow.objects.bulk_create(rows, batch_size=AT_ONCE)


def recheck_customers(batch: ImportBatch) -> None:
    """Look once more at the rows that were right, against the customers as they are now."""
    known = terms_by_code()
    for some in _right_rows(batch):
        there = _there(batch.legal_entity_id, [row.customer_code for row in some])
        for row in some:
            found = there.get(row.customer_code or "")
            judged = _judge(row.details, known, found)
            change = _change(row.customer_code or "", judged, found)
            row.outcome = _outcome(judged, change, found)
            row.customer_id = found["id"] if found else None
            row.errors = judged.faults
            row.changes = [] if judged.faults or found is None else _told(change, found)
        ImportRow.objects.bulk_update(some, ["outcome", "customer", "errors", "changes"])


def write_rows_of_customers(*, actor: Actor, batch: ImportBatch, now: datetime) -> int:
    """Open and change the customers of a file, rows checked just before; how many."""
    known = terms_by_code()
    done = 0
    for some in _right_rows(batch, (Outcome.NEW, Outcome.CHANGED)):
        there = _there(batch.legal_entity_id, [row.customer_code for row in some])
        changes = []
        for row in some:
            found = there.get(row.customer_code or "")
            changes.append(_change(row.customer_code or "", _judge(row.details, known, found), found))
        _keep_changed(batch, changes, there)
        written = write_customers(
            actor=actor, entity=batch.legal_entity, changes=changes, refs=[audit.ref(batch)], now=now
        )
        _keep_created(batch, written.opened.values(), written.contact_ids)
        for row in some:
            row.customer_id = row.customer_id or written.opened.get(row.customer_code or "")
        ImportRow.objects.bulk_update(some, ["customer"])
        done += len(some)
    return done


def terms_by_code() -> dict[str, int]:
    """Payment terms by code, in capitals too."""
    found = dict(PaymentTerms.objects.values_list("code", "pk"))
    return {**{code.upper(): pk for code, pk in found.items()}, **found}


def chunks(rows: Iterable[Any], size: int = AT_ONCE) -> Iterator[list[Any]]:
    """The rows, some at a time."""
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some


def _right_rows(
    batch: ImportBatch, outcomes: tuple[str, ...] = (Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED)
) -> Iterator[list[ImportRow]]:
    line = 0
    while some := list(
        batch.rows.filter(outcome__in=outcomes, line__gt=line).defer("cells").order_by("line")[:AT_ONCE]
    ):
        line = some[-1].line
        yield some


def _there(entity_id: int, codes: list[str | None]) -> dict[str, dict[str, Any]]:
    """The customers with these codes as they are, with their contacts."""
    found = {
        row["account_code"]: {**row, "contacts": []}
        for row in Customer.objects.filter(
            legal_entity=entity_id, account_code__in=[code for code in codes if code]
        ).values("id", "account_code", *COLUMNS)
    }
    by_id = {row["id"]: row for row in found.values()}
    for contact in Contact.objects.filter(customer__in=by_id).values("id", "customer_id", *_CONTACT_FIELDS):
        by_id[contact["customer_id"]]["contacts"].append(contact)
    return found


def _judge(details: Mapping[str, Any], known: Mapping[str, int], found: Mapping[str, Any] | None) -> Judged:
    contacts = [contact for contact in details.get("contacts") or [] if isinstance(contact, dict)]
    return judge_customer(as_object(details.get("customer")), contacts, terms=known, known=found)


def _change(code: str, judged: Judged, found: Mapping[str, Any] | None) -> CustomerChange:
    """What would be written: of a customer that is there, only what differs."""
    if found is None:
        return CustomerChange(code, judged.values, judged.contacts)
    values = {name: value for name, value in judged.values.items() if found[name] != value}
    contacts = []
    for contact in judged.contacts:
        same = next((own for own in found["contacts"] if _is_same(own, contact)), None)
        said = {name: value for name, value in contact.items() if value not in (None, "")}
        if same is None:
            contacts.append(contact)
        elif changed := {name: value for name, value in said.items() if same[name] != value}:
            contacts.append({"id": same["id"], **changed})
    return CustomerChange(code, values, contacts, found["id"], {name: found[name] for name in values})


def _is_same(own: Mapping[str, Any], contact: Mapping[str, Any]) -> bool:
    """A contact is known by its address; without one, by its name."""
    if contact["email"]:
        return bool(str(own["email"]).lower() == contact["email"])
    return bool(not own["email"] and str(own["name"]).casefold() == contact["name"].casefold())


def _told(change: CustomerChange, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The changes as the row keeps them: field by field, contacts as texts."""
    told = [
        {
            "column": name.removesuffix("_id"),
            "before": _shown(name, found[name]),
            "after": _shown(name, value),
        }
        for name, value in change.values.items()
    ]
    for contact in change.contacts:
        own = next((own for own in found["contacts"] if own["id"] == contact.get("id")), None)
        told.append(
            {
                "column": "contact",
                "before": own and _written_out(own),
                "after": _written_out({**(own or {}), **contact}),
            }
        )
    return told


def _shown(name: str, value: Any) -> Any:
    if name == _CHANGES_OF_TERMS:
        return PaymentTerms.objects.filter(pk=value).values_list("code", flat=True).first()
    return value


def _written_out(contact: Mapping[str, Any]) -> str:
    return ", ".join(str(contact[name]) for name in ("name", "email", "phone") if contact.get(name))


def _outcome(judged: Judged, change: CustomerChange, found: Mapping[str, Any] | None) -> str:
    if judged.faults:
        return Outcome.ERROR
    if found is None:
        return Outcome.NEW
    return Outcome.CHANGED if change.values or change.contacts else Outcome.UNCHANGED


def _sirets_taken(entity_id: int, sirets: Iterable[Any]) -> dict[str, str]:
    """The establishments that customers of the entity have: SIRET -> account code."""
    wanted = {"".join(str(siret).split()) for siret in sirets if siret}
    return dict(
        Customer.objects.filter(legal_entity=entity_id, siret__in=wanted)
        .exclude(status=Customer.Status.CLOSED)
        .values_list("siret", "account_code")
    )


def _check_siret(judged: Judged, code: str, seen: dict[str, str], taken: Mapping[str, str]) -> None:
    """The same establishment twice would split its exposure and its reminders."""
    siret = judged.values.get("siret")
    if not siret:
        return
    other = taken.get(siret) or seen.get(siret)
    if other is not None and other != code:
        judged.fail("siret", "siret_taken", siret, other=other)
    seen.setdefault(siret, code)


def _keep_created(batch: ImportBatch, customer_ids: Iterable[int], contact_ids: Iterable[int]) -> None:
    ImportEffect.objects.bulk_create(
        [
            ImportEffect(batch=batch, document=document, object_id=pk)
            for document, ids in ((Document.CUSTOMER, customer_ids), (Document.CONTACT, contact_ids))
            for pk in ids
        ],
        batch_size=AT_ONCE,
    )


def _keep_changed(
    batch: ImportBatch, changes: list[CustomerChange], there: Mapping[str, Mapping[str, Any]]
) -> None:
    effects = []
    for change in changes:
        if change.customer_id is None:
            continue
        found = there[change.account_code]
        if change.values:
            effects.append(
                ImportEffect(
                    batch=batch,
                    document=Document.CUSTOMER,
                    object_id=change.customer_id,
                    before={name: found[name] for name in change.values},
                    after=dict(change.values),
                )
            )
        for contact in change.contacts:
            if contact.get("id"):
                own = next(own for own in found["contacts"] if own["id"] == contact["id"])
                fields = [name for name in contact if name != "id"]
                effects.append(
                    ImportEffect(
                        batch=batch,
                        document=Document.CONTACT,
                        object_id=contact["id"],
                        before={name: own[name] for name in fields},
                        after={name: contact[name] for name in fields},
                    )
                )
    ImportEffect.objects.bulk_create(effects, batch_size=AT_ONCE)
