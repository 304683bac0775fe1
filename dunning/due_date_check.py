"""Recomputing worked cases of due dates and procedural deadlines: computed beside expected. Pure."""

import re
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from core.calendar import ENGLISH_WEEKDAYS, parse_french_date
from core.worked_cases import WorkedCase
from customers.payment_terms import CapCheck, CapReason, Term, TermError, due_date, parse_term
from risk.procedural_deadlines import Deadline, DeadlineError, TimeLimit, deadline, parse_time_limit

REQUIRED_COLUMNS = ("rule", "base_date", "computed_date")

LABELS = {
    CapReason.AT_LIMIT: "legal max",
    CapReason.DEFAULT_TERM: "supplementary/transport",
    CapReason.BELOW_LIMIT: "below legal max",
    CapReason.TERM_ABOVE_LEGAL_CAP: "above legal max",
}
FRENCH_WEEKDAYS = ("lun", "mar", "mer", "jeu", "ven", "sam", "dim")


class CaseError(ValueError):
    """A row cannot be computed; the message names the column."""


@dataclass(frozen=True)
class Comparison:
    """One value computed beside the one expected; `agrees` is None when the expectation cannot be judged."""

    column: str
    computed: str
    expected: str
    agrees: bool | None


@dataclass(frozen=True)
class DueDateCase:
    """What a row asks: a term or a procedural limit, from a day."""

    base: date
    rule: Term | TimeLimit


def facts_of(case: WorkedCase) -> DueDateCase:
    """What a row asks. Raises CaseError naming the column at fault."""
    if case.problem:
        raise CaseError(case.problem)
    try:
        base = parse_french_date(case.text("base_date"))
    except ValueError as error:
        raise CaseError(f"base_date : {error}") from None
    try:
        return DueDateCase(base, parse_term(case.text("rule")))
    except TermError as unknown_term:
        try:
            return DueDateCase(base, parse_time_limit(case.text("rule")))
        except DeadlineError as unknown_limit:
            raise CaseError(f"rule : {unknown_term} {unknown_limit}") from None


def compare(case: WorkedCase, facts: DueDateCase, check: CapCheck | None) -> list[Comparison]:
    """Every value the row expects beside the one computed. `check` is None when no legal limit is known.

    Raises CaseError or DateError.
    """
    expires = deadline(facts.rule, facts.base) if isinstance(facts.rule, TimeLimit) else None
    found = expires.counted if expires else due_date(facts.rule, facts.base)  # type: ignore[arg-type]
    try:
        expected = parse_french_date(case.text("computed_date"))
    except ValueError as error:
        raise CaseError(f"computed_date : {error}") from None
    comparisons = [Comparison("computed_date", found.isoformat(), expected.isoformat(), found == expected)]
    days = case.text("calendar_days")
    if days:
        computed = str((found - facts.base).days)
        comparisons.append(Comparison("calendar_days", computed, days, computed == days))
    weekday = case.text("weekday")
    if weekday:
        names = (ENGLISH_WEEKDAYS[found.weekday()].lower(), FRENCH_WEEKDAYS[found.weekday()])
        comparisons.append(
            Comparison("weekday", ENGLISH_WEEKDAYS[found.weekday()], weekday, weekday.lower()[:3] in names)
        )
    expectation = case.text("cap_or_business_day")
    if expectation:
        comparisons.append(_deadline_note(expires, expectation) if expires else _cap_note(check, expectation))
    return comparisons


def _deadline_note(expires: Deadline, expectation: str) -> Comparison:
    computed = f"CPC 642 -> {expires.extended}"
    written = re.search(r"\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{4}", expectation)
    if written is None:
        return Comparison("cap_or_business_day", computed, expectation, None)
    try:
        agrees = parse_french_date(written[0]) == expires.extended
    except ValueError:
        agrees = False
    return Comparison("cap_or_business_day", computed, expectation, agrees)


def _cap_note(check: CapCheck | None, expectation: str) -> Comparison:
    """« legal max » holds for every term within the limit; a text in other words is shown and not judged."""
    if check is None:
        return Comparison("cap_or_business_day", _("limite légale inconnue à cette date"), expectation, None)
    text = expectation.lower()
    agrees: bool | None = None
    if re.search("above|over|exceed|beyond|dépass|au-dessus", text):
        agrees = check.is_above
    elif "supplementary" in text or "transport" in text:
        agrees = check.reason in (CapReason.DEFAULT_TERM, CapReason.AT_LIMIT)
    elif re.search("legal max|below|within|under", text):
        agrees = not check.is_above
    return Comparison("cap_or_business_day", LABELS[check.reason], expectation, agrees)
