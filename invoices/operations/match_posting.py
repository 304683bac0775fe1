"""Posting what is certain, many lines at once: exactly the rows that `apply_line` writes for each, in few statements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from core import audit
from core.rights import SYSTEM
from invoices.matching.values import Line, Proposal
from invoices.models import BankLine, OpenItem
from invoices.operations.ageing import refresh_ageing
from invoices.operations.applying import doubt_proposals_on, free_number
from invoices.operations.match_rows import copy_rows, money, new_ids
from invoices.pairing import Side, pair


@dataclass(frozen=True, slots=True)
class Certain:
    """A line, and the proposal that settles it wholly."""

    line: Line
    proposal: Proposal
    proposal_id: int
    customer_code: str


def post_certain(entity_id: int, certain: Sequence[Certain], *, today: date, now: datetime) -> set[int]:
    """Post the lines whose items are still open as they were when they were looked at; returns their keys.

    The lines are locked by the caller. An item that two lines want goes to the first; the other is left.
    """
    chosen = _still_open(_first_come(certain, today))
    if not chosen:
        return set()
    _write(entity_id, chosen, now)
    doubt_proposals_on(item.pk for found in chosen for item, _cents in found.proposal.parts)
    _audit(chosen, now)
    refresh_ageing(
        customer_ids=[found.proposal.customer_id for found in chosen],
        effective_from=min(found.line.booking_date for found in chosen),
    )
    return {found.line.pk for found in chosen}


def _first_come(certain: Sequence[Certain], today: date) -> list[Certain]:
    taken: set[int] = set()
    chosen = []
    for found in sorted(certain, key=lambda found: (found.line.booking_date, found.line.pk)):
        items = {item.pk for item, _cents in found.proposal.parts}
        if found.line.booking_date <= today and not items & taken:
            chosen.append(found)
            taken |= items
    return chosen


def _still_open(chosen: list[Certain]) -> list[Certain]:
    """Lock the items in the order of their keys; leave out the lines of which one has moved since."""
    ids = sorted({item.pk for found in chosen for item, _cents in found.proposal.parts})
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, (open_amount * 100)::bigint, disputed_amount > 0 FROM invoices_openitem"
            " WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            [ids],
        )
        now_open = {pk: (cents, disputed) for pk, cents, disputed in cursor.fetchall()}
    return [
        found
        for found in chosen
        if all(now_open.get(item.pk) == (item.cents, False) for item, _cents in found.proposal.parts)
    ]


def _write(entity_id: int, chosen: Sequence[Certain], now: datetime) -> None:
    application_ids = new_ids("invoices_cashapplication", len(chosen))
    payment_ids = new_ids("invoices_openitem", len(chosen))
    numbered = list(zip(chosen, application_ids, payment_ids, strict=True))
    numbers = _numbers(entity_id, [found.line.pk for found in chosen])
    copy_rows(
        "invoices_cashapplication",
        "id legal_entity_id customer_id bank_line_id is_automatic rule score reasons applied_on applied_at reversal_reason",
        (
            (
                application, entity_id, found.proposal.customer_id, found.line.pk, True, found.proposal.rule,
                found.proposal.score, found.proposal.reasons, found.line.booking_date, now, "",
            )
            for found, application, _payment in numbered
        ),
    )  # fmt: skip
    copy_rows(
        "invoices_openitem",
        "id legal_entity_id customer_id kind number instalment issue_date due_date currency total_amount open_amount"
        " disputed_amount reference is_factored posted_at updated_at",
        (
            (
                payment, entity_id, found.proposal.customer_id, "PAYMENT", numbers[found.line.pk], 1,
                found.line.booking_date, found.line.booking_date, found.line.currency, money(-found.line.cents),
                money(0), money(0), found.line.remittance[:80], False, now, now,
            )
            for found, _application, payment in numbered
        ),
    )  # fmt: skip
    copy_rows(
        "invoices_receipt",
        "bank_line_id item_id application_id role amount",
        (
            (found.line.pk, payment, application, "PAYMENT", money(found.line.cents))
            for found, application, payment in numbered
        ),
    )
    copy_rows(
        "invoices_allocation",
        "debit_id credit_id amount allocated_on reversal_reason created_at application_id",
        (
            (side.debit, side.credit, side.amount, found.line.booking_date, "", now, application)
            for found, application, payment in numbered
            for side in _pairs(found, payment)
        ),
    )
    _settle([item.pk for found in chosen for item, _cents in found.proposal.parts], now)
    _close([found.line.pk for found in chosen], [found.proposal_id for found in chosen], now)


def _numbers(entity_id: int, line_ids: Sequence[int]) -> dict[int, str]:
    """The number of each line's payment: the next free one where the entity's own program took it."""
    wanted = {pk: f"BQ-{pk}" for pk in line_ids}
    taken = set(
        OpenItem.objects.filter(
            legal_entity=entity_id, number__in=list(wanted.values()), instalment=1
        ).values_list("number", flat=True)
    )
    return {
        pk: free_number(entity_id, number, 2) if number in taken else number for pk, number in wanted.items()
    }


def _pairs(found: Certain, payment: int) -> Iterable[Any]:
    """Credit notes first, then the money, settle the debits, oldest due first: as `operations.applying.post_share`."""
    parts = sorted(found.proposal.parts, key=lambda part: (part[0].due_date, part[0].pk))
    debits = [Side(item.pk, money(cents)) for item, cents in parts if cents > 0]
    credits = [Side(item.pk, money(-cents)) for item, cents in parts if cents < 0]
    return pair(debits, [*credits, Side(payment, money(found.line.cents))])


def _settle(item_ids: list[int], now: datetime) -> None:
    """Every part is a whole open amount: the items are settled."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE invoices_openitem SET open_amount = 0, updated_at = %s WHERE id = ANY(%s)",
            [now, item_ids],
        )


def _close(line_ids: list[int], proposal_ids: list[int], now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE invoices_bankline SET applied_amount = amount, status = %s, updated_at = %s WHERE id = ANY(%s)",
            [BankLine.Status.APPLIED, now, line_ids],
        )
        cursor.execute(
            "UPDATE invoices_matchproposal SET status = CASE WHEN id = ANY(%s) THEN 'POSTED' ELSE 'DISMISSED' END"
            " WHERE bank_line_id = ANY(%s) AND status = 'OPEN'",
            [proposal_ids, line_ids],
        )


def _audit(chosen: Sequence[Certain], now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bank_line_id, id FROM invoices_cashapplication WHERE bank_line_id = ANY(%s) AND reversed_at IS NULL",
            [[found.line.pk for found in chosen]],
        )
        applications = dict(cursor.fetchall())
    audit.record_each(
        actor=SYSTEM,
        verb="invoices.cash.applied",
        events=[
            (
                [
                    f"bankline:{found.line.pk}",
                    f"cashapplication:{applications[found.line.pk]}",
                    *(f"openitem:{pk}" for pk in sorted(item.pk for item, _cents in found.proposal.parts)),
                    f"customer:{found.proposal.customer_id}",
                ],
                {
                    "amount": str(money(found.line.cents)),
                    "currency": found.line.currency,
                    "customers": [found.customer_code],
                    "items": [
                        item.number
                        for item, _cents in sorted(found.proposal.parts, key=lambda part: part[0].pk)
                    ],
                    "on_account": str(Decimal("0.00")),
                    "differences": "0.00",
                    "proposal": found.proposal_id,
                },
            )
            for found in chosen
        ],
        now=now,
    )
