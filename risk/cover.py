"""Reads on credit insurance: what covers each customer now, which items a policy insures, and which deadlines press."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from core.rights import Actor
from customers.models import Customer, LegalEntity
from invoices.models import OpenItem
from risk.cover_rules import Deadlines, Terms, deadlines, delivery_stopped, insured_part, uncovered
from risk.models import Cover, InsurancePolicy, InsurerFile, InsurerFileItem

UNNAMED = "UNNAMED"
OVERDUE = "OVERDUE"
WITHDRAWN = "WITHDRAWN"
_BOUND = ("GRANTED", "REDUCED")


@dataclass(frozen=True)
class CoverInForce:
    """What insures a customer today, before the quota share.

    `status` is that of the cover, or UNNAMED. `amount` counts for what is delivered now; `run_off_amount` is what a
    withdrawn cover still insures of what had been invoiced before. `stop_delivery`: OVERDUE, WITHDRAWN or None.
    """

    customer_id: int
    policy_id: int
    cover_id: int | None
    status: str
    amount: Decimal
    currency: str
    quota_share: Decimal
    until: date | None = None
    run_off_amount: Decimal = Decimal(0)
    stop_delivery: str | None = None

    @property
    def own_share(self) -> Decimal:
        """The ratio of a covered loss that the house bears."""
        return 1 - self.quota_share

    @property
    def covering_amount(self) -> Decimal:
        return max(self.amount, self.run_off_amount)

    def insured(self, exposure: Decimal) -> Decimal:
        """What the insurer bears of an exposure in the cover's currency."""
        return insured_part(exposure, self.covering_amount, self.quota_share)

    def uncovered(self, exposure: Decimal) -> Decimal:
        """What the house bears of an exposure in the cover's currency."""
        return uncovered(exposure, self.covering_amount, self.quota_share)


@dataclass(frozen=True)
class Secured:
    """What one customer's debts rest on besides himself."""

    cover: CoverInForce | None
    # By guarantees with an amount, in the currency of the cover, else of the account.
    guaranteed_amount: Decimal
    currency: str


# One row per account, policy of its entity and cover under it, the latest cover first.
_SECURED = """
SELECT account.id, account.currency, policy.id, policy.currency, policy.quota_share, policy.unnamed_limit_amount,
       policy.unnamed_overdue_days, policy.stop_delivery_days, policy.valid_until,
       cover.id, cover.status, cover.amount, cover.currency, cover.valid_from, cover.valid_until,
       least(run_off.amount, cover.amount_before), late.oldest,
       (
           SELECT coalesce(jsonb_object_agg(each.currency, each.amount::text), '{}') FROM (
               SELECT currency, sum(amount) AS amount FROM risk_guarantee
               WHERE customer_id = account.id AND status = 'ACTIVE' AND amount IS NOT NULL
                 AND valid_from <= %(today)s AND (valid_until IS NULL OR valid_until >= %(today)s)
               GROUP BY currency
           ) AS each
       )::text
FROM customers_customer account
LEFT JOIN risk_insurancepolicy policy
       ON policy.legal_entity_id = account.legal_entity_id AND policy.valid_from <= %(today)s
      AND (policy.valid_until IS NULL OR policy.valid_until >= %(today)s)
LEFT JOIN risk_cover cover
       ON cover.customer_id = account.id AND cover.policy_id = policy.id AND cover.status <> 'REQUESTED'
LEFT JOIN LATERAL (
    SELECT sum(open_amount) AS amount FROM invoices_openitem
    WHERE customer_id = account.id AND open_amount <> 0 AND open_amount > 0 AND currency = cover.currency
      AND issue_date <= cover.notified_on
) run_off ON cover.status = 'CANCELLED'
LEFT JOIN LATERAL (
    SELECT min(due_date) AS oldest FROM invoices_openitem
    WHERE customer_id = account.id AND open_amount <> 0 AND open_amount > 0 AND due_date < %(today)s
) late ON policy.id IS NOT NULL
WHERE account.id = ANY(%(ids)s)
ORDER BY account.id, policy.id, cover.id DESC
"""


def secured(customer_ids: Sequence[int], today: date) -> dict[int, Secured]:
    """Cover and guarantees of each customer, in one statement."""
    rows: dict[int, list[tuple[Any, ...]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SECURED, {"ids": list(customer_ids), "today": today})
        for row in cursor.fetchall():
            rows.setdefault(row[0], []).append(row)
    found = {}
    for customer_id, each in rows.items():
        by_policy: dict[int, list[tuple[Any, ...]]] = {}
        for row in each:
            if row[2] is not None:
                by_policy.setdefault(row[2], []).append(row)
        covers = [cover for group in by_policy.values() if (cover := _cover(group, today)) is not None]
        account_currency = each[0][1]
        covers.sort(
            key=lambda cover: (
                cover.currency == account_currency,
                cover.amount * cover.quota_share,
                cover.covering_amount,
            )
        )
        best = covers[-1] if covers else None
        currency = best.currency if best else account_currency
        amounts = json.loads(each[0][17])
        found[customer_id] = Secured(best, Decimal(amounts.get(currency, "0")), currency)
    return found


def _cover(rows: Sequence[tuple[Any, ...]], today: date) -> CoverInForce | None:
    """What one policy is worth for one customer."""
    first = rows[0]
    # A request given up before its answer covered nothing, and takes nothing away.
    rows = [row for row in rows if not (row[10] == "CANCELLED" and row[11] is None)]
    account, policy, quota = first[0], first[2], first[4]
    oldest = first[16]
    late = delivery_stopped(oldest, today, first[7])
    ends = first[8]
    if not rows or rows[0][9] is None:
        if first[5] is None:
            return None
        is_out = delivery_stopped(oldest, today, first[6])
        return CoverInForce(
            account, policy, None, UNNAMED, Decimal(0) if is_out else first[5], first[3], quota, ends,
            stop_delivery=OVERDUE if late else None,
        )  # fmt: skip
    for row in rows:
        cover, status, amount, currency, start, until = row[9:15]
        if status in _BOUND and start <= today and (until is None or until >= today):
            return CoverInForce(
                account, policy, cover, status, amount, currency, quota,
                min((day for day in (until, ends) if day is not None), default=None),
                stop_delivery=OVERDUE if late else None,
            )  # fmt: skip
    first = rows[0]
    cover, status, _amount, currency, start, until = first[9:15]
    if status in _BOUND:
        if start > today:
            return None
        status = "EXPIRED"
    return CoverInForce(
        account, policy, cover, status, Decimal(0), currency, quota, until,
        run_off_amount=first[15] or Decimal(0) if status == "CANCELLED" else Decimal(0),
        stop_delivery=WITHDRAWN if status == "CANCELLED" else None,
    )  # fmt: skip


def cover_of(customers: Sequence[Customer], today: date) -> dict[int, CoverInForce]:
    """What insures each customer today; those whom no policy knows are absent."""
    found = secured([customer.pk for customer in customers], today)
    return {pk: each.cover for pk, each in found.items() if each.cover is not None}


def policies_seen(actor: Actor) -> QuerySet[InsurancePolicy]:
    """The policies of the entities that have a customer in the reader's scope."""
    mine = Customer.objects.visible_to(actor).filter(legal_entity=OuterRef("legal_entity"))
    whole = LegalEntity.objects.wholly_visible_to(actor)
    return InsurancePolicy.objects.filter(Q(legal_entity__in=whole) | Exists(mine)).select_related(
        "legal_entity"
    )


def terms_of(policy: InsurancePolicy) -> Terms:
    return Terms(
        policy.max_extension_days,
        policy.declaration_days,
        policy.claim_days,
        policy.waiting_days,
        policy.stop_delivery_days,
        policy.alarm_days,
    )


def deadlines_of(item: OpenItem, policy: InsurancePolicy) -> Deadlines:
    return deadlines(item.due_date, terms_of(policy))


def insured_items(actor: Actor, policy: InsurancePolicy) -> QuerySet[OpenItem]:
    """What is still owed of what a policy insured when it was invoiced, named buyers and its unnamed zone.

    A withdrawn cover insures what was invoiced until it was notified; an expired one what was invoiced in its time.
    """
    mine = Cover.objects.filter(policy=policy, customer=OuterRef("customer"))
    at_issue = mine.filter(
        Q(status__in=["GRANTED", "REDUCED", "EXPIRED"])
        | Q(status="CANCELLED", notified_on__gte=OuterRef("issue_date")),
        Q(valid_until__isnull=True) | Q(valid_until__gte=OuterRef("issue_date")),
        valid_from__lte=OuterRef("issue_date"),
    )
    insured: Any = Exists(at_issue)
    if policy.unnamed_limit_amount is not None:
        insured = insured | ~Exists(mine.exclude(status="REQUESTED"))
    items = OpenItem.objects.visible_to(actor).filter(
        insured,
        legal_entity_id=policy.legal_entity_id,
        kind__in=OpenItem.DEBIT_KINDS,
        open_amount__gt=0,
        currency=policy.currency,
        issue_date__gte=policy.valid_from,
    )
    return items if policy.valid_until is None else items.filter(issue_date__lte=policy.valid_until)


def _filed(kind: str) -> Exists:
    return Exists(InsurerFileItem.objects.filter(item=OuterRef("pk"), kind=kind, is_live=True))


def pressing(
    actor: Actor, policy: InsurancePolicy, kind: str, today: date, lapsed: bool | None = None
) -> QuerySet[OpenItem]:
    """The items to declare (or to claim) now: their deadline is near or has lapsed, and no live file has them.

    `lapsed` keeps only those whose deadline is past (True) or still ahead (False).
    """
    days = policy.declaration_days if kind == InsurerFile.Kind.DECLARATION else policy.claim_days
    last_lapsed = today - timedelta(days=days + 1)
    items = insured_items(actor, policy).filter(~_filed(kind), due_date__lt=today)
    items = items.filter(due_date__lte=today - timedelta(days=days - policy.alarm_days))
    if lapsed is True:
        items = items.filter(due_date__lte=last_lapsed)
    elif lapsed is False:
        items = items.filter(due_date__gt=last_lapsed)
    return items.select_related("customer").order_by("due_date", "pk")


def pressing_any(actor: Actor, today: date, lapsed: bool | None = None) -> QuerySet[OpenItem]:
    """Those of every policy that the reader sees, to be counted."""
    found = OpenItem.objects.none()
    wanted = [
        pressing(actor, policy, kind, today, lapsed).order_by().values("pk")
        for policy in policies_seen(actor)
        for kind in InsurerFile.Kind.values
    ]
    if not wanted:
        return found
    condition = Q()
    for each in wanted:
        condition |= Q(pk__in=each)
    return OpenItem.objects.filter(condition)


def covers_ending(actor: Actor, today: date, days: int = 30) -> QuerySet[Cover]:
    """The covers in force that end soon, so that they are renewed before."""
    return (
        Cover.objects.visible_to(actor)
        .in_force(today)
        .filter(valid_until__lte=today + timedelta(days=days))
        .annotate(name=F("customer__name"))
    )
