"""What comes next for one customer: for each of his items which step, when and why, or why none.

The statements are those of the runs (`dunning.planning`), over this customer alone, so that the page and the next
run cannot say two things; nothing is kept. Items too far from their due date for a run to look at get the first step
of their ladder by the pure rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.timezone import get_default_timezone_name

from core.calendar import add_months
from core.legal import register
from customers.models import Customer
from dunning.contacts import CONTACTS, contact_key
from dunning.models import Level, Notice, NoticeLine
from dunning.planning import facts
from dunning.planning.assignment import ACCOUNTS, EXCEPTIONS, LADDERS, NO_TURNOVER, POLICIES, TURNOVER
from dunning.planning.decisions import decide
from dunning.planning.fees import rates_known_from
from dunning.selection import ItemFacts, LevelRule, PolicyRule, next_date, next_level

# Far enough for every item on the account to have its policy named.
LOOK_AHEAD_DAYS = 3_650
LONGEST_GAP = timedelta(days=400)


@dataclass(frozen=True)
class ItemOutlook:
    """One open item. `reason` is None when the next run proposes `level`; `on` is the day from which it may.

    `pending` is the notice on its way that the item waits for. Amounts in `currency`.
    """

    item_id: int
    number: str
    due_date: date
    currency: str
    open_amount: Decimal
    policy_name: str
    level: Level | None
    reason: str | None
    on: date | None
    last_rank: int
    last_sent_on: date | None
    pending: Notice | None


def customer_outlook(customer: Customer, today: date) -> list[ItemOutlook]:
    """His open items, the oldest due first, with what comes next for each as of today."""
    with transaction.atomic():
        rows = _decided(customer, today)
        # The temporary tables go with the savepoint.
        transaction.set_rollback(True)
    levels = Level.objects.select_related("policy").in_bulk(
        {row["level_id"] for row in rows if row["level_id"] is not None}
    )
    ladders = _ladders({row["policy_id"] for row in rows if row["policy_id"] is not None})
    pending = _pending({row["item_id"] for row in rows if row["reason"] == "PENDING"})
    return [_outlook(row, levels, ladders, pending, today) for row in rows]


_SELECT = """
SELECT b.item_id, item.number, b.due_date, b.currency, b.open_amount,
       coalesce(i.policy_id, a.policy_id) AS policy_id, policy.name AS policy_name,
       draft.level_id, draft.next_date AS reached_on,
       decision.item_id IS NOT NULL AS is_decided, decision.reason, decision.next_date,
       coalesce(i.last_rank, 0) AS last_rank, i.last_sent_on
FROM plan_balance b
JOIN invoices_openitem item ON item.id = b.item_id
LEFT JOIN plan_account a ON a.customer_id = b.customer_id AND a.currency = b.currency
LEFT JOIN plan_item i ON i.item_id = b.item_id
LEFT JOIN plan_draft draft ON draft.item_id = b.item_id
LEFT JOIN plan_decision decision ON decision.item_id = b.item_id
LEFT JOIN dunning_policy policy ON policy.id = coalesce(i.policy_id, a.policy_id)
WHERE b.open_amount > 0
ORDER BY b.due_date, b.item_id
"""


def _decided(customer: Customer, today: date) -> list[dict[str, Any]]:
    entity = customer.legal_entity
    params = {
        "entity": entity.pk,
        "customer": customer.pk,
        "key": contact_key(customer),
        "as_of": today,
        "zone": get_default_timezone_name(),
        "year_before": add_months(today, -12),
        "ahead": LOOK_AHEAD_DAYS,
        "contacts_since": today - LONGEST_GAP,
    }
    with connection.cursor() as cursor:
        for statement in (facts.LATER, f"{facts.BALANCES} AND i.customer_id = %(customer)s", facts.CREDITS):
            cursor.execute(statement, params)
        cursor.execute(POLICIES, params)
        cursor.execute(LADDERS, params)
        cursor.execute("SELECT coalesce(bool_or(turnover_share_from IS NOT NULL), FALSE) FROM plan_policy")
        asks_turnover = cursor.fetchone()[0]
        cursor.execute(TURNOVER if asks_turnover else NO_TURNOVER, params)
        cursor.execute(EXCEPTIONS, params)
        cursor.execute(ACCOUNTS, params)
        cursor.execute(
            "CREATE TEMP TABLE plan_contact ON COMMIT DROP AS"
            f" SELECT * FROM ({CONTACTS}) contacts WHERE contact_key = %(key)s",
            params,
        )
        cursor.execute(facts.ITEMS, params)
        decide(cursor, as_of=today, rates_from=rates_known_from(register(), entity))
        cursor.execute(_SELECT)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _ladders(policy_ids: set[int]) -> dict[int, tuple[PolicyRule, dict[int, Level]]]:
    levels: dict[int, list[Level]] = {policy: [] for policy in policy_ids}
    for level in (
        Level.objects.filter(policy__in=policy_ids).select_related("policy").order_by("policy", "rank")
    ):
        levels[level.policy_id].append(level)
    return {
        policy: (
            PolicyRule(
                levels=tuple(
                    LevelRule(
                        rank=level.rank,
                        delay_days=level.delay_days,
                        gap_days=level.gap_days,
                        kind=level.kind,
                        delay_from=level.delay_from,
                    )
                    for level in of_policy
                ),
                policy_id=policy,
            ),
            {level.rank: level for level in of_policy},
        )
        for policy, of_policy in levels.items()
    }


def _pending(items: set[int]) -> dict[int, Notice]:
    """The notice that each item waits for: its last step in force, when it is not proven."""
    lines = (
        NoticeLine.objects.filter(item__in=items, in_force=True)
        .exclude(notice__status=Notice.Status.SENT)
        .select_related("notice__level")
        .order_by("item_id", "-rank")
        .distinct("item_id")
    )
    return {line.item_id: line.notice for line in lines}


def _outlook(
    row: Mapping[str, Any],
    levels: Mapping[int, Level],
    ladders: Mapping[int, tuple[PolicyRule, dict[int, Level]]],
    pending: Mapping[int, Notice],
    today: date,
) -> ItemOutlook:
    level, on, reason = levels.get(row["level_id"]), row["reached_on"], row["reason"]
    if not row["is_decided"]:
        level, on = _first_step(row, ladders, today)
        reason = "WAITING" if level is not None else "NO_POLICY"
    elif row["next_date"] is not None:
        on = row["next_date"]
    return ItemOutlook(
        item_id=row["item_id"],
        number=row["number"],
        due_date=row["due_date"],
        currency=row["currency"],
        open_amount=row["open_amount"],
        policy_name=row["policy_name"] or "",
        level=level,
        reason=reason,
        on=on if level is not None else None,
        last_rank=row["last_rank"],
        last_sent_on=row["last_sent_on"],
        pending=pending.get(row["item_id"]),
    )


def _first_step(
    row: Mapping[str, Any], ladders: Mapping[int, tuple[PolicyRule, dict[int, Level]]], today: date
) -> tuple[Level | None, date | None]:
    if row["policy_id"] not in ladders:
        return None, None
    policy, levels = ladders[row["policy_id"]]
    item = ItemFacts(item_id=row["item_id"], due_date=row["due_date"], open_amount=row["open_amount"])
    rule = next_level(policy, item, today)
    return (levels[rule.rank], next_date(item, rule)) if rule else (None, None)
