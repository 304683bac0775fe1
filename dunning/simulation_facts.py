"""The book as `dunning.simulation` takes it: one statement, read in pieces, one person over all entities at a time."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from django.db import connection
from django.utils.timezone import get_default_timezone_name

from core.calendar import add_months
from core.legal import register
from customers.models import LegalEntity
from dunning.contacts import CONTACT_KEY, TO_COME
from dunning.models import Policy
from dunning.planning.fees import rates_known_from
from dunning.planning.rules import rule_of
from dunning.policy_conditions import TAKES_LASTING
from dunning.policy_content import levels_of
from dunning.selection import ItemFacts
from dunning.sending_hours import SendingRules
from dunning.simulation import (
    Exemption,
    SimulatedAccount,
    SimulatedCustomer,
    SimulatedItem,
    SimulatedPolicy,
)
from invoices.later_moves import LATER_MOVES

_ROWS = 2_000
_TO_COME = ", ".join(f"'{status}'" for status in TO_COME)

# As the planning of a run gathers them (dunning/planning/facts.py), with the days on which facts end.
_BOOK = f"""
WITH later AS ({LATER_MOVES}),
balance AS (
    SELECT i.id AS item_id, i.customer_id, i.currency, i.due_date, i.issue_date, i.is_factored,
           i.open_amount + coalesce(later.amount, 0) AS open_amount
    FROM invoices_openitem i
    LEFT JOIN later ON later.item_id = i.id
    WHERE i.issue_date <= %(last)s AND (i.open_amount <> 0 OR later.amount <> 0)
), credit AS (
    SELECT customer_id, currency, -sum(open_amount) AS amount
    FROM balance WHERE open_amount < 0 AND issue_date <= %(as_of)s
    GROUP BY customer_id, currency
), turnover AS (
    SELECT legal_entity_id, customer_id, currency, sum(total_amount) AS invoiced,
           sum(sum(total_amount)) OVER (PARTITION BY legal_entity_id, currency) AS whole
    FROM invoices_openitem
    WHERE kind = 'INVOICE' AND issue_date > %(year_before)s AND issue_date <= %(as_of)s AND %(asks_turnover)s
    GROUP BY legal_entity_id, customer_id, currency
), promise AS (
    SELECT p.item_id, json_agg(json_build_array(p.promised_date, greatest(p.amount - coalesce(paid.amount, 0), 0)::text)
                               ORDER BY p.id) AS parts
    FROM invoices_promise p
    CROSS JOIN LATERAL (
        SELECT sum(a.amount) AS amount FROM invoices_allocation a
        WHERE a.debit_id = p.item_id AND a.allocated_on <= %(as_of)s
          AND (a.reversed_on IS NULL OR a.reversed_on > %(as_of)s)
          AND greatest(a.allocated_on, (a.created_at AT TIME ZONE %(zone)s)::date) >= p.made_on
    ) paid
    WHERE p.made_on <= %(as_of)s AND p.promised_date >= %(as_of)s AND p.status <> 'WITHDRAWN'
    GROUP BY p.item_id
), dispute AS (
    SELECT item_id, sum(amount) AS amount FROM invoices_dispute
    WHERE opened_on <= %(as_of)s AND (resolved_on IS NULL OR resolved_on > %(as_of)s)
    GROUP BY item_id
), exemption AS (
    SELECT customer_id, item_id, json_agg(json_build_array(effect, from_date, least(until, ended_on - 1), policy_code)
                                          ORDER BY id) AS parts
    FROM dunning_dunningexception
    WHERE from_date <= %(last)s AND (until IS NULL OR until >= %(as_of)s)
      AND (ended_on IS NULL OR ended_on > %(as_of)s)
    GROUP BY customer_id, item_id
), late_reminder AS (
    SELECT n.id FROM dunning_notice n JOIN dunning_level level ON level.id = n.level_id
    WHERE level.kind = 'PRE_REMINDER' AND n.status IN ('PROPOSED', 'APPROVED', 'RENDERED')
      AND n.oldest_due_date < %(as_of)s
), contact AS (
    SELECT n.contact_key, max(n.sent_on) AS last_contact, bool_or(n.status <> 'SENT') AS is_to_come
    FROM dunning_notice n
    JOIN dunning_level level ON level.id = n.level_id
    WHERE n.contact_key <> '' AND level.channel <> 'AGENCY'
      AND ((n.status = 'SENT' AND n.sent_on > %(contacts_since)s)
           OR (n.status IN ({_TO_COME}) AND n.id NOT IN (SELECT id FROM late_reminder)))
    GROUP BY n.contact_key
),
paid AS (
    SELECT i.customer_id, i.legal_entity_id,
           sum((a.allocated_on - i.due_date) * a.amount) AS weighted, sum(a.amount) AS amount
    FROM invoices_allocation a
    JOIN invoices_openitem i ON i.id = a.debit_id
    WHERE a.allocated_on > %(year_before)s AND a.allocated_on <= %(as_of)s AND a.reversed_on IS NULL
      AND %(pays)s
    GROUP BY i.customer_id, i.legal_entity_id
), house AS (
    SELECT legal_entity_id, round(sum(weighted) / nullif(sum(amount), 0))::int AS delay FROM paid GROUP BY 1
)
SELECT {CONTACT_KEY} AS contact_key, c.legal_entity_id, c.id AS customer_id, b.currency,
       CASE WHEN c.status = 'INSOLVENT' THEN c.insolvency_date END AS insolvent_from,
       CASE WHEN c.status = 'ON_HOLD' THEN coalesce(c.hold_until, 'infinity'::date) END AS held_until,
       coalesce(credit.amount, 0) AS credit_amount,
       ARRAY(SELECT p.id FROM dunning_policy p
             WHERE p.id = ANY (%(policies)s) AND {TAKES_LASTING} ORDER BY p.priority, p.code) AS candidates,
       control.started_on AS control_from, control.control_policy_id,
       contact.last_contact, coalesce(contact.is_to_come, FALSE) AS is_to_come,
       own.parts AS account_exemptions, item_own.parts AS item_exemptions,
       b.item_id, b.due_date, b.issue_date, b.open_amount, b.is_factored,
       EXISTS (SELECT 1 FROM dunning_caseitem k WHERE k.item_id = b.item_id AND k.is_live) AS is_with_agency,
       EXISTS (SELECT 1 FROM invoices_planitem part JOIN invoices_paymentplan plan ON plan.id = part.plan_id
               WHERE part.item_id = b.item_id AND plan.started_on <= %(as_of)s
                 AND (part.released_on IS NULL OR part.released_on > %(as_of)s)) AS is_planned,
       coalesce(dispute.amount, 0) AS disputed_amount, promise.parts AS promises,
       coalesce(step.rank, 0) AS last_rank, step.sent_on, coalesce(step.is_to_come, FALSE) AS on_its_way,
       coalesce(step.has_formal_notice, FALSE) AS has_formal_notice, step.withdrawn_on,
       coalesce(round(paid.weighted / nullif(paid.amount, 0))::int, house.delay) AS usual_delay
FROM balance b
JOIN customers_customer c ON c.id = b.customer_id
LEFT JOIN risk_score score ON score.customer_id = c.id AND score.is_current
LEFT JOIN turnover t ON t.legal_entity_id = c.legal_entity_id AND t.customer_id = c.id AND t.currency = b.currency
CROSS JOIN LATERAL (
    SELECT c.legal_entity_id, c.kind, c.segment, coalesce(score.risk_class, '') AS risk_class, c.country,
           t.invoiced, t.whole
) a
LEFT JOIN credit ON credit.customer_id = b.customer_id AND credit.currency = b.currency
LEFT JOIN dispute ON dispute.item_id = b.item_id
LEFT JOIN promise ON promise.item_id = b.item_id
LEFT JOIN exemption own ON own.customer_id = c.id AND own.item_id IS NULL
LEFT JOIN exemption item_own ON item_own.item_id = b.item_id
LEFT JOIN contact ON contact.contact_key = {CONTACT_KEY}
LEFT JOIN paid ON paid.customer_id = c.id
LEFT JOIN house ON house.legal_entity_id = c.legal_entity_id
LEFT JOIN (
    SELECT member.customer_id, trial.control_policy_id, trial.started_on
    FROM dunning_trialmember member JOIN dunning_trial trial ON trial.id = member.trial_id
    WHERE member.is_live AND member.is_control
) control ON control.customer_id = c.id
LEFT JOIN LATERAL (
    SELECT line.rank, CASE WHEN n.status = 'SENT' THEN n.sent_on END AS sent_on,
           n.status IN ({_TO_COME}) AS is_to_come,
           CASE WHEN n.status IN ('PROPOSED', 'APPROVED', 'RENDERED') AND taken.kind = 'PRE_REMINDER'
               THEN n.oldest_due_date + 1 END AS withdrawn_on,
           EXISTS (
               SELECT 1
               FROM dunning_noticeline formal
               JOIN dunning_notice sent ON sent.id = formal.notice_id AND sent.status = 'SENT'
               JOIN dunning_level lead ON lead.id = sent.level_id
               JOIN dunning_level rung ON rung.policy_id = lead.policy_id AND rung.rank = formal.rank
               WHERE formal.item_id = b.item_id AND formal.in_force AND rung.kind = 'FORMAL_NOTICE'
           ) AS has_formal_notice
    FROM dunning_noticeline line
    JOIN dunning_notice n ON n.id = line.notice_id
    JOIN dunning_level taken ON taken.id = n.level_id
    WHERE line.item_id = b.item_id AND line.in_force AND n.id NOT IN (SELECT id FROM late_reminder)
    ORDER BY line.rank DESC
    LIMIT 1
) step ON TRUE
WHERE b.open_amount > 0
ORDER BY contact_key, c.legal_entity_id, c.id, b.currency, b.due_date, b.item_id
"""


class _Row(NamedTuple):
    contact_key: str
    entity_id: int
    customer_id: int
    currency: str
    insolvent_from: date | None
    held_until: date | None
    credit_amount: Decimal
    candidates: list[int]
    control_from: date | None
    control_policy_id: int | None
    last_contact: date | None
    is_to_come: bool
    account_exemptions: list[list[str | None]] | None
    item_exemptions: list[list[str | None]] | None
    item_id: int
    due_date: date
    issue_date: date
    open_amount: Decimal
    is_factored: bool
    is_with_agency: bool
    is_planned: bool
    disputed_amount: Decimal
    promises: list[list[str]] | None
    last_rank: int
    sent_on: date | None
    on_its_way: bool
    has_formal_notice: bool
    withdrawn_on: date | None
    usual_delay: int | None


@dataclass(frozen=True)
class BookOptions:
    """What of the book, and until when: `pays`, everybody pays `usual_delay` days after the due date."""

    as_of: date
    last: date
    pays: bool


def simulated_policy(policy: Policy) -> SimulatedPolicy:
    """A stored policy as the simulation follows it."""
    return SimulatedPolicy(
        code=policy.code,
        rule=rule_of(policy),
        channels={level.rank: level.channel for level in levels_of(policy)},
        sending=SendingRules(
            policy.sending_weekdays, policy.sending_from, policy.sending_until, policy.sends_on_holidays
        ),
        overdue_from=policy.overdue_from,
        overdue_below=policy.overdue_below,
        oldest_days_from=policy.oldest_days_from,
        oldest_days_below=policy.oldest_days_below,
    )


def customers(policies: Iterable[Policy], options: BookOptions) -> Iterator[SimulatedCustomer]:
    """Everybody who owes something, person by person. To be called inside a transaction: the rows stay on the server."""
    there = list(policies)
    legal = register()
    rates = {entity.pk: rates_known_from(legal, entity) for entity in LegalEntity.objects.all()}
    gap = max((policy.contact_gap_days for policy in there), default=0)
    values = {
        "as_of": options.as_of,
        "last": options.last,
        "year_before": add_months(options.as_of, -12),
        "contacts_since": options.as_of - timedelta(days=gap),
        "zone": get_default_timezone_name(),
        "policies": [policy.pk for policy in there],
        "asks_turnover": any(policy.turnover_share_from is not None for policy in there),
        "pays": options.pays,
    }
    with connection.chunked_cursor() as cursor:
        cursor.itersize = _ROWS
        cursor.execute(_BOOK, values)
        rows = (_Row(*row) for row in cursor)
        for key, person in groupby(rows, key=lambda row: row.contact_key):
            yield _customer(key, list(person), rates, options)


def _customer(
    key: str, rows: list[_Row], rates: Mapping[int, date], options: BookOptions
) -> SimulatedCustomer:
    accounts = [
        _account(list(items), rates, options)
        for _account_key, items in groupby(
            rows, key=lambda row: (row.entity_id, row.customer_id, row.currency)
        )
    ]
    return SimulatedCustomer(key, accounts, rows[0].last_contact, rows[0].is_to_come)


def _account(rows: list[_Row], rates: Mapping[int, date], options: BookOptions) -> SimulatedAccount:
    first = rows[0]
    return SimulatedAccount(
        entity_id=first.entity_id,
        customer_id=first.customer_id,
        currency=first.currency,
        items=[_item(row, options) for row in rows],
        candidates=first.candidates,
        credit_amount=first.credit_amount,
        insolvent_from=first.insolvent_from,
        held_until=first.held_until,
        exemptions=_exemptions(first.account_exemptions),
        control_from=first.control_from,
        control_policy=first.control_policy_id,
        rates_from=rates[first.entity_id],
    )


def _item(row: _Row, options: BookOptions) -> SimulatedItem:
    promises = [(date.fromisoformat(until), Decimal(amount)) for until, amount in row.promises or ()]
    paid_on = None
    if options.pays and row.usual_delay is not None and row.disputed_amount == 0 and not row.is_planned:
        usual = row.due_date + timedelta(days=row.usual_delay)
        # Who is later than usual already is not expected any more.
        paid_on = usual if usual > options.as_of else None
    return SimulatedItem(
        facts=ItemFacts(
            item_id=row.item_id,
            due_date=row.due_date,
            open_amount=row.open_amount,
            is_factored=row.is_factored,
            is_with_agency=row.is_with_agency,
            disputed_amount=row.disputed_amount,
            is_planned=row.is_planned,
            last_rank=row.last_rank,
            last_sent_on=row.sent_on,
            has_formal_notice=row.has_formal_notice,
        ),
        from_day=row.issue_date,
        promises=promises,
        exemptions=_exemptions(row.item_exemptions),
        paid_on=paid_on,
        on_its_way=row.on_its_way,
        withdrawn_on=row.withdrawn_on,
    )


def _exemptions(parts: list[list[str | None]] | None) -> list[Exemption]:
    return [
        Exemption(
            effect=str(effect),
            from_date=date.fromisoformat(str(start)),
            until=None if until is None else date.fromisoformat(until),
            policy_code=str(code),
        )
        for effect, start, until, code in parts or ()
    ]


def counts_for(policy_ids: Iterable[int], customer: SimulatedCustomer, code: str) -> bool:
    """Whether one of these policies may ever lead the customer: others need not be simulated."""
    wanted = set(policy_ids)
    for account in customer.accounts:
        if not wanted.isdisjoint(account.candidates) or account.control_policy in wanted:
            return True
        named: list[Any] = [*account.exemptions, *(e for item in account.items for e in item.exemptions)]
        if any(exemption.policy_code == code for exemption in named):
            return True
    return False
