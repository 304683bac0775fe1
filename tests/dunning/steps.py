"""The steps of a notice, as tests take them."""

from datetime import timedelta

from core.legal import register
from core.rights import SYSTEM
from dunning.letter_context import LetterFacts
from dunning.models import Notice
from dunning.operations.letters import render_next
from dunning.operations.notices import approve_notices
from dunning.operations.runs import dun
from invoices.models import OpenItem
from tests.dunning.factories import (
    NOW,
    TODAY,
    make_step,
)


def propose(entity) -> Notice:
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    return Notice.objects.get(run=planned.run_id)


def approve(notice: Notice) -> None:
    approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=TODAY, now=NOW)


def render(notice: Notice) -> Notice:
    render_next(actor=SYSTEM, facts=LetterFacts(register()), today=TODAY, now=NOW)
    notice.refresh_from_db()
    return notice


def at_level(policy, item: OpenItem, rank: int) -> None:
    """Put the item through the steps before `rank`, sent long enough ago."""
    for level in policy.levels.filter(rank__lt=rank).order_by("rank"):
        make_step(item, level, sent_on=TODAY - timedelta(days=80 - 18 * level.rank))
