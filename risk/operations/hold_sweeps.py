"""The nightly look at the whole portfolio: thresholds of limits reached, holds placed and ended. Set-based."""

from datetime import date, datetime

from django.db import connection
from django.utils.translation import gettext as _

from core.operation import operation
from core.rights import Actor
from customers.models import Customer
from risk.exposure import DEFAULT_GRACE_DAYS
from risk.limit_covers import covered_amounts
from risk.models import CreditLimit, RiskSettings
from risk.models.settings import default_alert_percents

# Nothing is compiled for one statement a night, and its sums belong in memory.
_LARGE = "SET LOCAL jit = off; SET LOCAL work_mem = '64MB'"

# Each customer who owes or has ordered, in the currency of his limit: exposure as his entity counts, and lateness.
_POSITION = """
CREATE TEMP TABLE credit_position ON COMMIT DROP AS
WITH chosen AS (
    SELECT entity.id AS legal_entity_id,
           coalesce(s.counts_open_items, true) AS items, coalesce(s.counts_credit_notes, true) AS credit_notes,
           coalesce(s.counts_receipts, true) AS receipts,
           coalesce(s.overdue_grace_days, %(grace)s) AS grace,
           coalesce(s.overdue_hold_amount, %(hold_amount)s) AS hold_amount,
           coalesce(s.holds_overdue, %(holds_overdue)s) AS holds_overdue,
           coalesce(s.holds_over_limit, %(holds_over_limit)s) AS holds_over_limit,
           coalesce(s.over_limit_grace_days, %(over_limit_grace)s) AS over_limit_grace,
           coalesce(s.ends_holds, %(ends_holds)s) AS ends_holds,
           coalesce(s.alert_percents, %(percents)s::smallint[]) AS percents
    FROM customers_legalentity entity LEFT JOIN risk_risksettings s ON s.legal_entity_id = entity.id
), owed AS (
    SELECT item.customer_id, item.currency,
           coalesce(sum(item.open_amount) FILTER (
               WHERE CASE WHEN item.open_amount > 0 THEN chosen.items
                          WHEN item.kind = 'CREDIT_NOTE' THEN chosen.credit_notes
                          ELSE chosen.receipts END
           ), 0) AS exposure,
           greatest(
               coalesce(sum(item.open_amount) FILTER (
                   WHERE item.open_amount > 0 AND item.due_date < %(today)s - chosen.grace), 0)
               + coalesce(sum(item.open_amount) FILTER (WHERE item.open_amount < 0), 0), 0) AS late
    FROM invoices_openitem item
    JOIN chosen ON chosen.legal_entity_id = item.legal_entity_id
    WHERE item.open_amount <> 0
    GROUP BY item.customer_id, item.currency
), granted AS (
    SELECT DISTINCT ON (customer_id) customer_id, amount, currency
    FROM risk_creditlimit
    WHERE scope = 'ACCOUNT' AND valid_from <= %(today)s AND (valid_to IS NULL OR valid_to >= %(today)s)
      AND (expires_on IS NULL OR expires_on >= %(today)s)
    ORDER BY customer_id, amount DESC, id DESC
)
SELECT customer.id AS customer_id, customer.status, granted.amount AS limit_amount,
       coalesce(granted.currency, customer.currency) AS currency,
       coalesce(owed.exposure, 0) + coalesce(pending.counted_amount, 0) AS exposure,
       late.amount AS late_amount, chosen.*
FROM customers_customer customer
JOIN chosen ON chosen.legal_entity_id = customer.legal_entity_id
LEFT JOIN granted ON granted.customer_id = customer.id
LEFT JOIN owed ON owed.customer_id = customer.id
              AND owed.currency = coalesce(granted.currency, customer.currency)
LEFT JOIN risk_pendingamount pending ON pending.customer_id = customer.id
              AND pending.currency = coalesce(granted.currency, customer.currency)
LEFT JOIN (SELECT customer_id, max(late) AS amount FROM owed GROUP BY customer_id) late
       ON late.customer_id = customer.id
WHERE customer.status <> 'CLOSED';
ANALYZE credit_position
"""
# The highest threshold that is reached (`exposure_rules.reached`).
_REACHED = """
CREATE TEMP TABLE credit_reached ON COMMIT DROP AS
SELECT position.customer_id, position.exposure, position.limit_amount, position.currency, reached.percent,
       position.exposure > position.limit_amount AS is_over,
       held.id AS held_id, held.percent AS held_percent, held.over_since
FROM credit_position position
LEFT JOIN LATERAL (
    SELECT max(percent) AS percent FROM unnest(position.percents) AS given (percent)
    WHERE position.exposure > 0
      AND CASE WHEN percent >= 100 THEN position.exposure * 100 > position.limit_amount * percent
               ELSE position.exposure * 100 >= position.limit_amount * percent END
) reached ON position.limit_amount IS NOT NULL
FULL JOIN (SELECT * FROM risk_utilisationalert WHERE cleared_on IS NULL) held
  ON held.customer_id = position.customer_id
WHERE reached.percent IS NOT NULL OR held.id IS NOT NULL
"""
_CLEAR = """
UPDATE risk_utilisationalert alert SET cleared_on = %(today)s
FROM credit_reached
WHERE alert.id = credit_reached.held_id AND credit_reached.percent IS DISTINCT FROM credit_reached.held_percent
"""
_FOLLOW = """
UPDATE risk_utilisationalert alert
SET exposure_amount = r.exposure, limit_amount = r.limit_amount,
    over_since = CASE WHEN r.is_over THEN coalesce(alert.over_since, %(today)s) END
FROM credit_reached r
WHERE alert.id = r.held_id AND r.percent = r.held_percent
"""
_RAISE = """
INSERT INTO risk_utilisationalert (customer_id, percent, exposure_amount, limit_amount, currency, raised_on, over_since)
SELECT customer_id, percent, exposure, limit_amount, currency, %(today)s,
       CASE WHEN is_over THEN coalesce(over_since, %(today)s) END
FROM credit_reached
WHERE percent IS NOT NULL AND percent IS DISTINCT FROM held_percent
ORDER BY customer_id
"""
_TELL_ALERTS = """
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor_id)s, %(actor_name)s, 'risk.utilisation.reached', ARRAY['customer:' || customer_id],
       jsonb_build_object('percent', percent, 'exposure', exposure::text, 'limit', limit_amount::text,
                          'currency', currency, 'name', percent || ' %%')
FROM credit_reached
WHERE percent IS NOT NULL AND percent > coalesce(held_percent, 0)
ORDER BY customer_id
"""
# What holds each customer this night, with its words.
_CAUSES = """
CREATE TEMP TABLE hold_cause ON COMMIT DROP AS
SELECT customer_id, 'INSOLVENCY' AS kind, %(insolvent_reason)s AS reason FROM credit_position
WHERE status = 'INSOLVENT'
UNION ALL
SELECT customer_id, 'OVERDUE', %(overdue_reason)s FROM credit_position
WHERE holds_overdue AND late_amount >= greatest(hold_amount, 0.01)
UNION ALL
SELECT position.customer_id, 'OVER_LIMIT', %(over_limit_reason)s
FROM credit_position position
JOIN risk_utilisationalert alert ON alert.customer_id = position.customer_id AND alert.cleared_on IS NULL
WHERE position.holds_over_limit AND alert.over_since <= %(today)s - position.over_limit_grace
UNION ALL
SELECT id, 'COVER', %(cover_reason)s FROM unnest(%(uncovered)s::bigint[]) AS given (id)
"""
_PLACE = """
WITH placed AS (
    INSERT INTO risk_credithold (customer_id, kind, status, reason, placed_on, placed_at, release_currency,
                                 release_used_amount, release_reason, updated_at)
    SELECT customer_id, kind, 'ACTIVE', reason, %(today)s, %(now)s, '', 0, '', %(now)s
    FROM hold_cause
    ORDER BY customer_id, kind
    ON CONFLICT (customer_id, kind) WHERE status <> 'ENDED' DO NOTHING
    RETURNING id, customer_id, kind, reason
)
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor_id)s, %(actor_name)s, 'risk.hold.placed',
       ARRAY['customer:' || customer_id, 'credithold:' || id],
       jsonb_build_object('kind', kind, 'reason', reason)
FROM placed ORDER BY id
"""
_END = """
WITH ended AS (
    UPDATE risk_credithold hold
    SET status = 'ENDED', ended_on = %(today)s, updated_at = %(now)s
    FROM credit_position position
    WHERE position.customer_id = hold.customer_id AND position.ends_holds
      AND hold.kind <> 'MANUAL' AND hold.status <> 'ENDED'
      AND NOT EXISTS (
          SELECT FROM hold_cause WHERE hold_cause.customer_id = hold.customer_id AND hold_cause.kind = hold.kind
      )
    RETURNING hold.id, hold.customer_id, hold.kind
)
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor_id)s, %(actor_name)s, 'risk.hold.ended',
       ARRAY['customer:' || customer_id, 'credithold:' || id],
       jsonb_build_object('kind', kind, 'reason', %(gone_reason)s)
FROM ended ORDER BY id
"""
_LAPSE = """
WITH lapsed AS (
    UPDATE risk_credithold
    SET status = 'ACTIVE', updated_at = %(now)s
    WHERE status = 'RELEASED' AND (release_until < %(today)s OR release_used_amount >= release_amount)
    RETURNING id, customer_id, kind
)
INSERT INTO core_auditevent (occurred_at, actor_id, actor_name, verb, refs, data)
SELECT %(now)s, %(actor_id)s, %(actor_name)s, 'risk.hold.restored',
       ARRAY['customer:' || customer_id, 'credithold:' || id],
       jsonb_build_object('kind', kind, 'reason', %(lapse_reason)s)
FROM lapsed ORDER BY id
"""


@operation("risk.place_hold")
def sweep_holds(*, actor: Actor, today: date, now: datetime) -> dict[str, int]:
    """Compare every customer with his limit and his due dates: raise alerts, place holds, end those without cause.

    Run again the same day it changes nothing. Returns how many alerts were raised, holds placed, ended and put back
    after their release.
    """
    house = RiskSettings()
    params = {
        "today": today,
        "now": now,
        "actor_id": actor.pk,
        "actor_name": str(actor)[:120],
        "grace": DEFAULT_GRACE_DAYS,
        "hold_amount": house.overdue_hold_amount,
        "holds_overdue": house.holds_overdue,
        "holds_over_limit": house.holds_over_limit,
        "over_limit_grace": house.over_limit_grace_days,
        "ends_holds": house.ends_holds,
        "percents": default_alert_percents(),
        "uncovered": _uncovered(today),
        "insolvent_reason": _("Procédure collective ouverte."),
        "overdue_reason": _("Échéances dépassées au-delà du délai de grâce."),
        "over_limit_reason": _("Plafond dépassé au-delà du délai de grâce."),
        "cover_reason": _("La police d’assurance-crédit ne couvre plus de nouvelles livraisons."),
        "gone_reason": _("La cause a disparu."),
        "lapse_reason": _("La levée est arrivée à son terme."),
    }
    counts = {}
    with connection.cursor() as cursor:
        cursor.execute(_LARGE)
        for name, statement in (
            ("", _POSITION),
            ("", _REACHED),
            ("", _CLEAR),
            ("", _FOLLOW),
            ("alerts", _RAISE),
            ("", _TELL_ALERTS),
            ("", _CAUSES),
            ("restored", _LAPSE),
            ("ended", _END),
            ("placed", _PLACE),
        ):
            cursor.execute(statement, params)
            if name:
                counts[name] = cursor.rowcount
        cursor.execute("DROP TABLE credit_position, credit_reached, hold_cause")
    return counts


def _uncovered(today: date) -> list[int]:
    """The customers with an insured limit to whom the insurer's rules forbid to deliver."""
    insured = CreditLimit.objects.standing(today).filter(basis=CreditLimit.Basis.INSURED)
    customers = list(Customer.objects.filter(pk__in=insured.values("customer")).order_by("pk"))
    covered = covered_amounts(customers, today).by_customer
    return sorted(pk for pk, cover in covered.items() if cover.stops_delivery)
