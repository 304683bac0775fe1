"""Is a run's volume unusual? Pure: the run beside the last ones, in notices and, by currency, in principal.

An import gone wrong or a policy too eager shows as a run out of proportion; it waits for a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

# With how many of the last runs that wrote anything a run is compared.
RUNS_COMPARED = 10

NOTICES, AMOUNT = "notices", "amount"

# By currency: how many notices, and their principal.
Volume = Mapping[str, tuple[int, Decimal]]


@dataclass(frozen=True)
class Unusual:
    """What went beyond its measure: `volume` against `usual`, the median of `runs` runs, times `ratio`."""

    what: str
    volume: Decimal
    usual: Decimal
    ratio: Decimal
    runs: int
    currency: str = ""

    def as_json(self) -> dict[str, str | int]:
        """As kept on the run: numbers as text, the amount in `currency`."""
        return {
            "what": self.what,
            "volume": str(self.volume),
            "usual": str(self.usual),
            "ratio": str(self.ratio),
            "runs": self.runs,
            "currency": self.currency,
        }


def unusual(now: Volume, before: Sequence[Volume], *, ratio: Decimal, minimum: int) -> Unusual | None:
    """What is unusual about a run beside those before, the notices first; None when nothing is.

    Never below `minimum` notices (in all; of the currency for amounts), nor without any run to compare with.
    """
    notices = sum(count for count, _amount in now.values())
    counts = [Decimal(sum(count for count, _amount in volume.values())) for volume in before]
    if counts and notices > minimum and notices > ratio * median(counts):
        return Unusual(NOTICES, Decimal(notices), median(counts), ratio, len(counts))
    for currency, (count, amount) in sorted(now.items()):
        amounts = [volume[currency][1] for volume in before if currency in volume]
        if amounts and count > minimum and amount > ratio * median(amounts):
            return Unusual(AMOUNT, amount, median(amounts), ratio, len(amounts), currency)
    return None
