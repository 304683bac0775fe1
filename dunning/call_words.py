"""What to say on the phone: a level's script with the customer's values. Pure.

The script is written in the language of letters (`dunning.letters.template_language`), with fewer fields; bold and
lists are kept as plain text.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dunning.letters.template_language import FieldKind, TemplateError, parse
from dunning.letters.template_layout import Block, Entries, Heading, lay_out

# What a script may name, for those who write one; `call_reads.script_of` gives each of them.
FIELDS: dict[str, Any] = {
    "client.nom": _("nom du client"),
    "client.compte": _("code du client"),
    "client.interlocuteur": _("la personne à demander"),
    "societe.nom": _("notre raison sociale"),
    "societe.telephone": _("notre téléphone"),
    "total": _("total réclamé"),
    "principal": _("dont principal"),
    "penalites": _("dont pénalités"),
    "indemnites": _("dont indemnités"),
    "nombre_pieces": _("nombre de pièces"),
    "plus_ancienne_echeance": _("plus ancienne échéance"),
    "retard_maximal": _("plus long retard, en jours"),
    "dernier_courrier": _("dernier contact et son jour"),
}
CONDITIONS: dict[str, Any] = {
    "plusieurs_pieces": _("plusieurs pièces sont réclamées"),
    "accessoires": _("des pénalités ou indemnités le sont aussi"),
    "particulier": _("le client est un particulier"),
}
VOCABULARY = dict.fromkeys(FIELDS, FieldKind.TEXT) | dict.fromkeys(CONDITIONS, FieldKind.CONDITION)


def script_faults(source: str) -> list[str]:
    """What is wrong in a script, with its line; empty when it can be read."""
    try:
        parse(source, VOCABULARY)
    except TemplateError as error:
        return [f"{fault.line}\u00a0: {fault.message}" for fault in error.faults]
    return []


def insertions() -> list[tuple[str, str, Any]]:
    """What a click writes into a script, its name, and what it stands for."""
    fields = [(f"{{{{ {name} }}}}", name, label) for name, label in FIELDS.items()]
    return fields + [
        (f"{{{{ si {name} }}}}…{{{{ sinon }}}}…{{{{ fin }}}}", name, label)
        for name, label in CONDITIONS.items()
    ]


def example() -> tuple[dict[str, str], dict[str, bool]]:
    """Values of nobody, to read a script aloud while it is written."""
    values = {
        "client.nom": "Ateliers Morvan",
        "client.compte": "C00042",
        "client.interlocuteur": "Lise Carrel",
        "societe.nom": "Fournitures Valtermont",
        "societe.telephone": "01 23 45 67 89",
        "total": "4\u202f360,75\u00a0€",
        "principal": "4\u202f200,00\u00a0€",
        "penalites": "80,75\u00a0€",
        "indemnites": "80,00\u00a0€",
        "nombre_pieces": "2",
        "plus_ancienne_echeance": "12/03/2026",
        "retard_maximal": "21",
        "dernier_courrier": gettext("Relance du %(day)s") % {"day": "20/03/2026"},
    }
    return values, {"plusieurs_pieces": True, "accessoires": True, "particulier": False}


def spoken(source: str, values: Mapping[str, str], truth: Mapping[str, bool]) -> list[str]:
    """The script as paragraphs. One that cannot be read is shown as it was written."""
    try:
        template = parse(source, VOCABULARY)
    except TemplateError:
        return [source]
    paragraphs = []
    for part in lay_out(template, dict(values), dict(truth)):
        if isinstance(part, Block):
            continue
        if isinstance(part, Heading):
            lines = [part.line]
        else:
            lines = list(part.lines)
        mark = "– " if isinstance(part, Entries) else ""
        text = "\n".join(mark + "".join(run.text for run in line).strip() for line in lines)
        if text.strip():
            paragraphs.append(text)
    return paragraphs
