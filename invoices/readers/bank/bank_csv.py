"""Account movements as CSV: the columns are found by their names, French, English or German.

Amounts stand in one signed column, or in a debit and a credit column. A balance column, if there is one, gives the
opening and closing balances, and is checked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import IO, Any

from core.calendar import DateError, parse_french_date
from core.money import AmountError, parse_amount
from invoices.readers.bank.building import (
    Building,
    StatementError,
    account_text,
    clip,
    currency_code,
    plausible,
    reference,
)
from invoices.readers.bank.model import Event
from invoices.readers.bank.text import return_code_in, speaks_of_return
from invoices.readers.cell_reader import swap_month_and_day
from invoices.readers.columns import simplify
from invoices.readers.csv_file import CsvFile
from invoices.readers.detection import DELIMITERS, Habits
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.vocabulary import CURRENCY_SIGNS

_NAMES: dict[str, tuple[str, ...]] = {
    "booking_date": (
        "Date opération", "Date d'opération", "Date de l'opération", "Date comptable", "Date de comptabilisation",
        "Date d'écriture", "Date", "Buchungstag", "Buchungsdatum", "Booking date", "Transaction date", "Posting date",
        "Posted date", "Date posted", "Completed date", "Settlement date (UTC)", "Date de l'opération (UTC)",
    ),
    "value_date": ("Date valeur", "Date de valeur", "Valeur", "Valuta", "Valutadatum", "Wertstellung", "Value date"),
    "amount": (
        "Montant", "Montant de l'opération", "Montant opération", "Montant signé", "Montant TTC", "Montant total (TTC)",
        "Amount", "Transaction amount", "Betrag", "Umsatz", "Net amount",
    ),
    "debit": ("Débit", "Montant débit", "Montant au débit", "Debit", "Paid out", "Money out", "Withdrawal", "Soll"),
    "credit": ("Crédit", "Montant crédit", "Montant au crédit", "Credit", "Paid in", "Money in", "Deposit", "Haben"),
    "side": ("Sens", "D/C", "Débit/Crédit", "Debit/credit", "Credit/debit", "Soll/Haben"),
    "balance": ("Solde", "Solde après opération", "Solde comptable", "Balance", "Running balance", "Saldo"),
    "currency": ("Devise", "Monnaie", "Code devise", "Currency", "CCY", "Währung", "Waehrung"),
    "label": (
        "Libellé", "Libellé de l'opération", "Libellé opération", "Libellé simplifié", "Libellé complet", "Intitulé",
        "Désignation", "Description", "Verwendungszweck", "Buchungstext", "Details", "Narrative", "Label",
        "Transaction description", "Libellé court",
    ),
    "more": (
        "Libellé complémentaire", "Détail", "Détails", "Informations complémentaires", "Information complémentaire",
        "Communication", "Motif", "Message", "Commentaire", "Memo", "Note", "Reference text", "Payment reference",
        "Détail de l'écriture", "Libellé détaillé", "Remittance information",
    ),
    "name": (
        "Tiers", "Nom du tiers", "Nom tiers", "Contrepartie", "Nom de la contrepartie", "Nom contrepartie",
        "Donneur d'ordre", "Émetteur", "Bénéficiaire", "Payeur", "Counterparty", "Counterparty name", "Payee", "Payer",
        "Name", "Beguenstigter/Zahlungspflichtiger", "Auftraggeber/Empfänger",
    ),
    "other_account": (
        "IBAN tiers", "IBAN du tiers", "IBAN contrepartie", "IBAN de la contrepartie", "Compte tiers",
        "Compte contrepartie", "Counterparty IBAN", "Counterparty account", "Kontonummer/IBAN", "IBAN bénéficiaire",
    ),
    "account": (
        "Compte", "N° de compte", "Numéro de compte", "Compte bancaire", "Account", "Account number", "Auftragskonto",
        "Konto", "IBAN du compte",
    ),
    "iban": ("IBAN",),
    "reference": (
        "Référence", "Réf", "Ref", "Référence banque", "Référence bancaire", "Référence de l'opération", "Reference",
        "Transaction ID", "Référence opération", "N° d'écriture", "Numéro d'opération",
    ),
    "kind": ("Type", "Type d'opération", "Type opération", "Nature", "Nature de l'opération", "Transaction type"),
}  # fmt: skip
_KNOWN = {simplify(name): (field, rank) for field, names in _NAMES.items() for rank, name in enumerate(names)}
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,4})?\b")
_KINDS = (
    ("VIREMENT", "TRANSFER"),
    ("VIR", "TRANSFER"),
    ("TRANSFER", "TRANSFER"),
    ("PRELEVEMENT", "DIRECT_DEBIT"),
    ("PRLV", "DIRECT_DEBIT"),
    ("DIRECTDEBIT", "DIRECT_DEBIT"),
    ("CHEQUE", "CHEQUE"),
    ("CHECK", "CHEQUE"),
    ("CHQ", "CHEQUE"),
    ("REMISECHQ", "CHEQUE"),
    ("CARTE", "CARD"),
    ("CB", "CARD"),
    ("FRAIS", "CHARGES"),
    ("COMMISSION", "CHARGES"),
    ("FEE", "CHARGES"),
    ("COTISATION", "CHARGES"),
)
_DEBIT_WORDS = {"d", "debit", "deb", "s", "soll", "dbit", "-"}
_CREDIT_WORDS = {"c", "credit", "cred", "h", "haben", "crdt", "+"}


@dataclass(frozen=True)
class _Columns:
    line: int
    names: list[str]
    at: dict[str, int]

    @property
    def is_enough(self) -> bool:
        return "booking_date" in self.at and bool({"amount", "debit", "credit"} & set(self.at))


def read_bank_csv(stream: IO[bytes], options: dict[str, str], limits: Limits) -> Iterator[Event]:
    """Raises UnreadableFile when the columns are not found, or a row cannot be read."""
    table, columns, preamble = _open(stream, options, limits)
    habits = _look_through(table, columns)
    reader = _Rows(columns, habits, options, preamble)
    for line, cells in table.rows():
        if line > columns.line:
            try:
                yield from reader.read(line, cells)
            except StatementError as error:
                raise error.for_file(1) from None
    yield reader.close()


def _open(
    stream: IO[bytes], options: dict[str, str], limits: Limits
) -> tuple[CsvFile, _Columns, list[list[str]]]:
    """The table under the separator that shows a header, its columns, and the rows above them."""
    first = CsvFile(
        stream, limits, encoding=options.get("encoding", ""), delimiter=options.get("delimiter") or ";"
    )
    best: tuple[CsvFile, _Columns, list[list[str]]] | None = None
    for delimiter in (options["delimiter"],) if options.get("delimiter") else DELIMITERS:
        table = CsvFile(stream, limits, encoding=first.encoding, delimiter=delimiter)
        above: list[list[str]] = []
        try:
            for line, cells in table.rows():
                if line > limits.header_search_lines:
                    break
                columns = _header(line, cells)
                if columns.is_enough and (best is None or len(columns.at) > len(best[1].at)):
                    best = table, columns, list(above)
                above.append(cells)
        except UnreadableFile:
            if best is None and options.get("delimiter"):
                raise
    if best is None:
        found = [cell[:60] for cell in next(iter(first.rows()), (1, []))[1][:20]]
        raise UnreadableFile("bank_columns_missing", found=found)
    return best


def _header(line: int, cells: list[str]) -> _Columns:
    found: dict[str, tuple[int, int]] = {}
    for index, cell in enumerate(cells):
        field, rank = _KNOWN.get(simplify(cell), ("", 0)) if cell else ("", 0)
        if field and (field not in found or rank < found[field][0]):
            found[field] = rank, index
    return _Columns(
        line, [clip(cell, 60) for cell in cells], {field: at for field, (_rank, at) in found.items()}
    )


def _look_through(table: CsvFile, columns: _Columns) -> Habits:
    """How the file writes decimals and dates; whether its IBAN column is of one account."""
    habits = Habits()
    ibans: set[str] = set()
    for line, cells in table.rows():
        if line <= columns.line:
            continue
        for field in ("amount", "debit", "credit", "balance"):
            habits.see_amount(_cell(columns, cells, field))
        for field in ("booking_date", "value_date"):
            habits.see_date(_cell(columns, cells, field))
        iban = _cell(columns, cells, "iban")
        if iban and len(ibans) < 2:
            ibans.add(iban)
    if "iban" in columns.at:
        if len(ibans) == 1:
            columns.at.setdefault("account", columns.at["iban"])
        else:
            columns.at.setdefault("other_account", columns.at["iban"])
    return habits


def _cell(columns: _Columns, cells: list[str], field: str) -> str:
    index = columns.at.get(field, -1)
    text = cells[index].strip() if 0 <= index < len(cells) else ""
    return text[1:] if text[:1] == "'" else text


class _Rows:
    def __init__(
        self, columns: _Columns, habits: Habits, options: dict[str, str], preamble: list[list[str]]
    ) -> None:
        self._columns = columns
        self._decimal = options.get("decimal") or habits.decimal
        self._order = options.get("date_order") or habits.date_order
        self._building = Building(1)
        self._statement = self._building.statement
        self._default = options.get("currency", "")
        self._statement.account_identification = options.get("account", "") or _account_above(preamble)
        self._movements: list[tuple[Decimal, Decimal]] = []
        self._balances = "balance" in columns.at

    def read(self, line: int, cells: list[str]) -> Iterator[Event]:
        def get(field: str) -> str:
            return _cell(self._columns, cells, field)

        if not get("booking_date") and not (get("amount") or get("debit") or get("credit")):
            return
        if simplify(get("booking_date")) in _KNOWN:
            return  # the header once more
        statement = self._statement
        currency = CURRENCY_SIGNS.get(get("currency"), get("currency")) or self._default or "EUR"
        currency = currency_code(currency, line=line, column=self._name("currency"))
        statement.currency = statement.currency or currency
        if statement.currency != currency:
            raise StatementError("currency_mixed", line=line, value=currency, currency=statement.currency)
        account = account_text(get("account"))
        statement.account_identification = statement.account_identification or account
        if (
            account
            and account != account_text(statement.account_identification)
            and "account" in self._columns.at
        ):
            raise StatementError(
                "accounts_mixed", line=line, value=account, expected=statement.account_identification
            )
        booked = self._date("booking_date", line, cells, required=True)
        amount = self._row_amount(line, cells, currency)
        if get("balance"):
            self._movements.append((amount, self._amount("balance", line, get("balance"), currency)))
        elif amount:
            self._balances = False
        text = clip(" ".join(part for part in (get("label"), get("more")) if part))
        fields: dict[str, Any] = {
            "value_date": self._date("value_date", line, cells),
            "nature": nature_of(f"{get('kind')} {text}"),
            "bank_code": clip(get("kind")),
            "bank_reference": reference(get("reference")),
            "counterparty_name": clip(get("name")),
            "counterparty_iban": account_text(get("other_account"))[:34],
            "remittance": text,
        }
        if amount < 0 and speaks_of_return(text) and fields["nature"] != "CHARGES":
            fields |= {"nature": "RETURN", "is_return": True, "return_code": return_code_in(text)}
        self._building.entry_rank += 1
        assert booked is not None
        read = self._building.line(booking_date=booked, amount=amount, currency=currency, **fields)
        if read is not None:
            yield read

    def close(self) -> Event:
        statement = self._statement
        if not self._building.entry_rank:
            raise UnreadableFile("bank_no_movement", line=self._columns.line)
        statement.currency = statement.currency or "EUR"
        if self._balances and self._movements:
            self._settle_balances()
        return self._building.close()

    def _settle_balances(self) -> None:
        """Oldest first or newest first: the order in which the balances follow from the movements."""
        statement = self._statement
        total = sum((amount for amount, _balance in self._movements), Decimal(0))
        (first, after_first), (last, after_last) = self._movements[0], self._movements[-1]
        up, down = (after_first - first, after_last), (after_last - last, after_first)
        opening, closing = down if up[0] + total != up[1] and down[0] + total == down[1] else up
        statement.opening_amount, statement.closing_amount = opening, closing

    def _name(self, field: str) -> str:
        index = self._columns.at.get(field)
        return "" if index is None else self._columns.names[index]

    def _row_amount(self, line: int, cells: list[str], currency: str) -> Decimal:
        at = self._columns.at
        if "debit" in at or "credit" in at:
            debit, credit = (_cell(self._columns, cells, field) for field in ("debit", "credit"))
            if debit or credit or "amount" not in at:
                if not debit and not credit:
                    raise StatementError(
                        "amount_missing", line=line, column=self._name("debit") or self._name("credit")
                    )
                less = abs(self._amount("debit", line, debit, currency)) if debit else Decimal(0)
                more = abs(self._amount("credit", line, credit, currency)) if credit else Decimal(0)
                return more - less
        text = _cell(self._columns, cells, "amount")
        if not text:
            raise StatementError("amount_missing", line=line, column=self._name("amount"))
        amount = self._amount("amount", line, text, currency)
        if "side" in at:
            word = simplify(_cell(self._columns, cells, "side")) or _cell(self._columns, cells, "side")
            if word in _DEBIT_WORDS:
                return -abs(amount)
            if word in _CREDIT_WORDS:
                return abs(amount)
            raise StatementError("sign_invalid", line=line, column=self._name("side"), value=word[:20])
        return amount

    def _amount(self, field: str, line: int, text: str, currency: str) -> Decimal:
        try:
            return parse_amount(text.lstrip("+"), self._decimal, currency)
        except AmountError:
            raise StatementError(
                "amount_invalid", line=line, column=self._name(field), value=text[:40]
            ) from None

    def _date(self, field: str, line: int, cells: list[str], *, required: bool = False) -> date | None:
        text = _cell(self._columns, cells, field)
        if not text:
            if required:
                raise StatementError("date_missing", line=line, column=self._name(field))
            return None
        where = {"line": line, "column": self._name(field)}
        # An hour behind the day is left out.
        day = re.split(r"[T ](?=[0-9]{1,2}:)", text)[0]
        try:
            return plausible(
                parse_french_date(swap_month_and_day(day) if self._order == "mdy" else day), text, **where
            )
        except DateError:
            raise StatementError("date_invalid", value=text[:40], **where) from None


def _account_above(rows: list[list[str]]) -> str:
    """The IBAN that stands above the table, as French exports have it."""
    for cells in rows:
        for cell in cells:
            found = _IBAN.search(cell)
            if found is not None:
                return account_text(found[0])
    return ""


def nature_of(text: str) -> str:
    """What the words of a bank say of a movement."""
    words = [simplify(word).upper() for word in text.split()[:8]]
    for word, nature in _KINDS:
        if any(found == word or (len(word) > 3 and found.startswith(word)) for found in words):
            return nature
    return "OTHER"
