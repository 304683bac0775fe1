"""Proposals for credits already on an account: payments that the ERP posted without matching them, credit notes.

The payer is known, for the credit is on his account. Posted without a person only where the credit's own reference
names the documents and the amounts agree to the cent.
"""

from collections import defaultdict
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from core import audit
from core.rights import Actor
from customers.models import LegalEntity
from invoices.match_candidates import load_accounts, undone_items
from invoices.matching.naming import read_line
from invoices.matching.proposing import propose
from invoices.matching.values import Account, Candidates, Line, Payer, Proposal, Rules
from invoices.models import Allocation
from invoices.operations.ageing import refresh_ageing
from invoices.operations.applying import doubt_proposals_on
from invoices.operations.match_rows import copy_rows, money, new_ids
from invoices.operations.matching import check_right, copy_proposals, delete_proposals, rules_of
from invoices.pairing import Side, pair

CHUNK = 1_000
_EXACT = frozenset({"named_reference", "named_full", "named_digits"})

_CREDITS = """
SELECT id, customer_id, issue_date, (-open_amount * 100)::bigint, currency, reference, number
FROM invoices_openitem
WHERE legal_entity_id = %(entity)s AND open_amount < 0 AND kind IN ('PAYMENT', 'CREDIT_NOTE') AND id > %(after)s
ORDER BY id LIMIT %(chunk)s
"""


def match_credits(*, actor: Actor, today: date, now: datetime, entity: LegalEntity) -> dict[str, int]:
    """Seek proposals for every open credit of an entity anew; post what is certain. Counts: credits, proposed, posted.

    Each chunk is a transaction of its own. Raises NotAllowed.
    """
    check_right(actor, "match_credits")
    counts = {"credits": 0, "proposed": 0, "posted": 0}
    rules, after = rules_of(entity.pk), 0
    while True:
        rows = _rows(_CREDITS, entity=entity.pk, after=after, chunk=CHUNK)
        if not rows:
            return counts
        after = rows[-1][0]
        with transaction.atomic():
            done = _match_chunk(actor, entity.pk, rows, rules, today=today, now=now)
        for name, count in zip(counts, done, strict=True):
            counts[name] += count


def _match_chunk(
    actor: Actor, entity_id: int, rows: list[tuple[Any, ...]], rules: Rules, *, today: date, now: datetime
) -> tuple[int, int, int]:
    found: list[tuple[int, list[Proposal]]] = []
    lines: dict[int, Line] = {}
    by_currency: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        by_currency[row[4]].append(row)
    for currency, group in sorted(by_currency.items()):
        accounts, _members = load_accounts(
            {row[1] for row in group}, set(), entity_id, currency, [row[2] for row in group]
        )
        undone = undone_items(accounts.values())
        # A credit that was matched and freed again is a person's to match: its past days hold what it settled.
        freed = set(
            Allocation.objects.filter(
                credit__in=[row[0] for row in group], reversed_on__isnull=False
            ).values_list("credit_id", flat=True)
        )
        for pk, customer_id, day, cents, _currency, reference, number in group:
            line = lines[pk] = Line(pk, day, cents, currency, remittance=f"{reference} | {number}")
            known = Candidates(
                accounts={customer_id: _debits_only(accounts[customer_id])},
                payers=[Payer(customer_id, "payer_account", is_known=True)],
                undone=undone,
            )
            found.append(
                (
                    pk,
                    _cautious(
                        propose(line, read_line(line), known, rules),
                        line,
                        today,
                        [number] if pk in freed else [],
                    ),
                )
            )
    delete_proposals("credit_id", [row[0] for row in rows])
    ids = copy_proposals("credit_id", found, now)
    certain = [
        (lines[pk], proposals[0], ids[pk]) for pk, proposals in found if proposals and proposals[0].is_certain
    ]
    posted = _post(actor, entity_id, certain, now)
    return len(rows), sum(bool(proposals) for _pk, proposals in found), posted


def _debits_only(account: Account) -> Account:
    """A credit settles debits: the other credits of the account are no part of it."""
    return Account(
        account.pk,
        account.code,
        account.name,
        is_insolvent=account.is_insolvent,
        items=[item for item in account.items if item.cents > 0],
        is_complete=account.is_complete,
    )


def _cautious(proposals: list[Proposal], line: Line, today: date, freed: list[str]) -> list[Proposal]:
    """An amount alone is no reason to match a credit without a person."""
    for proposal in proposals:
        codes = {str(reason["code"]) for reason in proposal.reasons}
        if proposal.rule != "NAMED" or not codes & _EXACT:
            proposal.blocks.append({"code": "block_not_exact_reference"})
        if line.booking_date > today:
            proposal.blocks.append({"code": "block_future"})
        if freed:
            proposal.blocks.append({"code": "block_undone", "numbers": freed})
    return [proposal for proposal in proposals if proposal.parts]


def _post(actor: Actor, entity_id: int, certain: list[tuple[Line, Proposal, int]], now: datetime) -> int:
    """The rows that `apply_credits` writes, for many credits in few statements."""
    chosen = _still_open(certain)
    if not chosen:
        return 0
    application_ids = new_ids("invoices_cashapplication", len(chosen))
    copy_rows(
        "invoices_cashapplication",
        "id legal_entity_id customer_id is_automatic rule score reasons applied_on applied_at reversal_reason",
        (
            (pk, entity_id, proposal.customer_id, True, proposal.rule, proposal.score, proposal.reasons, line.booking_date, now, "")
            for pk, (line, proposal, _id) in zip(application_ids, chosen, strict=True)
        ),
    )  # fmt: skip
    copy_rows(
        "invoices_allocation",
        "debit_id credit_id amount allocated_on reversal_reason created_at application_id",
        (
            (found.debit, found.credit, found.amount, line.booking_date, "", now, application)
            for application, (line, proposal, _id) in zip(application_ids, chosen, strict=True)
            for found in pair(
                [Side(item.pk, money(cents)) for item, cents in sorted(proposal.parts, key=_by_due_date)],
                [Side(line.pk, money(line.cents))],
            )
        ),
    )
    settled = [
        pk for line, proposal, _id in chosen for pk in (line.pk, *(item.pk for item, _c in proposal.parts))
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE invoices_openitem SET open_amount = 0, updated_at = %s WHERE id = ANY(%s)", [now, settled]
        )
        cursor.execute(
            "UPDATE invoices_matchproposal SET status = CASE WHEN id = ANY(%s) THEN 'POSTED' ELSE 'DISMISSED' END"
            " WHERE credit_id = ANY(%s) AND status = 'OPEN'",
            [[pk for _line, _proposal, pk in chosen], [line.pk for line, _proposal, _id in chosen]],
        )
    doubt_proposals_on(settled)
    audit.record_each(
        actor=actor,
        verb="invoices.credits.applied",
        events=[
            (
                [
                    f"cashapplication:{application}",
                    f"openitem:{line.pk}",
                    *(f"openitem:{item.pk}" for item, _cents in proposal.parts),
                    f"customer:{proposal.customer_id}",
                ],
                {
                    "amount": str(money(line.cents)),
                    "currency": line.currency,
                    "items": [item.number for item, _cents in proposal.parts],
                },
            )
            for application, (line, proposal, _id) in zip(application_ids, chosen, strict=True)
        ],
        now=now,
    )
    refresh_ageing(
        customer_ids=[proposal.customer_id for _line, proposal, _id in chosen],
        effective_from=min(line.booking_date for line, _proposal, _id in chosen),
    )
    return len(chosen)


def _still_open(certain: list[tuple[Line, Proposal, int]]) -> list[tuple[Line, Proposal, int]]:
    """Lock credits and debits in the order of their keys; each goes once, and only as it was looked at."""
    taken: set[int] = set()
    chosen = []
    for line, proposal, pk in certain:
        items = {item.pk for item, _cents in proposal.parts}
        if not items & taken:
            chosen.append((line, proposal, pk))
            taken |= items
    ids = sorted(taken | {line.pk for line, _proposal, _pk in chosen})
    rows = _rows(
        "SELECT id, (open_amount * 100)::bigint FROM invoices_openitem WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE",
        ids=ids,
    )
    now_open = dict(rows)
    return [
        (line, proposal, pk)
        for line, proposal, pk in chosen
        if now_open.get(line.pk) == -line.cents
        and all(now_open.get(item.pk) == item.cents for item, _cents in proposal.parts)
    ]


def _by_due_date(part: tuple[Any, int]) -> tuple[date, int]:
    return part[0].due_date, part[0].pk


def _rows(sql: str, **params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
