"""What each role may do on this floor: permission -> roles."""

from core.models import Role

EVERY_PERSON = frozenset({Role.CREDIT_MANAGER, Role.ACCOUNTANT, Role.FINANCE_DIRECTOR, Role.ADMINISTRATOR})

PERMISSIONS: dict[str, frozenset[Role]] = {
    "core.use_site": EVERY_PERSON,
    # What the API is; each resource has its own door.
    "core.read_api_description": EVERY_PERSON | {Role.API_PARTNER},
    "core.view_jobs": frozenset({Role.CREDIT_MANAGER, Role.ACCOUNTANT, Role.ADMINISTRATOR}),
    "core.view_audit": frozenset({Role.ADMINISTRATOR, Role.FINANCE_DIRECTOR}),
    "core.view_legal_parameters": EVERY_PERSON,
    "core.manage_legal_parameters": frozenset({Role.ADMINISTRATOR}),
    "core.manage_users": frozenset({Role.ADMINISTRATOR}),
    "core.manage_api_keys": frozenset({Role.ADMINISTRATOR}),
}
