"""Which payment a returned movement takes back: what the bank says of it, read over the lines received before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from invoices.models import BankLine

# A refund of an unauthorised direct debit may be asked for during 13 months (SEPA core scheme).
OLDEST_DAYS = 400
# Without its reference, a mandate or an account names a payment by its date.
NEAR_DAYS = 60
MOST_SHOWN = 5
# What the bank writes when the payer gave no reference.
NO_REFERENCE = ("NOTPROVIDED", "NOT PROVIDED", "NOTAVAILABLE", "NONREF", "NONE")


@dataclass(frozen=True)
class ReturnCandidate:
    """A received line that a return may take back, with the reasons in words."""

    line: BankLine
    reasons: tuple[str, ...]
    is_certain: bool


_CERTAIN = """
WITH waiting AS (
    SELECT line.id, line.amount, line.currency, line.booking_date, line.end_to_end_id, line.mandate_reference,
           account.legal_entity_id
    FROM invoices_bankline line JOIN invoices_bankaccount account ON account.id = line.bank_account_id
    WHERE line.status = 'OPEN' AND line.amount < 0 AND line.is_return AND line.returns_id IS NULL
      AND line.applied_amount = 0 {narrowed}
), named AS (
    SELECT waiting.id, original.id AS original_id, 1 AS sign
    FROM waiting JOIN invoices_bankline original ON original.end_to_end_id = waiting.end_to_end_id
    JOIN invoices_bankaccount account ON account.id = original.bank_account_id
    WHERE waiting.end_to_end_id <> '' AND NOT upper(waiting.end_to_end_id) = ANY(%(none)s)
      AND {fits} AND original.booking_date >= waiting.booking_date - %(oldest)s
    UNION ALL
    SELECT waiting.id, original.id, 2
    FROM waiting JOIN invoices_bankline original ON original.amount = -waiting.amount
    JOIN invoices_bankaccount account ON account.id = original.bank_account_id
    WHERE waiting.mandate_reference <> '' AND original.mandate_reference = waiting.mandate_reference
      AND {fits} AND original.booking_date >= waiting.booking_date - %(near)s
), best AS (
    SELECT id, original_id, sign, min(sign) OVER (PARTITION BY id) AS first_sign FROM named
)
SELECT id, min(original_id) FROM best WHERE sign = first_sign
GROUP BY id HAVING count(DISTINCT original_id) = 1 ORDER BY id LIMIT %(limit)s
"""
_FITS = """account.legal_entity_id = waiting.legal_entity_id AND original.amount > 0
      AND original.currency = waiting.currency AND original.booking_date <= waiting.booking_date
      AND original.status IN ('OPEN', 'APPLIED')
      AND NOT EXISTS (SELECT 1 FROM invoices_bankline other
                      WHERE other.returns_id = original.id AND original.amount = -other.amount)
      AND (original.amount = -waiting.amount OR EXISTS (
          SELECT 1 FROM invoices_receipt receipt
          WHERE receipt.bank_line_id = original.id AND receipt.role = 'PAYMENT' AND receipt.amount = -waiting.amount
            AND receipt.counter_item_id IS NULL AND receipt.returned_by_id IS NULL))"""


def certain_originals(*, limit: int = 500, line_ids: Sequence[int] | None = None) -> list[tuple[int, int]]:
    """Returns still open and the one payment each takes back: named by its reference, else by its mandate and amount."""
    narrowed = "" if line_ids is None else "AND line.id = ANY(%(ids)s)"
    with connection.cursor() as cursor:
        cursor.execute(
            _CERTAIN.format(narrowed=narrowed, fits=_FITS),
            {
                "none": list(NO_REFERENCE),
                "oldest": OLDEST_DAYS,
                "near": NEAR_DAYS,
                "limit": limit,
                "ids": list(line_ids or []),
            },
        )
        return [(line_id, original_id) for line_id, original_id in cursor.fetchall()]


def return_candidates(line: BankLine) -> list[ReturnCandidate]:
    """The payments that this line may take back, the likeliest first."""
    certain = dict(certain_originals(line_ids=[line.pk])).get(line.pk)
    same = Q(amount=-line.amount) | Q(
        receipts__amount=-line.amount,
        receipts__role="PAYMENT",
        receipts__counter_item__isnull=True,
        receipts__returned_by__isnull=True,
    )
    found = (
        BankLine.objects.filter(
            same,
            bank_account__legal_entity=line.bank_account.legal_entity_id,
            currency=line.currency,
            amount__gt=0,
            status__in=[BankLine.Status.OPEN, BankLine.Status.APPLIED],
            booking_date__lte=line.booking_date,
            booking_date__gte=line.booking_date - timedelta(days=OLDEST_DAYS),
        )
        .exclude(pk__in=BankLine.objects.filter(returns__isnull=False).values("returns"))
        .select_related("bank_account")
        .order_by("-booking_date", "-id")
        .distinct()[:100]
    )
    candidates = [
        ReturnCandidate(original, tuple(_reasons(line, original)), original.pk == certain)
        for original in found
    ]
    candidates.sort(key=lambda candidate: (not candidate.is_certain, -len(candidate.reasons)))
    return candidates[:MOST_SHOWN]


def _reasons(line: BankLine, original: BankLine) -> list[str]:
    reasons = []
    if line.end_to_end_id and line.end_to_end_id == original.end_to_end_id:
        reasons.append(_("même référence de bout en bout"))
    if line.mandate_reference and line.mandate_reference == original.mandate_reference:
        reasons.append(_("même mandat"))
    if line.counterparty_iban and line.counterparty_iban == original.counterparty_iban:
        reasons.append(_("même IBAN"))
    if line.counterparty_name and line.counterparty_name.casefold() == original.counterparty_name.casefold():
        reasons.append(_("même tiers"))
    if line.amount == -original.amount:
        reasons.append(_("même montant"))
    return reasons
