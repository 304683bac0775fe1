"""The portfolio seen by risk: classes with their amounts, and the lists behind the tabs of the page."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Case, DecimalField, Exists, F, OuterRef, QuerySet, Value, When
from django.db.models.functions import Round

from core.keyset import KeysetPage
from customers.models import Customer
from invoices.ageing_sql import named_query
from risk.exposure import Balances, Exposure, exposures
from risk.models import CreditLimit, Score

CHANGE_DAYS = 30
# A limit of zero that is exceeded comes before any share.
BEYOND_ANY_SHARE = Decimal(10) ** 20
_SHARE = DecimalField(max_digits=30, decimal_places=6)

_CLASSES = """
SELECT coalesce(score.risk_class, '') AS risk_class, owed.currency, count(DISTINCT customer.pk) AS customers,
       coalesce(sum(owed.balance), 0) AS balance, coalesce(sum(owed.overdue), 0) AS overdue
FROM ({customers}) customer (pk)
LEFT JOIN risk_score score ON score.customer_id = customer.pk AND score.is_current
LEFT JOIN (
    SELECT coalesce(ledger.customer_id, pending.customer_id), coalesce(ledger.currency, pending.currency),
           coalesce(ledger.balance, 0) + coalesce(pending.counted_amount, 0), coalesce(ledger.overdue, 0)
    FROM ({balances}) ledger (customer_id, currency, balance, overdue)
    FULL JOIN risk_pendingamount pending
      ON pending.customer_id = ledger.customer_id AND pending.currency = ledger.currency
) owed (customer_id, currency, balance, overdue) ON owed.customer_id = customer.pk
GROUP BY GROUPING SETS ((coalesce(score.risk_class, ''), owed.currency), (coalesce(score.risk_class, '')))
HAVING GROUPING(owed.currency) = 1 OR owed.currency IS NOT NULL
"""


@dataclass(frozen=True)
class ClassAmounts:
    currency: str
    exposure_amount: Decimal
    overdue_amount: Decimal


@dataclass(frozen=True)
class ClassSummary:
    """One class of risk: how many customers, and what they owe per currency. An empty name: not scored yet."""

    risk_class: str
    customer_count: int
    amounts: tuple[ClassAmounts, ...]


@dataclass(frozen=True)
class RiskRow:
    """A customer as the lists of risk show him."""

    customer: Customer
    score: Score | None
    exposure: Exposure


def class_summaries(customers: "QuerySet[Customer]", held: Balances) -> list[ClassSummary]:
    """Classes A to E, then the customers without a score, when there are any."""
    inner, params = named_query(customers.order_by().values("pk"), "customer")
    owed, owed_params = named_query(held.rows.values("customer_id", "currency", "balance", "overdue"), "owed")
    counts: dict[str, int] = defaultdict(int)
    amounts: dict[str, list[ClassAmounts]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_CLASSES.format(customers=inner, balances=owed), {**params, **owed_params})
        for risk_class, currency, count, balance, overdue in cursor.fetchall():
            if currency is None:
                counts[risk_class] = count
            else:
                amounts[risk_class].append(ClassAmounts(currency, balance, overdue))
    # The currency in which most is owed leads in every class.
    weights: dict[str, Decimal] = defaultdict(Decimal)
    for part in (part for parts in amounts.values() for part in parts):
        weights[part.currency] += part.exposure_amount
    names = [*Score.RiskClass.values, *([""] if counts[""] else [])]
    return [
        ClassSummary(
            name,
            counts[name],
            tuple(sorted(amounts[name], key=lambda part: (-weights[part.currency], part.currency))),
        )
        for name in names
    ]


def over_limit(customers: "QuerySet[Customer]", held: Balances) -> "QuerySet[CreditLimit]":
    """Limits in force that the exposure exceeds, with `exposure`, `excess` and `share`."""
    return (
        CreditLimit.objects.in_force()
        .filter(customer__in=customers)
        .annotate(exposure=held.of("customer", "currency"))
        .filter(exposure__gt=F("amount"))
        .annotate(
            excess=F("exposure") - F("amount"),
            share=Case(
                When(amount=0, then=Value(BEYOND_ANY_SHARE, output_field=_SHARE)),
                # Rounded, so that the cursor of a page compares with what is compared.
                default=Round(F("exposure") / F("amount"), precision=6, output_field=_SHARE),
                output_field=_SHARE,
            ),
        )
        .select_related("customer", "customer__legal_entity")
    )


def without_limit(customers: "QuerySet[Customer]", held: Balances) -> "QuerySet[Customer]":
    """Customers who owe and for whom nobody has decided a limit, with `exposure` in their own currency."""
    limits = CreditLimit.objects.in_force().filter(customer=OuterRef("pk"))
    return (
        customers.filter(~Exists(limits))
        .annotate(exposure=held.of("pk", "currency"))
        .filter(exposure__gt=0)
        .select_related("legal_entity")
    )


def class_changes(customers: "QuerySet[Customer]", today: date) -> "QuerySet[Score]":
    """Scores in force whose class is less than CHANGE_DAYS days old, and was another one before."""
    return (
        Score.objects.current()
        .filter(customer__in=customers, class_since__gt=today - timedelta(days=CHANGE_DAYS))
        .exclude(previous_class="")
        .select_related("customer", "customer__legal_entity")
    )


def scored(customers: "QuerySet[Customer]") -> "QuerySet[Score]":
    """Every score in force of these customers."""
    return (
        Score.objects.current()
        .filter(customer__in=customers)
        .select_related("customer", "customer__legal_entity")
    )


def page_rows(
    page: "KeysetPage[CreditLimit] | KeysetPage[Customer] | KeysetPage[Score]", today: date
) -> list[RiskRow]:
    """The rows of a page of any of the lists, with figures of this moment. Three queries at most."""
    customers = [row if isinstance(row, Customer) else row.customer for row in page.rows]
    scores = {row.customer_id: row for row in page.rows if isinstance(row, Score)} or _scores(customers)
    found = exposures(customers, today)
    return [RiskRow(customer, scores.get(customer.pk), found[customer.pk]) for customer in customers]


def _scores(customers: Iterable[Customer]) -> dict[int, Score]:
    current = Score.objects.current().filter(customer__in=[customer.pk for customer in customers])
    return {row.customer_id: row for row in current}
