"""What is said of a file that was put into a watched folder: on the page, and in the report beside it."""

from datetime import datetime

from django.utils.translation import gettext as _

from core.money import format_count
from invoices.bank_messages import bank_file_message
from invoices.imports import file_error
from invoices.models import BankFile, DroppedFile, ImportBatch


def fate(dropped: DroppedFile) -> str:
    """What became of the file, in one sentence."""
    if dropped.batch is not None:
        return _of_batch(dropped.batch)
    if dropped.bank_file is not None:
        return _of_bank_file(dropped.bank_file)
    return dropped.message


def report_text(dropped: DroppedFile, now: datetime) -> str:
    """The report that is written beside the archived file."""
    lines = [
        _("Fichier : %(name)s") % {"name": dropped.name},
        _("Dossier surveillé : %(path)s (%(subject)s)")
        % {"path": dropped.folder.path, "subject": dropped.folder.get_subject_display()},
        _("Entité juridique : %(name)s") % {"name": dropped.folder.legal_entity.name},
        _("Pris en charge le : %(day)s UTC") % {"day": f"{dropped.claimed_at:%d/%m/%Y %H:%M}"},
        _("Compte rendu du : %(day)s UTC") % {"day": f"{now:%d/%m/%Y %H:%M}"},
        _("État : %(state)s") % {"state": dropped.get_status_display()},
        dropped.message,
    ]
    return "\n".join(lines) + "\n"


def _of_batch(batch: ImportBatch) -> str:
    state = _("Lot n° %(pk)d : %(state)s.") % {"pk": batch.pk, "state": batch.get_status_display()}
    if batch.error_code:
        return f"{state} {file_error(batch)}"
    if batch.read_at is None:
        return state
    return _(
        "%(state)s Lignes lues : %(read)s, nouvelles : %(new)s, inchangées : %(same)s, en erreur : %(errors)s."
    ) % {
        "state": state,
        "read": format_count(batch.done),
        "new": format_count(batch.new_count),
        "same": format_count(batch.unchanged_count),
        "errors": format_count(batch.error_count),
    }


def _of_bank_file(bank_file: BankFile) -> str:
    state = _("Fichier bancaire n° %(pk)d : %(state)s.") % {
        "pk": bank_file.pk,
        "state": bank_file.get_status_display(),
    }
    if bank_file.error_code:
        return f"{state} {bank_file_message(bank_file.error_code, bank_file.error_params)}"
    if bank_file.read_at is None:
        return state
    statements = list(bank_file.statements.values_list("status", "line_count", "known_count"))
    return _(
        "%(state)s Relevés : %(count)s, dont %(refused)s refusés et %(double)s déjà enregistrés ; "
        "mouvements nouveaux : %(lines)s."
    ) % {
        "state": state,
        "count": format_count(len(statements)),
        "refused": format_count(sum(status == "REFUSED" for status, _lines, _known in statements)),
        "double": format_count(sum(status == "DUPLICATE" for status, _lines, _known in statements)),
        "lines": format_count(
            sum(lines - known for status, lines, known in statements if status in ("PREVIEWED", "ACCEPTED"))
        ),
    }
