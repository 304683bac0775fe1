"""What keeps a notice from leaving just now: receipts nobody has matched, old bank data, the hours of policies."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time

from django.db import connection
from django.utils.timezone import get_default_timezone

from core.calendar import is_working_day, public_holidays
from dunning.gate import working_days_between
from dunning.models import Level
from dunning.sending_hours import SendingRules, next_sending_day, next_sending_moment

# Channels that keep the days of a policy and not its hours.
BY_THE_DAY = (Level.Channel.LETTER, Level.Channel.REGISTERED, Level.Channel.E_REGISTERED)

# Of the `customers`, those from whom money stands on a bank account that no receipt carries yet: the matching proposes
# it for them, or it comes from an account or under a name known as theirs.
UNMATCHED = """
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

# The accounts in use, each with the day of its last accepted statement. Statements of the day (interim) count too.
LAST_CLOSINGS = """
SELECT account.legal_entity_id,
       (SELECT max(statement.to_date) FROM invoices_bankstatement statement
        WHERE statement.bank_account_id = account.id AND statement.status = 'ACCEPTED') AS last_closing
FROM invoices_bankaccount account
WHERE account.is_active
"""


def bank_ages(entities: Iterable[int], today: date) -> dict[int, int | None]:
    """For each entity, how old its bank data is, as `age_of` says."""
    there = list(entities)
    closings: dict[int, list[date | None]] = {entity: [] for entity in there}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({LAST_CLOSINGS}) known WHERE legal_entity_id = ANY(%s)", [there])
        for entity, closed in cursor.fetchall():
            closings[entity].append(closed)
    return {entity: age_of(closed, today) for entity, closed in closings.items()}


def age_of(closings: Sequence[date | None], today: date) -> int | None:
    """Working days since the closing of the last accepted statement, of the account that is furthest behind.

    None: an account in use has no statement, or there is no account.
    """
    known = [closed for closed in closings if closed is not None]
    if not known or len(known) < len(closings):
        return None
    return working_days_between(min(known), today, is_working_day)


def opening(channel: str, rules: SendingRules, now: datetime) -> datetime | None:
    """When a message of that channel may leave: `now`, or the next opening. None for what is no message."""
    if channel == Level.Channel.AGENCY:
        return None
    zone = get_default_timezone()
    if channel not in BY_THE_DAY:
        return next_sending_moment(rules, now, public_holidays, zone)
    today = now.astimezone(zone).date()
    day = next_sending_day(rules, today, public_holidays)
    return now if day == today else datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)
