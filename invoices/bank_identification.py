"""Which of an entity's bank accounts a statement is of, however its bank writes the account. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from customers.identifiers import IdentifierError, clean_iban, compact, french_iban

_RIB = re.compile("([0-9]{5})([0-9]{5})([0-9A-Z]{11})(?:[0-9]{2})?")
_PARTS = re.compile(r"[^0-9A-Za-z]+")
# A shorter number could stand by chance in another account's IBAN.
_LEAST_DIGITS = 7


@dataclass(frozen=True)
class KnownAccount:
    pk: int
    iban: str
    other_identification: str


def written_iban(identification: str) -> str:
    """The IBAN that a statement's account says: as it is, or from a French bank, branch and account; else empty."""
    number = compact(identification)
    rib = _RIB.fullmatch(number)
    if rib:
        number = french_iban(*rib.groups())
    try:
        return clean_iban(number)
    except (IdentifierError, ValueError):
        return ""


def account_of(identification: str, accounts: Iterable[KnownAccount]) -> int | None:
    """The account that a statement names, or None when none or more than one fits.

    By its IBAN, by the identification that was entered for it, or by a bank code and account number that both
    stand in one IBAN (as German and Swiss banks write in MT940).
    """
    known = list(accounts)
    number, iban = compact(identification), written_iban(identification)
    if not number:
        return None
    exact = [
        account.pk
        for account in known
        if account.iban in (iban, number) or compact(account.other_identification) == number
    ]
    if exact:
        return exact[0] if len(exact) == 1 else None
    if iban:
        return None
    parts = [part.upper().lstrip("0") for part in _PARTS.split(identification)]
    parts = [part for part in parts if part]
    if (
        sum(len(part) for part in parts) < _LEAST_DIGITS
        or max(map(len, parts), default=0) < _LEAST_DIGITS - 2
    ):
        return None
    fitting = [account.pk for account in known if _fits(parts, account.iban[4:])]
    return fitting[0] if len(fitting) == 1 else None


def _fits(parts: list[str], bban: str) -> bool:
    """Whether the parts stand in the number in their order."""
    at = 0
    for part in parts:
        found = bban.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True
