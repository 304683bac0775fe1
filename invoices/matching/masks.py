"""What in a bank's free text is no document number: accounts, dates, amounts, phones, company numbers.

Each is found, kept where it says something of the payer, and blanked, so that its digits are no number. Texts are
folded first (capitals, no accents), with `|` in the place of what was blanked.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from stdnum import iban as stdnum_iban
from stdnum import iso11649, luhn

BLANK = " | "


@dataclass(slots=True)
class Found:
    """What was read besides numbers. `references` are ISO 11649 references whose check is right, without RF and key."""

    ibans: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    sirens: list[str] = field(default_factory=list)


_MONTHS = (
    "JANV?(?:IER|UARY|UAR)?|FEVR?(?:IER)?|FEB(?:RUARY|RUAR)?|MARS|MARCH|MARZ|MAERZ|AVR(?:IL)?|APR(?:IL)?|MAI|MAY|"
    "JUIN|JUNE?|JUNI|JUIL(?:LET)?|JULY?|JULI|AOUT|AUG(?:UST)?|SEPT?(?:EMBRE|EMBER)?|OCT(?:OBRE|OBER)?|OKT(?:OBER)?|"
    "NOV(?:EMBRE|EMBER)?|DEC(?:EMBRE|EMBER)?|DEZ(?:EMBER)?"
)
_AMOUNT = (
    r"(?<![\dA-Z.,])\d{1,3}(?:[ .'\u00a0]\d{3})*[.,]\d{2}(?!\d|[.,]\d)|(?<![\dA-Z.,])\d+[.,]\d{2}(?![\d.,/-])"
)
_CURRENCY = "(?:EUROS?|EUR|€|USD|CHF|GBP)"

_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}")
_REFERENCE = re.compile(r"(?<![A-Z0-9])RF ?\d{2}(?: ?[A-Z0-9]){1,21}")
_VAT = re.compile(r"(?<![A-Z0-9])(?:FR) ?\d{2} ?(\d{3} ?\d{3} ?\d{3})(?!\d)")
_COMPANY = re.compile(
    r"\b(?:SIRENE?|SIRET|RCS)(?:[ :.N°]|\bNO\b)*(?:[A-Z]+ )?(\d(?: ?\d){8})((?: ?\d){5})?(?!\d)"
)
_BARE_SIRET = re.compile(r"(?<![A-Z0-9])\d{14}(?![A-Z0-9])")
_BARE_SIREN = re.compile(r"(?<![A-Z0-9])\d{3} ?\d{3} ?\d{3}(?![A-Z0-9])")
_BLANKED = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\d/.-])(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:(?:19|20)\d{2}|\d{2})(?![\d/-])",
        r"(?<![\dA-Z/.-])(?:19|20)\d{2}[./-](?:0[1-9]|1[0-2])[./-](?:0[1-9]|[12]\d|3[01])(?![\d/-])",
        r"(?<![\d/.-])(?:0[1-9]|1[0-2])/(?:19|20)\d{2}(?![\d/-])",
        rf"(?:{_AMOUNT}) ?{_CURRENCY}?\b",
        rf"(?<![A-Z]){_CURRENCY} ?(?:{_AMOUNT})",
        r"(?<![\dA-Z])\d{1,3}(?:[ .']?\d{3})* ?(?:EUROS?|EUR|€)(?![A-Z])",
        r"(?<![A-Z])(?:EUR|€|USD|CHF|GBP) ?\d{1,3}(?:[ .']?\d{3})*(?![\d.,])",
        r"\d+(?:[.,]\d+)? ?%",
        # A day and a month, as in « FACT DU 15/11 ».
        r"\b(?:DU|LE|VOM|ON|AU|ECH(?:EANCE)?|DATED?|DATUM)[ :.]+(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|1[0-2])(?![\d/-])",
        r"\b(?:DU|LE|VOM|ON|AU|DATED?|DATUM|ECH(?:EANCE)?)[ :.]+(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:20)?\d{2}(?!\d)",
        r"\b(?:DU|LE|VOM|ON|AU|DATED?|DATUM|ECH(?:EANCE)?)[ :.]+20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)",
        rf"(?<!\d)(?:\d{{1,2}}[ .-]{{0,2}})?\b(?:{_MONTHS})\b[ .'-]{{0,2}}(?:(?:19|20)\d{{2}}|\d{{2}})?(?!\d)",
        r"(?<!\d)(?:\+33|0033) ?[1-9](?:[ .-]?\d{2}){4}(?!\d)",
        r"(?<!\d)0[1-9](?:[ .-]\d{2}){4}(?!\d)",
        r"\b(?:TEL|TELEPHONE|PHONE|FAX|GSM|MOB(?:ILE)?)[ :.]*\+?\d(?:[ .-]?\d){6,14}",
        r"\b(?:BIC|SWIFT)[ :]*[A-Z0-9]{8,11}\b",
        r"\bTAN[ :]*\d{4,8}\b",
        r"\b\d{1,2}[:H]\d{2}(?:[:M]\d{2})?\b",
    )
)


def fold(text: str) -> str:
    """The text in capitals, without accents, with plain spaces and dashes."""
    flat = unicodedata.normalize("NFKD", text).upper()
    flat = "".join(letter for letter in flat if not unicodedata.combining(letter))
    return re.sub("[\u2010-\u2015\u2212]", "-", re.sub(r"\s+", " ", flat)).strip()


def mask(folded: str) -> tuple[str, Found]:
    """The folded text with everything blanked that is no document number, and what was found in it."""
    found = Found()
    text = _REFERENCE.sub(lambda match: _keep_reference(match.group(), found), folded)
    text = _IBAN.sub(lambda match: _keep_iban(match.group(), found), text)
    text = _VAT.sub(lambda match: _keep_siren(match.group(1), match.group(), found), text)
    text = _COMPANY.sub(lambda match: _keep_siren(match.group(1), match.group(), found), text)
    text = _BARE_SIRET.sub(lambda match: _keep_siren(match.group()[:9], match.group(), found), text)
    for match in _BARE_SIREN.finditer(text):
        # Nine digits may be a number too: kept as a company and left in the text.
        _keep_siren(match.group(), "", found)
    for pattern in _BLANKED:
        text = pattern.sub(BLANK, text)
    return text, found


def reference_of(text: str) -> str:
    """What an ISO 11649 reference refers to; empty when the text is none, or its check is wrong."""
    compact = re.sub(r"[^A-Z0-9]", "", text.upper())
    if compact.startswith("RF") and len(compact) > 4 and iso11649.is_valid(compact):
        return compact[4:]
    return ""


def _longest(text: str, valid: Callable[[str], bool], shortest: int) -> int:
    """How much of the text, cut at a space, is valid; 0 for none."""
    cuts = [len(text), *(place for place in range(len(text) - 1, shortest - 1, -1) if text[place] == " ")]
    for cut in cuts:
        if valid(text[:cut].replace(" ", "")):
            return cut
    return 0


def _keep_iban(text: str, found: Found) -> str:
    cut = _longest(text, lambda part: stdnum_iban.is_valid(part, check_country=False), 15)
    if not cut:
        return text
    found.ibans.append(text[:cut].replace(" ", ""))
    return BLANK + text[cut:]


def _keep_reference(text: str, found: Found) -> str:
    cut = _longest(text, iso11649.is_valid, 5)
    if not cut:
        return text
    found.references.append(text[:cut].replace(" ", "")[4:])
    return BLANK + text[cut:]


def _keep_siren(digits: str, whole: str, found: Found) -> str:
    siren = digits.replace(" ", "")
    if siren == "000000000" or not luhn.is_valid(siren):
        return whole
    if siren not in found.sirens:
        found.sirens.append(siren)
    return BLANK
