"""Why a proposal was made, and why it was not posted without a person, in words."""

from collections.abc import Iterable, Mapping
from typing import Any

from invoices.filters_cash import SWITCHED_OFF
from invoices.matching_words import sentence


def reason_words(reasons: Iterable[Mapping[str, Any]], currency: str = "") -> list[str]:
    """One sentence for each reason."""
    return [sentence(reason, currency or None) for reason in reasons]


def block_words(blocks: Iterable[Mapping[str, Any]], currency: str = "") -> list[str]:
    """What speaks against posting alone; the house's own switch is no doubt."""
    return [sentence(block, currency or None) for block in blocks if block not in SWITCHED_OFF]
