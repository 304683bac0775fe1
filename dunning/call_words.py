"""What to say on the phone: a level's script with the customer's values. Pure.

The script is written in the language of letters (`dunning.letters.template_language`), with fewer fields; bold and
lists are kept as plain text.
"""

from collections.abc import Mapping

from dunning.letters.template_language import FieldKind, TemplateError, parse
from dunning.letters.template_layout import Block, Entries, Heading, lay_out

# What a script may name; `call_values` gives each of them.
FIELDS = (
    "client.nom", "client.compte", "client.interlocuteur", "societe.nom", "societe.telephone", "total", "principal",
    "penalites", "indemnites", "nombre_pieces", "plus_ancienne_echeance", "retard_maximal", "dernier_courrier",
)  # fmt: skip
CONDITIONS = ("plusieurs_pieces", "accessoires", "particulier")
VOCABULARY = dict.fromkeys(FIELDS, FieldKind.TEXT) | dict.fromkeys(CONDITIONS, FieldKind.CONDITION)


def script_faults(source: str) -> list[str]:
    """What is wrong in a script, with its line; empty when it can be read."""
    try:
        parse(source, VOCABULARY)
    except TemplateError as error:
        return [f"{fault.line}\u00a0: {fault.message}" for fault in error.faults]
    return []


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
