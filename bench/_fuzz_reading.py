"""One mutated file read in this process, and what comes out held to what may be kept."""

import io
import json
from decimal import Decimal
from typing import Any

from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits

BANK = frozenset({"camt", "mt940", "cfonb120", "cfonb240", "ofx", "bank_csv"})
BATCHES = {
    "csv": ("ITEMS", "TABLE"),
    "xlsx": ("ITEMS", "TABLE"),
    "fec": ("ITEMS", "FEC"),
    "jsonl": ("ITEMS", "JSON_LINES"),
    "customers": ("CUSTOMERS", "TABLE"),
    "einvoice_xml": ("ITEMS", "EINVOICE"),
    "einvoice_pdf": ("ITEMS", "EINVOICE"),
    "einvoice_zip": ("ITEMS", "EINVOICE"),
}
_COLUMNS = 17


class Wrong(AssertionError):
    """What was read could not be kept, or a refusal has no sentence."""


def read_one(name: str, content: bytes) -> str:
    """`read`, or `refused: code`. Anything else that happens is a fault. Raises Wrong."""
    try:
        if name in BANK:
            _bank(content)
        elif name == "cdar":
            _statuses(content)
        else:
            _batch(name, content)
    except UnreadableFile as error:
        _check_sentence(name, error.code, error.params)
        return f"refused: {error.code}"
    return "read"


def _check_sentence(name: str, code: str, params: dict[str, Any]) -> None:
    from invoices.bank_messages import BANK_FILE_MESSAGES, REMARKS, bank_file_message
    from invoices.import_messages import FILE_MESSAGES, file_message

    _check_kept(params)
    if name in BANK:
        known = code in BANK_FILE_MESSAGES or code.removeprefix("bank_") in REMARKS or code in FILE_MESSAGES
        said = bank_file_message(code, params)
    else:
        known = code in FILE_MESSAGES
        said = file_message(code, params) if known else ""
    if not known or not said or "%(" in said:
        raise Wrong(f"no sentence for {code}: {said[:100]}")


def _check_kept(params: dict[str, Any]) -> None:
    """PostgreSQL keeps no NUL in JSON."""
    if "\\u0000" in json.dumps(params):
        raise Wrong(f"a NUL in {params}")


def _batch(name: str, content: bytes) -> None:
    from invoices.readers.child import read

    subject, file_format = BATCHES[name]
    config = {
        "subject": subject,
        "format": file_format,
        "entity": {"siren": "732829320", "vat_number": "FR44732829320", "name": "Ateliers"},
        "profile": {},
        "options": {},
        "limits": Limits().as_json(),
        "currency": "EUR",
        "today": "2026-11-23",
        "creates_customers": True,
    }
    out = io.StringIO(newline="\n")
    read(io.BytesIO(content), out, config)
    _check_rows(out.getvalue())


def _check_rows(text: str) -> None:
    from invoices.import_messages import row_message

    lines = text.split("\n")
    _check_kept(json.loads(lines[0]))
    if not lines[-2].startswith("!"):
        raise Wrong("no end")
    for line in lines[1:-2]:
        cells = line.split("\t")
        if len(cells) != _COLUMNS or "\x00" in line or "\r" in line:
            raise Wrong(f"row of {len(cells)} columns")
        if cells[-1] != "\\N":
            for error in json.loads(cells[-1].replace("\\\\", "\\")):
                said = row_message(error)
                if not said or "%(" in said:
                    raise Wrong(f"no sentence for {error['code']}")


def _bank(content: bytes) -> None:
    from invoices.bank_messages import REMARKS, remark_message
    from invoices.models import BankLine, BankStatement
    from invoices.readers.bank.model import ReadLine, line_from_json, statement_from_json, to_json
    from invoices.readers.bank.reading import bank_events

    longest = {
        field.name: field.max_length
        for model in (BankLine, BankStatement)
        for field in model._meta.concrete_fields
        if field.max_length
    }
    credit = debit = Decimal(0)
    count = 0
    for event in bank_events(io.BytesIO(content), {}, Limits())[1]:
        again = (
            line_from_json(to_json(event))
            if isinstance(event, ReadLine)
            else statement_from_json(to_json(event))
        )
        if again != event and isinstance(event, ReadLine):
            raise Wrong("line changes on its way")
        for name in type(event).__dataclass_fields__:
            value = getattr(event, name)
            if isinstance(value, str) and ("\x00" in value or len(value) > longest.get(name, 10_000)):
                raise Wrong(f"{name} too long or with a NUL: {value[:60]!r}")
        if isinstance(event, ReadLine):
            count += 1
            credit += max(event.amount, Decimal(0))
            debit -= min(event.amount, Decimal(0))
            if not event.amount or event.amount.as_tuple().exponent != -2 or event.rank != count:
                raise Wrong(f"amount {event.amount}, rank {event.rank}")
            continue
        if (event.credit_amount, event.debit_amount, event.line_count) != (credit, debit, count):
            raise Wrong("sums of the statement")
        _check_kept(event.remark_params)
        if event.remark_code and event.remark_code not in REMARKS:
            raise Wrong(f"no sentence for the remark {event.remark_code}")
        if event.remark_code and "%(" in remark_message(event.remark_code, event.remark_params):
            raise Wrong(f"half a sentence for {event.remark_code}")
        credit = debit = Decimal(0)
        count = 0


def _statuses(content: bytes) -> None:
    from invoices.readers.life_cycle import read_statuses

    reading = read_statuses(io.BytesIO(content))
    for problem in reading.problems:
        _check_sentence("cdar", problem.code, problem.params)
