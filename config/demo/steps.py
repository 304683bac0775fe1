"""What the demo does with its books once they are there: each step is one function that calls the real operations."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Q, Sum

from core.calendar import end_of_month, next_working_day
from core.errors import BusinessError
from core.legal import MissingLegalParameter, register
from core.models import User
from core.rights import SYSTEM
from customers.models import LegalEntity
from dunning.delivery import DeliveryOutcome, OutcomeStatus
from dunning.letter_context import LetterFacts
from dunning.models import Call, Case, Level, Notice, PostBatch
from dunning.operations.calls import record_call
from dunning.operations.cases import build_dossier_of, hand_over_case
from dunning.operations.deliveries import finish_attempt, start_attempt
from dunning.operations.letters import render_next
from dunning.operations.notices import approve_notices, reject_notices
from dunning.operations.post_batches import prepare_batches, print_house_batch
from dunning.operations.posting import NothingToPost, confirm_batch_posting
from dunning.operations.runs import dun
from invoices.models import OpenItem
from invoices.operations.ageing import store_ageing
from risk.operations.scoring import score_customers

# Days before the as-of date on which the pilot campaigns went out: an item may climb four steps.
CAMPAIGNS = (56, 42, 28, 13, 5)
# Letters of one campaign for each entity: printing takes some tenths of a second each, and a demo must load quickly.
LETTERS = (5, 3)
FEW_LETTERS = (2, 1)
# Days before the as-of date on which the portfolio was scored before: classes have a past.
SCORINGS = (150, 90, 30)
_PILOT_STEP = Decimal(100)
_MONTH_ENDS = 12


def at(day: date, hour: int = 7) -> datetime:
    """An hour of a day, UTC."""
    return datetime.combine(day, time(hour), tzinfo=UTC)


def campaign_days(as_of: date) -> list[date]:
    return sorted({next_working_day(as_of - timedelta(days=days)) for days in CAMPAIGNS})


def pilot_minimum(
    entities: Sequence[LegalEntity], day: date, letters: Sequence[int], failing: Sequence[str]
) -> Decimal:
    """From which amount a customer is late enough to be in the pilot: a handful of customers reach it.

    The largest of the `failing` (account codes) is among them, so that one account goes all the way.
    """
    late = (
        OpenItem.objects.overdue(day - timedelta(days=5))
        .filter(legal_entity__in=entities)
        .order_by()
        .values("legal_entity", "customer__account_code", "currency")
        .annotate(amount=Sum("open_amount"))
        .order_by("-amount")
    )
    found = []
    for entity, limit in zip(entities, letters, strict=True):
        found += [row["amount"] for row in late.filter(legal_entity=entity)[:limit]][-1:]
    found += [row["amount"] for row in late.filter(customer__account_code__in=failing)[:1]]
    return max(min(found, default=_PILOT_STEP) // _PILOT_STEP * _PILOT_STEP, _PILOT_STEP)


def run_campaign(
    *, entities: Sequence[LegalEntity], day: date, letters: Sequence[int], failing: Sequence[str], actor: User
) -> int:
    """Plan, approve, print and send the campaigns of a past day. Returns how many letters were printed.

    Nothing leaves the machine: the answer of a mail server is ours, and says so.
    """
    now, printed = at(day), 0
    facts = LetterFacts(register())
    for entity, limit in zip(entities, letters, strict=True):
        run = dun(actor=actor, legal_entity=entity, as_of=day, now=now)
        proposed = list(
            Notice.objects.filter(run=run.run_id, status=Notice.Status.PROPOSED)
            .annotate(is_failing=Q(customer__account_code__in=failing))
            .order_by("-is_failing", "-level__rank", "-open_amount", "id")
            .values_list("pk", flat=True)
        )
        if proposed[:limit]:
            approve_notices(actor=actor, notice_ids=proposed[:limit], today=day, now=now)
        if proposed[limit:]:
            reject_notices(
                actor=actor,
                notice_ids=proposed[limit:],
                reason="Pilote : les plus gros retards d’abord, les autres par téléphone",
                now=now,
            )
    while (notice := render_next(actor=actor, facts=facts, today=day, now=now)) is not None:
        printed += notice.status == Notice.Status.RENDERED
    _send(actor=actor, day=day)
    _hand_over(actor=actor, day=day)
    return printed


def _send(*, actor: User, day: date) -> None:
    now = at(day, 8)
    while (started := start_attempt(actor=actor, today=day, now=now)) is not None:
        if started.delivery.pk is not None:
            outcome = DeliveryOutcome(
                OutcomeStatus.SENT, "Démonstration : aucun message n’a quitté la machine."
            )
            finish_attempt(actor=actor, delivery_id=started.delivery.pk, outcome=outcome, today=day, now=now)
    with connection.cursor() as cursor:
        # Each attempt holds a lock of the session as long as its process lives; here all of them are over.
        cursor.execute("SELECT pg_advisory_unlock_all()")
    _post(actor=actor, day=day, now=now)


def _post(*, actor: User, day: date, now: datetime) -> None:
    """The letters on paper, in batches printed by the house and given to the post the same day."""
    try:
        batches = prepare_batches(actor=actor, provider=PostBatch.Provider.HOUSE, today=day, now=now)
    except NothingToPost:
        return
    for batch in batches:
        print_house_batch(actor=actor, batch_id=batch.pk, now=now)
        letters = batch.deliveries.filter(channel=Level.Channel.REGISTERED).values_list("notice", flat=True)
        confirm_batch_posting(
            actor=actor,
            batch_id=batch.pk,
            posted_on=day,
            numbers={notice: f"1A{notice:011d}" for notice in letters},
            today=day,
            now=now,
        )


def _hand_over(*, actor: User, day: date) -> None:
    """Freeze the dossiers of the cases opened that day; the first one goes to the agency, others wait for it."""
    now = at(day, 9)
    for case in Case.objects.filter(status=Case.Status.OPENED).order_by("pk"):
        build_dossier_of(actor=actor, case_id=case.pk, today=day, now=now)
    ready = Case.objects.filter(status=Case.Status.READY).order_by("pk").first()
    if ready is not None and not Case.objects.filter(status=Case.Status.HANDED_OVER).exists():
        hand_over_case(actor=actor, case=ready, today=day, now=now)


def store_ageing_days(*, entities: Sequence[LegalEntity], as_of: date, now: datetime) -> int:
    """The balance âgée of the past month ends and of the as-of date, from the dated allocations."""
    days, month = [as_of], as_of.replace(day=1)
    for _n in range(_MONTH_ENDS):
        month_end = month - timedelta(days=1)
        days.append(end_of_month(month_end))
        month = month_end.replace(day=1)
    for day in sorted(days):
        for entity in entities:
            store_ageing(actor=SYSTEM, legal_entity=entity, as_of=day, now=at(day, 0) if day < as_of else now)
    return len(days)


def score(*, as_of: date, now: datetime, with_past: bool) -> int:
    """Score every customer as of the day, and before that as of some earlier days. Returns how many."""
    for days in SCORINGS if with_past else ():
        day = as_of - timedelta(days=days)
        score_customers(actor=SYSTEM, as_of=day, now=at(day))
    return score_customers(actor=SYSTEM, as_of=as_of, now=now).customers


_LIMITS = """
INSERT INTO risk_creditlimit (customer_id, amount, currency, valid_from, expires_on, reason, decided_by_id, decided_at)
SELECT customer.id,
       ceil(greatest(1000, bought.amount / 4 * (1.3 + drawn.part), owed.amount * (0.85 + 0.7 * drawn.part)) / 500) * 500,
       customer.currency,
       %(as_of)s - (20 + floor(300 * drawn.other)::int),
       %(as_of)s - (20 + floor(300 * drawn.other)::int) + 365,
       CASE WHEN drawn.other < 0.5 THEN 'Revue annuelle du plafond' ELSE 'Ouverture du compte' END,
       %(actor)s,
       (%(as_of)s - (20 + floor(300 * drawn.other)::int) + time '08:00') AT TIME ZONE 'UTC'
FROM customers_customer customer
JOIN (
    SELECT customer_id, sum(total_amount) AS amount
    FROM invoices_openitem
    WHERE kind = 'INVOICE' AND issue_date > %(as_of)s - 365
    GROUP BY customer_id
) bought ON bought.customer_id = customer.id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(open_amount), 0) AS amount FROM invoices_openitem
    WHERE customer_id = customer.id AND open_amount <> 0
) owed
CROSS JOIN LATERAL (
    SELECT ('x' || substr(md5(%(seed)s || customer.account_code), 1, 6))::bit(24)::int / 16777216.0 AS part,
           ('x' || substr(md5(%(seed)s || customer.account_code), 7, 6))::bit(24)::int / 16777216.0 AS other
) drawn
WHERE customer.kind <> 'CONSUMER' AND drawn.other < 0.92
ORDER BY customer.id
"""


def set_credit_limits(*, actor: User, as_of: date, seed: int) -> int:
    """A limit for nearly every professional customer: some four months of what he buys, or what he owes if that is more. Some owe more."""
    with connection.cursor() as cursor:
        cursor.execute(_LIMITS, {"as_of": as_of, "seed": str(seed), "actor": actor.pk})
        return int(cursor.rowcount)


def plan_todays_runs(*, entities: Sequence[LegalEntity], as_of: date, now: datetime) -> tuple[int, str]:
    """The campaigns of the as-of date, waiting for a decision. Returns the notices, and why there are none."""
    try:
        runs = [dun(actor=SYSTEM, legal_entity=entity, as_of=as_of, now=now) for entity in entities]
    except (BusinessError, MissingLegalParameter) as error:
        return 0, str(error)
    return sum(run.notices for run in runs), ""


def begin_calls(*, actor: User, as_of: date, now: datetime) -> int:
    """The calls that today's campaigns propose are to be made; at the first one nobody answered. Returns how many."""
    proposed = Notice.objects.filter(status=Notice.Status.PROPOSED, level__channel=Level.Channel.PHONE)
    calls = list(proposed.order_by("-open_amount", "pk").values_list("pk", flat=True))
    if not calls:
        return 0
    approve_notices(actor=actor, notice_ids=calls, today=as_of, now=now)
    record_call(
        actor=actor,
        notice_id=calls[0],
        outcome=Call.Outcome.NO_ANSWER,
        note="Standard fermé entre midi et deux.",
        call_again_on=as_of,
        today=as_of,
        now=now,
    )
    return len(calls)
