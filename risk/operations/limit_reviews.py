"""The night's work on limits, set by set: what expires ends, what is due is opened for review; and closing a review."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from core import audit
from core.models import User
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import Customer
from risk.credit_policies import ALARM_DAYS, REVIEW_MONTHS
from risk.models import LimitReview
from risk.operations.limit_writing import LimitRefused

NOTE_LENGTH = 500


@dataclass(frozen=True)
class Swept:
    """What a night changed, in numbers."""

    limits_ended: int = 0
    requests_expired: int = 0
    reviews_closed: int = 0
    reviews_opened: int = 0


_TOLD = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor_id)s, %(actor_name)s,
"""
_END_LIMITS = f"""
WITH ended AS (
    UPDATE risk_creditlimit SET valid_to = expires_on
    WHERE valid_to IS NULL AND expires_on < %(today)s
    RETURNING id, customer_id, amount, currency, kind, scope, expires_on
)
{_TOLD} 'risk.limit.expired', ARRAY['creditlimit:' || id, 'customer:' || customer_id],
       jsonb_build_object('amount', amount::text, 'currency', currency, 'kind', kind, 'scope', scope,
                          'expires_on', expires_on::text)
FROM ended ORDER BY id
"""
_EXPIRE_REQUESTS = f"""
WITH expired AS (
    UPDATE risk_limitrequest SET status = 'EXPIRED', decided_at = %(now)s
    WHERE status IN ('SUBMITTED', 'IN_APPROVAL') AND (answer_by < %(today)s OR expires_on < %(today)s)
    RETURNING id, customer_id, amount, currency, answer_by
)
{_TOLD} 'risk.limit_request.expired', ARRAY['limitrequest:' || id, 'customer:' || customer_id],
       jsonb_build_object('amount', amount::text, 'currency', currency, 'answer_by', answer_by::text)
FROM expired ORDER BY id
"""
_CLOSE_REVIEWS = """
UPDATE risk_limitreview review SET status = 'CANCELLED', closed_at = %(now)s
FROM risk_creditlimit held
WHERE review.limit_id = held.id AND review.status = 'OPEN' AND held.valid_to IS NOT NULL
"""
# The shorter of the months of the class and, for a large limit, of large limits; counted from the last look at it.
_OPEN_REVIEWS = """
WITH policy AS (
    SELECT entity.id AS legal_entity_id, coalesce(own.id, general.id) AS policy_id
    FROM customers_legalentity entity
    LEFT JOIN risk_creditpolicy own ON own.legal_entity_id = entity.id AND own.status = 'ACTIVE'
    LEFT JOIN risk_creditpolicy general ON general.legal_entity_id IS NULL AND general.status = 'ACTIVE'
), held AS (
    SELECT limits.id, limits.customer_id, limits.expires_on,
           coalesce(rules.alarm_days, %(alarm_days)s) AS alarm_days,
           greatest(limits.valid_from, (
               SELECT max((kept.closed_at AT TIME ZONE %(zone)s)::date) FROM risk_limitreview kept
               WHERE kept.limit_id = limits.id AND kept.status = 'KEPT'
           )) AS seen_on,
           least(
               (coalesce(rules.review_months::int[], %(months)s::int[]))[
                   coalesce(strpos('ABCDE', score.risk_class), 3)
               ],
               CASE WHEN rules.currency = limits.currency AND limits.amount >= rules.large_from
                    THEN rules.large_review_months END
           ) AS months
    FROM risk_creditlimit limits
    JOIN customers_customer customer ON customer.id = limits.customer_id AND customer.status <> 'CLOSED'
    LEFT JOIN policy ON policy.legal_entity_id = customer.legal_entity_id
    LEFT JOIN risk_creditpolicy rules ON rules.id = policy.policy_id
    LEFT JOIN risk_score score ON score.customer_id = limits.customer_id AND score.is_current
    WHERE limits.valid_to IS NULL AND limits.kind = 'PERMANENT' AND limits.amount > 0
      AND NOT EXISTS (
          SELECT FROM risk_limitrequest open
          WHERE open.customer_id = limits.customer_id AND open.scope = limits.scope AND open.kind = limits.kind
            AND open.status IN ('SUBMITTED', 'IN_APPROVAL')
      )
      AND NOT EXISTS (SELECT FROM risk_limitreview open WHERE open.limit_id = limits.id AND open.status = 'OPEN')
), due AS (
    SELECT id, customer_id, 'EXPIRY' AS reason, expires_on AS due_on, 1 AS rank
    FROM held WHERE expires_on <= %(today)s + alarm_days
    UNION ALL
    SELECT id, customer_id, 'PERIODIC', (seen_on + make_interval(months => months))::date, 2
    FROM held WHERE (seen_on + make_interval(months => months))::date <= %(today)s + alarm_days
), fresh AS (
    SELECT DISTINCT ON (due.id) due.* FROM due
    WHERE NOT EXISTS (
        SELECT FROM risk_limitreview done
        WHERE done.limit_id = due.id AND done.reason = due.reason AND done.due_on = due.due_on
    )
    ORDER BY due.id, due.rank
)
INSERT INTO risk_limitreview (limit_id, customer_id, reason, due_on, opened_at, status, note)
SELECT id, customer_id, reason, due_on, %(now)s, 'OPEN', '' FROM fresh
ON CONFLICT DO NOTHING
"""


@operation("risk.sweep_limits")
def sweep_limits(*, actor: Actor, today: date, now: datetime) -> Swept:
    """End what expires, let go of requests without an answer, open the reviews that are due. Twice writes once."""
    params: dict[str, Any] = {
        "today": today,
        "now": now,
        "zone": str(now.tzinfo) if now.tzinfo else "UTC",
        "actor_id": actor.pk,
        "actor_name": str(actor)[:120],
        "alarm_days": ALARM_DAYS,
        "months": list(REVIEW_MONTHS),
    }
    counts = []
    with connection.cursor() as cursor:
        # One night at a time: two would both tell of the same ends.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('risk.sweep_limits', 0))")
        for statement in (_END_LIMITS, _EXPIRE_REQUESTS, _CLOSE_REVIEWS, _OPEN_REVIEWS):
            cursor.execute(statement, params)
            counts.append(cursor.rowcount)
    swept = Swept(*counts)
    if any(counts):
        audit.record(actor=actor, verb="risk.limits.swept", refs=[], now=now, **asdict(swept))
    return swept


@operation("risk.decide_limit")
def keep_limit(*, actor: Actor, review_id: int, note: str, now: datetime) -> LimitReview:
    """Close a review: the limit stays as it is, until its own end. Raises LimitRefused, WrongState when it is closed."""
    visible = Customer.objects.visible_to(actor)
    review = (
        LimitReview.objects.select_for_update(of=("self",))
        .filter(pk=review_id, customer__in=visible.order_by().values("pk"))
        .first()
    )
    if review is None:
        raise LimitRefused(_("Cette revue n’existe pas dans votre périmètre."), code="review_unknown")
    check_move(review, LimitReview.Status.KEPT)
    note = " ".join(note.split())
    if not note:
        raise LimitRefused(_("Dites ce qui justifie de maintenir ce plafond."), field="note")
    if len(note) > NOTE_LENGTH:
        raise LimitRefused(
            _("Ce texte compte %(length)d caractères au plus.") % {"length": NOTE_LENGTH}, field="note"
        )
    review.status, review.note, review.closed_at = LimitReview.Status.KEPT, note, now
    review.closed_by = actor if isinstance(actor, User) else None
    review.save(update_fields=["status", "note", "closed_at", "closed_by"])
    audit.record(
        actor=actor,
        verb="risk.limit.reviewed",
        refs=[f"creditlimit:{review.limit_id}", f"customer:{review.customer_id}"],
        now=now,
        note=note,
        reason=review.reason,
    )
    return review
