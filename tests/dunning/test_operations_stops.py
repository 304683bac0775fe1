"""The global stop: nothing is approved, printed or sent while it stands, and nothing is lost after."""

import pytest
from django.core import mail

from core.errors import NotAllowed
from core.legal import register
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from dunning.letter_context import LetterFacts
from dunning.models import DunningStop, Notice
from dunning.operations.letters import render_next
from dunning.operations.notices import DunningStopped, approve_notices, reject_notices
from dunning.operations.stops import StopRefused, lift_stop, stop_dunning
from dunning.queues import is_stopped, ready, stopped_entities
from tests.dunning.factories import NOW, TODAY, make_entity
from tests.dunning.steps import approve, propose

pytestmark = pytest.mark.django_db


def test_nothing_moves_while_stopped_and_all_goes_on_after(books, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    entity, *_rest = books
    notice = propose(entity)
    stop = stop_dunning(actor=SYSTEM, legal_entity=entity, reason="Soldes repris à l’envers", now=NOW)
    with pytest.raises(DunningStopped, match="Soldes repris"):
        approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=TODAY, now=NOW)
    lift_stop(actor=SYSTEM, stop_id=stop.pk, now=NOW)
    approve(notice)

    stop_dunning(actor=SYSTEM, legal_entity=None, reason="Tout arrêter", now=NOW)
    assert render_next(actor=SYSTEM, facts=LetterFacts(register()), today=TODAY, now=NOW) is None
    notice.refresh_from_db()
    assert notice.status == Notice.Status.APPROVED
    lift_stop(actor=SYSTEM, stop_id=DunningStop.objects.get(lifted_at=None).pk, now=NOW)
    render_next(actor=SYSTEM, facts=LetterFacts(register()), today=TODAY, now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.RENDERED

    stop_dunning(actor=SYSTEM, legal_entity=entity, reason="Encore", now=NOW)
    rendered = ready(status=Notice.Status.RENDERED, channels=["EMAIL"], now=NOW)
    assert not rendered.exists()
    lift_stop(actor=SYSTEM, stop_id=DunningStop.objects.get(lifted_at=None).pk, now=NOW)
    assert list(rendered) == [notice]
    assert notice.lines.get(rank=1).in_force
    assert mail.outbox == []
    verbs = AuditEvent.objects.filter(verb__startswith="dunning.sending.").values_list("verb", flat=True)
    assert list(verbs.order_by("id")) == ["dunning.sending.stopped", "dunning.sending.resumed"] * 3


def test_people_may_still_reject(books) -> None:
    notice = propose(books[0])
    stop_dunning(actor=SYSTEM, legal_entity=None, reason="Arrêt", now=NOW)
    reject_notices(actor=SYSTEM, notice_ids=[notice.pk], reason="Inutile", now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.REJECTED


def test_a_stop_is_of_its_entity_alone(books) -> None:
    entity, other = books[0], make_entity()
    stop_dunning(actor=SYSTEM, legal_entity=other, reason="Arrêt", now=NOW)
    assert (is_stopped(other.pk), is_stopped(entity.pk)) == (True, False)
    assert stopped_entities() == {other.pk}


def test_refusals_change_nothing(books, make_user) -> None:
    entity = books[0]
    limited = make_user(Role.CREDIT_MANAGER, sees=[entity])
    clerk = make_user(Role.ACCOUNTANT)
    for actor, target, reason, error in (
        (SYSTEM, entity, "  ", StopRefused),
        (limited, make_entity(), "x", StopRefused),
        (limited, None, "x", StopRefused),
        (clerk, entity, "x", NotAllowed),
    ):
        with pytest.raises(error):
            stop_dunning(actor=actor, legal_entity=target, reason=reason, now=NOW)
    assert not DunningStop.objects.exists()
    stop = stop_dunning(actor=limited, legal_entity=entity, reason="x", now=NOW)
    with pytest.raises(StopRefused):
        stop_dunning(actor=limited, legal_entity=entity, reason="y", now=NOW)
    lift_stop(actor=limited, stop_id=stop.pk, now=NOW)
    with pytest.raises(StopRefused):
        lift_stop(actor=limited, stop_id=stop.pk, now=NOW)
    assert DunningStop.objects.count() == 1
