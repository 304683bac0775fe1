"""Questions about addresses and what became of e-mails, within what an actor sees."""

from collections import defaultdict
from collections.abc import Collection

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from core.rights import SYSTEM, Actor, has_permission
from customers.models import Contact, Customer, EntityScope
from dunning.mail.addresses import same_address
from dunning.models import MailEvent, Notice, SuppressedAddress


def visible_suppressions(actor: Actor) -> QuerySet[SuppressedAddress]:
    """Those of the customers in the actor's scope, and those he set aside himself; all to who sees all entities."""
    rows = SuppressedAddress.objects.select_related("suppressed_by", "lifted_by")
    if _sees_everything(actor):
        return rows
    customers = Customer.objects.visible_to(actor)
    theirs = Contact.objects.filter(customer__in=customers).exclude(email="")
    told = MailEvent.objects.filter(delivery__notice__customer__in=customers)
    return rows.filter(
        Q(address__in=theirs.order_by().values_list(Lower("email")))
        | Q(address__in=told.order_by().values("recipient"))
        | Q(suppressed_by=actor.pk)
    )


def visible_mail_events(actor: Actor) -> QuerySet[MailEvent]:
    """Those of notices in the actor's scope, and those of unknown messages to who may act on addresses."""
    rows = MailEvent.objects.select_related("delivery__notice__customer", "delivery__notice__level")
    if _sees_everything(actor):
        return rows
    seen = Q(delivery__notice__in=Notice.objects.visible_to(actor))
    if has_permission(actor, "dunning.suppress"):
        seen |= Q(delivery=None)
    return rows.filter(seen)


def customers_by_address(actor: Actor, addresses: Collection[str]) -> dict[str, list[Customer]]:
    """The customers in the actor's scope who have a contact with each address."""
    found: dict[str, list[Customer]] = defaultdict(list)
    contacts = (
        Contact.objects.filter(customer__in=Customer.objects.visible_to(actor))
        .alias(key=Lower("email"))
        .filter(key__in=list(addresses))
        .select_related("customer")
        .order_by("customer__name", "id")
    )
    for contact in contacts:
        known = found[same_address(contact.email)]
        if contact.customer not in known:
            known.append(contact.customer)
    return found


def suppressed_contacts(customer: Customer) -> list[SuppressedAddress]:
    """The addresses of the customer's contacts that are not written to."""
    keys = {
        same_address(email) for email in customer.contacts.exclude(email="").values_list("email", flat=True)
    }
    return list(SuppressedAddress.objects.filter(address__in=keys, lifted_at=None).order_by("address"))


def suppression_of(address: str) -> SuppressedAddress | None:
    """Why nothing is sent to the address, if so."""
    return SuppressedAddress.objects.filter(address=same_address(address), lifted_at=None).first()


def _sees_everything(actor: Actor) -> bool:
    scopes = EntityScope.objects.filter(legal_entity=None, own_portfolio_only=False)
    return actor is SYSTEM or scopes.filter(user=actor.pk).exists()
