"""`dun` and `render_letters`, and the sweeps behind them."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from core.models import JobRun
from core.rights import SYSTEM
from dunning import tasks
from dunning.models import Letter, Notice, Run
from dunning.operations.notices import approve_notices
from dunning.operations.runs import request_run
from tests.dunning.factories import NOW, TODAY, load_law, make_customer, make_entity, make_item, make_policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def entity(time_machine):
    time_machine.move_to(NOW, tick=False)
    load_law()
    entity = make_entity()
    make_policy(entity)
    for days in (7, 12, 3):
        make_item(make_customer(entity), "700.00", TODAY - timedelta(days=days))
    return entity


def command(name: str, *arguments: str) -> dict:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return json.loads(out.getvalue().strip().splitlines()[-1])


def test_dun_tells_what_it_did_and_a_simulation_keeps_nothing(entity) -> None:
    simulated = command("dun", "--as-of", TODAY.isoformat(), "--simulate")
    assert (simulated["notices"], simulated["lines"], simulated["excluded"]) == (2, 2, {"WAITING": 1})
    assert not Run.objects.exists()
    real = command("dun", "--as-of", TODAY.isoformat(), "--entity", entity.code)
    assert (real["notices"], real["lines"], real["excluded"]) == (2, 2, {"WAITING": 1})
    assert Notice.objects.count() == 2


def test_dun_names_an_unknown_entity() -> None:
    with pytest.raises(CommandError, match="NOPE"):
        command("dun", "--as-of", TODAY.isoformat(), "--entity", "NOPE")


def test_dun_without_policy_says_so() -> None:
    make_entity()
    with pytest.raises(CommandError, match="Aucun scénario"):
        command("dun", "--as-of", TODAY.isoformat())


def test_render_letters_prints_what_was_approved(entity) -> None:
    command("dun", "--as-of", TODAY.isoformat())
    ids = list(Notice.objects.values_list("pk", flat=True))
    approve_notices(actor=SYSTEM, notice_ids=ids, today=TODAY, now=NOW)
    told = command("render_letters")
    assert (told["letters"], told["held"]) == (2, 0)
    assert told["seconds"] > 0
    assert Letter.objects.count() == 2
    assert command("render_letters")["letters"] == 0


def test_sweeps_carry_a_nightly_run_to_the_mailbox_and_repeat_nothing(entity, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    for _time in range(2):
        tasks.plan_nightly_runs()
    assert Run.objects.count() == 1
    assert JobRun.objects.get(name="dunning.plan_nightly_runs").status == JobRun.Status.DONE
    ids = list(Notice.objects.values_list("pk", flat=True))
    approve_notices(actor=SYSTEM, notice_ids=ids, today=TODAY, now=NOW)
    for _time in range(2):
        tasks.render_letters()
        tasks.send_letters()
    assert Notice.objects.filter(status=Notice.Status.SENT).count() == 2
    assert len(mail.outbox) == 2


def test_a_run_that_cannot_be_planned_says_why_on_its_page(entity) -> None:
    from core.models import LegalParameter

    LegalParameter.objects.all().delete()
    run = request_run(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    tasks.plan_requested_runs()
    run.refresh_from_db()
    assert run.status == Run.Status.FAILED
    assert "paramètres légaux" in run.error
    assert not Notice.objects.exists()
