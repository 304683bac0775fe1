"""The accounting entries of a closing: doubtful customers and their allowance, as changes since the closing before.

French accounts estimate debt by debt and without VAT (CGI 39, 1-5°; BOI-BIC-PROV-40-20): the lines of the matrix stay
out, they are a help for the consolidated accounts. Per customer: 416 against 411 for the debts that became doubtful,
with VAT; 68174 against 491, or 491 against 78174, for the change of the allowance, without VAT.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any

from django.db import connection
from django.utils.translation import gettext as _

from invoices.entry_lines import COLUMNS, Entry, Line, written
from invoices.operations.applying import settings_of
from risk.models import ProvisionRun

JOURNAL = "OD"
_SEPARATOR = ";"

_CHANGES = """
SELECT c.account_code, c.name, coalesce(now.doubtful, 0) - coalesce(was.doubtful, 0),
    coalesce(now.allowance, 0) - coalesce(was.allowance, 0)
FROM (
    SELECT customer_id, sum(owed_amount) AS doubtful, sum(round(owed_without_vat * rate, 2)) AS allowance
    FROM risk_provisionline WHERE run_id = %(run)s AND cause <> '' AND currency = %(currency)s GROUP BY customer_id
) now
FULL JOIN (
    SELECT customer_id, sum(owed_amount) AS doubtful, sum(round(owed_without_vat * rate, 2)) AS allowance
    FROM risk_provisionline WHERE run_id = %(before)s AND cause <> '' AND currency = %(currency)s GROUP BY customer_id
) was USING (customer_id)
JOIN customers_customer c ON c.id = customer_id
ORDER BY c.account_code
"""


def entry_changes(run: ProvisionRun) -> list[tuple[str, str, Decimal, Decimal]]:
    """Per customer: account code, name, change of doubtful debts with VAT, change of the allowance without VAT.

    In the entity's own currency; debts in another one need a rate of the day and stay out.
    """
    params = {"run": run.pk, "before": run.previous_id, "currency": run.legal_entity.currency}
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, params)
        return [row for row in cursor.fetchall() if row[2] or row[3]]


def entries_of(run: ProvisionRun) -> Iterator[Entry]:
    """The entries, one per customer and kind, dated the day of the closing."""
    accounts = run.method
    receivable = settings_of(run.legal_entity).customer_account
    for place, (code, name, doubtful, allowance) in enumerate(entry_changes(run), start=1):
        customer: dict[str, Any] = {"auxiliary": code, "auxiliary_label": name}
        if doubtful:
            yield Entry(
                JOURNAL,
                _("Opérations diverses"),
                f"DEP-{run.pk}-{place}A",
                run.as_of,
                _("Clients douteux : %(name)s") % {"name": name},
                [
                    Line(
                        accounts["doubtful_account"], _("Clients douteux ou litigieux"), doubtful, **customer
                    ),
                    Line(receivable, _("Clients"), -doubtful, **customer),
                ],
            )
        if allowance:
            up = allowance > 0
            account = accounts["charge_account"] if up else accounts["reversal_account"]
            label = (
                _("Dotations aux dépréciations des créances")
                if up
                else _("Reprises sur dépréciations des créances")
            )
            yield Entry(
                JOURNAL,
                _("Opérations diverses"),
                f"DEP-{run.pk}-{place}B",
                run.as_of,
                _("Dépréciation : %(name)s") % {"name": name},
                [
                    Line(account, label, allowance),
                    Line(
                        accounts["allowance_account"],
                        _("Dépréciations des comptes clients"),
                        -allowance,
                        **customer,
                    ),
                ],
            )


def write_entries(run: ProvisionRun, stream: IO[bytes]) -> None:
    """Write the entries in the columns of the FEC (LPF A47 A-1)."""
    stream.write((_SEPARATOR.join(COLUMNS) + "\r\n").encode())
    for entry in entries_of(run):
        for row in written(entry):
            stream.write((_SEPARATOR.join(row) + "\r\n").encode())
    stream.seek(0)
