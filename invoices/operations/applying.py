"""What every act of matching shares: its inputs, locks, checks on every day, and the rows it writes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import count

from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.money import format_amount, round_money
from core.rights import Actor
from customers.models import Customer, LegalEntity
from invoices.allocation_days import earliest_days
from invoices.models import (
    Adjustment,
    Allocation,
    BankLine,
    CashApplication,
    CashSettings,
    MatchProposal,
    OpenItem,
    ProposalPart,
)
from invoices.operations import disputes
from invoices.operations.ageing import refresh_ageing
from invoices.pairing import Pair, Side, pair

ZERO = Decimal("0.00")
# More documents than a person ticks; one act is one transaction that locks them all.
MOST_PARTS = 500


class CashRefused(BusinessError):
    """A receipt cannot be applied so; `field` names the input at fault, as `part-<item id>` for an item."""

    code = "cash_refused"


@dataclass(frozen=True)
class ApplicationPart:
    """How much of an item is settled in all, differences included; signed as the item."""

    item_id: int
    amount: Decimal


@dataclass(frozen=True)
class OnAccount:
    """Money left on a customer's account, to be matched later; positive."""

    customer_id: int
    amount: Decimal


@dataclass(frozen=True)
class Difference:
    """Part of an item that no money settles. Positive: we give it up; negative: the customer paid that much too much."""

    item_id: int
    amount: Decimal
    reason: str
    note: str = ""


@dataclass
class Share:
    """What an act does on one customer's account."""

    customer: Customer
    parts: dict[int, Decimal] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    on_account: Decimal = ZERO

    @property
    def money(self) -> Decimal:
        """What must come from outside the account for the parts to be settled."""
        given_up = sum((difference.amount for difference in self.differences), ZERO)
        return sum(self.parts.values(), ZERO) - given_up + self.on_account


def shares_of(
    *,
    actor: Actor,
    entity: LegalEntity,
    parts: Iterable[ApplicationPart],
    on_account: Iterable[OnAccount] = (),
    differences: Iterable[Difference] = (),
    seen: Mapping[int, Decimal] | None = None,
) -> tuple[dict[int, OpenItem], list[Share]]:
    """The items, locked in the order of their keys, and what is done per customer. Raises CashRefused.

    `seen` is what the person saw open on items: nothing is done once one has moved, as after a double click.
    """
    parts = list(parts)
    if len(parts) > MOST_PARTS:
        raise CashRefused(
            _("Un lettrage porte sur %(n)s pièces au plus : faites-le en plusieurs fois.") % {"n": MOST_PARTS}
        )
    asked = {part.item_id: part.amount for part in parts}
    if len(asked) != len(parts):
        raise CashRefused(_("La même pièce est citée deux fois."), code="item_twice")
    items = locked_items(actor, asked)
    shares: dict[int, Share] = {}
    for item_id, amount in asked.items():
        item = items.get(item_id)
        if item is None or item.legal_entity_id != entity.pk:
            raise CashRefused(
                _("Une des pièces n’existe pas dans votre périmètre. Rechargez la page."), code="item_unknown"
            )
        if seen is not None and seen.get(item_id, item.open_amount) != item.open_amount:
            raise CashRefused(
                _("Le solde de %(number)s a changé entre-temps. Vérifiez le montant, puis validez.")
                % {"number": item.number},
                code="changed_meanwhile",
                field=f"part-{item_id}",
            )
        _check_part(item, amount)
        share = shares.setdefault(item.customer_id, Share(customer=item.customer))
        share.parts[item_id] = amount
    for rest in on_account:
        customer = shares[rest.customer_id].customer if rest.customer_id in shares else None
        customer = (
            customer
            or Customer.objects.visible_to(actor).filter(pk=rest.customer_id, legal_entity=entity).first()
        )
        if customer is None:
            raise CashRefused(
                _("Choisissez un client de votre périmètre et de cette entité."), field="on_account"
            )
        if rest.amount <= 0 or round_money(rest.amount) != rest.amount:
            raise CashRefused(
                _("Le montant laissé sur le compte est positif, au centime près."), field="on_account"
            )
        shares.setdefault(customer.pk, Share(customer=customer)).on_account += rest.amount
    for difference in differences:
        _add_difference(shares, items, difference)
    if not shares:
        raise CashRefused(
            _("Cochez au moins une pièce, ou choisissez le compte d’un client."), code="nothing"
        )
    return items, [shares[key] for key in sorted(shares)]


def locked_items(actor: Actor, ids: Iterable[int]) -> dict[int, OpenItem]:
    """The items in the actor's scope, locked in the order of their keys so that two acts cannot cross."""
    found = (
        OpenItem.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .filter(pk__in=list(ids))
        .select_related("customer")
        .order_by("pk")
    )
    return {item.pk: item for item in found}


def common_currency(items: Iterable[OpenItem]) -> str:
    """The one currency of the items; empty when there is none. Raises CashRefused for two."""
    found = sorted({item.currency for item in items})
    if len(found) > 1:
        raise CashRefused(
            _("Ces pièces sont dans plusieurs devises (%(found)s) : lettrez-les séparément.")
            % {"found": ", ".join(found)},
            code="currencies",
        )
    return found[0] if found else ""


def settings_of(entity: LegalEntity) -> CashSettings:
    """What the entity lets matching do; the defaults where nothing was set."""
    return CashSettings.objects.filter(legal_entity=entity).first() or CashSettings(legal_entity=entity)


def account_of(settings: CashSettings, reason: str, *, is_gain: bool) -> str:
    """The account that bears a difference of this reason."""
    if is_gain:
        return settings.gain_account
    return {
        Adjustment.Reason.BANK_CHARGES: settings.charges_account,
        Adjustment.Reason.DISCOUNT: settings.discount_account,
        Adjustment.Reason.LOSS: settings.loss_account,
    }.get(Adjustment.Reason(reason), settings.difference_account)


def post_share(
    *,
    application: CashApplication,
    share: Share,
    items: Mapping[int, OpenItem],
    settings: CashSettings,
    credit: OpenItem | None,
    money_date: date,
    today: date,
    now: datetime,
) -> date:
    """Write the adjustments and allocations of a share; returns the latest day from which they count.

    The order is the contract with posting in bulk: each difference settles its own item; then credit notes and
    payments on the account, oldest due first, then the new money (`credit`), settle the debits, oldest due first.
    """
    days = earliest_days({key: abs(amount) for key, amount in share.parts.items()}, items, money_date)
    late = next((items[key] for key, day in days.items() if day > today), None)
    if late is not None:
        raise CashRefused(
            _("La pièce %(number)s est datée du %(day)s : elle ne peut pas être lettrée avant ce jour.")
            % {"number": late.number, "day": f"{late.issue_date:%d/%m/%Y}"},
            field=f"part-{late.pk}",
        )
    known = dict(items)
    if credit is not None:
        known[credit.pk], days[credit.pk] = credit, money_date
    left = {key: abs(amount) for key, amount in share.parts.items()}
    pairs: list[Pair] = []
    gains: list[Side] = []
    for rank, difference in enumerate(share.differences, start=1):
        item = items[difference.item_id]
        adjustment = _post_adjustment(
            application, settings, item, difference, rank, day=days[item.pk], now=now
        )
        known[adjustment.pk], days[adjustment.pk] = adjustment, adjustment.issue_date
        if difference.amount > 0:
            pairs.append(Pair(item.pk, adjustment.pk, difference.amount))
            left[item.pk] -= difference.amount
        else:
            gains.append(Side(adjustment.pk, -difference.amount))
    ordered = sorted(left, key=lambda key: (items[key].due_date, key))
    debits = [Side(key, left[key]) for key in ordered if items[key].total_amount > 0]
    credits = [Side(key, left[key]) for key in ordered if items[key].total_amount < 0]
    if credit is not None:
        credits.append(Side(credit.pk, -credit.total_amount))
    pairs += pair([*debits, *gains], credits)
    allocations = [
        Allocation(
            debit=known[found.debit],
            credit=known[found.credit],
            amount=found.amount,
            allocated_on=max(days[found.debit], days[found.credit]),
            created_at=now,
            application=application,
        )
        for found in pairs
    ]
    Allocation.objects.bulk_create(allocations)
    for allocation in allocations:
        known[allocation.debit_id].open_amount -= allocation.amount
        known[allocation.credit_id].open_amount += allocation.amount
    touched = {key: known[key] for found in pairs for key in (found.debit, found.credit)}
    save_open_amounts(touched.values(), now)
    resolve_disputes_of_settled(touched.values(), today, now)
    return max([money_date, *(allocation.allocated_on for allocation in allocations)])


def save_open_amounts(items: Iterable[OpenItem], now: datetime) -> None:
    """Write the open amounts in the order of the keys."""
    ordered = sorted(items, key=lambda item: item.pk)
    for item in ordered:
        item.updated_at = now
    OpenItem.objects.bulk_update(ordered, ["open_amount", "updated_at"])


def resolve_disputes_of_settled(items: Iterable[OpenItem], today: date, now: datetime) -> int:
    """A settled item has nothing left to dispute. Returns how many disputes ended."""
    settled = [item.pk for item in items if item.open_amount == 0 and item.disputed_amount > 0]
    return disputes.resolve_disputes_of_settled(settled, today, now) if settled else 0


def doubt_proposals_on(item_ids: Iterable[int]) -> None:
    """Proposals for other lines that count on these items are sought again."""
    stale = ProposalPart.objects.filter(
        item__in=list(item_ids), proposal__status=MatchProposal.Status.OPEN, proposal__bank_line__isnull=False
    ).values("proposal__bank_line")
    # A line that somebody works on is passed over: its own act checks the items, and waits for those held here.
    waiting = BankLine.objects.select_for_update(of=("self",), skip_locked=True).filter(
        pk__in=stale, status=BankLine.Status.OPEN
    )
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    BankLine.objects.filter(pk__in=ids).update(matched_at=None)


def refresh(customer_ids: Iterable[int], effective_from: date) -> None:
    """Bring what is stored of these accounts up to date."""
    refresh_ageing(customer_ids=customer_ids, effective_from=effective_from)


def _check_part(item: OpenItem, amount: Decimal) -> None:
    name = f"part-{item.pk}"
    if amount == 0 or round_money(amount) != amount or (amount > 0) != (item.total_amount > 0):
        raise CashRefused(
            _("Le montant lettré de %(number)s n’est pas nul, au centime près, et a le signe de la pièce.")
            % {"number": item.number},
            code="amount_sign",
            field=name,
        )
    if abs(amount) > abs(item.open_amount):
        raise CashRefused(
            _("La pièce %(number)s n’a plus que %(open)s à lettrer.")
            % {"number": item.number, "open": format_amount(abs(item.open_amount), item.currency)},
            code="amount_above_open",
            field=name,
        )


def _add_difference(
    shares: Mapping[int, Share], items: Mapping[int, OpenItem], difference: Difference
) -> None:
    item = items.get(difference.item_id)
    name = f"difference-{difference.item_id}"
    if item is None or item.total_amount <= 0:
        raise CashRefused(_("Un écart se rattache à une facture cochée."), field=name)
    if difference.reason not in Adjustment.Reason.values:
        raise CashRefused(_("Choisissez le motif de l’écart."), field=name)
    share = shares[item.customer_id]
    before = sum((other.amount for other in share.differences if other.item_id == item.pk), ZERO)
    if difference.amount == 0 or round_money(difference.amount) != difference.amount:
        raise CashRefused(_("L’écart n’est pas nul, au centime près."), field=name)
    if before + difference.amount > share.parts[item.pk]:
        raise CashRefused(_("L’écart dépasse ce qui est lettré de la pièce."), field=name)
    share.differences.append(difference)


def _post_adjustment(
    application: CashApplication,
    settings: CashSettings,
    item: OpenItem,
    difference: Difference,
    rank: int,
    *,
    day: date,
    now: datetime,
) -> OpenItem:
    posted = post_other(
        like=item,
        number=f"EC-{application.pk}",
        rank=rank,
        amount=-difference.amount,
        day=day,
        reference=item.number,
        now=now,
    )
    Adjustment.objects.create(
        item=posted,
        application=application,
        reason=difference.reason,
        account=account_of(settings, difference.reason, is_gain=difference.amount < 0),
        note=difference.note.strip()[:200],
    )
    return posted


def post_other(
    *, like: OpenItem, number: str, amount: Decimal, day: date, reference: str, now: datetime, rank: int = 1
) -> OpenItem:
    """Post an « opération diverse » on the account of `like`, in its currency, numbered from `rank` on."""
    return OpenItem.objects.create(
        legal_entity_id=like.legal_entity_id,
        customer_id=like.customer_id,
        kind=OpenItem.Kind.OTHER,
        number=free_number(like.legal_entity_id, number, rank),
        issue_date=day,
        due_date=day,
        currency=like.currency,
        total_amount=amount,
        open_amount=amount,
        reference=reference[:80],
        posted_at=now,
        updated_at=now,
    )


def free_number(entity_id: int, stem: str, rank: int = 1) -> str:
    """The stem, or from `rank` 2 on the stem and a rank, that no document of the entity bears.

    The entity's own program numbers as it likes, so that a number of ours may be taken.
    """
    numbers = (stem if n == 1 else f"{stem}-{n}" for n in count(rank))
    of_entity = OpenItem.objects.filter(legal_entity=entity_id, instalment=1)
    return next(number for number in numbers if not of_entity.filter(number=number).exists())


def refund_number(application: CashApplication) -> str:
    """The number that the item of a refund starts with."""
    return f"RB-{application.pk}"


def refund_of(application: CashApplication) -> OpenItem | None:
    """The item that a refund posted: the debit of everything it matched; none for another act."""
    if application.rule not in CashApplication.REFUNDS:
        return None
    return OpenItem.objects.filter(
        pk__in=application.allocations.values("debit"), number__startswith=refund_number(application)
    ).first()
