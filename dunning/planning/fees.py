"""Late-payment interest and indemnities of a whole run.

Interest follows `invoices.late_fees` under ACT/365 and principal first: the rate of every day, cumulated, stands
in a small table by rule (law and kind of debtor), so that the interest of a principal is a difference of two of
its rows (exact, no range join). `dunning.fee_statements` computes the same for one item; a test compares them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.legal_register import ECB_RATE, LEGAL_INTEREST, MissingLegalParameter, Register
from customers.models import LegalEntity
from invoices.fixed_costs import FixedCost
from invoices.late_fee_laws import Law, has_rates, law_rule, rule_under
from invoices.late_fee_parameters import Conventions, conventions, late_fee_parameters, reference_rates
from invoices.late_fee_rules import (
    Debtor,
    LateFeeParameters,
    ReferenceRates,
    Rule,
    RuleKind,
    applied_rates,
    parse_rule,
)
from invoices.late_fees import AllocationOrder, CreditNotePolicy, DayCount

ONE_DAY = timedelta(days=1)

# What each claimed item starts from: the day interest starts after (a consumer's: his formal notice), its last day
# (the eve of a judgment that came after the debt), its law; nothing is added to what fell due after that judgment.
CLAIMS = """
CREATE TEMP TABLE plan_claim ON COMMIT DROP AS
SELECT d.item_id, d.customer_id, d.currency, d.due_date, d.open_amount, i.kind, i.number, i.instalment, c.law,
       c.law || ':' || CASE d.customer_kind WHEN 'PUBLIC_BODY' THEN 'PUBLIC_BODY' WHEN 'CONSUMER' THEN 'CONSUMER'
                       ELSE 'COMPANY' END AS rule_key,
       CASE WHEN d.customer_kind = 'CONSUMER' THEN greatest(d.due_date, notice.sent_on) ELSE d.due_date END AS from_day,
       least(%(as_of)s::date, j.judgment - 1) AS last_day,
       s.claims_interest AND NOT coalesce(w.part IN ('INTEREST', 'BOTH'), FALSE)
           AND (d.customer_kind <> 'CONSUMER' OR notice.sent_on IS NOT NULL)
           AND (j.judgment IS NULL OR d.due_date < j.judgment) AS claims_interest,
       s.claims_indemnity AND i.kind = 'INVOICE' AND d.customer_kind <> 'CONSUMER'
           AND (j.judgment IS NULL OR d.due_date < j.judgment) AS claims_indemnity,
       coalesce(w.part IN ('INDEMNITY', 'BOTH'), FALSE) AS indemnity_waived
FROM plan_decision d
JOIN plan_step s USING (customer_id, currency, unit)
JOIN invoices_openitem i ON i.id = d.item_id
JOIN (
    SELECT id, insolvency_date, CASE late_payment_law WHEN '' THEN 'FR' ELSE late_payment_law END AS law
    FROM customers_customer
) c ON c.id = d.customer_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN c.insolvency_date <= %(as_of)s AND i.issue_date < c.insolvency_date THEN c.insolvency_date END
        AS judgment
) j
LEFT JOIN dunning_feewaiver w ON w.item_id = d.item_id AND w.granted_on <= %(as_of)s
    AND (w.revoked_on IS NULL OR w.revoked_on > %(as_of)s)
LEFT JOIN LATERAL (
    SELECT min(n.sent_on) AS sent_on
    FROM dunning_noticeline l
    JOIN dunning_notice n ON n.id = l.notice_id AND n.status = 'SENT' AND n.sent_on <= %(as_of)s
    JOIN dunning_level level ON level.id = n.level_id AND level.kind = 'FORMAL_NOTICE'
    WHERE d.customer_kind = 'CONSUMER' AND l.item_id = d.item_id AND l.rank > 0
) notice ON TRUE
WHERE d.reason IS NULL AND (s.claims_interest OR s.claims_indemnity)
"""

FEES = """
CREATE TEMP TABLE plan_fee ON COMMIT DROP AS
WITH principal AS (
    SELECT item_id, rule_key, from_day, open_amount AS amount, last_day FROM plan_claim WHERE claims_interest
    UNION ALL
    SELECT c.item_id, c.rule_key, c.from_day, a.amount, least(a.allocated_on, c.last_day)
    FROM plan_claim c
    JOIN invoices_allocation a ON a.debit_id = c.item_id
    LEFT JOIN invoices_openitem credit ON %(retroactive)s AND credit.id = a.credit_id
    WHERE c.claims_interest AND a.allocated_on > c.from_day AND a.allocated_on <= %(as_of)s
      AND (a.reversed_on IS NULL OR a.reversed_on > %(as_of)s)
      AND credit.kind IS DISTINCT FROM 'CREDIT_NOTE'
)
SELECT p.item_id,
       round(sum(p.amount * coalesce(coalesce(start.frozen_rate, stop.rate_at_payment) * (p.last_day - p.from_day),
                                     stop.cumulated - start.cumulated))
             / 36500, 2) AS interest
FROM principal p
JOIN plan_rate start ON start.rule_key = p.rule_key AND start.day = p.from_day
JOIN plan_rate stop ON stop.rule_key = p.rule_key AND stop.day = p.last_day
WHERE p.last_day > p.from_day
GROUP BY p.item_id
"""

# Once per invoice, on its first instalment; by tiers of what was open at the due date where the law has tiers. Bounds
# and sum in another currency than the item's are for a person to claim apart.
INDEMNITIES = """
CREATE TEMP TABLE plan_indemnity ON COMMIT DROP AS
WITH first_instalment AS (
    SELECT DISTINCT ON (c.number) c.*, cost.has_tiers, cost.minimum, cost.maximum
    FROM plan_claim c
    JOIN plan_cost cost ON cost.law = c.law AND cost.currency = c.currency
    WHERE c.claims_indemnity
    ORDER BY c.number, c.instalment
), owing AS (
    SELECT f.*, CASE WHEN f.has_tiers OR %(de_minimis)s::numeric <> 0 THEN f.open_amount + coalesce((
        SELECT sum(a.amount) FROM invoices_allocation a
        LEFT JOIN invoices_openitem credit ON %(retroactive)s AND credit.id = a.credit_id
        WHERE a.debit_id = f.item_id AND a.allocated_on > f.due_date AND a.allocated_on <= %(as_of)s
          AND (a.reversed_on IS NULL OR a.reversed_on > %(as_of)s)
          AND credit.kind IS DISTINCT FROM 'CREDIT_NOTE'), 0) ELSE f.open_amount END AS balance
    FROM first_instalment f
    WHERE NOT f.indemnity_waived
)
SELECT o.item_id, coalesce(
           max(tier.amount) FILTER (WHERE tier.debt @> o.balance AND NOT tier.is_percentage),
           least(o.maximum, greatest(o.minimum, round(sum(
               greatest(least(o.balance, upper(tier.debt)) - coalesce(lower(tier.debt), 0), 0) * tier.amount / 100
           ) FILTER (WHERE tier.is_percentage), 2)))) AS indemnity
FROM owing o
JOIN plan_tier tier ON tier.law = o.law
WHERE o.balance > %(de_minimis)s::numeric
GROUP BY o.item_id, o.minimum, o.maximum
"""

TABLES = """
CREATE TEMP TABLE plan_rate (
    rule_key text, day date, cumulated numeric, frozen_rate numeric, rate_at_payment numeric
) ON COMMIT DROP;
CREATE TEMP TABLE plan_cost (
    law text, currency text, has_tiers boolean, minimum numeric, maximum numeric
) ON COMMIT DROP;
CREATE TEMP TABLE plan_tier (law text, debt numrange, amount numeric, is_percentage boolean) ON COMMIT DROP
"""

# One contract whose law has no rate must not keep the whole entity from being chased.
WITHOUT_RATES = """
UPDATE plan_decision d SET reason = 'RATE_MISSING'
FROM customers_customer c, plan_step s
WHERE c.id = d.customer_id AND s.customer_id = d.customer_id AND s.currency = d.currency AND s.unit = d.unit
  AND d.reason IS NULL
  AND (s.claims_interest OR s.claims_indemnity) AND c.late_payment_law = ANY(%(laws)s);
DELETE FROM plan_step s WHERE NOT EXISTS (
    SELECT FROM plan_decision d
    WHERE d.customer_id = s.customer_id AND d.currency = s.currency AND d.unit = s.unit AND d.reason IS NULL)
"""


class UnsupportedConvention(BusinessError):
    """The registry asks for a way of counting that the set-based formula does not know."""

    code = "unsupported_convention"


@dataclass(frozen=True)
class RuleNeeded:
    """A rule that the claimed items follow, from the day after `first`."""

    law: Law
    debtor: Debtor
    first: date

    @property
    def key(self) -> str:
        return f"{self.law}:{self.debtor}"


def clause_of(entity: LegalEntity) -> Rule | None:
    """The entity's contractual rate; None means the statutory one."""
    return parse_rule(entity.late_fee_clause) if entity.late_fee_clause else None


def rates_known_from(legal: Register, entity: LegalEntity) -> date:
    """The first day on which interest can be counted: earlier than any due date when the registry is empty."""
    # A clause is compared with the floor, which follows the legal interest rate.
    series = (ECB_RATE, LEGAL_INTEREST) if entity.late_fee_clause else (ECB_RATE,)
    return max((legal.values[key][0].valid_from for key in series if key in legal.values), default=date.min)


def compute_fees(cursor: CursorWrapper, *, legal: Register, entity: LegalEntity, as_of: date) -> None:
    """Fill `plan_fee` and `plan_indemnity`. Raises MissingLegalParameter naming the half-year.

    Contracts under another law that has no rate or no value for these days are left out as RATE_MISSING.
    """
    parameters = late_fee_parameters(legal, as_of)
    chosen = conventions(legal, as_of)
    _check_conventions(chosen)
    if missing := _laws_without_values(cursor, legal, as_of):
        cursor.execute(WITHOUT_RATES, {"laws": missing})
    cursor.execute(TABLES)
    cursor.execute(CLAIMS, {"as_of": as_of})
    for needed in _rules_needed(cursor):
        rule, _values = rule_under(
            legal,
            needed.law,
            needed.debtor,
            clause_of(entity),
            parameters,
            as_of,
            formal_notice=needed.debtor is Debtor.CONSUMER,
        )
        if rule is not None:
            rates = reference_rates(legal, needed.first, as_of)
            _insert(cursor, needed.key, _days(rule, rates, parameters, needed.first, as_of))
    _insert_costs(cursor, legal, parameters, as_of)
    cursor.execute("ANALYZE plan_claim; ANALYZE plan_rate; ANALYZE plan_cost; ANALYZE plan_tier")
    retroactive = chosen.credit_notes is CreditNotePolicy.RETROACTIVE
    cursor.execute(FEES, {"as_of": as_of, "retroactive": retroactive})
    cursor.execute(
        INDEMNITIES, {"de_minimis": parameters.de_minimis, "as_of": as_of, "retroactive": retroactive}
    )
    cursor.execute("DROP TABLE plan_claim, plan_cost, plan_tier; ANALYZE plan_fee; ANALYZE plan_indemnity")


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


def _laws_without_values(cursor: CursorWrapper, legal: Register, as_of: date) -> list[str]:
    """The laws, other than French, of which a rate or a value is unknown between the oldest due date and the run."""
    cursor.execute(
        "SELECT c.late_payment_law, min(d.due_date) FROM plan_decision d JOIN customers_customer c ON c.id = d.customer_id "
        "WHERE d.reason IS NULL AND c.late_payment_law NOT IN ('', 'FR') GROUP BY 1 ORDER BY 1"
    )
    return [law for law, first in cursor.fetchall() if not _is_known(legal, Law(law), first, as_of)]


def _is_known(legal: Register, law: Law, first: date, as_of: date) -> bool:
    try:
        law_rule(legal, law, as_of)
    except MissingLegalParameter:
        return False
    return has_rates(legal, law, first + ONE_DAY, as_of)


def _rules_needed(cursor: CursorWrapper) -> list[RuleNeeded]:
    cursor.execute(
        "SELECT rule_key, min(from_day) FROM plan_claim WHERE claims_interest GROUP BY 1 ORDER BY 1"
    )
    needed = []
    for key, first in cursor.fetchall():
        law, debtor = key.split(":")
        needed.append(RuleNeeded(Law(law), Debtor(debtor), first))
    return needed


DayRate = tuple[date, Decimal | None, Decimal | None, Decimal | None]


def _days(
    rule: Rule, rates: ReferenceRates, parameters: LateFeeParameters, first: date, last: date
) -> Iterator[DayRate]:
    """What each day from `first` to `last` needs: the cumulated rate, or the one frozen at start or at payment."""
    if rule.kind is RuleKind.ECB_PLUS_FROZEN:
        return _frozen_days(rule, rates, parameters, first, last)
    if rule.at_payment:
        return _payment_days(rule, rates, parameters, first, last)
    return _cumulated_days(rule, rates, parameters, first, last)


def _cumulated_days(
    rule: Rule, rates: ReferenceRates, parameters: LateFeeParameters, first: date, last: date
) -> Iterator[DayRate]:
    """C(day): the sum of the rates of the days after `first`, up to and with `day`."""
    total = Decimal(0)
    yield first, total, None, None
    for applied in applied_rates(rule, rates, parameters, first + ONE_DAY, last):
        day = applied.start
        while day <= applied.end:
            total += applied.rate_percent
            yield day, total, None, None
            day += ONE_DAY


def _frozen_days(
    rule: Rule, rates: ReferenceRates, parameters: LateFeeParameters, first: date, last: date
) -> Iterator[DayRate]:
    """For each due date, the rate frozen at the half-year in which its interest starts, the day after."""
    day = first
    while day <= last:
        start = min(day + ONE_DAY, last)
        yield day, None, _rate_on(rule, rates, parameters, start), None
        day += ONE_DAY


def _payment_days(
    rule: Rule, rates: ReferenceRates, parameters: LateFeeParameters, first: date, last: date
) -> Iterator[DayRate]:
    """For each day of payment, its rate."""
    day = first
    while day <= last:
        yield day, None, None, _rate_on(rule, rates, parameters, day)
        day += ONE_DAY


def _rate_on(rule: Rule, rates: ReferenceRates, parameters: LateFeeParameters, day: date) -> Decimal:
    return next(iter(applied_rates(rule, rates, parameters, day, day))).rate_percent


def _insert(cursor: CursorWrapper, key: str, rows: Iterator[DayRate]) -> None:
    days, cumulated, frozen, at_payment = zip(*rows, strict=True)
    cursor.execute(
        "INSERT INTO plan_rate SELECT %s, * FROM unnest(%s::date[], %s::numeric[], %s::numeric[], %s::numeric[])",
        [key, list(days), list(cumulated), list(frozen), list(at_payment)],
    )


def _insert_costs(cursor: CursorWrapper, legal: Register, parameters: LateFeeParameters, as_of: date) -> None:
    """The fixed sum of each law in use, in its currency, by tiers of the debt."""
    cursor.execute("SELECT DISTINCT law FROM plan_claim WHERE claims_indemnity ORDER BY law")
    for (name,) in cursor.fetchall():
        law = Law(name)
        if law is Law.FR:
            _insert_cost(cursor, law, parameters.indemnity_currency)
            _insert_tier(cursor, law, None, None, "()", parameters.indemnity, False)
            continue
        cost = law_rule(legal, law, as_of).fixed_cost
        if cost.bounds_currency in ("", cost.currency):
            _insert_cost(cursor, law, cost.currency, cost)
            _insert_tiers(cursor, law, cost)


def _insert_cost(cursor: CursorWrapper, law: Law, currency: str, cost: FixedCost | None = None) -> None:
    cursor.execute(
        "INSERT INTO plan_cost VALUES (%s, %s, %s, %s, %s)",
        [law, currency, bool(cost and cost.bounds_currency), cost and cost.minimum, cost and cost.maximum],
    )


def _insert_tiers(cursor: CursorWrapper, law: Law, cost: FixedCost) -> None:
    lower, opening = None, "("
    for tier in cost.tiers:
        closing = "]" if tier.inclusive else ")"
        _insert_tier(cursor, law, lower, tier.bound, opening + closing, tier.value, tier.is_percentage)
        lower, opening = tier.bound, "(" if tier.inclusive else "["


def _insert_tier(
    cursor: CursorWrapper,
    law: Law,
    lower: Decimal | None,
    upper: Decimal | None,
    bounds: str,
    amount: Decimal,
    is_percentage: bool,
) -> None:
    cursor.execute(
        "INSERT INTO plan_tier VALUES (%s, numrange(%s, %s, %s), %s, %s)",
        [law, lower, upper, bounds, amount, is_percentage],
    )
