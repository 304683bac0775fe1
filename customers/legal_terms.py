"""The legal limits of payment terms, read from the registry."""

from datetime import date

from core.legal_register import Register
from customers.payment_terms import TermLimits


def term_limits(register: Register, on: date) -> TermLimits:
    """The limits in force on the day of issue, in days. Raises MissingLegalParameter."""

    def days(name: str) -> int:
        return register.parameter(f"fr.terms.{name}", on).integer

    return TermLimits(
        default=days("default"),
        max_net=days("max_net"),
        end_of_month=days("eom"),
        periodic=days("periodic"),
        perishable=days("perishable"),
        fresh_meat=days("meat"),
        alcohol=days("alcohol"),
        transport=days("transport"),
    )
