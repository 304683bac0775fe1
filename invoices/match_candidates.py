"""What the ledger knows of bank lines: who may pay, which items may be meant. Set-based: a dozen statements per group of lines.

Read for lines of one legal entity and one currency at a time; the rules of `invoices.matching` judge what is found.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import connection

from invoices.matching.names import name_key
from invoices.matching.naming import LineReading
from invoices.matching.numbers import keys_of
from invoices.matching.payers import SURE, by_name, names_of
from invoices.matching.values import Account, Candidates, Item, Line, Payer
from invoices.models import PayerAlias

# A number's key that so many open items bear tells nothing by itself.
MOST_OWNERS = 8
# Documents of an account that are looked at, oldest due first; with more, no sum is certain.
MOST_ITEMS = 300
MOST_MEMBERS = 40
# Accounts looked at for one line.
MOST_ACCOUNTS = 24
_PAYMENT_DAYS = 45
_SETTLED_DAYS = 200

_NAMED = """
SELECT k.key, i.customer_id
FROM unnest(%(keys)s::text[]) k(key)
CROSS JOIN LATERAL (
    SELECT id, customer_id FROM invoices_openitem
    WHERE legal_entity_id = %(entity)s AND open_amount <> 0 AND currency = %(currency)s
        AND encours_number_digits(number) = k.key
    UNION
    SELECT id, customer_id FROM invoices_openitem
    WHERE legal_entity_id = %(entity)s AND open_amount <> 0 AND currency = %(currency)s
        AND encours_number_tail(number) = k.key
    LIMIT %(most)s
) i
"""
_SAME_AMOUNT = """
SELECT (a.amount * 100)::bigint, i.id, i.customer_id
FROM unnest(%(amounts)s::numeric[]) a(amount)
CROSS JOIN LATERAL (
    SELECT id, customer_id FROM invoices_openitem
    WHERE open_amount = a.amount AND open_amount <> 0 AND legal_entity_id = %(entity)s AND currency = %(currency)s
    ORDER BY id LIMIT 4
) i
"""
_ALIASES = """
SELECT p.kind, p.value, p.customer_id
FROM unnest(%(kinds)s::text[], %(values)s::text[]) q(kind, value)
JOIN invoices_payeralias p ON p.legal_entity_id = %(entity)s AND p.kind = q.kind AND p.value = q.value
"""
_SIMILAR = """
SELECT q.key, c.id, c.name
FROM unnest(%(keys)s::text[]) q(key)
CROSS JOIN LATERAL (
    SELECT id, name FROM customers_customer
    WHERE legal_entity_id = %(entity)s AND encours_fold(name) %% lower(q.key)
    ORDER BY similarity(encours_fold(name), lower(q.key)) DESC, id LIMIT 6
) c
"""
_GROUPS = """
SELECT DISTINCT coalesce(parent_id, id) FROM customers_customer
WHERE id = ANY(%(ids)s)
"""
_CUSTOMERS = """
SELECT id, account_code, name, CASE WHEN parent_id IS NOT NULL OR is_parent THEN coalesce(parent_id, id) ELSE 0 END,
    status = 'INSOLVENT'
FROM (
    SELECT c.*, EXISTS (SELECT 1 FROM customers_customer d WHERE d.parent_id = c.id) AS is_parent
    FROM customers_customer c WHERE c.id = ANY(%(ids)s)
    UNION
    SELECT c.*, true FROM customers_customer c WHERE c.parent_id = ANY(%(groups)s) AND c.legal_entity_id = %(entity)s
    UNION
    SELECT c.*, true FROM customers_customer c WHERE c.id = ANY(%(groups)s) AND c.legal_entity_id = %(entity)s
        AND EXISTS (SELECT 1 FROM customers_customer d WHERE d.parent_id = c.id)
) found
"""
_ITEMS = """
SELECT id, customer_id, number, kind, issue_date, due_date, (open_amount * 100)::bigint, disputed_amount > 0,
    instalment, rank
FROM (
    SELECT i.*, row_number() OVER (PARTITION BY customer_id ORDER BY due_date, id) AS rank
    FROM invoices_openitem i
    WHERE customer_id = ANY(%(ids)s) AND currency = %(currency)s AND open_amount <> 0
) ranked
WHERE rank <= %(most)s
ORDER BY customer_id, due_date, id
"""
_PAYMENTS = """
SELECT i.customer_id, i.issue_date, (-i.total_amount * 100)::bigint,
    EXISTS (SELECT 1 FROM invoices_receipt r WHERE r.item_id = i.id)
FROM invoices_openitem i
WHERE i.customer_id = ANY(%(ids)s) AND i.kind = 'PAYMENT' AND i.issue_date BETWEEN %(first)s AND %(last)s
    AND i.currency = %(currency)s
"""
_SETTLED = """
SELECT customer_id, number, encours_number_digits(number), encours_number_tail(number)
FROM invoices_openitem
WHERE customer_id = ANY(%(ids)s) AND open_amount = 0 AND kind <> 'PAYMENT' AND issue_date >= %(first)s
"""
_UNDONE = """
SELECT debit_id FROM invoices_allocation WHERE reversed_on IS NOT NULL AND debit_id = ANY(%(ids)s)
UNION
SELECT credit_id FROM invoices_allocation WHERE reversed_on IS NOT NULL AND credit_id = ANY(%(ids)s)
"""


@dataclass
class Directory:
    """The customers of an entity by what a text may say of them; read once for many lines."""

    entity_id: int
    names: dict[str, list[int]] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    sirens: dict[str, list[int]] = field(default_factory=dict)
    similar: dict[str, dict[int, str]] = field(default_factory=dict)


def directory_of(entity_id: int) -> Directory:
    """Read the customers of an entity."""
    directory = Directory(entity_id)
    rows = _rows(
        "SELECT id, account_code, name, siren FROM customers_customer"
        " WHERE legal_entity_id = %(entity)s AND status <> 'CLOSED'",
        entity=entity_id,
    )
    for pk, code, name, siren in rows:
        key = name_key(name)
        directory.keys[pk] = key
        directory.names.setdefault(_any_order(key), []).append(pk)
        directory.codes[_compact(code)] = pk
        if siren:
            directory.sirens.setdefault(siren, []).append(pk)
    return directory


def candidates_of(
    lines: Sequence[Line], readings: Sequence[LineReading], *, directory: Directory, currency: str
) -> list[Candidates]:
    """For each line all that may matter: accounts with their open items, signs of payers, items of the same amount."""
    entity_id = directory.entity_id
    named = _named_items(readings, entity_id, currency)
    same = _same_amounts(lines, entity_id, currency)
    payers = _payers(lines, readings, directory)
    sought = [
        _accounts_of(line, reading, named, same, found)
        for line, reading, found in zip(lines, readings, payers, strict=True)
    ]
    paying = {payer.customer_id for found in payers for payer in found}
    accounts, members = load_accounts(
        {pk for ids in sought for pk in ids},
        paying,
        entity_id,
        currency,
        [line.booking_date for line in lines],
    )
    undone = undone_items(accounts.values())
    by_pk = {item.pk: item for account in accounts.values() for item in account.items}
    result = []
    for line, ids, found in zip(lines, sought, payers, strict=True):
        wanted = dict.fromkeys(ids)
        for payer in found:
            account = accounts.get(payer.customer_id)
            if account is not None and account.group:
                wanted.update(dict.fromkeys(members.get(account.group, ())))
        chosen = {pk: accounts[pk] for pk in wanted if pk in accounts}
        result.append(
            Candidates(
                accounts=chosen,
                payers=[payer for payer in found if payer.customer_id in chosen],
                same_amount=[by_pk[pk] for pk, _owner in same.get(line.cents, ()) if pk in by_pk],
                undone=undone,
            )
        )
    return result


def _named_items(readings: Iterable[LineReading], entity_id: int, currency: str) -> dict[str, list[int]]:
    """The owners of open items by the keys of their numbers; keys that too many bear are left out."""
    keys = sorted({key for reading in readings for key in reading.look_up_keys()})
    owners: dict[str, list[int]] = defaultdict(list)
    if keys:
        rows = _rows(_NAMED, keys=keys, entity=entity_id, currency=currency, most=MOST_OWNERS + 1)
        for key, customer_id in rows:
            owners[key].append(customer_id)
    return {key: found for key, found in owners.items() if len(found) <= MOST_OWNERS}


def _same_amounts(lines: Iterable[Line], entity_id: int, currency: str) -> dict[int, list[tuple[int, int]]]:
    """Open items (and their owners) of exactly a line's amount, some of them."""
    amounts = sorted({line.cents for line in lines})
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    texts = [f"{cents // 100}.{cents % 100:02d}" for cents in amounts]
    for cents, pk, owner in _rows(_SAME_AMOUNT, amounts=texts, entity=entity_id, currency=currency):
        found[cents].append((pk, owner))
    return found


def _payers(
    lines: Sequence[Line], readings: Sequence[LineReading], directory: Directory
) -> list[list[Payer]]:
    aliases = _aliases(lines, directory.entity_id)
    unknown = [
        (line, reading)
        for line, reading in zip(lines, readings, strict=True)
        if not any((kind, value) in aliases for kind, value, _code in _signs(line))
    ]
    _look_up_similar(unknown, directory)
    result = []
    for line, reading in zip(lines, readings, strict=True):
        found: list[Payer] = []
        for kind, value, code in _signs(line):
            found += [
                Payer(pk, code, value, is_known=code != "payer_name_known")
                for pk in aliases.get((kind, value), ())
            ]
        for code in reading.text.codes:
            if code in directory.codes:
                found.append(Payer(directory.codes[code], "payer_code", code))
        for siren in reading.text.sirens:
            found += [Payer(pk, "payer_siren", siren) for pk in directory.sirens.get(siren, ())]
        found += _by_names(line, reading, directory)
        result.append(found)
    return result


def _signs(line: Line) -> list[tuple[str, str, str]]:
    """Kind and value under which a person may have confirmed the payer, and the code of the reason."""
    kinds = PayerAlias.Kind
    signs = []
    if line.iban:
        signs.append((kinds.IBAN.value, line.iban, "payer_iban"))
    if line.mandate:
        signs.append((kinds.MANDATE.value, line.mandate, "payer_mandate"))
    signs += [(kinds.NAME.value, name_key(name), "payer_name_known") for name in names_of(line)]
    return signs


def _aliases(lines: Iterable[Line], entity_id: int) -> dict[tuple[str, str], list[int]]:
    asked = sorted({(kind, value) for line in lines for kind, value, _code in _signs(line)})
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    if asked:
        for kind, value, pk in _rows(
            _ALIASES,
            kinds=[kind for kind, _value in asked],
            values=[value for _kind, value in asked],
            entity=entity_id,
        ):
            found[kind, value].append(pk)
    return found


def _by_names(line: Line, reading: LineReading, directory: Directory) -> list[Payer]:
    found: list[Payer] = []
    for name in names_of(line):
        key = name_key(name)
        found += by_name(key, _alike(key, directory))
    if not names_of(line) and reading.text.words:
        key = name_key(reading.text.words)
        found += by_name(key, _alike(key, directory), in_text=True)
    return found


def _alike(key: str, directory: Directory) -> dict[int, str]:
    same = directory.names.get(_any_order(key), ())
    return {pk: directory.keys[pk] for pk in same} or directory.similar.get(key, {})


def _look_up_similar(unknown: Iterable[tuple[Line, LineReading]], directory: Directory) -> None:
    """Ask the trigram index for names that no customer bears as they are, once each."""
    asked = set()
    for line, reading in unknown:
        names = names_of(line) or ([reading.text.words] if reading.text.words else [])
        for name in names:
            key = name_key(name)
            if len(key) >= 4 and key not in directory.similar and _any_order(key) not in directory.names:
                asked.add(key)
    if not asked:
        return
    for key in asked:
        directory.similar[key] = {}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL pg_trgm.similarity_threshold = 0.45")
    for key, pk, name in _rows(_SIMILAR, keys=sorted(asked), entity=directory.entity_id):
        directory.similar[key][pk] = name_key(name)


def _accounts_of(
    line: Line,
    reading: LineReading,
    named: dict[str, list[int]],
    same: dict[int, list[tuple[int, int]]],
    payers: Sequence[Payer],
) -> list[int]:
    """The customers to look at for a line, the likeliest first."""
    ids: dict[int, None] = {payer.customer_id: None for payer in payers}
    for key in sorted(reading.look_up_keys(), key=len, reverse=True):
        ids.update(dict.fromkeys(named.get(key, ())))
    # Who has an item of the same amount matters where nothing says who pays.
    if not any(payer.code in SURE for payer in payers):
        ids.update({owner: None for _pk, owner in same.get(line.cents, ())})
    return list(ids)[:MOST_ACCOUNTS]


def load_accounts(
    ids: set[int], paying: set[int], entity_id: int, currency: str, days: Sequence[date]
) -> tuple[dict[int, Account], dict[int, list[int]]]:
    """The accounts and those of their payers' groups; members by group."""
    groups = [row[0] for row in _rows(_GROUPS, ids=sorted(paying))] if paying else []
    accounts: dict[int, Account] = {}
    members: dict[int, list[int]] = defaultdict(list)
    for pk, code, name, group, insolvent in _rows(
        _CUSTOMERS, ids=sorted(ids), groups=groups, entity=entity_id
    ):
        accounts[pk] = Account(pk, code, name, group, insolvent)
        if group:
            members[group].append(pk)
    members = defaultdict(list, {key: pks for key, pks in members.items() if len(pks) <= MOST_MEMBERS})
    every = sorted(accounts)
    if not every:
        return accounts, members
    for pk, owner, number, kind, issued, due, cents, disputed, instalment, rank in _rows(
        _ITEMS, ids=every, currency=currency, most=MOST_ITEMS + 1
    ):
        account = accounts[owner]
        if rank > MOST_ITEMS:
            account.is_complete = False
            continue
        account.items.append(
            Item(pk, owner, number, keys_of(number), kind, issued, due, cents, disputed, instalment)
        )
    first, last = min(days) - timedelta(days=_PAYMENT_DAYS), max(days) + timedelta(days=_PAYMENT_DAYS)
    for owner, day, cents, by_line in _rows(_PAYMENTS, ids=every, first=first, last=last, currency=currency):
        accounts[owner].payments.append((day, cents, by_line))
    first = min(days) - timedelta(days=_SETTLED_DAYS)
    for owner, number, digits, tail in _rows(_SETTLED, ids=every, first=first):
        accounts[owner].settled[digits] = number
        accounts[owner].settled.setdefault(tail, number)
    return accounts, members


def undone_items(accounts: Iterable[Account]) -> frozenset[int]:
    """Open items of which an allocation was undone once."""
    ids = [item.pk for account in accounts for item in account.items]
    return frozenset(row[0] for row in _rows(_UNDONE, ids=ids)) if ids else frozenset()


def _rows(sql: str, **params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _any_order(key: str) -> str:
    return " ".join(sorted(key.split()))


def _compact(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())
