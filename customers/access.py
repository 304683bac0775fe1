"""What each role may do on this floor: permission -> roles."""

from core.access import EVERY_PERSON
from core.models import Role

PERMISSIONS: dict[str, frozenset[Role]] = {
    "customers.view": EVERY_PERSON | {Role.API_PARTNER},
    "customers.edit": frozenset({Role.CREDIT_MANAGER, Role.ACCOUNTANT, Role.API_PARTNER}),
    "customers.hold": frozenset({Role.CREDIT_MANAGER}),
    "customers.manage_legal_entities": frozenset({Role.ADMINISTRATOR}),
}
