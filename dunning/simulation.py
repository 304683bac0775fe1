"""What policies would do over the days to come, customer by customer. Pure: it runs `dunning.selection` forward.

The book stands still: no new invoice, no new dispute; disputes, plans and cases with an agency stay as they are,
promises lapse after their day, holds and exceptions end on theirs. Every notice is approved on the day it is planned
and leaves on its policy's next sending day. Payments come when the facts say (`paid_on`), or never.

A reminder before the due date that would leave after it is withdrawn by the next run, as the planner does: it counts
for nothing. A customer over all his entities is one person: runs of a day follow each other by entity, and a notice planned by
one is a contact to come for the next. Only days on which something can change are looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from dunning.selection import Account, ItemFacts, NoticeToWrite, PolicyRule, select
from dunning.sending_hours import Holidays, SendingRules, next_sending_day

ZERO = Decimal(0)
ONE_DAY = timedelta(days=1)
FORMAL_NOTICE, AGENCY = "FORMAL_NOTICE", "AGENCY"
HOLD, OTHER_POLICY, REMINDERS_ONLY = "HOLD", "POLICY", "REMINDERS_ONLY"


@dataclass(frozen=True)
class SimulatedPolicy:
    """A policy: its rule, when it sends, and the conditions that change with the days (amounts in one currency).

    `channels`: the channel of each rank. Conditions that no day changes are judged beforehand.
    """

    code: str
    rule: PolicyRule
    channels: Mapping[int, str]
    sending: SendingRules = field(default_factory=SendingRules)
    overdue_from: Decimal | None = None
    overdue_below: Decimal | None = None
    oldest_days_from: int | None = None
    oldest_days_below: int | None = None

    def takes(self, overdue: Decimal, oldest_days: int) -> bool:
        return (
            (self.overdue_from is None or overdue >= self.overdue_from)
            and (self.overdue_below is None or overdue < self.overdue_below)
            and (self.oldest_days_from is None or oldest_days >= self.oldest_days_from)
            and (self.oldest_days_below is None or oldest_days < self.oldest_days_below)
        )


@dataclass(frozen=True)
class Exemption:
    """An exception as of some days: `until` is included; None: without end."""

    effect: str
    from_date: date
    until: date | None = None
    policy_code: str = ""

    def holds(self, day: date) -> bool:
        return self.from_date <= day and (self.until is None or self.until >= day)


@dataclass(frozen=True)
class SimulatedItem:
    """An open item. `facts` as of the first day; `promises`: (last day, amount).

    `on_its_way`: its last step is not proven yet; a reminder before the due date among them names in `withdrawn_on`
    the day from which it says nothing any more.
    """

    facts: ItemFacts
    from_day: date = date.min
    promises: Sequence[tuple[date, Decimal]] = ()
    exemptions: Sequence[Exemption] = ()
    paid_on: date | None = None
    on_its_way: bool = False
    withdrawn_on: date | None = None

    def is_open(self, day: date) -> bool:
        return self.from_day <= day and (self.paid_on is None or self.paid_on > day)


@dataclass(frozen=True)
class SimulatedAccount:
    """A customer of an entity in one currency. `candidates`: policies that may take him, the leading one first.

    `held_until`: the last day of a hold, `date.max` without end. From `control_from` on he is in a control
    group and follows `control_policy`, or nobody when it is None.
    """

    entity_id: int
    customer_id: int
    currency: str
    items: Sequence[SimulatedItem]
    candidates: Sequence[int] = ()
    credit_amount: Decimal = ZERO
    insolvent_from: date | None = None
    held_until: date | None = None
    exemptions: Sequence[Exemption] = ()
    control_from: date | None = None
    control_policy: int | None = None
    rates_from: date = date.min


@dataclass(frozen=True)
class SimulatedCustomer:
    """One person over all entities (`contact_key`), accounts in the order in which runs come."""

    contact_key: str
    accounts: Sequence[SimulatedAccount]
    last_contact: date | None = None
    has_contact_to_come: bool = False


@dataclass(frozen=True)
class Contact:
    """A notice of the simulation: planned on a day, leaving on another."""

    planned_on: date
    leaves_on: date
    entity_id: int
    customer_id: int
    currency: str
    policy_id: int
    rank: int
    kind: str
    channel: str
    amount: Decimal
    items: int


def simulate(
    customer: SimulatedCustomer,
    policies: Mapping[int, SimulatedPolicy],
    first: date,
    last: date,
    holidays: Holidays,
) -> Iterator[Contact]:
    """The notices of one customer from `first` to `last` (planned then), in their order."""
    world = _World(customer, policies, first, holidays)
    day: date | None = first
    while day is not None and day <= last:
        yield from world.live(day)
        day = world.next_day(day)


@dataclass(frozen=True)
class _Sending:
    """A notice that leaves on a day, unless the entity's run of an earlier one withdraws it."""

    leaves_on: date
    entity_id: int = 0
    withdrawn_on: date | None = None

    def is_withdrawn(self, day: date, entity_id: int) -> bool:
        """As the run of an entity finds it."""
        if self.withdrawn_on is None or self.withdrawn_on > day:
            return False
        return self.withdrawn_on < day or entity_id >= self.entity_id

    def has_left(self, day: date) -> bool:
        """Runs come before the hours of sending."""
        return self.leaves_on < day and self.withdrawn_on is None


@dataclass(frozen=True)
class _Taken:
    """What the simulation changed of an item: its step, its sending, and what it was before."""

    rank: int
    sending: _Sending
    formal: bool
    before: "_Taken | None" = None


@dataclass
class _World:
    customer: SimulatedCustomer
    policies: Mapping[int, SimulatedPolicy]
    first: date
    holidays: Holidays
    taken: dict[int, _Taken] = field(default_factory=dict)
    stepped: dict[int, tuple[tuple["_Taken | None", bool, bool], ItemFacts]] = field(default_factory=dict)
    contacts: list[_Sending] = field(default_factory=list)
    hints: set[date] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.by_code = {policy.code: policy.rule.policy_id for policy in self.policies.values()}
        start = next_sending_day(SendingRules(), self.first, self.holidays)
        if self.customer.has_contact_to_come:
            self.contacts.append(_Sending(start))
        for account in self.customer.accounts:
            for item in account.items:
                if item.on_its_way:
                    withdrawn = item.withdrawn_on
                    sending = _Sending(start, account.entity_id, _before(withdrawn, start))
                    self.taken[item.facts.item_id] = _Taken(item.facts.last_rank, sending, False)
                    self.hints |= {start + ONE_DAY, withdrawn or start}
        self.days = sorted(self._known_days())

    def live(self, day: date) -> Iterator[Contact]:
        """The runs of a day, entity after entity."""
        accounts = list(self.customer.accounts)
        while accounts:
            entity = accounts[0].entity_id
            same = [account for account in accounts if account.entity_id == entity]
            accounts = accounts[len(same) :]
            written: list[tuple[SimulatedAccount, NoticeToWrite]] = []
            for account in same:
                written += [(account, notice) for notice in self._select(account, day)]
            for account, notice in written:
                contact = self._take(account, notice, day)
                if contact is not None:
                    yield contact

    def next_day(self, day: date) -> date | None:
        """The next day on which something may be otherwise."""
        later = [known for known in self.days if known > day][:1]
        hinted = [hint for hint in self.hints if hint > day]
        self.hints = set(hinted)
        return min([*later, *hinted], default=None)

    def _select(self, account: SimulatedAccount, day: date) -> Sequence[NoticeToWrite]:
        there = [item for item in account.items if item.is_open(day)]
        if not there:
            return ()
        exemptions = [exemption for exemption in account.exemptions if exemption.holds(day)]
        own_policy = next((e for e in exemptions if e.effect == OTHER_POLICY), None)
        policy = self._policy(account, there, own_policy, day)
        left = [contact.leaves_on for contact in self.contacts if contact.has_left(day)]
        to_come = [contact for contact in self.contacts if contact.leaves_on >= day]
        last = self.customer.last_contact
        chosen = select(
            Account(
                policy=policy,
                is_insolvent=_since(account.insolvent_from, day),
                is_on_hold=account.held_until is not None and account.held_until >= day,
                is_excepted=any(e.effect == HOLD for e in exemptions),
                is_held_out=_since(account.control_from, day)
                and account.control_policy is None
                and own_policy is None,
                is_reminders_only=any(e.effect == REMINDERS_ONLY for e in exemptions),
                credit_amount=account.credit_amount,
                last_contact=max([*left, last] if last else left, default=None),
                has_contact_to_come=not all(sent.is_withdrawn(day, account.entity_id) for sent in to_come),
                rates_from=account.rates_from,
            ),
            [self._facts(item, account.entity_id, day) for item in there],
            day,
        )
        self.hints |= set(chosen.next_dates.values())
        return chosen.notices

    def _policy(
        self,
        account: SimulatedAccount,
        items: Sequence[SimulatedItem],
        exemption: Exemption | None,
        day: date,
    ) -> PolicyRule | None:
        if exemption is not None:
            return self._named(exemption)
        if _since(account.control_from, day):
            control = self.policies.get(account.control_policy or 0)
            return control.rule if control else None
        late = [item.facts for item in items if item.facts.due_date < day]
        overdue = sum((item.open_amount for item in late), ZERO)
        oldest = max(((day - item.due_date).days for item in late), default=0)
        for key in account.candidates:
            policy = self.policies.get(key)
            if policy is not None and policy.takes(overdue, oldest):
                return policy.rule
        return None

    def _named(self, exemption: Exemption) -> PolicyRule | None:
        key = self.by_code.get(exemption.policy_code)
        return None if key is None else self.policies[key].rule

    def _facts(self, item: SimulatedItem, entity_id: int, day: date) -> ItemFacts:
        facts = self._stepped(item, entity_id, day)
        if item.promises:
            promised = sum((amount for until, amount in item.promises if until >= day), ZERO)
            facts = replace(facts, promised_amount=promised)
        if item.exemptions:
            there = [exemption for exemption in item.exemptions if exemption.holds(day)]
            named = next((e for e in there if e.effect == OTHER_POLICY), None)
            facts = replace(
                facts,
                is_excepted=any(e.effect == HOLD for e in there),
                is_reminders_only=any(e.effect == REMINDERS_ONLY for e in there),
                has_own_policy=named is not None,
                own_policy=None if named is None else self._named(named),
            )
        return facts

    def _stepped(self, item: SimulatedItem, entity_id: int, day: date) -> ItemFacts:
        """The item with the last step that it took here: the same object as long as nothing happens to that step."""
        taken, given_back = self.taken.get(item.facts.item_id), False
        if taken is not None and taken.sending.is_withdrawn(day, entity_id):
            # Its step is given back; the one before it stands again.
            taken, given_back = taken.before, item.on_its_way
        if taken is None and not given_back:
            return item.facts
        has_left = taken is not None and taken.sending.has_left(day)
        step = taken, has_left, given_back
        known, facts = self.stepped.get(item.facts.item_id, (None, item.facts))
        if known == step:
            return facts
        facts = replace(item.facts, last_rank=max(item.facts.last_rank - 1, 0)) if given_back else item.facts
        if taken is not None:
            facts = replace(
                facts,
                last_rank=taken.rank,
                last_sent_on=taken.sending.leaves_on if has_left else None,
                has_formal_notice=facts.has_formal_notice or (taken.formal and has_left),
            )
        self.stepped[facts.item_id] = step, facts
        return facts

    def _take(self, account: SimulatedAccount, notice: NoticeToWrite, day: date) -> Contact | None:
        """Take the steps of a notice; nothing comes of one that will be withdrawn."""
        policy = self.policies[notice.policy.policy_id]
        level = notice.level
        channel = policy.channels[level.rank]
        leaves_on = day if channel == AGENCY else next_sending_day(policy.sending, day, self.holidays)
        kinds = {rung.rank: rung.kind for rung in notice.policy.levels}
        withdrawn_on = None
        if level.is_before_due:
            dues = [item.facts.due_date for item in account.items if item.facts.item_id in notice.ranks]
            withdrawn_on = _before(min(dues) + ONE_DAY, leaves_on)
        sending = _Sending(leaves_on, account.entity_id, withdrawn_on)
        for item_id, rank in notice.ranks.items():
            before = self.taken.get(item_id)
            if before is not None and before.sending.is_withdrawn(day, account.entity_id):
                before = before.before
            self.taken[item_id] = _Taken(rank, sending, kinds[rank] == FORMAL_NOTICE, before)
        if channel != AGENCY:
            self.contacts.append(sending)
        self.hints |= {day + ONE_DAY, leaves_on + ONE_DAY}
        if withdrawn_on is not None:
            self.hints.add(withdrawn_on)
            return None
        return Contact(
            planned_on=day,
            leaves_on=leaves_on,
            entity_id=account.entity_id,
            customer_id=account.customer_id,
            currency=account.currency,
            policy_id=policy.rule.policy_id,
            rank=level.rank,
            kind=level.kind,
            channel=channel,
            amount=notice.principal,
            items=len(notice.ranks),
        )

    def _known_days(self) -> Iterator[date]:
        """The days on which the facts themselves change."""
        ages = {
            days
            for policy in self.policies.values()
            for days in (policy.oldest_days_from, policy.oldest_days_below)
            if days is not None
        }
        for account in self.customer.accounts:
            if account.held_until is not None and account.held_until < date.max:
                yield account.held_until + ONE_DAY
            yield from (from_day for from_day in (account.insolvent_from, account.control_from) if from_day)
            yield from _ends(account.exemptions)
            for item in account.items:
                due = item.facts.due_date
                yield due + ONE_DAY
                yield from (due + timedelta(days=days) for days in ages)
                yield from _ends(item.exemptions)
                yield from (until + ONE_DAY for until, _amount in item.promises)
                if item.from_day > self.first:
                    yield item.from_day
                if item.paid_on is not None:
                    yield item.paid_on
        if self.customer.has_contact_to_come:
            yield self.contacts[0].leaves_on + ONE_DAY


def _since(first: date | None, day: date) -> bool:
    return first is not None and first <= day


def _before(withdrawn_on: date | None, leaves_on: date) -> date | None:
    """The day of the run that withdraws it, when it comes before the sending."""
    return withdrawn_on if withdrawn_on is not None and withdrawn_on <= leaves_on else None


def _ends(exemptions: Sequence[Exemption]) -> Iterator[date]:
    for exemption in exemptions:
        yield exemption.from_date
        if exemption.until is not None:
            yield exemption.until + ONE_DAY
