"""The legal values that `late_fees` needs, read from the registry."""

from dataclasses import dataclass
from datetime import date

from core.legal_register import ECB_RATE, LEGAL_INTEREST, Register
from invoices.late_fee_laws import BASE_RATES
from invoices.late_fee_rules import FloorPolicy, LateFeeParameters, ReferenceRates
from invoices.late_fees import AllocationOrder, CreditNotePolicy, DayCount


@dataclass(frozen=True)
class Conventions:
    """How the house computes where no text decides: entered in the registry, printed on the statement."""

    day_count: DayCount
    allocation: AllocationOrder
    credit_notes: CreditNotePolicy


def late_fee_parameters(register: Register, on: date) -> LateFeeParameters:
    """Margins, floor and indemnity in force on a due date. Raises MissingLegalParameter."""
    return LateFeeParameters(
        default_margin=register.parameter("fr.penalty.margin", on).decimal,
        public_margin=register.parameter("fr.public.margin", on).decimal,
        floor_multiple=register.parameter("fr.penalty.floor_multiple", on).decimal,
        indemnity=register.parameter("fr.indemnity", on).decimal,
        floor_policy=FloorPolicy(register.parameter("late_fees.floor_policy", on).value),
        de_minimis=register.parameter("late_fees.de_minimis_amount", on).decimal,
    )


def conventions(register: Register, on: date) -> Conventions:
    """The conventions in force on a day. Raises MissingLegalParameter."""
    return Conventions(
        day_count=DayCount(register.parameter("late_fees.day_count", on).value),
        allocation=AllocationOrder(register.parameter("late_fees.allocation", on).value),
        credit_notes=CreditNotePolicy(register.parameter("late_fees.credit_notes", on).value),
    )


def reference_rates(register: Register, start: date = date.min, end: date = date.max) -> ReferenceRates:
    """The published series between two days; a gap is named by the rule that needs it."""
    return ReferenceRates(
        ecb=register.known_rates(ECB_RATE, start, end),
        legal=register.known_rates(LEGAL_INTEREST, start, end),
        national={key: register.known_rates(key, start, end) for key in BASE_RATES.values()},
    )
