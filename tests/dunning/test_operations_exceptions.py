"""Exceptions, the settings of an entity, and decisions on many notices at once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import NotAllowed
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from dunning.models import DunningException, DunningSettings, Notice, Run
from dunning.operations.bulk_decisions import ListChanged, approve_matching, reject_matching
from dunning.operations.dunning_settings import DunningSettingsRefused, change_dunning_settings
from dunning.operations.exceptions import ExceptionRefused, add_exception, end_exception
from dunning.operations.notices import (
    NothingToDecide,
    ReasonMissing,
    RunGuarded,
    approve_notices,
    mark_sent,
)
from dunning.operations.runs import dun
from dunning.outdated import possibly_outdated
from dunning.tasks import hold_outdated_notices
from invoices.models import Dispute, Promise
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    settle,
)
from tests.dunning.steps import propose

pytestmark = pytest.mark.django_db


def decide(customer, **fields) -> DunningException:
    values = {
        "effect": "HOLD", "reason": "Accord du directeur", "until": TODAY + timedelta(days=20),
        "actor": SYSTEM, "today": TODAY, "now": NOW,
    }  # fmt: skip
    return add_exception(customer=customer, **values | fields)


def test_an_exception_is_decided_ended_and_told(books) -> None:
    _entity, policy, customer, item = books
    exception = decide(customer)
    assert (exception.from_date, exception.policy_code) == (TODAY, "")
    with pytest.raises(ExceptionRefused, match="déjà décidé"):
        decide(customer)
    decide(customer, item=item)
    decide(customer, effect="POLICY", policy_code=policy.code, until=None)
    end_exception(actor=SYSTEM, exception_id=exception.pk, today=TODAY, now=NOW)
    exception.refresh_from_db()
    assert exception.ended_on == TODAY
    with pytest.raises(ExceptionRefused):
        end_exception(actor=SYSTEM, exception_id=exception.pk, today=TODAY, now=NOW)
    events = AuditEvent.objects.filter(refs__contains=[f"customer:{customer.pk}"])
    assert events.filter(verb="dunning.exception.added").count() == 3
    assert events.filter(verb="dunning.exception.ended").count() == 1


def test_one_that_is_over_makes_room_for_the_next(books) -> None:
    customer = books[2]
    decide(customer, until=TODAY)
    later = TODAY + timedelta(days=1)
    decide(customer, today=later, until=later)
    assert DunningException.objects.filter(customer=customer).count() == 2
    assert DunningException.objects.get(until=TODAY).ended_on == later


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"until": None}, "until"),
        ({"until": TODAY - timedelta(days=1)}, "until"),
        ({"until": TODAY + timedelta(days=400)}, "until"),
        ({"effect": "NOPE"}, "effect"),
        ({"effect": "POLICY", "policy_code": "INCONNU"}, "policy_code"),
        ({"effect": "POLICY"}, "policy_code"),
    ],
)
def test_what_is_unfit_is_refused_at_its_field(books, fields: dict, field: str) -> None:
    with pytest.raises(ExceptionRefused) as refused:
        decide(books[2], **fields)
    assert refused.value.field == field
    assert not DunningException.objects.exists()


def test_an_exception_needs_the_right_and_the_scope(books, make_user) -> None:
    customer = books[2]
    stranger = make_user(Role.CREDIT_MANAGER, sees=[make_entity()])
    with pytest.raises(ExceptionRefused):
        decide(customer, actor=stranger)
    with pytest.raises(NotAllowed):
        decide(customer, actor=make_user(Role.ACCOUNTANT))
    with pytest.raises(ExceptionRefused):
        decide(customer, item=make_item(make_customer(books[0]), "5.00", TODAY))
    assert not DunningException.objects.exists()


def test_settings_are_kept_with_what_changed(books) -> None:
    entity = books[0]
    change_dunning_settings(
        actor=SYSTEM, entity=entity, now=NOW,
        values={"reply_address": "relances+{dossier}@exemple.fr", "bank_freshness_days": 2,
                "channel_costs": {"LETTER": Decimal("1.9"), "REGISTERED": "7.40"}},
    )  # fmt: skip
    kept = DunningSettings.objects.get(legal_entity=entity)
    assert kept.channel_costs == {"LETTER": "1.90", "REGISTERED": "7.40"}
    told = AuditEvent.objects.get(verb="dunning.settings.changed").data["changes"]
    assert set(told) == {"reply_address", "bank_freshness_days", "channel_costs"}
    for values, field in (
        ({"reply_address": "pas une adresse"}, "reply_address"),
        ({"channel_costs": {"PIGEON": "1"}}, "channel_costs"),
        ({"channel_costs": {"SMS": "-1"}}, "channel_costs"),
    ):
        with pytest.raises(DunningSettingsRefused) as refused:
            change_dunning_settings(actor=SYSTEM, entity=entity, values=values, now=NOW)
        assert refused.value.field == field
    kept.refresh_from_db()
    assert kept.reply_address == "relances+{dossier}@exemple.fr"


@pytest.fixture
def proposed():
    """Twelve customers with a reminder each to approve."""
    load_law()
    entity = make_entity()
    make_policy(entity)
    items = [make_item(make_customer(entity), f"{100 + n}.00", TODAY - timedelta(days=9)) for n in range(12)]
    run = Run.objects.get(pk=dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW).run_id)
    assert run.notices.filter(status="PROPOSED").count() == 12
    return entity, run, items


def test_all_that_match_are_approved_as_they_were_counted(proposed) -> None:
    _entity, run, _items = proposed
    large = Notice.objects.filter(open_amount__gte=105)
    with pytest.raises(ListChanged, match="7 relances"):
        approve_matching(actor=SYSTEM, notices=large, expected=6, now=NOW)
    assert run.notices.filter(status="PROPOSED").count() == 12
    with CaptureQueriesContext(connection) as queries:
        assert approve_matching(actor=SYSTEM, notices=large, expected=7, now=NOW) == 7
    assert len(queries) <= 6
    assert run.notices.filter(status="APPROVED", decided_at=NOW).count() == 7
    assert AuditEvent.objects.filter(verb="dunning.notice.approved").count() == 7
    with pytest.raises(NothingToDecide):
        approve_matching(actor=SYSTEM, notices=large, expected=7, now=NOW)


def test_all_that_match_are_set_aside_with_their_reason(proposed) -> None:
    _entity, run, _items = proposed
    with pytest.raises(ReasonMissing):
        reject_matching(actor=SYSTEM, notices=Notice.objects.all(), expected=12, reason=" ", now=NOW)
    reject_matching(
        actor=SYSTEM, notices=Notice.objects.all(), expected=12, reason="Erreur d’import", now=NOW
    )
    assert run.notices.filter(status="REJECTED", reason="Erreur d’import").count() == 12
    assert not run.notices.filter(lines__in_force=True).exists()
    event = AuditEvent.objects.filter(verb="dunning.notice.rejected").first()
    assert event.data == {"together": True, "reason": "Erreur d’import"}


def test_a_guarded_run_is_released_or_cancelled_as_a_whole(proposed) -> None:
    _entity, run, _items = proposed
    guarded = Run.objects.create(
        legal_entity=run.legal_entity, as_of=TODAY, sequence=9, status=Run.Status.GUARDED, created_at=NOW
    )
    first = run.notices.order_by("pk").first()
    item = make_item(make_customer(run.legal_entity), "70.00", TODAY - timedelta(days=9))
    kept = Notice.objects.create(
        run=guarded, legal_entity=run.legal_entity, customer=item.customer, level=first.level, currency="EUR",
        as_of=TODAY, open_amount=70, line_count=1, oldest_due_date=item.due_date,
    )  # fmt: skip
    with pytest.raises(RunGuarded):
        approve_notices(actor=SYSTEM, notice_ids=[kept.pk], today=TODAY, now=NOW)
    assert approve_matching(actor=SYSTEM, notices=Notice.objects.all(), expected=12, now=NOW) == 12
    kept.refresh_from_db()
    assert kept.status == "PROPOSED"


def test_the_sweep_takes_away_what_is_wrong_by_now_and_nothing_else(proposed) -> None:
    _entity, run, items = proposed
    payment = make_item(items[0].customer, "-100.00", TODAY)
    settle(items[0], payment, "100.00", TODAY)
    make_item(items[1].customer, "-1.00", TODAY)
    Dispute.objects.create(item=items[2], amount="1.00", reason="PU_ERR", opened_on=TODAY)
    Promise.objects.create(
        item=items[3], amount="5.00", promised_date=TODAY + timedelta(days=365), made_on=TODAY
    )
    items[4].customer.status = "ON_HOLD"
    items[4].customer.save()
    decide(items[5].customer, until=TODAY + timedelta(days=300))
    decide(items[6].customer, effect="REMINDERS_ONLY", until=None)
    wrong = {items[n].customer_id for n in range(6)}
    named = set(Notice.objects.filter(pk__in=possibly_outdated(TODAY)).values_list("customer", flat=True))
    # A wide net: reminders only is no obstacle to a reminder.
    assert named == wrong | {items[6].customer_id}
    assert hold_outdated_notices() == 6
    held = run.notices.filter(status="HELD")
    assert set(held.values_list("customer", flat=True)) == wrong
    assert not held.filter(lines__in_force=True).exists()
    assert run.notices.filter(status="PROPOSED").count() == 6
    assert hold_outdated_notices() == 0


def test_a_failed_notice_known_to_have_arrived_is_sent(books) -> None:
    notice = propose(books[0])
    for status in ("APPROVED", "FAILED"):
        notice.status = status
        notice.save(update_fields=["status"])
    common = {"actor": SYSTEM, "notice": notice, "today": TODAY, "now": NOW}
    for values, field in (
        ({"sent_on": TODAY + timedelta(days=1), "reason": "x"}, "sent_on"),
        ({"sent_on": TODAY - timedelta(days=1), "reason": "x"}, "sent_on"),
        ({"sent_on": TODAY, "reason": ""}, "reason"),
    ):
        with pytest.raises(Exception) as refused:
            mark_sent(**common, **values)
        assert refused.value.field == field
    mark_sent(**common, sent_on=TODAY, reason="Le client en a accusé réception par téléphone")
    notice.refresh_from_db()
    assert (notice.status, notice.sent_on) == ("SENT", TODAY)
    assert notice.lines.get(rank=1).in_force
