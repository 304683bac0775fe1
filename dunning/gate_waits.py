"""What keeps a notice from leaving just now: stops, receipts nobody has matched, old bank data, the hours of policies."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from django.db import connection
from django.db.models import F, Max, OuterRef, Subquery
from django.utils.timezone import get_default_timezone

from core.calendar import is_working_day, public_holidays
from dunning.gate import working_days_between
from dunning.models import DunningSettings, Level, Notice, Policy
from dunning.queues import stopped_entities
from dunning.sending_hours import SendingRules, next_sending_day, next_sending_moment
from invoices.models import BankAccount, BankStatement

# Channels that keep the days of a policy and not its hours.
BY_THE_DAY = (Level.Channel.LETTER, Level.Channel.REGISTERED, Level.Channel.E_REGISTERED)


@dataclass(frozen=True)
class Surroundings:
    """By entity, customer, contact key and level: empty where nothing was asked."""

    stopped: set[int | None] = field(default_factory=set)
    unmatched: set[int] = field(default_factory=set)
    under_way: Mapping[str, set[int]] = field(default_factory=dict)
    bank_limits: Mapping[int, int] = field(default_factory=dict)
    bank_ages: Mapping[int, int | None] = field(default_factory=dict)
    openings: Mapping[int, datetime | None] = field(default_factory=dict)


def surroundings(
    notices: Sequence[Notice], levels: Mapping[int, Level], *, now: datetime | None, today: date
) -> Surroundings:
    """What stands around the notices at `now`; without an instant, only whether dunning is stopped."""
    stopped = stopped_entities()
    if now is None or not notices:
        return Surroundings(stopped)
    limits = {
        entity: days
        for entity, days in DunningSettings.objects.filter(
            legal_entity__in={notice.legal_entity_id for notice in notices}, bank_freshness_days__isnull=False
        ).values_list("legal_entity", "bank_freshness_days")
        if days is not None
    }
    return Surroundings(
        stopped=stopped,
        unmatched=with_unmatched_receipts({notice.customer_id for notice in notices}),
        under_way=_under_way({notice.contact_key for notice in notices} - {""}),
        bank_limits=limits,
        bank_ages=bank_ages(limits, today),
        openings={pk: opening(level, now) for pk, level in levels.items()},
    )


# A receipt that the matching proposes for the customer, or that comes from an account or under a name known as his.
_UNMATCHED = """
SELECT proposal.customer_id
FROM invoices_matchproposal proposal
JOIN invoices_bankline line ON line.id = proposal.bank_line_id
WHERE proposal.customer_id = ANY(%(customers)s) AND proposal.status = 'OPEN'
  AND line.status = 'OPEN' AND line.amount > 0
UNION
SELECT alias.customer_id
FROM invoices_payeralias alias
JOIN invoices_bankline line ON line.counterparty_iban = alias.value
  AND line.status = 'OPEN' AND line.amount > 0 AND NOT line.is_return
JOIN invoices_bankaccount account ON account.id = line.bank_account_id
  AND account.legal_entity_id = alias.legal_entity_id
WHERE alias.customer_id = ANY(%(customers)s) AND alias.kind = 'IBAN'
UNION
SELECT alias.customer_id
FROM invoices_payeralias alias
JOIN invoices_bankline learned ON learned.id = alias.learned_from_id
JOIN invoices_bankline line ON line.bank_account_id = learned.bank_account_id
  AND line.status = 'OPEN' AND line.amount > 0 AND NOT line.is_return
  AND line.counterparty_name = learned.counterparty_name AND line.ultimate_name = learned.ultimate_name
WHERE alias.customer_id = ANY(%(customers)s) AND alias.kind = 'NAME'
"""


def with_unmatched_receipts(customers: Iterable[int]) -> set[int]:
    """Of these customers, those from whom money stands on a bank account that no receipt carries yet."""
    with connection.cursor() as cursor:
        cursor.execute(_UNMATCHED, {"customers": list(customers)})
        return {row[0] for row in cursor.fetchall()}


def _under_way(keys: Iterable[str]) -> dict[str, set[int]]:
    """The runs whose notices are being sent to each contact at this moment."""
    found: dict[str, set[int]] = defaultdict(set)
    for key, run in (
        Notice.objects.filter(contact_key__in=keys, status=Notice.Status.SENDING)
        .exclude(level__channel=Level.Channel.AGENCY)
        .order_by()
        .values_list("contact_key", "run")
    ):
        found[key].add(run)
    return found


def bank_ages(entities: Iterable[int], today: date) -> dict[int, int | None]:
    """Working days since the closing of the last accepted statement, of the account that is furthest behind.

    None: an account in use has no statement, or the entity no account. Statements of the day (interim) count too.
    """
    last = (
        BankStatement.objects.filter(bank_account=OuterRef("pk"), status=BankStatement.Status.ACCEPTED)
        .order_by()
        .values("bank_account")
        .annotate(last=Max("to_date"))
        .values("last")
    )
    closings: dict[int, list[date | None]] = defaultdict(list)
    for entity, closed in (
        BankAccount.objects.filter(legal_entity__in=list(entities), is_active=True)
        .annotate(last_closing=Subquery(last))
        .values_list("legal_entity", F("last_closing"))
    ):
        closings[entity].append(closed)
    return {entity: _age(closings.get(entity, []), today) for entity in entities}


def _age(closings: list[date | None], today: date) -> int | None:
    known = [closed for closed in closings if closed is not None]
    if not known or len(known) < len(closings):
        return None
    return working_days_between(min(known), today, is_working_day)


def sending_rules(policy: Policy) -> SendingRules:
    """The days and hours of a policy."""
    return SendingRules(
        policy.sending_weekdays, policy.sending_from, policy.sending_until, policy.sends_on_holidays
    )


def opening(level: Level, now: datetime) -> datetime | None:
    """When a message of that level may leave: `now`, or the next opening. None for what is no message."""
    if level.channel == Level.Channel.AGENCY:
        return None
    rules, zone = sending_rules(level.policy), get_default_timezone()
    if level.channel not in BY_THE_DAY:
        return next_sending_moment(rules, now, public_holidays, zone)
    today = now.astimezone(zone).date()
    day = next_sending_day(rules, today, public_holidays)
    return now if day == today else datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)
