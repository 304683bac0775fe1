"""How many customers and euros a policy's conditions take today: one statement, whatever the size of the book."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection

from core.calendar import add_months
from core.rights import Actor
from customers.models import Customer
from dunning.models import Policy
from dunning.policy_conditions import TAKES_LASTING, TAKES_TODAY

FIELDS = (
    "priority", "customer_kind", "segment", "risk_class", "countries", "overdue_from", "overdue_below",
    "turnover_share_from", "oldest_days_from", "oldest_days_below",
)  # fmt: skip

_SHARES = """
, turnover AS (
    SELECT legal_entity_id, customer_id, currency, sum(total_amount) AS invoiced,
           sum(sum(total_amount)) OVER (PARTITION BY legal_entity_id, currency) AS whole
    FROM invoices_openitem
    WHERE kind = 'INVOICE' AND issue_date > %(year_before)s AND issue_date <= %(today)s
    GROUP BY legal_entity_id, customer_id, currency
)"""

_STATEMENT = """
WITH owed AS (
    SELECT customer_id, currency,
           coalesce(sum(open_amount) FILTER (WHERE due_date < %(today)s), 0) AS overdue_amount,
           coalesce(%(today)s - min(due_date) FILTER (WHERE due_date < %(today)s), 0) AS oldest_days
    FROM invoices_openitem
    WHERE open_amount > 0
    GROUP BY customer_id, currency
) {shares}
, account AS (
    SELECT o.customer_id, o.currency, o.overdue_amount, o.oldest_days, c.legal_entity_id, c.kind, c.segment,
           c.country, coalesce(score.risk_class, '') AS risk_class, {invoiced}
    FROM owed o
    JOIN customers_customer c ON c.id = o.customer_id
    LEFT JOIN risk_score score ON score.customer_id = c.id AND score.is_current
    {join}
    WHERE {visible}
), judged AS (
    SELECT a.customer_id, a.currency, a.overdue_amount,
           EXISTS (
               SELECT 1 FROM dunning_policy p
               WHERE p.status = 'ACTIVE' AND p.code <> %(code)s AND (p.priority, p.code) < (%(priority)s, %(code)s)
                 AND {takes}
           ) AS goes_elsewhere
    FROM account a
    CROSS JOIN (
        SELECT %(legal_entity)s::bigint AS legal_entity_id, %(customer_kind)s::text AS customer_kind,
               %(segment)s::text AS segment, %(risk_class)s::text AS risk_class,
               %(countries)s::text[] AS countries, %(overdue_from)s::numeric AS overdue_from,
               %(overdue_below)s::numeric AS overdue_below,
               %(turnover_share_from)s::numeric AS turnover_share_from,
               %(oldest_days_from)s::int AS oldest_days_from, %(oldest_days_below)s::int AS oldest_days_below
    ) p
    WHERE {takes}
)
SELECT currency, sum(overdue_amount) FILTER (WHERE NOT goes_elsewhere),
       count(DISTINCT customer_id) FILTER (WHERE NOT goes_elsewhere AND overdue_amount > 0),
       count(DISTINCT customer_id) FILTER (WHERE NOT goes_elsewhere),
       count(DISTINCT customer_id) FILTER (WHERE goes_elsewhere)
FROM judged
GROUP BY GROUPING SETS ((currency), ())
ORDER BY currency NULLS FIRST
"""


@dataclass(frozen=True)
class Conditions:
    """What decides whom a policy takes; typed values may stand in for what is saved."""

    code: str
    values: Mapping[str, Any]
    legal_entity_id: int | None = None

    @classmethod
    def of(cls, policy: Policy) -> "Conditions":
        return cls(policy.code, {name: getattr(policy, name) for name in FIELDS}, policy.legal_entity_id)

    @classmethod
    def of_values(cls, policy: Policy, typed: Mapping[str, Any]) -> "Conditions":
        """The policy's conditions, with those that were typed and could be read."""
        values = {name: typed.get(name, getattr(policy, name)) for name in FIELDS}
        entity = typed.get("legal_entity", policy.legal_entity)
        return cls(policy.code, values, None if entity is None else entity.pk)


@dataclass(frozen=True)
class Reach:
    """Customers with open items that the conditions take: `customers`, of them `overdue`, owing `amounts` late.

    `elsewhere`: customers whom the conditions take too, but whom a policy of higher priority leads.
    """

    customers: int
    overdue: int
    elsewhere: int
    amounts: list[tuple[str, Decimal]]


def reach(actor: "Actor | AnonymousUser", conditions: Conditions, *, today: date) -> Reach:
    """Whom the conditions take of the customers that the person sees."""
    shares = conditions.values["turnover_share_from"] is not None or (
        Policy.objects.filter(status=Policy.Status.ACTIVE, turnover_share_from__isnull=False).exists()
    )
    visible, parameters = _visible(actor)
    statement = _STATEMENT.format(
        shares=_SHARES if shares else "",
        invoiced="t.invoiced, t.whole" if shares else "NULL::numeric AS invoiced, NULL::numeric AS whole",
        join="LEFT JOIN turnover t ON t.customer_id = o.customer_id AND t.currency = o.currency"
        if shares
        else "",
        visible=visible,
        takes=TAKES_LASTING + TAKES_TODAY,
    )
    values = dict(conditions.values) | {
        "code": conditions.code,
        "legal_entity": conditions.legal_entity_id,
        "today": today,
        "year_before": add_months(today, -12),
        "visible": parameters,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    whole = next((row for row in rows if row[0] is None), (None, None, 0, 0, 0))
    amounts = [(currency, amount) for currency, amount, *_counts in rows if currency and amount]
    return Reach(
        customers=whole[3],
        overdue=whole[2],
        elsewhere=whole[4],
        amounts=sorted(amounts, key=lambda pair: (pair[0] != "EUR", pair[0])),
    )


def _visible(actor: "Actor | AnonymousUser") -> tuple[str, list[int]]:
    """The part of the book that the person sees."""
    mine = Customer.objects.visible_to(actor)  # type: ignore[arg-type]
    if not mine.query.where:
        return "TRUE", []
    return "c.id = ANY (%(visible)s)", list(mine.values_list("pk", flat=True))
