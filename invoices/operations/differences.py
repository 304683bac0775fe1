"""What may be given up of an item: the tolerance of who applies cash, the right beyond it, and its limit."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _

from core.money import format_amount, round_money
from core.rights import Actor, has_permission
from invoices.models import Adjustment, Allocation, CashSettings, OpenItem
from invoices.operations.applying import ZERO, CashRefused, Difference, Share


def check_differences(
    *, actor: Actor, settings: CashSettings, items: Mapping[int, OpenItem], shares: Iterable[Share]
) -> None:
    """Check every difference of an act, each with those of the same item before it."""
    for share in shares:
        for rank, difference in enumerate(share.differences):
            _check_difference(
                actor=actor,
                settings=settings,
                item=items[difference.item_id],
                difference=difference,
                others=[one for one in share.differences[:rank] if one.item_id == difference.item_id],
                field=f"difference-{difference.item_id}",
            )


def _check_difference(
    *,
    actor: Actor,
    settings: CashSettings,
    item: OpenItem,
    difference: Difference,
    others: Sequence[Difference],
    field: str,
) -> None:
    """Within the tolerance who applies cash may give it up; beyond, the right to write off, and its limit.

    The tolerance and the limit hold for the item, however many acts or differences it is given up in.
    """
    amount = abs(difference.amount)
    alike = sum((abs(one.amount) for one in others if one.reason == difference.reason), amount)
    tolerance = _tolerance(settings, item, difference)
    if alike <= tolerance and alike + given_up_of(item, difference.reason) <= tolerance:
        return
    amount = sum((abs(one.amount) for one in others), amount)
    if not has_permission(actor, "invoices.write_off"):
        raise CashRefused(
            _(
                "Cet écart de %(amount)s dépasse ce qui est toléré : laissez-le dû, ou demandez à qui a le droit de "
                "passer en écart."
            )
            % {"amount": format_amount(amount, item.currency)},
            code="difference_not_allowed",
            field=field,
        )
    check_limit(actor=actor, settings=settings, item=item, amount=amount, field=field)


def check_limit(*, actor: Actor, settings: CashSettings, item: OpenItem, amount: Decimal, field: str) -> None:
    """Above the entity's limit, with what was given up of the item before, the finance director alone."""
    amount += given_up_of(item)
    if amount > settings.write_off_limit and not has_permission(actor, "invoices.write_off_above_limit"):
        raise CashRefused(
            _(
                "%(amount)s dépasse la limite de %(limit)s : au-delà, seule la direction financière passe une somme "
                "en écart ou en pertes."
            )
            % {
                "amount": format_amount(amount, item.currency),
                "limit": format_amount(settings.write_off_limit, item.currency),
            },
            code="above_limit",
            field=field,
        )


def given_up_of(item: OpenItem, reason: str = "") -> Decimal:
    """What was already given up of an item (for this reason, when one is told) and still is; positive."""
    side, other = ("credit", "debit") if item.is_credit else ("debit", "credit")
    return Allocation.objects.filter(
        **{
            side: item,
            "reversed_on__isnull": True,
            f"{other}__adjustment__isnull": False,
            f"{other}__adjustment__reverses__isnull": True,
        },
        **({f"{other}__adjustment__reason": reason} if reason else {}),
    ).aggregate(total=Sum("amount", default=ZERO))["total"]


def _tolerance(settings: CashSettings, item: OpenItem, difference: Difference) -> Decimal:
    if difference.reason == Adjustment.Reason.SMALL_DIFFERENCE:
        return settings.tolerance_amount
    if difference.reason == Adjustment.Reason.BANK_CHARGES:
        return settings.charges_tolerance
    if difference.reason == Adjustment.Reason.DISCOUNT:
        return round_money(item.total_amount * settings.discount_share / 100)
    return ZERO
