"""Small questions to the elements of a CAMT message, whatever their namespace."""

from datetime import date
from decimal import Decimal
from typing import Any

from invoices.readers.bank.building import StatementError, currency_code, exact_amount, iso_date


def name(element: Any) -> str:
    """The element's name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if type(tag) is str else ""


def children(element: Any, *path: str) -> list[Any]:
    """Every element at the path: all of the last step, the first one of those before."""
    if len(path) > 1:
        element = child(element, *path[:-1])
    return [] if element is None else [item for item in element if name(item) == path[-1]]


def child(element: Any, *path: str) -> Any:
    """The first element at the path, whatever its namespace."""
    for step in path:
        element = next((item for item in element if name(item) == step), None)
        if element is None:
            return None
    return element


def text(element: Any, *path: str) -> str:
    found = child(element, *path)
    return "" if found is None else (found.text or "").strip()


def amount_of(element: Any, *path: str) -> tuple[Decimal, str]:
    """The amount and currency of `Amt`. Raises StatementError."""
    found = child(element, *path, "Amt")
    if found is None:
        raise StatementError("amount_missing", line=element.sourceline, field=name(element))
    where = {"line": found.sourceline, "field": f"{name(element)}/Amt"}
    return exact_amount(found.text or "", **where), currency_code(found.get("Ccy", ""), **where)


def account_of(element: Any) -> str:
    """The IBAN, else the identifier that the bank uses."""
    return (
        text(element, "Id", "IBAN")
        or text(element, "Id", "Othr", "Id")
        or text(element, "Id", "BBAN")
        or text(element, "Id", "UPIC")
        or text(element, "Id", "PrtryAcct", "Id")
    )


def day_of(element: Any, *names: str) -> date | None:
    for step in names:
        found = child(element, step)
        if found is None:
            continue
        inner = child(found, "Dt")
        if inner is None:
            inner = child(found, "DtTm")
        found = found if inner is None else inner
        if found.text:
            return iso_date(found.text, line=found.sourceline, field=f"{name(element)}/{step}")
    return None
