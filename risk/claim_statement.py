"""The account as it stood at the eve of a judgment: what a claim is declared with, and what was born after it.

Read from the sub-ledger as of that day: allocations made or undone since do not count. Interest and indemnity of
prior debts stop on the eve (C. com. L622-28); waivers granted by letters are not known to this floor and are not taken off.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from core.exports import Column, Kind, csv_chunks
from core.legal_register import MissingLegalParameter, Register
from customers.models import Customer
from invoices.late_fee_laws import law_of, rule_under
from invoices.late_fee_parameters import conventions, late_fee_parameters, reference_rates
from invoices.late_fee_rules import Debtor, ReferenceRates, parse_rule
from invoices.late_fees import Claim, LateFees, Movement, MovementKind, late_fees
from invoices.models import Allocation, OpenItem
from risk.insolvency_rules import eve_of, is_prior

ZERO = Decimal("0.00")
ONE_DAY = timedelta(days=1)
PRIOR, LATER = "PRIOR", "LATER"

# What was open at the end of a day, for items that existed then, and every item born since that is still open.
_ITEMS = """
SELECT i.id,
       i.total_amount - CASE WHEN i.total_amount < 0 THEN -1 ELSE 1 END * coalesce((
           SELECT sum(a.amount) FROM invoices_allocation a
           WHERE (a.debit_id = i.id OR a.credit_id = i.id) AND a.allocated_on <= %(eve)s
             AND (a.reversed_on IS NULL OR a.reversed_on > %(eve)s)), 0) AS open_then
FROM invoices_openitem i
WHERE i.customer_id = %(customer)s
ORDER BY i.issue_date, i.id
"""


@dataclass(frozen=True)
class StatementLine:
    """One item. `open_amount` is what was owed at the eve of a prior item, what is owed now of a later one."""

    item: OpenItem
    birth: str
    open_amount: Decimal
    interest: Decimal = ZERO
    indemnity: Decimal = ZERO
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class StatementContent:
    """The frozen values. `warning` names the legal value that was missing: interest is then left out."""

    as_of: date
    judgment_date: date
    lines: tuple[StatementLine, ...]
    warning: str = ""

    def of(self, birth: str) -> list[StatementLine]:
        return [line for line in self.lines if line.birth == birth]


def statement_of(customer: Customer, judgment: date, register: Register) -> StatementContent:
    """The account at the eve of the judgment. Two queries whatever the number of items."""
    eve = eve_of(judgment)
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, {"customer": customer.pk, "eve": eve})
        open_then = dict(cursor.fetchall())
    items = [
        item
        for item in OpenItem.objects.filter(pk__in=open_then).select_related("customer", "legal_entity").order_by(
            "issue_date", "id"
        )
        if (open_then[item.pk] if is_prior(item.issue_date, judgment) else item.open_amount)
    ]  # fmt: skip
    prior = [item for item in items if is_prior(item.issue_date, judgment)]
    fees, warning = _fees(prior, judgment, register)
    lines = []
    for item in items:
        is_before = is_prior(item.issue_date, judgment)
        of_item = fees.get(item.pk)
        lines.append(
            StatementLine(
                item=item,
                birth=PRIOR if is_before else LATER,
                open_amount=open_then[item.pk] if is_before else item.open_amount,
                interest=of_item.interest_open if of_item else ZERO,
                indemnity=of_item.indemnity if of_item else ZERO,
                reasons=tuple(reason.value for reason in of_item.reasons) if of_item else (),
            )
        )
    return StatementContent(eve, judgment, tuple(lines), warning)


def _fees(items: Sequence[OpenItem], judgment: date, register: Register) -> tuple[dict[int, LateFees], str]:
    """Interest and indemnity of each prior debit, stopped on the eve; and the legal value that was missing."""
    debits = [item for item in items if item.total_amount > 0]
    if not debits:
        return {}, ""
    eve = eve_of(judgment)
    movements = _movements([item.pk for item in debits], eve)
    rates = reference_rates(register)
    try:
        return {
            item.pk: _late_fees(item, judgment, register, rates, movements.get(item.pk, ()))
            for item in debits
        }, ""
    except MissingLegalParameter as error:
        return {}, str(error)


def _late_fees(
    item: OpenItem, judgment: date, register: Register, rates: ReferenceRates, movements: Sequence[Movement]
) -> LateFees:
    customer, entity, eve = item.customer, item.legal_entity, eve_of(judgment)
    clause = parse_rule(entity.late_fee_clause) if entity.late_fee_clause else None
    rule, parameters = rule_under(
        register,
        law_of(customer.late_payment_law),
        customer.kind,
        clause,
        late_fee_parameters(register, eve),
        eve,
        formal_notice=False,
    )
    if item.kind != OpenItem.Kind.INVOICE:
        parameters = replace(parameters, indemnity=Decimal(0), fixed_cost=None)
    chosen = conventions(register, eve)
    claim = Claim(
        amount=item.total_amount,
        due_date=item.due_date,
        as_of=eve,
        rule=None if customer.kind == Debtor.CONSUMER else rule,
        movements=movements,
        debtor=customer.kind,
        day_count=chosen.day_count,
        allocation=chosen.allocation,
        credit_notes=chosen.credit_notes,
        judgment_date=judgment,
        currency=item.currency,
    )
    return late_fees(claim, rates, parameters)


def _movements(items: Sequence[int], eve: date) -> dict[int, list[Movement]]:
    found: dict[int, list[Movement]] = defaultdict(list)
    allocations = Allocation.objects.filter(debit__in=items, allocated_on__lte=eve).select_related("credit")
    for allocation in allocations.order_by("allocated_on", "id"):
        if allocation.reversed_on is None or allocation.reversed_on > eve:
            kind = (
                MovementKind.CREDIT
                if allocation.credit.kind == OpenItem.Kind.CREDIT_NOTE
                else MovementKind.PAY
            )
            found[allocation.debit_id].append(Movement(allocation.allocated_on, allocation.amount, kind))
    return found


def totals(content: StatementContent, birth: str) -> dict[str, dict[str, Decimal]]:
    """Per currency, never added across: what is owed, of which to fall due after the eve (C. com. L622-25), what
    stands to the customer's credit, interest, indemnities."""
    found: dict[str, dict[str, Decimal]] = defaultdict(
        lambda: dict.fromkeys(("principal", "to_fall_due", "credits", "interest", "indemnity"), ZERO)
    )
    for line in content.of(birth):
        sums = found[line.item.currency]
        if line.item.total_amount > 0:
            sums["principal"] += line.open_amount
            if line.item.due_date > content.as_of:
                sums["to_fall_due"] += line.open_amount
            sums["interest"] += line.interest
            sums["indemnity"] += line.indemnity
        else:
            sums["credits"] -= line.open_amount
    return dict(found)


def frozen(content: StatementContent, customer: Customer) -> dict[str, Any]:
    """The content as JSON: amounts as strings, days as ISO."""
    return {
        "as_of": content.as_of.isoformat(),
        "judgment_date": content.judgment_date.isoformat(),
        "customer": {
            "account_code": customer.account_code,
            "name": customer.name,
            "siren": customer.siren,
            "address": customer.address_lines,
        },
        "creditor": {"name": customer.legal_entity.name, "siren": customer.legal_entity.siren},
        "warning": content.warning,
        "lines": [_frozen_line(line, content.as_of) for line in content.lines],
        "totals": {
            birth: {
                currency: {name: str(value) for name, value in sums.items()}
                for currency, sums in totals(content, birth).items()
            }
            for birth in (PRIOR, LATER)
        },
    }


def _frozen_line(line: StatementLine, eve: date) -> dict[str, Any]:
    item = line.item
    return {
        "item": item.pk,
        "number": item.number,
        "instalment": item.instalment,
        "kind": item.kind,
        "birth": line.birth,
        "issue_date": item.issue_date.isoformat(),
        "due_date": item.due_date.isoformat(),
        "is_fallen_due": item.due_date <= eve,
        "currency": item.currency,
        "total_amount": str(item.total_amount),
        "open_amount": str(line.open_amount),
        "interest": str(line.interest),
        "indemnity": str(line.indemnity),
        "disputed_amount": str(item.disputed_amount),
        "reasons": list(line.reasons),
    }


COLUMNS = (
    Column("Naissance"),
    Column("Nature"),
    Column("Numéro"),
    Column("Échéance n°", Kind.INTEGER),
    Column("Date de facture", Kind.DATE),
    Column("Date d’échéance", Kind.DATE),
    Column("Échue à la veille du jugement"),
    Column("Devise"),
    Column("Montant TTC", Kind.AMOUNT),
    Column("Solde dû", Kind.AMOUNT),
    Column("Pénalités arrêtées à la veille", Kind.AMOUNT),
    Column("Indemnité forfaitaire", Kind.AMOUNT),
    Column("Montant en litige", Kind.AMOUNT),
)
_BIRTHS = {PRIOR: "Antérieure au jugement", LATER: "Postérieure au jugement"}


def as_csv(content: StatementContent) -> bytes:
    """The statement as a file for French spreadsheets; French whatever the reader's language: it goes to a court."""
    rows = (
        (
            _BIRTHS[line.birth],
            OpenItem.Kind(line.item.kind).name,
            line.item.number,
            line.item.instalment,
            line.item.issue_date,
            line.item.due_date,
            "oui" if line.item.due_date <= content.as_of else "non",
            line.item.currency,
            line.item.total_amount,
            line.open_amount,
            line.interest,
            line.indemnity,
            line.item.disputed_amount,
        )
        for line in content.lines
    )
    return b"".join(csv_chunks(COLUMNS, rows))
