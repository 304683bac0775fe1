"""The sums of an electronic invoice, by the rules of EN 16931 (BR-CO-10 to BR-CO-17).

Tolerances are the standard's: none on totals, one unit of currency on a VAT rate (BR-CO-17); in the extended profiles
a cent per amount added up (BR-FXEXT-CO-10 to 15, BR-FREXT-CO-10 to 15). A small profile has fewer sums: what it
does not write is not checked. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from core.money import CENT, round_money
from invoices.readers.einvoice.model import Invoice

_ONE = Decimal(1)
_ZERO = Decimal(0)


@dataclass(frozen=True)
class SumError:
    """A rule that does not hold: what is written, and what the rule gives."""

    rule: str
    written: Decimal
    expected: Decimal


def sum_errors(invoice: Invoice) -> Iterator[SumError]:
    """The rules that do not hold, in the order of the standard."""
    parts = len(invoice.lines) + len(invoice.allowances) + len(invoice.charges)
    cents = CENT if invoice.is_extended else _ZERO

    def differs(
        rule: str, written: Decimal | None, expected: Decimal | None, count: int
    ) -> Iterator[SumError]:
        if written is None or expected is None:
            return
        if abs(written - round_money(expected)) > cents * count:
            yield SumError(rule, written, round_money(expected))

    if invoice.lines:
        yield from differs("BR-CO-10", invoice.line_total, _sum(invoice.lines), len(invoice.lines))
    if invoice.allowances or invoice.allowance_total:
        yield from differs(
            "BR-CO-11", invoice.allowance_total or _ZERO, _sum(invoice.allowances), len(invoice.allowances)
        )
    if invoice.charges or invoice.charge_total:
        yield from differs(
            "BR-CO-12", invoice.charge_total or _ZERO, _sum(invoice.charges), len(invoice.charges)
        )
    if invoice.line_total is not None:
        expected = invoice.line_total - (invoice.allowance_total or _ZERO) + (invoice.charge_total or _ZERO)
        yield from differs("BR-CO-13", invoice.net_total, expected, parts)
    amounts = [row.amount for row in invoice.vat_rows if row.amount is not None]
    if amounts:
        yield from differs("BR-CO-14", invoice.vat_total, _sum(amounts), 0)
    if invoice.net_total is not None:
        yield from differs("BR-CO-15", invoice.total, invoice.net_total + (invoice.vat_total or _ZERO), parts)
    if invoice.total is not None:
        expected = invoice.total - (invoice.prepaid or _ZERO) + (invoice.rounding or _ZERO)
        yield from differs("BR-CO-16", invoice.due, expected + _sum(invoice.adjustments), 0)
    for row in invoice.vat_rows:
        if row.basis is None or row.amount is None:
            continue
        tax = abs(row.basis) * (row.rate or _ZERO) / 100
        if abs(abs(row.amount) - round_money(tax)) >= _ONE:
            yield SumError("BR-CO-17", row.amount, round_money(row.basis * (row.rate or _ZERO) / 100))


def _sum(amounts: list[Decimal]) -> Decimal:
    return sum(amounts, _ZERO)
