"""Recomputing worked cases of late-payment interest: one row of facts beside the amounts it expects. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from django.utils.translation import gettext as _

from core.calendar import ENGLISH_MONTHS, FRENCH_MONTHS, parse_french_date
from core.money import parse_amount
from core.worked_cases import WorkedCase
from invoices.late_fee_laws import Law
from invoices.late_fee_rules import Debtor, FloorPolicy, parse_rule
from invoices.late_fees import (
    AllocationOrder,
    Claim,
    CreditNotePolicy,
    DayCount,
    LateFees,
    Movement,
    MovementKind,
)

REQUIRED_COLUMNS = (
    "invoice_amount_ttc",
    "due_date",
    "rate_rule",
    "as_of_date",
    "expected_penalty",
)

T = TypeVar("T")


class CaseError(ValueError):
    """A row cannot be computed; the message names the column."""


@dataclass(frozen=True)
class CaseFacts:
    """A row's claim, and the facts that were only told by its explanation."""

    claim: Claim
    law: Law | None = None
    floor_policy: FloorPolicy | None = None
    indemnity_waived_below: Decimal | None = None
    read_from_explanation: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """One amount computed beside the one expected."""

    name: str
    computed: str
    expected: str
    agrees: bool


@dataclass
class _Told:
    """Facts found in the free text, in the words shown to the person."""

    facts: list[str] = field(default_factory=list)


def facts_of(case: WorkedCase) -> CaseFacts:
    """The claim that a row describes. Raises CaseError naming the column at fault."""
    if case.problem:
        raise CaseError(case.problem)
    told = _Told()
    text = case.text("explanation")
    due_date = _cell(case, "due_date", parse_french_date)
    interest_stop = _optional(case, "interest_stop", parse_french_date)
    law = _law(case)
    claim = Claim(
        amount=_cell(case, "invoice_amount_ttc", _amount),
        due_date=due_date,
        as_of=_cell(case, "as_of_date", parse_french_date),
        rule=None if law else _cell(case, "rate_rule", parse_rule),
        movements=_cell(case, "payments", _movements) if case.text("payments") else (),
        debtor=_debtor(case, text, told),
        day_count=_choice(case, "day_count", DayCount, DayCount.ACT_365),
        allocation=_choice(case, "allocation", AllocationOrder, AllocationOrder.PRINCIPAL_FIRST),
        credit_notes=_policy(
            case,
            "credit_note_policy",
            CreditNotePolicy,
            text,
            told,
            CreditNotePolicy.EFFECTIVE_DATE,
        ),
        interest_start=_optional(case, "interest_start", parse_french_date),
        interest_stop=interest_stop,
        judgment_date=_judgment_date(case, text, due_date, interest_stop, told),
        currency=case.text("currency").upper() or "EUR",
    )
    floor = _policy(case, "floor_policy", FloorPolicy, text, told, None)
    return CaseFacts(claim, law, floor, _optional(case, "de_minimis", _amount), tuple(told.facts))


def compare(case: WorkedCase, fees: LateFees) -> list[Comparison]:
    """Every amount the row expects beside the one computed; columns that are absent or empty expect nothing."""
    found = []
    for column, name, amount in (
        ("expected_penalty", _("pénalités"), fees.interest),
        ("expected_indemnity", _("indemnité"), fees.indemnity),
        (
            "expected_penalty_sum_of_rounded_segments",
            _("somme des tronçons arrondis"),
            fees.sum_of_rounded_segments,
        ),
        (
            "expected_penalty_already_paid",
            _("pénalités déjà réglées"),
            fees.interest_paid,
        ),
        (
            "expected_principal_outstanding",
            _("principal restant dû"),
            fees.principal_open,
        ),
        ("expected_total_claim", _("total réclamé"), fees.total_claim),
    ):
        if case.text(column) or column in REQUIRED_COLUMNS:
            expected = _cell(case, column, _amount)
            found.append(Comparison(name, f"{amount:.2f}", f"{expected:.2f}", amount == expected))
    expected_segments = case.text("segments")
    # An empty cell beside an expected penalty says nothing; beside no penalty it says « no segment ».
    if "segments" in case.fields and (expected_segments or not _cell(case, "expected_penalty", _amount)):
        computed = segments_text(fees)
        agrees = _segment_facts(computed) == _segment_facts(expected_segments)
        found.append(Comparison(_("tronçons"), computed or "-", expected_segments or "-", agrees))
    return found


def segments_text(fees: LateFees) -> str:
    """The segments in the notation of the worked cases."""
    return " | ".join(
        f"{part.start}..{part.end} {part.days}d x {part.principal:.2f} x {part.rate_percent}%/{part.divisor}"
        f" = {part.interest:.6f}"
        for part in fees.segments
    )


_SEGMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)\s*\.\.\s*(\d{4}-\d\d-\d\d)\s+(\d+)\s*[dj]\s*[x×]\s*([\d.]+)\s*[x×]\s*([\d.]+)\s*%?\s*/\s*(\d+)"
    r"\s*=\s*([\d.]+)"
)


def _segment_facts(text: str) -> list[tuple[object, ...]]:
    """Segments as values, so that 15 % and 15.00 % are the same; unreadable ones as their text."""
    facts: list[tuple[object, ...]] = []
    for part in filter(None, (part.strip() for part in text.split("|"))):
        found = _SEGMENT.fullmatch(part)
        facts.append((*found.groups()[:3], *map(Decimal, found.groups()[3:])) if found else (part,))
    return facts


def _cell(case: WorkedCase, column: str, read: Callable[[str], T]) -> T:
    try:
        return read(case.text(column))
    except ValueError as error:
        raise CaseError(f"{column} : {error}") from None


def _optional(case: WorkedCase, column: str, read: Callable[[str], T]) -> T | None:
    return _cell(case, column, read) if case.text(column) else None


def _amount(text: str) -> Decimal:
    return parse_amount(text, decimal="." if re.fullmatch(r"-?\d+\.\d+", text) else None)


def _movements(text: str) -> tuple[Movement, ...]:
    """`2025-04-15:2000.00:PAY;2025-04-30:1200.00:CREDIT`."""
    movements = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        cells = [cell.strip() for cell in part.split(":")]
        kind = cells[2].upper() if len(cells) == 3 else "PAY"
        if len(cells) not in (2, 3) or kind not in MovementKind.__members__:
            raise ValueError(
                _("« %(part)s » : écrivez date:montant:PAY ou date:montant:CREDIT.") % {"part": part}
            )
        movements.append(Movement(parse_french_date(cells[0]), _amount(cells[1]), MovementKind[kind]))
    return tuple(movements)


def _choice(case: WorkedCase, column: str, kind: Callable[[str], T], default: T) -> T:
    def read(text: str) -> T:
        try:
            return kind(text.upper())
        except ValueError:
            raise ValueError(_("« %(text)s » n’est pas une option connue") % {"text": text}) from None

    return _cell(case, column, read) if case.text(column) else default


def _policy(
    case: WorkedCase,
    column: str,
    kind: type[T],
    text: str,
    told: _Told,
    default: T | None,
) -> T:  # the default is None only where the caller accepts None
    if case.text(column):
        return _choice(case, column, kind, default)  # type: ignore[return-value]
    for member in kind:  # type: ignore[attr-defined]
        if re.search(rf"\bpolicy {re.escape(str(member))}\b", text):
            told.facts.append(_("option %(policy)s") % {"policy": member})
            return member  # type: ignore[no-any-return]
    return default  # type: ignore[return-value]


def _law(case: WorkedCase) -> Law | None:
    """`LAW:DE` in place of a rule: the statutory rule of that law, with its values of the due date."""
    name, _colon, code = case.text("rate_rule").upper().partition(":")
    if name.strip() != "LAW":
        return None
    try:
        return Law(code.strip())
    except ValueError:
        raise CaseError(
            _("rate_rule : loi inconnue « %(code)s ». Lois connues : %(known)s.")
            % {"code": code.strip(), "known": ", ".join(Law)}
        ) from None


_CONSUMER = re.compile(r"\bCONSUMER\b|\b(?:consumer debtor|consommateur)\b", re.IGNORECASE)


def _debtor(case: WorkedCase, text: str, told: _Told) -> Debtor:
    """The `debtor` column, else the explanation when it says « CONSUMER », else a company."""
    if case.text("debtor"):
        return _choice(case, "debtor", Debtor, Debtor.COMPANY)
    if _CONSUMER.search(text):
        told.facts.append(_("débiteur consommateur"))
        return Debtor.CONSUMER
    return Debtor.COMPANY


_JUDGMENT = re.compile(r"\bjudge?ment\b|\bjugement\b", re.IGNORECASE)
_SAME_DAY = re.compile(r"\bday of the judge?ment\b|\bjour du jugement\b", re.IGNORECASE)
_WRITTEN_DATE = re.compile(
    r"(?P<iso>\d{4}-\d\d-\d\d)|(?P<slashed>\d{1,2}/\d{1,2}/\d{4})|(?P<day>\d{1,2})(?:er|st|nd|rd|th)?\s+"
    r"(?P<month>[A-Za-zéû]{3,9})\.?\s+(?P<year>\d{4})"
)


def _judgment_date(
    case: WorkedCase, text: str, due_date: date, interest_stop: date | None, told: _Told
) -> date | None:
    """The `judgment_date` column, else what the explanation says of an insolvency judgment.

    A date written after the word « judgment »; « due date = day of the judgment »; or, when the text only
    mentions one, the day after `interest_stop`.
    """
    if case.text("judgment_date"):
        return _cell(case, "judgment_date", parse_french_date)
    mention = _JUDGMENT.search(text)
    if mention is None:
        return None
    found = None
    for written in _WRITTEN_DATE.finditer(text, mention.end()):
        found = _date_in(written)
        if found is not None:
            break
    if found is None and _SAME_DAY.search(text):
        found = due_date
    if found is None and interest_stop is not None:
        found = interest_stop + timedelta(days=1)
    if found is not None:
        told.facts.append(_("jugement d’ouverture du %(day)s") % {"day": f"{found:%d/%m/%Y}"})
    return found


def _date_in(written: re.Match[str]) -> date | None:
    """The date that a piece of prose spells, in English or French; None when it is not one."""
    try:
        if written["iso"] or written["slashed"]:
            return parse_french_date(written[0])
        prefix = written["month"].lower()
        for names in (ENGLISH_MONTHS, FRENCH_MONTHS):
            for number, name in enumerate(names, start=1):
                if name.lower().startswith(prefix) or (prefix == "sept" and number == 9):
                    return date(int(written["year"]), number, int(written["day"]))
    except ValueError:
        pass
    return None
