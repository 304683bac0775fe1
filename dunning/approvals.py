"""Reading what waits for a decision: why each notice comes now, and what the confirmation of a run lets leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Q, QuerySet

from core.rights import Actor
from customers.models import LegalEntity
from dunning.models import Level, Notice, NoticeLine, Run
from dunning.queues import stopped_entities
from dunning.selection import ItemFacts, LevelRule, next_date


@dataclass(frozen=True)
class Contact:
    """A proven contact with the customer, by whichever entity."""

    on: date
    kind: str
    channel: str


@dataclass(frozen=True)
class WhyNow:
    """`reached_on`: the day from which the leading item could take this step, `item_number` that item.

    `last_contact` is None when nobody ever wrote. `is_guarded`, `is_stopped`: what keeps the notice back.
    """

    reached_on: date | None
    item_number: str
    days_late: int
    previous_on: date | None
    last_contact: Contact | None
    is_guarded: bool
    is_stopped: bool
    not_before: datetime | None


def visible_runs(actor: Actor) -> QuerySet[Run]:
    """The runs of the entities in the actor's scope."""
    return Run.objects.filter(legal_entity__in=LegalEntity.objects.visible_to(actor))


def confirmable(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    """Of these, what the confirmation of its run lets leave: `run_decisions.confirm_run` moves the same in SQL."""
    return notices.filter(
        Q(level__maximum_amount=None) | Q(open_amount__lte=F("level__maximum_amount")),
        status=Notice.Status.PROPOSED,
        level__approval__in=[Level.Approval.AUTOMATIC, Level.Approval.CONFIRMATION],
        run__status=Run.Status.PLANNED,
    )


def why_now(notices: Sequence[Notice]) -> dict[int, WhyNow]:
    """For the notices of a page: three queries whatever their number. `level` and `run` are loaded with them."""
    ids = [notice.pk for notice in notices]
    leading = {
        line.notice_id: line
        for line in NoticeLine.objects.filter(notice__in=ids, rank=F("notice__level__rank"))
        .select_related("item")
        .order_by("notice_id", "item__due_date", "id")
        .distinct("notice_id")
    }
    previous = dict(
        NoticeLine.objects.filter(
            item__in={line.item_id for line in leading.values()},
            in_force=True,
            notice__status=Notice.Status.SENT,
        )
        .exclude(notice__in=ids)
        .order_by("item_id", "-rank")
        .distinct("item_id")
        .values_list("item", "notice__sent_on")
    )
    contacts = _last_contacts({notice.contact_key for notice in notices} - {""})
    stopped = stopped_entities()
    return {
        notice.pk: _why(
            notice,
            leading.get(notice.pk),
            previous,
            contacts.get(notice.contact_key),
            is_stopped=not stopped.isdisjoint({None, notice.legal_entity_id}),
        )
        for notice in notices
    }


def _why(
    notice: Notice,
    line: NoticeLine | None,
    previous: dict[int, date | None],
    contact: Contact | None,
    *,
    is_stopped: bool,
) -> WhyNow:
    sent_on = previous.get(line.item_id) if line else None
    return WhyNow(
        reached_on=_reached_on(line, notice.level, sent_on) if line else None,
        item_number=line.item.number if line else "",
        days_late=(notice.as_of - notice.oldest_due_date).days,
        previous_on=sent_on,
        last_contact=contact,
        is_guarded=notice.run.status == Run.Status.GUARDED,
        is_stopped=is_stopped,
        not_before=notice.not_before,
    )


def _reached_on(line: NoticeLine, level: Level, sent_on: date | None) -> date:
    rule = LevelRule(
        rank=level.rank,
        delay_days=level.delay_days,
        gap_days=level.gap_days,
        kind=level.kind,
        delay_from=level.delay_from,
    )
    item = ItemFacts(
        item_id=line.item_id, due_date=line.item.due_date, open_amount=line.open_amount, last_sent_on=sent_on
    )
    return next_date(item, rule)


def _last_contacts(keys: set[str]) -> dict[str, Contact]:
    found = (
        Notice.objects.filter(contact_key__in=keys, status=Notice.Status.SENT)
        .exclude(level__channel=Level.Channel.AGENCY)
        .order_by("contact_key", "-sent_on", "-id")
        .distinct("contact_key")
        .values_list("contact_key", "sent_on", "level__kind", "level__channel")
    )
    return {
        key: Contact(sent_on, str(Level.Kind(kind).label), str(Level.Channel(channel).label))
        for key, sent_on, kind, channel in found
        if sent_on is not None
    }
