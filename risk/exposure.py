"""Exposure (encours): what customers owe now, or will for what they ordered, against the limit they have.

Exposure = open invoices and other debits + deliveries not billed yet + orders - credit notes - unallocated receipts,
per currency; an entity may leave parts out (`RiskSettings`). It counts against the limit in the limit's currency;
what is owed in other currencies stands apart and is never added. What an invoice has billed counts as the invoice
alone, from the moment it is posted (`risk_pending()`, a function of the database, says what is left).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import DecimalField, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from core.rights import Actor
from customers.models import Customer, LegalEntity
from invoices.models import AgeingDay, AgeingSnapshot, OpenItem
from risk.exposure_rules import EVERYTHING, Components, Counting, Use, use_of
from risk.limits import LimitInForce, limit_of
from risk.models import CreditLimit, PendingAmount, RiskSettings

DEFAULT_GRACE_DAYS: int = RiskSettings._meta.get_field("overdue_grace_days").default
MONEY = DecimalField(max_digits=18, decimal_places=2)
ZERO = Value(Decimal(0), output_field=MONEY)

_COMPONENTS = """
WITH account AS MATERIALIZED (
    SELECT customer.id, %(today)s - coalesce(chosen.overdue_grace_days, %(grace)s) AS grace_until
    FROM customers_customer customer
    LEFT JOIN risk_risksettings chosen ON chosen.legal_entity_id = customer.legal_entity_id
    WHERE customer.id = ANY(%(ids)s)
), ledger AS (
    SELECT customer_id, currency,
           coalesce(sum(open_amount) FILTER (WHERE open_amount > 0), 0) AS debits,
           -coalesce(sum(open_amount) FILTER (WHERE open_amount < 0 AND kind = 'CREDIT_NOTE'), 0) AS credit_notes,
           -coalesce(sum(open_amount) FILTER (WHERE open_amount < 0 AND kind <> 'CREDIT_NOTE'), 0) AS receipts,
           coalesce(sum(open_amount) FILTER (WHERE open_amount > 0 AND due_date < %(today)s), 0) AS overdue,
           min(due_date) FILTER (WHERE open_amount > 0 AND due_date < %(today)s) AS oldest,
           coalesce(sum(open_amount) FILTER (WHERE open_amount > 0 AND due_date < grace_until), 0) AS late
    FROM invoices_openitem JOIN account ON account.id = customer_id
    WHERE open_amount <> 0
    GROUP BY customer_id, currency
), pending AS (
    SELECT customer_id, currency, sum(unbilled_amount) AS deliveries, sum(reserved_amount) AS orders
    FROM risk_pending(%(ids)s::bigint[], %(today)s)
    GROUP BY customer_id, currency
)
SELECT customer_id, currency, coalesce(debits, 0), coalesce(credit_notes, 0), coalesce(receipts, 0),
       coalesce(overdue, 0), coalesce(deliveries, 0), coalesce(orders, 0), oldest, coalesce(late, 0)
FROM ledger FULL JOIN pending USING (customer_id, currency)
WHERE debits IS NOT NULL OR deliveries > 0 OR orders > 0
ORDER BY customer_id, currency
"""

# Every account tied to this one: by a parent, or by the SIREN that it bears in another entity. UNION stops a chain
# that closes on itself. The first of those without a parent, by number, is the ultimate one.
_GROUP = """
WITH RECURSIVE tied AS (
    SELECT id, parent_id, siren FROM customers_customer WHERE id = %(id)s
    UNION
    SELECT near.id, near.parent_id, near.siren
    FROM tied
    JOIN LATERAL (
        SELECT above.id, above.parent_id, above.siren FROM customers_customer above WHERE above.id = tied.parent_id
        UNION ALL
        SELECT below.id, below.parent_id, below.siren FROM customers_customer below WHERE below.parent_id = tied.id
        UNION ALL
        SELECT twin.id, twin.parent_id, twin.siren FROM customers_customer twin
        WHERE twin.siren = tied.siren AND twin.siren <> ''
    ) near ON true
)
SELECT id FROM tied ORDER BY parent_id IS NOT NULL, id
"""


@dataclass(frozen=True)
class Exposure:
    """A customer's exposure: what counts against his limit, and what he owes in other currencies."""

    customer_id: int
    limit: CreditLimit | None
    counted: Components
    apart: tuple[Components, ...] = ()
    # What counts of the limit that day, its group's included; None when nobody decided any.
    in_force: LimitInForce | None = None

    @property
    def amount(self) -> Decimal:
        return self.counted.amount

    @property
    def currency(self) -> str:
        return self.counted.currency

    @property
    def limit_amount(self) -> Decimal | None:
        return None if self.in_force is None else self.in_force.amount

    @property
    def use(self) -> Use:
        return use_of(self.amount, self.limit_amount)


@dataclass(frozen=True)
class GroupExposure:
    """The accounts of a group that the reader may see, in every entity, added up per currency."""

    parent: Customer
    account_count: int
    amounts: tuple[tuple[str, Decimal], ...] = field(default=())
    # (entity, currency, amount): the same sums, by the legal entity that sells.
    by_entity: tuple[tuple[str, str, Decimal], ...] = field(default=())


def exposures(customers: Sequence[Customer], today: date) -> dict[int, Exposure]:
    """The exposure of each customer as of this moment. A fixed number of queries for any number."""
    owed = components([customer.pk for customer in customers], today)
    limits = limit_of(customers, today)
    counting = countings({customer.legal_entity_id for customer in customers})
    found = {}
    for customer in customers:
        limit = limits.get(customer.pk)
        currency = limit.currency if limit and limit.limit else customer.currency
        how = counting.get(customer.legal_entity_id, EVERYTHING)
        accounts = {code: replace(part, counting=how) for code, part in owed.get(customer.pk, {}).items()}
        found[customer.pk] = Exposure(
            customer.pk,
            limit.limit if limit else None,
            accounts.get(currency, Components(currency, counting=how)),
            tuple(part for code, part in accounts.items() if code != currency),
            limit,
        )
    return found


def countings(entity_ids: Iterable[int]) -> dict[int, Counting]:
    """What the entities that have settings count; every part for the others."""
    rows = RiskSettings.objects.filter(legal_entity__in=list(entity_ids))
    return {row.legal_entity_id: counting_of(row) for row in rows}


def counting_of(row: RiskSettings) -> Counting:
    return Counting(
        row.counts_open_items,
        row.counts_deliveries,
        row.counts_orders,
        row.counts_credit_notes,
        row.counts_receipts,
    )


def group_exposure(customer: Customer, actor: Actor, today: date) -> GroupExposure | None:
    """The exposure of the customer's whole group, in every entity that sells to it; None for an account alone."""
    with connection.cursor() as cursor:
        cursor.execute(_GROUP, {"id": customer.pk})
        found = cursor.fetchall()
    if len(found) < 2:
        return None
    members = list(
        Customer.objects.visible_to(actor)
        .filter(pk__in=[row[0] for row in found])
        .select_related("legal_entity")
    )
    parent = next((member for member in members if member.pk == found[0][0]), None)
    if parent is None or parent.parent_id is not None or len(members) < 2:
        return None
    counting = countings({member.legal_entity_id for member in members})
    owed = components([member.pk for member in members], today)
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    by_entity: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for member in members:
        for part in owed.get(member.pk, {}).values():
            amount = replace(part, counting=counting.get(member.legal_entity_id, EVERYTHING)).amount
            amounts[part.currency] += amount
            by_entity[member.legal_entity.name, part.currency] += amount
    return GroupExposure(
        parent,
        len(members),
        tuple(sorted(amounts.items())),
        tuple((name, currency, amount) for (name, currency), amount in sorted(by_entity.items())),
    )


def components(ids: Sequence[int], today: date) -> dict[int, dict[str, Components]]:
    """What these customers owe, or will, per currency. One query for any number."""
    found: dict[int, dict[str, Components]] = defaultdict(dict)
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_COMPONENTS, {"ids": list(ids), "today": today, "grace": DEFAULT_GRACE_DAYS})
            for customer_id, currency, *values in cursor.fetchall():
                found[customer_id][currency] = Components(currency, *values)
    return dict(found)


@dataclass(frozen=True)
class Balances:
    """What every customer owes per currency, for orders, filters and sums over a whole portfolio.

    `rows` has customer_id, currency, balance and overdue. They come from the stored balance âgée, which follows
    every movement of the ledger; `stored_on` is its day, None when it is missing and the open items are added up.
    Orders and deliveries come on top (`of`), as they stood after the customer's last movement or sweep.
    """

    rows: "QuerySet[Any, Any]"
    stored_on: date | None

    def of(self, customer: str, currency: str) -> Combinable:
        """The exposure of the outer row's customer in its currency, zero when there is none."""
        outer = {"customer": OuterRef(customer), "currency": OuterRef(currency)}
        row = self.rows.filter(**outer).values("balance")[:1]
        pending = PendingAmount.objects.filter(**outer).order_by().values("counted_amount")[:1]
        return Coalesce(Subquery(row, output_field=MONEY), ZERO) + Coalesce(
            Subquery(pending, output_field=MONEY), ZERO
        )


def balances(actor: Actor, today: date) -> Balances:
    """The balances of the entities in the actor's scope: stored where every entity with open items has a day."""
    entities = LegalEntity.objects.visible_to(actor)
    days = list(
        AgeingDay.objects.filter(legal_entity__in=entities, is_stale=False, as_of__lte=today)
        .order_by("legal_entity_id", "-as_of")
        .distinct("legal_entity_id")
        .only("pk", "legal_entity_id", "as_of")
    )
    # Entities without a day are few and new; only then are their open items looked for.
    unknown = list(
        entities.exclude(pk__in=[day.legal_entity_id for day in days]).values_list("pk", flat=True)
    )
    selective = {
        entity: counting
        for entity, counting in countings(entities.values_list("pk", flat=True)).items()
        if counting.leaves_out_ledger
    }
    if (
        days
        and not selective
        and not (unknown and OpenItem.objects.open().filter(legal_entity__in=unknown).exists())
    ):
        stored = AgeingSnapshot.objects.filter(day__in=[day.pk for day in days]).order_by()
        rows = stored.values("customer_id", "currency").annotate(
            balance=Sum("total_amount"), overdue=Sum("overdue_amount")
        )
        return Balances(rows, min(day.as_of for day in days))
    late = Q(open_amount__gt=0, due_date__lt=today)
    items = OpenItem.objects.open().exclude(_left_out(selective)).order_by().values("customer_id", "currency")
    return Balances(
        items.annotate(balance=Sum("open_amount"), overdue=Coalesce(Sum("open_amount", filter=late), ZERO)),
        None,
    )


def _left_out(selective: dict[int, Counting]) -> Q:
    """The open items that their entity does not count."""
    debit, credit_note = Q(open_amount__gt=0), Q(open_amount__lt=0, kind=OpenItem.Kind.CREDIT_NOTE)
    receipt = Q(open_amount__lt=0) & ~Q(kind=OpenItem.Kind.CREDIT_NOTE)
    left_out = Q(pk__in=[])
    for entity_id, counting in selective.items():
        for counts, rows in (
            (counting.open_items, debit),
            (counting.credit_notes, credit_note),
            (counting.receipts, receipt),
        ):
            if not counts:
                left_out |= Q(legal_entity=entity_id) & rows
    return left_out
