"""The insolvency day and what follows it, notice by notice."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import InternalError, transaction

from core.errors import NotAllowed
from core.files import read_file
from core.models import AuditEvent, LegalParameter, Role
from core.rights import SYSTEM
from customers.models import Customer
from customers.operations import declare_insolvent
from risk.models import ClaimStatement, EventOutcome, InsolvencyProceeding, LegalEvent, ProceedingTask
from risk.operations import proceedings
from risk.operations.insolvency import change_proceeding, finish_task
from risk.operations.outcomes import decide_outcome
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.dunning.factories import load_law
from tests.risk.announcements import LIQUIDATION, as_file, earlier, record, take
from tests.risk.factories import NOW, TODAY, invoice, pay

pytestmark = pytest.mark.django_db
JUDGED = date(2026, 11, 12)


@pytest.fixture(autouse=True)
def law() -> None:
    load_law()


def proceeding_of(customer: Customer) -> InsolvencyProceeding:
    return InsolvencyProceeding.objects.get(customer=customer)


class TestOpening:
    def test_every_account_of_the_siren_is_stopped_in_all_entities(self) -> None:
        first = CustomerFactory()
        twin = CustomerFactory(siren=first.siren, legal_entity=LegalEntityFactory(), status="ON_HOLD")
        homonym = CustomerFactory(name="MENUISERIES DU PERCHE")
        taken = take(record(first.siren))
        assert (taken.is_new, taken.file.new_count, taken.file.problem_count) == (True, 1, 0)
        for customer in (first, twin):
            customer.refresh_from_db()
            assert (customer.status, customer.insolvency_date) == ("INSOLVENT", JUDGED)
        homonym.refresh_from_db()
        assert homonym.status == "ACTIVE"
        assert InsolvencyProceeding.objects.count() == 2
        assert set(EventOutcome.objects.values_list("status", flat=True)) == {"APPLIED"}

    def test_limits_run_from_the_publication(self) -> None:
        customer = CustomerFactory()
        take(record(customer.siren, published="2026-11-20"))
        found = proceeding_of(customer)
        # R622-24, L624-9, L622-26
        assert (found.declare_by, found.reclaim_by, found.relief_by) == (
            date(2027, 1, 20),
            date(2027, 2, 20),
            date(2027, 5, 20),
        )
        tasks = dict(found.tasks.values_list("kind", "due_date"))
        assert tasks["DECLARE_CLAIM"] == date(2027, 1, 20)
        assert tasks["RECLAIM_GOODS"] == date(2027, 2, 20)
        assert {"CONFIRM_REPRESENTATIVE", "CALL_REPRESENTATIVE"} <= tasks.keys()

    def test_the_statement_is_frozen_at_the_eve(self) -> None:
        customer = CustomerFactory()
        late = invoice(customer, "1200.00", date(2026, 9, 30))
        pay(late, date(2026, 10, 15), "200.00")
        to_come = invoice(customer, "300.00", date(2026, 12, 1))
        after = invoice(customer, "50.00", date(2026, 12, 20), issue_date=JUDGED)
        pay(to_come, date(2026, 11, 16), "100.00")
        take(record(customer.siren))
        statement = ClaimStatement.objects.get()
        lines = {line["number"]: line for line in statement.content["lines"]}
        assert statement.as_of == date(2026, 11, 11)
        assert (lines[late.number]["birth"], lines[late.number]["open_amount"]) == ("PRIOR", "1000.00")
        # What came in after the judgment does not count at the eve.
        assert (lines[to_come.number]["open_amount"], lines[to_come.number]["is_fallen_due"]) == (
            "300.00",
            False,
        )
        assert lines[after.number]["birth"] == "LATER"
        # 42 days of the legal rate, stopped on the eve (L622-28): more than nothing, and no more tomorrow.
        assert Decimal(lines[late.number]["interest"]) > 0 and lines[late.number]["indemnity"] == "40.00"
        assert lines[to_come.number]["interest"] == "0.00"
        totals = statement.content["totals"]["PRIOR"]["EUR"]
        assert (totals["principal"], totals["to_fall_due"]) == ("1300.00", "300.00")
        content = read_file(statement.file)
        assert b"Ant\xc3\xa9rieure au jugement" in content and statement.file.sha256

    def test_the_addressee_is_proposed_and_not_confirmed(self) -> None:
        customer = CustomerFactory()
        take(record(customer.siren))
        found = proceeding_of(customer)
        assert found.representative_name == "SELARL Vasseur et Lemoine"
        assert found.representative_address == "18 rue du Palais\n28000 Chartres"
        assert found.representative_confirmed_at is None

    def test_the_same_file_and_the_same_notice_change_nothing(self) -> None:
        customer = CustomerFactory()
        one = record(customer.siren)
        take(one)
        events = AuditEvent.objects.count()
        assert not take(one).is_new
        assert AuditEvent.objects.count() == events
        again = take(content=as_file(one) + b" ")
        assert (again.is_new, again.file.new_count, again.file.known_count) == (True, 0, 1)
        assert InsolvencyProceeding.objects.count() == 1 and LegalEvent.objects.count() == 1


CONVERSION = "Jugement de conversion en liquidation judiciaire"
PLAN = "Jugement arrêtant le plan de redressement"
LOSS = "Jugement de clôture pour insuffisance d'actif"
PAID = "Jugement de clôture pour extinction du passif"
ELSEWHERE = "Jugement prononçant la liquidation judiciaire, désignant liquidateur Me Paul Martin 4 rue Basse 61000 Alençon."


@pytest.fixture
def customer() -> Customer:
    return CustomerFactory()


def outcomes(customer: Customer) -> list[tuple[str, str]]:
    rows = EventOutcome.objects.filter(customer=customer).order_by("pk")
    return [(row.event.kind, row.status) for row in rows.select_related("event")]


class TestLaterJudgments:
    def test_a_conversion_changes_procedure_addressee_and_tasks(self, customer: Customer) -> None:
        take(record(customer.siren))
        InsolvencyProceeding.objects.update(representative_confirmed_at=None)
        take(
            record(
                customer.siren,
                CONVERSION,
                judged="2026-11-18",
                published="2026-11-22",
                number=2,
                complement=ELSEWHERE,
            )
        )
        found = proceeding_of(customer)
        assert (found.procedure, found.conversion_date) == ("LIQUIDATION", date(2026, 11, 18))
        assert found.representative_name == "Me Paul Martin"
        tasks = dict(found.tasks.values_list("kind", "due_date"))
        # L641-13 III: six months from the publication
        assert tasks["DECLARE_LATER_CLAIMS"] == date(2027, 5, 22) and "WRITE_TO_LIQUIDATOR" in tasks
        # The judgment that counts for what was owed before stays the first.
        assert (found.judgment_date, found.declare_by) == (JUDGED, date(2027, 1, 20))

    def test_plan_then_its_failure(self, customer: Customer) -> None:
        take(record(customer.siren))
        take(record(customer.siren, PLAN, judged="2026-11-19", number=2))
        assert proceeding_of(customer).status == "PLAN"
        failed = "Jugement prononçant la résolution du plan de sauvegarde et la liquidation judiciaire"
        take(record(customer.siren, failed, judged="2026-11-20", published="2026-11-22", number=3))
        found = proceeding_of(customer)
        assert (found.status, found.procedure, found.declare_by) == ("OPEN", "LIQUIDATION", date(2027, 1, 22))
        assert outcomes(customer)[-1] == ("PLAN_FAILURE", "TO_REVIEW")
        customer.refresh_from_db()
        assert customer.status == "INSOLVENT"

    def test_an_end_without_assets_leaves_the_loss_to_book(self, customer: Customer) -> None:
        take(record(customer.siren, LIQUIDATION))
        take(record(customer.siren, LOSS, judged="2026-11-20", number=2))
        found = proceeding_of(customer)
        assert (found.status, found.closure) == ("CLOSED", "INSUFFICIENT_ASSETS")
        assert list(found.tasks.filter(status="OPEN").values_list("kind", flat=True)) == ["WRITE_OFF"]
        customer.refresh_from_db()
        assert customer.status == "INSOLVENT"

    def test_after_the_debts_were_paid_a_person_says_what_the_account_becomes(
        self, customer: Customer
    ) -> None:
        take(record(customer.siren))
        take(record(customer.siren, PAID, judged="2026-11-20", number=2))
        outcome = EventOutcome.objects.get(event__kind="CLOSURE")
        assert outcome.reasons == ["account_after_closure"]
        decide_outcome(
            actor=SYSTEM, outcome=outcome, choice="reactivate", note="Passif payé", today=TODAY, now=NOW
        )
        customer.refresh_from_db()
        assert (customer.status, customer.insolvency_date) == ("ACTIVE", JUDGED)

    def test_a_deposit_of_claims_is_to_be_looked_at_within_a_month(self, customer: Customer) -> None:
        take(record(customer.siren))
        take(
            record(
                customer.siren, "Dépôt de l'état des créances", judged=None, published="2026-11-22", number=2
            )
        )
        # R624-8
        assert proceeding_of(customer).tasks.get(kind="CHECK_STATE_OF_CLAIMS").due_date == date(2026, 12, 22)


class TestContradictions:
    def test_a_closure_before_its_opening_waits_and_the_opening_still_stops(self, customer: Customer) -> None:
        take(record(customer.siren, LOSS, judged="2026-11-20", number=2))
        assert outcomes(customer) == [("CLOSURE", "TO_REVIEW")]
        take(record(customer.siren))
        opening = EventOutcome.objects.get(event__kind="OPENING")
        assert (opening.status, opening.reasons) == ("TO_REVIEW", ["closure_known"])
        customer.refresh_from_db()
        assert customer.status == "INSOLVENT"

    def test_two_openings_wait_for_a_person_who_chooses(self, customer: Customer) -> None:
        take(record(customer.siren))
        take(record(customer.siren, LIQUIDATION, judged="2026-11-18", number=2))
        second = EventOutcome.objects.get(reasons__contains=["second_opening"])
        assert InsolvencyProceeding.objects.count() == 1
        decide_outcome(
            actor=SYSTEM, outcome=second, choice="replace", note="Greffe appelé", today=TODAY, now=NOW
        )
        live = InsolvencyProceeding.objects.live().get()
        assert (live.procedure, live.judgment_date) == ("LIQUIDATION", date(2026, 11, 18))
        customer.refresh_from_db()
        assert customer.insolvency_date == date(2026, 11, 18)

    def test_the_same_opening_under_another_number_is_noted(self, customer: Customer) -> None:
        take(record(customer.siren))
        take(record(customer.siren, number=2))
        assert outcomes(customer) == [("OPENING", "APPLIED"), ("OPENING", "NOTED")]

    def test_a_conversion_without_opening_stops_and_asks(self, customer: Customer) -> None:
        take(record(customer.siren, CONVERSION))
        assert outcomes(customer) == [("CONVERSION", "TO_REVIEW")]
        customer.refresh_from_db()
        assert customer.status == "INSOLVENT"

    def test_a_judgment_without_date_takes_that_of_the_publication(self, customer: Customer) -> None:
        take(record(customer.siren, judged="un jour"))
        found = proceeding_of(customer)
        assert found.judgment_date == date(2026, 11, 20)
        assert {"judgment_date_assumed", "judgment_date_unreadable"} <= set(
            EventOutcome.objects.get().reasons
        )
        change_proceeding(
            actor=SYSTEM, proceeding=found, judgment_date=JUDGED, is_creditor_abroad=True, note="Jugement lu",
            today=TODAY, now=NOW,
        )  # fmt: skip
        found.refresh_from_db()
        customer.refresh_from_db()
        # R622-24: two more months from abroad
        assert (found.declare_by, customer.insolvency_date) == (date(2027, 3, 20), JUDGED)
        assert list(found.statements.order_by("version").values_list("as_of", flat=True)) == [
            date(2026, 11, 19), date(2026, 11, 11),
        ]  # fmt: skip

    def test_an_account_declared_by_hand_on_another_day(self, customer: Customer) -> None:
        declare_insolvent(
            actor=SYSTEM, now=NOW, today=TODAY, customer=customer, judgment_date=date(2026, 11, 1)
        )
        take(record(customer.siren))
        outcome = EventOutcome.objects.get()
        assert outcome.reasons == ["judgment_date_differs"]
        decide_outcome(actor=SYSTEM, outcome=outcome, choice="take_date", note="Bodacc", today=TODAY, now=NOW)
        customer.refresh_from_db()
        assert customer.insolvency_date == JUDGED

    def test_homonyms_and_wrong_sirens_reach_nobody(self, customer: Customer) -> None:
        Customer.objects.filter(pk=customer.pk).update(name="MENUISERIES DU PERCHE")
        wrong = customer.siren[:8] + str((int(customer.siren[8]) + 1) % 10)
        take(record(wrong), record("", number=2), record("552032534", number=3))
        customer.refresh_from_db()
        assert customer.status == "ACTIVE"
        assert list(LegalEvent.objects.values_list("matching", flat=True)) == ["UNMATCHED", "UNMATCHED"]


class TestCorrections:
    def test_a_corrected_date_freezes_another_statement(self, customer: Customer) -> None:
        take(record(customer.siren))
        take(
            record(
                customer.siren,
                judged="2026-11-10",
                number=2,
                typeavis="rectificatif",
                parutionavisprecedent=earlier(),
            )
        )
        found = proceeding_of(customer)
        assert (found.judgment_date, found.declare_by, found.statements.count()) == (
            date(2026, 11, 10), date(2027, 1, 20), 2,
        )  # fmt: skip
        assert EventOutcome.objects.get(event__notice_type="CORRECTION").reasons == [
            "corrects",
            "judgment_date_corrected",
        ]

    def test_a_correction_that_names_another_company(self, customer: Customer) -> None:
        other = CustomerFactory()
        take(record(customer.siren))
        take(record(other.siren, number=2, typeavis="rectificatif", parutionavisprecedent=earlier()))
        first = EventOutcome.objects.get(customer=customer)
        assert (first.status, first.reasons) == ("TO_REVIEW", ["corrected_to_another"])
        other.refresh_from_db()
        assert other.status == "INSOLVENT"
        decide_outcome(
            actor=SYSTEM, outcome=first, choice="cancel", note="Autre société", today=TODAY, now=NOW
        )
        customer.refresh_from_db()
        assert customer.status == "ACTIVE"

    def test_a_cancellation_that_comes_first_leaves_nothing_to_undo(self, customer: Customer) -> None:
        cancelled = record(customer.siren, number=2, typeavis="annulation", parutionavisprecedent=earlier())
        take(cancelled)
        take(record(customer.siren))
        customer.refresh_from_db()
        assert customer.status == "ACTIVE" and not InsolvencyProceeding.objects.exists()
        assert EventOutcome.objects.get(event__notice_type="INITIAL").reasons == ["annulled_before"]

    def test_a_cancelled_opening_gives_back_the_hold_that_it_found(self) -> None:
        held = CustomerFactory(status="ON_HOLD", hold_reason="Accord commercial")
        take(record(held.siren))
        take(
            record(
                held.siren,
                number=2,
                typeavis_lib="Avis d'annulation",
                typeavis="",
                parutionavisprecedent=earlier(),
            )
        )
        outcome = EventOutcome.objects.get(event__notice_type="CANCELLATION")
        decide_outcome(actor=SYSTEM, outcome=outcome, choice="cancel", note="Annulé", today=TODAY, now=NOW)
        held.refresh_from_db()
        assert (held.status, held.hold_reason, held.insolvency_date) == ("ON_HOLD", "Accord commercial", None)
        found = proceeding_of(held)
        assert found.status == "CANCELLED" and not found.tasks.filter(status="OPEN").exists()


class TestWhatHolds:
    def test_killed_in_the_middle_nothing_is_there_and_the_file_does_it_again(
        self, customer, monkeypatch
    ) -> None:
        twin = CustomerFactory(siren=customer.siren)
        real, calls = proceedings.freeze_statement, []

        def dies(*args: object, **values: object) -> object:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return real(*args, **values)

        monkeypatch.setattr(proceedings, "freeze_statement", dies)
        with pytest.raises(KeyboardInterrupt):
            take(record(customer.siren))
        assert not LegalEvent.objects.exists() and not InsolvencyProceeding.objects.exists()
        assert not Customer.objects.filter(status="INSOLVENT").exists()
        monkeypatch.setattr(proceedings, "freeze_statement", real)
        assert take(record(customer.siren)).is_new
        assert Customer.objects.filter(pk__in=[customer.pk, twin.pk], status="INSOLVENT").count() == 2

    def test_a_missing_legal_value_stops_all_the_same(self, customer: Customer) -> None:
        LegalParameter.objects.filter(key__startswith="fr.insolvency").delete()
        take(record(customer.siren))
        customer.refresh_from_db()
        found = proceeding_of(customer)
        assert (customer.status, found.declare_by) == ("INSOLVENT", None)
        assert EventOutcome.objects.get().reasons == ["limits_missing"]

    def test_a_late_declaration_asks_for_relief(self, customer: Customer) -> None:
        take(record(customer.siren))
        task = ProceedingTask.objects.get(kind="DECLARE_CLAIM")
        later = date(2027, 2, 3)
        finish_task(actor=SYSTEM, task=task, done_on=later, note="", today=later, now=NOW)
        assert ProceedingTask.objects.get(kind="ASK_RELIEF").due_date == date(2027, 5, 20)

    def test_others_than_credit_managers_are_refused_and_nothing_is_written(self, make_user) -> None:
        customer = CustomerFactory()
        with pytest.raises(NotAllowed):
            take(record(customer.siren), actor=make_user(Role.ACCOUNTANT))
        assert not LegalEvent.objects.exists()

    def test_statements_are_never_changed(self, customer: Customer) -> None:
        take(record(customer.siren))
        with pytest.raises(InternalError), transaction.atomic():
            ClaimStatement.objects.update(version=9)

    def test_an_unknown_nature_is_read_as_a_person_says(self, customer: Customer) -> None:
        take(record(customer.siren, "Autre jugement prononçant", complement=ELSEWHERE))
        outcome = EventOutcome.objects.get()
        assert (outcome.status, Customer.objects.get(pk=customer.pk).status) == ("TO_REVIEW", "ACTIVE")
        decide_outcome(
            actor=SYSTEM, outcome=outcome, choice="classify", kind="OPENING", procedure="", note="Lu au greffe",
            today=TODAY, now=NOW,
        )  # fmt: skip
        assert proceeding_of(customer).procedure == "LIQUIDATION"
