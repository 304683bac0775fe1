"""A made-up portfolio whose truth is known: customers, groups, subscriptions, open items, and payments of every family.

What is noisy, and how often, stands in PROFILES and is published with the results.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta

from bench.matching_noise import Writer, bank_name

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


def make_portfolio(*, items: int, lines: int, seed: int, profile: str) -> Portfolio:
    """The whole of it, from the seed alone."""
    drawn = random.Random(seed)
    customers = _customers(drawn, max(items // 12, 40))
    numbering = NUMBERINGS[seed % len(NUMBERINGS)]
    all_items = _items(drawn, customers, items, numbering, PROFILES[profile]["noise"])
    payments = Payments(drawn, customers, profile).draw(lines)
    return Portfolio(customers, all_items, payments)


def _customers(drawn: random.Random, count: int) -> list[TrueCustomer]:
    customers: list[TrueCustomer] = []
    while len(customers) < count:
        pk = len(customers) + 1
        head = TrueCustomer(pk, f"411{pk:06d}", bank_name(drawn), _siren(pk), _iban(pk))
        head.is_known = False
        customers.append(head)
        if drawn.random() < 0.03:
            stem = head.name.rsplit(" ", 1)[0]
            for place in drawn.sample(
                ("NORD", "SUD", "OUEST", "LYON", "PARIS", "LOGISTIQUE"), drawn.randint(1, 4)
            ):
                pk = len(customers) + 1
                customers.append(
                    TrueCustomer(pk, f"411{pk:06d}", f"{stem} {place}", _siren(pk), _iban(pk), parent=head.pk)
                )
    return customers[:count]


def _items(
    drawn: random.Random, customers: list[TrueCustomer], count: int, numbering: str, noise: dict[str, float]
) -> list[TrueItem]:
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


class Payments:
    """Draws payments one after the other; an item is paid once, but for payments made twice and parts."""

    def __init__(self, drawn: random.Random, customers: list[TrueCustomer], profile: str) -> None:
        self.drawn = drawn
        self.customers = [
            customer for customer in customers if any(item.cents > 0 for item in customer.items)
        ]
        self.by_pk = {customer.pk: customer for customer in customers}
        self.groups: dict[int, list[TrueCustomer]] = {}
        for customer in customers:
            if customer.parent:
                self.groups.setdefault(customer.parent, [self.by_pk[customer.parent]]).append(customer)
        families = PROFILES[profile]["families"]
        self.families, self.weights = list(families), list(families.values())
        self.noise = PROFILES[profile]["noise"]
        self.writer = Writer(drawn, self.noise)
        self.gone: set[int] = set()
        self.done: list[TruePayment] = []

    def draw(self, count: int) -> list[TruePayment]:
        misses = 0
        while len(self.done) < count and misses < count * 40:
            family = self.drawn.choices(self.families, self.weights)[0]
            payment = getattr(self, f"_{family}")()
            if payment is None:
                misses += 1
                continue
            payment.family = family
            self.done.append(payment)
        order = sorted(range(len(self.done)), key=lambda place: (self.done[place].day, place))
        places = {old: new for new, old in enumerate(order)}
        payments = [self.done[place] for place in order]
        for payment in payments:
            if payment.twin >= 0:
                payment.twin = places[payment.twin]
        return payments

    def _open(self, customer: TrueCustomer) -> list[TrueItem]:
        return [item for item in customer.items if item.pk not in self.gone]

    def _somebody(self, least: int = 1) -> tuple[TrueCustomer, list[TrueItem]] | None:
        for _try in range(30):
            customer = self.drawn.choice(self.customers)
            debits = [item for item in self._open(customer) if item.cents > 0]
            if len(debits) >= least:
                return customer, debits
        return None

    def _pay(
        self,
        customer: TrueCustomer,
        items: list[TrueItem],
        *,
        cents: int | None = None,
        silent: bool | None = None,
        **more: object,
    ) -> TruePayment | None:
        """The line that pays these items whole, `cents` instead of their sum where it differs."""
        total = sum(item.cents for item in items)
        asked = total if cents is None else cents
        if asked <= 0 or not items:
            return None
        first = max(item.issued for item in items)
        day = min(max(first, TODAY - timedelta(days=self.drawn.randrange(14))), TODAY)
        for item in items:
            self.gone.add(item.pk)
        quiet = self.drawn.random() < self.noise["no_reference"] if silent is None else silent
        others = [
            item.number
            for item in customer.items
            if item not in items and item.cents not in {i.cents for i in items}
        ]
        text, structured = self.writer.text(
            [item.number for item in items], quiet=quiet, others=others, cents=asked
        )
        name, iban = self.writer.payer(customer.name, customer.iban, customer.pk)
        return TruePayment(
            "", day, asked, {item.pk: item.cents for item in items}, customer.pk, text, structured, name, iban,
            difference=total - asked, **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def _one(self) -> TruePayment | None:
        found = self._somebody()
        if found is None:
            return None
        customer, debits = found
        return self._pay(customer, [debits[0] if self.drawn.random() < 0.6 else self.drawn.choice(debits)])

    def _several(self) -> TruePayment | None:
        found = self._somebody(2)
        if found is None:
            return None
        customer, debits = found
        count = self.drawn.randint(2, min(len(debits), 7))
        if self.drawn.random() < 0.5:
            start = self.drawn.randrange(len(debits) - count + 1)
            return self._pay(customer, debits[start : start + count])
        return self._pay(customer, self.drawn.sample(debits, count))

    def _subset(self) -> TruePayment | None:
        found = self._somebody(3)
        if found is None:
            return None
        customer, debits = found
        return self._pay(
            customer, self.drawn.sample(debits, self.drawn.randint(2, min(4, len(debits) - 1))), silent=True
        )

    def _month(self) -> TruePayment | None:
        found = self._somebody(2)
        if found is None:
            return None
        customer, debits = found
        first = self.drawn.choice(debits)
        together = [
            item
            for item in debits
            if (item.issued.year, item.issued.month) == (first.issued.year, first.issued.month)
        ]
        return self._pay(customer, together) if len(together) > 1 else None

    def _balance(self) -> TruePayment | None:
        found = self._somebody()
        if found is None or len(self._open(found[0])) > 30:
            return None
        return self._pay(found[0], self._open(found[0]), silent=self.drawn.random() < 0.7)

    def _overdue(self) -> TruePayment | None:
        found = self._somebody(2)
        if found is None:
            return None
        customer, debits = found
        late = [item for item in debits if item.due < TODAY - timedelta(days=14)]
        return self._pay(customer, late, silent=self.drawn.random() < 0.6) if 1 < len(late) < 30 else None

    def _part(self) -> TruePayment | None:
        found = self._somebody()
        if found is None:
            return None
        customer, debits = found
        item = self.drawn.choice(debits)
        cents = (
            item.cents // 2
            if self.drawn.random() < 0.4
            else item.cents * self.drawn.randrange(1, 9) // 1_000 * 100
        )
        if not 0 < cents < item.cents:
            return None
        payment = self._pay(customer, [item], cents=cents)
        if payment is not None:
            payment.parts, payment.difference = {item.pk: cents}, 0
        return payment

    def _discount(self) -> TruePayment | None:
        found = self._somebody()
        if found is None:
            return None
        item = self.drawn.choice(found[1])
        if (item.due - TODAY).days < 15:
            return None
        return self._pay(found[0], [item], cents=item.cents - item.cents * 2 // 100)

    def _charges(self) -> TruePayment | None:
        found = self._somebody()
        if found is None:
            return None
        item = self.drawn.choice(found[1])
        fee = self.drawn.choice((550, 900, 1_250, 1_500, 2_000))
        if item.cents < fee * 8:
            return None
        return self._pay(
            found[0], [item], cents=item.cents - fee, charges=fee if self.drawn.random() < 0.4 else 0
        )

    def _small(self) -> TruePayment | None:
        found = self._somebody()
        if found is None:
            return None
        item = self.drawn.choice(found[1])
        return self._pay(found[0], [item], cents=item.cents - self.drawn.choice((-50, -1, 1, 2, 10, 45, 90)))

    def _less_credits(self) -> TruePayment | None:
        for _try in range(60):
            customer = self.drawn.choice(self.customers)
            opened = self._open(customer)
            credits = [item for item in opened if item.cents < 0]
            debits = [item for item in opened if item.cents > 0]
            if credits and debits:
                chosen = [self.drawn.choice(debits), self.drawn.choice(credits)]
                return self._pay(customer, chosen)
        return None

    def _member(self) -> TruePayment | None:
        if not self.groups:
            return None
        group = self.drawn.choice(list(self.groups.values()))
        payer, owner = self.drawn.sample(group, 2)
        debits = [item for item in self._open(owner) if item.cents > 0]
        payment = self._pay(owner, [self.drawn.choice(debits)]) if debits else None
        if payment is not None:
            payment.name, payment.iban = self.writer.payer(payer.name, payer.iban, payer.pk)
        return payment

    def _customers(self) -> TruePayment | None:
        one, two = self._somebody(), self._somebody()
        if one is None or two is None or one[0] is two[0]:
            return None
        items = [self.drawn.choice(one[1]), self.drawn.choice(two[1])]
        return self._pay(one[0], items, silent=False)

    def _stranger(self) -> TruePayment | None:
        payment = self._one()
        if payment is not None:
            payment.name, payment.iban = bank_name(self.drawn), _iban(5_000_000 + len(self.done))
        return payment

    def _twice(self) -> TruePayment | None:
        if not self.done:
            return None
        place = self.drawn.randrange(len(self.done))
        first = self.done[place]
        if first.family != "one":
            return None
        later = min(first.day + timedelta(days=self.drawn.randrange(6)), TODAY)
        return TruePayment(
            "",
            later,
            first.cents,
            {},
            first.customer,
            first.remittance,
            first.structured,
            first.name,
            first.iban,
            twin=place,
        )

    def _advance(self) -> TruePayment | None:
        customer = self.drawn.choice(self.customers)
        cents = (
            self.drawn.randrange(1, 60) * 10_000
            if self.drawn.random() < 0.6
            else self.drawn.randrange(10_000, 500_000)
        )
        text, _structured = self.writer.text([], quiet=True, others=[], cents=cents)
        name, iban = self.writer.payer(customer.name, customer.iban, customer.pk)
        return TruePayment("", TODAY - timedelta(days=3), cents, {}, customer.pk, text, "", name, iban)

    def _foreign_income(self) -> TruePayment | None:
        cents = self.drawn.randrange(1_000, 900_000)
        text = self.drawn.choice(
            ("REMBOURSEMENT TVA {n}", "INDEMNITE SINISTRE {n}", "LOYER {n}", "APPORT CCA {n}")
        )
        return TruePayment(
            "", TODAY, cents, {}, 0, text.format(n=self.drawn.randrange(1_000, 999_999)), "",
            self.drawn.choice(("DGFIP", "MAIF ASSURANCES", "URSSAF", "SCI DES TILLEULS")), "",
        )  # fmt: skip

    def _return(self) -> TruePayment | None:
        customer = self.drawn.choice(self.customers)
        return TruePayment(
            "",
            TODAY,
            -self.drawn.randrange(1_000, 90_000),
            {},
            customer.pk,
            "REJET PRLV",
            "",
            customer.name,
            "",
        )


def _siren(pk: int) -> str:
    stem = f"{40_000_000 + pk:08d}"
    digits = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(stem)]
    return stem + str(-sum(digit // 10 + digit % 10 for digit in digits) % 10)


def _iban(pk: int) -> str:
    from customers.identifiers import french_iban

    return french_iban("30004", f"{pk % 90_000 + 10_000:05d}", f"{pk:011d}")
