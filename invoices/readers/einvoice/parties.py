"""Who sold and who bought: identifiers of EN 16931 parties, cleaned, and whether the seller is ours."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from customers.identifiers import (
    IdentifierError,
    clean_siren,
    clean_siret,
    clean_vat_number,
    compact,
    siren_of_vat,
)
from invoices.readers.einvoice.model import Party

SIREN_SCHEME, SIRET_SCHEME = "0002", "0009"
_DIGITS = re.compile("[0-9]+")


def siren_of(party: Party) -> str:
    """The SIREN: the legal identifier of scheme 0002, else the head of a SIRET, else that of the French VAT number."""
    for scheme, identifier in (party.legal_id, *party.ids):
        number = compact(identifier)
        is_french = not scheme and len(number) == 9 and party.country in ("FR", "")
        siren = _cleaned(clean_siren, number) if scheme == SIREN_SCHEME or is_french else ""
        if siren:
            return siren
    if siret := siret_of(party):
        return siret[:9]
    try:
        return siren_of_vat(compact(party.vat_number))
    except (IdentifierError, ValueError):
        return ""


def siret_of(party: Party) -> str:
    """The SIRET: an identifier of scheme 0009, or one without scheme that is a valid SIRET."""
    for scheme, identifier in (party.legal_id, *party.ids):
        number = compact(identifier)
        is_likely = scheme in (SIRET_SCHEME, SIREN_SCHEME, "") and len(number) == 14
        siret = _cleaned(clean_siret, number) if is_likely else ""
        if siret:
            return siret
    return ""


def vat_of(party: Party) -> str:
    return _cleaned(clean_vat_number, party.vat_number) or compact(party.vat_number)[:20]


def account_of(party: Party) -> str:
    """The identifier without scheme (BT-46), which the seller gave the buyer: the account code, as a rule."""
    return next((text for scheme, text in party.ids if not scheme and len(text) <= 40), "")


def is_issued_by(seller: Party, entity: Mapping[str, str]) -> bool | None:
    """Whether the entity issued the invoice; None when neither identifiers nor names can tell.

    One equal identifier is enough. When the invoice has none that the entity has too, the names decide.
    """
    siren, vat = siren_of(seller), compact(seller.vat_number)
    own_siren, own_vat = compact(entity.get("siren") or ""), compact(entity.get("vat_number") or "")
    written = _DIGITS.findall(compact(seller.legal_id[1]))
    pairs = [(siren or "".join(written)[:9], own_siren), (vat, own_vat)]
    known = [(theirs, ours) for theirs, ours in pairs if theirs and ours]
    if known:
        return any(theirs == ours for theirs, ours in known)
    names = {_folded(name) for name in (seller.name, seller.trade_name) if name}
    own_name = _folded(entity.get("name") or "")
    return own_name in names if names and own_name else None


def issuer_words(seller: Party) -> str:
    """Who issued it, for a sentence: the name and the best identifier."""
    identifier = siren_of(seller) or seller.vat_number or seller.legal_id[1] or seller.tax_number
    return " ".join(filter(None, (seller.name or seller.trade_name, f"({identifier})" if identifier else "")))


def customer_details(buyer: Party, currency: str) -> dict[str, Any]:
    """What the invoice says of the buyer, under the names of `ImportRow.details`; what it does not say is absent."""
    siren = siren_of(buyer)
    found = {
        "name": (buyer.name or buyer.trade_name)[:120],
        "siren": siren,
        "siret": siret_of(buyer),
        "vat_number": vat_of(buyer),
        "account_code": account_of(buyer),
        "country": buyer.country.upper() if len(buyer.country) == 2 else "",
        "address_lines": "\n".join(buyer.address),
        "email": buyer.email if "@" in buyer.email else "",
        "phone": buyer.phone[:30],
        "currency": currency,
        "einvoice_address": ":".join(filter(None, buyer.endpoint)),
    }
    return {name: value for name, value in found.items() if value}


def contact_details(buyer: Party) -> list[dict[str, Any]]:
    """The buyer's contact (BG-9), who is not chased by himself."""
    if not buyer.contact and "@" not in buyer.email:
        return []
    return [
        {
            "name": buyer.contact[:120],
            "email": buyer.email if "@" in buyer.email else "",
            "phone": buyer.phone[:30],
            "gets_dunning": False,
        }
    ]


def _cleaned(clean: Callable[[str], str], text: str) -> str:
    if not text:
        return ""
    try:
        return clean(text)
    except IdentifierError:
        return ""


def _folded(name: str) -> str:
    text = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[^a-z0-9]+", "", text)
