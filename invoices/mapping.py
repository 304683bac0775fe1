"""Which column of a file holds what: proposed from its name and from what stands in it, with a reason. Pure.

Two witnesses are heard for every column: its header (names we know, names alike, technical names of common
accounting programs) and its cells (dates, amounts, codes of customers that exist, identifiers with a right key).
A header that its cells contradict is not believed; cells alone are believed less than a header.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from core.calendar import DateError, parse_french_date
from core.money import AmountError, parse_amount
from invoices.mapping_names import PROGRAMS, expanded
from invoices.readers.cell_reader import swap_month_and_day
from invoices.readers.columns import NAMES, known_name, simplify
from invoices.readers.countries import country_code
from invoices.readers.detection import Habits
from invoices.readers.vocabulary import CURRENCIES, CURRENCY_SIGNS, KIND_WORDS, SIDE_WORDS, SKIP_WORDS

LEAST = 40
_TRUSTED = 0.8
_HOUR = re.compile(r"[T ][0-9]{1,2}:[0-9]{2}.*$")
_EMAIL = re.compile(r"\S+@\S+\.[a-zA-Z]{2,}")
_VAT = re.compile(r"[A-Z]{2}[0-9A-Z]{8,12}")
# Headers over codes in one program and over names in another.
_EITHER = ("client", "customer", "tiers", "partner")
_DATED = ("issue_date", "due_date")
_MONEY = ("total_amount", "net_amount", "vat_amount", "open_amount", "debit_amount", "credit_amount")


@dataclass(frozen=True)
class Proposal:
    """What a column is taken for. `field` is empty when nothing fits; `confidence` is in percent.

    `reason` is a code (see `invoices.mapping_words`), `share` the part of the cells that agree, in percent,
    `program` the program whose name the header is.
    """

    column: int
    name: str
    field: str
    confidence: int
    reason: str
    share: int = 0
    program: str = ""


@dataclass
class _Column:
    """What the cells of a column are, as shares of those that are not empty."""

    index: int
    name: str
    values: list[str]
    shares: dict[str, float] = field(default_factory=dict)

    def share(self, nature: str) -> float:
        return self.shares.get(nature, 0.0)


def propose(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, known_codes: Collection[str] = ()
) -> list[Proposal]:
    """One proposal per column, in their order. `rows` are some first rows, `known_codes` codes that exist."""
    rows = rows[:100]
    columns = [_observe(index, name, rows, known_codes) for index, name in enumerate(headers)]
    claims = [claim for column in columns for claim in _claims(column)]
    claims += _claims_of_dates(columns, rows) + _claims_of_sums(columns, rows)
    claims.sort(key=lambda claim: (-claim.confidence, claim.column, claim.field))
    taken: dict[int, Proposal] = {}
    fields: set[str] = set()
    for claim in claims:
        if claim.confidence >= LEAST and claim.column not in taken and claim.field not in fields:
            taken[claim.column] = claim
            fields.add(claim.field)
    return [taken.get(column.index) or _nothing(column) for column in columns]


def columns_of(proposals: Sequence[Proposal]) -> dict[str, str]:
    """The mapping that the proposals make: field -> header."""
    return {proposal.field: proposal.name for proposal in proposals if proposal.field}


def fits(columns: dict[str, str], headers: Collection[str]) -> bool:
    """Whether a saved mapping reads files with these headers: every column it names is there."""
    there = {simplify(name) for name in headers if name}
    return bool(columns) and all(simplify(name) in there for name in columns.values())


def _nothing(column: _Column) -> Proposal:
    reason = "unnamed" if not column.name else "empty" if not column.values else "nothing"
    return Proposal(column.index, column.name, "", 0, reason)


def _observe(index: int, name: str, rows: Sequence[Sequence[str]], known_codes: Collection[str]) -> _Column:
    values = [text for row in rows if index < len(row) and (text := row[index].strip())]
    column = _Column(index, name, values)
    if values:
        habits = Habits()
        for text in values:
            habits.see_amount(text)
            habits.see_date(text)
        for nature, test in _tests(habits, known_codes).items():
            column.shares[nature] = sum(1 for text in values if test(text)) / len(values)
        column.shares["distinct"] = len(set(values)) / len(values)
    return column


def _tests(habits: Habits, known_codes: Collection[str]) -> dict[str, Callable[[str], bool]]:
    return {
        "date": lambda text: _is_date(text, habits.date_order),
        "amount": lambda text: amount_of(text, habits.decimal) is not None,
        "decimals": lambda text: bool(re.search(r"[.,][0-9]{1,2}(?![0-9])", text)),
        "code": lambda text: text in known_codes,
        "currency": lambda text: text.upper() in CURRENCIES or text in CURRENCY_SIGNS,
        "kind": lambda text: simplify(text) in KIND_WORDS,
        "status": lambda text: simplify(text) in SKIP_WORDS,
        "side": lambda text: text in SIDE_WORDS or simplify(text) in SIDE_WORDS,
        "siren": lambda text: _has_key(text, 9),
        "siret": lambda text: _has_key(text, 14),
        "vat": lambda text: bool(_VAT.fullmatch(re.sub(r"[\s.]", "", text).upper())),
        "email": lambda text: bool(_EMAIL.fullmatch(text)),
        "country": lambda text: country_code(text) is not None,
        "words": lambda text: sum(char.isalpha() for char in text) > len(text) / 2 and len(text) > 3,
        "figures": lambda text: any(char.isdigit() for char in text),
    }


# field -> the nature its cells must have; the others take any text.
_NATURES = {
    **dict.fromkeys(_DATED, "date"),
    **dict.fromkeys(_MONEY, "amount"),
    "currency": "currency", "kind": "kind", "side": "side", "siren": "siren", "siret": "siret", "vat_number": "vat",
    "email": "email", "country": "country", "customer_name": "words",
}  # fmt: skip
# nature -> (field, confidence when the cells alone say it, reason)
_ALONE = {
    "code": ("customer_code", 85, "codes_exist"),
    "siret": ("siret", 75, "identifiers"),
    "siren": ("siren", 70, "identifiers"),
    "vat": ("vat_number", 60, "identifiers"),
    "email": ("email", 60, "emails"),
    "currency": ("currency", 65, "currencies"),
    "kind": ("kind", 55, "kinds"),
    "side": ("side", 50, "sides"),
}  # fmt: skip


def _claims(column: _Column) -> list[Proposal]:
    claims = []
    for name, score, reason, program in _named(column.name):
        claims.append(_weighed(column, name, score, reason, program))
    for nature, (name, score, reason) in _ALONE.items():
        share = column.share(nature)
        if nature == "side" and column.share("figures"):
            continue  # a column of 0 and 1 could be anything
        if share >= _TRUSTED and (nature in ("code", "siret", "siren", "email") or len(column.values) > 1):
            claims.append(
                Proposal(column.index, column.name, name, int(score * share), reason, _percent(share))
            )
    other = max(column.share(nature) for nature in ("date", "decimals", "siren", "siret"))
    if (
        len(column.values) > 2
        and column.share("distinct") > 0.95
        and column.share("figures") > 0.8
        and other < 0.2
    ):
        claims.append(Proposal(column.index, column.name, "number", 45, "unique_codes"))
    return claims


def _named(name: str) -> list[tuple[str, int, str, str]]:
    """Fields that a header speaks for: (field, score, reason, program)."""
    if not name:
        return []
    known = known_name(name)
    if known:
        return [(known[0], 98 - min(known[1], 12), "name", "")]
    program = PROGRAMS.get(simplify(name))
    if program:
        return [(program[0], 92, "program", program[1])]
    wide = known_name(expanded(name))
    if wide:
        return [(wide[0], 84 - min(wide[1], 12), "name_alike", "")]
    words = set(expanded(name).split())
    found = []
    for field_name, aliases in NAMES.items():
        best = 0
        for alias in aliases:
            parts = set(expanded(alias).split())
            if parts <= words and max(map(len, parts), default=0) > 2:
                best = max(best, 46 + 30 * len(parts) // len(words))
        if best:
            found.append((field_name, best, "name_alike", ""))
    return found


def _weighed(column: _Column, name: str, score: int, reason: str, program: str) -> Proposal:
    """A header's claim after its cells were heard."""
    nature = _NATURES.get(name)
    if not column.values:
        return Proposal(column.index, column.name, name, max(LEAST, score - 15), reason, 0, program)
    if name == "customer_code" and column.share("code"):
        return Proposal(
            column.index,
            column.name,
            name,
            min(99, score + 10),
            "codes_exist",
            _percent(column.share("code")),
        )
    if name == "customer_code" and simplify(column.name) in _EITHER and column.share("words") > 0.9:
        # « Client » over names: what it holds is what he is called.
        return Proposal(column.index, column.name, "customer_name", score - 20, "names", 0, program)
    if nature is None:
        return Proposal(column.index, column.name, name, score, reason, 0, program)
    share = column.share(nature)
    if nature in ("kind", "country", "siren", "siret", "vat", "email", "words") and share < 0.5:
        score -= 15  # words of theirs that we do not know yet, keys that are wrong
    elif share < 0.5:
        return Proposal(
            column.index, column.name, name, score // 4, "contents_differ", _percent(share), program
        )
    elif share > 0.95:
        score = min(99, score + 2)
    return Proposal(column.index, column.name, name, score, reason, _percent(share), program)


def _claims_of_dates(columns: Sequence[_Column], rows: Sequence[Sequence[str]]) -> list[Proposal]:
    """Two columns of dates without a telling name: the later ones are due dates."""
    dated = [column for column in columns if column.share("date") >= _TRUSTED and not _named(column.name)]
    claims = [
        Proposal(column.index, column.name, "issue_date", 50 - rank, "dates", _percent(column.share("date")))
        for rank, column in enumerate(dated[:3])
    ]
    for earlier in columns:
        if earlier.share("date") < _TRUSTED:
            continue
        for later in dated:
            if later is not earlier and _always_later(earlier, later, rows):
                claims.append(Proposal(later.index, later.name, "due_date", 58, "later_dates"))
    return claims


def _always_later(earlier: _Column, later: _Column, rows: Sequence[Sequence[str]]) -> bool:
    order = [habits_of(column.values).date_order for column in (earlier, later)]
    pairs = [
        (one, two)
        for row in rows
        if max(earlier.index, later.index) < len(row)
        and (one := day_of(row[earlier.index], order[0]))
        and (two := day_of(row[later.index], order[1]))
    ]
    return bool(pairs) and all(one <= two for one, two in pairs) and any(one < two for one, two in pairs)


def _claims_of_sums(columns: Sequence[_Column], rows: Sequence[Sequence[str]]) -> list[Proposal]:
    """Net + VAT = total, row by row; else the largest amounts are the totals."""
    money = [
        column for column in columns if column.share("amount") >= _TRUSTED and column.share("decimals") > 0.3
    ]
    money = money[:8]
    marks = {column.index: habits_of(column.values).decimal for column in money}
    amounts = {
        column.index: [
            amount_of(row[column.index], marks[column.index]) if column.index < len(row) else None
            for row in rows
        ]
        for column in money
    }
    claims = []
    for total in money:
        for net in money:
            for vat in money:
                if net.index == total.index or vat.index in (total.index, net.index):
                    continue
                if _adds_up(amounts[net.index], amounts[vat.index], amounts[total.index]):
                    claims += [
                        Proposal(total.index, total.name, "total_amount", 80, "sum"),
                        Proposal(net.index, net.name, "net_amount", 80, "sum"),
                        Proposal(vat.index, vat.name, "vat_amount", 80, "sum"),
                    ]
    nameless = [column for column in money if not _named(column.name)]
    if nameless:
        sums = {
            column.index: sum(
                (abs(value) for value in amounts[column.index] if value is not None), Decimal(0)
            )
            for column in nameless
        }
        largest = max(nameless, key=lambda column: sums[column.index])
        claims.append(Proposal(largest.index, largest.name, "total_amount", 48, "amounts"))
    return claims


def _adds_up(
    nets: Sequence[Decimal | None], vats: Sequence[Decimal | None], totals: Sequence[Decimal | None]
) -> bool:
    """Whether net + VAT = total on every full row, with net above VAT and VAT not always nothing."""
    full = [
        (net, vat, total)
        for net, vat, total in zip(nets, vats, totals, strict=True)
        if net is not None and vat is not None and total is not None
    ]
    return (
        len(full) > 1
        and all(net + vat == total and abs(net) >= abs(vat) for net, vat, total in full)
        and any(vat != 0 for _net, vat, _total in full)
    )


def habits_of(values: Sequence[str]) -> Habits:
    """How a column writes decimals and dates."""
    habits = Habits()
    for text in values:
        habits.see_amount(text)
        habits.see_date(text)
    return habits


def amount_of(text: str, decimal: str | None) -> Decimal | None:
    """The amount that a cell writes, None when it is none."""
    if not text.strip():
        return None
    try:
        return parse_amount(text, decimal or ",")
    except AmountError:
        return None


def day_of(text: str, order: str) -> date | None:
    """The day that a cell writes, None when it is none."""
    plain = _HOUR.sub("", text.strip())
    try:
        return parse_french_date(swap_month_and_day(plain) if order == "mdy" else plain)
    except DateError:
        return None


def _is_date(text: str, order: str) -> bool:
    return day_of(text, order) is not None


def _has_key(text: str, digits: int) -> bool:
    """A number of so many digits whose Luhn key is right (Code de commerce R123-221)."""
    number = re.sub(r"[\s.]", "", text)
    if len(number) != digits or not (number.isascii() and number.isdigit()):
        return False
    doubled = [int(char) * (2 if place % 2 else 1) for place, char in enumerate(reversed(number))]
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def _percent(share: float) -> int:
    return int(share * 100 + 0.5)
