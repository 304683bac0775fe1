"""Late-payment interest and indemnities of a whole run.

Interest follows `invoices.late_fees` under ACT/365 and principal first: the rate of every day, cumulated, stands
in a small table, so that the interest of a principal is a difference of two of its rows (exact, no range join).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.legal_register import ECB_RATE, LEGAL_INTEREST, Register
from customers.models import LegalEntity
from invoices.late_fee_parameters import Conventions, conventions, late_fee_parameters, reference_rates
from invoices.late_fee_rules import (
    Debtor,
    LateFeeParameters,
    ReferenceRates,
    Rule,
    applied_rates,
    parse_rule,
    rule_for,
)
from invoices.late_fees import AllocationOrder, DayCount

ONE_DAY = timedelta(days=1)

FEES = """
CREATE TEMP TABLE plan_fee ON COMMIT DROP AS
WITH claimed AS (
    SELECT d.item_id, d.due_date, d.open_amount,
           CASE d.customer_kind WHEN 'PUBLIC_BODY' THEN 'PUBLIC_BODY' ELSE 'PROFESSIONAL' END AS debtor
    FROM plan_decision d
    JOIN plan_step s USING (customer_id, currency, unit)
    WHERE d.reason IS NULL AND s.claims_interest AND d.customer_kind <> 'CONSUMER'
), principal AS (
    SELECT item_id, debtor, due_date, open_amount AS amount, %(as_of)s::date AS last_day FROM claimed
    UNION ALL
    SELECT c.item_id, c.debtor, c.due_date, a.amount, a.allocated_on
    FROM claimed c
    JOIN invoices_allocation a ON a.debit_id = c.item_id
    WHERE a.allocated_on > c.due_date AND a.allocated_on <= %(as_of)s
      AND (a.reversed_on IS NULL OR a.reversed_on > %(as_of)s)
)
SELECT p.item_id,
       round(sum(p.amount * coalesce(due.frozen_rate * (p.last_day - p.due_date), stop.cumulated - due.cumulated))
             / 36500, 2) AS interest
FROM principal p
JOIN plan_rate due ON due.debtor = p.debtor AND due.day = p.due_date
JOIN plan_rate stop ON stop.debtor = p.debtor AND stop.day = p.last_day
GROUP BY p.item_id
"""

INDEMNITIES = """
CREATE TEMP TABLE plan_indemnity ON COMMIT DROP AS
SELECT DISTINCT ON (i.number) d.item_id, %(indemnity)s::numeric AS indemnity
FROM plan_decision d
JOIN plan_step s USING (customer_id, currency, unit)
JOIN invoices_openitem i ON i.id = d.item_id
WHERE d.reason IS NULL AND s.claims_indemnity AND i.kind = 'INVOICE'
  AND (%(de_minimis)s::numeric = 0 OR %(de_minimis)s < d.open_amount + coalesce((
      SELECT sum(a.amount) FROM invoices_allocation a
      WHERE a.debit_id = d.item_id AND a.allocated_on > d.due_date AND a.allocated_on <= %(as_of)s
        AND (a.reversed_on IS NULL OR a.reversed_on > %(as_of)s)), 0))
ORDER BY i.number, i.instalment
"""


class UnsupportedConvention(BusinessError):
    """The registry asks for a way of counting that the set-based formula does not know."""

    code = "unsupported_convention"


def clause_of(entity: LegalEntity) -> Rule | None:
    """The entity's contractual rate; None means the statutory one."""
    return parse_rule(entity.late_fee_clause) if entity.late_fee_clause else None


def rates_known_from(legal: Register, entity: LegalEntity) -> date:
    """The first day on which interest can be counted: earlier than any due date when the registry is empty."""
    # A clause is compared with the floor, which follows the legal interest rate.
    series = (ECB_RATE, LEGAL_INTEREST) if entity.late_fee_clause else (ECB_RATE,)
    return max((legal.values[key][0].valid_from for key in series if key in legal.values), default=date.min)


def compute_fees(cursor: CursorWrapper, *, legal: Register, entity: LegalEntity, as_of: date) -> None:
    """Fill `plan_fee` and `plan_indemnity`. Raises MissingLegalParameter naming the half-year."""
    parameters = late_fee_parameters(legal, as_of)
    _check_conventions(conventions(legal, as_of))
    cursor.execute(
        "CREATE TEMP TABLE plan_rate (debtor text, day date, cumulated numeric, frozen_rate numeric) ON COMMIT DROP"
    )
    for debtor in (Debtor.COMPANY, Debtor.PUBLIC_BODY):
        first = _oldest_due_date(cursor, public=debtor is Debtor.PUBLIC_BODY)
        if first is not None:
            rule = rule_for(debtor, clause_of(entity), parameters)
            assert rule is not None  # only consumers have none
            rates = reference_rates(legal, first, as_of)
            if debtor is Debtor.PUBLIC_BODY:
                _insert(cursor, "PUBLIC_BODY", _frozen_days(rule, rates, parameters, first, as_of))
            else:
                _insert(cursor, "PROFESSIONAL", _cumulated_days(rule, rates, parameters, first, as_of))
    cursor.execute("ANALYZE plan_rate")
    cursor.execute(FEES, {"as_of": as_of})
    cursor.execute(
        INDEMNITIES,
        {"indemnity": parameters.indemnity, "de_minimis": parameters.de_minimis, "as_of": as_of},
    )
    cursor.execute("ANALYZE plan_fee; ANALYZE plan_indemnity")


def _check_conventions(chosen: Conventions) -> None:
    if (chosen.day_count, chosen.allocation) != (DayCount.ACT_365, AllocationOrder.PRINCIPAL_FIRST):
        raise UnsupportedConvention(
            _(
                "Les campagnes calculent les pénalités sur 365 jours, les règlements étant imputés d’abord sur le "
                "principal. Les paramètres légaux demandent %(day_count)s et %(allocation)s : aucune relance n’est "
                "proposée tant qu’ils diffèrent."
            )
            % {"day_count": chosen.day_count, "allocation": chosen.allocation},
            field="late_fees.day_count",
        )


def _oldest_due_date(cursor: CursorWrapper, *, public: bool) -> date | None:
    cursor.execute(
        "SELECT min(d.due_date) FROM plan_decision d JOIN plan_step s USING (customer_id, currency, unit) "
        "WHERE d.reason IS NULL AND s.claims_interest AND d.customer_kind <> 'CONSUMER' "
        "AND (d.customer_kind = 'PUBLIC_BODY') = %s",
        [public],
    )
    oldest: date | None = cursor.fetchone()[0]
    return oldest


DayRate = tuple[date, Decimal | None, Decimal | None]


def _cumulated_days(
    rule: Rule, rates: ReferenceRates, parameters: LateFeeParameters, first: date, last: date
) -> Iterator[DayRate]:
    """C(day): the sum of the rates of the days after `first`, up to and with `day`."""
    total = Decimal(0)
    yield first, total, None
    for applied in applied_rates(rule, rates, parameters, first + ONE_DAY, last):
        day = applied.start
        while day <= applied.end:
            total += applied.rate_percent
            yield day, total, None
            day += ONE_DAY


def _frozen_days(
    rule: Rule, rates: ReferenceRates, parameters: LateFeeParameters, first: date, last: date
) -> Iterator[DayRate]:
    """For each due date, the rate frozen at the half-year in which its interest starts, the day after."""
    day = first
    while day <= last:
        start = min(day + ONE_DAY, last)
        frozen = next(iter(applied_rates(rule, rates, parameters, start, start)))
        yield day, None, frozen.rate_percent
        day += ONE_DAY


def _insert(cursor: CursorWrapper, debtor: str, rows: Iterator[DayRate]) -> None:
    days, cumulated, frozen = zip(*rows, strict=True)
    cursor.execute(
        "INSERT INTO plan_rate SELECT %s, * FROM unnest(%s::date[], %s::numeric[], %s::numeric[])",
        [debtor, list(days), list(cumulated), list(frozen)],
    )
