"""Payers' names as banks write them, compared with the names of accounts: forms of companies left out, cut names."""

import re
from functools import lru_cache

from invoices.matching.masks import fold

# A bank cuts names at 27, 32 or 35 characters: the beginning of a long name is as good as the name.
CUT_NAME = 14

_FORM_WORDS = (
    "SA SAS SASU SARL SARLU EURL SCI SNC SCOP SCA SCS SEM GIE EI EIRL SELARL SELAS SCM SCP EPIC GMBH AG KG OHG UG CO MBH EV EK "
    "BV NV VOF LTD LIMITED PLC LLC LLP INC CORP SPA SRL SL SLU SAPA CIE STE SOCIETE SOC ETS ETABLISSEMENTS ETABLISSEMENT "
    "MR MME M MONSIEUR MADAME THE GROUPE GROUP HOLDING ET UND AND DE DES DU LA LE LES D L"
)
_FORMS = frozenset(_FORM_WORDS.split())
_DOTTED = re.compile(r"\b(?:[A-Z]\.){2,}[A-Z]?\b|\b(?:[A-Z] ){2,}[A-Z]\b")
_NOT_A_WORD = re.compile(r"[^A-Z0-9]+")


@lru_cache(maxsize=200_000)
def name_key(name: str) -> str:
    """The words of a name that tell it from others, in their order; all of them when none would be left."""
    text = _DOTTED.sub(lambda match: re.sub("[^A-Z]", "", match.group()), fold(name))
    words = [word for word in _NOT_A_WORD.split(text) if word]
    kept = [word for word in words if word not in _FORMS]
    return " ".join(kept or words)


def similarity(one: str, other: str) -> float:
    """From 0 to 1 between two `name_key`s: shared groups of three letters, whatever the order of the words."""
    if not one or not other:
        return 0.0
    if one == other or sorted(one.split()) == sorted(other.split()):
        return 1.0
    short, long = sorted((one, other), key=len)
    if len(short) >= CUT_NAME and long.startswith(short):
        return 0.95
    first, second = _trigrams(one), _trigrams(other)
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


@lru_cache(maxsize=100_000)
def _trigrams(key: str) -> frozenset[str]:
    found: set[str] = set()
    for word in key.split():
        padded = f"  {word} "
        found.update(padded[place : place + 3] for place in range(len(padded) - 2))
    return frozenset(found)
