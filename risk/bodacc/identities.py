"""Who an announcement names: each person with name, address and number of identity. Pure.

A SIREN counts only with a right key; a wrong one is kept as published and leads nowhere by itself.
"""

import re
from dataclasses import dataclass
from typing import Any

from stdnum import luhn
from stdnum.fr import siret as stdnum_siret

from risk.bodacc.records import parsed
from risk.bodacc.texts import clean

_NUMBER = re.compile(r"(?<![0-9])[0-9](?:[ \u00a0\u202f.]?[0-9])*(?![0-9])")
_STREET = ("complGeographique", "numeroVoie", "typeVoie", "nomVoie", "lieuDit", "BP", "localite")


@dataclass(frozen=True)
class Person:
    """One person of an announcement. `siren` is empty when none was published or its key is wrong."""

    name: str
    siren: str = ""
    siret: str = ""
    register_number: str = ""
    is_natural: bool = False
    address: str = ""
    legal_form: str = ""
    doubts: tuple[str, ...] = ()


def as_object(value: Any) -> Any:
    """A value that the service gives as JSON text or as an object; None when it is neither."""
    if isinstance(value, (dict, list)):
        return value
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        found = parsed(value)
    except ValueError:
        return None
    # Exports of exports quote it twice.
    if isinstance(found, str):
        try:
            found = parsed(found)
        except ValueError:
            return None
    return found if isinstance(found, (dict, list)) else None


def as_dict(value: Any) -> dict[str, Any]:
    found = as_object(value)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    return found if isinstance(found, dict) else {}


def numbers_in(text: str) -> tuple[list[str], list[str], list[str]]:
    """The SIRENs and SIRETs of a text whose keys are right, and the numbers of that length whose key is wrong."""
    sirens: list[str] = []
    sirets: list[str] = []
    wrong: list[str] = []
    for found in _NUMBER.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if len(digits) == 14:
            if stdnum_siret.is_valid(digits) and not digits.startswith("000000000"):
                sirets.append(digits)
                sirens.append(digits[:9])
            else:
                wrong.append(digits)
        elif len(digits) == 9:
            (sirens if digits != "000000000" and luhn.is_valid(digits) else wrong).append(digits)
        elif digits.strip("0") and len(digits) % 9 == 0 and _is_list(digits):
            sirens.extend(digits[start : start + 9] for start in range(0, len(digits), 9))
    return list(dict.fromkeys(sirens)), list(dict.fromkeys(sirets)), list(dict.fromkeys(wrong))


def _is_list(digits: str) -> bool:
    """« 732829320 732 829 320 »: numbers one after the other without a sign between."""
    return all(luhn.is_valid(digits[start : start + 9]) for start in range(0, len(digits), 9))


def persons_of(fields: dict[str, Any]) -> list[Person]:
    """The persons of a record, one at least. Several share a notice when a court names them together."""
    published = as_object(fields.get("listepersonnes"))
    if isinstance(published, dict):
        published = published.get("personne", published.get("personnes", published))
    rows = published if isinstance(published, list) else [published] if isinstance(published, dict) else []
    rows = [row.get("personne", row) if isinstance(row, dict) else row for row in rows]
    register = _register_text(fields)
    known = [row for row in rows if isinstance(row, dict)]
    persons = [_person(row, fields, register if len(known) == 1 else "") for row in known]
    persons = [person for person in persons if person.name or person.siren or person.register_number]
    return persons or _from_register(fields, register)


def _person(row: dict[str, Any], fields: dict[str, Any], register: str) -> Person:
    identity = as_dict(row.get("numeroImmatriculation"))
    craft = as_dict(row.get("inscriptionRM"))
    own = " | ".join(
        text
        for text in (
            clean(identity.get("numeroIdentification"), 60) or clean(row.get("numeroImmatriculation"), 60),
            clean(craft.get("numeroIdentification"), 60),
            clean(row.get("siren"), 60),
            clean(row.get("siret"), 60),
        )
        if text
    )
    siren, siret, doubts = _one_siren(own, register)
    name = clean(row.get("denomination"), 300) or clean(
        " ".join(
            part for part in (clean(row.get("prenom"), 120), clean(row.get("nom"), 120), clean(row.get("nomUsage"), 120)) if part
        ),
        300,
    )  # fmt: skip
    kind = clean(row.get("typePersonne") or row.get("typePers"), 10).lower()
    return Person(
        name=name or clean(fields.get("commercant"), 300),
        siren=siren,
        siret=siret,
        register_number=clean(own or register, 60),
        is_natural=kind == "pp" or (not kind and bool(row.get("nom")) and not row.get("denomination")),
        address=address_of(row.get("adresseSiegeSocial") or row.get("adresse") or row.get("adressePersonne")),
        legal_form=clean(row.get("formeJuridique"), 120),
        doubts=doubts,
    )


def _one_siren(own: str, register: str) -> tuple[str, str, tuple[str, ...]]:
    """The person's SIREN, from his own number before the record's list; none when the two contradict each other."""
    sirens, sirets, wrong = numbers_in(own)
    listed, _listed_sirets, listed_wrong = numbers_in(register)
    if len(sirens) > 1 or (sirens and listed and sirens[0] not in listed):
        return "", "", ("siren_contradiction",)
    if sirens:
        return sirens[0], sirets[0] if sirets else "", ()
    if wrong and listed:
        return "", "", ("siren_contradiction",)
    if len(listed) == 1:
        return listed[0], "", ()
    return "", "", ("siren_wrong",) if wrong or listed_wrong else ("siren_missing",)


def _register_text(fields: dict[str, Any]) -> str:
    value = fields.get("registre")
    if isinstance(value, str) and value.strip().startswith("["):
        value = as_object(value) or value
    if isinstance(value, list):
        return " | ".join(clean(part, 60) for part in value[:50])
    return clean(value, 400).replace(",", " | ")


def _from_register(fields: dict[str, Any], register: str) -> list[Person]:
    """Where no person is described: each SIREN of the list is one, all under the announcement's name."""
    text = f"{register} | {clean(fields.get('siren'), 60)}"
    sirens, sirets, wrong = numbers_in(text)
    name = clean(fields.get("commercant"), 300)
    if not sirens:
        doubts = ("siren_wrong",) if wrong else ("siren_missing",)
        return [Person(name=name, register_number=clean(register, 60), doubts=doubts)]
    return [
        Person(
            name=name,
            siren=siren,
            siret=next((siret for siret in sirets if siret.startswith(siren)), ""),
            register_number=siren,
        )
        for siren in sirens
    ]


def address_of(value: Any) -> str:
    """An address on lines: street, then postcode and town, then the country when it is not France."""
    parts = as_dict(value)
    if not parts:
        return clean(value, 300)
    street = " ".join(text for name in _STREET if (text := clean(parts.get(name), 120)))
    town = f"{clean(parts.get('codePostal'), 20)} {clean(parts.get('ville'), 80)}".strip()
    country = clean(parts.get("pays"), 60)
    lines = [street, town, "" if country.lower() in ("", "france", "fr") else country]
    return "\n".join(line for line in lines if line)
