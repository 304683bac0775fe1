"""A policy as its pages draw it: rungs on a line, the due date between them, faults at their level."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from core.money import format_amount
from dunning.models import Level, Policy
from dunning.policy_advice import advise
from dunning.policy_content import content_of, ladder_of, levels_of
from dunning.policy_rules import Fault, check_ladder
from dunning.policy_words import claims, conditions, mark, moment, sending_times

ICONS = {
    Level.Channel.EMAIL: "mail",
    Level.Channel.LETTER: "letter",
    Level.Channel.REGISTERED: "registered",
    Level.Channel.E_REGISTERED: "registered",
    Level.Channel.PHONE: "phone",
    Level.Channel.SMS: "sms",
    Level.Channel.AGENCY: "building",
}
SEVERITY = {
    Level.Kind.PRE_REMINDER: "before",
    Level.Kind.REMINDER: "reminder",
    Level.Kind.SECOND_REMINDER: "firm",
    Level.Kind.FORMAL_NOTICE: "formal",
    Level.Kind.HAND_OVER: "agency",
}


@dataclass(frozen=True)
class Rung:
    """A level as it is shown."""

    level: Level
    mark: str
    moment: str
    claims: str
    icon: str
    severity: str
    x: float
    after_due: bool
    approval: str
    amounts: str
    enclosed: str
    faults: Sequence[Fault] = ()
    advice: Sequence[Fault] = ()

    @property
    def shift(self) -> str:
        """Where the dot stands on the frieze, as SVG writes numbers."""
        return f"{self.x:.1f}"


@dataclass(frozen=True)
class LadderView:
    """All that the pages show of a policy."""

    policy: Policy
    rungs: list[Rung]
    conditions: list[str]
    sending: str
    due_x: str
    faults: list[Fault] = field(default_factory=list)
    advice: list[Fault] = field(default_factory=list)

    @property
    def policy_faults(self) -> list[Fault]:
        return [fault for fault in self.faults if fault.rank is None]


def ladder_view(policy: Policy, *, checked: bool = False) -> LadderView:
    """The policy as the pages draw it; with its faults and advice when it is still to be put in force."""
    content = content_of(policy)
    ladder = ladder_of(policy) if checked else None
    faults = check_ladder(ladder) if ladder else []
    advice = advise(ladder) if ladder else []
    levels = levels_of(policy)
    days = approximate_days(levels)
    first, last = min([-7, *(day - 2 for day in days)]), max([37, *(day + 4 for day in days)])
    scale = _WIDTH / (last - first)
    rungs = []
    for level, said, day in zip(levels, content["levels"], days, strict=True):
        rungs.append(
            Rung(
                level=level,
                mark=mark(said),
                moment=moment(said),
                claims=claims(said),
                icon=ICONS[Level.Channel(level.channel)],
                severity=SEVERITY[Level.Kind(level.kind)],
                x=(day - first) * scale,
                after_due=level.kind != Level.Kind.PRE_REMINDER,
                approval=approval_words(level),
                amounts=amount_words(level),
                enclosed=enclosed_words(level),
                faults=_at(faults, level.rank),
                advice=_at(advice, level.rank),
            )
        )
    return LadderView(
        policy=policy,
        rungs=rungs,
        conditions=conditions(content, str(policy.legal_entity or "")),
        sending=sending_times(content),
        due_x=f"{-first * scale:.1f}",
        faults=faults,
        advice=advice,
    )


def approximate_days(levels: Iterable[Level]) -> list[int]:
    """On which day after the due date each level comes at the earliest; mid-month for an end of month."""
    days: list[int] = []
    for level in levels:
        before = days[-1] if days else 0
        day = int(level.delay_days)
        if level.delay_from == Level.DelayFrom.PREVIOUS:
            day += before
        elif level.delay_from == Level.DelayFrom.END_OF_MONTH:
            day += 15
        days.append(max(day, before + level.gap_days) if days else day)
    return days


def approval_words(level: Level) -> str:
    """How the level leaves, in one sentence."""
    return {
        Level.Approval.AUTOMATIC: _("Part sans validation"),
        Level.Approval.CONFIRMATION: _("Part quand la campagne est confirmée"),
        Level.Approval.MANUAL: _("Part après validation, une à une"),
    }[Level.Approval(level.approval)]


def amount_words(level: Level) -> str:
    """From which amount it leaves, and from which a person looks at it."""
    told = []
    if level.minimum_amount:
        told.append(_("à partir de %(amount)s") % {"amount": format_amount(level.minimum_amount, None)})
    if level.maximum_amount is not None and level.approval != Level.Approval.MANUAL:
        told.append(
            _("validé par une personne au-delà de %(amount)s")
            % {"amount": format_amount(level.maximum_amount, None)}
        )
    return ", ".join(told)


def enclosed_words(level: Level) -> str:
    """What goes with it."""
    told = []
    if level.attaches_statement:
        told.append(_("relevé du compte"))
    if level.attaches_invoices:
        told.append(_("copies des factures"))
    return f" {_('et')} ".join(told)


_WIDTH = 960


def _at(faults: Iterable[Fault], rank: int) -> list[Fault]:
    return [fault for fault in faults if fault.rank == rank]


def show_faults(form: Any, faults: Iterable[Fault]) -> None:
    """Put each fault at the form's field of its name."""
    for fault in faults:
        form.add_error(fault.field if fault.field in form.fields else None, fault.sentence)
