"""The fixed sum that a late debt owes for recovery costs, by tiers of its amount. Pure: the tiers are passed in.

Directive 2011/7/EU, art. 6: at least 40 € a debt; some laws give more for larger debts. A text of the registry
tells them: `EUR|<=1000:40 <=10000:70 *:100` (the sum's currency, the tiers: bound, sum); `EUR|PLN|…` when the bounds
are in another currency; `EUR|min 40|max 6775|<=2500:15% …` when each slice of the debt owes a percentage.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from core.money import round_money


class FixedCostError(ValueError):
    """A text describes no tiers; the message shows one that does."""


class UnknownTier(LookupError):
    """The tiers are counted in a currency that is not the debt's: a person says which tier it is in."""


@dataclass(frozen=True)
class Tier:
    """Up to `bound` (None: no bound), itself counted when `inclusive`: a sum, or a percentage of the slice."""

    bound: Decimal | None
    inclusive: bool
    value: Decimal
    is_percentage: bool = False

    def holds(self, amount: Decimal) -> bool:
        return self.bound is None or amount < self.bound or (self.inclusive and amount == self.bound)


@dataclass(frozen=True)
class FixedCost:
    """The tiers of one law; `currency` is that of the sum, `bounds_currency` that of the bounds (empty: none)."""

    currency: str
    tiers: tuple[Tier, ...]
    bounds_currency: str = ""
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    def for_debt(self, amount: Decimal, currency: str) -> Decimal:
        """The sum that a debt owes. Raises UnknownTier when its currency is not that of the bounds."""
        if len(self.tiers) > 1 and currency != self.bounds_currency:
            raise UnknownTier(currency)
        if self.tiers[0].is_percentage:
            return self._by_slices(amount)
        return next(tier.value for tier in self.tiers if tier.holds(amount))

    def _by_slices(self, amount: Decimal) -> Decimal:
        total, floor = Decimal(0), Decimal(0)
        for tier in self.tiers:
            ceiling = amount if tier.bound is None else min(amount, tier.bound)
            total += max(ceiling - floor, Decimal(0)) * tier.value / 100
            floor = max(floor, ceiling)
        total = max(round_money(total), self.minimum or Decimal(0))
        return total if self.maximum is None else min(total, self.maximum)


_CURRENCY = re.compile(r"[A-Z]{3}")
_LIMIT = re.compile(r"(min|max) ([0-9]+(?:\.[0-9]{1,2})?)")
_TIER = re.compile(r"(<=?|\*)([0-9]+(?:\.[0-9]{1,2})?)?:([0-9]+(?:\.[0-9]{1,2})?)(%?)")


def parse_fixed_cost(text: str) -> FixedCost:
    """Read the tiers of a registry value. Raises FixedCostError."""
    *head, tail = (part.strip() for part in text.split("|"))
    currencies = [part for part in head if _CURRENCY.fullmatch(part)]
    limits = {found[1]: Decimal(found[2]) for part in head if (found := _LIMIT.fullmatch(part))}
    tiers = tuple(_tier(part) for part in tail.split())
    bounded = [tier.bound for tier in tiers[:-1]]
    if (
        not 1 <= len(currencies) <= 2
        or len(currencies) + len(limits) != len(head)
        or not tiers
        or tiers[-1].bound is not None
        or None in bounded
        or bounded != sorted(bounded, key=lambda bound: bound or Decimal(0))
        or len({tier.is_percentage for tier in tiers}) != 1
    ):
        raise FixedCostError(_message(text))
    return FixedCost(
        currency=currencies[0],
        tiers=tiers,
        bounds_currency=currencies[-1] if bounded else "",
        minimum=limits.get("min"),
        maximum=limits.get("max"),
    )


def _tier(text: str) -> Tier:
    found = _TIER.fullmatch(text)
    if not found or (found[1] == "*") != (found[2] is None):
        raise FixedCostError(_message(text))
    bound = Decimal(found[2]) if found[2] else None
    return Tier(bound, found[1] == "<=", Decimal(found[3]), bool(found[4]))


def _message(text: str) -> str:
    return _("Barème illisible : « %(text)s ». Exemple : EUR|<=1000:40 <=10000:70 *:100.") % {"text": text}
