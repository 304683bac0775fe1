"""What the gate looks at: the customer and the items of a notice as they stand now."""

from datetime import date
from decimal import Decimal

from django.db.models import QuerySet, Sum

from dunning.gate import LineNow, NoticeNow
from dunning.models import CaseItem, Notice
from invoices.models import Dispute, OpenItem, Promise

ZERO = Decimal("0.00")


def notice_now(notice: Notice, *, today: date) -> NoticeNow:
    """The notice's customer and items as they stand, for the gate. Call it with the notice locked."""
    customer = notice.customer
    lines = list(notice.lines.select_related("item").order_by("id"))
    items = [line.item_id for line in lines if line.rank]
    disputed = _ids(Dispute.objects.filter(item__in=items, resolved_on__isnull=True))
    promised = _ids(
        Promise.objects.filter(item__in=items, status=Promise.Status.OPEN, promised_date__gte=today)
    )
    with_agency = _ids(CaseItem.objects.filter(item__in=items, is_live=True).exclude(case__notice=notice))
    credit = OpenItem.objects.filter(
        customer=customer, currency=notice.currency, open_amount__lt=0, issue_date__lte=today
    ).aggregate(total=Sum("open_amount"))["total"]
    return NoticeNow(
        is_insolvent=customer.status == customer.Status.INSOLVENT,
        is_on_hold=customer.status == customer.Status.ON_HOLD
        and (customer.hold_until is None or customer.hold_until >= today),
        frozen_credit=-sum((line.open_amount for line in lines if not line.rank), ZERO),
        credit=-(credit or ZERO),
        lines=[
            LineNow(
                number=line.item.number,
                frozen_amount=line.open_amount,
                open_amount=line.item.open_amount,
                is_disputed=line.item_id in disputed,
                is_promised=line.item_id in promised,
                is_factored=line.item.is_factored,
                is_with_agency=line.item_id in with_agency,
            )
            for line in lines
            if line.rank
        ],
    )


def _ids(rows: QuerySet) -> set[int]:
    return set(rows.values_list("item", flat=True))
