"""What the gate looks at: the customers and the items of notices as they stand now, and what keeps a day's sending.

As many queries for a thousand notices as for one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Max, Q, Sum

from dunning.gate import ExceptionNow, LineNow, NoticeNow, exceptions_of, too_soon
from dunning.gate_waits import Surroundings, surroundings
from dunning.models import CaseItem, DunningException, Level, Notice, NoticeLine
from dunning.selection import Parts, parts_of
from invoices.models import Dispute, OpenItem, PaymentPlan, PlanItem
from invoices.promised_parts import promised_parts

ZERO = Decimal("0.00")
FORMAL = (Level.Kind.FORMAL_NOTICE, Level.Kind.HAND_OVER)


def notice_now(notice: Notice, *, today: date) -> NoticeNow:
    """The notice's customer and items as they stand, for the gate. Call it with the notice locked."""
    return notices_now([notice], today=today)[notice.pk]


def notices_now(
    notices: Sequence[Notice], *, today: date, leaving_at: datetime | None = None
) -> dict[int, NoticeNow]:
    """The same for many notices, by their key.

    With `leaving_at`, what may keep them from leaving at that instant too: hours, bank data, receipts to match.
    """
    levels = Level.objects.select_related("policy").in_bulk({notice.level_id for notice in notices})
    books = _books(notices, today)
    contacts = _contacts(notices, levels, today)
    facts = {notice.pk: _now(notice, levels[notice.level_id], books, contacts, today) for notice in notices}
    around = surroundings(notices, levels, now=leaving_at, today=today)
    return {notice.pk: _surrounded(facts[notice.pk], notice, around) for notice in notices}


@dataclass(frozen=True)
class _Books:
    """What the ledger and people say of the items and customers of the notices."""

    lines: Mapping[int, list[NoticeLine]]
    disputed: Mapping[int, Decimal]
    promised: Mapping[int, Decimal]
    planned: set[int]
    with_agency: Mapping[int, int]
    credit: Mapping[tuple[int, str], Decimal]
    of_item: Mapping[int, list[ExceptionNow]]
    of_customer: Mapping[int, list[ExceptionNow]]


def _books(notices: Sequence[Notice], today: date) -> _Books:
    lines: dict[int, list[NoticeLine]] = defaultdict(list)
    for line in (
        NoticeLine.objects.filter(notice__in=[notice.pk for notice in notices])
        .select_related("item")
        .order_by("id")
    ):
        lines[line.notice_id].append(line)
    items = [line.item_id for of_notice in lines.values() for line in of_notice if line.rank]
    customers = {notice.customer_id for notice in notices}
    credit = (
        OpenItem.objects.filter(customer__in=customers, open_amount__lt=0, issue_date__lte=today)
        .order_by()
        .values("customer", "currency")
        .annotate(total=Sum("open_amount"))
    )
    of_item, of_customer = _exceptions(customers, today)
    return _Books(
        lines=lines,
        disputed=dict(
            Dispute.objects.filter(item__in=items, resolved_on__isnull=True).values_list("item", "amount")
        ),
        promised=promised_parts(items, today),
        planned=set(
            PlanItem.objects.filter(
                item__in=items, released_on__isnull=True, plan__status=PaymentPlan.Status.ACTIVE
            ).values_list("item", flat=True)
        ),
        # The agency's items, but for those of the notice's own case.
        with_agency=dict(
            CaseItem.objects.filter(item__in=items, is_live=True).values_list("item", "case__notice")
        ),
        credit={(row["customer"], row["currency"]): -row["total"] for row in credit},
        of_item=of_item,
        of_customer=of_customer,
    )


def exceptions_in_force(today: date) -> Q:
    """The condition of `DunningException` rows that hold on a day: their dates say so, no task ends them."""
    return (
        Q(from_date__lte=today)
        & (Q(until=None) | Q(until__gte=today))
        & (Q(ended_on=None) | Q(ended_on__gt=today))
    )


def _exceptions(
    customers: Iterable[int], today: date
) -> tuple[dict[int, list[ExceptionNow]], dict[int, list[ExceptionNow]]]:
    of_item: dict[int, list[ExceptionNow]] = defaultdict(list)
    of_customer: dict[int, list[ExceptionNow]] = defaultdict(list)
    for customer, item, effect, code in DunningException.objects.filter(
        exceptions_in_force(today), customer__in=list(customers)
    ).values_list("customer", "item", "effect", "policy_code"):
        (of_customer[customer] if item is None else of_item[item]).append(ExceptionNow(effect, code))
    return of_item, of_customer


# The last contact of each key, by run: the contacts of a notice's own run are one with it.
_Contacts = Mapping[str, Mapping[int, date]]


def _contacts(notices: Sequence[Notice], levels: Mapping[int, Level], today: date) -> _Contacts:
    keys = {notice.contact_key for notice in notices} - {""}
    longest = max((levels[notice.level_id].policy.contact_gap_days for notice in notices), default=0)
    found: dict[str, dict[int, date]] = defaultdict(dict)
    for key, run, last in (
        Notice.objects.filter(
            contact_key__in=keys,
            status=Notice.Status.SENT,
            sent_on__gt=today - timedelta(days=longest),
        )
        .exclude(level__channel=Level.Channel.AGENCY)
        .order_by()
        .values("contact_key", "run")
        .annotate(last=Max("sent_on"))
        .values_list("contact_key", "run", "last")
    ):
        found[key][run] = last
    return found


def _now(notice: Notice, level: Level, books: _Books, contacts: _Contacts, today: date) -> NoticeNow:
    customer, lines = notice.customer, books.lines[notice.pk]
    of_others = [day for run, day in contacts.get(notice.contact_key, {}).items() if run != notice.run_id]
    return NoticeNow(
        is_insolvent=customer.status == customer.Status.INSOLVENT,
        is_on_hold=customer.status == customer.Status.ON_HOLD
        and (customer.hold_until is None or customer.hold_until >= today),
        frozen_credit=-sum((line.open_amount for line in lines if not line.rank), ZERO),
        credit=books.credit.get((notice.customer_id, notice.currency), ZERO),
        is_contacted=level.channel != Level.Channel.AGENCY
        and too_soon(max(of_others, default=None), level.policy.contact_gap_days, today),
        lines=[_line_now(line, notice, level, books, today) for line in lines if line.rank],
    )


def _line_now(line: NoticeLine, notice: Notice, level: Level, books: _Books, today: date) -> LineNow:
    item = line.item_id
    parts: Parts = parts_of(
        line.item.open_amount, books.disputed.get(item, ZERO), books.promised.get(item, ZERO)
    )
    exceptions = exceptions_of(books.of_item.get(item, ()), books.of_customer.get(notice.customer_id, ()))
    return LineNow(
        number=line.item.number,
        frozen_amount=line.balance_amount,
        open_amount=line.item.open_amount,
        frozen_disputed=line.disputed_amount,
        disputed_amount=parts.disputed,
        frozen_promised=line.promised_amount,
        promised_amount=parts.promised,
        is_planned=item in books.planned,
        is_factored=line.item.is_factored,
        is_with_agency=books.with_agency.get(item, notice.pk) != notice.pk,
        is_excepted=any(
            exception.forbids(policy_code=level.policy.code, is_formal=level.kind in FORMAL)
            for exception in exceptions
        ),
        is_too_late=level.kind == Level.Kind.PRE_REMINDER and line.item.due_date < today,
    )


def _surrounded(facts: NoticeNow, notice: Notice, around: Surroundings) -> NoticeNow:
    entity = notice.legal_entity_id
    return replace(
        facts,
        is_stopped=not around.stopped.isdisjoint({None, entity}),
        has_unmatched_receipt=notice.customer_id in around.unmatched,
        contact_under_way=any(run != notice.run_id for run in around.under_way.get(notice.contact_key, ())),
        bank_limit=around.bank_limits.get(entity),
        bank_age=around.bank_ages.get(entity),
        opens_at=around.openings.get(notice.level_id),
    )
