"""Who pays: the signs by which a line's payer is recognised, and what they are worth."""

from collections.abc import Iterable, Mapping

from invoices.matching.names import similarity
from invoices.matching.reasons import PAYER
from invoices.matching.values import Account, Line, Payer

# Below, two names are of two companies.
LEAST_SIMILAR = 60
# Signs that leave no doubt about the customer, though no person has confirmed them.
SURE = frozenset(
    {
        "payer_iban",
        "payer_mandate",
        "payer_account",
        "payer_name_known",
        "payer_code",
        "payer_siren",
        "payer_name",
    }
)
# Signs of the payer that a name gives.
BY_NAME = frozenset({"payer_name_known", "payer_name"})


def names_of(line: Line) -> list[str]:
    """The payer's names on the line, the final one first: it is for him that the other pays."""
    return [name for name in dict.fromkeys((line.ultimate_name, line.name)) if name.strip()]


def by_name(name_key: str, customers: Mapping[int, str], *, in_text: bool = False) -> list[Payer]:
    """The customers whose `name_key` is near, best first; several when they are as near as each other."""
    scored = sorted(
        ((round(similarity(name_key, key) * 100), pk) for pk, key in customers.items()),
        key=lambda pair: (-pair[0], pair[1]),
    )
    found = []
    for percent, pk in scored[:5]:
        if percent < LEAST_SIMILAR:
            break
        code = "payer_name" if percent >= 95 else "payer_name_similar"
        found.append(Payer(pk, "payer_name_in_text" if in_text else code, name_key, percent))
    # Names as near as one another tell nobody apart.
    best = [payer for payer in found if payer.similarity >= found[0].similarity - 10]
    if len(best) > 1:
        return [
            Payer(payer.customer_id, "payer_name_similar", payer.text, payer.similarity) for payer in best
        ]
    return best


def combined(payers: Iterable[Payer]) -> list[Payer]:
    """One sign per customer, the strongest."""
    best: dict[int, Payer] = {}
    for payer in payers:
        held = best.get(payer.customer_id)
        if held is None or PAYER[payer.code] > PAYER[held.code]:
            best[payer.customer_id] = payer
    return sorted(best.values(), key=lambda payer: (-PAYER[payer.code], payer.customer_id))


def others_of_group(payers: Iterable[Payer], accounts: Mapping[int, Account]) -> list[Payer]:
    """The other members of the groups of these payers: one may pay for another."""
    payers = list(payers)
    own = {payer.customer_id for payer in payers}
    groups = {accounts[pk].group: pk for pk in own if pk in accounts and accounts[pk].group}
    return [
        Payer(account.pk, "payer_of_group", accounts[groups[account.group]].name)
        for account in accounts.values()
        if account.group in groups and account.pk not in own
    ]
