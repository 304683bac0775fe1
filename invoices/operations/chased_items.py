"""What disputes, promises and plans share: the debit item they lie on, locked and checked."""

from decimal import Decimal

from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.money import format_amount, round_money
from core.rights import Actor
from invoices.models import OpenItem


def locked_item(actor: Actor, item_id: int | None) -> OpenItem | None:
    """The item in the actor's scope, locked; None when there is none."""
    return OpenItem.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=item_id).first()


def locked_debit(actor: Actor, item_id: int, refusal: type[BusinessError]) -> OpenItem:
    """The item, locked, on which something is still owed. Raises `refusal`."""
    item = locked_item(actor, item_id)
    if item is None:
        raise refusal(_("Cette pièce n’existe pas dans votre périmètre."), code="item_unknown")
    if item.open_amount <= 0:
        raise refusal(
            _("La pièce %(number)s n’a plus rien à encaisser.") % {"number": item.number}, code="item_settled"
        )
    return item


def check_part(item: OpenItem, amount: Decimal, refusal: type[BusinessError]) -> None:
    """Raise `refusal` unless the amount is a part of what is owed on the item, in whole cents."""
    if amount <= 0 or round_money(amount) != amount:
        raise refusal(_("Le montant est positif, au centime près."), field="amount")
    if amount > item.open_amount:
        raise refusal(
            _("Le solde dû de la pièce %(number)s n’est que de %(open)s.")
            % {"number": item.number, "open": format_amount(item.open_amount, item.currency)},
            field="amount",
        )
