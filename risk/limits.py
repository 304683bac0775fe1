"""The limit that counts for each customer as of any day, his own and his group's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db import connection

from core.rights import Actor
from customers.models import Customer
from risk.limit_covers import covered_amounts
from risk.models import CreditLimit
from risk.models.limits import CreditLimitQuerySet

# Groups are the accounts below an ultimate parent, in every entity, with the accounts that bear the SIREN of one of
# them: the same company may be the customer of several entities. UNION stops a chain that closes on itself.
_GROUPS_OF = """
WITH RECURSIVE up (start_id, id) AS (
    SELECT id, id FROM unnest(%(ids)s::bigint[]) AS given (id)
    UNION
    SELECT up.start_id, near.id
    FROM up
    JOIN customers_customer here ON here.id = up.id
    JOIN LATERAL (
        SELECT here.parent_id AS id WHERE here.parent_id IS NOT NULL
        UNION ALL
        SELECT twin.id FROM customers_customer twin
        WHERE here.siren <> '' AND twin.siren = here.siren AND twin.siren <> ''
    ) near ON true
)
SELECT up.start_id, held.id
FROM up JOIN risk_creditlimit held ON held.customer_id = up.id
WHERE held.id = ANY(%(limits)s)
ORDER BY up.start_id, held.amount, held.id
"""
_MEMBERS_OF = """
WITH RECURSIVE down (head_id, id) AS (
    SELECT id, id FROM unnest(%(ids)s::bigint[]) AS given (id)
    UNION
    SELECT down.head_id, near.id
    FROM down
    JOIN customers_customer here ON here.id = down.id
    JOIN LATERAL (
        SELECT below.id FROM customers_customer below WHERE below.parent_id = here.id
        UNION ALL
        SELECT twin.id FROM customers_customer twin
        WHERE here.siren <> '' AND twin.siren = here.siren AND twin.siren <> ''
    ) near ON true
)
SELECT head_id, id FROM down ORDER BY head_id, id
"""


@dataclass(frozen=True)
class GroupLimitInForce:
    """A limit that several accounts share: their exposures together, in its currency, stay within `amount`."""

    limit: CreditLimit
    head_id: int
    amount: Decimal
    currency: str
    until: date | None
    member_ids: tuple[int, ...]


@dataclass(frozen=True)
class LimitInForce:
    """What a customer may owe as of a day. `amount` is None when only his group has a limit.

    `amount` is what counts: `granted_amount`, or less when an insured or secured limit exceeds what its cover is
    worth that day. `permanent_amount` is what counts again after a temporary limit.
    """

    customer_id: int
    limit: CreditLimit | None = None
    amount: Decimal | None = None
    currency: str = ""
    kind: str = ""
    basis: str = ""
    until: date | None = None
    reason: str = ""
    granted_amount: Decimal | None = None
    permanent_amount: Decimal | None = None
    temporary_amount: Decimal | None = None
    group: GroupLimitInForce | None = None

    @property
    def is_cut_by_cover(self) -> bool:
        return (
            self.amount is not None and self.granted_amount is not None and self.amount < self.granted_amount
        )


def limit_of(customers: Sequence[Customer], today: date) -> dict[int, LimitInForce]:
    """The limit in force of each customer on a day; no entry for who has none, nor a group that has one.

    Two queries, a few more where groups or covers count, whatever the number of customers.
    """
    by_id = {customer.pk: customer for customer in customers}
    rows: dict[int, list[CreditLimit]] = {}
    standing = CreditLimit.objects.standing(today).filter(
        customer__in=list(by_id), scope=CreditLimit.Scope.ACCOUNT
    )
    for limit in standing.select_related("decided_by").order_by("customer_id", "amount", "pk"):
        rows.setdefault(limit.customer_id, []).append(limit)
    found = {pk: _own(pk, limits) for pk, limits in rows.items()}
    found = _cut_to_covers(found, by_id, today)
    for pk, group in group_limits_of(list(by_id), today).items():
        found[pk] = replace(found.get(pk) or LimitInForce(pk), group=group)
    return found


def _own(customer_id: int, limits: Sequence[CreditLimit]) -> LimitInForce:
    leading = limits[-1]
    amounts = {limit.kind: limit.amount for limit in limits}
    return LimitInForce(
        customer_id,
        leading,
        leading.amount,
        leading.currency,
        leading.kind,
        leading.basis,
        leading.expires_on,
        leading.reason,
        leading.amount,
        amounts.get(CreditLimit.Kind.PERMANENT),
        amounts.get(CreditLimit.Kind.TEMPORARY),
    )


def _cut_to_covers(
    found: dict[int, LimitInForce], by_id: dict[int, Customer], today: date
) -> dict[int, LimitInForce]:
    resting = [pk for pk, limit in found.items() if limit.basis != CreditLimit.Basis.OWN]
    if not resting:
        return found
    worth = covered_amounts([by_id[pk] for pk in resting], today)
    for pk in resting:
        limit = found[pk]
        assert limit.amount is not None
        covered = worth.of(pk, limit.basis, limit.currency)
        found[pk] = replace(limit, amount=min(limit.amount, covered))
    return found


def group_limits_of(customer_ids: Sequence[int], today: date) -> dict[int, GroupLimitInForce]:
    """The limit of each customer's group, where there is one; the lowest when an account is in several groups."""
    limits = {
        limit.pk: limit
        for limit in CreditLimit.objects.leading(CreditLimit.Scope.GROUP, today).select_related("customer")
    }
    if not limits or not customer_ids:
        return {}
    chosen: dict[int, CreditLimit] = {}
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS_OF, {"ids": list(customer_ids), "limits": list(limits)})
        for customer_id, limit_id in cursor.fetchall():
            chosen.setdefault(customer_id, limits[limit_id])
    members = group_members(sorted({limit.customer_id for limit in chosen.values()}))
    return {
        customer_id: GroupLimitInForce(
            limit,
            limit.customer_id,
            limit.amount,
            limit.currency,
            limit.expires_on,
            members[limit.customer_id],
        )
        for customer_id, limit in chosen.items()
    }


def group_members(head_ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """The accounts of the group under each head, the head included, in every legal entity."""
    heads = list(head_ids)
    found: dict[int, list[int]] = {head: [] for head in heads}
    if heads:
        with connection.cursor() as cursor:
            cursor.execute(_MEMBERS_OF, {"ids": heads})
            for head_id, member_id in cursor.fetchall():
                found[head_id].append(member_id)
    return {head: tuple(ids) for head, ids in found.items()}


def limits_of_group(member_ids: Sequence[int], today: date) -> list[CreditLimit]:
    """The group limits in force that one of these accounts holds as head."""
    leading = CreditLimit.objects.leading(CreditLimit.Scope.GROUP, today)
    return list(leading.filter(customer__in=member_ids).order_by("pk"))


def visible_limits(actor: Actor) -> CreditLimitQuerySet:
    """Every limit of the customers in the actor's scope."""
    customers = Customer.objects.visible_to(actor)
    if not customers.query.where:
        return CreditLimit.objects.all()
    return CreditLimit.objects.filter(customer__in=customers.order_by().values("pk"))
