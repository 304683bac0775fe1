"""The décompte of items: interest, indemnity and why, with the law of the contract, waivers and insolvency.

The letters print it and the item's page shows it; the dunning run computes the same amounts in SQL
(`dunning.planning.fees`), and a test holds both to the same cents.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from core.legal_register import Register
from core.money import round_money
from dunning.fee_waivers import Waived, waived_parts, without_waived
from dunning.models import FeeWaiver, Level, Notice, NoticeLine
from invoices.late_fee_laws import Law, law_of, rule_under
from invoices.late_fee_parameters import conventions, late_fee_parameters, reference_rates
from invoices.late_fee_rules import Debtor, Reason, ReferenceRates, Rule, parse_rule
from invoices.late_fees import Claim, LateFees, Movement, MovementKind, late_fees
from invoices.models import Allocation, OpenItem

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class FeeStatement:
    """What late payment costs on one item at a day. `rule` None: no interest runs."""

    fees: LateFees
    rule: Rule | None
    law: Law
    waived: frozenset[Waived]

    @property
    def is_unconfirmed(self) -> bool:
        """Whether a rate in use was only read in a secondary source."""
        return Reason.UNCONFIRMED_RATE in self.fees.reasons

    @property
    def daily_interest(self) -> Decimal:
        """Interest of one more day, to the cent."""
        return round_money(self.fees.daily_interest)


def fee_statements(
    items: Sequence[OpenItem],
    *,
    as_of: date,
    legal: Register,
    left_out: Mapping[int, Decimal] | None = None,
) -> dict[int, FeeStatement]:
    """The statement of each debit item, by its key, as of a day; a constant number of queries.

    `left_out`: the part of an item that is not asked for (disputed, promised): interest is counted without it.
    Items come with `customer` and `legal_entity`. Raises MissingLegalParameter naming the half-year.
    """
    items = [item for item in items if item.total_amount > 0]
    if not items:
        return {}
    keys = [item.pk for item in items]
    movements = _movements(keys, as_of)
    waived = waivers_in_force(keys, as_of)
    notices = _formal_notices([item.pk for item in items if item.customer.kind == Debtor.CONSUMER], as_of)
    rates = reference_rates(legal)
    return {
        item.pk: _statement(
            item,
            as_of,
            legal,
            rates,
            movements.get(item.pk, ()),
            waived.get(item.pk, frozenset()),
            notices.get(item.pk),
            (left_out or {}).get(item.pk, Decimal(0)),
        )
        for item in items
    }


def _statement(
    item: OpenItem,
    as_of: date,
    legal: Register,
    rates: ReferenceRates,
    movements: Sequence[Movement],
    waived: frozenset[Waived],
    noticed_on: date | None,
    left_out: Decimal,
) -> FeeStatement:
    customer, entity = item.customer, item.legal_entity
    law = law_of(customer.late_payment_law)
    clause = parse_rule(entity.late_fee_clause) if entity.late_fee_clause else None
    rule, parameters = rule_under(
        legal,
        law,
        customer.kind,
        clause,
        late_fee_parameters(legal, as_of),
        as_of,
        formal_notice=noticed_on is not None,
    )
    if item.kind != OpenItem.Kind.INVOICE:
        parameters = replace(parameters, indemnity=Decimal(0), fixed_cost=None)
    chosen = conventions(legal, as_of)
    claim = Claim(
        amount=item.total_amount - left_out,
        due_date=item.due_date,
        as_of=as_of,
        rule=rule,
        movements=movements,
        debtor=customer.kind,
        day_count=chosen.day_count,
        allocation=chosen.allocation,
        credit_notes=chosen.credit_notes,
        interest_start=noticed_on + ONE_DAY if noticed_on is not None else None,
        judgment_date=judgment_for(item),
        currency=item.currency,
    )
    return FeeStatement(without_waived(late_fees(claim, rates, parameters), waived), rule, law, waived)


def judgment_for(item: OpenItem) -> date | None:
    """The judgment that stops interest on an item: that of its customer, when the debt was born before it.

    The date of the invoice stands for that of the debt. What is supplied after the judgment is paid at its due
    date and bears interest as usual (C. com. L622-17).
    """
    judgment: date | None = item.customer.insolvency_date
    return judgment if judgment is not None and item.issue_date < judgment else None


def _movements(items: Sequence[int], as_of: date) -> dict[int, list[Movement]]:
    """What was settled until then and still is, credit notes told apart."""
    movements: dict[int, list[Movement]] = defaultdict(list)
    for allocation in (
        Allocation.objects.filter(debit__in=items, allocated_on__lte=as_of)
        .select_related("credit")
        .order_by("allocated_on", "id")
    ):
        if allocation.reversed_on is None or allocation.reversed_on > as_of:
            is_credit_note = allocation.credit.kind == OpenItem.Kind.CREDIT_NOTE
            movements[allocation.debit_id].append(
                Movement(
                    allocation.allocated_on,
                    allocation.amount,
                    MovementKind.CREDIT if is_credit_note else MovementKind.PAY,
                )
            )
    return movements


def _formal_notices(items: Sequence[int], as_of: date) -> dict[int, date]:
    """The day of each consumer item's first formal notice that was sent (C. civ. 1344-1)."""
    found: dict[int, date] = {}
    if items:
        for item, day in (
            NoticeLine.objects.filter(
                item__in=items,
                rank__gt=0,
                notice__status=Notice.Status.SENT,
                notice__level__kind=Level.Kind.FORMAL_NOTICE,
                notice__sent_on__lte=as_of,
            )
            .order_by("-notice__sent_on")
            .values_list("item", "notice__sent_on")
        ):
            found[item] = day
    return found


def waivers_in_force(items: Sequence[int], on: date) -> dict[int, frozenset[Waived]]:
    """What is waived on each item on a day."""
    rows = FeeWaiver.objects.filter(item__in=items, granted_on__lte=on).exclude(revoked_on__lte=on)
    return {item: waived_parts(part) for item, part in rows.values_list("item", "part")}
