"""Many customers at once: opened and changed as in `accounts` and `contacts`, in a few statements.

The values come checked from `customers.batch_rules`. Nothing here takes a lock that one customer at a time would not.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection

from core.operation import operation
from core.references import is_carried_away, references
from core.rights import Actor
from customers.models import Contact, Customer, LegalEntity

AT_ONCE = 1_000
# Fields a batch may set, with their types.
COLUMNS = {
    "name": "text", "kind": "text", "siren": "text", "siret": "text", "vat_number": "text", "foreign_id": "text",
    "country": "text", "address_lines": "text", "language": "text", "currency": "text", "terms_id": "bigint",
    "segment": "text", "naf_code": "text",
}  # fmt: skip
CONTACT_COLUMNS = {
    "name": "text",
    "role": "text",
    "email": "text",
    "phone": "text",
    "gets_dunning": "boolean",
}


@dataclass(frozen=True)
class CustomerChange:
    """A customer to open (`customer_id` None) or to change: the values to set, the contacts to add or change.

    A contact with `id` is changed, the others are added. `before` is what the audit says stood there.
    """

    account_code: str
    values: Mapping[str, Any]
    contacts: list[dict[str, Any]] = field(default_factory=list)
    customer_id: int | None = None
    before: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """What was opened and added: account code -> key, and the keys of the new contacts."""

    opened: dict[str, int]
    contact_ids: list[int]


_OPEN = f"""
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS x(account_code text, {", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())})
)
INSERT INTO customers_customer (
    legal_entity_id, account_code, status, hold_reason, pinned_note, updated_at, {", ".join(COLUMNS)}
)
SELECT e.id, g.account_code, 'ACTIVE', '', '', %(now)s, g.name, coalesce(g.kind, 'COMPANY'),
    coalesce(g.siren, ''), coalesce(g.siret, ''), coalesce(g.vat_number, ''), coalesce(g.foreign_id, ''),
    coalesce(g.country, 'FR'), coalesce(g.address_lines, ''), coalesce(g.language, 'fr'),
    coalesce(g.currency, e.currency), coalesce(g.terms_id, e.default_terms_id), coalesce(g.segment, ''),
    coalesce(g.naf_code, '')
FROM given g CROSS JOIN customers_legalentity e
WHERE e.id = %(entity)s
ORDER BY g.account_code
ON CONFLICT (legal_entity_id, account_code) DO NOTHING
RETURNING account_code, id
"""
_CHANGE = f"""
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS x(customer_id bigint, {", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())})
)
UPDATE customers_customer c SET updated_at = %(now)s, {", ".join(f"{name} = coalesce(g.{name}, c.{name})" for name in COLUMNS)}
FROM given g WHERE c.id = g.customer_id AND c.legal_entity_id = %(entity)s
"""
_ADD_CONTACTS = """
INSERT INTO customers_contact (customer_id, name, role, email, phone, gets_dunning)
SELECT x.customer_id, x.name, x.role, x.email, x.phone, coalesce(x.gets_dunning, false)
FROM jsonb_to_recordset(%(rows)s::jsonb)
    AS x(customer_id bigint, name text, role text, email text, phone text, gets_dunning boolean)
WHERE NOT EXISTS (
    SELECT FROM customers_contact c
    WHERE c.customer_id = x.customer_id AND x.email <> '' AND lower(c.email) = x.email
)
RETURNING id
"""
_CHANGE_CONTACTS = f"""
UPDATE customers_contact c SET {", ".join(f"{name} = coalesce(x.{name}, c.{name})" for name in CONTACT_COLUMNS)}
FROM jsonb_to_recordset(%(rows)s::jsonb) AS x(id bigint, {", ".join(f"{name} {kind}" for name, kind in CONTACT_COLUMNS.items())})
WHERE c.id = x.id
"""
_PUT_BACK = f"""
UPDATE customers_customer c SET updated_at = %(now)s, {", ".join(f"{name} = CASE WHEN r ? '{name}' THEN (r ->> '{name}')::{kind} ELSE c.{name} END" for name, kind in COLUMNS.items())}
FROM jsonb_array_elements(%(rows)s::jsonb) r WHERE c.id = (r ->> 'id')::bigint
"""
_PUT_BACK_CONTACTS = f"""
UPDATE customers_contact c SET {", ".join(f"{name} = CASE WHEN r ? '{name}' THEN (r ->> '{name}')::{kind} ELSE c.{name} END" for name, kind in CONTACT_COLUMNS.items())}
FROM jsonb_array_elements(%(rows)s::jsonb) r WHERE c.id = (r ->> 'id')::bigint
"""
_AUDIT = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor)s, %(actor_name)s, x.verb, x.refs || %(refs)s::text[], x.data
FROM jsonb_to_recordset(%(rows)s::jsonb) AS x(verb text, refs text[], data jsonb)
"""


@operation("customers.edit")
def write_customers(
    *,
    actor: Actor,
    entity: LegalEntity,
    changes: Iterable[CustomerChange],
    refs: list[str],
    now: datetime,
) -> Written:
    """Open and change customers of an entity. `refs` are added to every audit event (the batch).

    A code that somebody opened meanwhile is left as it is. Values and contacts are checked by the caller with
    `batch_rules`.
    """
    opened: dict[str, int] = {}
    contact_ids: list[int] = []
    for some in _chunks(changes):
        new = {change.account_code: change for change in some if change.customer_id is None}
        found = dict(
            _ask(
                _OPEN,
                [{"account_code": code, **change.values} for code, change in new.items()],
                entity=entity.pk,
                now=now,
            )
        )
        opened |= found
        old = [change for change in some if change.customer_id is not None]
        _ask(
            _CHANGE,
            [{"customer_id": change.customer_id, **change.values} for change in old if change.values],
            entity=entity.pk,
            now=now,
        )
        ids = {change.account_code: change.customer_id or found.get(change.account_code) for change in some}
        told = [change for change in some if ids[change.account_code]]
        contact_ids += _write_contacts(told, ids)
        _record(actor, entity, told, ids, refs, now)
    return Written(opened, contact_ids)


@operation("customers.edit")
def take_back_customers(
    *,
    actor: Actor,
    entity: LegalEntity,
    opened: list[int],
    added_contacts: list[int],
    customers_before: list[dict[str, Any]],
    contacts_before: list[dict[str, Any]],
    refs: list[str],
    now: datetime,
) -> int:
    """Undo `write_customers`: delete what it opened and added, put back what it changed; how many customers went.

    `customers_before` and `contacts_before` hold `id` and the former values. A customer that something points at by
    now stays, with his contacts.
    """
    unused = _unused(opened, added_contacts)
    kept = set(opened) - set(unused)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM customers_contact WHERE id = ANY(%s) AND NOT customer_id = ANY(%s)",
            [added_contacts, list(kept)],
        )
    for rows, sql in ((customers_before, _PUT_BACK), (contacts_before, _PUT_BACK_CONTACTS)):
        for start in range(0, len(rows), AT_ONCE):
            _ask(sql, rows[start : start + AT_ONCE], now=now)
    events = [
        {"verb": "customers.customer.restored", "refs": [f"customer:{row['id']}"], "data": {}}
        for row in customers_before
    ] + [
        {
            "verb": "customers.customer.withdrawn",
            "refs": [f"customer:{pk}", f"legalentity:{entity.pk}"],
            "data": {},
        }
        for pk in unused
    ]
    _ask(_AUDIT, events, now=now, actor=actor.pk, actor_name=str(actor)[:120], refs=refs)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM customers_customer WHERE id = ANY(%s)", [unused])
    return len(unused)


def _unused(opened: list[int], added_contacts: list[int]) -> list[int]:
    """Those of the customers that nothing points at but the contacts added with them."""
    conditions = [
        f"NOT EXISTS (SELECT FROM {model._meta.db_table} t WHERE t.{field.column} = c.id"
        + (" AND NOT t.id = ANY(%(contacts)s)" if model is Contact else "")
        + ")"
        for model, field in references(Customer)
        if model is Contact or not is_carried_away(field)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id FROM customers_customer c WHERE c.id = ANY(%(ids)s) AND {' AND '.join(conditions)}",
            {"ids": opened, "contacts": added_contacts},
        )
        return [row[0] for row in cursor.fetchall()]


def _write_contacts(changes: list[CustomerChange], ids: Mapping[str, int | None]) -> list[int]:
    given = [
        {**contact, "customer_id": ids[change.account_code]}
        for change in changes
        for contact in change.contacts
    ]
    _ask(_CHANGE_CONTACTS, [contact for contact in given if contact.get("id")])
    return [row[0] for row in _ask(_ADD_CONTACTS, [contact for contact in given if not contact.get("id")])]


def _record(
    actor: Actor,
    entity: LegalEntity,
    changes: list[CustomerChange],
    ids: Mapping[str, int | None],
    refs: list[str],
    now: datetime,
) -> None:
    events: list[dict[str, Any]] = []
    for change in changes:
        own = f"customer:{ids[change.account_code]}"
        if change.customer_id is None:
            data = {"account_code": change.account_code, "name": change.values.get("name", "")}
            refs_of = [own, f"legalentity:{entity.pk}"]
            events.append({"verb": "customers.customer.created", "refs": refs_of, "data": data})
        elif change.values:
            told = {
                name: {"from": change.before.get(name), "to": value} for name, value in change.values.items()
            }
            events.append({"verb": "customers.customer.updated", "refs": [own], "data": {"changes": told}})
        for contact in change.contacts:
            data = {"name": contact.get("name", ""), "email": contact.get("email", "")}
            verb = "customers.contact.updated" if contact.get("id") else "customers.contact.added"
            events.append({"verb": verb, "refs": [own], "data": data})
    _ask(
        _AUDIT,
        events,
        now=now,
        actor=actor.pk,
        actor_name=str(actor)[:120],
        refs=refs,
    )


def _chunks(changes: Iterable[CustomerChange]) -> Iterator[list[CustomerChange]]:
    left = iter(changes)
    while some := list(islice(left, AT_ONCE)):
        yield some


def _ask(sql: str, rows: list[dict[str, Any]], **values: Any) -> list[tuple[Any, ...]]:
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, {**values, "rows": json.dumps(rows)})
        return list(cursor.fetchall()) if cursor.description else []
