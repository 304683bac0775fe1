"""What the matching works on and what it proposes. Amounts are whole cents, signed as on the account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from invoices.matching.numbers import NumberKeys, Strength

# A reason is what the database keeps: its code, and what its sentence needs.
Reason = dict[str, object]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the legal entity tolerates; shares in hundredths of a percent."""

    posts_by_itself: bool = True
    tolerance: int = 100
    charges_tolerance: int = 2_500
    discount_share: int = 0
    discount_days: int = 10
    oldest_days: int = 365


@dataclass(frozen=True, slots=True)
class Line:
    """Money received, and all the bank says of it. `cents` is what is left to apply."""

    pk: int
    booking_date: date
    cents: int
    currency: str
    remittance: str = ""
    structured_reference: str = ""
    documents: tuple[str, ...] = ()
    end_to_end_id: str = ""
    mandate: str = ""
    name: str = ""
    ultimate_name: str = ""
    iban: str = ""
    charges: int = 0
    is_partly_applied: bool = False
    is_in_other_currency: bool = False


@dataclass(slots=True)
class Item:
    """An open item. `is_locked_before`: an allocation undone later held it on a day that the line would use."""

    pk: int
    customer_id: int
    number: str
    keys: NumberKeys
    kind: str
    issue_date: date
    due_date: date
    cents: int
    is_disputed: bool = False
    instalment: int = 1


@dataclass(slots=True)
class Account:
    """A customer with what is open on the account in the line's currency, oldest due first."""

    pk: int
    code: str
    name: str
    group: int = 0
    is_insolvent: bool = False
    items: list[Item] = field(default_factory=list)
    is_complete: bool = True
    # Payments of the last weeks, open or not: day, cents (positive), whether a bank line carries it.
    payments: list[tuple[date, int, bool]] = field(default_factory=list)
    # Numbers settled lately, to recognise a second payment.
    settled: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payer:
    """A customer recognised as the one who pays. `code` says by which sign; `is_known`: a person confirmed it."""

    customer_id: int
    code: str
    text: str = ""
    similarity: int = 100
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """An item that the text names, and how well."""

    item: Item
    strength: Strength
    written: str
    start: int
    end: int


@dataclass(slots=True)
class Proposal:
    """A way to apply the line. `parts` are items and cents, signed; what they leave over stays on account."""

    rule: str
    customer_id: int
    parts: tuple[tuple[Item, int], ...]
    difference: int = 0
    difference_reason: str = ""
    score: int = 0
    reasons: list[Reason] = field(default_factory=list)
    blocks: list[Reason] = field(default_factory=list)
    solutions: int = 1
    is_search_complete: bool = True

    @property
    def amount(self) -> int:
        return sum(cents for _item, cents in self.parts)

    @property
    def is_certain(self) -> bool:
        return not self.blocks

    def key(self) -> tuple[tuple[int, int], ...]:
        return tuple(sorted((item.pk, cents) for item, cents in self.parts))


@dataclass(slots=True)
class Candidates:
    """All that the ledger knows of a line: accounts by customer, who pays, and which items have exactly its amount."""

    accounts: Mapping[int, Account]
    payers: list[Payer] = field(default_factory=list)
    same_amount: list[Item] = field(default_factory=list)
    # Customers whose payers' IBAN or mandate a person confirmed: the line's own.
    undone: frozenset[int] = frozenset()
    is_known_account: bool = False
