"""Scoring many customers at once: what is written, and what is left alone."""

import json
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.audit_words import told
from core.errors import NotAllowed
from core.models import AuditEvent, JobRun, Role
from core.rights import SYSTEM
from customers.models import Customer
from risk.default_cards import DEFAULT_CARD
from risk.models import Score
from risk.operations import score_staging
from risk.operations.scoring import ScoringRefused, score_customers
from risk.score_facts import facts_of
from risk.score_words import stored
from risk.scoring import score_facts
from risk.tasks import score_customers as nightly
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.risk.factories import NOW, TODAY, invoice, paid_late, pay

pytestmark = pytest.mark.django_db
TOMORROW, AFTER = TODAY + timedelta(days=1), NOW + timedelta(days=1)


def run(as_of=TODAY, now=NOW, **values):
    return score_customers(**{"actor": SYSTEM, "as_of": as_of, "now": now} | values)


def good_payer() -> Customer:
    customer = CustomerFactory()
    for days in (300, 200, 100, 50, 20):
        paid_late(customer, "1000", 0, TODAY - timedelta(days=days))
    return customer


def rows() -> list[tuple]:
    return list(Score.objects.order_by("pk").values_list())


def test_every_customer_gets_the_score_of_the_rule(monkeypatch) -> None:
    monkeypatch.setattr(score_staging, "CHUNK_SIZE", 2)
    customers = [good_payer(), CustomerFactory(), CustomerFactory()]
    invoice(customers[1], "500", TODAY - timedelta(days=100))

    outcome = run()

    assert (outcome.customers, outcome.class_changes) == (3, 0)
    assert sum(outcome.classes.values()) == 3
    for customer in customers:
        (found,) = facts_of([customer.pk], TODAY)
        expected = score_facts(DEFAULT_CARD, found.facts, TODAY)
        written = Score.objects.get(customer=customer)
        assert (written.points, written.risk_class, written.reasons) == (
            expected.points,
            expected.risk_class,
            stored(expected),
        )
        assert (written.is_current, written.as_of, written.card_version) == (
            True,
            TODAY,
            DEFAULT_CARD.version,
        )
        assert (written.class_since, written.previous_class, written.scored_at) == (TODAY, "", NOW)
    event = AuditEvent.objects.get()
    assert (event.verb, event.data["customers"], event.data["as_of"]) == (
        "risk.portfolio.scored",
        3,
        "2026-11-23",
    )


def test_twice_the_same_day_writes_the_same() -> None:
    good_payer()
    run()
    before = rows()
    run()
    assert rows() == before
    assert not AuditEvent.objects.filter(verb="risk.score.class_changed").exists()


def test_an_unchanged_score_moves_on_with_the_days() -> None:
    CustomerFactory()
    run()
    run(TOMORROW, AFTER)
    written = Score.objects.get()
    assert (written.as_of, written.class_since, written.scored_at) == (TOMORROW, TODAY, AFTER)


def test_a_changed_class_keeps_the_score_before_and_says_so() -> None:
    customer = good_payer()
    run()
    for days in (90, 60):
        invoice(customer, "9000", TODAY - timedelta(days=days))

    outcome = run(TOMORROW, AFTER)

    old, new = Score.objects.order_by("pk")
    assert (old.is_current, old.as_of, old.risk_class) == (False, TODAY, "A")
    assert (new.is_current, new.as_of, new.previous_class, new.class_since) == (True, TOMORROW, "A", TOMORROW)
    assert new.risk_class > "A"
    assert outcome.class_changes == 1
    event = AuditEvent.objects.get(verb="risk.score.class_changed")
    assert event.refs == [f"customer:{customer.pk}"]
    assert (event.data["from"], event.data["to"], event.data["to_points"]) == (
        "A",
        new.risk_class,
        new.points,
    )
    (shown,) = told([event])
    assert (shown.title, shown.text) == ("Classe de risque changée", f"A → {new.risk_class}")


def test_points_that_change_within_a_class_keep_its_first_day() -> None:
    customer = good_payer()
    invoice(customer, "100", TODAY - timedelta(days=1))
    invoice(customer, "9900", TODAY + timedelta(days=30))
    run()
    run(TODAY + timedelta(days=12), NOW + timedelta(days=12))
    new = Score.objects.get(is_current=True)
    assert Score.objects.count() == 2
    assert (new.class_since, new.previous_class) == (TODAY, "")


def test_a_second_look_on_the_same_day_corrects_the_score() -> None:
    customer = good_payer()
    run()
    late = [invoice(customer, "9000", TODAY - timedelta(days=days)) for days in (90, 60)]
    assert run().class_changes == 1
    for item in late:
        pay(item, TODAY)
    run()
    written = Score.objects.get()
    assert (written.as_of, written.is_current) == (TODAY, True)
    assert AuditEvent.objects.filter(verb="risk.score.class_changed").count() == 2


def test_a_past_day_is_history_only() -> None:
    customer = good_payer()
    run()
    current = Score.objects.get(is_current=True)
    run(TODAY - timedelta(days=150))
    run(TODAY - timedelta(days=150))
    assert Score.objects.get(is_current=True).as_of == current.as_of
    past = Score.objects.get(is_current=False)
    assert (past.customer, past.as_of, past.previous_class) == (customer, TODAY - timedelta(days=150), "")
    assert not AuditEvent.objects.filter(verb="risk.score.class_changed").exists()


def test_some_customers_only_and_only_in_scope(make_user) -> None:
    entity = LegalEntityFactory()
    mine, other, elsewhere = (
        CustomerFactory(legal_entity=entity),
        CustomerFactory(legal_entity=entity),
        CustomerFactory(),
    )
    manager = make_user(Role.CREDIT_MANAGER, sees=[entity])
    assert run(actor=manager, customer_ids=[mine.pk, elsewhere.pk]).customers == 1
    assert set(Score.objects.values_list("customer", flat=True)) == {mine.pk}
    assert run(actor=manager).customers == 2
    assert not Score.objects.filter(customer=elsewhere).exists()
    assert Score.objects.filter(customer=other).exists()


def test_insolvent_customer_is_class_e() -> None:
    customer = good_payer()
    Customer.objects.filter(pk=customer.pk).update(status="INSOLVENT", insolvency_date=TODAY)
    run()
    written = Score.objects.get()
    assert (written.points, written.risk_class) == (0, "E")


def test_accountant_may_not_score(make_user) -> None:
    CustomerFactory()
    with pytest.raises(NotAllowed):
        run(actor=make_user(Role.ACCOUNTANT))
    assert rows() == []


@pytest.mark.parametrize("days", [1, -20000])
def test_impossible_days_are_refused(days: int) -> None:
    CustomerFactory()
    with pytest.raises(ScoringRefused):
        run(TODAY + timedelta(days=days))
    assert rows() == []
    assert not AuditEvent.objects.exists()


def test_scoring_queries_do_not_grow_with_customers(django_assert_num_queries) -> None:
    for _n in range(20):
        CustomerFactory()
    with django_assert_num_queries(20):
        run()
    Score.objects.all().delete()
    for _n in range(20):
        CustomerFactory()
    with django_assert_num_queries(20):
        run()


def test_the_night_scores_once() -> None:
    CustomerFactory()
    nightly()
    nightly()
    job = JobRun.objects.get()
    assert (job.status, job.counts["customers"], job.counts["C"]) == ("DONE", 1, 1)
    assert AuditEvent.objects.filter(verb="risk.portfolio.scored").count() == 1


def test_command_prints_json_on_its_last_line(capsys) -> None:
    CustomerFactory()
    call_command("score_customers", "--as-of", "2026-01-31")
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["as_of"], found["customers"], found["classes"]) == ("2026-01-31", 1, {"C": 1})


@pytest.mark.parametrize("day", ["2999-01-01", "0001-01-01", "31/12/2026"])
def test_command_refuses_impossible_days(day: str) -> None:
    with pytest.raises(CommandError):
        call_command("score_customers", "--as-of", day)
    assert rows() == []


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_leave_one_score_in_force() -> None:
    customer = CustomerFactory()
    run(TODAY - timedelta(days=1))
    paid_late(customer, "1000", 0, TODAY)
    barrier, errors = Barrier(2), []

    def attempt() -> None:
        try:
            barrier.wait(5)
            run()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=attempt) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert errors == []
    assert Score.objects.filter(is_current=True).count() == 1
    assert Score.objects.get(is_current=True).as_of == TODAY
