"""Files of customers: one row per customer with up to three contacts in columns, or one row per contact."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from invoices.readers.cells import GUARDED, Cell, CellError, cell_text
from invoices.readers.columns import CUSTOMER_FIELDS, NAMES, Header, HeaderRule, column_names, simplify
from invoices.readers.customer_cells import customer_of
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.profiles import Profile
from invoices.readers.staged import StagedRow
from invoices.readers.tables import open_table

CONTACTS = 3
_MOST_CONTACTS = 20
_OWN_NAMES = {
    "customer_code": ("Code", "Code tiers", "Numéro", "N°", "Identifiant client", "id"),
    "customer_kind": (
        "Nature du client",
        "Type de client",
        "Nature",
        "Type",
        "customer kind",
        "customer type",
    ),
    "naf_code": ("Code NAF", "NAF", "APE", "Code APE", "naf_code"),
    "foreign_id": (
        "Identifiant étranger",
        "N° d'identification étranger",
        "foreign_id",
        "registration number",
    ),
}
_FIELDS = ("customer_code", *CUSTOMER_FIELDS, "currency", "customer_kind", "naf_code", "foreign_id")
_KNOWN: dict[str, tuple[str, int]] = {}
for _field in _FIELDS:
    for _rank, _name in enumerate((*NAMES.get(_field, ()), *_OWN_NAMES.get(_field, ()))):
        _KNOWN.setdefault(simplify(_name), (_field, _rank))

# What a column of a contact holds, by the words of its name; the first that fits counts.
_CONTACT_PARTS = (
    ("email", ("mail", "courriel")),
    ("phone", ("tel", "phone", "portable", "mobile")),
    ("role", ("fonction", "role", "service", "poste", "title")),
    ("gets_dunning", ("relance", "dunning", "rappel", "reminder")),
    ("first_name", ("prenom", "firstname")),
)
_ROLES = {
    "ACCOUNTS_PAYABLE": ("comptabilite", "compta", "comptable", "fournisseurs", "accountspayable", "accounting", "finance"),
    "BUYER": ("achat", "acheteur", "buyer", "purchasing", "procurement"),
    "MANAGEMENT": ("direction", "dirigeant", "gerant", "president", "management", "daf", "director", "ceo", "cfo"),
}  # fmt: skip
_KINDS = {
    "societe": "COMPANY", "entreprise": "COMPANY", "company": "COMPANY", "organismepublic": "PUBLIC_BODY",
    "public": "PUBLIC_BODY", "administration": "PUBLIC_BODY", "publicbody": "PUBLIC_BODY",
    "entrepreneurindividuel": "SOLE_TRADER", "ei": "SOLE_TRADER", "soletrader": "SOLE_TRADER",
    "particulier": "CONSUMER", "consumer": "CONSUMER",
}  # fmt: skip
_YES = {"oui", "o", "x", "1", "true", "vrai", "yes", "y", "v"}
_NO = {"non", "n", "0", "false", "faux", "no"}


class CustomerHeader(Header):
    """A header that needs the customer's code and nothing else."""

    @property
    def missing(self) -> list[str]:
        return [] if "customer_code" in {*self.positions, *self.constants} else ["customer_code"]


@dataclass(frozen=True)
class CustomerRule(HeaderRule):
    """How the header of a file of customers is found."""

    def read(self, line: int, cells: Sequence[str]) -> Header:
        names = column_names(cells, unnamed=self.line == 0)
        positions = _mapped(names, self.columns) if self.columns else _recognised(names)
        positions = {name: index for name, index in positions.items() if name not in self.constants}
        return CustomerHeader(
            0 if self.line == 0 else line, names, positions, self.constants, bool(self.columns)
        )

    def best(self, candidates: Sequence[Header]) -> Header | None:
        if self.line is not None:
            return next((header for header in candidates if header.line == self.line), None)
        found = [header for header in candidates if len(header.positions) > 1 or not header.missing]
        return max(found, key=lambda header: (not header.missing, len(header.positions)), default=None)


def _mapped(names: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    wanted = {field: simplify(column) for field, column in columns.items()}
    by_name = {simplify(name): index for index, name in reversed(list(enumerate(names)))}
    return {field: by_name[name] for field, name in wanted.items() if name in by_name} | {
        field: index for field, index in _recognised(names).items() if field.startswith("contact")
    }


def _recognised(names: Sequence[str]) -> dict[str, int]:
    found: dict[str, tuple[int, int]] = {}
    for index, name in enumerate(names):
        field, rank = _contact_field(name) or _KNOWN.get(simplify(name), ("", 0))
        if field and (field not in found or rank < found[field][0]):
            found[field] = rank, index
    return {field: index for field, (_rank, index) in found.items()}


def _contact_field(name: str) -> tuple[str, int] | None:
    """`E-mail contact 2` is `contact2_email`; without a number it is the first contact's."""
    key = simplify(name)
    if "contact" not in key:
        return None
    number = next(iter(re.findall("[1-9]", key)), "1")
    if int(number) > CONTACTS:
        return None
    part = next((part for part, words in _CONTACT_PARTS if any(word in key for word in words)), "name")
    return f"contact{number}_{part}", 0


def open_customers(stream: IO[bytes], config: dict[str, Any]) -> "CustomerRows":
    """The customers of a table. Raises UnreadableFile when it cannot be opened or has no code of customers."""
    options: dict[str, str] = config["options"]
    limits = Limits.from_json(config["limits"])
    profile = Profile.from_json(config.get("profile"))
    plain = profile.header_rule(options)
    rule = CustomerRule(columns=plain.columns, constants=plain.constants, line=plain.line)
    table = open_table(stream, limits, options, rule)
    header = table.header()
    if header is None or header.missing:
        rows: Iterator[tuple[int, Sequence[Cell]]] = iter(table.rows())
        line, cells = next(rows, (1, []))
        found: Sequence[str] = header.names if header is not None else [cell_text(cell) for cell in cells]
        raise UnreadableFile(
            "columns_missing",
            line=line if header is None else header.line,
            missing=["customer_code"],
            found=[name[:60] for name in found[:20] if name],
        )
    return CustomerRows(table, header, limits, profile)


class CustomerRows:
    """One staged row per customer: `details.customer` and `details.contacts`."""

    def __init__(self, table: Any, header: Header, limits: Limits, profile: Profile) -> None:
        self._table = table
        self._header = header
        self._limits = limits
        self._profile = profile
        self._gathered = self._gather()
        self.total = len(self._gathered)
        if not self.total:
            raise UnreadableFile("no_rows", line=header.line)
        self.dialect: dict[str, Any] = {
            "kind": table.kind,
            "encoding": table.encoding,
            "delimiter": table.delimiter,
            "sheet": table.sheet,
            "decimal": "",
            "date_order": "dmy",
            "header_line": header.line,
            "headers": list(header.names),
            "columns": {field: header.names[index] for field, index in header.positions.items()},
            "ignored": header.ignored[:40],
        }

    def rows(self) -> Iterator[StagedRow]:
        yield from self._gathered

    def _gather(self) -> list[StagedRow]:
        """The rows of one code put together, unless they disagree: then each stands, and counts as a double."""
        rows: list[StagedRow] = []
        by_code: dict[str, StagedRow] = {}
        count = 0
        for line, cells in self._table.rows():
            if line <= self._header.line:
                continue
            count += 1
            if count > self._limits.rows:
                raise UnreadableFile("too_many_rows", limit=self._limits.rows)
            row = self._row(line, cells)
            first = by_code.get(row.customer_code or "")
            if first is not None and not row.errors and _agrees(first, row):
                first.details["customer"] |= row.details["customer"]
                first.details["contacts"] = [*first.details["contacts"], *row.details["contacts"]][
                    :_MOST_CONTACTS
                ]
                continue
            rows.append(row)
            if row.customer_code:
                by_code.setdefault(row.customer_code, row)
        return rows

    def _row(self, line: int, cells: Sequence[Cell]) -> StagedRow:
        texts = [cell_text(cell) for cell in cells]
        row = StagedRow(line, cells=texts)
        said = {
            field: text
            for field in self._header.positions
            if (text := self._text(row, field, cells)) is not None
        }
        said |= {name: value for name, value in self._profile.constants.items() if name not in said}
        for field, words in self._profile.values.items():
            if said.get(field) in words:
                said[field] = words[said[field]]
        row.customer_code = self._code(row, said.get("customer_code", ""))
        customer, errors = customer_of({name: said.get(name, "") for name in CUSTOMER_FIELDS if name in said})
        row.errors += [
            {"column": column, "code": code, "value": value[:120]} for column, code, value in errors
        ]
        kind = simplify(said.get("customer_kind", ""))
        for name, value in (
            ("currency", said.get("currency", "")),
            ("kind", _KINDS.get(kind, said.get("customer_kind", ""))),
            ("naf_code", said.get("naf_code", "")),
            ("foreign_id", said.get("foreign_id", "")),
        ):
            if value:
                customer[name] = value[:60]
        row.details = {"customer": customer, "contacts": _contacts(row, said)}
        return row

    def _text(self, row: StagedRow, field: str, cells: Sequence[Cell]) -> str | None:
        index = self._header.positions[field]
        cell = cells[index] if index < len(cells) else ""
        if isinstance(cell, CellError):
            row.errors.append({"column": field, "code": "cell_error", "value": str(cell)})
            return None
        text = cell_text(cell).strip()
        if text[:1] == "'" and text[1:2] in GUARDED:
            text = text[1:]
        if "\x00" in text:
            row.errors.append(
                {"column": field, "code": "nul_character", "value": text.replace("\x00", "\ufffd")[:120]}
            )
            return None
        return text

    def _code(self, row: StagedRow, text: str) -> str | None:
        text = " ".join(text.split())
        limit = dict(self._limits.texts)["customer_code"]
        if text.startswith(GUARDED):
            row.errors.append({"column": "customer_code", "code": "formula_like", "value": text[:120]})
        elif len(text) > limit:
            row.errors.append(
                {
                    "column": "customer_code",
                    "code": "text_too_long",
                    "value": text[:120],
                    "length": len(text),
                    "limit": limit,
                }
            )
        elif text:
            return text
        else:
            row.errors.append({"column": "customer_code", "code": "required"})
        return None


def _agrees(first: StagedRow, row: StagedRow) -> bool:
    """Whether the second row says of the customer nothing else than the first."""
    known = first.details["customer"]
    return all(known.get(name, value) == value for name, value in row.details["customer"].items())


def _contacts(row: StagedRow, said: Mapping[str, str]) -> list[dict[str, Any]]:
    contacts = []
    for number in range(1, CONTACTS + 1):
        parts = {
            part: said.get(f"contact{number}_{part}", "")
            for part in ("name", "first_name", "role", "email", "phone", "gets_dunning")
        }
        if not any(parts[part] for part in ("name", "first_name", "email", "phone")):
            continue
        name = " ".join(f"{parts['first_name']} {parts['name']}".split())
        contacts.append(
            {
                "name": name[:80],
                "role": _role(parts["role"]),
                "email": parts["email"][:254],
                "phone": parts["phone"][:30],
                "gets_dunning": _yes_or_no(row, f"contact{number}_gets_dunning", parts["gets_dunning"]),
            }
        )
    return contacts


def _role(text: str) -> str:
    key = simplify(text)
    if not key:
        return "ACCOUNTS_PAYABLE"
    for role, words in _ROLES.items():
        if key == simplify(role) or any(word in key for word in words):
            return role
    return "OTHER"


def _yes_or_no(row: StagedRow, column: str, text: str) -> bool | None:
    key = simplify(text)
    if key and key not in _YES | _NO:
        row.errors.append({"column": column, "code": "yes_no_unknown", "value": text[:120]})
    return None if not key else key in _YES
