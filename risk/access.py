"""What each role may do on this floor: permission -> roles."""

from core.access import EVERY_PERSON
from core.models import Role

PERMISSIONS: dict[str, frozenset[Role]] = {
    "risk.view": EVERY_PERSON,
    "risk.set_limit": frozenset({Role.CREDIT_MANAGER}),
    "risk.request_limit": frozenset(
        {Role.CREDIT_MANAGER, Role.ACCOUNTANT, Role.FINANCE_DIRECTOR, Role.API_PARTNER}
    ),
    # How much each of them decides alone stands in the credit policy.
    "risk.decide_limit": frozenset({Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR}),
    "risk.manage_credit_policy": frozenset({Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR, Role.ADMINISTRATOR}),
    "risk.sweep_limits": frozenset({Role.CREDIT_MANAGER}),
    "risk.view_limits_by_api": frozenset({Role.API_PARTNER, Role.CREDIT_MANAGER}),
    "risk.score": frozenset({Role.CREDIT_MANAGER, Role.ADMINISTRATOR}),
    "risk.enter_accounts": frozenset({Role.CREDIT_MANAGER, Role.ACCOUNTANT, Role.API_PARTNER}),
    "risk.manage_cards": frozenset({Role.CREDIT_MANAGER, Role.ADMINISTRATOR}),
    "risk.activate_card": frozenset({Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR}),
    "risk.record_objection": frozenset({Role.CREDIT_MANAGER, Role.ACCOUNTANT}),
    "risk.review_objection": frozenset({Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR}),
    "risk.view_scores_by_api": frozenset({Role.API_PARTNER, Role.CREDIT_MANAGER}),
    "risk.forecast": frozenset({Role.CREDIT_MANAGER, Role.ADMINISTRATOR}),
    "risk.manage_cover": frozenset({Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR}),
    "risk.watch": frozenset({Role.CREDIT_MANAGER}),
    "risk.provision": frozenset({Role.ACCOUNTANT, Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR}),
    "risk.close_provision": frozenset({Role.FINANCE_DIRECTOR}),
    # Before delivering anybody may ask, people and partner systems.
    "risk.check_credit": EVERY_PERSON | {Role.API_PARTNER},
    "risk.view_exposure": EVERY_PERSON | {Role.API_PARTNER},
    "risk.manage_orders": frozenset({Role.CREDIT_MANAGER, Role.ACCOUNTANT, Role.API_PARTNER}),
    "risk.decide_check": frozenset({Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR}),
    "risk.place_hold": frozenset({Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR}),
    "risk.release_hold": frozenset({Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR}),
    # Who decides on orders does not loosen what stops them.
    "risk.configure_checks": frozenset({Role.ADMINISTRATOR, Role.FINANCE_DIRECTOR}),
}
