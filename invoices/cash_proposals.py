"""What accepting a proposal would do: its items, what becomes of the difference, what stays on account."""

from decimal import Decimal

from invoices.bank_money import money_left
from invoices.cash_entry import Entry, Ticked, entry
from invoices.models import BankLine, MatchProposal

Parts = list[tuple[int, Decimal]]
Differences = list[tuple[int, Decimal, str]]


def entry_of(proposal: MatchProposal, line: BankLine) -> Entry:
    """The proposal as a person would have ticked it."""
    parts = list(proposal.parts.select_related("item"))
    currency = parts[0].item.currency if parts else line.currency
    money = money_left(line, currency) or Decimal("0.00")
    ticks = [Ticked(part.item_id, part.amount, part.item.due_date) for part in parts]
    return entry(money, ticks, proposal.difference_reason)


def inputs_of(proposal: MatchProposal, line: BankLine) -> tuple[Parts, Differences, Parts]:
    """Parts, differences and what stays on an account: tuples of what `apply_line` takes."""
    found = entry_of(proposal, line)
    on_account = [(proposal.customer_id, found.on_account)] if found.on_account else []
    differences = [found.difference] if found.difference else []
    return list(found.parts.items()), differences, on_account
