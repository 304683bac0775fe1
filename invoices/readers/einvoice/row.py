"""An electronic invoice -> the rows of the batch: one, or one per instalment."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from core.calendar import add_months
from core.money import MAX_AMOUNT, round_money, split_money
from invoices.readers.cells import GUARDED
from invoices.readers.einvoice import due_dates
from invoices.readers.einvoice.model import Invoice, Term
from invoices.readers.einvoice.parties import (
    contact_details,
    customer_details,
    is_issued_by,
    issuer_words,
)
from invoices.readers.einvoice.sums import sum_errors
from invoices.readers.staged import StagedRow
from invoices.readers.vocabulary import CURRENCIES

# UNTDID 1001 as EN 16931 and the French rules (BR-FR-04) use it.
CREDIT_TYPES = frozenset(
    {"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"}
)
DEPOSIT_TYPES = frozenset({"386", "500"})
INVOICE_TYPES = frozenset(
    {
        "71", "80", "82", "84", "102", "218", "219", "326", "331", "380", "382", "383", "384", "385", "387", "388",
        "389", "390", "393", "394", "395", "456", "457", "471", "472", "473", "501", "527", "553", "575", "623", "633",
        "751", "780", "817", "870", "875", "876", "877", "935",
    }
)  # fmt: skip
# Given to a factor by the type itself: « affacturée ».
FACTORED_TYPES = frozenset({"393", "396", "472", "473", "501", "502"})
NOT_DUE_TYPES = frozenset({"325"})  # pro forma: nothing is owed

CELLS = (
    "file",
    "type",
    "number",
    "issued",
    "due",
    "currency",
    "net",
    "vat",
    "total",
    "to_pay",
    "seller",
    "buyer",
)
_MOST_ERRORS = 12
_LONGEST_REFERENCE = 80
_MOST_INSTALMENTS = 500


def rows_of(
    invoice: Invoice, *, entity: Mapping[str, str], today: date, longest: Mapping[str, int], name: str
) -> list[StagedRow]:
    """The rows of one invoice, without their line numbers. What is wrong with it stands in each row's errors.

    `entity` is the creditor (`siren`, `vat_number`, `name`), `longest` the longest text per field, `name` the file.
    """
    kind, sign = _kind(invoice)
    _check_texts(invoice, longest)
    _check_dates(invoice, today)
    _check_seller(invoice, entity)
    for error in list(sum_errors(invoice))[:_MOST_ERRORS]:
        invoice.fail(
            "vat_amount" if error.rule in ("BR-CO-14", "BR-CO-17") else "total_amount",
            error.rule.lower().replace("-", "_"),
            _plain(error.written),
            expected=_plain(error.expected),
        )
    row = StagedRow(line=0, cells=_cells(invoice, name), document_name=name)
    row.number, row.kind = invoice.number or None, kind
    row.issue_date, row.currency = invoice.issue_date, invoice.currency.upper() or None
    row.reference = (invoice.order_reference or invoice.buyer_reference)[:_LONGEST_REFERENCE]
    row.details = _details(invoice)
    _set_amounts(row, invoice, sign)
    rows = _split(row, invoice, sign)
    if invoice.total == 0 and not invoice.errors:
        row.skipped = "not_receivable"
    for each in rows:
        each.errors = invoice.errors[:_MOST_ERRORS]
    return rows


def _kind(invoice: Invoice) -> tuple[str | None, int]:
    """The nature by BT-3, and the sign that turns the invoice's amounts into the ledger's.

    An invoice whose total is negative is a credit note: that is how some programs write « avoir » under type 380.
    """
    code = invoice.type_code
    total = invoice.total if invoice.total is not None else invoice.due
    if invoice.is_test:
        invoice.fail("kind", "einvoice_is_test")
    if code in CREDIT_TYPES:
        if total is not None and total < 0:
            invoice.fail("total_amount", "einvoice_credit_sign", _plain(total))
        return "CREDIT_NOTE", -1
    if code in INVOICE_TYPES or code in DEPOSIT_TYPES:
        if total is not None and total < 0:
            return "CREDIT_NOTE", 1
        return ("DEPOSIT" if code in DEPOSIT_TYPES else "INVOICE"), 1
    if code in NOT_DUE_TYPES:
        invoice.fail("kind", "einvoice_pro_forma", code)
    elif code:
        invoice.fail("kind", "einvoice_type_unknown", code)
    else:
        invoice.fail("kind", "einvoice_missing", term="BT-3")
    return None, 1


def _check_texts(invoice: Invoice, longest: Mapping[str, int]) -> None:
    number, limit = invoice.number, longest.get("number", 40)
    if not number:
        invoice.fail("number", "einvoice_missing", term="BT-1")
    elif number.startswith(GUARDED):
        invoice.fail("number", "formula_like", number)
    elif len(number) > limit:
        invoice.fail("number", "text_too_long", number, length=len(number), limit=limit)
    if not invoice.currency:
        invoice.fail("currency", "einvoice_missing", term="BT-5")
    elif invoice.currency.upper() not in CURRENCIES:
        invoice.fail("currency", "currency_unknown", invoice.currency)


def _check_dates(invoice: Invoice, today: date) -> None:
    issued = invoice.issue_date
    if issued is None:
        if not any(error["column"] == "issue_date" for error in invoice.errors):
            invoice.fail("issue_date", "einvoice_missing", term="BT-2")
    elif not add_months(today, -12 * 30) <= issued <= add_months(today, 12):
        invoice.fail("issue_date", "date_implausible", issued.strftime("%d/%m/%Y"))


def _check_seller(invoice: Invoice, entity: Mapping[str, str]) -> None:
    """An invoice that another company issued is not ours to collect."""
    if is_issued_by(invoice.seller, entity) is False:
        invoice.fail(
            "",
            "other_seller",
            issuer_words(invoice.seller),
            entity=" ".join((entity.get("name") or "").split()),
        )


def _set_amounts(row: StagedRow, invoice: Invoice, sign: int) -> None:
    """What is owed in all: the total with VAT and the rounding of the payment; open: what is left of it to pay."""
    total, due, prepaid = invoice.total, invoice.due, invoice.prepaid or Decimal(0)
    if total is None and due is not None:
        total = due + prepaid
    if total is None:
        invoice.fail("total_amount", "einvoice_missing", term="BT-112")
        return
    owed = due + prepaid if due is not None else total
    for column, amount in (("total_amount", owed), ("total_amount", due), ("vat_amount", invoice.vat_total)):
        if amount is not None and abs(amount) > MAX_AMOUNT:
            invoice.fail(column, "amount_too_large", str(amount))
            return
        if amount is not None and round_money(amount) != amount:
            invoice.fail(column, "amount_decimals", str(amount))
            return
    row.total_amount = sign * round_money(owed) + 0
    if prepaid and due is not None:
        # Paid beyond the total, nothing is open of it; what is too much is on the payment.
        open_amount = round_money(due) if (due < 0) == (owed < 0) else Decimal(0)
        row.open_amount = sign * min(open_amount, round_money(owed), key=abs) + 0
    vat = invoice.vat_total
    if vat is not None:
        if abs(vat) > abs(owed) or (vat and (vat < 0) != (owed < 0)):
            invoice.fail("vat_amount", "vat_above_total", _plain(vat))
        else:
            row.vat_amount = sign * round_money(vat) + 0


def _split(row: StagedRow, invoice: Invoice, sign: int) -> list[StagedRow]:
    parts = due_dates.instalments(invoice)
    due = row.open_amount if row.open_amount is not None else row.total_amount
    if not parts or due is None or row.kind is None:
        row.due_date = _due_date(row, invoice, due_dates.due_date(invoice))
        return [row]
    if len(parts) > _MOST_INSTALMENTS or not due_dates.instalments_add_up(parts, sign * due):
        found = sum((part.amount or Decimal(0) for part in parts), Decimal(0))
        invoice.fail("total_amount", "einvoice_instalments", _plain(found), expected=_plain(sign * due))
        row.due_date = _due_date(row, invoice, due_dates.due_date(invoice))
        return [row]
    return _instalment_rows(row, invoice, parts, sign)


def _instalment_rows(row: StagedRow, invoice: Invoice, parts: list[Term], sign: int) -> list[StagedRow]:
    """A row per instalment; what was paid in advance is on the first one."""
    assert row.total_amount is not None
    amounts = [sign * round_money(part.amount or Decimal(0)) for part in parts]
    opens: list[Decimal | None] = [None] * len(parts)
    if row.open_amount is not None:
        paid = row.total_amount - row.open_amount
        opens = list(amounts)
        amounts[0] += paid
    vats: list[Decimal | None] = [None] * len(parts)
    if row.vat_amount is not None and any(amounts):
        vats = list(split_money(row.vat_amount, [abs(amount) for amount in amounts]))
    return [
        StagedRow(
            line=0,
            cells=row.cells,
            number=row.number,
            instalment=index + 1,
            kind=row.kind,
            issue_date=row.issue_date,
            due_date=_due_date(row, invoice, part.due_date),
            currency=row.currency,
            total_amount=amounts[index],
            vat_amount=vats[index],
            open_amount=opens[index],
            reference=row.reference,
            details=row.details,
            document_name=row.document_name,
        )
        for index, part in enumerate(parts)
    ]


def _due_date(row: StagedRow, invoice: Invoice, due: date | None) -> date | None:
    """The due date that the ledger takes. A credit note is due at once: an earlier day means nothing there."""
    issued = row.issue_date
    if due is None or issued is None:
        return due
    if due < issued:
        if row.kind == "CREDIT_NOTE":
            return None
        invoice.fail("due_date", "due_before_issue", due.strftime("%d/%m/%Y"), issued=issued.isoformat())
    elif due > add_months(issued, 120):
        invoice.fail("due_date", "due_too_late", due.strftime("%d/%m/%Y"))
    return due


def _details(invoice: Invoice) -> dict[str, Any]:
    found: dict[str, Any] = {
        "syntax": invoice.syntax,
        "profile": invoice.profile[:200],
        "process": invoice.process[:80],
        "type_code": invoice.type_code[:10],
        "net_total": _written(invoice.net_total),
        "prepaid": _written(invoice.prepaid),
        "rounding": _written(invoice.rounding),
        "buyer_reference": invoice.buyer_reference[:200],
        "order_reference": invoice.order_reference[:200],
        "contract_reference": invoice.contract_reference[:200],
        "preceding_invoices": [number[:60] for number in invoice.preceding[:50]],
        "payment_reference": invoice.payment_reference[:140],
        "iban": "".join(invoice.iban.split())[:34],
        "means_code": invoice.means_code[:10],
        "mandate": invoice.mandate[:40],
        "delivery_date": invoice.delivery_date.isoformat() if invoice.delivery_date else "",
        "terms": " ".join(term.text for term in invoice.terms)[:500].strip(),
        "payee": issuer_words(invoice.payee)[:200] if invoice.payee else "",
        "is_factored": invoice.type_code in FACTORED_TYPES,
        "vat_rates": _vat_rates(invoice),
    }
    details: dict[str, Any] = {"einvoice": {name: value for name, value in found.items() if value}}
    customer = customer_details(invoice.buyer, invoice.currency.upper())
    if customer:
        details["customer"] = customer
    contacts = contact_details(invoice.buyer)
    if contacts:
        details["contacts"] = contacts
    return details


def _vat_rates(invoice: Invoice) -> list[dict[str, str]]:
    """The amount with VAT of each rate: what is received is told by rate (status 212)."""
    return [
        {"rate": f"{row.rate:f}", "total": f"{abs(row.basis + row.amount):f}"}
        for row in invoice.vat_rows[:20]
        if row.rate is not None and row.basis is not None and row.amount is not None
    ]


def _cells(invoice: Invoice, name: str) -> list[str]:
    due = due_dates.due_date(invoice)
    return [
        name,
        invoice.type_code,
        invoice.number,
        invoice.issue_date.isoformat() if invoice.issue_date else "",
        due.isoformat() if due else "",
        invoice.currency,
        _written(invoice.net_total),
        _written(invoice.vat_total),
        _written(invoice.total),
        _written(invoice.due),
        invoice.seller.name,
        invoice.buyer.name,
    ]


def _written(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:f}"


def _plain(amount: Decimal) -> str:
    """As SQL writes it, for the sentence."""
    return f"{amount:.2f}" if round_money(amount) == amount else f"{amount:f}"
