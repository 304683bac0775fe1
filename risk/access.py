"""What each role may do on this floor: permission -> roles."""

from core.access import EVERY_PERSON
from core.models import Role

PERMISSIONS: dict[str, frozenset[Role]] = {
    "risk.view": EVERY_PERSON,
    "risk.set_limit": frozenset({Role.CREDIT_MANAGER}),
    "risk.score": frozenset({Role.CREDIT_MANAGER, Role.ADMINISTRATOR}),
    "risk.watch": frozenset({Role.CREDIT_MANAGER}),
    "risk.provision": frozenset({Role.ACCOUNTANT, Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR}),
    "risk.close_provision": frozenset({Role.FINANCE_DIRECTOR}),
}
