"""Read every file of a folder as the batches would, and print what became of each as JSON. Writes nothing."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from customers.models import LegalEntity
from invoices.bank_messages import bank_file_message, remark_message
from invoices.import_messages import file_message, row_message
from invoices.readers.bank.process import read_bank_in_child
from invoices.readers.errors import UnreadableFile
from invoices.readers.life_cycle import read_statuses
from invoices.readers.limits import Limits
from invoices.readers.process import read_in_child
from invoices.readers.staged import STAGED

# What is read by the readers of batches; the others have readers of their own.
FORMATS = {"einvoice": "EINVOICE", "fec": "FEC", "json": "JSON_LINES", "table": "TABLE"}
_SHOWN = (
    "line",
    "number",
    "kind",
    "issue_date",
    "due_date",
    "currency",
    "total_amount",
    "vat_amount",
    "open_amount",
)


class Command(BaseCommand):
    help = "Lit chaque fichier d’un dossier et dit ce qui en est compris, sans rien enregistrer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--format", choices=[*FORMATS, "bank", "customers", "status"], default="einvoice")
        parser.add_argument("--entity", default="", help="code de l’entité qui a émis les factures")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"« {folder} » n’est pas un dossier.")
        entity = None
        if options["entity"]:
            entity = LegalEntity.objects.filter(code=options["entity"]).first()
            if entity is None:
                raise CommandError(f"L’entité « {options['entity']} » n’existe pas.")
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        read = READERS.get(options["format"], read_batch_file)
        table = [
            {
                "file": path.relative_to(folder).as_posix(),
                **read(path, FORMATS.get(options["format"], ""), entity),
            }
            for path in paths
        ]
        self.stdout.write(json.dumps(table, ensure_ascii=False, indent=1))


def read_batch_file(
    path: Path, file_format: str, entity: LegalEntity | None, subject: str = "ITEMS"
) -> dict[str, Any]:
    """What the confined reader makes of a file: its rows, or why it is refused."""
    told = {"siren": entity.siren, "vat_number": entity.vat_number, "name": entity.name} if entity else {}
    try:
        with (
            path.open("rb") as stream,
            read_in_child(
                stream,
                options={},
                limits=Limits(),
                currency=entity.currency if entity else "EUR",
                today=clock.today(),
                file_format=file_format,
                subject=subject,
                entity=told,
            ) as reading,
        ):
            rows = [_row(line) for piece, _count in reading.pieces() for line in piece.decode().splitlines()]
    except UnreadableFile as error:
        return {"result": "refused", "why": file_message(error.code, error.params)}
    wrong = [row for row in rows if row["errors"]]
    return {"result": "error" if len(wrong) == len(rows) else "read", "rows": rows}


def read_customer_file(path: Path, _format: str, entity: LegalEntity | None) -> dict[str, Any]:
    """The same of a file of customers."""
    return read_batch_file(path, "TABLE", entity, "CUSTOMERS")


def read_bank_file(path: Path, _format: str, _entity: LegalEntity | None) -> dict[str, Any]:
    """What the confined reader of the bank makes of a file: its statements, or why it is refused."""
    try:
        with path.open("rb") as stream:
            reading = read_bank_in_child(stream, options={}, limits=Limits())
    except UnreadableFile as error:
        return {"result": "refused", "why": bank_file_message(error.code, error.params)}
    statements = [
        {
            "kind": found.kind,
            "account": found.account_identification,
            "number": found.sequence or found.identification,
            "currency": found.currency,
            "from": found.from_date and found.from_date.isoformat(),
            "to": found.to_date and found.to_date.isoformat(),
            "opening": None if found.opening_amount is None else str(found.opening_amount),
            "credit": str(found.credit_amount),
            "debit": str(found.debit_amount),
            "closing": None if found.closing_amount is None else str(found.closing_amount),
            "lines": found.line_count,
            "returns": sum(line.is_return for line in found.lines),
            "refused": found.is_refused,
            "remark": remark_message(found.remark_code, found.remark_params),
        }
        for found in reading.statements
    ]
    wrong = all(statement["refused"] for statement in statements)
    return {"result": "error" if wrong else "read", "format": reading.format, "statements": statements}


def read_status_file(path: Path, _format: str, _entity: LegalEntity | None) -> dict[str, Any]:
    """What the reader of life-cycle messages makes of a file."""
    try:
        with path.open("rb") as stream:
            reading = read_statuses(stream)
    except UnreadableFile as error:
        return {"result": "refused", "why": file_message(error.code, error.params)}
    return {
        "result": "read",
        "rows": [
            {"number": found.number, "code": found.code, "occurred_at": found.occurred_at.isoformat()}
            for found in reading.statuses
        ],
        "problems": [file_message(problem.code, problem.params) for problem in reading.problems],
    }


READERS = {"bank": read_bank_file, "customers": read_customer_file, "status": read_status_file}


def _row(line: str) -> dict[str, Any]:
    """A row out of the text that the child writes for COPY."""
    values = dict(zip(STAGED, line.split("\t"), strict=True))
    row: dict[str, Any] = {name: None if values[name] == "\\N" else values[name] for name in _SHOWN}
    row["skipped"] = None if values["skipped"] == "\\N" else values["skipped"]
    errors = [] if values["errors"] == "\\N" else json.loads(values["errors"].replace("\\\\", "\\"))
    row["errors"] = [row_message(error) for error in errors]
    return row
