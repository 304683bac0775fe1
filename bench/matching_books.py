"""The books of the made-up portfolio: noise profiles, customers, groups, subscriptions and open items."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta

from bench.matching_noise import bank_name

TODAY = date(2026, 6, 30)

# Shares of the families of payments; they add up to one. `noise` is what is done to texts and names.
PROFILES: dict[str, dict[str, dict[str, float]]] = {
    "usual": {
        "families": {
            "one": 0.34, "several": 0.18, "month": 0.05, "balance": 0.07, "overdue": 0.03, "subset": 0.05, "part": 0.05,
            "discount": 0.03, "charges": 0.02, "small": 0.02, "less_credits": 0.04, "member": 0.03, "customers": 0.02,
            "stranger": 0.02, "twice": 0.015, "advance": 0.015, "foreign_income": 0.01, "return": 0.01,
        },
        "noise": {
            "no_reference": 0.25, "prefix_lost": 0.30, "digits_only": 0.20, "tail_only": 0.10, "spaces": 0.10,
            "misread": 0.05, "wrong_number": 0.02, "own_numbers": 0.30, "range_or_list": 0.5, "name_missing": 0.08,
            "name_cut": 0.20, "name_other": 0.06, "iban_missing": 0.12, "iban_other": 0.04, "iban_known": 0.60,
            "structured": 0.08,
        },
    },
    "harsh": {
        "families": {
            "one": 0.25, "several": 0.15, "month": 0.04, "balance": 0.05, "overdue": 0.03, "subset": 0.09, "part": 0.10,
            "discount": 0.04, "charges": 0.03, "small": 0.03, "less_credits": 0.04, "member": 0.04, "customers": 0.02,
            "stranger": 0.03, "twice": 0.02, "advance": 0.02, "foreign_income": 0.01, "return": 0.01,
        },
        "noise": {
            "no_reference": 0.35, "prefix_lost": 0.30, "digits_only": 0.15, "tail_only": 0.25, "spaces": 0.20,
            "misread": 0.15, "wrong_number": 0.10, "own_numbers": 0.60, "range_or_list": 0.7, "name_missing": 0.20,
            "name_cut": 0.35, "name_other": 0.15, "iban_missing": 0.25, "iban_other": 0.10, "iban_known": 0.60,
            "structured": 0.04,
        },
    },
}  # fmt: skip
NUMBERINGS = ("FA-{year}-{rank:06d}", "F{short}{rank:07d}", "{rank}", "{year}/{rank:06d}", "VTE{rank:08d}")
# Prices that many customers pay alike.
SUBSCRIPTIONS = (4_900, 9_900, 14_900, 29_000, 58_800, 119_000)


@dataclass(slots=True)
class TrueItem:
    pk: int
    customer: int
    number: str
    kind: str
    issued: date
    due: date
    cents: int
    is_disputed: bool = False


@dataclass(slots=True)
class TrueCustomer:
    pk: int
    code: str
    name: str
    siren: str
    iban: str
    parent: int = 0
    is_known: bool = False
    items: list[TrueItem] = field(default_factory=list)


@dataclass(slots=True)
class TruePayment:
    """A bank line and what is true of it: items (by key) and cents settled, signed. `twin`: the line it repeats."""

    family: str
    day: date
    cents: int
    parts: dict[int, int]
    customer: int = 0
    remittance: str = ""
    structured: str = ""
    name: str = ""
    iban: str = ""
    charges: int = 0
    twin: int = -1
    difference: int = 0


@dataclass(slots=True)
class Portfolio:
    customers: list[TrueCustomer]
    items: list[TrueItem]
    payments: list[TruePayment]


def make_customers(drawn: random.Random, count: int) -> list[TrueCustomer]:
    """So many customers, some in groups whose members bear like names."""
    customers: list[TrueCustomer] = []
    while len(customers) < count:
        pk = len(customers) + 1
        head = TrueCustomer(pk, f"411{pk:06d}", bank_name(drawn), _siren(pk), made_up_iban(pk))
        head.is_known = False
        customers.append(head)
        if drawn.random() < 0.03:
            stem = head.name.rsplit(" ", 1)[0]
            for place in drawn.sample(
                ("NORD", "SUD", "OUEST", "LYON", "PARIS", "LOGISTIQUE"), drawn.randint(1, 4)
            ):
                pk = len(customers) + 1
                customers.append(
                    TrueCustomer(
                        pk, f"411{pk:06d}", f"{stem} {place}", _siren(pk), made_up_iban(pk), parent=head.pk
                    )
                )
    return customers[:count]


def make_items(
    drawn: random.Random, customers: list[TrueCustomer], count: int, numbering: str, noise: dict[str, float]
) -> list[TrueItem]:
    """So many open items, few customers owing many; also says which payers a person has confirmed."""
    weights = [drawn.paretovariate(1.3) for _customer in customers]
    owners = drawn.choices(customers, [min(weight, 25) for weight in weights], k=count)
    subscribed = {customer.pk: drawn.choice(SUBSCRIPTIONS) for customer in customers if drawn.random() < 0.12}
    issues = sorted(
        TODAY
        - timedelta(days=(drawn.randrange(370, 700) if drawn.random() < 0.015 else int(120 * drawn.random())))
        for _item in range(count)
    )
    items = []
    for rank, (owner, issued) in enumerate(zip(owners, issues, strict=True), start=1):
        is_credit = drawn.random() < 0.04
        if owner.pk in subscribed and drawn.random() < 0.8 and not is_credit:
            cents = subscribed[owner.pk]
        elif drawn.random() < 0.15:
            cents = drawn.randrange(1, 300) * 1_000
        else:
            cents = int(drawn.lognormvariate(11.2, 1.1)) + 500
        number = numbering.format(year=issued.year, short=issued.year % 100, rank=rank + 1_000)
        number = "AV" + number.lstrip("FAVTE") if is_credit else number
        due = issued if is_credit else issued + timedelta(days=drawn.choice((30, 30, 45, 60)))
        kind = "CREDIT_NOTE" if is_credit else "INVOICE"
        cents = -max(cents // 4, 100) if is_credit else cents
        item = TrueItem(
            rank, owner.pk, number, kind, issued, due, cents, drawn.random() < 0.02 and not is_credit
        )
        items.append(item)
        owner.items.append(item)
    for customer in customers:
        customer.is_known = drawn.random() < noise["iban_known"]
        customer.items.sort(key=lambda item: (item.due, item.pk))
    return items


def _siren(pk: int) -> str:
    stem = f"{40_000_000 + pk:08d}"
    digits = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(stem)]
    return stem + str(-sum(digit // 10 + digit % 10 for digit in digits) % 10)


def made_up_iban(pk: int) -> str:
    """The account of customer `pk`."""
    from customers.identifiers import french_iban

    return french_iban("30004", f"{pk % 90_000 + 10_000:05d}", f"{pk:011d}")
