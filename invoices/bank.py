"""What the pages and the API show of bank files: statements with their remarks, what accepting would do, accounts."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum

from core.rights import Actor
from invoices.bank_messages import bank_file_message, remark_message
from invoices.models import BankAccount, BankFile, BankLine, BankStatement

MOST_STATEMENTS = 4

TONES = {
    "RECEIVED": "info",
    "READING": "info",
    "PREVIEWED": "watch",
    "REJECTED": "late",
    "ACCEPTED": "ok",
    "WITHDRAWN": "neutral",
    "CANCELLED": "neutral",
    "FAILED": "blocked",
}
STATEMENT_TONES = {
    "PREVIEWED": "watch",
    "ACCEPTED": "ok",
    "DUPLICATE": "neutral",
    "REFUSED": "late",
    "WITHDRAWN": "neutral",
}
LINE_TONES = {"DRAFT": "info", "KNOWN": "neutral", "OPEN": "watch", "APPLIED": "ok", "SET_ASIDE": "neutral"}


@dataclass(frozen=True)
class StatementShown:
    """A statement with what is said about it. `is_checked`: its balances were there and add up."""

    statement: BankStatement
    tone: str
    message: str
    message_tone: str
    new_count: int
    movements: Decimal
    is_checked: bool
    original_uid: str


@dataclass
class Part:
    """Lines that share a fate: how many, and their amounts per currency."""

    count: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What accepting a file does, or did, with its lines."""

    receipts: Part
    returns: Part
    set_aside: Part
    known: Part

    @property
    def new_count(self) -> int:
        return self.receipts.count + self.returns.count + self.set_aside.count


@dataclass(frozen=True)
class FileShown:
    """A file on the list: its first statements, how many there are, and why it stopped."""

    bank_file: BankFile
    tone: str
    error: str
    statements: list[StatementShown]
    more: int


@dataclass(frozen=True)
class Gap:
    """Between two accepted statements of an account, the balance jumps."""

    until: date
    closing: Decimal
    since: date
    opening: Decimal


@dataclass(frozen=True)
class AccountShown:
    """An account with its last accepted statement and the first gap before it."""

    account: BankAccount
    last_date: date | None
    last_closing: Decimal | None
    days: int | None
    gap: Gap | None
    open_count: int


def file_error(bank_file: BankFile) -> str:
    """Why the file as a whole stopped, or an empty text."""
    return bank_file_message(bank_file.error_code, bank_file.error_params) if bank_file.error_code else ""


def shown(statement: BankStatement) -> StatementShown:
    """The statement as pages show it."""
    with_balances = statement.opening_amount is not None and statement.closing_amount is not None
    refused = statement.status == BankStatement.Status.REFUSED
    duplicate = statement.status == BankStatement.Status.DUPLICATE
    movements = statement.credit_amount - statement.debit_amount
    return StatementShown(
        statement=statement,
        tone=STATEMENT_TONES[statement.status],
        message=remark_message(statement.remark_code, statement.remark_params),
        message_tone="late" if refused else "neutral" if duplicate else "watch",
        new_count=0 if refused or duplicate else statement.line_count - statement.known_count,
        movements=movements,
        is_checked=with_balances
        and (statement.opening_amount or Decimal(0)) + movements == statement.closing_amount,
        original_uid=str(statement.remark_params.get("uid", "")) if duplicate else "",
    )


def files_shown(bank_files: Iterable[BankFile]) -> list[FileShown]:
    """Files with their first statements, in few queries."""
    files = list(bank_files)
    of_file: dict[int, list[StatementShown]] = defaultdict(list)
    statements = BankStatement.objects.filter(bank_file__in=files)
    for statement in (
        statements.filter(rank__lte=MOST_STATEMENTS)
        .select_related("bank_account")
        .order_by("bank_file", "rank")
    ):
        of_file[statement.bank_file_id].append(shown(statement))
    counts = dict(statements.order_by().values_list("bank_file").annotate(count=Count("pk")))
    return [
        FileShown(
            bank_file=one,
            tone=TONES[one.status],
            error=file_error(one),
            statements=of_file[one.pk],
            more=counts.get(one.pk, 0) - len(of_file[one.pk]),
        )
        for one in files
    ]


def outcome_of(bank_file: BankFile) -> Outcome:
    """What accepting the file would do with its lines, or has done."""
    lines = BankLine.objects.filter(
        statement__bank_file=bank_file,
        statement__status__in=(BankStatement.Status.PREVIEWED, BankStatement.Status.ACCEPTED),
    ).order_by()
    known = Q(status=BankLine.Status.KNOWN)
    returns = ~known & Q(is_return=True)
    receipts = ~known & Q(is_return=False, amount__gt=0) & ~Q(nature=BankLine.Nature.CHARGES)
    aside = ~known & Q(is_return=False) & (Q(amount__lt=0) | Q(nature=BankLine.Nature.CHARGES))
    return Outcome(*(_part(lines.filter(which)) for which in (receipts, returns, aside, known)))


def same_file(bank_file: BankFile) -> BankFile | None:
    """The file that brought the same bytes to the same entity before, unless it was given up."""
    return (
        BankFile.objects.filter(legal_entity=bank_file.legal_entity_id, file__sha256=bank_file.file.sha256)
        .exclude(pk__gte=bank_file.pk)
        .exclude(status__in=(BankFile.Status.CANCELLED, BankFile.Status.WITHDRAWN))
        .order_by("-pk")
        .first()
    )


_GAPS = """
SELECT DISTINCT ON (account) account, before_date, before_closing, from_date, opening_amount
FROM (
    SELECT s.bank_account_id AS account, s.from_date, s.to_date, s.opening_amount, s.id,
           lag(s.to_date) OVER w AS before_date, lag(s.closing_amount) OVER w AS before_closing
    FROM invoices_bankstatement s
    WHERE s.bank_account_id = ANY(%(accounts)s) AND s.status = 'ACCEPTED' AND s.kind = 'BOOKED'
      AND s.opening_amount IS NOT NULL AND s.closing_amount IS NOT NULL
    WINDOW w AS (PARTITION BY s.bank_account_id ORDER BY s.to_date, s.from_date, s.id)
) chained
WHERE before_closing <> opening_amount AND before_date <= from_date
  AND NOT EXISTS (
      SELECT 1 FROM invoices_bankstatement e
      WHERE e.bank_account_id = account AND e.status = 'ACCEPTED' AND e.kind = 'BOOKED' AND e.id <> chained.id
        AND e.to_date = before_date AND e.closing_amount = opening_amount)
ORDER BY account, to_date DESC
"""


def accounts_shown(actor: Actor, today: date) -> list[AccountShown]:
    """The accounts in the actor's scope, active ones first."""
    accounts = list(
        BankAccount.objects.visible_to(actor)
        .select_related("legal_entity")
        .order_by("-is_active", "legal_entity__code", "name", "pk")
    )
    keys = [account.pk for account in accounts]
    accepted = BankStatement.objects.filter(
        bank_account__in=keys, status=BankStatement.Status.ACCEPTED, kind=BankStatement.Kind.BOOKED
    )
    last = {
        one.bank_account_id: one
        for one in accepted.order_by("bank_account_id", "-to_date", "-pk").distinct("bank_account_id")
    }
    waiting = dict(
        BankLine.objects.filter(bank_account__in=keys, status=BankLine.Status.OPEN)
        .order_by()
        .values_list("bank_account")
        .annotate(count=Count("pk"))
    )
    with connection.cursor() as cursor:
        cursor.execute(_GAPS, {"accounts": keys})
        gaps = {row[0]: Gap(*row[1:]) for row in cursor.fetchall()}
    rows = []
    for account in accounts:
        statement = last.get(account.pk)
        last_date = statement.to_date if statement else None
        rows.append(
            AccountShown(
                account=account,
                last_date=last_date,
                last_closing=statement.closing_amount if statement else None,
                days=(today - last_date).days if last_date else None,
                gap=gaps.get(account.pk),
                open_count=waiting.get(account.pk, 0),
            )
        )
    return rows


def _part(lines: "QuerySet[BankLine]") -> Part:
    part = Part()
    for row in lines.values("currency").annotate(count=Count("pk"), total=Sum("amount")).order_by("currency"):
        part.count += row["count"]
        part.amounts[row["currency"]] = row["total"]
    return part
