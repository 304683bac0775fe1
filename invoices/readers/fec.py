"""Open items out of an accounting-entry file (FEC): customer accounts, lettering, balance controls.

Rules (article A47 A-1 LPF and the practice of packages): customer accounts are 411, 413, 416 and 4191; a group of
lettering is the same account, auxiliary and letters, settled when its debits equal its credits; letters start again
by account and year, they are never a key of the whole file. A sale is its line on the customer's account, never the
three lines of the entry. There is no due date in a FEC. Two passes and a third over what is partly settled; only
sums are held.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import IO, Any

from invoices.readers.columns import simplify
from invoices.readers.errors import UnreadableFile
from invoices.readers.fec_file import Days, FecFile
from invoices.readers.limits import Limits
from invoices.readers.staged import StagedRow

CUSTOMER_ACCOUNTS = ("411", "413", "416", "4191")
_MONEY_ACCOUNTS = ("511", "512", "514", "515", "516", "517", "518", "53", "54", "58")
_SALES_ACCOUNTS = ("70", "4457")
_OPENING_CODES = frozenset({"an", "ran", "anouveau", "anouveaux", "rn", "ouv", "rpt", "anv", "ano"})
_OPENING_WORDS = ("nouveau", "ouverture", "report")
_SHOWN = 10
_MOST_INSTALMENTS = 999


def open_fec(stream: IO[bytes], config: dict[str, Any]) -> "FecRows":
    """The open items of the file. `options.accounts` gives other prefixes of customer accounts, by commas.

    Raises UnreadableFile when an amount cannot be read, or an entry or the file does not balance.
    """
    options: dict[str, str] = config["options"]
    limits = Limits.from_json(config["limits"])
    accounts = tuple(part.strip() for part in options.get("accounts", "").split(",") if part.strip())
    for account in accounts:
        if not re.fullmatch("[0-9][0-9A-Za-z]{0,9}", account):
            raise UnreadableFile("fec_accounts", value=account[:20])
    return FecRows(FecFile(stream, limits, options), limits, config, accounts or CUSTOMER_ACCOUNTS)


class FecRows:
    """The lines of customer accounts as rows: open ones to post, settled ones left aside."""

    def __init__(
        self, file: FecFile, limits: Limits, config: dict[str, Any], accounts: tuple[str, ...]
    ) -> None:
        self._file = file
        self._currency: str = config["currency"]
        self._longest = dict(limits.texts)
        self._accounts = accounts
        self._days = Days()
        self._balances: dict[tuple[str, str], int] = defaultdict(int)
        self._groups: dict[int, int] = defaultdict(int)
        self._uses: dict[str, set[str]] = defaultdict(set)
        self.total = 0
        self._first: date | None = None
        self._last: date | None = None
        self._survey()
        self._money_entries = self._entries_of_mixed_journals()
        self._shares = self._share_groups()
        self.dialect: dict[str, Any] = {
            "kind": "fec",
            "encoding": file.encoding,
            "delimiter": file.delimiter,
            "sheet": "",
            "decimal": ",",
            "date_order": "ymd",
            "header_line": 1,
            "headers": list(file.columns.names),
            "columns": {name: file.columns.names[index] for name, index in file.columns.at.items()},
            "ignored": [],
            "accounts": list(accounts),
            "customers": len({auxiliary or account for account, auxiliary in self._balances}),
            "from_date": "" if self._first is None else self._first.isoformat(),
            "to_date": "" if self._last is None else self._last.isoformat(),
            "balance": str(_money(sum(self._balances.values()))),
            "partly_lettered": len(self._shares),
        }

    def rows(self) -> Iterator[StagedRow]:
        """Every line of a customer account. At the end what is open must be the balance of the accounts."""
        seen: Counter[int] = Counter()
        open_cents: dict[tuple[str, str], int] = defaultdict(int)
        for line, cells in self._file.lines():
            if not self._is_customer(cells):
                continue
            row, still_open = self._row(line, cells, seen)
            open_cents[self._key(cells)] += still_open
            yield row
        for key, balance in self._balances.items():
            if open_cents[key] != balance:
                raise UnreadableFile(
                    "fec_control",
                    account=" ".join(part for part in key if part),
                    open=_said(open_cents[key]),
                    balance=_said(balance),
                )

    def _survey(self) -> None:
        """Balance of entries, journals and file; sums of customers and of letter groups."""
        file, columns = self._file, self._file.columns
        entries: dict[tuple[str, str], list[int]] = {}
        debits = credits = 0
        for line, cells in file.lines():
            debit, credit = file.sides(line, cells)
            debits += debit
            credits += credit
            journal = columns.cell(cells, "JournalCode").strip()
            entry = entries.setdefault(self._entry_key(cells), [0, 0, line])
            entry[0] += debit
            entry[1] += credit
            if entry[0] == entry[1]:
                # Balanced so far: what comes later of the same number must balance again by itself.
                del entries[self._entry_key(cells)]
            account = columns.cell(cells, "CompteNum").strip()
            if account.startswith(_MONEY_ACCOUNTS):
                self._uses[journal].add("money")
            elif account.startswith(_SALES_ACCOUNTS):
                self._uses[journal].add("sales")
            if self._is_customer(cells):
                self.total += 1
                self._balances[self._key(cells)] += debit - credit
                group = self._group(cells)
                if group is not None:
                    self._groups[group] += debit - credit
                self._note_day(columns.cell(cells, "EcritureDate"))
        if entries:
            (journal, number), (debit, credit, line) = min(entries.items(), key=lambda item: item[1][2])
            raise UnreadableFile(
                "fec_entry_unbalanced",
                journal=journal[:20],
                entry=number[:40],
                line=line,
                debit=_said(debit),
                credit=_said(credit),
                count=len(entries),
                others=[key[1][:40] for key in list(entries)[1 : _SHOWN + 1]],
            )
        if debits != credits:
            raise UnreadableFile("fec_unbalanced", debit=_said(debits), credit=_said(credits))
        if not self.total:
            raise UnreadableFile("fec_no_customer", accounts=", ".join(self._accounts))

    def _note_day(self, text: str) -> None:
        day = self._days.read(text)
        if day is not None:
            self._first = day if self._first is None else min(self._first, day)
            self._last = day if self._last is None else max(self._last, day)

    def _entries_of_mixed_journals(self) -> set[int]:
        """In a journal that takes sales and money alike, the entries that move money."""
        mixed = {journal for journal, uses in self._uses.items() if len(uses) > 1}
        found: set[int] = set()
        if not mixed:
            return found
        columns = self._file.columns
        for _line, cells in self._file.lines():
            if columns.cell(cells, "JournalCode").strip() in mixed and columns.cell(
                cells, "CompteNum"
            ).strip().startswith(_MONEY_ACCOUNTS):
                found.add(hash(self._entry_key(cells)))
        return found

    def _share_groups(self) -> dict[int, int]:
        """What is left of each line of the groups whose debits and credits differ: line -> cents still open.

        The smaller side settles the larger one, oldest line first.
        """
        unsettled = {group for group, difference in self._groups.items() if difference}
        del self._groups
        self._unsettled = unsettled
        if not unsettled:
            return {}
        lines: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for line, cells in self._file.lines():
            if self._is_customer(cells) and self._group(cells) in unsettled:
                debit, credit = self._file.sides(line, cells)
                lines[self._group(cells) or 0].append((line, debit - credit))
        shares: dict[int, int] = {}
        for members in lines.values():
            debits = sum(amount for _line, amount in members if amount > 0)
            credits = -sum(amount for _line, amount in members if amount < 0)
            settled = min(debits, credits)
            for sign, room in ((1, settled), (-1, settled)):
                left = room
                for line, amount in members:
                    if amount * sign > 0:
                        used = min(left, abs(amount))
                        left -= used
                        shares[line] = sign * (abs(amount) - used)
        return shares

    def _is_customer(self, cells: list[str]) -> bool:
        return self._file.columns.cell(cells, "CompteNum").strip().startswith(self._accounts)

    def _key(self, cells: list[str]) -> tuple[str, str]:
        columns = self._file.columns
        return columns.cell(cells, "CompteNum").strip(), columns.cell(cells, "CompAuxNum").strip()

    def _group(self, cells: list[str]) -> int | None:
        letters = self._file.columns.cell(cells, "EcritureLet").strip()
        return hash((*self._key(cells), letters)) if letters else None

    def _entry_key(self, cells: list[str]) -> tuple[str, str]:
        columns = self._file.columns
        number = columns.cell(cells, "EcritureNum").strip()
        if not number:
            number = (
                f"{columns.cell(cells, 'EcritureDate').strip()} {columns.cell(cells, 'PieceRef').strip()}"
            )
        return columns.cell(cells, "JournalCode").strip(), number

    def _row(self, line: int, cells: list[str], seen: Counter[int]) -> tuple[StagedRow, int]:
        """The row and what of it is open, in cents."""
        file, columns = self._file, self._file.columns
        debit, credit = file.sides(line, cells)
        amount = debit - credit
        account, auxiliary = self._key(cells)
        row = StagedRow(line, cells=cells, currency=self._currency)
        row.customer_code = self._text(row, "customer_code", auxiliary or account)
        entry = self._entry_key(cells)[1]
        piece = columns.cell(cells, "PieceRef").strip() or entry
        use = hash((row.customer_code, piece))
        seen[use] += 1
        row.instalment = seen[use]
        if row.instalment > _MOST_INSTALMENTS:
            # A reference that says nothing: the entry tells the lines apart.
            piece, row.instalment = f"{piece[:20]}-{entry[:18]}", 1 + seen[use] % _MOST_INSTALMENTS
        row.number = self._text(row, "number", piece)
        booked = self._days.read(columns.cell(cells, "EcritureDate"))
        row.issue_date = self._days.read(columns.cell(cells, "PieceDate")) or booked
        if row.issue_date is None:
            row.errors.append(
                _error("issue_date", "date_invalid", columns.cell(cells, "EcritureDate"), order="ymd")
            )
        row.total_amount = _money(amount)
        opening = self._is_opening(cells)
        row.kind = self._kind(cells, amount, opening)
        row.reference = " ".join(columns.cell(cells, "EcritureLib").split())[: self._longest["reference"]]
        name = columns.cell(cells, "CompAuxLib").strip() or (
            "" if auxiliary else columns.cell(cells, "CompteLib").strip()
        )
        if name:
            row.details["customer"] = {"name": " ".join(name.split())[:120]}
        row.details["fec"] = self._details(cells, opening)
        return row, self._settle(row, line, cells, amount)

    def _settle(self, row: StagedRow, line: int, cells: list[str], amount: int) -> int:
        group = self._group(cells)
        if not amount:
            row.skipped = "not_receivable"
            row.errors = []
            return 0
        if group is None:
            row.open_amount = row.total_amount
            return amount
        if group not in self._unsettled:
            row.skipped = "settled_group"
            row.errors = []
            return 0
        left = self._shares[line]
        if not left:
            row.skipped = "settled_group"
            row.errors = []
            return 0
        row.open_amount = _money(left)
        return left

    def _is_opening(self, cells: list[str]) -> bool:
        columns = self._file.columns
        code = simplify(columns.cell(cells, "JournalCode"))
        words = simplify(columns.cell(cells, "JournalLib"))
        return code in _OPENING_CODES or any(word in words for word in _OPENING_WORDS)

    def _kind(self, cells: list[str], amount: int, opening: bool) -> str:
        """A debit is an invoice and a credit a credit note, unless money moves in the entry."""
        journal = self._file.columns.cell(cells, "JournalCode").strip()
        uses = self._uses.get(journal, set())
        moves_money = uses == {"money"} or (
            "money" in uses and hash(self._entry_key(cells)) in self._money_entries
        )
        if opening:
            moves_money = False
            if amount < 0 and not simplify(self._file.columns.cell(cells, "EcritureLib")).startswith("avoir"):
                return "PAYMENT"
        if amount > 0:
            return "OTHER" if moves_money else "INVOICE"
        return "PAYMENT" if moves_money else "CREDIT_NOTE"

    def _details(self, cells: list[str], opening: bool) -> dict[str, Any]:
        columns = self._file.columns
        said = {
            "journal": columns.cell(cells, "JournalCode").strip()[:20],
            "entry": columns.cell(cells, "EcritureNum").strip()[:40],
            "account": columns.cell(cells, "CompteNum").strip()[:20],
            "letters": columns.cell(cells, "EcritureLet").strip()[:20],
            "foreign_amount": columns.cell(cells, "Montantdevise").strip()[:30],
            "foreign_currency": columns.cell(cells, "Idevise").strip()[:3],
        }
        kept: dict[str, Any] = {name: value for name, value in said.items() if value}
        if opening:
            kept["opening"] = True
        return kept

    def _text(self, row: StagedRow, field: str, text: str) -> str | None:
        text = " ".join(text.split())
        if "\x00" in text:
            row.errors.append(_error(field, "nul_character", text))
            return None
        if len(text) > self._longest[field]:
            row.errors.append(
                _error(field, "text_too_long", text, length=len(text), limit=self._longest[field])
            )
            return None
        return text


def _error(column: str, code: str, value: str, **params: Any) -> dict[str, Any]:
    return {"column": column, "code": code, "value": value[:120].replace("\x00", "\ufffd"), **params}


def _said(amount: int) -> str:
    """As people write it."""
    return str(_money(amount)).replace(".", ",")


def _money(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-2) + Decimal("0.00")
