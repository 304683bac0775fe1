"""Rendering approved notices: the values are frozen, then printed once; the PDF is kept with its hash."""

import json
from collections.abc import Collection
from datetime import date, datetime

from django.utils.translation import gettext as _

from core import audit
from core.files import store_file
from core.jobs import kick
from core.legal import MissingLegalParameter
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from dunning.letter_context import LetterFacts, StatementChanged, letter_context
from dunning.letter_enclosures import files_of
from dunning.letter_texts import choose_texts
from dunning.letters.context import Channel, LetterContextError
from dunning.letters.copies import with_copies
from dunning.letters.render import render_pdf
from dunning.models import Letter, Level, Notice
from dunning.operations.notices import passes_gate
from dunning.queues import WITH_LETTER, ready


class RenderingFailed(Exception):
    """The letter of a notice could not be printed, for a reason of the machine's: its cause. Nothing was written."""

    def __init__(self, notice_id: int) -> None:
        self.notice_id = notice_id
        super().__init__(notice_id)


@operation("dunning.deliver")
def render_next(
    *, actor: Actor, facts: LetterFacts, today: date, now: datetime, passed_over: Collection[int] = ()
) -> Notice | None:
    """Render one approved notice that nobody else is rendering; None when there is none left.

    The row stays locked while its letter is printed (some tenths of a second): killed half-way, nothing is
    written and the next sweep takes it again. A notice whose letter may not be written as it stands is held.
    Raises RenderingFailed for what the machine could not do; the notices `passed_over` are left alone.
    """
    notice = (
        ready(status=Notice.Status.APPROVED, channels=WITH_LETTER, now=now)
        .exclude(pk__in=passed_over)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("legal_entity__logo", "customer", "level")
        .first()
    )
    if notice is None:
        return None
    if not passes_gate(actor=actor, notice=notice, today=today, now=now):
        return notice
    try:
        return _render(actor, notice, facts, today, now)
    except StatementChanged as changed:
        return _hold(actor, notice, _("le décompte des pénalités a changé (%s)") % changed, now)
    except (LetterContextError, MissingLegalParameter) as error:
        return _hold(actor, notice, str(error), now)
    except Exception as error:
        raise RenderingFailed(notice.pk) from error


def _render(actor: Actor, notice: Notice, facts: LetterFacts, today: date, now: datetime) -> Notice:
    context = letter_context(notice, facts=facts, today=today)
    content = render_pdf(context, logo=facts.logo(notice.legal_entity.logo))
    if context.enclosures and context.channel is not Channel.EMAIL:
        copies = files_of([(copy.name, copy.sha256) for copy in context.enclosures])
        content = with_copies(content, [copy.content for copy in copies])
    stored = store_file(
        content=content,
        name=f"{context.reference}.pdf",
        kind="dunning.letter",
        content_type="application/pdf",
        now=now,
    )
    Letter.objects.create(
        notice=notice,
        reference=context.reference,
        context=json.loads(context.to_json()),
        context_sha256=context.sha256,
        template=choose_texts(notice, facts.templates).template,
        file=stored,
        rendered_at=now,
    )
    check_move(notice, Notice.Status.RENDERED)
    notice.status = Notice.Status.RENDERED
    notice.save(update_fields=["status"])
    audit.record(
        actor=actor,
        verb="dunning.letter.rendered",
        refs=[notice, f"customer:{notice.customer_id}"],
        now=now,
        reference=context.reference,
        sha256=stored.sha256,
    )
    if notice.level.channel == Level.Channel.EMAIL:
        kick("dunning.tasks.send_letters")
    return notice


def _hold(actor: Actor, notice: Notice, reason: str, now: datetime) -> Notice:
    check_move(notice, Notice.Status.HELD)
    notice.status, notice.reason = Notice.Status.HELD, reason[:200]
    notice.save(update_fields=["status", "reason"])
    notice.lines.update(in_force=False)
    audit.record(
        actor=actor,
        verb="dunning.notice.held",
        refs=[notice, f"customer:{notice.customer_id}"],
        now=now,
        reason=reason,
    )
    return notice
