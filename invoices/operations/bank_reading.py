"""The work behind a bank file: a confined child reads it, its statements are found accounts for and compared.

Done by whoever finds the file in RECEIVED or READING: a killed worker leaves the status, so another one starts
again; three starts without an end stop the file.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction

from core import audit
from core.files import open_file
from core.money import MAX_AMOUNT
from core.rights import SYSTEM
from core.states import check_move
from invoices.bank_fingerprints import statement_fingerprint
from invoices.bank_identification import KnownAccount, account_of, written_iban
from invoices.models import BankAccount, BankFile, BankStatement
from invoices.operations import bank_lines
from invoices.operations.exclusive import exclusive
from invoices.readers.bank.model import BankReading, ReadLine, ReadStatement
from invoices.readers.bank.process import read_bank_in_child
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits

MOST_ATTEMPTS = 3
# Files that name no account, or not always: the person's choice completes them.
UNNAMED_FORMATS = ("CSV", "OFX")
Status = BankFile.Status

# The statement before ends with another balance than this one begins with. Overlapping exports prove nothing.
_GAPS = """
UPDATE invoices_bankstatement s
SET remark_code = 'statement_missing', remark_params = jsonb_build_object(
    'previous', f.to_date, 'closing', f.closing_amount::text, 'opening', s.opening_amount::text,
    'currency', s.currency)
FROM (
    SELECT n.id, p.to_date, p.closing_amount
    FROM invoices_bankstatement n
    CROSS JOIN LATERAL (
        SELECT e.to_date, e.closing_amount FROM invoices_bankstatement e
        WHERE e.bank_account_id = n.bank_account_id AND e.kind = 'BOOKED' AND e.closing_amount IS NOT NULL
          AND (e.status = 'ACCEPTED' OR e.bank_file_id = n.bank_file_id AND e.status = 'PREVIEWED')
          AND (e.to_date < n.to_date OR e.to_date = n.to_date AND e.id < n.id)
        ORDER BY e.to_date DESC, e.id DESC LIMIT 1
    ) p
    WHERE n.bank_file_id = %(file)s AND n.status = 'PREVIEWED' AND n.kind = 'BOOKED'
      AND n.opening_amount IS NOT NULL
) f
WHERE s.id = f.id AND f.closing_amount <> s.opening_amount AND f.to_date <= s.from_date
  AND NOT EXISTS (
      SELECT 1 FROM invoices_bankstatement e
      WHERE e.bank_account_id = s.bank_account_id AND e.kind = 'BOOKED' AND e.id <> s.id
        AND e.to_date = f.to_date AND e.closing_amount = s.opening_amount
        AND (e.status = 'ACCEPTED' OR e.bank_file_id = s.bank_file_id AND e.status = 'PREVIEWED'))
"""


def read_bank_file(*, bank_file_id: int, now: datetime) -> bool:
    """Read a file that waits and compare it with what is known; True when this call did it.

    Several short transactions. Killed half-way, it leaves READING and no statement.
    """
    with exclusive(f"invoices.bank_file:{bank_file_id}") as mine:
        if not mine:
            return False
        bank_file = _start(bank_file_id, now)
        if bank_file is None:
            return False
        try:
            _preview(bank_file, _read(bank_file), now)
        except UnreadableFile as error:
            _stop(bank_file.pk, Status.REJECTED, error.code, error.params, now)
        return True


def _read(bank_file: BankFile) -> BankReading:
    account = bank_file.bank_account
    options = {
        **bank_file.options,
        "currency": account.currency if account else bank_file.legal_entity.currency,
        "account": account.iban if account else "",
    }
    try:
        file = open_file(bank_file.file)
    except FileNotFoundError:
        raise UnreadableFile("file_missing") from None
    with file:
        return read_bank_in_child(file, options=options, limits=Limits(rows=settings.IMPORT_MAX_ROWS))


def _preview(bank_file: BankFile, reading: BankReading, now: datetime) -> None:
    """Keep the statements and their lines, and say what is new, known, missing or wrong."""
    accounts = {
        account.pk: account for account in BankAccount.objects.filter(legal_entity=bank_file.legal_entity_id)
    }
    drafts = [_draft(bank_file, read, reading.format, accounts) for read in reading.statements]
    with transaction.atomic():
        locked = BankFile.objects.select_for_update(of=("self",)).get(pk=bank_file.pk)
        check_move(locked, Status.PREVIEWED)
        # The format belongs to the comparison of lines: before it.
        locked.format = reading.format
        locked.status, locked.read_at, locked.updated_at = Status.PREVIEWED, now, now
        locked.error_code, locked.error_params = "", {}
        locked.save()
        refuse_repeated(drafts)
        statements = BankStatement.objects.bulk_create(drafts, batch_size=1_000)
        bank_lines.copy_lines(_kept(statements, reading.statements), now)
        with connection.cursor() as cursor:
            cursor.execute(_GAPS, {"file": locked.pk})
        bank_lines.mark_known(locked.pk)
        audit.record(
            actor=SYSTEM,
            verb="invoices.bank_file.previewed",
            refs=[locked, bank_file.legal_entity],
            now=now,
            format=reading.format,
            statements=len(drafts),
            refused=sum(draft.status == BankStatement.Status.REFUSED for draft in drafts),
            duplicates=sum(draft.status == BankStatement.Status.DUPLICATE for draft in drafts),
            lines=sum(draft.line_count for draft in drafts),
        )


def _draft(
    bank_file: BankFile, read: ReadStatement, file_format: str, accounts: dict[int, BankAccount]
) -> BankStatement:
    """The statement as it will be kept, with its account and what is wrong with it."""
    account, code, params = _account(bank_file, read, file_format, accounts)
    if read.is_refused:
        code, params = read.remark_code, read.remark_params
    credit, debit = read.credit_amount, read.debit_amount
    if max(credit, debit) > MAX_AMOUNT:
        code, params, credit, debit = "totals_too_large", {}, Decimal(0), Decimal(0)
    refused = bool(code)
    entries: dict[int, Decimal] = {}
    fingerprints: list[str] = []
    with_balances = read.opening_amount is not None and read.closing_amount is not None
    for line in read.lines:
        if with_balances:
            entries[line.entry_rank] = entries.get(line.entry_rank, Decimal(0)) + line.amount
        else:
            fingerprints.append(bank_lines.fingerprint_of(line, account.pk if account else 0))
    return BankStatement(
        bank_file=bank_file,
        bank_account=account,
        rank=read.rank,
        kind=read.kind,
        status=BankStatement.Status.REFUSED if refused else BankStatement.Status.PREVIEWED,
        account_identification=read.account_identification,
        identification=read.identification,
        sequence=read.sequence,
        currency=read.currency,
        from_date=read.from_date,
        to_date=read.to_date,
        opening_amount=read.opening_amount,
        closing_amount=read.closing_amount,
        credit_amount=credit,
        debit_amount=debit,
        line_count=read.line_count,
        fingerprint=statement_fingerprint(
            kind=read.kind,
            currency=read.currency,
            from_date=read.from_date,
            to_date=read.to_date,
            opening_amount=read.opening_amount,
            closing_amount=read.closing_amount,
            identification=read.identification,
            entry_amounts=list(entries.values()),
            lines=fingerprints,
        ),
        remark_code=code or read.remark_code,
        remark_params=params if code else read.remark_params,
    )


def _account(
    bank_file: BankFile, read: ReadStatement, file_format: str, accounts: dict[int, BankAccount]
) -> tuple[BankAccount | None, str, dict[str, object]]:
    """The account of a statement, or the remark that says why it cannot be taken in."""
    known = [KnownAccount(one.pk, one.iban, one.other_identification) for one in accounts.values()]
    found = account_of(read.account_identification, known)
    if found is None and file_format in UNNAMED_FORMATS:
        active = [one.pk for one in accounts.values() if one.is_active]
        found = bank_file.bank_account_id or (
            active[0] if len(active) == 1 and not read.account_identification else None
        )
    if found is None:
        iban = written_iban(read.account_identification)
        if not read.account_identification:
            return None, "account_not_named", {}
        elsewhere = iban and BankAccount.objects.filter(iban=iban).exists()
        code = "account_elsewhere" if elsewhere else "account_unknown"
        return None, code, {"account": read.account_identification, "iban": iban}
    account = accounts[found]
    if not account.is_active:
        return account, "account_archived", {"account": account.name}
    if account.currency != read.currency:
        return account, "currency_differs", {"account": account.currency, "statement": read.currency}
    return account, "", {}


def refuse_repeated(statements: list[BankStatement]) -> list[BankStatement]:
    """Mark the statements that are already there, or twice in this file; they bring no line. Returns them."""
    waiting = [one for one in statements if one.status == BankStatement.Status.PREVIEWED]
    accepted = {
        (row["bank_account_id"], row["fingerprint"]): row
        for row in BankStatement.objects.filter(
            status=BankStatement.Status.ACCEPTED,
            bank_account__in={one.bank_account_id for one in waiting},
            fingerprint__in={one.fingerprint for one in waiting},
        ).values(
            "bank_account_id", "fingerprint", "bank_file__uid", "bank_file__file__name", "bank_file__format"
        )
    }
    first: dict[tuple[int | None, str], BankStatement] = {}
    repeated = []
    for one in waiting:
        key = (one.bank_account_id, one.fingerprint)
        if key in accepted:
            row = accepted[key]
            one.remark_code = "duplicate"
            one.remark_params = {
                "file": row["bank_file__file__name"],
                "uid": str(row["bank_file__uid"]),
                "format": row["bank_file__format"],
            }
        elif key in first:
            one.remark_code, one.remark_params = "duplicate_in_file", {"rank": first[key].rank}
        else:
            first[key] = one
            continue
        one.status = BankStatement.Status.DUPLICATE
        repeated.append(one)
    return repeated


def _kept(
    statements: list[BankStatement], read: list[ReadStatement]
) -> Iterator[tuple[int, int | None, ReadLine]]:
    for statement, source in zip(statements, read, strict=True):
        if statement.status == BankStatement.Status.DUPLICATE:
            continue
        for line in source.lines:
            yield statement.pk, statement.bank_account_id, line


def _start(bank_file_id: int, now: datetime) -> BankFile | None:
    """Count one more start of the work; None when there is nothing to do, or it was started too often."""
    with transaction.atomic():
        bank_file = (
            BankFile.objects.select_for_update(of=("self",))
            .select_related("legal_entity", "file", "bank_account")
            .filter(pk=bank_file_id, status__in=BankFile.UNDER_WAY)
            .first()
        )
        if bank_file is None:
            return None
        bank_file.status, bank_file.attempts = Status.READING, bank_file.attempts + 1
        if bank_file.attempts <= MOST_ATTEMPTS:
            bank_file.save(update_fields=["status", "attempts"])
            clear_statements(bank_file)
            return bank_file
        bank_file.save(update_fields=["status"])
    _stop(bank_file_id, Status.FAILED, "interrupted", {"attempts": MOST_ATTEMPTS}, now)
    return None


def clear_statements(bank_file: BankFile) -> None:
    """Take away what a reading left; nothing of it was accepted."""
    bank_lines.take_out(bank_file.pk)
    bank_file.statements.all()._raw_delete(bank_file.statements.db)


def _stop(bank_file_id: int, status: str, code: str, params: dict[str, object], now: datetime) -> None:
    """End a file that cannot go on, saying why."""
    with transaction.atomic():
        bank_file = BankFile.objects.select_for_update(of=("self",)).get(pk=bank_file_id)
        check_move(bank_file, status)
        bank_file.status, bank_file.updated_at = status, now
        bank_file.error_code, bank_file.error_params = code, params
        bank_file.save()
        audit.record(
            actor=SYSTEM,
            verb="invoices.bank_file.rejected" if status == Status.REJECTED else "invoices.bank_file.failed",
            refs=[bank_file, bank_file.legal_entity],
            now=now,
            reason=code,
        )
