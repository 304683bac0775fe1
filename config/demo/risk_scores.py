"""Accounts, ratings and an objection in the demo: from the customer's code and the seed, always the same."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from core.calendar import add_months
from core.models import User
from customers.models import Customer
from risk.models import ScoreObjection
from risk.operations.financial_statements import StatementEntry, enter_statement
from risk.operations.objections import record_objection
from risk.operations.ratings import enter_rating

# Companies with accounts: some dozens are enough for every page to have something to show.
COMPANIES = 40
YEARS = 3


def add_outside_facts(*, actor: User, as_of: date, seed: int, now: datetime) -> int:
    """Three years of accounts for some companies, ratings for some of these, and one objection. Returns the years."""
    companies = list(
        Customer.objects.filter(kind=Customer.Kind.COMPANY, country="FR")
        .exclude(siren="")
        .select_related("legal_entity")
        .order_by("pk")[:COMPANIES]
    )
    count = 0
    for customer in companies:
        rng = Random(f"{seed}:accounts:{customer.account_code}")
        count += _accounts(actor, customer, as_of, rng, now)
        if rng.random() < 0.4:
            enter_rating(
                actor=actor,
                customer=customer,
                scale=rng.choice(("ALLIANZ_GRADE", "COFACE_DRA", "AGENCY_20")),
                value=str(rng.randint(2, 9)),
                rated_on=as_of - timedelta(days=rng.randint(20, 200)),
                valid_until=None,
                today=as_of,
                now=now,
            )
    _objection(actor, companies, as_of, now)
    return count


def _accounts(actor: User, customer: Customer, as_of: date, rng: Random, now: datetime) -> int:
    """Small companies file confidential accounts, or none: one in four has nothing here."""
    if rng.random() < 0.25:
        return 0
    size = rng.choice((400, 900, 2_500, 8_000))
    margin = rng.uniform(-0.05, 0.08)
    cushion = rng.uniform(-0.05, 0.5)
    end = date(as_of.year - 1, 12, 31)
    for back in reversed(range(YEARS)):
        turnover = int(size * (0.9 + 0.1 * (YEARS - back)))
        enter_statement(
            actor=actor,
            customer=customer,
            entry=StatementEntry(
                form="NORMAL",
                period_end=add_months(end, -12 * back),
                values=_cells(turnover, margin, cushion + 0.02 * (YEARS - back)),
                unit=1000,
                publicity=rng.choice(("DEPOSITED", "CONFIDENTIAL")),
                note="Greffe du tribunal de commerce",
            ),
            today=as_of,
            now=now,
        )
    return YEARS


def _cells(turnover: int, margin: float, cushion: float) -> dict[str, Decimal]:
    """A balance sheet that balances, in thousands: every total is made from its parts."""
    assets = int(turnover * 0.6)
    fixed, stocks, claims = int(assets * 0.35), int(assets * 0.15), int(assets * 0.32)
    cash = assets - fixed - stocks - claims
    net = int(turnover * margin)
    equity = int(assets * cushion)
    capital = max(int(assets * 0.1), 5)
    debts = assets - equity
    loans, suppliers = int(debts * 0.3), int(debts * 0.4)
    personnel, purchases, taxes, depreciation = (
        int(turnover * 0.3),
        int(turnover * 0.58),
        int(turnover * 0.01),
        int(turnover * 0.04),
    )
    interest = max(int(loans * 0.04), 1)
    other = turnover - purchases - taxes - personnel - depreciation - interest - net
    amounts = {
        "BJ": fixed + int(fixed * 0.8), "BK": int(fixed * 0.8), "BT": stocks, "BX": claims, "CF": cash,
        "DA": capital, "DH": equity - capital - net, "DI": net, "DU": loans, "DX": suppliers,
        "DY": debts - loans - suppliers, "FL": turnover, "FW": purchases, "FX": taxes, "FY": int(personnel * 0.7),
        "FZ": personnel - int(personnel * 0.7), "GA": depreciation, "GU": interest, "GR": interest,
    }  # fmt: skip
    # What is left is a tax, or a gain when it is negative.
    amounts["HK" if other >= 0 else "HD"] = abs(other)
    return {code: Decimal(amount) for code, amount in amounts.items() if amount}


def _objection(actor: User, companies: Sequence[Customer], as_of: date, now: datetime) -> None:
    trader = (
        Customer.objects.filter(kind=Customer.Kind.SOLE_TRADER)
        .select_related("legal_entity")
        .order_by("pk")
        .first()
    )
    if trader is not None and not ScoreObjection.objects.exists():
        record_objection(
            actor=actor,
            customer=trader,
            kind=ScoreObjection.Kind.REVIEW,
            contested_on=as_of - timedelta(days=3),
            contested_by=trader.name,
            grounds="Les retards du printemps viennent d’une facture adressée à un autre établissement.",
            today=as_of,
            now=now,
        )
