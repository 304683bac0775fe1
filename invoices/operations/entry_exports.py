"""Entries to post back into the ledger: each receipt, difference and reversal once, in a file that is kept."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from tempfile import TemporaryFile

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.files import store_file
from core.operation import operation
from core.rights import SYSTEM, Actor
from customers.models import LegalEntity
from invoices.entry_lines import COLUMNS, SEPARATORS, Entry, Line, reversed_entry, written
from invoices.models import Adjustment, CashApplication, CashSettings, EntryExport, Receipt
from invoices.operations.applying import ZERO, settings_of

FILE_KIND = "ENTRIES"
MISCELLANEOUS = "OD"
_CHUNK = 2_000


class ExportRefused(BusinessError):
    """There is nothing to export, or not so."""

    code = "export_refused"


@operation("invoices.export_entries")
def export_entries(
    *,
    actor: Actor,
    entity: LegalEntity,
    until: date,
    today: date,
    now: datetime,
    separator: str = "semicolon",
) -> EntryExport:
    """Write the entries dated up to `until` that no export holds yet; each is exported once.

    Columns of the FEC (LPF A47 A-1). A receipt: bank against the customer's account, one line per settled document; a
    difference: its account against the customer's; what was undone: its reversal, dated of the undo. Letters are one
    code per act of matching still in force. Raises ExportRefused, at `until` or `separator`.
    """
    if not LegalEntity.objects.visible_to(actor).filter(pk=entity.pk).exists():
        raise ExportRefused(_("Cette entité n’est pas dans votre périmètre."), field="entity")
    if separator not in SEPARATORS:
        raise ExportRefused(_("Choisissez le séparateur des colonnes."), field="separator")
    if until > today:
        raise ExportRefused(_("Cette date est dans le futur."), field="until")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"entries:{entity.pk}"])
    receipts = Receipt.objects.filter(
        export__isnull=True, item__legal_entity=entity, item__issue_date__lte=until
    )
    reversals = Receipt.objects.filter(
        reversal_export__isnull=True, item__legal_entity=entity, counter_item__issue_date__lte=until
    ).filter(Q(export__isnull=False) | Q(item__issue_date__lte=until))
    adjustments = Adjustment.objects.filter(
        export__isnull=True, item__legal_entity=entity, item__issue_date__lte=until
    )
    chosen = [
        list(rows.order_by("pk").values_list("pk", flat=True)) for rows in (receipts, reversals, adjustments)
    ]
    if not any(chosen):
        raise ExportRefused(
            _("Aucune écriture à exporter jusqu’à cette date : tout l’a déjà été."), field="until"
        )
    entries = _entries(settings_of(entity), *chosen)
    count, debit = 0, ZERO
    with TemporaryFile() as stream:
        stream.write("".join(_row(COLUMNS, separator)).encode())
        for entry in entries:
            count, debit = count + 1, debit + entry.debit
            stream.write("".join(_row(row, separator) for row in written(entry)).encode())
        stored = store_file(
            content=stream,  # type: ignore[arg-type]
            name=f"{entity.siren or entity.code}-ecritures-{until:%Y%m%d}-{now:%H%M%S}.{'txt' if separator == 'tab' else 'csv'}",
            kind=FILE_KIND,
            content_type="text/csv; charset=utf-8",
            now=now,
        )
    export = EntryExport.objects.create(
        legal_entity=entity,
        file=stored,
        until=until,
        entry_count=count,
        debit_amount=debit,
        created_by=None if actor is SYSTEM else actor,  # type: ignore[misc]
        created_at=now,
    )
    Receipt.objects.filter(pk__in=chosen[0]).update(export=export)
    Receipt.objects.filter(pk__in=chosen[1]).update(reversal_export=export)
    Adjustment.objects.filter(pk__in=chosen[2]).update(export=export)
    audit.record(
        actor=actor,
        verb="invoices.entries.exported",
        refs=[export, entity],
        now=now,
        file=stored.name,
        entries=count,
        amount=str(debit),
        currency=entity.currency,
        until=until.isoformat(),
        sha256=stored.sha256,
    )
    return export


def waiting_entries(entity_ids: list[int], until: date) -> int:
    """How many entries an export up to this day would hold."""
    receipts = Receipt.objects.filter(item__legal_entity__in=entity_ids)
    return (
        receipts.filter(export__isnull=True, item__issue_date__lte=until).count()
        + receipts.filter(reversal_export__isnull=True, counter_item__issue_date__lte=until).count()
        + Adjustment.objects.filter(
            export__isnull=True, item__legal_entity__in=entity_ids, item__issue_date__lte=until
        ).count()
    )


def _entries(
    settings: CashSettings, receipts: list[int], reversals: list[int], adjustments: list[int]
) -> Iterator[Entry]:
    for receipt in _chunked(_receipts(), receipts):
        yield _of_receipt(settings, receipt)
    for receipt in _chunked(_receipts(), reversals):
        counter = receipt.counter_item
        if counter is not None:
            entry = _of_receipt(settings, receipt)
            yield reversed_entry(
                entry,
                counter.number,
                counter.issue_date,
                _("Annulation de %(number)s") % {"number": entry.number},
            )
    rows = Adjustment.objects.select_related("item__customer", "application")
    for adjustment in _chunked(rows, adjustments):
        yield _of_adjustment(settings, adjustment)


def _receipts() -> "QuerySet[Receipt]":
    return Receipt.objects.select_related(
        "bank_line__bank_account", "item__customer", "application", "counter_item"
    ).prefetch_related("application__allocations__debit", "application__allocations__credit")


def _chunked(rows: QuerySet, ids: list[int]) -> Iterator:  # type: ignore[type-arg]
    for start in range(0, len(ids), _CHUNK):
        yield from rows.filter(pk__in=ids[start : start + _CHUNK]).order_by("pk")


def _of_receipt(settings: CashSettings, receipt: Receipt) -> Entry:
    line, item = receipt.bank_line, receipt.item
    account = line.bank_account
    assert account is not None
    sign = 1 if receipt.role == Receipt.Role.PAYMENT else -1
    foreign = item.currency != line.currency
    bank = Line(
        account=account.gl_account,
        account_label=account.name,
        amount=sign * receipt.amount,
        piece=item.number,
        piece_date=line.booking_date,
        foreign_amount=sign * abs(item.total_amount) if foreign else None,
        foreign_currency=item.currency if foreign else "",
    )
    return Entry(
        journal=account.journal_code,
        journal_label=account.name,
        number=item.number,
        day=item.issue_date,
        label=f"{receipt.get_role_display()} {item.customer.name} {line.remittance}",
        lines=[bank, *_customer_lines(settings, receipt, -sign, foreign)],
    )


def _customer_lines(settings: CashSettings, receipt: Receipt, sign: int, foreign: bool) -> list[Line]:
    """One line per document that the receipt settles, so that the ledger can letter it; the rest on the account."""
    item, application = receipt.item, receipt.application
    letter, day = _letter(application)
    shared = {
        "account": settings.customer_account,
        "account_label": _("Clients"),
        "auxiliary": item.customer.account_code,
        "auxiliary_label": item.customer.name,
    }
    lines, left = [], receipt.amount
    if application is not None and not foreign:
        for allocation in application.allocations.all():
            if item.pk not in (allocation.debit_id, allocation.credit_id):
                continue
            other = allocation.debit if allocation.credit_id == item.pk else allocation.credit
            left -= allocation.amount
            lines.append(
                Line(
                    amount=sign * allocation.amount,
                    piece=other.number,
                    piece_date=other.issue_date,
                    letter=letter,
                    letter_date=day,
                    **shared,
                )
            )
    if left:
        lines.append(
            Line(
                amount=sign * left,
                piece=item.number,
                piece_date=item.issue_date,
                letter=letter if foreign and application and application.allocations.all() else "",
                letter_date=day if foreign else None,
                foreign_amount=sign * abs(item.total_amount) if foreign else None,
                foreign_currency=item.currency if foreign else "",
                **shared,
            )
        )
    return lines


def _of_adjustment(settings: CashSettings, adjustment: Adjustment) -> Entry:
    item = adjustment.item
    letter, day = _letter(adjustment.application)
    charge = Line(
        account=adjustment.account,
        account_label=adjustment.get_reason_display(),
        amount=-item.total_amount,
        piece=item.reference,
        piece_date=item.issue_date,
    )
    customer = Line(
        account=settings.customer_account,
        account_label=_("Clients"),
        amount=item.total_amount,
        auxiliary=item.customer.account_code,
        auxiliary_label=item.customer.name,
        piece=item.reference,
        piece_date=item.issue_date,
        letter=letter,
        letter_date=day,
    )
    return Entry(
        journal=MISCELLANEOUS,
        journal_label=_("Opérations diverses"),
        number=item.number,
        day=item.issue_date,
        label=f"{adjustment.get_reason_display()} {item.reference} {adjustment.note}",
        lines=[charge, customer],
    )


def _letter(application: CashApplication | None) -> tuple[str, date | None]:
    """The code of an act of matching in force; none for one that was undone."""
    if application is None or application.reversed_on is not None:
        return "", None
    return f"E{application.pk}", application.applied_on


def _row(cells: Iterable[str], separator: str) -> str:
    return SEPARATORS[separator].join(cells) + "\r\n"
