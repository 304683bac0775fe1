"""Contacts with a customer over all channels and entities: the last one proven, and those still to come.

A customer is one person for all the house: his SIREN when he has one, else his own key. A hand-over to an agency is
no contact. Notices of one run to one customer (several currencies, item by item) are one contact.
"""

from collections.abc import Collection
from datetime import date

from django.db.models import Max

from customers.models import Customer
from dunning.models import Level, Notice

# On its way: it may still reach the customer, so that another one must not be planned beside it.
TO_COME = (Notice.Status.PROPOSED, Notice.Status.APPROVED, Notice.Status.RENDERED, Notice.Status.SENDING)

# The same key in SQL, for `customers_customer c`; written on every notice as `contact_key`.
CONTACT_KEY = "CASE WHEN c.siren <> '' THEN c.siren ELSE 'C' || c.id END"

# The contacts of everybody since `contacts_since`, as (contact_key, last_contact, is_to_come), for the planning of runs.
CONTACTS = f"""
SELECT n.contact_key, max(n.sent_on) AS last_contact,
       bool_or(n.status IN ({", ".join(f"'{status}'" for status in TO_COME)})) AS is_to_come
FROM dunning_notice n
JOIN dunning_level level ON level.id = n.level_id
WHERE n.contact_key <> '' AND level.channel <> '{Level.Channel.AGENCY}'
  AND ((n.status = 'SENT' AND n.sent_on > %(contacts_since)s)
       OR n.status IN ({", ".join(f"'{status}'" for status in TO_COME)}))
GROUP BY n.contact_key
"""


def contact_key(customer: Customer) -> str:
    """The customer over all entities."""
    return customer.siren or f"C{customer.pk}"


def last_contacts(keys: Collection[str], since: date, *, besides_run: int | None = None) -> dict[str, date]:
    """The day of the last proven contact after `since`, by contact key; who had none is absent.

    `besides_run`: contacts of that run are left out, being the same contact as the one in hand.
    """
    sent = Notice.objects.filter(contact_key__in=keys, status=Notice.Status.SENT, sent_on__gt=since)
    return dict(
        _besides(sent, besides_run)
        .order_by()
        .values("contact_key")
        .annotate(last=Max("sent_on"))
        .values_list("contact_key", "last")
    )


def contacts_to_come(keys: Collection[str], *, besides_run: int | None = None) -> set[str]:
    """The keys of customers to whom a notice is on its way, from its proposal on; failed ones are not."""
    coming = Notice.objects.filter(contact_key__in=keys, status__in=TO_COME)
    return set(_besides(coming, besides_run).values_list("contact_key", flat=True))


def _besides(notices, run_id):  # type: ignore[no-untyped-def]
    notices = notices.exclude(contact_key="").exclude(level__channel=Level.Channel.AGENCY)
    return notices if run_id is None else notices.exclude(run=run_id)
