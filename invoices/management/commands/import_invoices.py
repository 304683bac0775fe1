"""Import a file of items from the shell: read, say everything that is wrong, commit."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from core import clock
from core.errors import BusinessError
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.imports import batch_errors, file_error
from invoices.models import ImportBatch
from invoices.operations.imports import cancel_batch, commit_batch, read_batch, receive_batch, write_batch

_PAGE = 1_000
_PAUSE = 0.2  # seconds


class Command(BaseCommand):
    help = "Importe un fichier CSV ou XLSX de pièces pour une entité juridique."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FICHIER")
        parser.add_argument("--entity", required=True, metavar="CODE", help="Code de l’entité juridique.")
        parser.add_argument("--dry-run", action="store_true", help="Lit et contrôle sans rien enregistrer.")
        parser.add_argument(
            "--accept-rejects",
            action="store_true",
            help="Enregistre les lignes valides et laisse les rejets.",
        )
        for name, said in (
            ("encoding", "utf-8, cp1252 ou utf-16"),
            ("delimiter", "; , | ou tabulation"),
            ("sheet", "nom de la feuille"),
            ("decimal", ", ou ."),
            ("date-order", "dmy ou mdy"),
        ):
            parser.add_argument(f"--{name}", default="", help=f"Impose {said}.")

    def handle(self, *args: Any, **options: Any) -> None:
        entity = LegalEntity.objects.filter(code=options["entity"]).first()
        if entity is None:
            known = ", ".join(LegalEntity.objects.order_by("code").values_list("code", flat=True)[:20])
            raise CommandError(
                _("Aucune entité juridique n’a le code « %(code)s ». Codes connus : %(known)s.")
                % {"code": options["entity"], "known": known or "—"}
            )
        names = ("encoding", "delimiter", "sheet", "decimal", "date_order")
        try:
            with options["file"].open("rb") as file:
                batch = receive_batch(
                    actor=SYSTEM,
                    entity=entity,
                    file=file,
                    name=options["file"].name,
                    now=clock.now(),
                    options={name: options[name] for name in names if options[name]},
                )
        except OSError:
            raise CommandError(
                _("Le fichier « %(file)s » n’existe pas ou ne s’ouvre pas.") % {"file": options["file"]}
            ) from None
        except BusinessError as error:
            raise CommandError(error.message) from None
        work_through(batch, read_batch)
        failed = self._tell_errors(batch)
        if options["dry_run"]:
            batch = cancel_dry_run(batch)
        elif batch.new_count and (not failed or options["accept_rejects"]):
            commit_batch(
                actor=SYSTEM,
                batch=batch,
                accept_rejects=options["accept_rejects"],
                today=clock.today(),
                now=clock.now(),
            )
            work_through(batch, write_batch)
            failed = batch.status != ImportBatch.Status.COMMITTED
        self.stdout.write(json.dumps(report(batch), ensure_ascii=False))
        if failed:
            raise SystemExit(1)

    def _tell_errors(self, batch: ImportBatch) -> bool:
        """Everything that is wrong, on standard error; whether there was anything."""
        if batch.status != ImportBatch.Status.PREVIEWED:
            self.stderr.write(file_error(batch) or batch.get_status_display())
            return True
        line = 0
        while errors := batch_errors(batch, after_line=line, rows=_PAGE):
            for error in errors:
                self.stderr.write(
                    _("Ligne %(line)d, %(column)s : %(message)s")
                    % {"line": error.line, "column": error.column, "message": error.message}
                )
            line = errors[-1].line
        return batch.error_count > 0


def work_through(batch: ImportBatch, work: Callable[..., bool]) -> None:
    """Do the work here, or wait for the worker that was quicker."""
    while not work(batch_id=batch.pk, today=clock.today(), now=clock.now()):
        batch.refresh_from_db()
        if not batch.is_under_way:
            return
        time.sleep(_PAUSE)
    batch.refresh_from_db()


def cancel_dry_run(batch: ImportBatch) -> ImportBatch:
    """A dry run leaves a cancelled batch: what was tried, without a row to commit by mistake."""
    if batch.status in (ImportBatch.Status.PREVIEWED, ImportBatch.Status.REJECTED):
        cancel_batch(actor=SYSTEM, batch=batch, now=clock.now())
    return batch


def report(batch: ImportBatch) -> dict[str, Any]:
    """The batch as one JSON object."""
    return {
        "batch": str(batch.uid),
        "entity": batch.legal_entity.code,
        "file": batch.file.name,
        "sha256": batch.file.sha256,
        "status": batch.status,
        "rows": batch.row_count,
        "new": batch.new_count,
        "unchanged": batch.unchanged_count,
        "errors": batch.error_count,
        "committed": batch.new_count if batch.status == ImportBatch.Status.COMMITTED else 0,
        "receivable_before": batch.receivable_before,
        "receivable_after": batch.receivable_after,
    }
