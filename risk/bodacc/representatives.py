"""Who is written to: the mandataire or liquidator that a judgment appoints, found in its free text. Pure.

C. com. L622-24 and R622-21: claims go to the mandataire judiciaire, in liquidation to the liquidator. The text is
written by hand: what is found is a proposal, which a person confirms before anything is posted.
"""

import re
from dataclasses import dataclass

from risk.bodacc.texts import fold

_ROLES = (
    ("liquidateur", "liquidateur"),
    ("mandataire judiciaire", "mandataire judiciaire"),
    ("representant des creanciers", "représentant des créanciers"),
    ("mandataire liquidateur", "liquidateur"),
    ("commissaire a l'execution du plan", "commissaire à l’exécution du plan"),
)
# What follows the name and address in these texts.
_END = re.compile(
    r"(?:(?<=[a-zéèàâêîôûç)\d])(?<![Mm]e)\s*\.\s*(?=[A-ZÉÈ])|\s*;|,?\s+(?:et\s+)?(?:avec (?:pour )?mission|avec les pouvoirs|administrateur|commissaire-priseur|commissaire de justice|"
    r"chargé[e]? |juge[- ]commissaire|autorisant|ouvrant|fixant|maintenant|désignant|et désignant|lequel|laquelle|"
    r"les créances|les créanciers|les déclarations|dans les deux mois|et mettant|à compter|date de cessation)|\.?\s*$)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"[,:\-–]?\s*\b((?:\d{1,4}\s?(?:bis|ter|quater|[A-D])?\s*[,-]?\s*(?:-\s*\d+\s*)?(?:rue|avenue|av\.?|boulevard|bd\.?|bld|place|pl\.?|cours|"
    r"quai|impasse|allée|allees|allées|chemin|route|square|passage|esplanade|mail|rond|villa|cité|galerie|faubourg|promenade|parvis)\b"
    r"|(?:BP|CS|B\.P\.|C\.S\.)\s?\d+|(?:rue|avenue|boulevard|place|cours|quai|allée|immeuble|centre|résidence|espace|parc)\s+[A-ZÉÈ0-9]).*)$",
    re.IGNORECASE | re.DOTALL,
)
_TOWN = re.compile(r"\s*[,\-–]?\s*\b(\d{5})\s+([^\d]{2,60})$")
LONGEST = 400


@dataclass(frozen=True)
class Representative:
    """A proposal: role, name, address on lines. Empty parts were not found."""

    role: str
    name: str
    address: str = ""


def representative_in(complement: str) -> Representative | None:
    """The addressee of the claim that a judgment's text names; None when it names none.

    The liquidator comes before the mandataire: a text that appoints both is a liquidation.
    """
    text = complement[:8_000]
    folded = _same_length_fold(text)
    for words, role in _ROLES:
        for found in re.finditer(rf"\b{words}s?\b(?: judiciaires?)?", folded):
            after = text[found.end() : found.end() + LONGEST]
            proposal = _name_and_address(after, role)
            if proposal is not None:
                return proposal
    return None


def _same_length_fold(text: str) -> str:
    """Folded sign by sign, so that places in it are places in the text."""
    return "".join(fold(char) if len(fold(char)) == 1 else char for char in text)


def _name_and_address(after: str, role: str) -> Representative | None:
    lead = re.match(
        r"\s*(?:[:,\-–]\s*|en la personne (?:de|d’|d')\s*|\(?s\)?\s*:\s*|(?:est|sont)?\s*(?:nommé[e]?|désigné[e]?)\s*)*",
        after,
        re.IGNORECASE,
    )
    start = lead.end() if lead else 0
    rest = after[start:]
    end = _END.search(rest)
    said = rest[: end.start()] if end else rest
    said = said.strip(" ,;:-–")
    if len(said) < 3 or not re.match(r"[A-ZÉÈÀ]", said):
        return None
    address = _ADDRESS.search(said)
    name = (said[: address.start()] if address else said).strip(" ,;:-–.")
    if not name or len(name) > 200 or fold(name).startswith(("les creances", "ou sur", "dans ")):
        return None
    return Representative(role, name, _lines(address[1]) if address else "")


def _lines(address: str) -> str:
    address = address.strip(" ,;.-–")
    town = _TOWN.search(address)
    if not town:
        return address
    street = address[: town.start()].strip(" ,;-–")
    return "\n".join(part for part in (street, f"{town[1]} {town[2].strip(' .,;')}") if part)
