"""Does a statement add up: opening balance + movements = closing balance. Pure."""

from decimal import Decimal
from typing import Any

from invoices.readers.bank.model import ReadStatement


def check_balance(statement: ReadStatement) -> tuple[str, dict[str, Any]]:
    """The remark that the balances of a statement deserve: its code ("" when all is well) and its figures.

    An intraday report is provisional: what differs there is only said. A notification has no balances.
    """
    opening, closing = statement.opening_amount, statement.closing_amount
    if opening is None or closing is None:
        if statement.kind == "BOOKED":
            return "balance_missing", {
                "missing": [*_missing(opening, "opening"), *_missing(closing, "closing")]
            }
        return "", {}
    movements = statement.credit_amount - statement.debit_amount
    difference = closing - opening - movements
    if difference == 0:
        return "", {}
    code = "balance_differs" if statement.kind == "BOOKED" else "interim_balance_differs"
    return code, {
        "opening": str(opening),
        "movements": str(movements),
        "closing": str(closing),
        "expected": str(opening + movements),
        "difference": str(difference),
        "currency": statement.currency,
    }


def check_totals(
    statement: ReadStatement, credit: Decimal | None, debit: Decimal | None
) -> tuple[str, dict[str, Any]]:
    """The same for totals that the bank announces (MT942 fields 90C and 90D, CFONB240 end records)."""
    for said, found, side in (
        (credit, statement.credit_amount, "credit"),
        (debit, statement.debit_amount, "debit"),
    ):
        if said is not None and said != found:
            return "totals_differ", {
                "side": side,
                "said": str(said),
                "found": str(found),
                "currency": statement.currency,
            }
    return "", {}


def _missing(value: Decimal | None, name: str) -> list[str]:
    return [name] if value is None else []
