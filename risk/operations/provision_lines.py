"""Writing the lines of an allowance: one per debt that is open as of its day, in one statement."""

from typing import Any

from django.db import connection

from risk.models import ProvisionMethod, ProvisionRun
from risk.provision_computation import matrix_of, totals_of, with_amounts
from risk.provision_sql import BUCKET, GROUPS, OWED

Json = dict[str, Any]

# Half up away from zero, as core.money.round_money does: what PostgreSQL's round does on numerics.
_INSERT = f"""
{OWED}
INSERT INTO risk_provisionline (run_id, item_id, customer_id, currency, "group", bucket, open_amount, owed_amount,
    owed_without_vat, base_amount, rate, allowance_amount, cause)
SELECT %(run)s, valued.id, customer_id, currency, group_key, bucket, open_then, owed_amount, without_vat, base,
    rate, round(base * rate, 2), cause
FROM (
    SELECT *, CASE WHEN %(with_vat)s THEN owed_amount ELSE without_vat END AS base
    FROM (
        SELECT i.*, {BUCKET} AS bucket, __GROUP__ AS group_key,
            CASE WHEN i.vat_amount IS NULL THEN i.owed_amount
                 ELSE round(i.owed_amount * (i.total_amount - i.vat_amount) / i.total_amount, 2) END AS without_vat,
            CASE WHEN of_item.id IS NOT NULL THEN of_item.cause WHEN of_customer.id IS NOT NULL THEN of_customer.cause
                 WHEN %(insolvency_rate)s::numeric IS NOT NULL AND c.insolvency_date <= %(as_of)s
                      AND c.status = 'INSOLVENT' THEN 'INSOLVENCY'
                 ELSE '' END AS cause,
            coalesce(of_item.rate, of_customer.rate,
                CASE WHEN c.insolvency_date <= %(as_of)s AND c.status = 'INSOLVENT'
                     THEN %(insolvency_rate)s::numeric END) AS own_rate
        FROM owed i
        JOIN customers_customer c ON c.id = i.customer_id
        LEFT JOIN risk_individualassessment of_item ON of_item.item_id = i.id
            AND of_item.valid_from <= %(as_of)s AND (of_item.ended_on IS NULL OR of_item.ended_on > %(as_of)s)
        LEFT JOIN risk_individualassessment of_customer ON of_customer.customer_id = i.customer_id
            AND of_customer.item_id IS NULL AND of_customer.valid_from <= %(as_of)s
            AND (of_customer.ended_on IS NULL OR of_customer.ended_on > %(as_of)s)
        WHERE i.owed_amount > 0
    ) facts
) valued
JOIN LATERAL (
    SELECT coalesce(own_rate, (
        SELECT m.rate FROM provision_matrix m
        WHERE m.currency = valued.currency AND m.group_key = valued.group_key AND m.bucket = valued.bucket
    )) AS rate
) chosen ON true
"""


def write_lines(run: ProvisionRun, method: ProvisionMethod) -> tuple[list[Json], list[Json]]:
    """Write the lines of the run; returns its matrix and its totals. In a transaction. Raises RatesMissing."""
    matrix = matrix_of(run, method)
    _insert(run, method, matrix)
    return with_amounts(run, matrix), totals_of(run)


def _insert(run: ProvisionRun, method: ProvisionMethod, matrix: list[Json]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS pg_temp.provision_matrix; CREATE TEMP TABLE provision_matrix ("
            "currency varchar(3), group_key varchar(40), bucket smallint, rate numeric(7,6)) ON COMMIT DROP"
        )
        cursor.executemany(
            "INSERT INTO provision_matrix VALUES (%s, %s, %s, %s)",
            [(row["currency"], row["group"], row["bucket"], row["applied_rate"]) for row in matrix],
        )
        cursor.execute(
            _INSERT.replace("__GROUP__", GROUPS[ProvisionMethod.Grouping(method.grouping)]),
            {
                "run": run.pk,
                "entity": run.legal_entity_id,
                "as_of": run.as_of,
                "with_vat": method.base == ProvisionMethod.Base.WITH_VAT,
                "insolvency_rate": method.insolvency_rate,
            },
        )
