"""Take in a file of the bank from the shell: read, say everything that is wrong, accept."""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from core import clock
from core.errors import BusinessError
from core.rights import SYSTEM
from customers.identifiers import IdentifierError, clean_iban
from customers.models import LegalEntity
from invoices.bank import file_error, outcome_of, shown
from invoices.models import BankAccount, BankFile, BankStatement
from invoices.operations.bank_files import accept_bank_file, read_bank_file, receive_bank_file

_PAUSE = 0.2  # seconds


class Command(BaseCommand):
    help = "Importe un fichier de relevés bancaires (CAMT, MT940, CFONB, OFX, CSV) pour une entité juridique."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FICHIER")
        parser.add_argument("--entity", required=True, metavar="CODE", help="Code de l’entité juridique.")
        parser.add_argument(
            "--account", default="", metavar="IBAN", help="Compte d’un fichier qui n’en nomme pas (CSV)."
        )
        parser.add_argument(
            "--accept", action="store_true", help="Enregistre les relevés justes et nouveaux."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        entity = LegalEntity.objects.filter(code=options["entity"]).first()
        if entity is None:
            known = ", ".join(LegalEntity.objects.order_by("code").values_list("code", flat=True)[:20])
            raise CommandError(
                _("Aucune entité juridique n’a le code « %(code)s ». Codes connus : %(known)s.")
                % {"code": options["entity"], "known": known or "—"}
            )
        bank_file = self._receive(entity, options["file"], options["account"])
        while not read_bank_file(bank_file_id=bank_file.pk, now=clock.now()):
            # A worker was quicker.
            bank_file.refresh_from_db()
            if not bank_file.is_under_way:
                break
            time.sleep(_PAUSE)
        bank_file.refresh_from_db()
        failed = self._tell(bank_file)
        if options["accept"] and bank_file.status == BankFile.Status.PREVIEWED:
            try:
                accept_bank_file(actor=SYSTEM, bank_file=bank_file, today=clock.today(), now=clock.now())
            except BusinessError as error:
                self.stderr.write(error.message)
                failed = True
            bank_file.refresh_from_db()
        self.stdout.write(json.dumps(report(bank_file), ensure_ascii=False))
        if failed:
            raise SystemExit(1)

    def _receive(self, entity: LegalEntity, path: Path, iban: str) -> BankFile:
        try:
            account = None
            if iban:
                account = BankAccount.objects.filter(legal_entity=entity, iban=clean_iban(iban)).first()
                if account is None:
                    raise CommandError(_("Aucun compte bancaire de cette entité n’a cet IBAN."))
            with path.open("rb") as file:
                return receive_bank_file(
                    actor=SYSTEM,
                    entity=entity,
                    file=file,
                    name=path.name,
                    bank_account=account,
                    now=clock.now(),
                )
        except OSError:
            raise CommandError(
                _("Le fichier « %(file)s » n’existe pas ou ne s’ouvre pas.") % {"file": path}
            ) from None
        except IdentifierError as error:
            raise CommandError(str(error)) from None
        except BusinessError as error:
            raise CommandError(error.message) from None

    def _tell(self, bank_file: BankFile) -> bool:
        """What is wrong or worth knowing, on standard error; whether anything was refused."""
        if bank_file.status != BankFile.Status.PREVIEWED:
            self.stderr.write(file_error(bank_file) or bank_file.get_status_display())
            return True
        refused = False
        for statement in bank_file.statements.order_by("rank").iterator():
            message = shown(statement).message
            refused |= statement.status == BankStatement.Status.REFUSED
            if message:
                self.stderr.write(
                    _("Relevé %(rank)d : %(message)s") % {"rank": statement.rank, "message": message}
                )
        return refused


def report(bank_file: BankFile) -> dict[str, Any]:
    """The file as one JSON object."""
    outcome = outcome_of(bank_file)
    return {
        "bank_file": str(bank_file.uid),
        "entity": bank_file.legal_entity.code,
        "file": bank_file.file.name,
        "sha256": bank_file.file.sha256,
        "format": bank_file.format,
        "status": bank_file.status,
        "statements": bank_file.statements.count(),
        "receipts": outcome.receipts.count,
        "returns": outcome.returns.count,
        "set_aside": outcome.set_aside.count,
        "known": outcome.known.count,
    }
