"""What a file may say of a customer: each value checked and brought to its one spelling. Pure.

The same checks as for one customer at a time (`customers.operations.accounts`), on plain values and without
stopping at the first fault: every one is an object with `column`, `code`, `value`. What is empty says nothing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from customers.identifiers import (
    IdentifierError,
    clean_foreign_id,
    clean_naf,
    clean_siren,
    clean_siret,
    clean_vat_number,
)

# Longest values, as the columns hold them.
LONGEST = {
    "account_code": 40,
    "name": 120,
    "foreign_id": 40,
    "segment": 40,
    "contact": 80,
    "phone": 30,
    "email": 254,
}
KINDS = ("COMPANY", "PUBLIC_BODY", "SOLE_TRADER", "CONSUMER")
LANGUAGES = ("fr", "en", "de", "es", "it")
ROLES = ("ACCOUNTS_PAYABLE", "BUYER", "MANAGEMENT", "OTHER")
_EMAIL = re.compile(r"[^@\s,;<>()\"]{1,64}@[^@\s,;<>()\"]+\.[^@\s,;<>()\".]{2,63}")
_IDENTIFIERS = ("siren", "siret", "vat_number")

Fault = dict[str, Any]


@dataclass
class Judged:
    """The values of a customer as they would be kept (`terms` as a key), his contacts, and every fault."""

    values: dict[str, Any] = field(default_factory=dict)
    contacts: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def fail(self, column: str, code: str, value: str = "", **params: Any) -> None:
        """Keep one fault."""
        self.faults.append({"column": column, "code": code, "value": value[:120], **params})


def judge_customer(
    said: Mapping[str, Any],
    contacts: Sequence[Mapping[str, Any]],
    *,
    terms: Mapping[str, int],
    known: Mapping[str, Any] | None = None,
) -> Judged:
    """Check what a file says of a customer. `terms` maps codes of payment terms to their keys.

    `known` holds the values of the customer that is there already: what the file does not say is taken from it.
    """
    found = Judged()
    before = known or {}
    for name in ("name", "segment"):
        text = " ".join(str(said.get(name) or "").split())
        if len(text) > LONGEST[name]:
            found.fail(name, "text_too_long", text, length=len(text), limit=LONGEST[name])
        elif text:
            found.values[name] = text
    if known is None and not found.values.get("name"):
        found.fail("name", "required")
    address = "\n".join(
        line for part in str(said.get("address_lines") or "").splitlines() if (line := " ".join(part.split()))
    )
    if address:
        found.values["address_lines"] = address
    _judge_choices(said, found, terms)
    country = found.values.get("country") or before.get("country") or "FR"
    _judge_identifiers(said, found, country, before)
    kind = found.values.get("kind") or before.get("kind") or "COMPANY"
    if kind == "CONSUMER":
        for name in _IDENTIFIERS:
            if found.values.get(name):
                found.fail(name, "consumer_identifier", found.values[name])
    _judge_contacts(said, contacts, found, str(found.values.get("name") or before.get("name") or ""))
    return found


def _judge_choices(said: Mapping[str, Any], found: Judged, terms: Mapping[str, int]) -> None:
    kind = str(said.get("kind") or "").strip().upper()
    if kind:
        if kind in KINDS:
            found.values["kind"] = kind
        else:
            found.fail("customer_kind", "customer_kind_unknown", kind)
    language = str(said.get("language") or "").strip().lower()
    if language in LANGUAGES:
        found.values["language"] = language
    for name in ("country", "currency"):
        code = str(said.get(name) or "").strip().upper()
        if code and re.fullmatch("[A-Z]{2}" if name == "country" else "[A-Z]{3}", code):
            found.values[name] = code
        elif code:
            found.fail(name, f"{name}_unknown", code)
    code = str(said.get("terms") or "").strip()
    if code:
        # People write 30 jours nets for NET30: codes are compared without case.
        key = terms.get(code) or terms.get(code.upper())
        if key:
            found.values["terms_id"] = key
        else:
            found.fail("terms", "terms_unknown", code)


def _judge_identifiers(
    said: Mapping[str, Any], found: Judged, country: str, before: Mapping[str, Any]
) -> None:
    def judge(name: str, clean: Callable[[str], str]) -> None:
        text = str(said.get(name) or "").strip()
        if not text:
            return
        try:
            found.values[name] = clean(text)
        except IdentifierError:
            found.fail(name, "identifier_invalid", text, country=country, siren=siren())

    def siren() -> str:
        return str(found.values.get("siren") or before.get("siren") or "")

    judge("siren", clean_siren)
    judge("siret", lambda text: clean_siret(text, found.values.get("siren", "")))
    if found.values.get("siret"):
        found.values["siren"] = found.values["siret"][:9]
    judge("vat_number", lambda text: clean_vat_number(text, country, siren()))
    judge("naf_code", clean_naf)
    judge("foreign_id", lambda text: clean_foreign_id(text, country))
    if len(found.values.get("foreign_id", "")) > LONGEST["foreign_id"]:
        found.fail("foreign_id", "text_too_long", found.values.pop("foreign_id"), length=41, limit=40)


def _judge_contacts(
    said: Mapping[str, Any], contacts: Sequence[Mapping[str, Any]], found: Judged, customer_name: str
) -> None:
    """The contacts of the file; an address or a telephone of the customer himself is one, under his name."""
    listed = list(contacts)
    if not listed and (said.get("email") or said.get("phone")):
        listed = [{"name": customer_name, "email": said.get("email"), "phone": said.get("phone")}]
    for contact in listed:
        email = str(contact.get("email") or "").strip().lower()
        phone = " ".join(str(contact.get("phone") or "").split())[: LONGEST["phone"]]
        name = " ".join(str(contact.get("name") or "").split()) or email
        role = str(contact.get("role") or "ACCOUNTS_PAYABLE").upper()
        if email and (not _EMAIL.fullmatch(email) or len(email) > LONGEST["email"]):
            found.fail("email", "email_invalid", email)
        elif contact.get("gets_dunning") and not email:
            found.fail("email", "email_needed", name)
        elif email or phone:
            found.contacts.append(
                {
                    "name": name[: LONGEST["contact"]],
                    "role": role if role in ROLES else "OTHER",
                    "email": email,
                    "phone": phone,
                    "gets_dunning": contact.get("gets_dunning"),
                }
            )
