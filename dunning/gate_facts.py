"""What the gate looks at: the customers and the items of notices as they stand now, and what keeps them from leaving.

One statement, for a thousand notices as for one: it is read under their locks, directly before each sending.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q
from django.utils.timezone import get_default_timezone_name

from customers.models import Customer
from dunning.gate import ExceptionNow, LineNow, NoticeNow, exceptions_of, too_soon
from dunning.gate_waits import LAST_CLOSINGS, UNMATCHED, age_of, opening
from dunning.models import Level, Notice
from dunning.selection import Parts, parts_of
from dunning.sending_hours import SendingRules
from invoices.promised_parts import PROMISED_PARTS

ZERO = Decimal("0.00")
FORMAL = (Level.Kind.FORMAL_NOTICE, Level.Kind.HAND_OVER)

# The condition of rows of `dunning_dunningexception` that hold on a day, as `exceptions_in_force` says it.
EXCEPTION_IN_FORCE = """
    (x.from_date <= %(today)s AND (x.until IS NULL OR x.until >= %(today)s)
     AND (x.ended_on IS NULL OR x.ended_on > %(today)s))
"""

# `leaving`: whether to look too at what may only delay. A contact of another run counts, one of an agency never does.
# The agency's items, but for those of the notice's own case. A contact: SENT within the gap, or being sent.
_FACTS = f"""
WITH bank AS MATERIALIZED (
    SELECT account.legal_entity_id, array_agg(account.last_closing) AS closings
    FROM ({LAST_CLOSINGS}) account
    WHERE %(leaving)s
      AND account.legal_entity_id IN (SELECT legal_entity_id FROM dunning_dunningsettings
                                      WHERE bank_freshness_days IS NOT NULL)
    GROUP BY account.legal_entity_id
), notice AS MATERIALIZED (
    SELECT n.id, level.kind, level.channel, policy.code AS policy_code, policy.contact_gap_days,
           policy.sending_weekdays, policy.sending_from, policy.sending_until, policy.sends_on_holidays,
           c.status AS customer_status, c.hold_until,
           coalesce((SELECT -sum(i.open_amount) FROM invoices_openitem i
                     WHERE i.customer_id = n.customer_id AND i.currency = n.currency AND i.open_amount < 0
                       AND i.issue_date <= %(today)s), 0) AS credit,
           (SELECT json_agg(json_build_array(x.item_id, x.effect, x.policy_code) ORDER BY x.id)
            FROM dunning_dunningexception x
            WHERE x.customer_id = n.customer_id AND {EXCEPTION_IN_FORCE}) AS exceptions,
           contact.last_day AS contacted_on, %(leaving)s AND coalesce(contact.under_way, FALSE) AS under_way,
           EXISTS (SELECT FROM dunning_dunningstop stop
                   WHERE stop.lifted_at IS NULL
                     AND (stop.legal_entity_id IS NULL OR stop.legal_entity_id = n.legal_entity_id)) AS is_stopped,
           %(leaving)s AND n.customer_id IN ({UNMATCHED}) AS has_unmatched_receipt,
           CASE WHEN %(leaving)s THEN house.bank_freshness_days END AS bank_limit, bank.closings
    FROM dunning_notice n
    JOIN customers_customer c ON c.id = n.customer_id
    JOIN dunning_level level ON level.id = n.level_id
    JOIN dunning_policy policy ON policy.id = level.policy_id
    LEFT JOIN dunning_dunningsettings house ON house.legal_entity_id = n.legal_entity_id
    LEFT JOIN bank ON bank.legal_entity_id = n.legal_entity_id
    CROSS JOIN LATERAL (
        SELECT max(other.sent_on) AS last_day, bool_or(other.status = 'SENDING') AS under_way
        FROM dunning_notice other
        WHERE other.contact_key = n.contact_key AND other.contact_key <> '' AND other.run_id <> n.run_id
          AND (other.status = 'SENDING'
               OR (other.status = 'SENT' AND other.sent_on > %(today)s::date - policy.contact_gap_days))
          AND NOT EXISTS (SELECT FROM dunning_level theirs
                          WHERE theirs.id = other.level_id AND theirs.channel = 'AGENCY')
    ) contact
    WHERE n.id = ANY(%(notices)s)
)
SELECT notice.*, line.rank, line.item_id, line.open_amount AS frozen_open, line.disputed_amount AS frozen_disputed,
       line.promised_amount AS frozen_promised, item.number, item.open_amount, item.due_date, item.is_factored,
       (SELECT d.amount FROM invoices_dispute d WHERE d.item_id = line.item_id AND d.resolved_on IS NULL) AS disputed,
       (SELECT parts.amount FROM ({PROMISED_PARTS}) parts WHERE parts.item_id = line.item_id) AS promised,
       EXISTS (SELECT FROM invoices_planitem part JOIN invoices_paymentplan plan ON plan.id = part.plan_id
               WHERE part.item_id = line.item_id AND part.released_on IS NULL AND plan.status = 'ACTIVE') AS is_planned,
       EXISTS (SELECT FROM dunning_caseitem given JOIN dunning_case whole ON whole.id = given.case_id
               WHERE given.item_id = line.item_id AND given.is_live
                 AND whole.notice_id <> line.notice_id) AS is_with_agency
FROM notice
LEFT JOIN dunning_noticeline line ON line.notice_id = notice.id
LEFT JOIN invoices_openitem item ON item.id = line.item_id
ORDER BY notice.id, line.id
"""


class _Row(NamedTuple):
    """A line of a notice; a notice without any has one row whose columns from `rank` on are empty."""

    notice_id: int
    kind: str
    channel: str
    policy_code: str
    contact_gap_days: int
    sending_weekdays: str
    sending_from: time
    sending_until: time
    sends_on_holidays: bool
    customer_status: str
    hold_until: date | None
    credit: Decimal
    exceptions: list[tuple[int | None, str, str]] | None
    contacted_on: date | None
    under_way: bool
    is_stopped: bool
    has_unmatched_receipt: bool
    bank_limit: int | None
    closings: list[date | None] | None
    rank: int | None
    item_id: int
    frozen_open: Decimal
    frozen_disputed: Decimal
    frozen_promised: Decimal
    number: str
    open_amount: Decimal
    due_date: date
    is_factored: bool
    disputed: Decimal | None
    promised: Decimal | None
    is_planned: bool
    is_with_agency: bool


def exceptions_in_force(today: date) -> Q:
    """The condition of `DunningException` rows that hold on a day: their dates say so, no task ends them."""
    return (
        Q(from_date__lte=today)
        & (Q(until=None) | Q(until__gte=today))
        & (Q(ended_on=None) | Q(ended_on__gt=today))
    )


def notice_now(notice: Notice, *, today: date) -> NoticeNow:
    """The notice's customer and items as they stand, for the gate. Call it with the notice locked."""
    return notices_now([notice], today=today)[notice.pk]


def notices_now(
    notices: Sequence[Notice], *, today: date, leaving_at: datetime | None = None
) -> dict[int, NoticeNow]:
    """The same for many notices, by their key.

    With `leaving_at`, what may keep them from leaving at that instant too: hours, bank data, receipts to match.
    """
    if not notices:
        return {}
    values: dict[str, Any] = {
        "notices": [notice.pk for notice in notices],
        "customers": list({notice.customer_id for notice in notices}),
        "today": today,
        "as_of": today,
        "zone": get_default_timezone_name(),
        "leaving": leaving_at is not None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, values)
        rows = [_Row(*row) for row in cursor.fetchall()]
    return {
        pk: _now(list(lines), today, leaving_at) for pk, lines in groupby(rows, key=lambda row: row.notice_id)
    }


def _now(rows: list[_Row], today: date, leaving_at: datetime | None) -> NoticeNow:
    first = rows[0]
    rules = SendingRules(
        first.sending_weekdays, first.sending_from, first.sending_until, first.sends_on_holidays
    )
    return NoticeNow(
        is_insolvent=first.customer_status == Customer.Status.INSOLVENT,
        is_on_hold=first.customer_status == Customer.Status.ON_HOLD
        and (first.hold_until is None or first.hold_until >= today),
        frozen_credit=-sum((row.frozen_open for row in rows if row.rank == 0), ZERO),
        credit=first.credit,
        lines=[_line_now(row, today) for row in rows if row.rank],
        is_contacted=first.channel != Level.Channel.AGENCY
        and too_soon(first.contacted_on, first.contact_gap_days, today),
        is_stopped=first.is_stopped,
        has_unmatched_receipt=first.has_unmatched_receipt,
        contact_under_way=first.under_way,
        bank_limit=first.bank_limit,
        bank_age=age_of(first.closings or [], today) if first.bank_limit is not None else None,
        opens_at=None if leaving_at is None else opening(first.channel, rules, leaving_at),
    )


def _line_now(row: _Row, today: date) -> LineNow:
    parts: Parts = parts_of(row.open_amount, row.disputed or ZERO, row.promised or ZERO)
    return LineNow(
        number=row.number,
        frozen_amount=row.frozen_open + row.frozen_disputed + row.frozen_promised,
        open_amount=row.open_amount,
        frozen_disputed=row.frozen_disputed,
        disputed_amount=parts.disputed,
        frozen_promised=row.frozen_promised,
        promised_amount=parts.promised,
        is_planned=row.is_planned,
        is_factored=row.is_factored,
        is_with_agency=row.is_with_agency,
        is_excepted=any(
            exception.forbids(policy_code=row.policy_code, is_formal=row.kind in FORMAL)
            for exception in exceptions_of(
                _exceptions(row, of_item=row.item_id), _exceptions(row, of_item=None)
            )
        ),
        is_too_late=row.kind == Level.Kind.PRE_REMINDER and row.due_date < today,
    )


def _exceptions(row: _Row, *, of_item: int | None) -> list[ExceptionNow]:
    """Those of an item, or of the whole customer."""
    return [ExceptionNow(effect, code) for item, effect, code in row.exceptions or () if item == of_item]
