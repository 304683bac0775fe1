"""Why a proposal was made, and why it was not posted without a person, in words."""

from collections.abc import Iterable, Mapping
from typing import Any

from invoices.filters_cash import SWITCHED_OFF
from invoices.matching_words import sentence


def reason_words(reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    """One sentence for each reason that has words."""
    return [words for words in (_sentence(reason) for reason in reasons) if words]


def block_words(blocks: Iterable[Mapping[str, Any]]) -> list[str]:
    """What speaks against posting alone; the house's own switch is no doubt."""
    return [words for words in (_sentence(block) for block in blocks if block not in SWITCHED_OFF) if words]


def _sentence(reason: Mapping[str, Any]) -> str:
    return sentence(reason)
