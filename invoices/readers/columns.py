"""Which column holds what: header names, French and English, however they are written."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

REQUIRED = ("customer_code", "number", "issue_date", "total_amount")

# Names are compared without accents, case, punctuation and spaces. The first one is the name we ask for.
NAMES: dict[str, tuple[str, ...]] = {
    "customer_code": (
        "Code client", "Compte client", "Client", "N° client", "Numéro client", "Compte", "Compte tiers",
        "Code tiers", "Tiers", "Compte auxiliaire", "CompAuxNum", "client_code", "customer_code", "customer",
        "customer number", "customer id", "account", "account code", "account number", "cust_number",
    ),
    "number": (
        "N° facture", "Numéro facture", "Numéro de facture", "Facture", "N° pièce", "Numéro pièce",
        "Numéro de pièce", "Pièce", "N°", "Numéro", "Num facture", "Num pièce", "No facture", "N° document",
        "PieceRef", "item_number", "invoice_number", "invoice no", "invoice", "invoice id", "document number",
        "number",
    ),
    "instalment": ("N° échéance", "Numéro échéance", "Rang échéance", "instalment", "installment", "item_instalment"),
    "kind": (
        "Type", "Type de pièce", "Type pièce", "Nature", "Type de document", "item_type", "document type",
        "invoice type", "kind",
    ),
    "issue_date": (
        "Date facture", "Date de facture", "Date d'émission", "Date émission", "Date pièce", "Date de pièce",
        "Date", "Date document", "PieceDate", "item_date", "invoice_date", "issue_date", "document date",
    ),
    "due_date": (
        "Date d'échéance", "Date échéance", "Échéance", "Échéance le", "DateEch", "item_due_date", "due_date",
        "due", "due in date", "maturity date",
    ),
    "total_amount": (
        "Montant TTC", "TTC", "Total TTC", "Montant", "Montant total", "Montant initial", "Montant TTC initial",
        "Total", "item_amount_initial_inc_tax", "amount", "total", "total_amount", "amount inc tax",
        "gross amount", "invoice amount",
    ),
    "vat_amount": (
        "TVA", "Montant TVA", "Total TVA", "Dont TVA", "item_amount_tax", "item_tax", "vat", "vat_amount", "tax",
        "tax amount",
    ),
    "currency": (
        "Devise", "Monnaie", "Code devise", "Idevise", "currency", "currency_code", "item_currency",
        "invoice currency",
    ),
    "reference": (
        "Référence", "Réf", "Votre référence", "Référence client", "Commande", "N° commande", "Libellé", "Objet",
        "reference", "item_reference", "purchase order", "po number", "order number", "description",
    ),
}  # fmt: skip

FIELDS = tuple(NAMES)


def simplify(name: str) -> str:
    """`Date d’échéance ` and `date_d'echeance` give the same; `N°`, `No.` and `Num.` do too."""
    text = unicodedata.normalize("NFKD", name.replace("°", "o ").replace("º", "o ")).casefold()
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = re.sub(r"[^a-z0-9]+", " ", text).strip()
    text = re.sub(r"^(?:numero|num|no|nr)\b(?: d[eu]?\b)?", "no", text)
    return re.sub(r"(?<=.) (?:en )?(?:eur|euros?)$", "", text).replace(" ", "")


# Simplified name -> (field, rank): the lower the rank, the surer the name.
_KNOWN = {simplify(name): (field, rank) for field, names in NAMES.items() for rank, name in enumerate(names)}


@dataclass(frozen=True)
class Header:
    """The header row: where each field stands. `positions` maps field -> column index from 0."""

    line: int
    names: tuple[str, ...]
    positions: dict[str, int]

    @property
    def missing(self) -> list[str]:
        return [field for field in REQUIRED if field not in self.positions]

    @property
    def double(self) -> str | None:
        """A column that is there twice under the same name: we cannot know which one counts."""
        seen: set[str] = set()
        for name in self.names:
            key = simplify(name)
            if key in seen and key in _KNOWN:
                return name
            seen.add(key)
        return None

    @property
    def ignored(self) -> list[str]:
        used = set(self.positions.values())
        return [name for index, name in enumerate(self.names) if name and index not in used]


def read_header(line: int, cells: Sequence[str]) -> Header:
    """What a row would say if it were the header."""
    # The names are kept, and PostgreSQL holds no NUL.
    names = tuple(" ".join(cell.split())[:120].replace("\x00", "\ufffd") for cell in cells)
    found: dict[str, tuple[int, int]] = {}
    for index, name in enumerate(names):
        field, rank = _KNOWN.get(simplify(name), ("", 0)) if name else ("", 0)
        # « Client » beside « Code client » is a name: the surer header wins, then the leftmost.
        if field and (field not in found or rank < found[field][0]):
            found[field] = (rank, index)
    return Header(line, names, {field: index for field, (_rank, index) in found.items()})


def best_header(candidates: Sequence[Header]) -> Header | None:
    """The row that knows most required fields, then most fields; the first one when they tie."""
    best: Header | None = None
    for header in candidates:
        if not header.positions:
            continue
        rank = (-len(header.missing), len(header.positions))
        if best is None or rank > (-len(best.missing), len(best.positions)):
            best = header
    return best
