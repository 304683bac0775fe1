"""What life-cycle statuses do to items: disputes, promises, factoring. Part of the operations that receive them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from core.money import CENT, round_money
from core.rights import SYSTEM
from invoices.einvoice_statuses import (
    STATUSES,
    Effect,
    ReceivedStatus,
    contested_amount,
    dispute_reason,
    family_of,
)
from invoices.models import Dispute, EInvoiceStatus, OpenItem, Promise
from invoices.operations.disputes import change_dispute, open_dispute, resolve_dispute
from invoices.operations.promises import make_promise

Outcome = tuple[Effect, dict[str, Any]]
_OPENING = ("206", "207", "208", "210", "213", "220", "221", "501")
_LONGEST_NOTE = 1_000


class Effects:
    """The effects of statuses of one entity, in the order of their instants, on items that it locks.

    The house acts by its own rule: who brings a status needs the right to bring it, not to open disputes.
    """

    def __init__(self, entity_id: int, numbers: Iterable[str], today: date, now: datetime) -> None:
        self._today, self._now = today, now
        wanted = sorted(set(numbers))
        self._items: dict[str, list[OpenItem]] = defaultdict(list)
        found = OpenItem.objects.filter(legal_entity=entity_id, number__in=wanted)
        for item in found.select_for_update(of=("self",)).order_by("pk"):
            self._items[item.number].append(item)
        for items in self._items.values():
            items.sort(key=lambda item: item.instalment)
        self._latest = self._latest_by_family(entity_id, wanted)
        self._opened_by = self._last_opening(entity_id, wanted)
        keys = [item.pk for items in self._items.values() for item in items]
        open_disputes = Dispute.objects.filter(item__in=keys, resolved_on__isnull=True)
        self._disputes = {dispute.item_id: dispute for dispute in open_disputes.select_related("owner")}
        self._promised = set(
            Promise.objects.filter(item__in=keys, status=Promise.Status.OPEN).values_list("item", flat=True)
        )
        self.factored: dict[int, bool] = {}

    def items(self, number: str) -> Sequence[OpenItem]:
        """The items of a number, by instalment; none when the number is unknown."""
        return self._items.get(number, ())

    def apply(self, status: ReceivedStatus) -> Outcome:
        """Do what the status asks for; what was done, and with what."""
        items = self.items(status.number)
        if not items:
            return Effect.WAITING, {}
        if self._is_superseded(status):
            return Effect.SUPERSEDED, {}
        effect = STATUSES[status.code][2]
        if effect in (Effect.DISPUTED, Effect.DISPUTED_PART, Effect.NOT_DELIVERED):
            return self._contest(status, items, effect)
        if effect is Effect.APPROVED:
            return self._resolve(items, effect, Dispute.Resolution.UPHELD, status)
        if effect is Effect.RESOLVED:
            if self._opened_by.get(status.number) != "208":
                return Effect.NOTED, {}
            return self._resolve(items, effect, Dispute.Resolution.DOCUMENT_SENT, status)
        if effect is Effect.PAYMENT_ANNOUNCED:
            return self._promise(status, items)
        if effect in (Effect.FACTORED, Effect.NOT_FACTORED):
            return self._factor(items, effect)
        return effect, {}

    def _is_superseded(self, status: ReceivedStatus) -> bool:
        """Whether a status of the same family, later by its own instant, was received before."""
        family = family_of(status.code)
        latest = self._latest.get((status.number, family))
        return bool(family) and latest is not None and latest > status.occurred_at

    def _contest(self, status: ReceivedStatus, items: Sequence[OpenItem], effect: Effect) -> Outcome:
        owed = [item for item in items if item.open_amount > 0]
        if not owed:
            return Effect.NOTHING_OPEN, {}
        parts = self._parts(status, items, owed)
        if not parts:
            return self._resolve(items, Effect.APPROVED, Dispute.Resolution.UPHELD, status)
        self._opened_by[status.number] = status.code
        reason = dispute_reason(status.code, status.reasons, Dispute.Reason.values)
        disputes = [self._dispute(item, amount, reason, _note(status)) for item, amount in parts]
        total = sum((amount for _item, amount in parts), Decimal(0))
        return effect, {"reason": reason, "amount": str(total), "disputes": disputes}

    def _parts(
        self, status: ReceivedStatus, items: Sequence[OpenItem], owed: Sequence[OpenItem]
    ) -> list[tuple[OpenItem, Decimal]]:
        """What is contested of each item: of several instalments, the last ones first."""
        vats = [item.vat_amount for item in items]
        known = [vat for vat in vats if vat is not None]
        left = contested_amount(
            status.code,
            _amounts_in(status, items[0].currency),
            total=sum((item.total_amount for item in items), Decimal(0)),
            vat=sum(known, Decimal(0)) if len(known) == len(vats) else None,
            open_amount=sum((item.open_amount for item in owed), Decimal(0)),
        )
        parts = []
        for item in reversed(owed):
            amount = min(left, item.open_amount)
            if amount >= CENT:
                parts.append((item, amount))
                left -= amount
        return parts

    def _dispute(self, item: OpenItem, amount: Decimal, reason: str, note: str) -> int:
        """Open a dispute, or bring the open one to what the status says; a person's reason and words are kept."""
        dispute = self._disputes.get(item.pk)
        if dispute is None:
            dispute = open_dispute(
                actor=SYSTEM,
                item_id=item.pk,
                amount=amount,
                reason=reason,
                note=note,
                origin=Dispute.Origin.EINVOICE,
                today=self._today,
                now=self._now,
            )
        else:
            is_ours = dispute.origin == Dispute.Origin.EINVOICE
            dispute = change_dispute(
                actor=SYSTEM,
                dispute_id=dispute.pk,
                amount=amount if is_ours else min(max(amount, dispute.amount), item.open_amount),
                reason=reason if is_ours else dispute.reason,
                owner=dispute.owner,
                deadline=dispute.deadline,
                note="\n".join(filter(None, (dispute.note, note)))[:_LONGEST_NOTE],
                today=self._today,
                now=self._now,
            )
        self._disputes[item.pk] = dispute
        return dispute.pk

    def _resolve(
        self, items: Sequence[OpenItem], effect: Effect, resolution: str, status: ReceivedStatus
    ) -> Outcome:
        """Close what an earlier status opened. What a person opened is his to close."""
        closed = []
        for item in items:
            dispute = self._disputes.get(item.pk)
            if dispute is None or dispute.origin != Dispute.Origin.EINVOICE:
                continue
            resolve_dispute(
                actor=SYSTEM,
                dispute_id=dispute.pk,
                outcome=_note(status),
                resolution=resolution,
                today=max(self._today, dispute.opened_on),
                now=self._now,
            )
            closed.append(dispute.pk)
            del self._disputes[item.pk]
        if not closed and effect is Effect.RESOLVED:
            return Effect.ALREADY_SO, {}
        return effect, {"disputes": closed} if closed else {}

    def _promise(self, status: ReceivedStatus, items: Sequence[OpenItem]) -> Outcome:
        """A payment announced is not money: dunning waits for it a set number of days."""
        owed = [item for item in items if item.open_amount > 0]
        if not owed:
            return Effect.NOTHING_OPEN, {}
        free = [item for item in owed if item.pk not in self._promised]
        if not free:
            return Effect.ALREADY_SO, {}
        day = status.occurred_at.date() + timedelta(days=settings.EINVOICE_ADVICE_DAYS)
        day = max(day, self._today)
        amounts = _amounts_in(status, items[0].currency)
        left = round_money(amounts["MPA"]) if amounts.get("MPA", Decimal(0)) > 0 else None
        promised = []
        for item in free:
            amount = item.open_amount if left is None else min(left, item.open_amount)
            if amount < CENT:
                break
            promise = make_promise(
                actor=SYSTEM,
                item_id=item.pk,
                amount=amount,
                promised_date=day,
                note=_note(status),
                today=self._today,
                now=self._now,
            )
            promised.append(promise.pk)
            self._promised.add(item.pk)
            left = None if left is None else left - amount
        return Effect.PAYMENT_ANNOUNCED, {"promised_date": day.isoformat(), "promises": promised}

    def _factor(self, items: Sequence[OpenItem], effect: Effect) -> Outcome:
        wanted = effect is Effect.FACTORED
        changed = [item for item in items if item.is_factored != wanted]
        for item in changed:
            item.is_factored = wanted
            self.factored[item.pk] = wanted
        return (effect if changed else Effect.ALREADY_SO), {}

    def _latest_by_family(
        self, entity_id: int, numbers: list[str]
    ) -> dict[tuple[str, frozenset[str]], datetime]:
        latest: dict[tuple[str, frozenset[str]], datetime] = {}
        received = EInvoiceStatus.objects.filter(
            legal_entity=entity_id, number__in=numbers, item__isnull=False
        )
        for number, code, instant in received.order_by("occurred_at").values_list(
            "number", "code", "occurred_at"
        ):
            if family := family_of(code):
                latest[number, family] = instant
        return latest

    def _last_opening(self, entity_id: int, numbers: list[str]) -> dict[str, str]:
        received = EInvoiceStatus.objects.filter(
            legal_entity=entity_id, number__in=numbers, code__in=_OPENING, item__isnull=False
        )
        return dict(received.order_by("occurred_at", "pk").values_list("number", "code"))


def _amounts_in(status: ReceivedStatus, currency: str) -> Mapping[str, Decimal]:
    """The amounts of a status, none when they are in another currency than the invoice."""
    return status.amounts if status.currency in ("", currency) else {}


def _note(status: ReceivedStatus) -> str:
    """The status in words, for the dispute or the promise it leads to."""
    said = _("Statut %(code)s (%(label)s) du %(day)s.") % {
        "code": status.code,
        "label": STATUSES[status.code][0],
        "day": f"{status.occurred_at:%d/%m/%Y}",
    }
    reasons = [" ".join(filter(None, (reason.code, reason.text))) for reason in status.reasons]
    return "\n".join(filter(None, (said, *reasons, status.note)))[:_LONGEST_NOTE]
