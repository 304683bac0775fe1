"""Matching what the bank received with what is owed: proposals for every line, and posting of what is certain.

State is the queue: an open line whose `matched_at` is empty waits. Chunks are transactions of their own; one that
is killed is done again. Two workers never look at the same line, and what both want goes to the first.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core import audit
from core.errors import NotAllowed
from core.jobs import kick
from core.operation import operation
from core.rights import Actor, has_permission
from customers.models import LegalEntity
from invoices.match_candidates import Directory, candidates_of, directory_of
from invoices.matching.naming import read_line
from invoices.matching.proposing import propose
from invoices.matching.values import Line, Proposal, Rules
from invoices.models import CashSettings
from invoices.operations.match_posting import Certain, post_certain
from invoices.operations.match_rows import copy_rows, money, new_ids
from invoices.operations.payers import count_uses

CHUNK = 1_000
TASK = "invoices.tasks.match_bank_lines"

_CLAIM = """
SELECT l.id, l.booking_date, ((abs(l.amount) - l.applied_amount) * 100)::bigint, l.currency, l.remittance,
    l.structured_reference, l.document_references, l.end_to_end_id, l.mandate_reference, l.counterparty_name,
    l.ultimate_name, l.counterparty_iban, (coalesce(l.charges_amount, 0) * 100)::bigint,
    l.applied_amount > 0 OR EXISTS (SELECT 1 FROM invoices_receipt r WHERE r.bank_line_id = l.id),
    l.original_currency NOT IN ('', l.currency), l.amount > 0 AND NOT l.is_return
FROM invoices_bankline l
JOIN invoices_bankaccount a ON a.id = l.bank_account_id
WHERE l.status = 'OPEN' AND l.matched_at IS NULL AND a.legal_entity_id = %(entity)s
ORDER BY l.id LIMIT %(chunk)s
FOR UPDATE OF l SKIP LOCKED
"""


def match_lines(
    *,
    actor: Actor,
    today: date,
    now: datetime,
    entity: LegalEntity | None = None,
    limit: int | None = None,
) -> dict[str, int]:
    """Seek proposals for the open lines that wait, and post what is certain. Returns counts: lines, proposed, posted.

    Each chunk is a transaction of its own. Raises NotAllowed.
    """
    check_right(actor, "match_lines")
    counts: Counter[str] = Counter(lines=0, proposed=0, posted=0)
    entities = [entity] if entity is not None else list(LegalEntity.objects.order_by("pk"))
    for one in entities:
        directory: Directory | None = None
        while limit is None or counts["lines"] < limit:
            chunk = CHUNK if limit is None else min(CHUNK, limit - counts["lines"])
            with transaction.atomic():
                claimed = _claim(one.pk, chunk)
                if not claimed:
                    break
                directory = directory or directory_of(one.pk)
                done = _match_chunk(claimed, directory, rules_of(one.pk), today=today, now=now)
            counts.update(done)
            if not done["lines"]:
                break
    return dict(counts)


def check_right(actor: Actor, name: str) -> None:
    """The right of an operation whose chunks are transactions of their own. Raises NotAllowed."""
    if has_permission(actor, "invoices.apply_cash"):
        return
    audit.record(
        actor=actor,
        verb="core.operation.refused",
        refs=[],
        operation=f"{__name__}.{name}",
        permission="invoices.apply_cash",
    )
    raise NotAllowed(_("Votre rôle ne permet pas cette action. Demandez-la à un administrateur d’Encours."))


@operation("invoices.apply_cash")
def rematch(*, actor: Actor, entity_id: int) -> int:
    """Seek proposals again for the entity's open lines: new items or another act may have changed them. How many."""
    return reset_matching(entity_id=entity_id)


def reset_matching(*, entity_id: int) -> int:
    """`rematch` for operations that hold their own right already: to be called in their transaction, at its end."""
    with connection.cursor() as cursor:
        cursor.execute(
            # A line that somebody works on is told apart by its own act.
            "WITH waiting AS (SELECT l.id FROM invoices_bankline l"
            " JOIN invoices_bankaccount a ON a.id = l.bank_account_id"
            " WHERE a.legal_entity_id = %s AND l.status = 'OPEN' AND l.matched_at IS NOT NULL"
            " ORDER BY l.id FOR UPDATE OF l SKIP LOCKED)"
            " UPDATE invoices_bankline l SET matched_at = NULL FROM waiting WHERE l.id = waiting.id",
            [entity_id],
        )
        count = cursor.rowcount
    if count:
        kick(TASK)
    return count


def _claim(entity_id: int, chunk: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute(_CLAIM, {"entity": entity_id, "chunk": chunk})
        return cursor.fetchall()


def rules_of(entity_id: int) -> Rules:
    """What the entity tolerates; the defaults where nothing was set."""
    stored = CashSettings.objects.filter(legal_entity=entity_id).first() or CashSettings()
    return Rules(
        posts_by_itself=stored.posts_by_itself,
        tolerance=int(stored.tolerance_amount * 100),
        charges_tolerance=int(stored.charges_tolerance * 100),
        discount_share=int(stored.discount_share * 100),
        discount_days=stored.discount_days,
        oldest_days=stored.oldest_days,
    )


def _match_chunk(
    claimed: Sequence[tuple[Any, ...]], directory: Directory, rules: Rules, *, today: date, now: datetime
) -> Counter[str]:
    lines = [_line(row) for row in claimed if row[-1]]
    found: list[tuple[Line, list[Proposal], dict[int, str]]] = []
    for currency in sorted({line.currency for line in lines}):
        group = [line for line in lines if line.currency == currency]
        readings = [read_line(line) for line in group]
        candidates = candidates_of(group, readings, directory=directory, currency=currency)
        for line, reading, known in zip(group, readings, candidates, strict=True):
            codes = {pk: account.code for pk, account in known.accounts.items()}
            found.append((line, _dated(propose(line, reading, known, rules), line, today), codes))
    ids = _write_proposals([row[0] for row in claimed], found, now)
    certain = [
        Certain(line, proposals[0], ids[line.pk], codes[proposals[0].customer_id])
        for line, proposals, codes in found
        if proposals and proposals[0].is_certain
    ]
    # Posting sends other lines back to the queue: those whose proposals count on what it settles.
    _mark([row[0] for row in claimed], now)
    posted = post_certain(directory.entity_id, certain, today=today, now=now)
    count_uses(
        entity_id=directory.entity_id,
        used=[(one.line, one.proposal.customer_id) for one in certain if one.line.pk in posted],
        today=today,
    )
    # What was certain and could not be posted was wanted by another line: sought again.
    left = {one.line.pk for one in certain} - posted
    if left:
        _mark(sorted(left), None)
    return Counter(
        lines=len(claimed) - len(left),
        proposed=sum(bool(proposals) for _l, proposals, _c in found),
        posted=len(posted),
    )


def _line(row: tuple[Any, ...]) -> Line:
    (
        pk, day, cents, currency, remittance, structured, documents, end_to_end, mandate, name, ultimate, iban, charges,
        begun, other, _credit,
    ) = row  # fmt: skip
    numbers = tuple(
        str(document.get("number", "")) if isinstance(document, dict) else str(document)
        for document in (documents if isinstance(documents, list) else [])
    )
    return Line(
        pk, day, cents, currency, remittance, structured, tuple(number for number in numbers if number), end_to_end,
        mandate.strip().upper(), name, ultimate, "".join(iban.split()).upper(), charges, begun, other,
    )  # fmt: skip


def _dated(proposals: list[Proposal], line: Line, today: date) -> list[Proposal]:
    """Nothing is posted before its day."""
    if line.booking_date > today:
        for proposal in proposals:
            proposal.blocks.append({"code": "block_future"})
    return proposals


def _write_proposals(
    line_ids: list[int], found: Sequence[tuple[Line, list[Proposal], dict[int, str]]], now: datetime
) -> dict[int, int]:
    """Replace the proposals of these lines; the key of each line's first one."""
    delete_proposals("bank_line_id", line_ids)
    return copy_proposals("bank_line_id", [(line.pk, proposals) for line, proposals, _codes in found], now)


def copy_proposals(column: str, found: Sequence[tuple[int, list[Proposal]]], now: datetime) -> dict[int, int]:
    """Insert the proposals of lines or of credits (`column` says which); the key of each one's first."""
    flat = [
        (owner, rank, proposal)
        for owner, proposals in found
        for rank, proposal in enumerate(proposals, start=1)
    ]
    ids = new_ids("invoices_matchproposal", len(flat))
    copy_rows(
        "invoices_matchproposal",
        f"id {column} customer_id rank status rule score reasons blocks amount difference_amount"
        " difference_reason created_at",
        (
            (
                pk, owner, proposal.customer_id, rank, "OPEN", proposal.rule, proposal.score, proposal.reasons,
                proposal.blocks, money(proposal.amount), money(proposal.difference), proposal.difference_reason, now,
            )
            for pk, (owner, rank, proposal) in zip(ids, flat, strict=True)
        ),
    )  # fmt: skip
    copy_rows(
        "invoices_proposalpart",
        "proposal_id item_id amount",
        (
            (pk, item.pk, money(cents))
            for pk, (_owner, _rank, proposal) in zip(ids, flat, strict=True)
            for item, cents in proposal.parts
        ),
    )
    return {owner: pk for pk, (owner, rank, _proposal) in zip(ids, flat, strict=True) if rank == 1}


def delete_proposals(column: str, ids: list[int]) -> None:
    """Delete what was proposed for these lines or credits: an act keeps its own rule, score and reasons."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH old AS (SELECT id FROM invoices_matchproposal WHERE {column} = ANY(%s)),"
            " parts AS (DELETE FROM invoices_proposalpart WHERE proposal_id IN (SELECT id FROM old))"
            " DELETE FROM invoices_matchproposal WHERE id IN (SELECT id FROM old)",
            [ids],
        )


def _mark(line_ids: list[int], now: datetime | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE invoices_bankline SET matched_at = %s WHERE id = ANY(%s)", [now, line_ids])


__all__ = ["match_lines", "rematch", "reset_matching"]
