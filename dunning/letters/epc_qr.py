"""The EPC QR code that fills a transfer form (European Payments Council, EPC069-12, version 002).

Line-feed separated lines, nothing after the last one used; error level M, version 13 at most,
331 bytes at most, euro only.
"""

import io
from decimal import Decimal

import segno
from stdnum import bic as bic_number
from stdnum import iban as iban_number
from stdnum.exceptions import ValidationError

MAX_BYTES = 331
MAX_VERSION = 13
MAX_NAME = 70
MAX_TEXT = 140
MIN_AMOUNT = Decimal("0.01")
MAX_AMOUNT = Decimal("999999999.99")

# Any of the eight masks reads the same; a fixed one saves scoring all of them for each letter.
_MASK = 4
_QUIET_ZONE = 4


class EpcQrError(ValueError):
    """The transfer cannot be written as an EPC QR code; the message says which element and why."""


def epc_payload(*, name: str, iban: str, amount: Decimal, text: str = "", bic: str = "") -> bytes:
    """Return the payload, UTF-8, of a SEPA transfer of `amount` euros to `name`.

    `text` is the unstructured remittance information, 140 characters at most.
    Raises EpcQrError when an element breaks the guideline.
    """
    name = _one_line(name, "name")
    text = _one_line(text, "text")
    if not 1 <= len(name) <= MAX_NAME:
        raise EpcQrError(f"name: 1 to {MAX_NAME} characters, got {len(name)}")
    if len(text) > MAX_TEXT:
        raise EpcQrError(f"text: {MAX_TEXT} characters at most, got {len(text)}")
    if not MIN_AMOUNT <= amount <= MAX_AMOUNT:
        raise EpcQrError(f"amount: {MIN_AMOUNT} to {MAX_AMOUNT} euros, got {amount}")
    if amount != amount.quantize(MIN_AMOUNT):
        raise EpcQrError(f"amount: two decimals at most, got {amount}")
    try:
        iban = iban_number.validate(iban)
        bic = bic_number.validate(bic) if bic else ""
    except ValidationError as error:
        raise EpcQrError(f"bank details: {error}") from error
    lines = ["BCD", "002", "1", "SCT", bic, name, iban, f"EUR{amount:.2f}", "", "", text]
    payload = "\n".join(lines).rstrip("\n").encode()
    if len(payload) > MAX_BYTES:
        raise EpcQrError(f"payload: {MAX_BYTES} bytes at most, got {len(payload)}")
    return payload


def shorten(value: str, limit: int) -> str:
    """Cut a value to the guideline's length, at a word when one ends in the last third."""
    value = " ".join(value.split())
    if len(value) <= limit:
        return value
    cut = value[:limit]
    head, _, _ = cut.rpartition(" ")
    return head if len(head) >= limit * 2 // 3 else cut


def epc_qr(payload: bytes) -> segno.QRCode:
    """Return the symbol of a payload: byte mode, error level M. Raises EpcQrError past version 13."""
    code = segno.make_qr(payload, error="m", mode="byte", mask=_MASK, boost_error=False)
    if code.version > MAX_VERSION:
        raise EpcQrError(f"version: {MAX_VERSION} at most, got {code.version}")
    return code


def epc_qr_png(payload: bytes) -> bytes:
    """Return the symbol as a PNG of one pixel a module, quiet zone included.

    The page scales it without smoothing: a hundred bytes of image instead of thousands of vector squares.
    """
    out = io.BytesIO()
    epc_qr(payload).save(out, kind="png", scale=1, border=_QUIET_ZONE)
    return out.getvalue()


def _one_line(value: str, element: str) -> str:
    if "\n" in value or "\r" in value:
        raise EpcQrError(f"{element}: a line break would start another element")
    return value.strip()
