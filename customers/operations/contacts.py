"""The people and mailboxes of a customer."""

from datetime import datetime

from django.utils.translation import gettext as _

from core import audit
from core.operation import operation
from core.rights import Actor
from customers.models import Contact, Customer
from customers.operations.guard import CustomerError, full_clean, locked


@operation("customers.edit")
def add_contact(
    *,
    actor: Actor,
    now: datetime,
    customer: Customer,
    name: str,
    role: str = Contact.ContactRole.ACCOUNTS_PAYABLE,
    email: str = "",
    phone: str = "",
    gets_dunning: bool = False,
) -> Contact:
    """Add a person or a mailbox. Who gets the dunning needs an e-mail address; the same address is kept once.

    Raises CustomerError, naming the field.
    """
    customer = locked(actor, customer)
    contact = Contact(
        customer=customer,
        name=" ".join(name.split()),
        role=role,
        email=email.strip().lower(),
        phone=" ".join(phone.split()),
        gets_dunning=gets_dunning,
    )
    if not contact.email and not contact.phone:
        raise CustomerError(
            _("Indiquez une adresse e-mail ou un téléphone : sans l’un des deux, le contact ne sert à rien."),
            field="email",
        )
    if gets_dunning and not contact.email:
        raise CustomerError(
            _(
                "Une adresse e-mail est nécessaire pour recevoir les relances. Indiquez-la ou décochez la case."
            ),
            field="email",
        )
    full_clean(contact, exclude=["customer"])
    if contact.email and customer.contacts.filter(email__iexact=contact.email).exists():
        raise CustomerError(
            _("« %(email)s » est déjà un contact de ce client. Modifiez le contact existant.")
            % {"email": contact.email},
            code="duplicate_contact",
            field="email",
        )
    contact.save(force_insert=True)
    audit.record(
        actor=actor,
        verb="customers.contact.added",
        refs=[customer, contact],
        now=now,
        name=contact.name,
        email=contact.email,
        gets_dunning=contact.gets_dunning,
    )
    return contact
