"""Reads of the watch: what waits for a person, the proceedings with what is left of their limits, receipts at risk."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Exists, Min, OuterRef, Q, QuerySet, Sum

from core.models import User
from core.rights import Actor
from customers.models import Customer
from invoices.models import Allocation, OpenItem
from risk.bodacc.identities import numbers_in
from risk.models import ClaimStatement, EventOutcome, InsolvencyProceeding, LegalEvent, ProceedingTask

Matching = LegalEvent.Matching
# Tasks are announced so many days before their day.
ALARM_DAYS = 15
ILLICIT_YEARS = 3


def outcomes_to_review(user: Actor) -> "QuerySet[EventOutcome]":
    """What waits for a decision on the accounts one sees."""
    return EventOutcome.objects.visible_to(user).filter(status=EventOutcome.Status.TO_REVIEW)


def unmatched(user: Actor) -> "QuerySet[LegalEvent]":
    """Announcements that no SIREN ties to an account."""
    return LegalEvent.objects.visible_to(user).filter(matching=Matching.UNMATCHED)


def candidates(event: LegalEvent, user: Actor) -> list[Customer]:
    """The accounts that bear exactly a number the announcement publishes (SIRET, SIREN, register): never by name."""
    text = f"{event.register_number} | {event.complement}"
    sirens, sirets, _wrong = numbers_in(text)
    digits = {re.sub(r"\D", "", part) for part in event.register_number.split("|")} - {""}
    wanted = Q(siret__in=sirets) | Q(siren__in=sirens)
    if digits:
        wanted |= Q(siret__in=digits) | Q(siren__in=digits)
        foreign = {number for number in digits if len(number) >= 6}
        if foreign:
            wanted |= Q(foreign_id__in=foreign)
    found = Customer.objects.visible_to(user).filter(wanted).select_related("legal_entity")
    return list(found.order_by("name", "pk")[:10])


def proceedings(user: Actor) -> "QuerySet[InsolvencyProceeding]":
    """The proceedings one sees, with the next day that counts among their open tasks."""
    return (
        InsolvencyProceeding.objects.visible_to(user)
        .select_related("customer__legal_entity")
        .annotate(
            next_day=Min("tasks__due_date", filter=Q(tasks__status=ProceedingTask.Status.OPEN)),
            has_review=Exists(
                EventOutcome.objects.filter(proceeding=OuterRef("pk"), status=EventOutcome.Status.TO_REVIEW)
            ),
        )
    )


def open_tasks(user: Actor) -> "QuerySet[ProceedingTask]":
    """Tasks still to do in the proceedings one sees."""
    return ProceedingTask.objects.filter(
        status=ProceedingTask.Status.OPEN,
        proceeding__in=InsolvencyProceeding.objects.visible_to(user).order_by(),
    )


@dataclass(frozen=True)
class LateReceipt:
    """Money received after a judgment that settles a prior debt: its payment was forbidden (C. com. L622-7 I)."""

    payment: OpenItem
    debit: OpenItem
    amount: Decimal
    received_on: date


def late_receipts(proceeding: InsolvencyProceeding) -> list[LateReceipt]:
    """The receipts to look at; set-off of connected debts is allowed, and a credit note is no payment."""
    rows = (
        Allocation.objects.filter(
            debit__customer=proceeding.customer_id,
            debit__issue_date__lt=proceeding.judgment_date,
            credit__kind=OpenItem.Kind.PAYMENT,
            credit__issue_date__gte=proceeding.judgment_date,
            reversed_on__isnull=True,
        )
        .select_related("debit", "credit")
        .order_by("credit__issue_date", "id")
    )
    return [LateReceipt(row.credit, row.debit, row.amount, row.credit.issue_date) for row in rows[:200]]


def proceedings_with_late_receipts(user: Actor) -> "QuerySet[InsolvencyProceeding]":
    """The live proceedings in which money came in after the judgment for what was owed before."""
    paid = Allocation.objects.filter(
        debit__customer=OuterRef("customer"),
        debit__issue_date__lt=OuterRef("judgment_date"),
        credit__kind=OpenItem.Kind.PAYMENT,
        credit__issue_date__gte=OuterRef("judgment_date"),
        reversed_on__isnull=True,
    )
    return InsolvencyProceeding.objects.visible_to(user).live().filter(Exists(paid))


def unmatched_receipts(proceeding: InsolvencyProceeding) -> dict[str, Decimal]:
    """Money received since the judgment and not yet allocated, per currency."""
    rows = (
        OpenItem.objects.filter(
            customer=proceeding.customer_id,
            kind=OpenItem.Kind.PAYMENT,
            issue_date__gte=proceeding.judgment_date,
            open_amount__lt=0,
        )
        .order_by()
        .values("currency")
        .annotate(total=Sum("open_amount"))
    )
    return {row["currency"]: -row["total"] for row in rows}


def events_of_customer(customer: Customer, limit: int = 50) -> list[LegalEvent]:
    """What was published of an account's company, the latest first."""
    mine = Q(customer=customer)
    if customer.siren:
        mine |= Q(siren=customer.siren)
    return list(LegalEvent.objects.filter(mine).order_by("-publication_date", "-pk")[:limit])


def last_statements(proceeding: InsolvencyProceeding) -> list[ClaimStatement]:
    return list(proceeding.statements.select_related("file").order_by("-version"))


def tasks_at_hand(user: User, today: date) -> "QuerySet[ProceedingTask]":
    """Open tasks whose day has passed or comes within a fortnight."""
    return open_tasks(user).filter(due_date__lte=today + timedelta(days=ALARM_DAYS))


def illicit_until(received_on: date) -> date:
    """Until when a forbidden payment can be annulled: three years (C. com. L622-7 III)."""
    try:
        return received_on.replace(year=received_on.year + ILLICIT_YEARS)
    except ValueError:
        return received_on.replace(year=received_on.year + ILLICIT_YEARS, day=28)


def struck_off(customers: Sequence[Customer]) -> dict[int, LegalEvent]:
    """The latest strike-off or cessation of each account's company, unless it came back since."""
    sirens = {customer.siren: [] for customer in customers if customer.siren}
    by_siren: dict[str, LegalEvent] = {}
    rows = LegalEvent.objects.filter(
        siren__in=sirens,
        kind__in=(LegalEvent.Kind.STRIKE_OFF, LegalEvent.Kind.CEASED, LegalEvent.Kind.REVIVED),
        annulled_on__isnull=True,
    ).order_by("publication_date", "pk")
    for row in rows:
        by_siren[row.siren] = row
    ended = defaultdict(lambda: None, by_siren)
    return {
        customer.pk: found
        for customer in customers
        if (found := ended[customer.siren]) is not None and found.kind != LegalEvent.Kind.REVIVED
    }
