"""What may be posted without a person: nothing but what could not be otherwise. Every doubt is a block with its name.

Two grounds. The text names every document and the amount is theirs to the cent, and nothing contradicts the payer.
Or a payer whom a person confirmed pays an amount that exactly one combination gives, and no chance could give it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from invoices.matching.numbers import Strength
from invoices.matching.payers import BY_NAME, SURE
from invoices.matching.sums import coincidence
from invoices.matching.values import Account, Item, Line, Naming, Payer, Proposal, Reason, Rules

# Rules of each ground.
BY_NAME_OF_DOCUMENT = frozenset({"NAMED"})
BY_PAYER = frozenset({"ONE_ITEM", "BALANCE", "OVERDUE", "DUE_TOGETHER", "OLDEST_FIRST", "SUBSET"})
# Arbitrary amounts in a million that the account would match by chance.
MOST_CHANCE = 60
# An unnamed amount that people choose rather than compute.
ROUND = 5_000
# A proposal of another account as near as that competes.
NEAR = 20
SAME_PAYMENT_DAYS = 25
IN_BOOKS_DAYS = 12


@dataclass(slots=True)
class Context:
    """All that was found about a line."""

    line: Line
    rules: Rules
    accounts: Mapping[int, Account]
    payers: Sequence[Payer] = ()
    namings: Sequence[Naming] = ()
    unknown_numbers: Sequence[str] = ()
    same_amount: Sequence[Item] = ()
    undone: frozenset[int] = field(default_factory=frozenset)

    def name_of(self, customer_id: int) -> str:
        account = self.accounts.get(customer_id)
        return account.name if account else ""

    def owners_of(self, chosen: set[int]) -> set[int]:
        """Customers who own a document of the numbers by which the chosen items are named."""
        places = {(naming.start, naming.end) for naming in self.namings if naming.item.pk in chosen}
        return {
            naming.item.customer_id
            for naming in self.namings
            if naming.strength >= Strength.TAIL
            and naming.start >= 0
            and any(naming.start < end and start < naming.end for start, end in places)
        }


def blocks_of(proposal: Proposal, all_of_line: Sequence[Proposal], context: Context) -> list[Reason]:
    """Why this proposal must wait for a person; empty when it is certain."""
    found = [*_of_the_line(context), *_of_the_parts(proposal, context)]
    chosen = {item.pk for item, _cents in proposal.parts}
    named = [naming for naming in context.namings if naming.item.pk in chosen]
    if proposal.rule in BY_NAME_OF_DOCUMENT:
        found += _by_naming(proposal, named, context)
    elif proposal.rule in BY_PAYER:
        found += _by_payer(proposal, all_of_line, context)
    else:
        found.append({"code": "block_rule"})
    found += _of_the_payer(proposal, context)
    found += _of_the_numbers(proposal, chosen, context)
    found += _of_rivals(proposal, all_of_line)
    return found


def _of_the_line(context: Context) -> Iterable[Reason]:
    line = context.line
    if not context.rules.posts_by_itself:
        yield {"code": "block_switched_off"}
    if line.is_partly_applied:
        yield {"code": "block_partly_applied"}
    if line.is_in_other_currency:
        yield {"code": "block_other_currency"}


def _of_the_parts(proposal: Proposal, context: Context) -> Iterable[Reason]:
    line = context.line
    if proposal.difference or proposal.amount != line.cents or not proposal.parts:
        yield {"code": "block_not_exact"}
    items = [item for item, _cents in proposal.parts]
    owners = {item.customer_id for item in items}
    if len(owners) > 1:
        yield {"code": "block_several_customers"}
    if any(
        context.accounts[pk].is_insolvent for pk in owners | {proposal.customer_id} if pk in context.accounts
    ):
        yield {"code": "block_insolvent"}
    if any(cents != item.cents for item, cents in proposal.parts):
        yield {"code": "block_not_exact"}
    oldest = line.booking_date - timedelta(days=context.rules.oldest_days)
    for code, hit in (
        ("block_old", [item.number for item in items if item.due_date < oldest]),
        ("block_disputed", [item.number for item in items if item.is_disputed]),
        ("block_undone", [item.number for item in items if item.pk in context.undone]),
        ("block_before_issue", [item.number for item in items if item.issue_date > line.booking_date]),
    ):
        if hit:
            yield {"code": code, "numbers": hit[:5]}
    account = context.accounts.get(proposal.customer_id)
    if account is not None:
        near = [
            day
            for day, cents, by_line in account.payments
            if cents == line.cents and not by_line and abs((day - line.booking_date).days) <= IN_BOOKS_DAYS
        ]
        if near:
            yield {"code": "block_in_books", "day": near[0].isoformat()}


def _by_naming(proposal: Proposal, named: Sequence[Naming], context: Context) -> Iterable[Reason]:
    sure = _is_sure(proposal.customer_id, context)
    least = Strength.TAIL if sure else Strength.DIGITS
    weak = [naming for naming in named if naming.strength < least]
    # Once the cents agree, a misread or shortened number is as good as a true one where we know the payer, or
    # where it stands beside a true one of the same customer.
    if sure or (len(named) > 1 and any(naming.strength >= Strength.DIGITS for naming in named)):
        weak = []
    if weak or len({naming.item.pk for naming in named}) < len(proposal.parts):
        yield {"code": "block_weak_naming"}
    if any(cents < 0 for _item, cents in proposal.parts) and not sure:
        yield {"code": "block_payer_unsure"}
    if not sure and len(proposal.parts) == 1:
        others = [item for item in context.same_amount if item.pk != proposal.parts[0][0].pk]
        if others:
            yield {"code": "block_amount_repeats", "count": len(others)}


def _by_payer(proposal: Proposal, all_of_line: Sequence[Proposal], context: Context) -> Iterable[Reason]:
    line = context.line
    account = context.accounts.get(proposal.customer_id)
    known = {payer.customer_id for payer in context.payers if payer.is_known}
    if known != {proposal.customer_id} or account is None:
        yield {"code": "block_payer_unsure"}
        return
    if context.namings and not all(
        naming.item.pk in {item.pk for item, _cents in proposal.parts} for naming in context.namings
    ):
        yield {"code": "block_numbers_left_out"}
    rivals = [
        other
        for other in all_of_line
        if other.key() != proposal.key() and not other.difference and other.amount == line.cents
    ]
    amounts = [item.cents for item in account.items]
    if proposal.solutions > 1 or rivals or not account.is_complete:
        yield {"code": "block_several_sums"}
    elif not proposal.is_search_complete and not (proposal.rule == "BALANCE" and min(amounts) > 0):
        # Among many items some sum hits any amount. Without credits, though, only all of them give the whole.
        yield {"code": "block_search_given_up"}
    if proposal.rule not in ("BALANCE", "OVERDUE"):
        size = len(proposal.parts) if proposal.rule == "SUBSET" else 1
        if coincidence(amounts, size) > MOST_CHANCE:
            yield {"code": "block_chance"}
    if line.cents % ROUND == 0:
        yield {"code": "block_round_amount"}
    for day, cents, by_line in account.payments:
        if by_line and cents == line.cents and abs((day - line.booking_date).days) <= SAME_PAYMENT_DAYS:
            yield {"code": "block_same_payment", "day": day.isoformat()}
            break


def _of_the_payer(proposal: Proposal, context: Context) -> Iterable[Reason]:
    """A sign of another customer contradicts, whatever the text names."""
    owners = {item.customer_id for item, _cents in proposal.parts} or {proposal.customer_id}
    known = {payer.customer_id for payer in context.payers if payer.is_known}
    group = {account.group for pk, account in context.accounts.items() if pk in owners and account.group}
    if known and not owners <= known:
        same = any(context.accounts[pk].group in group for pk in known if pk in context.accounts)
        yield {
            "code": "block_other_member" if same else "block_other_payer",
            "customer": context.name_of(min(known)),
        }
        return
    named = [payer for payer in context.payers if payer.code in SURE and not payer.is_known]
    if not known and named and not owners <= {payer.customer_id for payer in context.payers}:
        same = any(
            context.accounts[p.customer_id].group in group for p in named if p.customer_id in context.accounts
        )
        yield {
            "code": "block_other_member" if same else "block_other_name",
            "customer": context.name_of(named[0].customer_id),
        }


def _of_the_numbers(proposal: Proposal, chosen: set[int], context: Context) -> Iterable[Reason]:
    named = [naming for naming in context.namings if naming.item.pk in chosen]
    sure = _is_sure(proposal.customer_id, context)
    # Where the documents named give the amount to the cent, another number is worth nothing: it is another thing's.
    told = proposal.rule in BY_NAME_OF_DOCUMENT and (
        sure or all(naming.strength >= Strength.DIGITS for naming in named)
    )
    if context.unknown_numbers and not told:
        yield {"code": "block_numbers_unknown", "numbers": list(context.unknown_numbers)[:5]}
    left = [naming for naming in context.namings if naming.item.pk not in chosen]
    own = [
        naming.item.number for naming in left if naming.item.customer_id == proposal.customer_id or not sure
    ]
    if own:
        yield {"code": "block_numbers_left_out", "numbers": own[:5]}
    if len(context.owners_of(chosen)) > 1:
        strongest = max((naming.strength for naming in left), default=Strength.NONE)
        rivals = [item for item in (naming.item for naming in left) if item.cents == context.line.cents]
        # The payer tells whose number it is, if it fits his document as well and the amount is his alone.
        if not sure or rivals or any(naming.strength < strongest for naming in named):
            yield {"code": "block_two_owners"}


def _of_rivals(proposal: Proposal, all_of_line: Sequence[Proposal]) -> Iterable[Reason]:
    owners = {item.customer_id for item, _cents in proposal.parts} or {proposal.customer_id}
    for other in all_of_line:
        if other is proposal or other.amount != proposal.amount or other.difference:
            continue
        theirs = {item.customer_id for item, _cents in other.parts} or {other.customer_id}
        if not theirs <= owners and other.score >= proposal.score - NEAR:
            yield {"code": "block_competitor"}
            return


def _is_sure(customer_id: int, context: Context) -> bool:
    """The payer is recognised as this customer by a sign that leaves no doubt."""
    return any(payer.customer_id == customer_id and payer.code in SURE for payer in context.payers)


__all__ = ["BY_NAME", "BY_PAYER", "Context", "blocks_of"]
