"""What operations on orders, deliveries and checks share: their refusal, the lock, the values."""

import re
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.money import MAX_AMOUNT, round_money
from core.rights import Actor
from customers.models import CURRENCY, Customer

REFERENCE_LENGTH = 80
NOTE_LENGTH = 200


class OrderRefused(BusinessError):
    """The order, the delivery or the question cannot be taken as it is; `field` names the input at fault."""

    code = "order_refused"


class OrderConflict(OrderRefused):
    """Not in the state that the document is in: read it again, decide again."""

    code = "order_conflict"


def visible_customer(actor: Actor, customer: Customer) -> Customer:
    """The customer, read again in the actor's scope. Raises OrderRefused outside it."""
    found = Customer.objects.visible_to(actor).select_related("legal_entity").filter(pk=customer.pk).first()
    if found is None:
        raise OrderRefused(
            _("Ce client n’existe pas dans votre périmètre."), code="customer_unknown", field="customer"
        )
    return found


def checked_amount(amount: Decimal) -> Decimal:
    if not amount.is_finite() or amount <= 0 or amount > MAX_AMOUNT or round_money(amount) != amount:
        raise OrderRefused(_("Le montant TTC est positif, au centime près."), field="amount")
    return amount


def checked_currency(currency: str, customer: Customer) -> str:
    """The currency given, or the account's own."""
    code = (currency or customer.currency).strip().upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise OrderRefused(str(CURRENCY.message), field="currency")
    return code


def checked_reference(reference: str) -> str:
    found = " ".join(reference.split())
    if not found or len(found) > REFERENCE_LENGTH or not found.isprintable():
        raise OrderRefused(
            _("Indiquez le numéro, %(length)d caractères au plus.") % {"length": REFERENCE_LENGTH},
            field="reference",
        )
    return found


def checked_note(note: str, *, required: bool = False) -> str:
    found = " ".join(note.split())
    if required and not found:
        raise OrderRefused(_("Indiquez ce qui motive votre décision."), field="reason")
    if len(found) > NOTE_LENGTH:
        raise OrderRefused(
            _("Le commentaire compte %(length)d caractères au plus.") % {"length": NOTE_LENGTH},
            field="reason" if required else "note",
        )
    return found


def checked_expiry(expires_on: date | None, today: date) -> date | None:
    if expires_on is not None and expires_on < today:
        raise OrderRefused(_("La réservation ne peut pas finir avant aujourd’hui."), field="expires_on")
    return expires_on
