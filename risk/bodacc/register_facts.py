"""What an announcement of the register says of a company: struck off, renamed, moved, sold, accounts filed. Pure."""

from dataclasses import replace
from typing import Any

from risk.bodacc.identities import address_of, as_dict
from risk.bodacc.natures import Nature
from risk.bodacc.texts import clean, fold, parse_date


def facts_of(fields: dict[str, Any], nature: Nature) -> tuple[dict[str, Any], Nature]:
    """The facts worth a look, and the class made precise: a modification may be a new name or a new address.

    Facts are plain JSON: `name`, `address`, `text`, `ceased_on`, `closed_on`, `accounts`. Nobody's record changes
    by them before a person says so.
    """
    if nature.kind == "MODIFICATION":
        return _modification(fields, nature)
    if nature.kind == "STRIKE_OFF":
        return _strike_off(fields), nature
    if nature.kind == "ACCOUNTS_FILED":
        return _accounts(fields), nature
    if nature.kind == "SALE":
        deed = as_dict(fields.get("acte"))
        return _said(text=_sentence(deed) or clean(fields.get("acte"), 1_000)), nature
    return {}, nature


def _modification(fields: dict[str, Any], nature: Nature) -> tuple[dict[str, Any], Nature]:
    change = as_dict(fields.get("modificationsgenerales"))
    text = clean(change.get("descriptif"), 1_000) or _sentence(change) or clean(
        fields.get("modificationsgenerales"), 1_000
    )  # fmt: skip
    person = _first_person(fields)
    facts = _said(text=text)
    said = fold(text)
    renamed = any(words in said for words in ("denomination", "raison sociale", "nom commercial"))
    moved = any(
        words in said
        for words in (
            "transfert du siege",
            "siege social",
            "adresse du siege",
            "transfert de l'etablissement",
        )
    )
    name = clean(change.get("nouvelleDenomination"), 300) or (
        clean(person.get("denomination"), 300) if renamed else ""
    )
    if moved:
        address = address_of(change.get("adresseSiegeSocial") or person.get("adresseSiegeSocial"))
        if address:
            facts["address"] = address
    if name:
        facts["name"] = name
    if renamed and name:
        return facts, replace(nature, kind="RENAMED")
    return facts, replace(nature, kind="MOVED") if moved else nature


def _strike_off(fields: dict[str, Any]) -> dict[str, Any]:
    strike = as_dict(fields.get("radiationaurcs"))
    natural = as_dict(strike.get("radiationPP"))
    legal = as_dict(strike.get("radiationPM"))
    ceased = parse_date(natural.get("dateCessationActivitePP") or strike.get("dateCessationActivite"))
    struck = parse_date(strike.get("dateRadiation") or legal.get("dateRadiation"))
    text = clean(strike.get("commentaire"), 1_000) or clean(legal.get("commentaire"), 1_000)
    facts = _said(text=text)
    if ceased:
        facts["ceased_on"] = ceased.isoformat()
    if struck:
        facts["closed_on"] = struck.isoformat()
    return facts


def _accounts(fields: dict[str, Any]) -> dict[str, Any]:
    deposit = as_dict(fields.get("depot"))
    closed = parse_date(deposit.get("dateCloture"))
    facts = _said(text=clean(deposit.get("descriptif"), 1_000))
    kind = clean(deposit.get("typeDepot"), 120)
    if kind:
        facts["accounts"] = kind
    if closed:
        facts["closed_on"] = closed.isoformat()
    return facts


def _first_person(fields: dict[str, Any]) -> dict[str, Any]:
    published = as_dict(fields.get("listepersonnes"))
    person = published.get("personne", published)
    if isinstance(person, list):
        person = person[0] if person else {}
    return person if isinstance(person, dict) else {}


def _sentence(values: dict[str, Any]) -> str:
    """The plain values of an object, one after the other: for a person to read."""
    return clean(" ; ".join(text for value in values.values() if (text := clean(value, 400))), 1_000)


def _said(*, text: str) -> dict[str, Any]:
    return {"text": text} if text else {}
