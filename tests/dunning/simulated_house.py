"""A house lived day by day through its real operations, and a witness of everything that leaves it.

Letters are not printed (the gate is passed and the status moves as printing does); the rest is the house itself:
planning, decisions, sending, posting, bounces, and what customers and people do in between.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from core.calendar import is_working_day
from core.errors import BusinessError
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from dunning.delivery import DeliveryOutcome, OutcomeStatus
from dunning.models import CaseItem, Delivery, DunningException, DunningStop, Notice, NoticeLine, Policy, Run
from dunning.operations.attempts import finish_attempt, unlock
from dunning.operations.bulk_decisions import hold_if_outdated
from dunning.operations.deliveries import retry_notice, start_attempt
from dunning.operations.exceptions import add_exception, end_exception
from dunning.operations.notices import approve_notices, passing_gate, reject_notices
from dunning.operations.posting import confirm_posting
from dunning.operations.returns import take_back_sending
from dunning.operations.run_decisions import NothingToConfirm, cancel_run, confirm_run, release_run
from dunning.operations.runs import dun
from dunning.operations.stops import lift_stop, stop_dunning
from dunning.outdated import possibly_outdated
from dunning.queues import WITH_LETTER, ready
from invoices.models import Dispute, OpenItem, Promise
from invoices.operations.allocations import allocate
from invoices.operations.disputes import open_dispute, resolve_dispute
from invoices.operations.promises import make_promise
from tests.dunning.factories import make_customer, make_item

ONE_DAY = timedelta(days=1)
POSTED = ("LETTER", "REGISTERED")
# What the mail server says, and how often.
ANSWERS = {
    OutcomeStatus.SENT: 0.88,
    OutcomeStatus.RETRY: 0.06,
    OutcomeStatus.FAILED: 0.04,
    OutcomeStatus.UNKNOWN: 0.02,
}


@dataclass
class Left:
    """A notice that left: when, to whom, and which step of which item it proved. `came_back`: it proved nothing."""

    on: date
    notice: Notice
    ranks: dict[int, int]
    came_back: bool = False


@dataclass
class House:
    """`rates`: what happens, as chances a day; `left`: all that left, in order."""

    draw: random.Random
    today: date
    entities: list[LegalEntity]
    customers: list[Customer]
    rates: dict[str, float]
    answers: dict[OutcomeStatus, float] = field(default_factory=lambda: dict(ANSWERS))
    left: list[Left] = field(default_factory=list)
    handed_over: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def now(self) -> datetime:
        return datetime.combine(self.today, time(9, 30), tzinfo=UTC)

    def happens(self, what: str) -> bool:
        found = self.draw.random() < self.rates.get(what, 0)
        self.counts[what] += found
        return found

    def live(self) -> None:
        """One day: what customers do, the night's run, what people decide, what leaves."""
        self.customers_act()
        if not self.happens("planning outage"):
            for entity in self.entities:
                self._plan(entity)
        self._people_decide()
        if not self.happens("sending outage"):
            self._print()
            self._send()
            self._post()
        self._bounces()
        self.today += ONE_DAY

    def _plan(self, entity: LegalEntity) -> None:
        """The night's run; every overdue item stands on one of its notices, or is counted with its reason."""
        planned = dun(actor=SYSTEM, legal_entity=entity, as_of=self.today, now=self.now)
        overdue = OpenItem.objects.filter(legal_entity=entity, open_amount__gt=0, due_date__lt=self.today)
        on_notices = NoticeLine.objects.filter(
            notice__run=planned.run_id, rank__gt=0, item__due_date__lt=self.today
        )
        assert on_notices.count() + sum(planned.excluded.values()) == overdue.count()

    # --- what customers do -------------------------------------------------------------------------------------

    def customers_act(self) -> None:
        for customer in self.customers:
            if self.happens("invoice"):
                due = self.today + timedelta(days=self.draw.choice([30, 30, 45, 5, -20]))
                make_item(
                    customer,
                    Decimal(self.draw.randint(2000, 900000)) / 100,
                    due,
                    issue_date=min(self.today, due),
                )
            on_hold = customer.status == "ON_HOLD"
            if self.happens("hold ends" if on_hold else "hold"):
                customer.status = "ACTIVE" if on_hold else "ON_HOLD"
                customer.save(update_fields=["status"])
        for item in self._owed("payment"):
            self._pays(item)
        for item in self._owed("dispute"):
            if not Dispute.objects.filter(item=item, resolved_on=None).exists():
                open_dispute(
                    actor=SYSTEM, item_id=item.pk, amount=self._part(item), reason="PU_ERR", today=self.today,
                    now=self.now,
                )  # fmt: skip
        for item in self._owed("promise"):
            self._promises(item)
        for dispute in Dispute.objects.filter(resolved_on=None).order_by("pk"):
            if self.happens("dispute ends"):
                resolve_dispute(
                    actor=SYSTEM, dispute_id=dispute.pk, outcome="Avoir émis", today=self.today, now=self.now
                )
        for item in self._owed("exception"):
            self._is_excepted(item)

    def _owed(self, what: str) -> list[OpenItem]:
        items = OpenItem.objects.filter(open_amount__gt=0).select_related("customer").order_by("pk")
        return [item for item in items if self.happens(what)]

    def _part(self, item: OpenItem) -> Decimal:
        if self.draw.random() < 0.6:
            return item.open_amount
        return max((item.open_amount * Decimal("0.4")).quantize(Decimal("0.01")), Decimal("0.01"))

    def _pays(self, item: OpenItem) -> None:
        amount = self._part(item)
        credit = make_item(item.customer, -amount, self.today, currency=item.currency)
        # One in three is not matched at once.
        if self.draw.random() < 0.65:
            allocate(
                actor=SYSTEM, debit_id=item.pk, credit_id=credit.pk, amount=amount, allocated_on=self.today,
                today=self.today, now=self.now,
            )  # fmt: skip

    def _promises(self, item: OpenItem) -> None:
        if Promise.objects.filter(item=item, status="OPEN").exists():
            return
        make_promise(
            actor=SYSTEM, item_id=item.pk, amount=self._part(item), today=self.today, now=self.now,
            promised_date=self.today + timedelta(days=self.draw.randint(0, 12)),
        )  # fmt: skip

    def _is_excepted(self, item: OpenItem) -> None:
        running = DunningException.objects.filter(
            customer=item.customer, ended_on=None, until__gte=self.today
        ).order_by("pk")
        if running:
            end_exception(actor=SYSTEM, exception_id=running[0].pk, today=self.today, now=self.now)
            return
        add_exception(
            actor=SYSTEM,
            customer=item.customer,
            item=self.draw.choice([None, item]),
            effect=self.draw.choice(["HOLD", "HOLD", "REMINDERS_ONLY"]),
            reason="Accord commercial",
            until=self.today + timedelta(days=self.draw.choice([3, 10])),
            today=self.today,
            now=self.now,
        )

    # --- what people decide ------------------------------------------------------------------------------------

    def _people_decide(self) -> None:
        stop = DunningStop.objects.filter(lifted_at=None).first()
        if self.happens("stop ends" if stop else "stop"):
            if stop is not None:
                lift_stop(actor=SYSTEM, stop_id=stop.pk, now=self.now)
            else:
                stop_dunning(actor=SYSTEM, legal_entity=None, reason="Contrôle", now=self.now)
        hold_if_outdated(
            actor=SYSTEM, notice_ids=possibly_outdated(self.today), today=self.today, now=self.now
        )
        for run in Run.objects.filter(status=Run.Status.GUARDED).order_by("pk"):
            self.counts["guarded"] += 1
            try:
                if self.draw.random() < 0.5:
                    release_run(actor=SYSTEM, run=run, now=self.now)
                else:
                    cancel_run(actor=SYSTEM, run=run, reason="Fichier chargé deux fois", now=self.now)
            except BusinessError:
                self.counts["decision refused"] += 1
        for run in Run.objects.filter(status=Run.Status.PLANNED, notices__status="PROPOSED").distinct():
            try:
                confirm_run(actor=SYSTEM, run=run, now=self.now)
            except (NothingToConfirm, BusinessError):
                self.counts["nothing to confirm"] += 1
        self._tick()

    def _tick(self) -> None:
        """Validation one by one: most are approved the same day, some are set aside, some wait for days."""
        for notice in Notice.objects.filter(status="PROPOSED").select_related("level").order_by("pk"):
            drawn = self.draw.random()
            try:
                if drawn < self.rates.get("rejection", 0.1):
                    reject_notices(
                        actor=SYSTEM, notice_ids=[notice.pk], reason="Pas maintenant", now=self.now
                    )
                elif drawn < self.rates.get("approval", 0.8):
                    self._witness_hand_over(notice)
                    approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=self.today, now=self.now)
            except BusinessError:
                self.counts["decision refused"] += 1

    def _witness_hand_over(self, notice: Notice) -> None:
        if notice.level.kind == "HAND_OVER":
            for item in ranks_of(notice):
                assert self.has_formal_notice(item), f"{item} handed over without its formal notice"
                self.handed_over.append(item)

    # --- what leaves -------------------------------------------------------------------------------------------

    def _print(self) -> None:
        waiting = ready(status=Notice.Status.APPROVED, channels=WITH_LETTER, now=self.now)
        notices = list(waiting.select_related("customer", "level", "legal_entity", "run"))
        passed = passing_gate(actor=SYSTEM, notices=notices, today=self.today, now=self.now)
        Notice.objects.filter(pk__in=[notice.pk for notice in passed]).update(status=Notice.Status.RENDERED)

    def _send(self) -> None:
        for _ in range(500):
            started = start_attempt(actor=SYSTEM, today=self.today, now=self.now)
            if started is None:
                return
            if started.delivery.pk is None:
                continue
            answer = self.draw.choices(list(self.answers), list(self.answers.values()))[0]
            if answer is OutcomeStatus.SENT:
                self.witness(started.notice)
            finish_attempt(
                actor=SYSTEM,
                delivery_id=started.delivery.pk,
                outcome=DeliveryOutcome(answer, "250" if answer is OutcomeStatus.SENT else "450"),
                today=self.today,
                now=self.now,
            )
            unlock(started.delivery.pk)
        raise AssertionError("the queue of e-mails does not end")

    def _post(self) -> None:
        if not is_working_day(self.today):
            return
        waiting = list(ready(status=Notice.Status.RENDERED, channels=POSTED, now=self.now))
        if not waiting:
            return
        confirm_posting(
            actor=SYSTEM,
            notice_ids=[notice.pk for notice in waiting],
            posted_on=self.today,
            today=self.today,
            now=self.now,
        )
        for notice in Notice.objects.filter(pk__in=[notice.pk for notice in waiting], status="SENT"):
            self.witness(notice)

    def _bounces(self) -> None:
        recent = Delivery.objects.filter(status="SENT", finished_at__gt=self.now - timedelta(days=4))
        for delivery in recent.select_related("notice__level").order_by("pk"):
            if delivery.notice.status == "SENT" and self.happens("bounce"):
                taken = take_back_sending(
                    actor=SYSTEM, notice=delivery.notice, delivery=delivery, reason="BOUNCED", detail="550",
                    returned_on=self.today, now=self.now,
                )  # fmt: skip
                if taken:
                    self._forget(delivery.notice)
        for notice in Notice.objects.filter(status="FAILED").order_by("pk"):
            if self.draw.random() < 0.3:
                retry_notice(actor=SYSTEM, notice=notice, now=self.now, send_to="autre@client.example")
            elif self.draw.random() < 0.2:
                reject_notices(actor=SYSTEM, notice_ids=[notice.pk], reason="Sans adresse", now=self.now)

    def _forget(self, notice: Notice) -> None:
        for left in self.left:
            if left.notice.pk == notice.pk:
                left.came_back = True

    # --- the witness -------------------------------------------------------------------------------------------

    def witness(self, notice: Notice) -> None:
        """A notice leaves at this moment: nothing about it may be wrong."""
        notice = Notice.objects.select_related("level__policy", "customer", "run").get(pk=notice.pk)
        told = f"{self.today} {notice} {notice.level}"
        assert not DunningStop.objects.filter(lifted_at=None).exists(), f"{told}: stopped"
        assert notice.run.status == Run.Status.PLANNED, f"{told}: run {notice.run.status}"
        assert notice.customer.status != "ON_HOLD", f"{told}: on hold"
        self._check_gap(notice, told)
        ranks = ranks_of(notice)
        for line in notice.lines.filter(rank__gt=0).select_related("item"):
            self._check_amounts(line, told)
            self._check_step(notice, line, ranks, told)
        self.left.append(Left(self.today, notice, ranks))
        self.counts[notice.level.kind] += 1

    def _check_gap(self, notice: Notice, told: str) -> None:
        gap = notice.level.policy.contact_gap_days
        for left in self.left:
            if left.came_back or left.notice.contact_key != notice.contact_key:
                continue
            if left.notice.run_id != notice.run_id:
                assert (self.today - left.on).days >= gap, f"{told}: contacted on {left.on}"

    def _check_amounts(self, line: NoticeLine, told: str) -> None:
        item = OpenItem.objects.get(pk=line.item_id)
        disputed = sum((d.amount for d in Dispute.objects.filter(item=item, resolved_on=None)), Decimal(0))
        promised = sum(
            (
                p.amount
                for p in Promise.objects.filter(item=item, status="OPEN", promised_date__gte=self.today)
            ),
            Decimal(0),
        )
        assert 0 < line.open_amount <= item.open_amount - min(disputed, item.open_amount), f"{told}: {item}"
        if not disputed and promised:
            paid_since = item.total_amount - item.open_amount
            assert line.open_amount <= item.open_amount - max(promised - paid_since, 0), f"{told}: promised"
        assert not CaseItem.objects.filter(item=item, is_live=True).exists(), f"{told}: with an agency"
        for exception in DunningException.objects.filter(customer=item.customer_id, ended_on=None):
            applies = exception.item_id in (None, item.pk)
            over = exception.until is not None and exception.until < self.today
            if applies and not over:
                assert exception.effect != "HOLD", f"{told}: excepted"
                assert line.notice.level.kind not in ("FORMAL_NOTICE", "HAND_OVER"), f"{told}: reminders only"

    def _check_step(self, notice: Notice, line: NoticeLine, ranks: dict[int, int], told: str) -> None:
        proven = self.proven(line.item_id)
        assert line.rank not in proven, f"{told}: step {line.rank} twice"
        levels = {level.rank: level for level in notice.level.policy.levels.all()}
        due = line.item.due_date
        if levels[line.rank].kind == "PRE_REMINDER":
            assert due >= self.today, f"{told}: speaks of a due date gone by"
            return
        assert due < self.today, f"{told}: not due"
        leads = notice.level.policy.progression == Policy.Progression.OLDEST_LEADS
        before = {rank for rank, level in levels.items() if rank < line.rank and level.kind != "PRE_REMINDER"}
        if not leads:
            assert before <= set(proven), f"{told}: item {line.item_id} skips {before - set(proven)}"
        else:
            # The customer is led up step by step; an item may join him on his way.
            said = {left.notice.level.rank for left in self.left if self._is_of(left, notice)}
            assert before <= said, f"{told}: the customer skips {before - said}"
            assert not before or any(max(before) in self.proven(item) for item in ranks), (
                f"{told}: nobody leads"
            )
        if before & set(proven) and not leads:
            wait = (self.today - proven[max(before)]).days
            assert wait >= levels[line.rank].gap_days, f"{told}: {wait} days after the previous step"

    def _is_of(self, left: Left, notice: Notice) -> bool:
        return left.notice.customer_id == notice.customer_id and not left.came_back

    def proven(self, item: int) -> dict[int, date]:
        """The steps of an item that left and did not come back."""
        return {left.ranks[item]: left.on for left in self.left if item in left.ranks and not left.came_back}

    def has_formal_notice(self, item: int) -> bool:
        return any(
            left.notice.level.policy.levels.get(rank=left.ranks[item]).kind == "FORMAL_NOTICE"
            for left in self.left
            if item in left.ranks and not left.came_back
        )


def ranks_of(notice: Notice) -> dict[int, int]:
    """The step of each item of a notice."""
    return dict(notice.lines.filter(rank__gt=0).values_list("item", "rank"))


def people(entity: LegalEntity, count: int, **fields: object) -> list[Customer]:
    """Customers of an entity."""
    return [make_customer(entity, **fields) for _ in range(count)]
