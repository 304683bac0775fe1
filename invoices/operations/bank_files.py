"""Files of the bank: received, read, accepted, withdrawn or given up.

`read_bank_file`, the work that follows the reception, stands in `bank_reading`; the SQL on lines in `bank_lines`.
"""

from datetime import date, datetime
from typing import IO

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from core import audit
from core.errors import BusinessError
from core.files import store_file
from core.jobs import kick
from core.models import User
from core.operation import operation
from core.rights import SYSTEM, Actor
from core.states import check_move
from customers.models import LegalEntity
from invoices.bank_messages import bank_file_message
from invoices.models import BankAccount, BankFile, BankLine, BankStatement, CashApplication, Receipt
from invoices.operations import bank_lines
from invoices.operations.bank_reading import clear_statements, read_bank_file, refuse_repeated
from invoices.operations.imports import too_large_message
from invoices.readers.bank.detection import HEAD, bank_format
from invoices.readers.detection import DELIMITERS, ENCODINGS
from invoices.readers.errors import UnreadableFile

__all__ = [
    "BankFileRefused", "LinesInUse", "NotInScope", "NothingToAccept", "accept_bank_file", "cancel_bank_file",
    "read_bank_file", "receive_bank_file", "reread_bank_file", "withdraw_bank_file",
]  # fmt: skip

READ_TASK = "invoices.tasks.read_bank_files"
MATCH_TASK = "invoices.tasks.match_bank_lines"
CONTENT_TYPES = {"CAMT": "application/xml", "OFX": "application/x-ofx", "CSV": "text/csv"}
_CHOICES = {
    "encoding": ENCODINGS,
    "delimiter": DELIMITERS,
    "decimal": (",", "."),
    "date_order": ("dmy", "mdy"),
}
Status = BankFile.Status


class BankFileRefused(BusinessError):
    """The file cannot be taken in at all: too large, empty, or of a format that is not read."""

    code = "file_refused"


class NothingToAccept(BusinessError):
    """No statement of the file is new and right."""

    code = "nothing_to_accept"


class LinesInUse(BusinessError):
    """Lines of the file carry receipts, or lines of another file lean on them."""

    code = "lines_in_use"


class NotInScope(BusinessError):
    """The legal entity, the account or the file is not in the actor's scope."""

    code = "not_in_scope"


@operation("invoices.import_statement")
def receive_bank_file(
    *,
    actor: Actor,
    entity: LegalEntity,
    file: IO[bytes],
    name: str,
    now: datetime,
    bank_account: BankAccount | None = None,
    options: dict[str, str] | None = None,
    source: str = BankFile.Source.UPLOAD,
) -> BankFile:
    """Keep a file of the bank and put it in line to be read.

    `bank_account` is for files that name none (CSV, some OFX); `options` may impose `encoding`, `delimiter`,
    `decimal` and `date_order` of a CSV. Raises BankFileRefused for a file whose size or first bytes say that no
    reader takes it, NotInScope.
    """
    if not LegalEntity.objects.visible_to(actor).filter(pk=entity.pk).exists():
        raise NotInScope(_("Cette entité juridique n’est pas dans votre périmètre."), field="entity")
    _check_account(entity.pk, bank_account)
    chosen = _checked_options(options or {})
    file_format = _first_look(file)
    stored = store_file(
        content=file,
        name=name or "releve",
        kind="bank_file",
        content_type=CONTENT_TYPES.get(file_format, "text/plain"),
        now=now,
    )
    bank_file = BankFile.objects.create(
        legal_entity=entity,
        file=stored,
        format=file_format,
        source=source,
        bank_account=bank_account,
        options=chosen,
        uploaded_by=_person(actor),
        received_at=now,
        updated_at=now,
    )
    audit.record(
        actor=actor,
        verb="invoices.bank_file.received",
        refs=[bank_file, entity],
        now=now,
        file=stored.name,
        sha256=stored.sha256,
        size=stored.size,
        source=source,
    )
    kick(READ_TASK)
    return bank_file


@operation("invoices.import_statement")
def reread_bank_file(
    *,
    actor: Actor,
    bank_file: BankFile,
    now: datetime,
    bank_account: BankAccount | None = None,
    options: dict[str, str] | None = None,
) -> BankFile:
    """Read a file again that is not accepted: an account was created meanwhile, or the choices were wrong."""
    locked = _lock(actor, bank_file.pk)
    check_move(locked, Status.RECEIVED)
    _check_account(locked.legal_entity_id, bank_account)
    locked.bank_account, locked.options = bank_account, _checked_options(options or {})
    locked.status, locked.attempts, locked.updated_at = Status.RECEIVED, 0, now
    locked.error_code, locked.error_params = "", {}
    clear_statements(locked)
    locked.save()
    audit.record(
        actor=actor,
        verb="invoices.bank_file.reread",
        refs=[locked, locked.legal_entity],
        now=now,
        account=bank_account.name if bank_account else "",
    )
    kick(READ_TASK)
    return locked


@operation("invoices.import_statement")
def accept_bank_file(*, actor: Actor, bank_file: BankFile, today: date, now: datetime) -> BankFile:
    """Put the new lines of a previewed file to work: receipts and returns wait to be matched, the rest is set aside.

    Statements that another file has brought since the preview become duplicates, lines that it has brought are
    known. Raises WrongState when somebody was quicker, NothingToAccept when no statement is left.
    """
    locked = _lock(actor, bank_file.pk)
    check_move(locked, Status.ACCEPTED)
    statements = list(
        locked.statements.filter(status=BankStatement.Status.PREVIEWED)
        .select_related("bank_account")
        .order_by("rank")
    )
    bank_lines.hold_accounts(one.bank_account_id for one in statements if one.bank_account_id)
    archived = [one for one in statements if one.bank_account and not one.bank_account.is_active]
    if archived:
        raise NothingToAccept(
            _("Le compte « %(account)s » a été archivé depuis la lecture. Relisez le fichier.")
            % {"account": archived[0].bank_account}
        )
    repeated = refuse_repeated(statements)
    if repeated:
        BankStatement.objects.bulk_update(
            repeated, ["status", "remark_code", "remark_params"], batch_size=500
        )
    if len(repeated) == len(statements):
        raise NothingToAccept(
            _("Aucun relevé de ce fichier n’est nouveau et juste : il n’y a rien à enregistrer.")
        )
    bank_lines.mark_known(locked.pk)
    with override(settings.LANGUAGE_CODE):
        charges, debit = _("Frais bancaires"), _("Débit sans rapport avec un client")
    new = bank_lines.put_to_work(
        locked.pk, entity_id=locked.legal_entity_id, charges=charges, debit=debit, now=now
    )
    accepted = locked.statements.filter(status=BankStatement.Status.PREVIEWED).update(
        status=BankStatement.Status.ACCEPTED
    )
    locked.status, locked.updated_at = Status.ACCEPTED, now
    locked.accepted_by, locked.accepted_at = _person(actor), now
    locked.save()
    audit.record(
        actor=actor,
        verb="invoices.bank_file.accepted",
        refs=[locked, locked.legal_entity, *(f"bankaccount:{pk}" for pk in _accounts(statements))],
        now=now,
        business_date=today.isoformat(),
        statements=accepted,
        lines=new,
        **_figures(locked),
    )
    kick(MATCH_TASK)
    return locked


@operation("invoices.import_statement")
def cancel_bank_file(*, actor: Actor, bank_file: BankFile, now: datetime) -> BankFile:
    """Give a file up before it is accepted; its statements and lines go, the file stays."""
    locked = _lock(actor, bank_file.pk)
    check_move(locked, Status.CANCELLED)
    clear_statements(locked)
    locked.status, locked.updated_at = Status.CANCELLED, now
    locked.save()
    audit.record(
        actor=actor, verb="invoices.bank_file.cancelled", refs=[locked, locked.legal_entity], now=now
    )
    return locked


@operation("invoices.import_statement")
def withdraw_bank_file(*, actor: Actor, bank_file: BankFile, reason: str, now: datetime) -> BankFile:
    """Take back a file that was accepted by mistake: its lines go, its statements stay as withdrawn.

    Raises LinesInUse as soon as one of its lines has ever carried anything, or repeats in another file lean on it.
    """
    reason = reason.strip()
    if not reason or len(reason) > 200:
        raise BusinessError(
            _("Indiquez en 200 caractères au plus pourquoi ce fichier est retiré."),
            code="reason_missing",
            field="reason",
        )
    locked = _lock(actor, bank_file.pk)
    check_move(locked, Status.WITHDRAWN)
    statements = list(locked.statements.filter(status=BankStatement.Status.ACCEPTED))
    bank_lines.hold_accounts(_accounts(statements))
    lines = BankLine.objects.filter(statement__bank_file=locked)
    # Whoever applies a line waits here, and then finds it gone.
    list(lines.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    _check_unused(locked)
    figures = _figures(locked)
    bank_lines.take_out(locked.pk)
    locked.statements.filter(status=BankStatement.Status.ACCEPTED).update(
        status=BankStatement.Status.WITHDRAWN
    )
    locked.status, locked.updated_at = Status.WITHDRAWN, now
    locked.save()
    audit.record(
        actor=actor,
        verb="invoices.bank_file.withdrawn",
        refs=[locked, locked.legal_entity, *(f"bankaccount:{pk}" for pk in _accounts(statements))],
        now=now,
        reason=reason,
        statements=len(statements),
        **figures,
    )
    return locked


def _check_unused(bank_file: BankFile) -> None:
    of_file = Q(bank_line__statement__bank_file=bank_file)
    used = (
        Receipt.objects.filter(of_file).values("bank_line").distinct().count()
        or CashApplication.objects.filter(of_file).values("bank_line").distinct().count()
        or BankLine.objects.filter(returns__statement__bank_file=bank_file)
        .exclude(statement__bank_file=bank_file)
        .count()
    )
    if used:
        raise LinesInUse(
            ngettext(
                "%(count)d mouvement de ce fichier a déjà été affecté : le fichier ne se retire plus. "
                "Corrigez plutôt l’affectation.",
                "%(count)d mouvements de ce fichier ont déjà été affectés : le fichier ne se retire plus. "
                "Corrigez plutôt les affectations.",
                used,
            )
            % {"count": used}
        )
    leaning = (
        BankFile.objects.filter(statements__lines__same_as__statement__bank_file=bank_file)
        .exclude(pk=bank_file.pk)
        .select_related("file")
        .first()
    )
    if leaning:
        raise LinesInUse(
            _(
                "Le fichier « %(file)s » répète des mouvements de celui-ci, qui y sont tenus pour connus. "
                "Retirez-le ou abandonnez-le d’abord."
            )
            % {"file": leaning}
        )


def _lock(actor: Actor, bank_file_id: int) -> BankFile:
    """The file, locked, if it is in the actor's scope."""
    bank_file = (
        BankFile.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("legal_entity", "file")
        .filter(pk=bank_file_id)
        .first()
    )
    if bank_file is None:
        raise NotInScope(_("Ce fichier n’est pas dans votre périmètre."))
    return bank_file


def _check_account(entity_id: int, account: BankAccount | None) -> None:
    if account is not None and (account.legal_entity_id != entity_id or not account.is_active):
        raise NotInScope(
            _("Choisissez un compte bancaire actif de l’entité juridique."), field="bank_account"
        )


def _first_look(file: IO[bytes]) -> str:
    """The format. Raises BankFileRefused for what no reader can take."""
    size = file.seek(0, 2)
    file.seek(0)
    if size > settings.IMPORT_MAX_BYTES:
        raise BankFileRefused(too_large_message(size), code="file_too_large", field="file")
    head = file.read(HEAD)
    file.seek(0)
    try:
        return bank_format(head)
    except UnreadableFile as error:
        raise BankFileRefused(
            bank_file_message(error.code, error.params), code=error.code, field="file"
        ) from None


def _checked_options(options: dict[str, str]) -> dict[str, str]:
    """The reading choices that are really made. Raises BusinessError for one that does not exist."""
    chosen = {}
    for name, value in options.items():
        if not value:
            continue
        if value not in _CHOICES.get(name, ()):
            raise BusinessError(
                _("« %(value)s » n’est pas un choix de lecture possible.") % {"value": value},
                code="option_unknown",
                field=name,
            )
        chosen[name] = str(value)
    return chosen


def _figures(bank_file: BankFile) -> dict[str, object]:
    """What the lines of a file became, for its audit."""
    lines = BankLine.objects.filter(statement__bank_file=bank_file)
    statuses = {
        row["status"]: row["count"] for row in lines.order_by().values("status").annotate(count=Count("pk"))
    }
    opened = (
        lines.filter(status=BankLine.Status.OPEN, amount__gt=0)
        .order_by()
        .values("currency")
        .annotate(total=Sum("amount"))
    )
    return {
        "open": statuses.get("OPEN", 0),
        "set_aside": statuses.get("SET_ASIDE", 0),
        "known": statuses.get("KNOWN", 0),
        "received_amounts": {row["currency"]: str(row["total"]) for row in opened},
    }


def _accounts(statements: list[BankStatement]) -> list[int]:
    return sorted({one.bank_account_id for one in statements if one.bank_account_id})


def _person(actor: Actor) -> User | None:
    return actor if actor is not SYSTEM and isinstance(actor, User) else None
