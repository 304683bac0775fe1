"""What each role may do on this floor: permission -> roles."""

from core.access import EVERY_PERSON
from core.models import Role

PERMISSIONS: dict[str, frozenset[Role]] = {
    "dunning.view": EVERY_PERSON,
    "dunning.view_notices_by_api": frozenset({Role.API_PARTNER, Role.CREDIT_MANAGER}),
    "dunning.plan": frozenset({Role.CREDIT_MANAGER}),
    "dunning.approve": frozenset({Role.CREDIT_MANAGER}),
    "dunning.call": frozenset({Role.CREDIT_MANAGER}),
    "dunning.deliver": frozenset({Role.CREDIT_MANAGER}),
    "dunning.hand_over": frozenset({Role.CREDIT_MANAGER}),
    "dunning.manage_policies": frozenset({Role.CREDIT_MANAGER, Role.ADMINISTRATOR}),
    "dunning.configure": frozenset({Role.CREDIT_MANAGER, Role.ADMINISTRATOR}),
    "dunning.except": frozenset({Role.CREDIT_MANAGER}),
    "dunning.stop": frozenset({Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR, Role.ADMINISTRATOR}),
    "dunning.approve_templates": frozenset({Role.CREDIT_MANAGER, Role.ADMINISTRATOR}),
    "dunning.manage_templates": frozenset({Role.CREDIT_MANAGER, Role.ADMINISTRATOR}),
    "dunning.receive_mail_events": frozenset({Role.API_PARTNER}),
    "dunning.suppress": frozenset({Role.CREDIT_MANAGER, Role.ADMINISTRATOR}),
    "dunning.waive": frozenset({Role.CREDIT_MANAGER}),
    "dunning.record_limitation": frozenset({Role.CREDIT_MANAGER}),
}
