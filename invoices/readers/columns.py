"""Which column holds what: header names, French and English, however they are written."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

# What a row cannot do without: one of each group. The first name is the one we ask for.
REQUIRED_GROUPS: tuple[tuple[str, ...], ...] = (
    ("customer_code", "siret", "siren", "vat_number"),
    ("number",),
    ("issue_date",),
    ("total_amount", "debit_amount", "credit_amount", "net_amount+vat_amount"),
)
REQUIRED = tuple(group[0] for group in REQUIRED_GROUPS)

# Names are compared without accents, case, punctuation and spaces. The first one is the name we ask for.
NAMES: dict[str, tuple[str, ...]] = {
    "customer_code": (
        "Code client", "Compte client", "Client", "N° client", "Numéro client", "Compte", "Compte tiers",
        "Code tiers", "Tiers", "Compte auxiliaire", "CompAuxNum", "client_code", "customer_code", "customer",
        "customer number", "customer id", "account", "account code", "account number", "cust_number",
        "N° compte", "client_id", "client_number", "customer account",
    ),
    "number": (
        "N° facture", "Numéro facture", "Numéro de facture", "Facture", "N° pièce", "Numéro pièce",
        "Numéro de pièce", "Pièce", "N°", "Numéro", "Num facture", "Num pièce", "No facture", "N° document",
        "PieceRef", "item_number", "invoice_number", "invoice no", "invoice", "invoice id", "document number",
        "number", "Pièce comptable", "Référence pièce", "document no", "doc no", "doc number", "transaction number",
    ),
    "instalment": ("N° échéance", "Numéro échéance", "Rang échéance", "instalment", "installment", "item_instalment"),
    "kind": (
        "Type", "Type de pièce", "Type pièce", "Nature", "Type de document", "item_type", "document type",
        "invoice type", "kind", "Type document", "Nature pièce", "Nature de la pièce", "doc type", "transaction type",
    ),
    "status": ("Statut", "État", "Statut de la pièce", "Statut facture", "status", "state", "invoice status"),
    "issue_date": (
        "Date facture", "Date de facture", "Date d'émission", "Date émission", "Date pièce", "Date de pièce",
        "Date", "Date document", "PieceDate", "item_date", "invoice_date", "issue_date", "document date",
        "Date de facturation", "Date facturation", "Date de la facture", "Date du document", "item_issue_date",
        "invoice/bill date", "doc date", "posting date", "Date comptable",
    ),
    "due_date": (
        "Date d'échéance", "Date échéance", "Échéance", "Échéance le", "DateEch", "item_due_date", "due_date",
        "due", "due in date", "maturity date", "Date limite de paiement", "Date de règlement prévue", "net due date",
        "payment due date",
    ),
    "total_amount": (
        "Montant TTC", "TTC", "Total TTC", "Montant", "Montant total", "Montant initial", "Montant TTC initial",
        "Total", "item_amount_initial_inc_tax", "amount", "total", "total_amount", "amount inc tax",
        "gross amount", "invoice amount", "Montant de la facture", "Net à payer", "Montant en devise",
        "amount in document currency", "amount in doc curr", "total in currency", "original amount", "item_amount",
    ),
    "net_amount": (
        "Montant HT", "HT", "Total HT", "item_amount_initial_exc_tax", "net_amount", "amount exc tax", "subtotal",
        "untaxed amount", "net total", "Montant hors taxes", "amount excl tax",
    ),
    "vat_amount": (
        "TVA", "Montant TVA", "Total TVA", "Dont TVA", "item_amount_tax", "item_tax", "vat", "vat_amount", "tax",
        "tax amount", "item_amount_vat", "Montant de TVA", "Montant de la TVA", "vat amount", "taxes",
    ),
    "debit_amount": ("Débit", "Montant débit", "Débit EUR", "debit", "debit amount", "Montant au débit"),
    "credit_amount": ("Crédit", "Montant crédit", "Crédit EUR", "credit", "credit amount", "Montant au crédit"),
    "side": ("Sens", "D/C", "Débit/Crédit", "Sens (D/C)", "debit/credit", "dc", "debit credit indicator", "d/c indicator"),
    "open_amount": (
        "Reste dû", "Solde", "Reste à payer", "Solde dû", "Reste à régler", "Reste à encaisser", "Solde restant",
        "Montant restant", "Montant restant dû", "Restant dû", "Solde TTC", "Reste à solder", "Montant ouvert",
        "item_amount_remaining_inc_tax", "open_amount", "balance", "open balance", "remaining amount", "amount due",
        "outstanding", "outstanding amount", "balance due", "amount remaining", "open amount", "residual",
        "amount due signed", "remaining",
    ),
    "currency": (
        "Devise", "Monnaie", "Code devise", "Idevise", "currency", "currency_code", "item_currency",
        "invoice currency", "document currency", "Code ISO devise",
    ),
    "reference": (
        "Référence", "Réf", "Votre référence", "Référence client", "Commande", "N° commande", "item_order_number",
        "item_reference", "Libellé", "Objet", "reference", "purchase order", "po number", "order number",
        "customer reference", "item_description", "description", "Libellé écriture", "Intitulé", "text", "header text",
    ),
    "customer_name": (
        "Nom client", "Nom du client", "Raison sociale", "Dénomination", "Nom du tiers", "Intitulé du tiers",
        "Intitulé tiers", "Libellé tiers", "Nom tiers", "CompAuxLib", "client_name", "customer_name", "customer name",
        "partner", "account name", "company name", "Nom", "name", "name 1", "invoice partner display name",
        "Société", "Nom de la société", "Intitulé client", "Intitulé du compte",
    ),
    "siren": ("SIREN", "N° SIREN", "SIREN client", "client_siren", "customer_siren", "company number"),
    "siret": ("SIRET", "N° SIRET", "SIRET client", "client_siret", "customer_siret", "client_identification_number"),
    "vat_number": (
        "N° TVA", "Numéro de TVA", "TVA intracommunautaire", "N° TVA intracommunautaire", "N° TVA intracom",
        "N° de TVA intracommunautaire", "N° identification TVA", "client_vat_number", "vat_number", "vat number",
        "customer vat", "tax id", "vat id", "vat registration no", "client_vat",
    ),
    "address": (
        "Adresse", "Adresse 1", "Rue", "Adresse client", "client_address", "address", "street", "address line 1",
        "Adresse de facturation",
    ),
    "address_extra": ("Adresse 2", "Complément", "Complément d'adresse", "client_address_2", "address line 2", "street 2"),
    "postcode": ("Code postal", "CP", "client_zip", "client_zip_code", "postcode", "zip", "zip code", "postal code"),
    "city": ("Ville", "Commune", "client_city", "city", "town"),
    "country": ("Pays", "Code pays", "client_country", "country", "country code", "Pays client", "client_country_code"),
    "email": (
        "E-mail", "Email", "Courriel", "Adresse e-mail", "Adresse email", "Mail", "client_email", "customer email",
        "email address",
    ),
    "phone": ("Téléphone", "Tél", "N° téléphone", "client_phone", "phone", "telephone", "phone number"),
    "terms": (
        "Conditions de règlement", "Conditions de paiement", "Mode de règlement", "Délai de paiement",
        "client_payment_term", "payment_terms", "payment terms", "terms", "Condition de règlement",
        "Code règlement",
    ),
    "segment": ("Segment", "Catégorie", "Catégorie client", "Famille", "Famille client", "segment", "customer group",
                "client_category"),
    "language": ("Langue", "Code langue", "client_language", "language", "customer language"),
}  # fmt: skip

CUSTOMER_FIELDS = (
    "customer_name", "siren", "siret", "vat_number", "address", "address_extra", "postcode", "city", "country",
    "email", "phone", "terms", "segment", "language",
)  # fmt: skip
# Read of every item, customer columns apart: what a wrong reading of would change the ledger.
ITEM_FIELDS = tuple(field for field in NAMES if field not in CUSTOMER_FIELDS)

FIELDS = tuple(NAMES)


def simplify(name: str) -> str:
    """`Date d’échéance ` and `date_d'echeance` give the same; `N°`, `No.` and `Num.` do too."""
    text = unicodedata.normalize("NFKD", name.replace("°", "o ").replace("º", "o ")).casefold()
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = re.sub(r"[^a-z0-9]+", " ", text).strip()
    text = re.sub(r"^(?:numero|num|no|nr)\b(?: d[eu]?\b)?", "no", text)
    return re.sub(r"(?<=.) (?:en )?(?:eur|euros?)$", "", text).replace(" ", "")


# Simplified name -> (field, rank): the lower the rank, the surer the name.
_KNOWN: dict[str, tuple[str, int]] = {}
for _field, _names in NAMES.items():
    for _rank, _name in enumerate(_names):
        _KNOWN.setdefault(simplify(_name), (_field, _rank))


def known_name(name: str) -> tuple[str, int] | None:
    """The field that goes by this name and how sure that is (0 is surest), None when no field does."""
    return _KNOWN.get(simplify(name)) if name else None


@dataclass(frozen=True)
class Header:
    """The header row: where each field stands. `positions` maps field -> column index from 0."""

    line: int
    names: tuple[str, ...]
    positions: dict[str, int]

    constants: tuple[str, ...] = ()
    imposed: bool = False
    twice: str | None = None

    @property
    def missing(self) -> list[str]:
        """The fields that are neither in a column nor given, by the name we ask for."""
        return missing_fields({*self.positions, *self.constants})

    @property
    def double(self) -> str | None:
        """A column that is there twice under the same name: we cannot know which one counts, unless we were told."""
        return None if self.imposed else self.twice

    @property
    def ignored(self) -> list[str]:
        used = set(self.positions.values())
        return [name for index, name in enumerate(self.names) if name and index not in used]


@dataclass(frozen=True)
class HeaderRule:
    """How the header of a file is found and understood.

    `columns` (field -> name in the file) is the saved mapping of a source: when it is given, nothing else counts.
    `line` imposes the line of the header, 0 meaning that the file has none. `constants` are the fields whose value
    does not come from the file.
    """

    columns: Mapping[str, str] | None = None
    constants: tuple[str, ...] = ()
    line: int | None = None

    def read(self, line: int, cells: Sequence[str]) -> Header:
        """What a row would say if it were the header."""
        names = column_names(cells, unnamed=self.line == 0)
        if self.columns is not None:
            positions = _mapped(names, self.columns)
        else:
            positions = _recognised(names)
        positions = {name: index for name, index in positions.items() if name not in self.constants}
        return Header(
            0 if self.line == 0 else line,
            names,
            positions,
            self.constants,
            self.columns is not None,
            known_twice(cells),
        )

    def best(self, candidates: Sequence[Header]) -> Header | None:
        """The imposed line; else the row that knows most required fields, then most fields; the first when they tie."""
        if self.line is not None:
            wanted = [header for header in candidates if header.line == self.line]
            return wanted[0] if wanted else None
        return best_header(candidates)


def column_names(cells: Sequence[str], *, unnamed: bool = False) -> tuple[str, ...]:
    """The names of the columns, each once: the second « Montant » is « Montant (2) ». Without a header, numbers."""
    if unnamed:
        return tuple(f"Colonne {index}" for index in range(1, len(cells) + 1))
    # The names are kept, and PostgreSQL holds no NUL.
    names: list[str] = []
    counts: Counter[str] = Counter()
    for cell in cells:
        name = " ".join(cell.split())[:120].replace("\x00", "\ufffd")
        counts[name] += 1
        names.append(f"{name} ({counts[name]})" if name and counts[name] > 1 else name)
    return tuple(names)


def known_twice(cells: Sequence[str]) -> str | None:
    """The first name that we know and that stands there twice."""
    seen: set[str] = set()
    for cell in cells:
        key = simplify(cell)
        if key in seen and key in _KNOWN:
            return " ".join(cell.split())[:120].replace("\x00", "\ufffd")
        seen.add(key)
    return None


def missing_fields(given: Collection[str]) -> list[str]:
    """The required fields that are not among these, by the name we ask for."""
    return [
        group[0]
        for group in REQUIRED_GROUPS
        if not any(all(name in given for name in way.split("+")) for way in group)
    ]


def likely_header(rows: Iterable[tuple[int, Sequence[str]]]) -> tuple[int, Sequence[str]] | None:
    """The row that looks most like a header when no name is known: the first one with most words."""
    best: tuple[int, int, Sequence[str]] | None = None
    for line, cells in rows:
        words = sum(1 for cell in cells if cell.strip() and not any(char.isdigit() for char in cell))
        if best is None or words > best[0]:
            best = (words, line, cells)
    return None if best is None else (best[1], best[2])


def _recognised(names: Sequence[str]) -> dict[str, int]:
    found: dict[str, tuple[int, int]] = {}
    for index, name in enumerate(names):
        known = known_name(name)
        # « Client » beside « Code client » is a name: the surer header wins, then the leftmost.
        if known and (known[0] not in found or known[1] < found[known[0]][0]):
            found[known[0]] = (known[1], index)
    positions = {field: index for field, (_rank, index) in found.items()}
    # In a ledger by debit and credit, « Solde » is the running balance of the account.
    booked = {"debit_amount", "credit_amount"} & positions.keys()
    if booked and simplify(names[positions.get("open_amount", 0)]) in ("solde", "balance"):
        positions.pop("open_amount", None)
    return positions


def _mapped(names: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    exact = {name: index for index, name in reversed(list(enumerate(names))) if name}
    alike = {simplify(name): index for index, name in reversed(list(enumerate(names))) if name}
    positions = {}
    for wanted, name in columns.items():
        index = exact.get(name, alike.get(simplify(name)) if simplify(name) else None)
        if index is not None and wanted in NAMES:
            positions[wanted] = index
    return positions


def read_header(line: int, cells: Sequence[str]) -> Header:
    """What a row would say if it were the header, by the names we know."""
    return HeaderRule().read(line, cells)


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
