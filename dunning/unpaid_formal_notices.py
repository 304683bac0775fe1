"""Which customers have had a formal notice of which something is still unpaid, and since when."""

from datetime import date

from django.db.models import Min

from dunning.models import Level, Notice, NoticeLine


def unpaid_formal_notices(today: date) -> dict[int, date]:
    """Per customer, the day of his oldest formal notice, sent by today, that names an item still open."""
    rows = (
        NoticeLine.objects.filter(
            in_force=True,
            item__open_amount__gt=0,
            notice__status=Notice.Status.SENT,
            notice__level__kind=Level.Kind.FORMAL_NOTICE,
            notice__sent_on__lte=today,
        )
        .order_by()
        .values("notice__customer")
        .annotate(first=Min("notice__sent_on"))
    )
    return {row["notice__customer"]: row["first"] for row in rows}
