"""Reading life-cycle statuses: who may see which, the history of an item, and what is to be told as collected."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core.money import split_money
from core.rights import Actor
from customers.models import Customer, LegalEntity
from invoices.einvoice_statuses import EFFECT_LABELS, EFFECT_TONES, STATUSES, Effect
from invoices.models import Allocation, Dispute, EInvoiceStatus, ImportRow, OpenItem

_REASONS = dict(Dispute.Reason.choices)
_AMOUNTS = {
    "MEN": _("Encaissé"),
    "MPA": _("Payé"),
    "RAP": _("Reste à payer"),
    "MAPTTC": _("Approuvé TTC"),
    "MNATTC": _("Refusé TTC"),
    "MAP": _("Approuvé HT"),
    "MNA": _("Refusé HT"),
}
MOST_COLLECTED = 5_000


def visible_statuses(actor: Actor) -> "QuerySet[EInvoiceStatus]":
    """The statuses of one's entities; of one's own customers only, for who sees no others."""
    found = EInvoiceStatus.objects.filter(legal_entity__in=LegalEntity.objects.visible_to(actor))
    customers = Customer.objects.visible_to(actor)
    if customers.query.where:
        found = found.filter(Q(item__isnull=True) | Q(item__customer__in=customers))
    return found


def flagged_statuses(actor: Actor, since: date) -> "QuerySet[EInvoiceStatus]":
    """Those received since that a person should look at: another account to pay (227), direct payment (224)."""
    return visible_statuses(actor).filter(effect=Effect.FLAGGED, received_at__date__gte=since)


def with_words(statuses: Iterable[EInvoiceStatus]) -> list[EInvoiceStatus]:
    """The statuses with `label`, `tone`, `effect_label`, `effect_tone`, `reason_words` and `amount_words`."""
    rows = list(statuses)
    for row in rows:
        label, tone, _effect = STATUSES[row.code]
        row.label, row.tone = label, tone  # type: ignore[attr-defined]
        row.effect_label = EFFECT_LABELS.get(row.effect, "")  # type: ignore[attr-defined,call-overload]
        row.effect_tone = EFFECT_TONES.get(row.effect, "neutral")  # type: ignore[attr-defined,call-overload]
        row.reason_words = [  # type: ignore[attr-defined]
            {"label": _REASONS.get(reason["code"], reason["code"]), "text": reason.get("text", "")}
            for reason in row.reasons
        ]
        row.amount_words = [  # type: ignore[attr-defined]
            {
                "label": label,
                "amount": Decimal(row.amounts[kind]),
                "currency": row.amounts.get("currency", ""),
            }
            for kind, label in _AMOUNTS.items()
            if kind in row.amounts
        ]
    return rows


def history(item: OpenItem) -> list[EInvoiceStatus]:
    """The statuses of an item, the latest first; those of its number, for an item in instalments."""
    if not item.einvoice_status:
        return []
    found = EInvoiceStatus.objects.filter(
        legal_entity=item.legal_entity_id, number=item.number, item__isnull=False
    )
    return with_words(found.select_related("received_from", "file").order_by("-occurred_at", "-pk")[:100])


@dataclass(frozen=True)
class Collected:
    """Money received on an electronic invoice, to be told to the platform as status 212 « Encaissée ».

    `amount` is negative for a payment taken back. `rates` parts it by VAT rate, where the invoice's are known.
    """

    number: str
    collected_on: date
    amount: Decimal
    currency: str
    buyer: str
    rates: list[tuple[str, Decimal]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The payload for a platform: status, instant, amounts of type MEN, one per VAT rate when they are known."""
        parts = self.rates or [("", self.amount)]
        return {
            "number": self.number,
            "code": "212",
            "occurred_on": self.collected_on.isoformat(),
            "currency": self.currency,
            "amounts": [
                {"type": "MEN", "amount": f"{amount:.2f}"} | ({"vat_rate": rate} if rate else {})
                for rate, amount in parts
            ],
        }


def collected(entity: LegalEntity, start: date, end: date) -> list[Collected]:
    """What was received, or taken back, from `start` to `end` on electronic invoices of the entity.

    Source: status 212 is due on receipts where VAT is due on payment (CGI 269 2 c); a payment that comes back is told
    again with the opposite sign. Credit notes settle without money and are not told.
    """
    electronic = Allocation.objects.filter(
        debit__legal_entity=entity,
        debit__kind__in=OpenItem.DEBIT_KINDS,
        credit__kind=OpenItem.Kind.PAYMENT,
    ).exclude(debit__einvoice_status="")
    made = electronic.filter(allocated_on__range=(start, end)).exclude(
        reversed_on__range=(start, end), reversed_on__isnull=False
    )
    undone = electronic.filter(reversed_on__range=(start, end), allocated_on__lt=start)
    rows: list[tuple[date, Decimal, OpenItem]] = []
    for allocation in _bounded(made, "allocated_on"):
        rows.append((allocation.allocated_on, allocation.amount, allocation.debit))
    for allocation in _bounded(undone, "reversed_on"):
        assert allocation.reversed_on is not None
        rows.append((allocation.reversed_on, -allocation.amount, allocation.debit))
    rates = _rates([item for _day, _amount, item in rows])
    return [
        Collected(
            number=item.number,
            collected_on=day,
            amount=amount,
            currency=item.currency,
            buyer=item.customer.name,
            rates=_parted(amount, rates.get(item.pk, [])),
        )
        for day, amount, item in sorted(rows, key=lambda row: (row[0], row[2].number))
    ]


def _bounded(allocations: "QuerySet[Allocation]", order: str) -> "QuerySet[Allocation]":
    return allocations.select_related("debit__customer").order_by(order, "pk")[:MOST_COLLECTED]


def _rates(items: Iterable[OpenItem]) -> dict[int, list[tuple[str, Decimal]]]:
    """The VAT rates of items that came from electronic invoices, with the amount with VAT of each."""
    posted = [item for item in items if item.import_batch_id]
    rows = ImportRow.objects.filter(
        batch__in={item.import_batch_id for item in posted},
        number__in={item.number for item in posted},
        outcome=ImportRow.Outcome.NEW,
        details__einvoice__has_key="vat_rates",
    )
    found = {}
    for batch, number, details in rows.values_list("batch", "number", "details"):
        parts = details["einvoice"]["vat_rates"]
        found[batch, number] = [(part["rate"], Decimal(part["total"])) for part in parts]
    return {item.pk: found.get((item.import_batch_id, item.number), []) for item in posted}


def _parted(amount: Decimal, rates: list[tuple[str, Decimal]]) -> list[tuple[str, Decimal]]:
    weights = [max(total, Decimal(0)) for _rate, total in rates]
    if not any(weights):
        return []
    return [(rate, part) for (rate, _total), part in zip(rates, split_money(amount, weights), strict=True)]
