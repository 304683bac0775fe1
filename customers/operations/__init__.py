from customers.operations.accounts import EDITABLE, DuplicateCustomer, create_customer, update_customer
from customers.operations.contacts import add_contact
from customers.operations.guard import CustomerError
from customers.operations.states import (
    change_judgment_date,
    declare_insolvent,
    hold_customer,
    lift_insolvency,
    release_customer,
)

__all__ = [
    "EDITABLE",
    "CustomerError",
    "DuplicateCustomer",
    "add_contact",
    "change_judgment_date",
    "create_customer",
    "declare_insolvent",
    "hold_customer",
    "lift_insolvency",
    "release_customer",
    "update_customer",
]
