"""Contacts with a customer over all channels and entities: the last one proven, and those still to come.

A customer is one person for all the house: his SIREN when he has one, else his own key. A hand-over to an agency is
no contact. Notices of one run to one customer (several currencies, item by item) are one contact.
"""

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
