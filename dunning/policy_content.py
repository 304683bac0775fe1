"""A policy as a value: what it says, its fingerprint, and the ladder that the rules check. Reads only."""

import hashlib
import json
from collections.abc import Iterable
from datetime import time
from decimal import Decimal
from typing import Any

from django.conf import settings

from dunning.models import Agency, LetterTemplate, Level, Policy
from dunning.policy_rules import Ladder, Step
from dunning.post.e_registered import e_registered_is_configured

# What an edit may change, in the order of the page. `note` and who did what are not part of what a policy says.
CONDITIONS = (
    "priority", "legal_entity", "customer_kind", "segment", "risk_class", "countries", "overdue_from",
    "overdue_below", "turnover_share_from", "oldest_days_from", "oldest_days_below",
)  # fmt: skip
MANNERS = (
    "minimum_amount", "grouping", "progression", "contact_gap_days", "sending_weekdays", "sending_from",
    "sending_until", "sends_on_holidays",
)  # fmt: skip
POLICY_FIELDS = ("name", *CONDITIONS, *MANNERS)
LEVEL_FIELDS = (
    "kind", "channel", "tone", "template_code", "delay_from", "delay_days", "gap_days", "pay_within_days",
    "minimum_amount", "maximum_amount", "claims_interest", "claims_indemnity", "approval", "attaches_statement",
    "attaches_invoices", "call_script",
)  # fmt: skip

Content = dict[str, Any]


def content_of(policy: Policy) -> Content:
    """What the policy says, as JSON-able values: equal contents lead to equal notices."""
    return {
        **{name: _plain(getattr(policy, name)) for name in POLICY_FIELDS},
        "levels": [
            {name: _plain(getattr(level, name)) for name in LEVEL_FIELDS} for level in levels_of(policy)
        ],
    }


def levels_of(policy: Policy) -> list[Level]:
    """The levels in their order; prefetched ones are not read again."""
    return sorted(policy.levels.all(), key=lambda level: level.rank)


def fingerprint(policy: Policy) -> str:
    """SHA-256 of what the policy says: a form that was filled before another edit is known by it."""
    text = json.dumps(content_of(policy), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def ladder_of(policy: Policy, levels: Iterable[Level] | None = None) -> Ladder:
    """The policy as its rules read it, with what this house can do."""
    return Ladder(
        steps=tuple(step_of(level) for level in (levels_of(policy) if levels is None else levels)),
        customer_kind=policy.customer_kind,
        overdue_from=policy.overdue_from,
        overdue_below=policy.overdue_below,
        oldest_days_from=policy.oldest_days_from,
        oldest_days_below=policy.oldest_days_below,
        contact_gap_days=policy.contact_gap_days,
        sending_weekdays=policy.sending_weekdays,
        sending_from=_hour(policy.sending_from),
        sending_until=_hour(policy.sending_until),
        has_sms_gateway=has_sms_gateway(),
        has_e_registered=e_registered_is_configured(),
        has_agency=Agency.objects.filter(is_active=True).exists(),
        template_kinds=dict(
            LetterTemplate.objects.exclude(status=LetterTemplate.Status.RETIRED).values_list("code", "kind")
        ),
    )


def step_of(level: Level) -> Step:
    return Step(
        rank=level.rank,
        kind=level.kind,
        channel=level.channel,
        delay_days=level.delay_days,
        delay_from=level.delay_from,
        gap_days=level.gap_days,
        pay_within_days=level.pay_within_days,
        minimum_amount=level.minimum_amount,
        maximum_amount=level.maximum_amount,
        claims_interest=level.claims_interest,
        claims_indemnity=level.claims_indemnity,
        approval=level.approval,
        call_script=level.call_script,
        template_code=level.template_code,
    )


def has_sms_gateway() -> bool:
    return bool(getattr(settings, "SMS_GATEWAY_URL", ""))


def _hour(value: time | str) -> time:
    """A default not yet read back from the database is still text."""
    return value if isinstance(value, time) else time.fromisoformat(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, list):
        return sorted(value)
    if isinstance(value, int | str | bool) or value is None:
        return value
    return value.code  # the legal entity
