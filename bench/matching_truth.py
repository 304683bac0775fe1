"""Payments of every family into a made-up portfolio, each with its truth: what it settles.

What is noisy, and how often, stands in PROFILES (`bench.matching_books`) and is published with the results.
"""

from __future__ import annotations

import random
from datetime import timedelta

from bench.matching_books import (
    NUMBERINGS,
    PROFILES,
    TODAY,
    Portfolio,
    TrueCustomer,
    TrueItem,
    TruePayment,
    made_up_iban,
    make_customers,
    make_items,
)
from bench.matching_noise import Writer, bank_name


def make_portfolio(*, items: int, lines: int, seed: int, profile: str) -> Portfolio:
    """The whole of it, from the seed alone."""
    drawn = random.Random(seed)
    customers = make_customers(drawn, max(items // 12, 40))
    numbering = NUMBERINGS[seed % len(NUMBERINGS)]
    all_items = make_items(drawn, customers, items, numbering, PROFILES[profile]["noise"])
    payments = Payments(drawn, customers, profile).draw(lines)
    return Portfolio(customers, all_items, payments)


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
            payment.name, payment.iban = bank_name(self.drawn), made_up_iban(5_000_000 + len(self.done))
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
