"""What the gate looks at: the customers and the items of notices as they stand now."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from dunning.gate import LineNow, NoticeNow
from dunning.models import CaseItem, Notice, NoticeLine
from dunning.selection import Parts, parts_of
from invoices.models import Dispute, OpenItem, PaymentPlan, PlanItem
from invoices.promised_parts import promised_parts

ZERO = Decimal("0.00")


def notice_now(notice: Notice, *, today: date) -> NoticeNow:
    """The notice's customer and items as they stand, for the gate. Call it with the notice locked."""
    return notices_now([notice], today=today)[notice.pk]


def notices_now(notices: Sequence[Notice], *, today: date) -> dict[int, NoticeNow]:
    """The same for many notices, by their key: as many queries as for one."""
    lines: dict[int, list[NoticeLine]] = defaultdict(list)
    for line in (
        NoticeLine.objects.filter(notice__in=[notice.pk for notice in notices])
        .select_related("item")
        .order_by("id")
    ):
        lines[line.notice_id].append(line)
    items = [line.item_id for of_notice in lines.values() for line in of_notice if line.rank]
    disputed = dict(
        Dispute.objects.filter(item__in=items, resolved_on__isnull=True).values_list("item", "amount")
    )
    promised = promised_parts(items, today)
    planned = set(
        PlanItem.objects.filter(
            item__in=items, released_on__isnull=True, plan__status=PaymentPlan.Status.ACTIVE
        ).values_list("item", flat=True)
    )
    # The agency's items, but for those of the notice's own case.
    with_agency = dict(
        CaseItem.objects.filter(item__in=items, is_live=True).values_list("item", "case__notice")
    )
    credit = {
        (row["customer"], row["currency"]): -row["total"]
        for row in OpenItem.objects.filter(
            customer__in={notice.customer_id for notice in notices}, open_amount__lt=0, issue_date__lte=today
        )
        .order_by()
        .values("customer", "currency")
        .annotate(total=Sum("open_amount"))
    }
    return {
        notice.pk: NoticeNow(
            is_insolvent=notice.customer.status == notice.customer.Status.INSOLVENT,
            is_on_hold=notice.customer.status == notice.customer.Status.ON_HOLD
            and (notice.customer.hold_until is None or notice.customer.hold_until >= today),
            frozen_credit=-sum((line.open_amount for line in lines[notice.pk] if not line.rank), ZERO),
            credit=credit.get((notice.customer_id, notice.currency), ZERO),
            lines=[
                _line_now(
                    line,
                    parts_of(
                        line.item.open_amount,
                        disputed.get(line.item_id, ZERO),
                        promised.get(line.item_id, ZERO),
                    ),
                    is_planned=line.item_id in planned,
                    is_with_agency=with_agency.get(line.item_id, notice.pk) != notice.pk,
                )
                for line in lines[notice.pk]
                if line.rank
            ],
        )
        for notice in notices
    }


def _line_now(line: NoticeLine, parts: Parts, *, is_planned: bool, is_with_agency: bool) -> LineNow:
    return LineNow(
        number=line.item.number,
        frozen_amount=line.balance_amount,
        open_amount=line.item.open_amount,
        frozen_disputed=line.disputed_amount,
        disputed_amount=parts.disputed,
        frozen_promised=line.promised_amount,
        promised_amount=parts.promised,
        is_planned=is_planned,
        is_factored=line.item.is_factored,
        is_with_agency=is_with_agency,
    )
