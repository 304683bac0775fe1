"""By what a movement and a statement are recognised when they come again: in another file, notice or format. Pure."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

# The first letter says what the fingerprint rests on; only the bank's own reference is taken to be unique.
BY_REFERENCE, BY_END_TO_END, BY_TEXT = "r", "e", "t"

_WORDS = re.compile(r"[^0-9a-z]+")
_NO_REFERENCE = re.compile(r"[0\W_]*|NONREF|NOTPROVIDED|NOREF|NONE|N/?A", re.IGNORECASE)


def line_fingerprint(
    *,
    account_id: int,
    booking_date: date,
    amount: Decimal,
    currency: str,
    bank_reference: str = "",
    end_to_end_id: str = "",
    text: str = "",
) -> str:
    """64 characters that are the same for the same movement, whatever notice or statement it stands on.

    It rests on the account, the day, the signed amount, and the best of: the bank's reference, the end-to-end id,
    the text without accents, case and punctuation. Different movements may share it: `occurrence` tells them apart.
    """
    if not _NO_REFERENCE.fullmatch(bank_reference):
        kind, key = BY_REFERENCE, bank_reference.strip().upper()
    elif not _NO_REFERENCE.fullmatch(end_to_end_id):
        kind, key = BY_END_TO_END, end_to_end_id.strip().upper()
    else:
        kind, key = BY_TEXT, normal_text(text)
    said = f"{account_id}|{booking_date.isoformat()}|{amount:.2f}|{currency}|{key}"
    return f"{kind}{hashlib.sha256(said.encode()).hexdigest()[:63]}"


def statement_fingerprint(
    *,
    kind: str,
    currency: str,
    from_date: date | None,
    to_date: date | None,
    opening_amount: Decimal | None,
    closing_amount: Decimal | None,
    identification: str,
    entry_amounts: Sequence[Decimal],
    lines: Iterable[str],
) -> str:
    """The SHA-256 by which an account's statement is recognised.

    With both balances, the same whatever the format: closing day, balances and amounts of the bookings. Without, a
    notice or an export is the same only when its own reference, its days and each of its lines are.
    """
    if opening_amount is not None and closing_amount is not None:
        parts = ["balances", kind, currency, str(to_date), f"{opening_amount:.2f}", f"{closing_amount:.2f}"]
        parts += sorted(f"{amount:.2f}" for amount in entry_amounts)
    else:
        parts = ["lines", kind, currency, identification, str(from_date), str(to_date), *sorted(lines)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def normal_text(text: str) -> str:
    """Letters and figures only, without accents and case: banks cut and space the same text differently."""
    return _WORDS.sub("", unicodedata.normalize("NFKD", text).casefold())
