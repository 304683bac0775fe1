"""Reading an allowance: observed rates, totals, what moved since the last closing, and what came of it."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Q, Sum

from invoices.models import Adjustment
from risk.models import ProvisionLine, ProvisionMethod, ProvisionRun
from risk.provision_rules import (
    BUCKET_COUNT,
    ZERO,
    Held,
    Movement,
    Step,
    loss_rates,
    movement,
    with_outlook,
)
from risk.provision_sql import IN_FORCE, groups_owed, roll_steps

PARTS = ("new", "settled", "used", "aged", "rates", "individual")
_FETCHED = 5_000

Json = dict[str, Any]


def matrix_of(run: ProvisionRun, method: ProvisionMethod) -> list[Json]:
    """The rate of every bucket of every currency and group that owes something. Raises RatesMissing."""
    entity_id = run.legal_entity_id
    of_group: dict[tuple[str, str], tuple[Step, ...]] = {}
    of_currency: dict[str, tuple[Step, ...]] = {}
    for row in roll_steps(entity_id=entity_id, as_of=run.as_of, method=method):
        steps = tuple(
            Step(row[f"entered_{step}"], row[f"rolled_{step}"], row[f"count_{step}"])
            for step in range(BUCKET_COUNT)
        )
        if row["is_all"]:
            of_currency[row["currency"]] = steps
        else:
            of_group[row["currency"], row["group_key"]] = steps
    entered = {int(bucket): Decimal(rate) for bucket, rate in method.entered_rates.items()}
    matrix = []
    for currency, group in groups_owed(entity_id=entity_id, as_of=run.as_of, grouping=method.grouping):
        steps = of_group.get((currency, group), ())
        wider = (of_currency.get(currency, ()), of_currency.get(run.legal_entity.currency, ()))
        rates = loss_rates(steps, minimum_count=method.minimum_count, wider=wider, entered=entered)
        for found in rates:
            step = steps[found.bucket] if steps else Step(ZERO, ZERO, 0)
            matrix.append(
                {
                    "currency": currency,
                    "group": group,
                    "bucket": found.bucket,
                    "entered": str(step.entered_amount),
                    "rolled": str(step.rolled_amount),
                    "count": step.count,
                    "rate": str(found.rate),
                    "source": found.source,
                    "applied_rate": str(with_outlook(found.rate, run.outlook_factor)),
                }
            )
    return matrix


def with_amounts(run: ProvisionRun, matrix: list[Json]) -> list[Json]:
    """The matrix with what stands in each bucket and what is set aside for it."""
    sums = {
        (row["currency"], row["group"], row["bucket"]): row
        for row in run.lines.filter(cause="")
        .order_by()
        .values("currency", "group", "bucket")
        .annotate(base=Sum("base_amount"), allowance=Sum("allowance_amount"), debts=Count("pk"))
    }
    for row in matrix:
        found = sums.get((row["currency"], row["group"], row["bucket"]), {})
        row["base"] = str(found.get("base", ZERO))
        row["allowance"] = str(found.get("allowance", ZERO))
        row["debts"] = found.get("debts", 0)
    return matrix


def totals_of(run: ProvisionRun) -> list[Json]:
    """What is owed and set aside per currency, and what moved since the last closing."""
    individual = ~Q(cause="")
    moved = _movements(run)
    openings = _openings(run)
    rows = {
        row["currency"]: row
        for row in run.lines.order_by()
        .values("currency")
        .annotate(
            owed=Sum("owed_amount"),
            base=Sum("base_amount"),
            allowance=Sum("allowance_amount"),
            individual=Sum("allowance_amount", filter=individual),
            individual_owed=Sum("owed_amount", filter=individual),
            debts=Count("pk"),
            individual_debts=Count("pk", filter=individual),
            vat_unknown=Count("pk", filter=Q(item__vat_amount__isnull=True)),
        )
    }
    totals = []
    for currency in sorted(rows.keys() | openings.keys()):
        row = rows.get(currency, {})
        totals.append(
            {
                "currency": currency,
                **{
                    name: str(row.get(name) or ZERO)
                    for name in ("owed", "base", "allowance", "individual", "individual_owed")
                },
                **{name: row.get(name, 0) for name in ("debts", "individual_debts", "vat_unknown")},
                "opening": str(openings.get(currency, ZERO)),
                "movements": {part: str(moved[currency, part]) for part in PARTS},
            }
        )
    return totals


def _openings(run: ProvisionRun) -> dict[str, Decimal]:
    if run.previous is None:
        return {}
    rows = run.previous.lines.order_by().values_list("currency").annotate(Sum("allowance_amount"))
    return dict(rows)


# Both closings side by side, debt by debt, with what was given up of it in between as a part of its earlier base.
_SIDE_BY_SIDE = f"""
SELECT coalesce(b.currency, f.currency), f.bucket, f.base_amount, f.rate, f.allowance_amount, f.cause,
    b.bucket, b.base_amount, b.rate, b.allowance_amount, b.cause, f."group",
    CASE WHEN f.open_amount > 0 THEN coalesce(lost.amount, 0) * f.base_amount / f.open_amount ELSE 0 END
FROM (SELECT * FROM risk_provisionline WHERE run_id = %(before)s) f
FULL JOIN (SELECT * FROM risk_provisionline WHERE run_id = %(run)s) b USING (item_id)
LEFT JOIN (
    SELECT a.debit_id, sum(a.amount) AS amount
    FROM invoices_allocation a JOIN invoices_adjustment w ON w.item_id = a.credit_id
    WHERE w.reason = '{Adjustment.Reason.LOSS}' AND a.allocated_on > %(since)s AND {IN_FORCE}
    GROUP BY a.debit_id
) lost ON lost.debit_id = item_id
"""


def _movements(run: ProvisionRun) -> dict[tuple[str, str], Decimal]:
    """Each part of the roll-forward by currency; without an earlier closing everything is new."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for currency, moved in _each_movement(run):
        for part in PARTS:
            sums[currency, part] += getattr(moved, part)
    return sums


def _each_movement(run: ProvisionRun) -> Iterator[tuple[str, Movement]]:
    before_rates: dict[tuple[str, str], dict[int, Decimal]] = defaultdict(dict)
    for row in run.previous.matrix if run.previous else ():
        before_rates[row["currency"], row["group"]][row["bucket"]] = Decimal(row["applied_rate"])
    params = {
        "before": run.previous_id,
        "run": run.pk,
        "since": run.previous.as_of if run.previous else date.min,
        "as_of": run.as_of,
    }
    with connection.chunked_cursor() as cursor:
        cursor.execute(_SIDE_BY_SIDE, params)
        while records := cursor.fetchmany(_FETCHED):
            for currency, *fields, group, written_off in records:
                before, after = _held(fields[:5]), _held(fields[5:])
                rates = before_rates[currency, group or ""]
                yield currency, movement(before, after, rates, written_off=written_off)


def _held(fields: list[Any]) -> Held | None:
    bucket, base, rate, amount, cause = fields
    return None if base is None else Held(base, bucket, rate, amount, bool(cause))


def back_test(run: ProvisionRun, today: date) -> list[Json]:
    """What became of the debts of a past allowance: by currency and bucket, what was expected and what was lost.

    Lost: written off since, or open for longer than the method's days. What is open and not yet so old is not known.
    """
    loss_after = int(run.method["loss_after_days"])
    with connection.cursor() as cursor:
        cursor.execute(
            _BACK_TEST, {"run": run.pk, "since": run.as_of, "as_of": today, "loss_after": loss_after}
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


_BACK_TEST = f"""
SELECT l.currency, l.bucket, sum(l.base_amount) AS base_amount, sum(l.allowance_amount) AS expected_amount,
    sum(fate.lost) AS lost_amount, sum(fate.waiting) AS waiting_amount,
    sum(l.base_amount - fate.lost - fate.waiting) AS settled_amount
FROM risk_provisionline l
JOIN LATERAL (
    SELECT least(written_off + CASE WHEN i.due_date + %(loss_after)s < %(as_of)s THEN unpaid ELSE 0 END, l.open_amount)
            * l.base_amount / l.open_amount AS lost,
        least(CASE WHEN i.due_date + %(loss_after)s < %(as_of)s THEN 0 ELSE unpaid END, l.open_amount - written_off)
            * l.base_amount / l.open_amount AS waiting
    FROM invoices_openitem i
    JOIN LATERAL (
        SELECT coalesce(sum(a.amount) FILTER (WHERE w.id IS NOT NULL AND a.allocated_on > %(since)s), 0) AS written_off,
            i.total_amount - coalesce(sum(a.amount), 0) AS unpaid
        FROM invoices_allocation a
        LEFT JOIN invoices_adjustment w ON w.item_id = a.credit_id AND w.reason = '{Adjustment.Reason.LOSS}'
        WHERE a.debit_id = i.id AND {IN_FORCE}
    ) moved ON true
    WHERE i.id = l.item_id
) fate ON true
WHERE l.run_id = %(run)s
GROUP BY l.currency, l.bucket
ORDER BY l.currency, l.bucket
"""


def individual_lines(run: ProvisionRun) -> Any:
    """The debts assessed one by one, the largest allowance first."""
    return (
        ProvisionLine.objects.filter(run=run)
        .exclude(cause="")
        .select_related("customer", "item")
        .order_by("-allowance_amount", "pk")
    )
