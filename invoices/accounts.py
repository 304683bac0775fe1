"""What customers owe, as of a day: the figures of their accounts, for a page of customers or for one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from invoices.ageing_buckets import STORED
from invoices.ageing_sql import LedgerScope, ageing_rows


@dataclass(frozen=True)
class AccountFigures:
    """A customer's account in one currency. `buckets` go from not due to the oldest; credits stand apart."""

    currency: str
    buckets: tuple[tuple[str, Decimal], ...]
    credits_amount: Decimal
    overdue_amount: Decimal
    disputed_amount: Decimal
    total_amount: Decimal
    oldest_due_date: date | None
    as_of: date

    @property
    def owed_amount(self) -> Decimal:
        """What is due or will be, before credit notes and receipts that settle nothing yet."""
        return sum((amount for _label, amount in self.buckets), Decimal(0))

    @property
    def days_late(self) -> int:
        """Days since the oldest due date of what is owed; zero when nothing is late."""
        return max((self.as_of - self.oldest_due_date).days, 0) if self.oldest_due_date else 0


def account_figures(customer_ids: Sequence[int], as_of: date) -> dict[int, list[AccountFigures]]:
    """The figures of each customer that has open items, the largest balance first. One query."""
    if not customer_ids:
        return {}
    sql, params = ageing_rows(as_of, STORED, LedgerScope(customers=list(customer_ids)))
    labels = STORED.labels()
    found: dict[int, list[AccountFigures]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column.name for column in cursor.description or ()]
        for values in cursor.fetchall():
            row = dict(zip(names, values, strict=True))
            found[row["customer_id"]].append(
                AccountFigures(
                    currency=row["currency"],
                    buckets=tuple(
                        (label, row[f"bucket_{index}_amount"]) for index, label in enumerate(labels)
                    ),
                    credits_amount=row["credits_amount"],
                    overdue_amount=row["overdue_amount"],
                    disputed_amount=row["disputed_amount"],
                    total_amount=row["total_amount"],
                    oldest_due_date=row["oldest_due_date"],
                    as_of=as_of,
                )
            )
    for accounts in found.values():
        accounts.sort(key=lambda account: (-account.total_amount, account.currency))
    return dict(found)
