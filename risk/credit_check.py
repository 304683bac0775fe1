"""What is known of a customer when somebody asks to deliver, read at once, and the answer of the rules.

Three statements, whatever the customer owes, plus those of his limit and of his cover. To reserve, the caller takes
`lock_credit` first: from there to the end of the transaction nobody else reserves for the same customer, nor for
another account of a group that has a limit.
"""

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from customers.models import Customer
from risk.credit_rules import Answer, Facts, GroupRoom, Hold, decide
from risk.exposure import components, counting_of, countings
from risk.exposure_rules import EVERYTHING, Components
from risk.limit_covers import covered_amounts
from risk.limits import LimitInForce, limit_of
from risk.models import CreditHold, CreditLimit, RiskSettings

NATURAL_PERSONS = (Customer.Kind.SOLE_TRADER, Customer.Kind.CONSUMER)
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('credit-' || %s || ':' || %s, 0))"
_LIMIT_COLUMNS = tuple(field.attname for field in CreditLimit._meta.concrete_fields)
# The account's own limit, and whether an account above it, or one that bears its SIREN, holds a limit of its group.
_LIMIT = f"""
WITH RECURSIVE up (id) AS (
    SELECT %(id)s::bigint
    UNION
    SELECT near.id
    FROM up
    JOIN customers_customer here ON here.id = up.id
    JOIN LATERAL (
        SELECT here.parent_id AS id WHERE here.parent_id IS NOT NULL
        UNION ALL
        SELECT twin.id FROM customers_customer twin
        WHERE here.siren <> '' AND twin.siren = here.siren AND twin.siren <> ''
    ) near ON true
)
SELECT EXISTS (
           SELECT FROM up JOIN LATERAL (
               SELECT FROM risk_creditlimit held
               WHERE held.customer_id = up.id AND held.scope = 'GROUP'
                 AND (held.valid_to IS NULL OR held.valid_to >= %(today)s)
               LIMIT 1
           ) held ON true
       ),
       {", ".join(f"own.{name}" for name in _LIMIT_COLUMNS)}
FROM (SELECT 1) AS one
LEFT JOIN LATERAL (
    SELECT * FROM risk_creditlimit
    WHERE customer_id = %(id)s AND scope = 'ACCOUNT' AND valid_from <= %(today)s
      AND (valid_to IS NULL OR valid_to >= %(today)s) AND (expires_on IS NULL OR expires_on >= %(today)s)
    ORDER BY amount DESC, id DESC
    LIMIT 1
) own ON true
"""


@dataclass(frozen=True)
class Decision:
    """The answer, with what it was made from. `known` is what a stored check keeps (JSON-able)."""

    answer: Answer
    facts: Facts
    counted: Components
    limit: LimitInForce | None
    settings: RiskSettings
    released_hold_ids: tuple[int, ...]
    known: dict[str, Any]

    @property
    def outcome(self) -> str:
        return self.answer.outcome.value

    @property
    def reasons(self) -> list[dict[str, Any]]:
        return [reason.as_json() for reason in self.answer.reasons]

    @property
    def headroom(self) -> Decimal | None:
        return self.answer.headroom_before

    @property
    def exposure(self) -> Decimal:
        return self.facts.exposure_amount


def lock_credit(customer: Customer, today: date) -> LimitInForce | None:
    """Hold what the customer may still owe until the transaction ends: his account, then his group's limit.

    Always in this order, so that two orders never wait for each other. Returns the limit, read under the lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, ["account", customer.pk])
        limit = limit_for(customer, today)
        if limit is not None and limit.group is not None:
            cursor.execute(_LOCK, ["group", limit.group.head_id])
    return limit


def limit_for(customer: Customer, today: date) -> LimitInForce | None:
    """`limit_of` for one customer, in one statement where neither a group nor a cover counts."""
    with connection.cursor() as cursor:
        cursor.execute(_LIMIT, {"id": customer.pk, "today": today})
        has_group, *values = cursor.fetchone()
    if has_group:
        return limit_of([customer], today).get(customer.pk)
    if values[0] is None:
        return None
    limit = CreditLimit(**dict(zip(_LIMIT_COLUMNS, values, strict=True)))
    if limit.basis != CreditLimit.Basis.OWN:
        return limit_of([customer], today).get(customer.pk)
    return LimitInForce(
        customer.pk, limit, limit.amount, limit.currency, limit.kind, limit.basis, limit.expires_on, limit.reason,
        limit.amount,
    )  # fmt: skip


def check_credit(
    customer: Customer,
    amount: Decimal,
    currency: str,
    today: date,
    now: datetime,
    *,
    limit: LimitInForce | None = None,
    without: Components | None = None,
) -> Decision:
    """May this customer be delivered so much now? Writes nothing.

    `limit` is given when the caller has locked and read it; `without` is what already stands for the same order, and is
    not counted a second time.
    """
    limit = limit or limit_for(customer, today)
    standing = _standing_of(customer, today)
    settings, score = standing.settings, standing.score
    group_ids = limit.group.member_ids if limit and limit.group else ()
    owed = components(sorted({customer.pk, *group_ids}), today)
    has_own = limit is not None and limit.amount is not None
    limit_currency = limit.currency if limit is not None and has_own else customer.currency
    counting = counting_of(settings)
    accounts = {code: replace(part, counting=counting) for code, part in owed.get(customer.pk, {}).items()}
    counted = accounts.get(limit_currency, Components(limit_currency, counting=counting))
    # Lateness counts in whatever currency it is.
    late = max([counted, *accounts.values()], key=lambda part: part.unsettled_late_amount)
    already = _already(without, limit_currency, counting.orders)
    facts = Facts(
        today=today,
        is_closed=customer.status == Customer.Status.CLOSED,
        is_insolvent=customer.status == Customer.Status.INSOLVENT,
        is_natural_person=customer.kind in NATURAL_PERSONS,
        holds=standing.holds,
        limit_amount=limit.amount if limit is not None else None,
        limit_currency=limit_currency,
        limit_until=limit.until if limit is not None else None,
        expired_on=None if has_own else standing.expired_on,
        exposure_amount=counted.amount - already,
        tolerance_percent=settings.tolerance_percent,
        group=_group(limit, owed, customer, settings, without),
        late_amount=late.unsettled_late_amount,
        late_currency=late.currency,
        overdue_days=(today - late.oldest_due_date).days if late.oldest_due_date else 0,
        grace_days=settings.overdue_grace_days if settings.holds_overdue else None,
        late_from_amount=settings.overdue_hold_amount,
        risk_class=score["class"] if score else "",
        cover_stop=_cover_stop(customer, today),
    )
    answer = decide(facts, amount, currency)
    return Decision(
        answer,
        facts,
        counted,
        limit,
        settings,
        standing.released_hold_ids,
        _known(facts, counted, limit, score, now),
    )


def _cover_stop(customer: Customer, today: date) -> str:
    """Why the insurer's rules forbid to deliver, if they do."""
    covered = covered_amounts([customer], today).by_customer.get(customer.pk)
    if covered is None or not covered.stops_delivery:
        return ""
    return str(_("la police interdit de livrer un client en retard, ou dont la garantie est retirée."))


@dataclass(frozen=True)
class Standing:
    """What is known of a customer besides what he owes."""

    settings: RiskSettings
    score: dict[str, Any] | None
    holds: tuple[Hold, ...]
    # Those released up to an amount, which an order uses up.
    released_hold_ids: tuple[int, ...]
    expired_on: date | None


_SETTINGS = tuple(field.attname for field in RiskSettings._meta.concrete_fields)
_STANDING = f"""
SELECT score.risk_class, score.points, score.as_of,
       (
           SELECT jsonb_agg(jsonb_build_array(id, kind, placed_on, reason, status, release_until,
                            (release_amount - release_used_amount)::text, release_currency) ORDER BY id)
           FROM risk_credithold WHERE customer_id = customer.id AND status <> 'ENDED'
       ),
       (
           SELECT max(expires_on) FROM risk_creditlimit
           WHERE customer_id = customer.id AND scope = 'ACCOUNT' AND valid_from <= %(today)s
             AND expires_on < %(today)s AND (valid_to IS NULL OR valid_to >= expires_on)
       ),
       {", ".join(f"chosen.{name}" for name in _SETTINGS)}
FROM customers_customer customer
LEFT JOIN risk_risksettings chosen ON chosen.legal_entity_id = customer.legal_entity_id
LEFT JOIN risk_score score ON score.customer_id = customer.id AND score.is_current
WHERE customer.id = %(id)s
"""


def _standing_of(customer: Customer, today: date) -> Standing:
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {"id": customer.pk, "today": today})
        risk_class, points, as_of, holds, expired_on, *chosen = cursor.fetchone()
    if isinstance(holds, str):
        holds = json.loads(holds)
    rows = [(row[0], _hold(*row[1:])) for row in holds or ()]
    values = dict(zip(_SETTINGS, chosen, strict=True))
    return Standing(
        RiskSettings(**values)
        if values["id"] is not None
        else RiskSettings(legal_entity_id=customer.legal_entity_id),
        {"class": risk_class, "points": points, "as_of": as_of.isoformat()} if risk_class else None,
        tuple(hold for _pk, hold in rows),
        tuple(pk for pk, hold in rows if hold.is_released and hold.left_amount is not None),
        expired_on,
    )


def _hold(
    kind: str, since: str, reason: str, status: str, until: str | None, left: str | None, currency: str
) -> Hold:
    return Hold(
        kind,
        date.fromisoformat(since),
        reason,
        is_released=status == CreditHold.Status.RELEASED,
        until=date.fromisoformat(until) if until else None,
        left_amount=None if left is None else Decimal(left),
        left_currency=currency,
    )


def _already(without: Components | None, currency: str, counts: bool) -> Decimal:
    if without is None or without.currency != currency or not counts:
        return Decimal(0)
    return without.orders_amount


def _group(
    limit: LimitInForce | None,
    owed: dict[int, dict[str, Components]],
    customer: Customer,
    settings: RiskSettings,
    without: Components | None,
) -> GroupRoom | None:
    """What the accounts of the group use of its limit, each as its own entity counts."""
    if limit is None or limit.group is None:
        return None
    group = limit.group
    entities = dict(Customer.objects.filter(pk__in=group.member_ids).values_list("pk", "legal_entity"))
    counting = countings(set(entities.values()))
    total = Decimal(0)
    for member in group.member_ids:
        part = owed.get(member, {}).get(group.currency)
        if part is not None:
            total += replace(part, counting=counting.get(entities[member], EVERYTHING)).amount
    total -= _already(without, group.currency, counting_of(settings).orders)
    return GroupRoom(group.limit.customer.name, group.amount, group.currency, total)


def _known(
    facts: Facts, counted: Components, limit: LimitInForce | None, score: dict[str, Any] | None, now: datetime
) -> dict[str, Any]:
    """The inputs with their days, as the check keeps them."""
    known: dict[str, Any] = {
        "read_at": now.isoformat(),
        "currency": facts.limit_currency,
        "exposure": {
            name: str(getattr(counted, f"{name}_amount"))
            for name in ("debits", "deliveries", "orders", "credit_notes", "receipts", "overdue")
        },
        "overdue_days": facts.overdue_days,
        "limit": None,
        "group": None,
        "score": score,
    }
    if limit is not None and limit.limit is not None:
        known["limit"] = {
            "amount": str(limit.amount),
            "kind": limit.kind,
            "from": limit.limit.valid_from.isoformat(),
            "until": limit.until.isoformat() if limit.until else None,
        }
    if facts.group is not None:
        known["group"] = {
            "name": facts.group.name,
            "limit": str(facts.group.limit_amount),
            "exposure": str(facts.group.exposure_amount),
            "currency": facts.group.currency,
        }
    return known
