"""Import a file of items or customers from the shell: read, say everything that is wrong, commit; or take it back."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from core import clock
from core.errors import BusinessError
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.imports import batch_errors, file_error
from invoices.models import ImportBatch, ImportProfile
from invoices.operations.imports import (
    cancel_batch,
    commit_batch,
    read_batch,
    receive_batch,
    request_rollback,
    roll_back_batch,
    write_batch,
)
from invoices.suspicion_messages import suspicion_message

_PAGE = 1_000
_PAUSE = 0.2  # seconds


class Command(BaseCommand):
    help = "Importe un fichier de pièces (ou de clients) pour une entité juridique, ou retire un lot."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", metavar="FICHIER")
        parser.add_argument("--entity", metavar="CODE", help="Code de l’entité juridique.")
        parser.add_argument("--dry-run", action="store_true", help="Lit et contrôle sans rien enregistrer.")
        parser.add_argument(
            "--accept-rejects",
            action="store_true",
            help="Enregistre les lignes valides et laisse les rejets.",
        )
        parser.add_argument(
            "--subject", choices=["items", "customers"], default="items", help="Pièces ou clients."
        )
        parser.add_argument(
            "--mode",
            choices=["delta", "snapshot"],
            default="delta",
            help="delta : pièces nouvelles ou modifiées ; snapshot : toutes les pièces ouvertes.",
        )
        parser.add_argument(
            "--as-of", type=date.fromisoformat, metavar="AAAA-MM-JJ", help="Date de l’instantané."
        )
        parser.add_argument("--profile", default="", metavar="NOM", help="Source enregistrée de l’entité.")
        parser.add_argument(
            "--create-customers", action="store_true", help="Crée les clients que le fichier nomme."
        )
        parser.add_argument(
            "--undo", type=UUID, metavar="LOT", help="Retire le lot enregistré, par son identifiant."
        )
        parser.add_argument("--reason", default="", help="Motif du retrait.")
        for name, said in (
            ("encoding", "utf-8, cp1252 ou utf-16"),
            ("delimiter", "; , | ou tabulation"),
            ("sheet", "nom de la feuille"),
            ("decimal", ", ou ."),
            ("date-order", "dmy ou mdy"),
        ):
            parser.add_argument(f"--{name}", default="", help=f"Impose {said}.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["undo"]:
            self._undo(options["undo"], options["reason"])
            return
        if options["file"] is None or not options["entity"]:
            raise CommandError(_("Indiquez le fichier et --entity, ou --undo et l’identifiant du lot."))
        batch = self._receive(options)
        work_through(batch, read_batch)
        failed = self._tell_errors(batch)
        waits = self._tell_suspicions(batch)
        if options["dry_run"]:
            batch = cancel_dry_run(batch)
        elif _changes_something(batch) and not waits and (not failed or options["accept_rejects"]):
            commit_batch(
                actor=SYSTEM,
                batch=batch,
                accept_rejects=options["accept_rejects"],
                today=clock.today(),
                now=clock.now(),
            )
            work_through(batch, write_batch)
            failed = batch.status != ImportBatch.Status.COMMITTED
            if failed:
                self.stderr.write(file_error(batch) or batch.get_status_display())
        self.stdout.write(json.dumps(report(batch), ensure_ascii=False))
        if failed or waits:
            raise SystemExit(1)

    def _receive(self, options: dict[str, Any]) -> ImportBatch:
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
                return receive_batch(
                    actor=SYSTEM,
                    entity=entity,
                    file=file,
                    name=options["file"].name,
                    now=clock.now(),
                    options={name: options[name] for name in names if options[name]},
                    subject=options["subject"].upper(),
                    mode=options["mode"].upper(),
                    as_of=options["as_of"],
                    profile=_profile(entity, options["profile"]),
                    creates_customers=options["create_customers"],
                )
        except OSError:
            raise CommandError(
                _("Le fichier « %(file)s » n’existe pas ou ne s’ouvre pas.") % {"file": options["file"]}
            ) from None
        except BusinessError as error:
            raise CommandError(error.message) from None

    def _undo(self, uid: UUID, reason: str) -> None:
        batch = ImportBatch.objects.select_related("legal_entity", "file").filter(uid=uid).first()
        if batch is None:
            raise CommandError(_("Aucun lot n’a l’identifiant « %(uid)s ».") % {"uid": uid})
        try:
            request_rollback(actor=SYSTEM, batch=batch, reason=reason, now=clock.now())
        except BusinessError as error:
            raise CommandError(error.message) from None
        work_through(batch, roll_back_batch)
        self.stdout.write(json.dumps(report(batch), ensure_ascii=False))
        if batch.status != ImportBatch.Status.ROLLED_BACK:
            raise CommandError(file_error(batch) or batch.get_status_display())

    def _tell_suspicions(self, batch: ImportBatch) -> bool:
        """What a person must confirm on screen, on standard error; whether there is anything."""
        for suspicion in batch.suspicions:
            self.stderr.write(suspicion_message(suspicion))
        return any(suspicion["code"] != "due_before_issue" for suspicion in batch.suspicions)

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


def _profile(entity: LegalEntity, name: str) -> ImportProfile | None:
    """The saved source of the entity by its name; none without a name."""
    if not name:
        return None
    sources = ImportProfile.objects.filter(legal_entity=entity, is_archived=False)
    found = sources.filter(name=name).first()
    if found is None:
        known = ", ".join(sources.order_by("name").values_list("name", flat=True)[:20])
        raise CommandError(
            _("Cette entité n’a pas de source « %(name)s ». Sources connues : %(known)s.")
            % {"name": name, "known": known or "—"}
        )
    return found


def _changes_something(batch: ImportBatch) -> bool:
    return batch.new_count + batch.changed_count + batch.cleared_count > 0


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
        return cancel_batch(actor=SYSTEM, batch=batch, now=clock.now())
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
        "mode": batch.mode,
        "new": batch.new_count,
        "changed": batch.changed_count,
        "cleared": batch.cleared_count,
        "unchanged": batch.unchanged_count,
        "skipped": batch.skipped_count,
        "new_customers": batch.new_customer_count,
        "suspicions": [suspicion["code"] for suspicion in batch.suspicions],
        "errors": batch.error_count,
        "committed": batch.new_count if batch.status == ImportBatch.Status.COMMITTED else 0,
        "receivable_before": batch.receivable_before,
        "receivable_after": batch.receivable_after,
    }
