"""What the proposal of a limit rests on, read for many customers at once, each number with its source and day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db import connection

from core.money import round_money
from customers.models import Customer, PaymentTerms
from risk.behaviour import behaviours
from risk.credit_policies import policies_of, proposal_rules
from risk.financials import Accounts
from risk.financials import latest as latest_accounts
from risk.limit_covers import CoveredAmounts, covered_amounts
from risk.limit_rules import Figure, Lever, Proposal, ProposalFacts, ProposalRules, propose, what_would_raise
from risk.models import CreditPolicy, Score
from risk.scoring import Behaviour

YEAR_DAYS = 365
# Three months at least before a pace says something of a year.
SHORTEST_PACE_DAYS = 90
# An invoice issued any day of a month waits half a month for its end, on average.
MONTH_END_DAYS = 15
TENTH = Decimal("0.1")
RAISE_BY = Decimal(10_000)

_PURCHASES = """
SELECT customer.id, sum(item.total_amount) FILTER (WHERE item.issue_date > %(since)s), min(item.issue_date),
       coalesce(sum(item.open_amount) FILTER (
           WHERE item.open_amount > 0 AND item.due_date < %(today)s AND item.currency = %(currency)s
       ), 0)
FROM customers_customer customer
JOIN invoices_openitem item ON item.customer_id = customer.id AND item.currency = customer.currency
WHERE customer.id = ANY(%(ids)s) AND item.kind IN ('INVOICE', 'CREDIT_NOTE') AND item.issue_date <= %(today)s
GROUP BY customer.id
"""


@dataclass(frozen=True)
class Worked:
    """A proposal with all that it was made of."""

    customer_id: int
    facts: ProposalFacts
    rules: ProposalRules
    proposal: Proposal
    levers: tuple[Lever, ...]


def proposals_of(
    customers: Sequence[Customer],
    today: date,
    *,
    policy: CreditPolicy | None = None,
    expected_purchases: Mapping[int, Decimal] | None = None,
) -> dict[int, Worked]:
    """What the rules propose for each customer, in his currency: those of `policy`, else of his entity's own.

    A handful of queries, whatever the number. `expected_purchases` are what a request announces for a year; they
    count where they exceed what the ledger shows.
    """
    found = facts_of(customers, today, expected_purchases or {})
    policies = {} if policy else policies_of({customer.legal_entity_id for customer in customers})
    rules = {entity: proposal_rules(one) for entity, one in policies.items()}
    own = proposal_rules(policy)
    worked = {}
    for customer in customers:
        facts = found[customer.pk]
        chosen = own if policy else rules.get(customer.legal_entity_id, own)
        proposal = propose(facts, chosen, today)
        levers = what_would_raise(proposal, facts, chosen, RAISE_BY)
        worked[customer.pk] = Worked(customer.pk, facts, chosen, proposal, levers)
    return worked


def facts_of(
    customers: Sequence[Customer], today: date, expected_purchases: Mapping[int, Decimal]
) -> dict[int, ProposalFacts]:
    """The facts of each customer, in the currency of his account."""
    ids = [customer.pk for customer in customers]
    terms = PaymentTerms.objects.in_bulk({customer.terms_id for customer in customers})
    habits = {row.customer_id: row.behaviour for row in behaviours(ids, today)}
    scores = {score.customer_id: score for score in Score.objects.current().filter(customer__in=ids)}
    accounts = latest_accounts(customers, today)
    covers = covered_amounts(customers, today)
    ledger = _ledger(customers, today)
    found = {}
    for customer in customers:
        habit = habits[customer.pk]
        score = scores.get(customer.pk)
        purchases, overdue = ledger.get(customer.pk, (Figure(), Decimal(0)))
        found[customer.pk] = ProposalFacts(
            currency=customer.currency,
            purchases=_with_expected(purchases, expected_purchases.get(customer.pk), today),
            contract_days=_contract_days(terms[customer.terms_id]),
            delay_days=_delay(habit, today),
            risk_class=score.risk_class if score else "",
            class_as_of=score.as_of if score else None,
            **_accounts(accounts.get(customer.pk), customer.currency),
            **_covers(covers, customer),
            customer_since=_since(habit, customer, today),
            has_paid=habit.settled_count > 0 or (habit.fallen_due_count > 0 and habit.overdue_share == 0),
            overdue_amount=overdue,
            is_insolvent=customer.status == Customer.Status.INSOLVENT,
        )
    return found


def _ledger(customers: Sequence[Customer], today: date) -> dict[int, tuple[Figure, Decimal]]:
    """Purchases of twelve months with VAT, invoices less credit notes, brought to a year; and what is overdue."""
    since = today - timedelta(days=YEAR_DAYS)
    by_currency: dict[str, list[int]] = {}
    for customer in customers:
        by_currency.setdefault(customer.currency, []).append(customer.pk)
    found = {}
    for currency, ids in by_currency.items():
        with connection.cursor() as cursor:
            cursor.execute(_PURCHASES, {"ids": ids, "since": since, "today": today, "currency": currency})
            for customer_id, amount, first, overdue in cursor.fetchall():
                known = amount or Decimal(0)
                days = (today - first).days + 1
                if days >= YEAR_DAYS:
                    figure = Figure(known, "LEDGER", today)
                else:
                    pace = known * YEAR_DAYS / max(days, SHORTEST_PACE_DAYS)
                    figure = Figure(round_money(pace), "LEDGER_PACE", today)
                found[customer_id] = (figure, overdue)
    return found


def _with_expected(purchases: Figure, expected: Decimal | None, today: date) -> Figure:
    if expected is None or (purchases.value is not None and purchases.value >= expected):
        return purchases
    return Figure(expected, "REQUEST", today)


def _contract_days(terms: PaymentTerms) -> Figure:
    days = terms.days + (0 if terms.rule == PaymentTerms.Rule.NET else MONTH_END_DAYS)
    return Figure(Decimal(days), "TERMS" if terms.rule == PaymentTerms.Rule.NET else "TERMS_MONTH_END")


def _delay(habit: Behaviour, today: date) -> Figure:
    """Average delay weighted by amounts, of what was settled in twelve months; early payments count negative."""
    if habit.weighted_days_late is None:
        return Figure()
    return Figure(habit.weighted_days_late.quantize(TENTH, rounding=ROUND_HALF_UP) + 0, "LEDGER", today)


def _since(habit: Behaviour, customer: Customer, today: date) -> date | None:
    if habit.relation_days is None:
        return customer.customer_since
    return today - timedelta(days=habit.relation_days)


def _accounts(accounts: Accounts | None, currency: str) -> dict[str, Figure]:
    """The figures of the accounts; none when they are kept in another currency, as nothing is converted."""
    if accounts is None or accounts.currency != currency:
        return {}
    values = {
        "equity": accounts.equity,
        "turnover": accounts.turnover,
        "supplier_debt": accounts.supplier_debt,
        "working_capital": accounts.working_capital,
    }
    return {
        name: Figure(value, "ACCOUNTS", accounts.period_end)
        for name, value in values.items()
        if value is not None
    }


def _covers(covers: CoveredAmounts, customer: Customer) -> dict[str, object]:
    covered = covers.by_customer.get(customer.pk)
    if covered is None or covered.currency != customer.currency or covered.insured_amount is None:
        return {}
    insured = Decimal(0) if covered.stops_delivery else covered.insured_amount
    return {"insured": Figure(insured, "COVER", covered.insured_until), "quota_share": covered.quota_share}
