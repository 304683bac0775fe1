"""Files of accounts and ratings: all of their rows are taken in, or none, with every problem told."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from core.errors import BusinessError
from core.models import StoredFile
from core.operation import operation
from core.rights import Actor
from customers.models import Customer
from risk.operations.financial_statements import StatementEntry, StatementRefused, enter_statement
from risk.operations.ratings import enter_rating
from risk.outside_words import row_problem
from risk.readers.rows import RATING, OutsideRow


@dataclass(frozen=True)
class RowProblem:
    number: int
    messages: tuple[str, ...]


@dataclass
class OutsideOutcome:
    """What a file brought. With problems, nothing was written. `strangers`: companies that are no customers here."""

    statements: int = 0
    ratings: int = 0
    kept: int = 0
    strangers: list[str] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    customers: set[int] = field(default_factory=set)


class _Undo(Exception):
    """Nothing is kept of a file with problems."""


@operation("risk.enter_accounts")
def take_outside_file(
    *,
    actor: Actor,
    rows: Sequence[OutsideRow],
    today: date,
    now: datetime,
    file: StoredFile | None = None,
    customer: Customer | None = None,
) -> OutsideOutcome:
    """Take in the rows of a file (at most some thousands, see `risk.readers.process`), whole or not at all.

    A row names its company by SIREN, or by account code (and legal entity); `customer` is meant where it names none.
    Companies that are no customers in the actor's scope are passed over and listed.
    """
    outcome = OutsideOutcome()
    known = _Known(actor, rows)
    try:
        with transaction.atomic():
            for row in rows:
                found = known.of(row) or ([customer] if customer and not (row.siren or row.customer) else [])
                messages = [row_problem(error) for error in row.errors]
                if not found and not messages:
                    outcome.strangers.append(row.siren or row.customer or "–")
                    continue
                if not messages:
                    messages = _take(actor, row, found, today, now, file, outcome)
                if messages:
                    outcome.problems.append(RowProblem(row.number, tuple(messages)))
            if outcome.problems:
                raise _Undo
    except _Undo:
        outcome.statements = outcome.ratings = outcome.kept = 0
        outcome.customers = set()
    return outcome


def _take(
    actor: Actor,
    row: OutsideRow,
    found: Sequence[Customer],
    today: date,
    now: datetime,
    file: StoredFile | None,
    outcome: OutsideOutcome,
) -> list[str]:
    """Write one row; returns what is wrong with it."""
    customer = found[0]
    try:
        with transaction.atomic():
            if row.what == RATING:
                enter_rating(
                    actor=actor,
                    customer=customer,
                    scale=row.scale,
                    value=row.value,
                    rated_on=date.fromisoformat(row.rated_on),
                    valid_until=date.fromisoformat(row.valid_until) if row.valid_until else None,
                    reference=row.reference,
                    source=row.source,
                    today=today,
                    now=now,
                )
                outcome.ratings += 1
            else:
                enter_statement(
                    actor=actor, customer=customer, entry=entry_of(row), today=today, now=now, file=file
                )
                outcome.statements += 1
    except StatementRefused as refusal:
        if refusal.is_poorer:
            # Fuller accounts are there already: nothing is lost by keeping them.
            outcome.kept += 1
            return []
        return [str(refusal), *refusal.faults.values()]
    except BusinessError as refusal:
        return [str(refusal)]
    outcome.customers.update(one.pk for one in found)
    return []


def entry_of(row: OutsideRow) -> StatementEntry:
    """A row as the accounts of a year; its `unit` is applied by the operation."""
    return StatementEntry(
        form=row.form,
        period_end=date.fromisoformat(row.period_end),
        values={code: Decimal(text) for code, text in row.values.items()},
        previous={code: Decimal(text) for code, text in row.previous.items()},
        months=row.months,
        currency=row.currency,
        unit=row.unit,
        basis=row.basis,
        publicity=row.publicity,
        source=row.source,
        warnings=[{"text": row_problem(warning)} for warning in row.warnings],
    )


class _Known:
    """The customers that the rows name, in the actor's scope: read at once."""

    def __init__(self, actor: Actor, rows: Sequence[OutsideRow]) -> None:
        visible = Customer.objects.visible_to(actor).select_related("legal_entity").order_by("pk")
        self._sirens: dict[str, list[Customer]] = defaultdict(list)
        self._codes: dict[str, list[Customer]] = defaultdict(list)
        for customer in visible.filter(siren__in={row.siren for row in rows if row.siren}):
            self._sirens[customer.siren].append(customer)
        for customer in visible.filter(account_code__in={row.customer for row in rows if row.customer}):
            self._codes[customer.account_code].append(customer)

    def of(self, row: OutsideRow) -> list[Customer]:
        if row.siren:
            return self._sirens.get(row.siren, [])
        found = self._codes.get(row.customer, []) if row.customer else []
        found = [one for one in found if not row.entity or one.legal_entity.code == row.entity]
        if len(found) > 1:
            row.fail(
                "CHOICE",
                "legal_entity",
                row.customer,
                choices=", ".join(one.legal_entity.code for one in found),
            )
            return []
        return found
