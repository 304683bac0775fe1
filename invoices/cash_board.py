"""The cash board: lines to apply, and for one line all that helps to decide."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.functions import Upper
from django.utils.translation import gettext as _

from core.legal import MissingLegalParameter, parameter
from core.models import User
from core.money import AmountError, parse_amount
from core.templatetags.format import amount as written_amount
from customers.filters import matching
from customers.models import Customer
from invoices.bank_money import money_left
from invoices.cash_entry import Entry, Ticked, entry
from invoices.cash_words import block_words, reason_words
from invoices.imputation import Claim, ImputationOrder, impute
from invoices.item_states import days_late
from invoices.models import BankLine, CashApplication, MatchProposal, OpenItem

ZERO = Decimal("0.00")
MOST_ITEMS = 200
MOST_FOUND = 12
MOST_SUMMED = 20_000
MOST_CUSTOMERS = 10
SHORTEST = 2


@dataclass(frozen=True)
class Proposed:
    """A proposal as the screen shows it: number of its key, reasons and doubts in words."""

    proposal: MatchProposal
    key: int
    parts: Sequence[Any]
    reasons: list[str]
    blocks: list[str]

    @property
    def is_certain(self) -> bool:
        return not self.blocks

    @property
    def numbers(self) -> list[str]:
        return [part.item.number for part in self.parts[:6]]

    @property
    def more(self) -> int:
        return max(0, len(self.parts) - 6)


@dataclass
class Row:
    """An open item that can be ticked; `written` is the amount in its field."""

    item: OpenItem
    late: int | None
    ticked: bool = False
    written: str = ""
    error: str = ""


@dataclass
class Account:
    """The open items of one customer."""

    customer: Customer
    rows: list[Row] = field(default_factory=list)
    more: bool = False
    has_fees: bool = False


@dataclass
class Work:
    """The right side: a line and what can be done with it."""

    line: BankLine
    left: Decimal
    proposals: list[Proposed]
    accounts: list[Account]
    entry: Entry | None
    currency: str
    picked: int | None
    shown: list[int]
    text: str = ""
    found: list[Customer] = field(default_factory=list)
    found_items: list[OpenItem] = field(default_factory=list)
    order: str = ""
    errors: list[str] = field(default_factory=list)

    @property
    def account_customer(self) -> Customer | None:
        """On whose account the rest would stay."""
        ticked = [account for account in self.accounts if any(row.ticked for row in account.rows)]
        chosen = ticked or self.accounts
        return chosen[0].customer if chosen else None


def totals_of(lines: "QuerySet[BankLine]") -> list[dict[str, Any]]:
    """What the filtered lines come to, per currency; empty when they are too many to add up for a page."""
    bounded = lines.order_by().values("currency", "amount", "applied_amount")[: MOST_SUMMED + 1]
    try:
        query, params = bounded.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT currency, sum(amount), sum(applied_amount), count(*)"
            f" FROM ({query}) bounded GROUP BY currency ORDER BY currency",
            params,
        )
        rows = [
            dict(zip(("currency", "total", "applied", "count"), row, strict=True))
            for row in cursor.fetchall()
        ]
    return rows if sum(row["count"] for row in rows) <= MOST_SUMMED else []


def with_best(lines: list[BankLine]) -> list[BankLine]:
    """Lines with `best`, their first open proposal, and `left`."""
    best = {
        proposal.bank_line_id: proposal
        for proposal in MatchProposal.objects.filter(
            bank_line__in=[line.pk for line in lines], status=MatchProposal.Status.OPEN
        )
        .select_related("customer")
        .order_by("-rank", "-id")
    }
    for line in lines:
        proposal = best.get(line.pk)
        if proposal is not None:
            proposal.is_certain = not block_words(proposal.blocks)  # type: ignore[attr-defined]
        line.best = proposal  # type: ignore[attr-defined]
        line.left = line.remaining_amount if line.amount > 0 else -line.remaining_amount  # type: ignore[attr-defined, operator]
    return lines


def proposals_of(line: BankLine) -> list[Proposed]:
    """The open proposals of a line, best first, with the keys 1 to 5."""
    found = (
        line.proposals.filter(status=MatchProposal.Status.OPEN)
        .select_related("customer")
        .prefetch_related("parts__item")
        .order_by("rank", "id")[:5]
    )
    return [
        Proposed(
            proposal,
            key,
            list(proposal.parts.all()),
            reason_words(proposal.reasons, line.currency),
            block_words(proposal.blocks, line.currency),
        )
        for key, proposal in enumerate(found, start=1)
    ]


def work_of(user: User, line: BankLine, asked: Mapping[str, Any], today: date) -> Work:
    """All that the right side shows. `asked` is a QueryDict: client, proposition, part, amount-<id>, reste, cherche…"""
    proposals = proposals_of(line) if line.status == BankLine.Status.OPEN and line.amount > 0 else []
    getlist = asked.getlist  # type: ignore[attr-defined]
    ticked_by_hand = "ticks" in asked
    customer_ids = _numbers(getlist("client"))[:MOST_CUSTOMERS]
    picked = next(iter(_numbers(getlist("proposition"))), None)
    chosen = next((found for found in proposals if found.proposal.pk == picked), None)
    if chosen is None and not customer_ids and not ticked_by_hand and proposals and picked is None:
        chosen = proposals[0]
    if chosen is not None:
        of_parts = [part.item.customer_id for part in chosen.parts]
        customer_ids = list(dict.fromkeys([*customer_ids, *of_parts, chosen.proposal.customer_id]))
    wanted = _numbers(getlist("part")) if ticked_by_hand else []
    if chosen is not None and not ticked_by_hand:
        wanted = [part.item_id for part in chosen.parts]
    accounts = _accounts(user, line, customer_ids, wanted, today)
    rows = {row.item.pk: row for account in accounts for row in account.rows}
    work = Work(
        line=line,
        left=abs(line.amount) - line.applied_amount,
        proposals=proposals,
        accounts=accounts,
        entry=None,
        currency=line.currency,
        picked=chosen.proposal.pk if chosen else None,
        shown=[account.customer.pk for account in accounts],
        text=" ".join(str(asked.get("cherche", "")).split())[:120],
    )
    if ticked_by_hand:
        _tick_by_hand(rows, wanted, asked)
    elif chosen is not None:
        for part in chosen.parts:
            if part.item_id in rows:
                rows[part.item_id].ticked = True
                rows[part.item_id].written = written_amount(part.amount)
        for account in accounts:
            account.rows.sort(key=lambda row: not row.ticked)
    elif "imputer" in asked:
        _impute(work, rows, today)
    settle(work, str(asked.get("reste", chosen.proposal.difference_reason if chosen else "")))
    if work.text:
        _search(user, work)
    return work


def settle(work: Work, fate: str) -> None:
    """Count the ticks against the money, in the currency of what is ticked."""
    ticks, currencies = [], set()
    for account in work.accounts:
        for row in account.rows:
            if not row.ticked or row.error:
                continue
            try:
                amount = parse_amount(row.written, currency=row.item.currency)
            except AmountError as error:
                row.error = str(error)
                continue
            if abs(amount) > abs(row.item.open_amount) or (amount > 0) != (row.item.open_amount > 0):
                row.error = _("La pièce %(number)s n’a plus que %(open)s à lettrer.") % {
                    "number": row.item.number,
                    "open": written_amount(row.item.open_amount, row.item.currency),
                }
                continue
            # A refund counts what it gives back.
            signed = amount if work.line.amount > 0 else -amount
            ticks.append(Ticked(row.item.pk, signed, row.item.due_date))
            currencies.add(row.item.currency)
    if len(currencies) == 1:
        work.currency = currencies.pop()
    money = money_left(work.line, work.currency)
    work.entry = entry(ZERO if money is None else money, ticks, fate)


def order_of_the_house(today: date) -> ImputationOrder:
    """Principal or interest first: a dated choice of the legal registry. Raises MissingLegalParameter."""
    return ImputationOrder(parameter("late_fees.allocation", today).value)


def open_credits(user: User, customer_id: int, currency: str) -> list[OpenItem]:
    """What a customer could be given back."""
    return list(
        OpenItem.objects.visible_to(user)
        .filter(customer=customer_id, currency=currency, open_amount__lt=0)
        .select_related("customer")
        .order_by("due_date", "id")[:MOST_ITEMS]
    )


def applications_of(line: BankLine) -> list[CashApplication]:
    """What was done with a line, latest first, with its allocations."""
    return list(
        line.applications.select_related("customer", "applied_by", "reversed_by")
        .prefetch_related("allocations__debit", "allocations__credit", "receipts__item", "adjustments__item")
        .order_by("-id")[:20]
    )


def next_line(lines: "QuerySet[BankLine]", line: BankLine) -> BankLine | None:
    """The line after this one in the order of the board, else the first one left."""
    ordered = lines.order_by("booking_date", "pk")
    same_day = ordered.filter(booking_date=line.booking_date, pk__gt=line.pk)
    after = ordered.filter(booking_date__gt=line.booking_date)
    return same_day.first() or after.first() or ordered.exclude(pk=line.pk).first()


def _accounts(
    user: User, line: BankLine, customer_ids: Sequence[int], wanted: Sequence[int], today: date
) -> list[Account]:
    """Open items per customer, in the line's currency or its original one, the oldest due first."""
    # Keys first: a condition over two tables would read every customer.
    of_items = OpenItem.objects.filter(pk__in=wanted).order_by().values_list("customer", flat=True)
    asked = {*customer_ids, *(of_items.distinct() if wanted else ())}
    customers = (
        Customer.objects.visible_to(user)
        .filter(legal_entity=line.bank_account.legal_entity_id, pk__in=asked)
        .in_bulk()
    )
    ordered = list(dict.fromkeys([*(pk for pk in customer_ids if pk in customers), *customers]))
    if not ordered:
        return []
    currencies = [line.currency, *([line.original_currency] if line.original_currency else [])]
    open_items = OpenItem.objects.filter(customer__in=ordered, currency__in=currencies).exclude(open_amount=0)
    if line.amount < 0:
        open_items = open_items.filter(open_amount__lt=0)
    items = list(open_items.select_related("customer").order_by("due_date", "id")[: MOST_ITEMS + 1])
    more = len(items) > MOST_ITEMS
    items = items[:MOST_ITEMS]
    missing = set(wanted) - {item.pk for item in items}
    if missing:
        items += open_items.filter(pk__in=missing).select_related("customer")
    fees = fee_items(items)
    by_customer: dict[int, list[OpenItem]] = defaultdict(list)
    for item in items:
        by_customer[item.customer_id].append(item)
    return [
        Account(
            customers[pk],
            [
                Row(
                    item,
                    days_late(item.open_amount, item.due_date, today),
                    written=written_amount(item.open_amount),
                )
                for item in by_customer[pk]
            ],
            more=more,
            has_fees=any(item.pk in fees for item in by_customer[pk]),
        )
        for pk in ordered
    ]


def fee_items(items: Iterable[OpenItem]) -> set[int]:
    """Debits posted as « opérations diverses » that are neither corrections nor our own: penalties and fees."""
    others = [item.pk for item in items if item.kind == OpenItem.Kind.OTHER and item.open_amount > 0]
    if not others:
        return set()
    return set(
        OpenItem.objects.filter(
            pk__in=others, corrects__isnull=True, receipt__isnull=True, adjustment__isnull=True
        )
        .exclude(number__startswith="AN-")
        .exclude(number__startswith="RJ-")
        .values_list("pk", flat=True)
    )


def _impute(work: Work, rows: Mapping[int, Row], today: date) -> None:
    """Tick as the law imputes a payment for which nobody says what it pays."""
    try:
        order = order_of_the_house(today)
    except MissingLegalParameter as error:
        work.errors.append(str(error))
        return
    fees = fee_items(row.item for row in rows.values())
    claims = [
        Claim(key, row.item.open_amount, row.item.due_date, is_fee=key in fees)
        for key, row in rows.items()
        if row.item.open_amount > 0 and row.item.currency == work.line.currency
    ]
    work.order = order.value
    for share in impute(work.left, claims, as_of=today, order=order):
        rows[share.key].ticked = True
        rows[share.key].written = written_amount(share.amount)


def _tick_by_hand(rows: Mapping[int, Row], wanted: Sequence[int], asked: Mapping[str, Any]) -> None:
    ticked = set(wanted)
    for key, row in rows.items():
        row.ticked = key in ticked
        text = asked.get(f"amount-{key}")
        if row.ticked and isinstance(text, str) and text.strip():
            row.written = text.strip()[:40]


def _search(user: User, work: Work) -> None:
    """Customers of the entity by name, code or SIREN, and open items by number or exact amount."""
    if len(work.text) < SHORTEST:
        return
    entity = work.line.bank_account.legal_entity_id
    customers = Customer.objects.visible_to(user).filter(legal_entity=entity)
    work.found = list(matching(customers, work.text).order_by("name", "pk")[:MOST_FOUND])
    items = OpenItem.objects.visible_to(user).filter(legal_entity=entity).exclude(open_amount=0)
    items = items.select_related("customer")
    by_number = items.alias(folded=Upper(F("number"))).filter(folded__startswith=work.text.upper())
    found = list(by_number.order_by("due_date", "pk")[:MOST_FOUND])
    try:
        amount = abs(parse_amount(work.text))
    except AmountError:
        amount = ZERO
    if amount and len(found) < MOST_FOUND:
        known = {item.pk for item in found}
        of_amount = items.filter(open_amount__in=[amount, -amount]).order_by("open_amount", "pk")[:MOST_FOUND]
        found += [item for item in of_amount if item.pk not in known]
    work.found_items = found[:MOST_FOUND]


def _numbers(texts: Iterable[str]) -> list[int]:
    """The keys among texts from outside, each once."""
    return list(
        dict.fromkeys(int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19)
    )
