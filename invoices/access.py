"""What each role may do on this floor: permission -> roles."""

from core.access import EVERY_PERSON
from core.models import Role

PERMISSIONS: dict[str, frozenset[Role]] = {
    "invoices.view": EVERY_PERSON | {Role.API_PARTNER},
    "invoices.import": frozenset({Role.ACCOUNTANT, Role.CREDIT_MANAGER, Role.API_PARTNER}),
    "invoices.approve_import": frozenset({Role.ACCOUNTANT, Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR}),
    "invoices.undo_import": frozenset({Role.ACCOUNTANT, Role.CREDIT_MANAGER}),
    "invoices.configure_import": frozenset({Role.ACCOUNTANT, Role.ADMINISTRATOR}),
    # Who writes batches does not loosen what holds them.
    "invoices.configure_guard": frozenset({Role.ADMINISTRATOR, Role.FINANCE_DIRECTOR}),
    "invoices.view_bank": frozenset({Role.ACCOUNTANT, Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR}),
    "invoices.import_statement": frozenset({Role.ACCOUNTANT, Role.CREDIT_MANAGER, Role.API_PARTNER}),
    "invoices.apply_cash": frozenset({Role.ACCOUNTANT, Role.CREDIT_MANAGER}),
    "invoices.write_off": frozenset({Role.ACCOUNTANT, Role.FINANCE_DIRECTOR}),
    "invoices.write_off_above_limit": frozenset({Role.FINANCE_DIRECTOR}),
    "invoices.refund": frozenset({Role.ACCOUNTANT, Role.FINANCE_DIRECTOR}),
    "invoices.export_entries": frozenset({Role.ACCOUNTANT, Role.FINANCE_DIRECTOR}),
    "invoices.configure_cash": frozenset({Role.ADMINISTRATOR, Role.FINANCE_DIRECTOR}),
    "invoices.allocate": frozenset({Role.ACCOUNTANT, Role.CREDIT_MANAGER}),
    "invoices.dispute": frozenset({Role.CREDIT_MANAGER, Role.ACCOUNTANT}),
    "invoices.promise": frozenset({Role.CREDIT_MANAGER}),
    "invoices.plan": frozenset({Role.CREDIT_MANAGER}),
    "invoices.approve_plan": frozenset({Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR}),
    "invoices.record_einvoice_status": frozenset({Role.ACCOUNTANT, Role.CREDIT_MANAGER, Role.API_PARTNER}),
    "invoices.view_ageing": EVERY_PERSON | {Role.API_PARTNER},
    "invoices.store_ageing": frozenset({Role.ADMINISTRATOR}),
}
