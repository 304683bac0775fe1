"""What follows from a judgment: the time limits of the creditor, the tasks, whether a claim is prior. Pure.

C. com. L622-21 (actions stop), L622-24 and R622-24 (declaration, two months from publication, two more from
abroad), L624-9 (goods claimed back within three), L622-26 (relief within six), L622-27 (thirty days to answer),
L622-17 and L641-13 (later claims). Durations are dated, sourced values of the registry.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from core.calendar import add_months
from core.legal_register import Register
from risk.legal_deadlines import time_limit
from risk.procedural_deadlines import Procedure as Limit
from risk.procedural_deadlines import deadline

LATER_CLAIMS_LIQUIDATION = "fr.insolvency.later_claims_liquidation_months"
STATE_OF_CLAIMS = "fr.insolvency.state_of_claims_months"
LIQUIDATIONS = frozenset({"LIQUIDATION", "SIMPLIFIED_LIQUIDATION"})
# C. com. L645-1 and following: no debt is declared there, creditors are asked to say what they are owed.
WITHOUT_DECLARATION = frozenset({"PROFESSIONAL_RECOVERY", "CONCILIATION"})

ARTICLES = {
    Limit.CLAIM_DECLARATION: "C. com. L622-24, R622-24, R641-25",
    Limit.RETENTION_OF_TITLE: "C. com. L624-9",
    Limit.RELEVE_FORCLUSION: "C. com. L622-26",
    Limit.CLAIM_REPLY: "C. com. L622-27",
}


@dataclass(frozen=True)
class TimeLimits:
    """The last days on which the creditor may act, as counted: nobody should rely on the carry to a working day."""

    declare_by: date | None
    reclaim_by: date | None
    relief_by: date | None
    sources: dict[str, str]


@dataclass(frozen=True)
class NewTask:
    """A task that an event asks for. `due_date` None: as soon as possible, no text sets a day."""

    kind: str
    due_date: date | None = None
    legal_source: str = ""


def eve_of(judgment: date) -> date:
    """The last day whose debts and interest count: the day of the judgment itself is undecided (C. com. L622-28)."""
    return judgment - timedelta(days=1)


def is_prior(issue_date: date, judgment: date) -> bool:
    """Whether a debt was born before the judgment; the date of its document stands for that of its birth."""
    return issue_date < judgment


def time_limits(register: Register, publication: date, *, procedure: str, abroad: bool) -> TimeLimits:
    """The limits that run from the publication. Raises MissingLegalParameter."""
    days: dict[Limit, date] = {}
    sources: dict[str, str] = {}
    wanted = [Limit.CLAIM_DECLARATION, Limit.RETENTION_OF_TITLE, Limit.RELEVE_FORCLUSION]
    if procedure in WITHOUT_DECLARATION:
        wanted = []
    for limit in wanted:
        days[limit] = deadline(time_limit(register, limit, publication, abroad=abroad), publication).act_by
        sources[limit.value] = ARTICLES[limit]
    return TimeLimits(
        days.get(Limit.CLAIM_DECLARATION),
        days.get(Limit.RETENTION_OF_TITLE),
        days.get(Limit.RELEVE_FORCLUSION),
        sources,
    )


def reply_by(register: Register, received_on: date) -> date:
    """Until when the creditor answers a representative who contests the claim: thirty days of receiving the letter."""
    return deadline(time_limit(register, Limit.CLAIM_REPLY, received_on), received_on).act_by


def months_after(register: Register, key: str, day: date) -> date:
    """A day so many months after another, by a dated value. Raises MissingLegalParameter."""
    return add_months(day, register.parameter(key, day).integer)


def opening_tasks(limits: TimeLimits, *, procedure: str) -> list[NewTask]:
    """What an opening asks of the creditor."""
    tasks = [NewTask("CONFIRM_REPRESENTATIVE"), NewTask("CALL_REPRESENTATIVE")]
    if limits.declare_by:
        tasks.append(NewTask("DECLARE_CLAIM", limits.declare_by, ARTICLES[Limit.CLAIM_DECLARATION]))
    if limits.reclaim_by:
        tasks.append(NewTask("RECLAIM_GOODS", limits.reclaim_by, ARTICLES[Limit.RETENTION_OF_TITLE]))
    tasks.append(NewTask("CHECK_GUARANTORS", None, "C. com. L622-28, L641-3"))
    if procedure in LIQUIDATIONS:
        tasks.append(NewTask("RECOVER_VAT", None, "CGI 272"))
    return tasks


def conversion_tasks(register: Register, publication: date, *, procedure: str) -> list[NewTask]:
    """What a conversion asks: another addressee, in liquidation the later claims and the VAT."""
    tasks = [NewTask("CONFIRM_REPRESENTATIVE"), NewTask("WRITE_TO_LIQUIDATOR", None, "C. com. L641-4")]
    if procedure in LIQUIDATIONS:
        until = months_after(register, LATER_CLAIMS_LIQUIDATION, publication)
        tasks += [
            NewTask("DECLARE_LATER_CLAIMS", until, "C. com. L641-13 III"),
            NewTask("RECOVER_VAT", None, "CGI 272"),
        ]
    return tasks


def closure_tasks(closure: str) -> list[NewTask]:
    """What an end leaves to do: what will not be paid is written off, with its VAT (accounts 654, 44571)."""
    if closure in ("INSUFFICIENT_ASSETS", "ACTIONS_RESUMED", "DEBTS_ERASED"):
        return [NewTask("WRITE_OFF", None, "C. com. L643-11")]
    return []


def state_of_claims_tasks(register: Register, publication: date) -> list[NewTask]:
    """The deposit of the state of claims can be contested for one month from its publication."""
    return [
        NewTask(
            "CHECK_STATE_OF_CLAIMS", months_after(register, STATE_OF_CLAIMS, publication), "C. com. R624-8"
        )
    ]


def days_left(until: date | None, today: date) -> int | None:
    return None if until is None else (until - today).days


def merged(*groups: Iterable[str]) -> list[str]:
    """Reasons, each once, in order."""
    return list(dict.fromkeys(reason for group in groups for reason in group))


def choices_of(*, kind: str, notice_type: str, reasons: Iterable[str]) -> list[str]:
    """What a person may decide on an outcome that waits, the most likely first; the last only takes note.

    Keys: cancel (the proceeding never was), take_date (the account bears another day), replace (a new proceeding
    takes the place of the one under way), reactivate (the account is active again), classify, rename, move, seen.
    """
    said = set(reasons)
    found = []
    if notice_type == "CANCELLATION" or said & {"annulled", "corrected_to_another", "corrected_otherwise"}:
        found.append("cancel")
    if said & {"judgment_date_differs", "judgment_date_corrected", "judgment_date_assumed"}:
        found.append("take_date")
    if said & {"second_opening", "extension_of_open"}:
        found.append("replace")
    if "account_after_closure" in said:
        found.append("reactivate")
    if kind == "UNKNOWN" or "appeal" in said:
        found.append("classify")
    if kind == "RENAMED":
        found.append("rename")
    if kind == "MOVED" and "address_missing" not in said:
        found.append("move")
    return [*found, "seen"]
