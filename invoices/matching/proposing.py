"""From what a line says and what the ledger holds to proposals with a score and reasons, best first."""

import re
from collections.abc import Iterable, Mapping, Sequence

from invoices.matching.certainty import Context, blocks_of
from invoices.matching.families import Way, named_ways, part_of_account, unnamed_ways
from invoices.matching.naming import LineReading, looks_like_ours, name_items
from invoices.matching.numbers import Strength
from invoices.matching.payers import BY_NAME, SURE, combined, others_of_group
from invoices.matching.reasons import POINTS
from invoices.matching.values import Account, Candidates, Item, Line, Naming, Payer, Proposal, Reason, Rules

MOST_PROPOSALS = 5
LEAST_SCORE = 10

_NAMED_CODES = {
    Strength.REFERENCE: "named_reference",
    Strength.FULL: "named_full",
    Strength.DIGITS: "named_digits",
    Strength.TAIL: "named_tail",
    Strength.NOISY: "named_noisy",
    Strength.RANGE: "named_range",
}


def propose(line: Line, reading: LineReading, candidates: Candidates, rules: Rules) -> list[Proposal]:
    """The best ways to apply the line, at most MOST_PROPOSALS. A proposal without blocks may be posted by itself."""
    accounts = candidates.accounts
    payers = combined(candidates.payers)
    members = others_of_group(payers, accounts)
    signs = {payer.customer_id: payer for payer in (*members, *payers)}
    namings = name_items(reading, (item for account in accounts.values() for item in account.items))
    namings = _credible(line, namings, signs)
    context = Context(
        line=line,
        rules=rules,
        accounts=accounts,
        payers=payers,
        namings=namings,
        unknown_numbers=looks_like_ours(reading, namings, _known_items(accounts, signs, namings)),
        same_amount=candidates.same_amount,
        undone=candidates.undone,
    )
    found = [
        *_named(context),
        *_several_customers(context),
        *_unnamed(context, payers, members),
        *_by_amount_only(context, signs),
    ]
    best = _best_of(found, context, signs)
    for proposal in best:
        proposal.blocks = blocks_of(proposal, best, context)
    return best


def _known_items(
    accounts: Mapping[int, Account], signs: dict[int, Payer], namings: Sequence[Naming]
) -> list[Item]:
    owners = set(signs) | {naming.item.customer_id for naming in namings}
    return [item for pk, account in accounts.items() if pk in owners for item in account.items]


def _credible(line: Line, namings: list[Naming], signs: dict[int, Payer]) -> list[Naming]:
    """A part of a number fits many accounts: where the payer is recognised, only his count, unless the rest fits."""
    by_customer: dict[int, list[Naming]] = {}
    for naming in namings:
        by_customer.setdefault(naming.item.customer_id, []).append(naming)
    kept: list[Naming] = []
    strong = {pk for pk, group in by_customer.items() if any(n.strength >= Strength.DIGITS for n in group)}
    for pk, group in by_customer.items():
        exact = sum(naming.item.cents for naming in group) == line.cents
        if pk in signs or pk in strong or exact:
            kept += [n for n in group if n.strength != Strength.RANGE or _has_end(n, group) or pk in signs]
        elif not signs and not strong:
            kept += [n for n in group if n.strength != Strength.RANGE or _has_end(n, group)]
    return kept


def _has_end(naming: Naming, group: Iterable[Naming]) -> bool:
    return any(other.strength > Strength.RANGE and other.start <= naming.start < other.end for other in group)


def _named(context: Context) -> list[tuple[Way, int]]:
    found: list[tuple[Way, int]] = []
    by_customer: dict[int, list[Item]] = {}
    for naming in context.namings:
        by_customer.setdefault(naming.item.customer_id, []).append(naming.item)
    for pk, items in by_customer.items():
        ordered = sorted(items, key=lambda item: (item.due_date, item.pk))
        ways = named_ways(context.line, ordered, context.accounts[pk], context.rules)
        found += [(way, pk) for way in ways]
    return found


def _several_customers(context: Context) -> list[tuple[Way, int]]:
    """One transfer for the accounts of several customers, all named."""
    strong = [naming.item for naming in context.namings if naming.strength >= Strength.TAIL]
    owners = {item.customer_id for item in strong}
    if len(owners) < 2 or sum(item.cents for item in strong) != context.line.cents:
        return []
    parts = tuple(
        (item, item.cents)
        for item in sorted(strong, key=lambda item: (item.customer_id, item.due_date, item.pk))
    )
    largest = max(owners, key=lambda pk: sum(item.cents for item in strong if item.customer_id == pk))
    return [(Way("SEVERAL_CUSTOMERS", "amount_exact", parts), largest)]


def _unnamed(context: Context, payers: Sequence[Payer], members: Sequence[Payer]) -> list[tuple[Way, int]]:
    found: list[tuple[Way, int]] = []
    named = {naming.item.customer_id for naming in context.namings}
    for payer in (*payers, *members):
        account = context.accounts.get(payer.customer_id)
        if account is None:
            continue
        ways = unnamed_ways(context.line, account, context.rules)
        if not ways and payer.code in SURE and payer.customer_id not in named:
            ways = part_of_account(context.line, account) or [Way("ON_ACCOUNT", "amount_on_account", ())]
        found += [(way, account.pk) for way in ways]
    if members and payers:
        found += _group_total(context, payers, members)
    return found


def _group_total(
    context: Context, payers: Sequence[Payer], members: Sequence[Payer]
) -> list[tuple[Way, int]]:
    """A group that pays for all its members at once."""
    first = context.accounts.get(payers[0].customer_id)
    if first is None:
        return []
    whole = [
        first,
        *(
            context.accounts[member.customer_id]
            for member in members
            if context.accounts[member.customer_id].group == first.group
        ),
    ]
    items = [item for account in whole for item in account.items]
    if not all(account.is_complete for account in whole) or len({item.customer_id for item in items}) < 2:
        return []
    for chosen in (
        items,
        [item for item in items if item.cents > 0 and item.due_date < context.line.booking_date],
    ):
        owners = {item.customer_id for item in chosen}
        if len(owners) > 1 and sum(item.cents for item in chosen) == context.line.cents:
            parts = tuple((item, item.cents) for item in chosen)
            return [(Way("GROUP_BALANCE", "amount_balance", parts), first.pk)]
    return []


def _by_amount_only(context: Context, signs: dict[int, Payer]) -> list[tuple[Way, int]]:
    if any(payer.code in SURE for payer in signs.values()):
        return []
    return [
        (
            Way("AMOUNT_ONLY", "amount_only", ((item, item.cents),), solutions=len(context.same_amount)),
            item.customer_id,
        )
        for item in context.same_amount[:3]
        if item.customer_id not in signs
    ]


def _best_of(found: Iterable[tuple[Way, int]], context: Context, signs: dict[int, Payer]) -> list[Proposal]:
    """Scored, each set of parts once, best first."""
    by_key: dict[tuple[object, ...], Proposal] = {}
    for way, customer_id in found:
        proposal = _scored(way, customer_id, context, signs)
        key = (proposal.key(), customer_id if not way.parts else 0, way.difference_reason)
        held = by_key.get(key)
        if held is None or proposal.score > held.score:
            by_key[key] = proposal
    best = sorted(
        by_key.values(), key=lambda proposal: (-proposal.score, len(proposal.parts), proposal.key())
    )
    return [proposal for proposal in best if proposal.score >= LEAST_SCORE][:MOST_PROPOSALS]


def _prefer_exact(found: Iterable[Proposal], signs: dict[int, Payer]) -> None:
    """A number that does not give the amount is likelier wrong where one other document of the payer gives it."""
    found = list(found)
    exact = {
        proposal.customer_id
        for proposal in found
        if proposal.rule == "ONE_ITEM" and not proposal.difference and proposal.solutions == 1
    } & set(signs)
    for proposal in found:
        if proposal.customer_id in exact and proposal.rule in ("NAMED_PART", "NAMED_ABOVE"):
            proposal.reasons.append({"code": "against_exact_elsewhere"})
            proposal.score = max(0, proposal.score + POINTS["against_exact_elsewhere"])


def _scored(way: Way, customer_id: int, context: Context, signs: dict[int, Payer]) -> Proposal:
    reasons: list[Reason] = []
    chosen = {item.pk for item, _cents in way.parts}
    named = [naming for naming in context.namings if naming.item.pk in chosen]
    if named:
        weakest = min(named, key=lambda naming: naming.strength)
        reasons.append(
            {
                "code": _NAMED_CODES[weakest.strength],
                "numbers": [naming.item.number for naming in named][:10],
                "count": len(named),
                "written": weakest.written,
            }
        )
    owners = {item.customer_id for item, _cents in way.parts} or {customer_id}
    sign = signs.get(customer_id) or next((signs[pk] for pk in sorted(owners) if pk in signs), None)
    if sign is not None:
        reasons.append({"code": sign.code, "sign": sign.text, "similarity": sign.similarity})
    reasons.append({"code": way.amount_code, "count": len(way.parts)})
    if way.difference:
        reasons[-1]["cents"] = way.difference
    reasons += _against(way, customer_id, context, signs, chosen)
    score = sum(POINTS[str(reason["code"])] for reason in reasons)
    return Proposal(
        rule=way.rule,
        customer_id=customer_id,
        parts=way.parts,
        difference=way.difference,
        difference_reason=way.difference_reason,
        score=max(0, min(100, score)),
        reasons=reasons,
        solutions=way.solutions,
        is_search_complete=way.is_search_complete,
    )


def _against(
    way: Way, customer_id: int, context: Context, signs: dict[int, Payer], chosen: set[int]
) -> list[Reason]:
    found: list[Reason] = []
    known = [payer for payer in context.payers if payer.is_known]
    owners = {item.customer_id for item, _cents in way.parts} or {customer_id}
    if owners & set(signs):
        pass
    elif known:
        found.append({"code": "against_other_payer", "customer": context.name_of(known[0].customer_id)})
    elif any(payer.code in BY_NAME for payer in context.payers):
        other = next(payer for payer in context.payers if payer.code in BY_NAME)
        found.append({"code": "against_other_name", "customer": context.name_of(other.customer_id)})
    if way.solutions > 1:
        found.append({"code": "against_several_sums", "count": way.solutions})
    if any(naming.item.pk not in chosen for naming in context.namings if naming.strength >= Strength.TAIL):
        left = [naming.item.number for naming in context.namings if naming.item.pk not in chosen]
        found.append({"code": "against_numbers_left_out", "numbers": left[:5]})
    account = context.accounts.get(customer_id)
    paid = account.settled if account else {}
    digits = (re.sub("[^0-9]", "", number).lstrip("0") for number in context.unknown_numbers)
    settled = [paid[number] for number in digits if number in paid]
    if settled:
        found.append({"code": "against_settled", "numbers": settled})
    elif context.unknown_numbers:
        found.append({"code": "against_numbers_unknown", "numbers": context.unknown_numbers})
    if len(context.owners_of(chosen)) > 1 and way.rule != "SEVERAL_CUSTOMERS":
        found.append({"code": "against_two_owners"})
    return found
