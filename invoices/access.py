"""What each role may do on this floor: permission -> roles."""

from core.access import EVERY_PERSON
from core.models import Role

PERMISSIONS: dict[str, frozenset[Role]] = {
    "invoices.view": EVERY_PERSON | {Role.API_PARTNER},
    "invoices.import": frozenset({Role.ACCOUNTANT, Role.CREDIT_MANAGER, Role.API_PARTNER}),
    "invoices.allocate": frozenset({Role.ACCOUNTANT, Role.CREDIT_MANAGER}),
    "invoices.dispute": frozenset({Role.CREDIT_MANAGER, Role.ACCOUNTANT}),
    "invoices.promise": frozenset({Role.CREDIT_MANAGER}),
    "invoices.view_ageing": EVERY_PERSON | {Role.API_PARTNER},
    "invoices.store_ageing": frozenset({Role.ADMINISTRATOR}),
}
