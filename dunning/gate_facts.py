"""What the gate looks at: the customers and the items of notices as they stand now."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet, Sum

from dunning.gate import LineNow, NoticeNow
from dunning.models import CaseItem, Notice, NoticeLine
from invoices.models import Dispute, OpenItem, Promise

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
    disputed = _ids(Dispute.objects.filter(item__in=items, resolved_on__isnull=True))
    promised = _ids(
        Promise.objects.filter(item__in=items, status=Promise.Status.OPEN, promised_date__gte=today)
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
                LineNow(
                    number=line.item.number,
                    frozen_amount=line.open_amount,
                    open_amount=line.item.open_amount,
                    is_disputed=line.item_id in disputed,
                    is_promised=line.item_id in promised,
                    is_factored=line.item.is_factored,
                    is_with_agency=with_agency.get(line.item_id, notice.pk) != notice.pk,
                )
                for line in lines[notice.pk]
                if line.rank
            ],
        )
        for notice in notices
    }


def _ids(rows: QuerySet) -> set[int]:
    return set(rows.values_list("item", flat=True))
