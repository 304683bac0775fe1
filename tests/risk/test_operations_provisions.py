"""Allowances: what the ledger shows, what is set aside, what moved, what goes to the accounts, and who may."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection, transaction
from django.db.utils import InternalError

from core.errors import BusinessError, NotAllowed
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.operations.adjustments import write_off
from risk.models import IndividualAssessment, ProvisionLine, ProvisionMethod, ProvisionRun
from risk.operations.provisions import (
    ProvisionRefused,
    assess_debt,
    close_provision,
    compute_provision,
    discard_provision,
    end_assessment,
    request_provision,
    set_provision_method,
)
from risk.provision_computation import back_test
from risk.provision_sql import roll_steps
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import CreditNoteFactory
from tests.risk.factories import NOW, TODAY, invoice, pay

pytestmark = pytest.mark.django_db

RATES = {"0": "0.006", "1": "0.024", "2": "0.06", "3": "0.12", "4": "0.2"}


@pytest.fixture
def entity() -> LegalEntity:
    return LegalEntityFactory()


@pytest.fixture
def customer(entity):
    return CustomerFactory(legal_entity=entity)


@pytest.fixture
def accountant(make_user):
    return make_user(Role.ACCOUNTANT, email="compta@example.test")


@pytest.fixture
def director(make_user):
    return make_user(Role.FINANCE_DIRECTOR, email="daf@example.test")


def enter_rates(entity, **values) -> ProvisionMethod:
    """With so high a minimum nothing is observed: the rates are those of the indicators' example."""
    return set_provision_method(
        actor=SYSTEM,
        entity=entity,
        values={"entered_rates": RATES, "minimum_count": 10_000} | values,
        now=NOW,
    )


def draft(entity, as_of=TODAY, actor=SYSTEM, **values) -> ProvisionRun:
    run = request_provision(actor=actor, entity=entity, as_of=as_of, today=TODAY, now=NOW, **values)
    return compute_provision(actor=SYSTEM, run=run, now=NOW)


def rows() -> list[list[tuple]]:
    return [
        list(model.objects.order_by("pk").values_list())
        for model in (ProvisionRun, ProvisionLine, IndividualAssessment, ProvisionMethod)
    ]


def toy_balance(customer) -> None:
    """The balance âgée of the indicators' example: 120 000, of which 40 000 late."""
    for amount, days_late in (("80000", -5), ("20000", 10), ("11000", 45), ("5000", 75), ("4000", 120)):
        invoice(customer, amount, TODAY - timedelta(days=days_late), vat_amount=D(amount) / 6)


def test_the_allowance_of_the_indicators(entity, customer) -> None:
    toy_balance(customer)
    enter_rates(entity)
    run = draft(entity)
    assert run.status == ProvisionRun.Status.DRAFT, run.error
    (total,) = run.totals
    assert (total["owed"], total["allowance"], total["debts"]) == ("120000.00", "3020.00", 5)
    assert total["movements"]["new"] == "3020.00"
    assert sorted(run.lines.values_list("bucket", "allowance_amount")) == [
        (0, D(480)), (1, D(480)), (2, D(660)), (3, D(600)), (4, D(800)),
    ]  # fmt: skip


def test_an_outlook_raises_it_and_must_be_justified(entity, customer) -> None:
    toy_balance(customer)
    enter_rates(entity)
    before = rows()
    with pytest.raises(ProvisionRefused) as told:
        draft(entity, outlook_factor=D("1.2"))
    assert told.value.field == "outlook_reason" and rows() == before
    run = draft(entity, outlook_factor=D("1.2"), outlook_reason="Défaillances en hausse, Banque de France")
    assert run.totals[0]["allowance"] == "3624.00"


def test_the_roll_rates_of_the_indicators_are_read_in_the_ledger(entity, customer) -> None:
    """One euro for a thousand: sold 1 000, 250 unpaid at the due date, 100 after 30 days … 6 never paid."""
    due = TODAY - timedelta(days=400)
    for count, days_late in ((75, 0), (15, 10), (5, 45), (2, 75)):
        pay(invoice(customer, str(count * 10), due), due + timedelta(days=days_late))
    pay(invoice(customer, "24", due), due + timedelta(days=120))
    write_off(
        actor=SYSTEM, item_id=invoice(customer, "6", due).pk, amount=D(6), reason="LOSS", note="Liquidation",
        today=TODAY, now=NOW,
    )  # fmt: skip
    found = roll_steps(entity_id=entity.pk, as_of=TODAY, method=ProvisionMethod(legal_entity=entity))
    assert [row["is_all"] for row in found] == [True, False]
    for row in found:
        told = [(row[f"entered_{step}"], row[f"rolled_{step}"]) for step in range(5)]
        assert told == [(1000, 250), (250, 100), (100, 50), (50, 30), (30, 6)]
    invoice(customer, "1000", TODAY + timedelta(days=10))
    set_provision_method(actor=SYSTEM, entity=entity, values={"minimum_count": 1}, now=NOW)
    run = draft(entity)
    assert [row["rate"] for row in run.matrix] == ["0.006000", "0.024000", "0.060000", "0.120000", "0.200000"]
    assert run.totals[0]["allowance"] == "6.00"


def test_what_the_ledger_does_not_show_is_asked_for_by_name(entity, customer) -> None:
    toy_balance(customer)
    run = draft(entity)
    assert run.status == ProvisionRun.Status.FAILED
    assert "plus de 90 jours" in run.error and not run.lines.exists()


def test_credits_are_taken_off_the_oldest_debts(entity, customer) -> None:
    old, young = invoice(customer, "100", TODAY - timedelta(days=40)), invoice(customer, "100", TODAY)
    CreditNoteFactory(customer=customer, total_amount=D(-130), issue_date=TODAY - timedelta(days=5))
    enter_rates(entity)
    run = draft(entity)
    assert dict(run.lines.values_list("item", "owed_amount")) == {young.pk: D(70)}
    assert not run.lines.filter(item=old).exists()


def test_debts_assessed_one_by_one_stand_apart_and_that_of_an_item_goes_first(
    entity, customer, accountant
) -> None:
    one, other = (
        invoice(customer, "1200", TODAY - timedelta(days=40), vat_amount=D(200)),
        invoice(customer, "600", TODAY),
    )
    enter_rates(entity)
    common = {
        "actor": accountant,
        "customer": customer,
        "today": TODAY,
        "now": NOW,
        "evidence": "Jugement du 3",
    }
    assess_debt(cause="DIFFICULTY", rate=D("0.5"), **common)
    assess_debt(cause="DISPUTE", rate=D("0.9"), item=one, **common)
    run = draft(entity)
    assert set(run.lines.values_list("item", "rate", "allowance_amount", "cause")) == {
        (one.pk, D("0.9"), D(1080), "DISPUTE"),
        (other.pk, D("0.5"), D(300), "DIFFICULTY"),
    }
    assert run.totals[0]["individual"] == "1380.00"


def test_an_insolvent_customer_takes_the_rate_set_for_it(entity, customer) -> None:
    invoice(customer, "1000", TODAY)
    customer.status, customer.insolvency_date = "INSOLVENT", TODAY - timedelta(days=3)
    customer.save()
    enter_rates(entity, insolvency_rate=D("0.85"))
    (line,) = draft(entity).lines.all()
    assert (line.cause, line.allowance_amount) == ("INSOLVENCY", D(850))


def test_a_new_assessment_ends_the_one_before_and_the_matrix_comes_back(entity, customer, accountant) -> None:
    invoice(customer, "1000", TODAY)
    enter_rates(entity)
    common = {
        "actor": accountant,
        "customer": customer,
        "cause": "DIFFICULTY",
        "evidence": "Impayés",
        "now": NOW,
    }
    first = assess_debt(rate=D("0.3"), today=TODAY - timedelta(days=9), **common)
    second = assess_debt(rate=D("0.6"), today=TODAY - timedelta(days=2), **common)
    first.refresh_from_db()
    assert first.ended_on == TODAY - timedelta(days=2)
    assert [line.rate for line in draft(entity, as_of=TODAY - timedelta(days=5)).lines.all()] == [D("0.3")]
    end_assessment(actor=accountant, assessment=second, reason="Payé depuis", today=TODAY, now=NOW)
    assert [line.cause for line in draft(entity).lines.all()] == [""]
    before = rows()
    with pytest.raises(ProvisionRefused, match="déjà pris fin"):
        end_assessment(actor=accountant, assessment=second, reason="Encore", today=TODAY, now=NOW)
    assert rows() == before


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"rate": D("1.01")}, "rate"),
        ({"rate": D("NaN")}, "rate"),
        ({"cause": "MOOD"}, "cause"),
        ({"evidence": "  "}, "evidence"),
        ({"valid_from": TODAY + timedelta(days=1)}, "valid_from"),
    ],
)
def test_refused_assessments_change_nothing(customer, accountant, values, field) -> None:
    before = rows()
    with pytest.raises(ProvisionRefused) as told:
        assess_debt(
            **{
                "actor": accountant, "customer": customer, "cause": "COURT", "rate": D("0.5"), "today": TODAY,
                "evidence": "Assignation", "now": NOW,
            } | values
        )  # fmt: skip
    assert told.value.field == field and rows() == before


def close(run, director) -> ProvisionRun:
    return close_provision(actor=director, run=run, now=NOW)


def test_from_closing_to_closing_every_euro_has_its_cause(entity, customer, accountant, director) -> None:
    enter_rates(entity)
    earlier = TODAY - timedelta(days=35)
    paid, aged, lost, part = (
        invoice(customer, "1000", earlier - timedelta(days=5), number=number) for number in "ABCD"
    )
    closed = close(draft(entity, as_of=earlier, actor=accountant), director)
    assert closed.totals[0]["allowance"] == "96.00"
    pay(paid, TODAY)
    pay(part, TODAY, "600")
    write_off(
        actor=SYSTEM, item_id=lost.pk, amount=D(1000), reason="LOSS", note="Radié", today=TODAY, now=NOW
    )
    invoice(customer, "500", TODAY + timedelta(days=3), number="E")
    run = draft(entity, outlook_factor=D(2), outlook_reason="Essai")
    assert run.previous == closed
    (total,) = run.totals
    # 35 days later A is paid, B is 40 days late, C is lost, D has 400 left; E is new; every rate doubles.
    assert total["opening"] == "96.00"
    assert {part: D(amount) for part, amount in total["movements"].items()} == {
        "new": D(6), "settled": D("-38.40"), "used": D(-24), "aged": D("50.40"), "rates": D(84), "individual": D(0),
    }  # fmt: skip
    assert D(total["opening"]) + sum(map(D, total["movements"].values())) == D(total["allowance"])
    assert aged.pk in run.lines.values_list("item", flat=True)


def test_the_entries_are_individual_without_vat_and_balance(entity, customer, accountant, director) -> None:
    """The French example: 12 000 with VAT become doubtful, loss estimated at 60 % of 10 000; then paid."""
    enter_rates(entity)
    item = invoice(customer, "12000", TODAY - timedelta(days=60), vat_amount=D(2000))
    invoice(CustomerFactory(legal_entity=entity), "5000", TODAY)
    assess_debt(
        actor=accountant, customer=customer, cause="DIFFICULTY", rate=D("0.6"), evidence="Deux rejets",
        today=TODAY - timedelta(days=30), now=NOW,
    )  # fmt: skip
    first = close(draft(entity, as_of=TODAY - timedelta(days=20), actor=accountant), director)
    assert entry_amounts(first) == [
        ("416000", "12000,00", "0,00"), ("411000", "0,00", "12000,00"),
        ("681740", "6000,00", "0,00"), ("491000", "0,00", "6000,00"),
    ]  # fmt: skip
    pay(item, TODAY)
    second = close(draft(entity, actor=accountant), director)
    assert entry_amounts(second) == [
        ("416000", "0,00", "12000,00"), ("411000", "12000,00", "0,00"),
        ("781740", "0,00", "6000,00"), ("491000", "6000,00", "0,00"),
    ]  # fmt: skip


def entry_amounts(run: ProvisionRun) -> list[tuple[str, str, str]]:
    from core.files import open_file

    with open_file(run.entries) as stream:
        lines = stream.read().decode().splitlines()[1:]
    return [(cells[4], cells[11], cells[12]) for cells in (line.split(";") for line in lines)]


def test_who_prepared_it_does_not_close_it_and_a_closed_one_never_changes(
    entity, customer, make_user, director
) -> None:
    toy_balance(customer)
    enter_rates(entity)
    run = draft(entity, actor=director)
    before = rows()
    with pytest.raises(ProvisionRefused) as told:
        close(run, director)
    assert told.value.code == "four_eyes" and rows() == before
    other = make_user(Role.FINANCE_DIRECTOR, email="autre@example.test")
    closed = close(run, other)
    assert closed.status == "CLOSED" and closed.entries is not None
    assert AuditEvent.objects.filter(verb="risk.provision.closed", data__as_of=TODAY.isoformat()).exists()
    before = rows()
    for refused in (
        lambda: close(run, other),
        lambda: discard_provision(actor=other, run=run, now=NOW),
        lambda: draft(entity, as_of=TODAY),
    ):
        with pytest.raises(BusinessError):
            refused()
    for statement in (
        "DELETE FROM risk_provisionline", "UPDATE risk_provisionline SET rate = 0",
        "UPDATE risk_provisionrun SET status = 'DRAFT'",
    ):  # fmt: skip
        with pytest.raises(InternalError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert rows() == before


def test_a_draft_given_up_leaves_no_lines(entity, customer, accountant) -> None:
    toy_balance(customer)
    enter_rates(entity)
    run = discard_provision(actor=accountant, run=draft(entity, actor=accountant), now=NOW)
    assert run.status == "DISCARDED" and not ProvisionLine.objects.exists()


def test_a_draft_overtaken_by_another_closing_is_not_closed(entity, customer, accountant, director) -> None:
    toy_balance(customer)
    enter_rates(entity)
    stale = draft(entity, actor=accountant)
    close(draft(entity, as_of=TODAY - timedelta(days=1), actor=accountant), director)
    before = rows()
    with pytest.raises(ProvisionRefused) as told:
        close(stale, director)
    assert told.value.code == "closed_meanwhile" and rows() == before


def test_only_what_was_known_that_day_counts(entity, customer) -> None:
    """What is posted afterwards changes nothing of a past day but its own dates."""
    enter_rates(entity)
    item = invoice(customer, "1000", TODAY - timedelta(days=40))
    past = draft(entity, as_of=TODAY - timedelta(days=20))
    pay(item, TODAY)
    again = draft(entity, as_of=TODAY - timedelta(days=20), outlook_factor=D("1.0"))
    assert (
        [line.owed_amount for line in past.lines.all()]
        == [line.owed_amount for line in again.lines.all()]
        == [D(1000)]
    )
    assert not draft(entity).lines.exists()


def test_the_past_allowance_is_held_against_what_was_lost(entity, customer) -> None:
    enter_rates(entity, loss_after_days=91)
    then = TODAY - timedelta(days=100)
    paid, lost, waiting = (invoice(customer, amount, due) for amount, due in (
        ("1000", then - timedelta(days=5)), ("500", then - timedelta(days=10)), ("200", then + timedelta(days=30)),
    ))  # fmt: skip
    run = draft(entity, as_of=then)
    pay(paid, TODAY)
    found = {row["bucket"]: row for row in back_test(run, TODAY)}
    assert found[1]["base_amount"] == 1500 and found[1]["expected_amount"] == D(36)
    assert (found[1]["lost_amount"], found[1]["settled_amount"], found[1]["waiting_amount"]) == (500, 1000, 0)
    assert found[0]["waiting_amount"] == waiting.open_amount and found[0]["lost_amount"] == 0
    assert lost.open_amount == 500


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.API_PARTNER])
def test_other_roles_may_not(entity, make_user, role: Role) -> None:
    with pytest.raises(NotAllowed):
        request_provision(actor=make_user(role), entity=entity, as_of=TODAY, today=TODAY, now=NOW)
    assert not ProvisionRun.objects.exists()


def test_an_accountant_does_not_close(entity, customer, accountant, make_user) -> None:
    toy_balance(customer)
    enter_rates(entity)
    run = draft(entity, actor=make_user(Role.CREDIT_MANAGER))
    before = rows()
    with pytest.raises(NotAllowed):
        close_provision(actor=accountant, run=run, now=NOW)
    assert rows() == before
