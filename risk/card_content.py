"""A card as it is stored and edited: JSON in, a checked card out, with every fault named at its place."""

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from risk.score_card import (
    FAMILY_OF,
    HIGHER_IS_BETTER,
    OVERRIDES,
    Card,
    Criterion,
    CriterionRule,
    WhenMissing,
)
from risk.sectors import LETTERS

CLASSES = ("A", "B", "C", "D", "E")
TOTAL = 100
MAX_MONTHS = 120
_LARGEST = Decimal(100_000)
_FRESHNESS = ("accounts_months", "rating_months", "legal_months")


@dataclass(frozen=True)
class CardFault:
    """Something wrong in a card: `place` is the input (`weight-DAYS_LATE`), `code` chooses the words."""

    place: str
    code: str
    value: str = ""


class FaultyCard(ValueError):
    """The content is no card; `faults` says all that is wrong."""

    def __init__(self, faults: list[CardFault]) -> None:
        super().__init__("; ".join(f"{fault.place}: {fault.code}" for fault in faults))
        self.faults = faults


def content_of(card: Card) -> dict[str, Any]:
    """The card as JSON."""
    return {
        "criteria": [
            {
                "criterion": rule.criterion.value,
                "weight": rule.weight,
                "best": str(rule.best),
                "worst": str(rule.worst),
                "when_missing": rule.when_missing.value,
            }
            for rule in card.criteria
        ],
        "bounds": dict(card.bounds),
        "caps": {criterion.value: card.caps[criterion] for criterion in OVERRIDES if criterion in card.caps},
        "sectors": {letter: card.sectors[letter] for letter in LETTERS if letter in card.sectors},
        "accounts_months": card.accounts_months,
        "rating_months": card.rating_months,
        "legal_months": card.legal_months,
        "formal_notice_days": card.formal_notice_days,
    }


def card_of(content: Mapping[str, Any], version: int) -> Card:
    """The card that the content says. Raises FaultyCard naming every fault."""
    reader = _Reader(content)
    card = Card(
        version=version,
        criteria=reader.criteria(),
        bounds=reader.bounds(),
        caps=reader.caps(),
        sectors=reader.sectors(),
        formal_notice_days=reader.number("formal_notice_days", 8, 0, 365),
        accounts_months=reader.number("accounts_months", 24, 1, MAX_MONTHS),
        rating_months=reader.number("rating_months", 12, 1, MAX_MONTHS),
        legal_months=reader.number("legal_months", 36, 1, MAX_MONTHS),
    )
    if reader.faults:
        raise FaultyCard(reader.faults)
    return card


def fingerprint(content: Mapping[str, Any]) -> str:
    """The same for the same content, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class _Reader:
    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self.faults: list[CardFault] = []

    def fail(self, place: str, code: str, value: object = "") -> None:
        self.faults.append(CardFault(place, code, str(value)[:40]))

    def criteria(self) -> tuple[CriterionRule, ...]:
        found, total = [], 0
        rows = self._content.get("criteria")
        given = (
            {row.get("criterion"): row for row in rows if isinstance(row, Mapping)}
            if isinstance(rows, list)
            else {}
        )
        for criterion in FAMILY_OF:
            row = given.pop(criterion.value, None)
            if row is None:
                continue
            weight = self._whole(row.get("weight"), f"weight-{criterion}", 0, TOTAL)
            best = self._decimal(row.get("best"), f"best-{criterion}")
            worst = self._decimal(row.get("worst"), f"worst-{criterion}")
            if best is not None and worst is not None:
                if best == worst:
                    self.fail(f"worst-{criterion}", "SAME_BOUNDS", worst)
                elif (best > worst) != (criterion in HIGHER_IS_BETTER):
                    self.fail(f"worst-{criterion}", "BOUNDS_REVERSED", worst)
            missing = row.get("when_missing", WhenMissing.NEUTRAL.value)
            if missing not in list(WhenMissing):
                self.fail(f"when_missing-{criterion}", "UNKNOWN", missing)
                missing = WhenMissing.NEUTRAL
            total += weight
            if best is not None and worst is not None and best != worst:
                found.append(CriterionRule(criterion, weight, best, worst, WhenMissing(missing)))
        for name in given:
            self.fail("criteria", "UNKNOWN", name)
        if total != TOTAL:
            self.fail("total", "TOTAL", total)
        # Somebody of whom nothing is known must have a score, too.
        if not any(rule.weight and rule.when_missing is WhenMissing.NEUTRAL for rule in found):
            self.fail("criteria", "NOTHING_CERTAIN")
        return tuple(found)

    def bounds(self) -> tuple[tuple[str, int], ...]:
        given = self._mapping("bounds")
        found = [(name, self._whole(given.get(name), f"bound-{name}", 0, TOTAL)) for name in CLASSES]
        for (_better, higher), (name, lower) in itertools.pairwise(found):
            if lower >= higher:
                self.fail(f"bound-{name}", "BOUNDS_ORDER", lower)
        if found[-1][1] != 0:
            self.fail("bound-E", "LAST_CLASS", found[-1][1])
        return tuple(found)

    def caps(self) -> dict[Criterion, int]:
        given = self._mapping("caps")
        found = {}
        for criterion in OVERRIDES:
            if given.get(criterion.value) is not None:
                found[criterion] = self._whole(given[criterion.value], f"cap-{criterion}", 0, TOTAL)
        for name in given:
            if name not in [criterion.value for criterion in OVERRIDES]:
                self.fail("caps", "UNKNOWN", name)
        if found.get(Criterion.INSOLVENCY, 0) != 0 or Criterion.INSOLVENCY not in found:
            self.fail(
                f"cap-{Criterion.INSOLVENCY}", "INSOLVENCY_IS_ZERO", found.get(Criterion.INSOLVENCY, "")
            )
        return found

    def sectors(self) -> dict[str, int]:
        given = self._mapping("sectors")
        for name in given:
            if name not in LETTERS:
                self.fail("sectors", "UNKNOWN", name)
        return {
            letter: self._whole(given[letter], f"sector-{letter}", 0, 100)
            for letter in LETTERS
            if given.get(letter) is not None
        }

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        return self._whole(self._content.get(name, default), name, lowest, highest)

    def _mapping(self, name: str) -> Mapping[str, Any]:
        given = self._content.get(name, {})
        if isinstance(given, Mapping):
            return given
        self.fail(name, "SHAPE")
        return {}

    def _whole(self, value: object, place: str, lowest: int, highest: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            self.fail(place, "WHOLE", "" if value is None else value)
            return lowest
        return value

    def _decimal(self, value: object, place: str) -> Decimal | None:
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            self.fail(place, "NUMBER", "" if value is None else value)
            return None
        if not found.is_finite() or abs(found) > _LARGEST:
            self.fail(place, "NUMBER", value)
            return None
        return found
