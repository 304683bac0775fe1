"""The durations of procedural time limits, read from the registry."""

from datetime import date

from core.legal_register import Register
from risk.procedural_deadlines import Deadline, Procedure, TimeLimit, Unit, deadline

_DURATIONS = {
    Procedure.CLAIM_DECLARATION: ("fr.insolvency.declaration_months", Unit.MONTHS),
    Procedure.RETENTION_OF_TITLE: ("fr.insolvency.retention_of_title_months", Unit.MONTHS),
    Procedure.RELEVE_FORCLUSION: ("fr.insolvency.forclusion_relief_months", Unit.MONTHS),
    Procedure.CLAIM_REPLY: ("fr.insolvency.reply_days", Unit.DAYS),
    Procedure.INJONCTION_SERVICE: ("fr.injonction.service_months", Unit.MONTHS),
    Procedure.OPPOSITION: ("fr.opposition.months", Unit.MONTHS),
    Procedure.EXECUTION: ("fr.injonction.execution_months", Unit.MONTHS),
    Procedure.CONSIGNATION: ("fr.injonction.consignment_days", Unit.DAYS),
}
ABROAD_EXTRA = "fr.insolvency.abroad_extra_months"
LIMITATION_YEARS = {
    "B2B": "fr.limitation.b2b_years",
    "B2C": "fr.limitation.b2c_years",
    "CARRIAGE": "fr.limitation.carriage_years",
    "SHIPPING": "fr.limitation.shipping_years",
    "PUBLIC": "fr.limitation.public_years",
}


def time_limit(register: Register, procedure: Procedure, start: date, *, abroad: bool = False) -> TimeLimit:
    """The limit in force on the day it starts: a payment order follows the regime of its own date.

    `abroad`: the creditor is established outside the court's territory. Raises MissingLegalParameter, and
    KeyError for PRESCRIPTION, whose regime `limitation` asks for.
    """
    key, unit = _DURATIONS[procedure]
    count = register.parameter(key, start).integer
    if abroad and procedure is Procedure.CLAIM_DECLARATION:
        count += register.parameter(ABROAD_EXTRA, start).integer
    return TimeLimit(procedure, count, unit, abroad=abroad)


def limitation(register: Register, regime: str, due_date: date) -> Deadline:
    """When a debt due on a day is barred, nothing having interrupted it. `regime`: a key of LIMITATION_YEARS."""
    years = register.parameter(LIMITATION_YEARS[regime], due_date).integer
    return deadline(
        TimeLimit(Procedure.PRESCRIPTION, years, Unit.YEARS, from_next_year=regime == "PUBLIC"), due_date
    )
