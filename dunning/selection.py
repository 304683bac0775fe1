"""Which step comes next for a customer's items, or why none does. Pure; a run does the same in SQL.

Each item climbs its own ladder, one step at a time, so that neither an outage nor a late import skips one:

- its next step is the first level above its last step in force. Once the item is overdue, levels before the due date
  (« rappel avant échéance ») that were not taken are passed over: they have nothing left to say. Every level after
  the due date is taken in its turn;
- a level before the due date takes items until their due date included, every other one from the day after;
- it is reached `delay_days` after the due date, the end of its month, or the previous step's proven sending, and
  `gap_days` after that sending; without a previous step, « previous » counts from the due date;
- a hand-over takes only an item whose own formal notice is proven, whatever ladder it climbed before.

A customer gets at most one notice per currency and run, or one per item when the policy says so (always for an item
with a policy of its own). The highest step leads; with OLDEST_LEADS, every item of the notice takes the leading
step. Reminders before the due date never stand beside overdue items: these go first.

Amounts: the policy's minimum is compared with what may be asked for under it in one currency, less the credits; a
level's minimum and maximum with the notice's own principal.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from core.calendar import end_of_month

ZERO = Decimal(0)
ONE_DAY = timedelta(days=1)
PRE_REMINDER, FORMAL_NOTICE, HAND_OVER = "PRE_REMINDER", "FORMAL_NOTICE", "HAND_OVER"
DUE_DATE, END_OF_MONTH, PREVIOUS = "DUE_DATE", "END_OF_MONTH", "PREVIOUS"
PER_CUSTOMER, PER_ITEM = "CUSTOMER", "ITEM"
OWN_LEVEL, OLDEST_LEADS = "OWN_LEVEL", "OLDEST_LEADS"
AUTOMATIC, MANUAL = "AUTOMATIC", "MANUAL"


class Reason(StrEnum):
    """Why an item is left alone; the order is the one in which they are told."""

    INSOLVENT = "INSOLVENT"
    ON_HOLD = "ON_HOLD"
    EXCEPTED = "EXCEPTED"
    HELD_OUT = "HELD_OUT"
    NO_POLICY = "NO_POLICY"
    RATE_MISSING = "RATE_MISSING"
    FACTORED = "FACTORED"
    WITH_AGENCY = "WITH_AGENCY"
    PLANNED = "PLANNED"
    DISPUTED = "DISPUTED"
    PROMISED = "PROMISED"
    UNALLOCATED_CASH = "UNALLOCATED_CASH"
    PENDING = "PENDING"
    SEQUENCE_DONE = "SEQUENCE_DONE"
    WAITING = "WAITING"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    OTHER_STEP_FIRST = "OTHER_STEP_FIRST"
    CONTACT_GAP = "CONTACT_GAP"


@dataclass(frozen=True)
class LevelRule:
    """One level; names and values are those of `dunning.models.Level`. A negative delay lies before."""

    rank: int
    delay_days: int
    gap_days: int = 0
    kind: str = "REMINDER"
    delay_from: str = DUE_DATE
    minimum_amount: Decimal = ZERO
    maximum_amount: Decimal | None = None
    approval: str = MANUAL

    @property
    def is_before_due(self) -> bool:
        return self.kind == PRE_REMINDER

    @property
    def is_hand_over(self) -> bool:
        return self.kind == HAND_OVER

    @property
    def is_formal(self) -> bool:
        """What « ni mise en demeure ni remise en recouvrement » keeps away."""
        return self.kind in (FORMAL_NOTICE, HAND_OVER)


@dataclass(frozen=True)
class PolicyRule:
    """A ladder and how it writes; `policy_id` tells policies apart, the levels come in the order of their ranks."""

    levels: tuple[LevelRule, ...]
    policy_id: int = 0
    minimum_amount: Decimal = ZERO
    grouping: str = PER_CUSTOMER
    progression: str = OWN_LEVEL
    contact_gap_days: int = 0


@dataclass(frozen=True)
class Account:
    """A customer in one currency. `credit_amount` is his unallocated cash and credit notes, positive.

    `policy` is the one that takes him (assignment, exception or trial); `is_held_out` and `is_excepted` come from a
    trial without policy and from an exception. `last_contact` is the last proven contact over all channels and
    entities; `has_contact_to_come`: a notice of another run may still reach him. `rates_from` is the first day whose
    legal rate is known: what fell due before cannot be claimed lawfully.
    """

    policy: PolicyRule | None = None
    is_insolvent: bool = False
    is_on_hold: bool = False
    is_excepted: bool = False
    is_held_out: bool = False
    is_reminders_only: bool = False
    credit_amount: Decimal = ZERO
    last_contact: date | None = None
    has_contact_to_come: bool = False
    rates_from: date = date.min


@dataclass(frozen=True)
class ItemFacts:
    """An open item and its last step in force: `last_rank` 0 when it was never reminded.

    Of `open_amount`, the part in dispute and then the part promised for a day to come are left alone.
    `own_policy` replaces the account's when an exception names one for this item (`has_own_policy`; None: it is not
    in force). `has_formal_notice`: its own formal notice was proven.
    """

    item_id: int
    due_date: date
    open_amount: Decimal
    is_factored: bool = False
    is_with_agency: bool = False
    disputed_amount: Decimal = ZERO
    promised_amount: Decimal = ZERO
    is_planned: bool = False
    last_rank: int = 0
    last_sent_on: date | None = None
    has_formal_notice: bool = False
    is_excepted: bool = False
    is_reminders_only: bool = False
    has_own_policy: bool = False
    own_policy: PolicyRule | None = None

    @property
    def parts(self) -> "Parts":
        return parts_of(self.open_amount, self.disputed_amount, self.promised_amount)

    def is_overdue(self, as_of: date) -> bool:
        return self.due_date < as_of


@dataclass(frozen=True)
class Parts:
    """An item's balance, told apart: chaseable + disputed + promised = open."""

    chaseable: Decimal
    disputed: Decimal
    promised: Decimal


def parts_of(open_amount: Decimal, disputed: Decimal, promised: Decimal) -> Parts:
    """What may be asked of an item on which `disputed` is contested and `promised` is still to come.

    Never more is left out than is open: the contested part first, then the promised one.
    """
    disputed = min(disputed, open_amount)
    promised = min(promised, open_amount - disputed)
    return Parts(open_amount - disputed - promised, disputed, promised)


@dataclass(frozen=True)
class NoticeToWrite:
    """A notice: the level that leads it, the step each item takes, and its principal less the credits.

    `item_id` is named when it is written for one item alone. `is_automatic`: it needs nobody's approval.
    """

    policy: PolicyRule
    level: LevelRule
    ranks: Mapping[int, int]
    principal: Decimal
    item_id: int | None = None

    @property
    def is_automatic(self) -> bool:
        level = self.level
        return level.approval == AUTOMATIC and (
            level.maximum_amount is None or self.principal <= level.maximum_amount
        )


@dataclass(frozen=True)
class Selection:
    """The notices to write, and what is left out: why, and from which day on when a day is known."""

    notices: Sequence[NoticeToWrite] = ()
    excluded: Mapping[int, Reason] = field(default_factory=dict)
    next_dates: Mapping[int, date] = field(default_factory=dict)


def next_level(policy: PolicyRule, item: ItemFacts, as_of: date) -> LevelRule | None:
    """The level that the item takes next; None when it climbed its ladder to the end."""
    overdue = item.is_overdue(as_of)
    return next(
        (
            level
            for level in policy.levels
            if level.rank > item.last_rank and not (overdue and level.is_before_due)
        ),
        None,
    )


def next_date(item: ItemFacts, level: LevelRule) -> date:
    """The day from which the item may take the level."""
    delay = timedelta(days=level.delay_days)
    if level.delay_from == END_OF_MONTH:
        reached = end_of_month(item.due_date) + delay
    elif level.delay_from == PREVIOUS and item.last_sent_on is not None:
        reached = item.last_sent_on + delay
    else:
        reached = item.due_date + delay
    if item.last_sent_on is not None:
        reached = max(reached, item.last_sent_on + timedelta(days=level.gap_days))
    return reached if level.is_before_due else max(reached, item.due_date + ONE_DAY)


def select(account: Account, items: Sequence[ItemFacts], as_of: date) -> Selection:
    """Choose the steps of one account as of a day. Every item is either in a notice or excluded."""
    excluded: dict[int, Reason] = {}
    next_dates: dict[int, date] = {}
    chosen: list[_Step] = []
    for item in items:
        policy = item.own_policy if item.has_own_policy else account.policy
        level = next_level(policy, item, as_of) if policy else None
        parts, reached = item.parts, next_date(item, level) if level else date.min
        reason = _exclusion(account, policy, item, parts) or _not_yet(account, level, item, reached, as_of)
        if reason is None:
            assert policy is not None and level is not None
            chosen.append(_Step(item, policy, level, parts.chaseable))
            continue
        excluded[item.item_id] = reason
        if reason is Reason.WAITING:
            next_dates[item.item_id] = reached

    if not chosen:
        return Selection((), excluded, next_dates)
    chosen, below = _above_minimum(chosen, account.credit_amount)
    excluded |= {step.item.item_id: Reason.BELOW_MINIMUM for step in below}

    units: dict[tuple[int | None, bool], list[_Step]] = defaultdict(list)
    for step in chosen:
        units[step.alone, step.level.is_before_due and step.alone is None].append(step)
    notices = []
    for (item_id, is_before_due), steps in sorted(units.items(), key=lambda unit: unit[0][0] or 0):
        lead = max(steps, key=lambda step: step.level.rank)
        gap_until = None if lead.level.is_hand_over else _gap_until(account, lead.policy)
        inside = []
        for step in steps:
            reason = None
            if is_before_due and (None, False) in units:
                reason = Reason.OTHER_STEP_FIRST
            elif lead.level.is_hand_over and step.level.rank != lead.level.rank:
                # An agency gets only what went through every step before.
                reason = Reason.OTHER_STEP_FIRST
            elif lead.level.is_formal and step.is_reminders_only(account):
                reason = Reason.EXCEPTED
            elif gap_until is not None and account.has_contact_to_come:
                reason = Reason.PENDING
            elif gap_until is not None and gap_until > as_of:
                reason = Reason.CONTACT_GAP
                next_dates[step.item.item_id] = gap_until
            if reason is None:
                inside.append(step)
            else:
                excluded[step.item.item_id] = reason
        if inside:
            notices.append(_notice(lead, inside, item_id, account.credit_amount))
    return Selection(notices, excluded, next_dates)


@dataclass(frozen=True)
class _Step:
    item: ItemFacts
    policy: PolicyRule
    level: LevelRule
    amount: Decimal

    @property
    def alone(self) -> int | None:
        """The item's key when it gets a notice of its own."""
        is_alone = self.item.has_own_policy or self.policy.grouping == PER_ITEM
        return self.item.item_id if is_alone else None

    @property
    def pool(self) -> tuple[int, bool]:
        """What the policy's minimum is looked at over."""
        return self.policy.policy_id, self.level.is_before_due

    def is_reminders_only(self, account: Account) -> bool:
        return account.is_reminders_only or self.item.is_reminders_only


def _above_minimum(steps: Sequence[_Step], credit: Decimal) -> tuple[list[_Step], list[_Step]]:
    """The steps worth writing for, and those that are not.

    First each level's minimum on what it would be written for, then the policy's on what is left.
    """
    net = _net_by_pool(steps, credit)
    worth = [
        step
        for step in steps
        if net[step.pool] >= step.policy.minimum_amount
        and (net[step.pool] if step.alone is None else step.amount - credit) >= step.level.minimum_amount
    ]
    left = _net_by_pool(worth, credit)
    worth = [step for step in worth if left[step.pool] >= step.policy.minimum_amount]
    kept = {step.item.item_id for step in worth}
    return worth, [step for step in steps if step.item.item_id not in kept]


def _net_by_pool(steps: Iterable[_Step], credit: Decimal) -> Mapping[tuple[int, bool], Decimal]:
    sums: dict[tuple[int, bool], Decimal] = defaultdict(lambda: -credit)
    for step in steps:
        sums[step.pool] += step.amount
    return sums


def _gap_until(account: Account, policy: PolicyRule) -> date | None:
    """The first day of another contact; None when the policy leaves no gap between two."""
    if not policy.contact_gap_days:
        return None
    if account.last_contact is None:
        return date.min
    return account.last_contact + timedelta(days=policy.contact_gap_days)


def _notice(lead: _Step, steps: Sequence[_Step], item_id: int | None, credit: Decimal) -> NoticeToWrite:
    together = lead.policy.progression == OLDEST_LEADS
    return NoticeToWrite(
        policy=lead.policy,
        level=lead.level,
        ranks={step.item.item_id: lead.level.rank if together else step.level.rank for step in steps},
        principal=sum((step.amount for step in steps), -credit),
        item_id=item_id,
    )


def _exclusion(account: Account, policy: PolicyRule | None, item: ItemFacts, parts: Parts) -> Reason | None:
    """The first reason that lies in the customer or in the item itself, in the order in which they are told."""
    return (
        Reason.INSOLVENT if account.is_insolvent
        else Reason.ON_HOLD if account.is_on_hold
        else Reason.EXCEPTED if account.is_excepted or item.is_excepted
        else Reason.HELD_OUT if account.is_held_out and not item.has_own_policy
        else Reason.NO_POLICY if policy is None
        else Reason.RATE_MISSING if item.due_date < account.rates_from
        else Reason.FACTORED if item.is_factored
        else Reason.WITH_AGENCY if item.is_with_agency
        else Reason.PLANNED if item.is_planned
        else Reason.DISPUTED if parts.disputed == item.open_amount
        else Reason.PROMISED if parts.chaseable == ZERO
        else Reason.UNALLOCATED_CASH if parts.chaseable <= account.credit_amount
        else None
    )  # fmt: skip


def _not_yet(
    account: Account, level: LevelRule | None, item: ItemFacts, reached: date, as_of: date
) -> Reason | None:
    """The first reason that lies in the item's next step, or in the one before it."""
    return (
        Reason.PENDING if item.last_rank > 0 and item.last_sent_on is None
        else Reason.SEQUENCE_DONE if level is None
        else Reason.EXCEPTED if level.is_formal and (account.is_reminders_only or item.is_reminders_only)
        else Reason.OTHER_STEP_FIRST if level.is_hand_over and not item.has_formal_notice
        else Reason.WAITING if reached > as_of
        else None
    )  # fmt: skip
