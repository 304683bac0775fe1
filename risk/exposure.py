"""Exposure (encours): what customers owe now, against the limit they have.

Exposure = open invoices and other debits - credit notes - unallocated receipts, per currency. It counts against
the limit in the limit's currency; what is owed in other currencies stands apart and is never added. Deliveries
not yet invoiced and firm orders are not known to the ledger and are not counted.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import DecimalField, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from core.rights import Actor
from customers.models import Customer, LegalEntity
from invoices.models import AgeingDay, AgeingSnapshot, OpenItem
from risk.exposure_rules import Use, use_of
from risk.models import CreditLimit

MONEY = DecimalField(max_digits=18, decimal_places=2)
ZERO = Value(Decimal(0), output_field=MONEY)

_COMPONENTS = """
SELECT customer_id, currency,
       coalesce(sum(open_amount) FILTER (WHERE open_amount > 0), 0),
       -coalesce(sum(open_amount) FILTER (WHERE open_amount < 0 AND kind = 'CREDIT_NOTE'), 0),
       -coalesce(sum(open_amount) FILTER (WHERE open_amount < 0 AND kind <> 'CREDIT_NOTE'), 0),
       coalesce(sum(open_amount) FILTER (WHERE open_amount > 0 AND due_date < %(today)s), 0)
FROM invoices_openitem
WHERE open_amount <> 0 AND customer_id = ANY(%(ids)s)
GROUP BY customer_id, currency
ORDER BY customer_id, currency
"""

# Up to the ultimate parent, then down to every account of the group. UNION stops a chain that closes on itself.
_GROUP = """
WITH RECURSIVE up AS (
    SELECT id, parent_id FROM customers_customer WHERE id = %(id)s
    UNION
    SELECT above.id, above.parent_id FROM customers_customer above JOIN up ON above.id = up.parent_id
), down AS (
    SELECT id FROM up WHERE parent_id IS NULL
    UNION
    SELECT below.id FROM customers_customer below JOIN down ON below.parent_id = down.id
)
SELECT down.id, (SELECT id FROM up WHERE parent_id IS NULL LIMIT 1) FROM down
"""


@dataclass(frozen=True)
class Components:
    """What a customer owes in one currency. All parts are positive; `amount` may be negative."""

    currency: str
    debits_amount: Decimal = Decimal(0)
    credit_notes_amount: Decimal = Decimal(0)
    receipts_amount: Decimal = Decimal(0)
    overdue_amount: Decimal = Decimal(0)

    @property
    def amount(self) -> Decimal:
        return self.debits_amount - self.credit_notes_amount - self.receipts_amount


@dataclass(frozen=True)
class Exposure:
    """A customer's exposure: what counts against his limit, and what he owes in other currencies."""

    customer_id: int
    limit: CreditLimit | None
    counted: Components
    apart: tuple[Components, ...] = ()

    @property
    def amount(self) -> Decimal:
        return self.counted.amount

    @property
    def currency(self) -> str:
        return self.counted.currency

    @property
    def limit_amount(self) -> Decimal | None:
        return None if self.limit is None else self.limit.amount

    @property
    def use(self) -> Use:
        return use_of(self.amount, self.limit_amount)


@dataclass(frozen=True)
class GroupExposure:
    """The accounts of a group that the reader may see, added up per currency."""

    parent: Customer
    account_count: int
    amounts: tuple[tuple[str, Decimal], ...] = field(default=())


def exposures(customers: Sequence[Customer], today: date) -> dict[int, Exposure]:
    """The exposure of each customer, from the open items of this moment. Two queries for any number."""
    ids = [customer.pk for customer in customers]
    owed = _components(ids, today)
    limits = {
        limit.customer_id: limit
        for limit in CreditLimit.objects.in_force().filter(customer__in=ids).select_related("decided_by")
    }
    found = {}
    for customer in customers:
        limit = limits.get(customer.pk)
        currency = limit.currency if limit else customer.currency
        accounts = owed.get(customer.pk, {})
        found[customer.pk] = Exposure(
            customer.pk,
            limit,
            accounts.get(currency, Components(currency)),
            tuple(part for code, part in accounts.items() if code != currency),
        )
    return found


def group_exposure(customer: Customer, actor: Actor, today: date) -> GroupExposure | None:
    """The exposure of the customer's group, whole from its ultimate parent down; None for an account alone."""
    with connection.cursor() as cursor:
        cursor.execute(_GROUP, {"id": customer.pk})
        found = cursor.fetchall()
    if len(found) < 2:
        return None
    members = list(Customer.objects.visible_to(actor).filter(pk__in=[row[0] for row in found]))
    parent = next((member for member in members if member.pk == found[0][1]), None)
    if parent is None or len(members) < 2:
        return None
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for accounts in _components([member.pk for member in members], today).values():
        for part in accounts.values():
            amounts[part.currency] += part.amount
    return GroupExposure(parent, len(members), tuple(sorted(amounts.items())))


def _components(ids: Sequence[int], today: date) -> dict[int, dict[str, Components]]:
    found: dict[int, dict[str, Components]] = defaultdict(dict)
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_COMPONENTS, {"ids": list(ids), "today": today})
            for customer_id, currency, *amounts in cursor.fetchall():
                found[customer_id][currency] = Components(currency, *amounts)
    return dict(found)


@dataclass(frozen=True)
class Balances:
    """What every customer owes per currency, for orders, filters and sums over a whole portfolio.

    `rows` has customer_id, currency, balance and overdue. They come from the stored balance âgée, which follows
    every movement of the ledger; `stored_on` is its day, None when it is missing and the open items are added up.
    """

    rows: "QuerySet[Any, Any]"
    stored_on: date | None

    def of(self, customer: str, currency: str) -> Coalesce:
        """The balance of the outer row's customer in its currency, zero when there is none."""
        row = self.rows.filter(customer=OuterRef(customer), currency=OuterRef(currency))
        return Coalesce(Subquery(row.values("balance")[:1], output_field=MONEY), ZERO)


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
    if days and not (unknown and OpenItem.objects.open().filter(legal_entity__in=unknown).exists()):
        stored = AgeingSnapshot.objects.filter(day__in=[day.pk for day in days]).order_by()
        rows = stored.values("customer_id", "currency").annotate(
            balance=Sum("total_amount"), overdue=Sum("overdue_amount")
        )
        return Balances(rows, min(day.as_of for day in days))
    late = Q(open_amount__gt=0, due_date__lt=today)
    items = OpenItem.objects.open().order_by().values("customer_id", "currency")
    return Balances(
        items.annotate(balance=Sum("open_amount"), overdue=Coalesce(Sum("open_amount", filter=late), ZERO)),
        None,
    )
