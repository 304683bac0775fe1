"""Essais comparatifs: drawing the groups, ending a trial."""

from datetime import date, datetime

from django.db import connection
from django.utils.translation import gettext as _

from core import audit
from core.calendar import add_months
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from dunning.contacts import CONTACT_KEY
from dunning.models import Policy, Trial, TrialMember
from dunning.operations.policy_drafts import check_scope, read_policy
from dunning.policy_conditions import TAKES_LASTING, TAKES_TODAY

# The same lot as `dunning.trial_statistics.is_control`; one test holds both to the same answers.
IS_CONTROL = """
    mod(('x' || substr(encode(sha256(convert_to(%(trial)s || ':' || key, 'UTF8')), 'hex'), 1, 8))::bit(32)::bigint,
        100) < %(share)s
"""

# Customers whom the policy leads today, whatever his currency, and whom no policy of higher priority may ever take;
# a person stays out when any of his accounts is in another trial.
_DRAW = f"""
WITH turnover AS (
    SELECT legal_entity_id, customer_id, sum(total_amount) AS invoiced,
           sum(sum(total_amount)) OVER (PARTITION BY legal_entity_id) AS whole
    FROM invoices_openitem
    WHERE kind = 'INVOICE' AND issue_date > %(year_before)s AND issue_date <= %(today)s
    GROUP BY legal_entity_id, customer_id
), owed AS (
    SELECT customer_id, sum(open_amount) AS overdue_amount, %(today)s - min(due_date) AS oldest_days
    FROM invoices_openitem WHERE open_amount > 0 AND due_date < %(today)s
    GROUP BY customer_id
), account AS (
    SELECT c.id AS customer_id, {CONTACT_KEY} AS key, c.legal_entity_id, c.kind, c.segment, c.country,
           coalesce(score.risk_class, '') AS risk_class, t.invoiced, t.whole,
           coalesce(o.overdue_amount, 0) AS overdue_amount, coalesce(o.oldest_days, 0) AS oldest_days
    FROM customers_customer c
    LEFT JOIN risk_score score ON score.customer_id = c.id AND score.is_current
    LEFT JOIN turnover t ON t.customer_id = c.id
    LEFT JOIN owed o ON o.customer_id = c.id
), busy AS (
    SELECT DISTINCT a.key FROM account a
    JOIN dunning_trialmember member ON member.customer_id = a.customer_id AND member.is_live
)
INSERT INTO dunning_trialmember (trial_id, customer_id, is_control, is_live)
SELECT %(trial_id)s, a.customer_id, {IS_CONTROL}, TRUE
FROM account a
JOIN dunning_policy p ON p.id = %(policy)s AND {TAKES_LASTING} {TAKES_TODAY}
WHERE a.key NOT IN (SELECT key FROM busy)
  AND NOT EXISTS (
      SELECT 1 FROM dunning_policy ahead
      WHERE ahead.status = 'ACTIVE' AND (ahead.priority, ahead.code) < (p.priority, p.code)
        AND {TAKES_LASTING.replace("p.", "ahead.")}
  )
ORDER BY a.customer_id
"""


class NothingToCompare(BusinessError):
    """One of the groups would be empty."""

    code = "nothing_to_compare"


@operation("dunning.manage_policies")
def start_trial(
    *,
    actor: Actor,
    name: str,
    policy: Policy,
    control_policy: Policy | None,
    control_share: int,
    today: date,
    now: datetime,
) -> Trial:
    """Draw the control group among the customers whom the policy leads, and begin.

    Raises NothingToCompare when a group is empty.
    """
    policy = read_policy(policy.pk)
    check_scope(actor, policy)
    if policy.status != Policy.Status.ACTIVE:
        raise BusinessError(_("Seul un scénario en vigueur se met à l’essai."), field="policy")
    if control_policy is not None:
        if control_policy.pk == policy.pk:
            raise BusinessError(
                _("Le groupe témoin suivrait le même scénario : choisissez-en un autre, ou aucun."),
                field="control_policy",
            )
        if control_policy.status == Policy.Status.DRAFT:
            raise BusinessError(
                _("Un brouillon ne mène personne : activez-le d’abord."), field="control_policy"
            )
    if not 1 <= control_share <= 50:
        raise BusinessError(_("Indiquez une part entre 1 et 50 %."), field="control_share")
    trial = Trial.objects.create(
        name=name.strip(),
        policy=policy,
        control_policy=control_policy,
        control_share=control_share,
        started_on=today,
        started_by_id=actor.pk,
    )
    with connection.cursor() as cursor:
        # One draw at a time: two would put a customer into two trials, and one would fail.
        cursor.execute("LOCK TABLE dunning_trialmember IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(
            _DRAW,
            {
                "trial": str(trial.pk),
                "trial_id": trial.pk,
                "policy": policy.pk,
                "share": control_share,
                "today": today,
                "year_before": add_months(today, -12),
            },
        )
    members = TrialMember.objects.filter(trial=trial)
    control, everybody = members.filter(is_control=True).count(), members.count()
    if not 0 < control < everybody:
        raise NothingToCompare(
            _("Trop peu de clients pour former deux groupes : élargissez le scénario ou la part témoin."),
            field="control_share",
        )
    audit.record(
        actor=actor,
        verb="dunning.trial.started",
        refs=[trial, policy],
        now=now,
        name=trial.name,
        control=control,
        treated=everybody - control,
        control_policy=None if control_policy is None else str(control_policy),
    )
    return trial


@operation("dunning.manage_policies")
def end_trial(*, actor: Actor, trial_id: int, today: date, now: datetime) -> Trial:
    """End the trial: from now on its customers are led like everybody. Its figures stay."""
    trial = Trial.objects.select_for_update(of=("self",)).filter(pk=trial_id).first()
    if trial is None:
        raise BusinessError(_("Cet essai n’existe plus : revenez à la liste."), code="not_found")
    check_scope(actor, read_policy(trial.policy_id))
    check_move(trial, Trial.Status.ENDED)
    trial.status, trial.ended_on = Trial.Status.ENDED, today
    trial.save(update_fields=["status", "ended_on"])
    TrialMember.objects.filter(trial=trial, is_live=True).update(is_live=False)
    audit.record(
        actor=actor,
        verb="dunning.trial.ended",
        refs=[trial, f"policy:{trial.policy_id}"],
        now=now,
        name=trial.name,
    )
    return trial
