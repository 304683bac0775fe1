"""What insured and secured limits rest on: the insurer's cover and the securities in force, as a limit sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from customers.models import Customer
from risk.cover import secured


@dataclass(frozen=True)
class Covered:
    """What is covered for one customer in one currency, and since when that is known.

    `insured_amount` is what the insurer pays at most, before the quota share: the limit that it backs is
    `insured_amount ÷ quota_share` plus the own-risk envelope of the policy.
    """

    currency: str
    insured_amount: Decimal | None = None
    quota_share: Decimal | None = None  # ratio: 0.9 is 90 %
    insured_until: date | None = None
    secured_amount: Decimal = Decimal(0)
    stops_delivery: bool = False


@dataclass(frozen=True)
class CoveredAmounts:
    by_customer: Mapping[int, Covered] = field(default_factory=dict)

    def of(self, customer_id: int, basis: str, currency: str) -> Decimal:
        """How much of a limit with that basis counts; nothing where there is no cover in its currency."""
        covered = self.by_customer.get(customer_id)
        if covered is None or covered.currency != currency:
            return Decimal(0)
        if basis == "SECURED":
            return covered.secured_amount
        return covered.insured_amount or Decimal(0)


def covered_amounts(customers: Sequence[Customer], today: date) -> CoveredAmounts:
    """What the covers and guarantees in force are worth for these customers, in one statement."""
    found = {}
    for pk, each in secured([customer.pk for customer in customers], today).items():
        cover = each.cover
        if cover is None and not each.guaranteed_amount:
            continue
        found[pk] = Covered(
            each.currency,
            insured_amount=cover.amount if cover else None,
            quota_share=cover.quota_share if cover else None,
            insured_until=cover.until if cover else None,
            secured_amount=each.guaranteed_amount,
            stops_delivery=cover is not None and cover.stop_delivery is not None,
        )
    return CoveredAmounts(found)
