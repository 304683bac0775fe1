"""What the columns of a table of items say of their customer: `details.customer` of the staged row."""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from invoices.readers.columns import simplify
from invoices.readers.countries import country_code
from invoices.readers.vocabulary import LANGUAGE_WORDS

_EMAIL = re.compile(r"[^@\s,;<>()\"]{1,64}@[^@\s,;<>()\"]+\.[^@\s,;<>()\".]{2,24}")
_LONGEST = {
    "customer_name": 120,
    "segment": 40,
    "terms": 20,
    "phone": 30,
    "city": 80,
    "postcode": 12,
    "email": 254,
}
_PLACE = ("address", "address_extra", "postcode", "city")

Fail = Callable[..., None]


class CustomerCells:
    """Makes one object of the customer's cells, once per customer of the file.

    `strict` is whether customers are created from it: then what is wrong is an error of the row, else it is left out.
    """

    def __init__(self, fields: Sequence[str], *, strict: bool) -> None:
        self._fields = tuple(fields)
        self._strict = strict
        self._known: dict[tuple[str, ...], tuple[str, tuple[tuple[str, str, str], ...]]] = {}

    def read(self, texts: tuple[str, ...], fail: Fail) -> str:
        """The details as JSON, from the cells of the fields; what is wrong goes to `fail` when it matters."""
        found = self._known.get(texts)
        if found is None:
            customer, errors = customer_of(dict(zip(self._fields, texts, strict=True)))
            details = {"customer": customer} if customer else {}
            found = (json.dumps(details, ensure_ascii=False), tuple(errors))
            if len(self._known) < 50_000:
                self._known[texts] = found
        if self._strict:
            for column, code, value in found[1]:
                fail(column, code, value)
        return found[0]


def customer_of(cells: Mapping[str, str]) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """What the cells say of a customer, and what is wrong in them: (column, code, value)."""
    said = {name: " ".join(_printable(text).split()) for name, text in cells.items()}
    errors: list[tuple[str, str, str]] = []
    customer: dict[str, Any] = {}
    for name, key in (
        ("customer_name", "name"),
        ("segment", "segment"),
        ("terms", "terms"),
        ("phone", "phone"),
    ):
        if said.get(name):
            customer[key] = said[name][: _LONGEST[name]]
    lines = [said.get("address", ""), said.get("address_extra", "")]
    lines.append(f"{said.get('postcode', '')[:12]} {said.get('city', '')[:80]}".strip())
    if any(lines):
        customer["address_lines"] = "\n".join(line[:120] for line in lines if line)
    if said.get("country"):
        code = country_code(said["country"])
        if code:
            customer["country"] = code
        else:
            errors.append(("country", "country_unknown", said["country"]))
    if said.get("email"):
        email = re.split(r"[;,\s]+", said["email"])[0]
        if _EMAIL.fullmatch(email):
            customer["email"] = email
        else:
            errors.append(("email", "email_invalid", said["email"]))
    if said.get("language"):
        language = LANGUAGE_WORDS.get(simplify(said["language"]))
        if language:
            customer["language"] = language
    _identify(said, customer, errors)
    return customer, errors


def _identify(said: Mapping[str, str], customer: dict[str, Any], errors: list[tuple[str, str, str]]) -> None:
    """SIREN, SIRET and VAT number, each checked; the SIREN follows from the SIRET."""
    if not any(said.get(name) for name in ("siren", "siret", "vat_number")):
        return
    from customers.identifiers import (
        IdentifierError,
        clean_siren,
        clean_siret,
        clean_vat_number,
    )  # 60 ms to load

    for name, clean in (("siren", clean_siren), ("siret", clean_siret), ("vat_number", clean_vat_number)):
        text = said.get(name, "")
        if not text:
            continue
        if name == "siren" and len(re.sub(r"\s", "", text)) == 14:
            name, clean = "siret", clean_siret
        elif name == "siret" and len(re.sub(r"\s", "", text)) == 9:
            name, clean = "siren", clean_siren
        try:
            customer[name] = clean(text)
        except IdentifierError:
            errors.append((name, "identifier_invalid", text))
    if "siret" in customer:
        customer.setdefault("siren", customer["siret"][:9])


def _printable(text: str) -> str:
    clean = unicodedata.normalize("NFC", text)
    return clean if clean.isprintable() else "".join(char if char.isprintable() else " " for char in clean)
