"""Limit requests: asked, approved by as many as the policy wants, refused, raced for; never by who asked."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.transaction import atomic
from django.db.utils import DatabaseError

from core.errors import NotAllowed, WrongState
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import Customer
from risk.models import CreditLimit, LimitApproval, LimitNote, LimitRequest, LimitReview
from risk.operations.limit_requests import Asked, add_note, request_limit, withdraw_request
from risk.operations.limit_writing import LimitRefused
from risk.operations.limits import set_limit
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.risk.factories import NOW, TODAY, limit
from tests.risk.limits import approve, ask, policy_in_force, refuse

pytestmark = pytest.mark.django_db
CM, FD, ACC = Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR, Role.ACCOUNTANT


@pytest.fixture
def customer() -> Customer:
    return CustomerFactory()


@pytest.fixture
def people(make_user):
    return {
        "asker": make_user(ACC),
        "manager": make_user(CM),
        "director": make_user(FD),
        "second": make_user(CM, email="second@example.test"),
    }


def rows() -> list[list[tuple]]:
    models = (CreditLimit, LimitRequest, LimitApproval, LimitNote, LimitReview, AuditEvent)
    return [list(model.objects.order_by("pk").values_list()) for model in models]


class TestAsking:
    def test_freezes_the_proposal_and_names_who_must_approve(self, customer, people) -> None:
        policy_in_force()
        limit(customer, "10000")
        made = ask(customer, "40000", people["asker"])
        assert (made.status, made.required_roles, made.approvals_required) == ("SUBMITTED", [CM], 1)
        assert (made.amount, made.previous_amount, made.currency) == (40_000, 10_000, "EUR")
        assert made.proposal["binding"] == "NEW_CUSTOMER"
        assert made.answer_by == TODAY + timedelta(days=30)
        assert ask(CustomerFactory(), "200000", people["asker"]).required_roles == [FD]
        assert ask(CustomerFactory(), "250000.01", people["asker"]).required_roles == [CM, FD]

    def test_another_currency_takes_the_highest_step(self, customer, people) -> None:
        policy_in_force()
        assert ask(customer, "10", people["asker"], currency="USD").required_roles == [CM, FD]

    def test_an_entity_s_own_policy_comes_before_the_general_one(self, people) -> None:
        entity = LegalEntityFactory()
        policy_in_force(steps=[(None, [FD])])
        policy_in_force(entity, steps=[(None, [CM])])
        assert ask(CustomerFactory(legal_entity=entity), "1", people["asker"]).required_roles == [CM]
        assert ask(CustomerFactory(), "1", people["asker"]).required_roles == [FD]

    def test_one_open_request_of_a_kind(self, customer, people) -> None:
        ask(customer, "40000", people["asker"])
        before = rows()
        with pytest.raises(LimitRefused) as refusal:
            ask(customer, "50000", people["manager"])
        assert refusal.value.code == "request_open"
        assert rows() == before
        ask(customer, "60000", people["asker"], kind="TEMPORARY", expires_on=TODAY + timedelta(days=20))
        assert LimitRequest.objects.open().count() == 2

    @pytest.mark.parametrize(
        ("asked", "field"),
        [
            ({"amount": Decimal("-1")}, "amount"),
            ({"amount": Decimal("NaN")}, "amount"),
            ({"amount": Decimal("1.001")}, "amount"),
            ({"amount": Decimal("1e13")}, "amount"),
            ({"currency": "EU"}, "currency"),
            ({"reason": "  "}, "reason"),
            ({"reason": "x" * 1001}, "reason"),
            ({"expires_on": TODAY - timedelta(days=1)}, "expires_on"),
            ({"expires_on": TODAY + timedelta(days=400)}, "expires_on"),
            ({"kind": "TEMPORARY", "expires_on": TODAY + timedelta(days=91)}, "expires_on"),
            ({"kind": "TEMPORARY", "amount": Decimal("10000")}, "amount"),
            ({"kind": "TEMPORARY", "currency": "USD"}, "currency"),
            ({"expected_purchases": Decimal("-5")}, "expected_purchases"),
            ({"expected_purchases": Decimal("Infinity")}, "expected_purchases"),
            ({"scope": "GROUP"}, "scope"),
        ],
    )
    def test_refusals_change_nothing(self, customer, people, asked, field) -> None:
        limit(customer, "10000")
        before = rows()
        values = {"amount": Decimal("40000"), "reason": "Commande de rentrée"} | asked
        with pytest.raises(LimitRefused) as refusal:
            request_limit(
                actor=people["asker"], customer=customer, asked=Asked(**values), today=TODAY, now=NOW
            )
        assert refusal.value.field == field
        assert rows() == before

    def test_scope_rights_and_closed_accounts(self, customer, people, make_user) -> None:
        stranger = make_user(ACC, email="stranger@example.test", sees=[LegalEntityFactory()])
        with pytest.raises(LimitRefused) as refusal:
            ask(customer, "1", stranger)
        assert refusal.value.code == "customer_unknown"
        with pytest.raises(NotAllowed):
            ask(customer, "1", make_user(Role.ADMINISTRATOR))
        Customer.objects.filter(pk=customer.pk).update(status=Customer.Status.CLOSED)
        with pytest.raises(LimitRefused, match="clôturé"):
            ask(customer, "1", people["asker"])
        assert not LimitRequest.objects.exists()


class TestApproving:
    def test_one_credit_manager_up_to_his_step(self, customer, people) -> None:
        policy_in_force()
        made = ask(customer, "40000", people["asker"])
        done = approve(made, people["manager"], "30000", conditions="Paiement à 30 jours")
        assert (done.status, done.approved_amount) == ("APPROVED", 30_000)
        held = CreditLimit.objects.in_force(TODAY).get()
        assert (held.amount, held.request, held.decided_by) == (30_000, done, people["manager"])
        assert (held.conditions, held.expires_on) == ("Paiement à 30 jours", made.expires_on)
        assert AuditEvent.objects.filter(verb="risk.limit_request.approved").count() == 1

    def test_both_above_the_last_step_in_either_order(self, people) -> None:
        policy_in_force()
        for first, second in (("manager", "director"), ("director", "manager")):
            account = CustomerFactory()
            made = ask(account, "300000", people["asker"])
            half = approve(made, people[first])
            assert (half.status, CreditLimit.objects.filter(customer=account).exists()) == (
                "IN_APPROVAL",
                False,
            )
            done = approve(made, people[second], seen=1)
            assert done.status == "APPROVED"
            assert CreditLimit.objects.in_force(TODAY).get(customer=account).amount == 300_000

    def test_the_second_may_lower_and_never_raise(self, customer, people) -> None:
        policy_in_force()
        made = ask(customer, "400000", people["asker"])
        approve(made, people["manager"], "350000")
        before = rows()
        with pytest.raises(LimitRefused) as refusal:
            approve(made, people["director"], "350000.01", seen=1)
        assert refusal.value.field == "amount"
        assert rows() == before
        done = approve(made, people["director"], "200000", seen=1)
        assert (done.status, done.approved_amount, done.required_roles) == ("APPROVED", 200_000, [FD])

    def test_who_asked_never_approves(self, customer, people) -> None:
        made = ask(customer, "40000", people["manager"])
        before = rows()
        for act in (approve, refuse):
            with pytest.raises(LimitRefused) as refusal:
                act(made, people["manager"])
            assert refusal.value.code == "own_request"
        assert rows() == before
        approve(made, people["second"])
        assert CreditLimit.objects.in_force(TODAY).get().amount == 40_000

    def test_two_approvers_are_two_persons(self, customer, people, make_user) -> None:
        policy_in_force()
        both = make_user(CM, FD)
        made = ask(customer, "300000", people["asker"])
        approve(made, both)
        before = rows()
        with pytest.raises(LimitRefused) as refusal:
            approve(made, both, seen=1)
        assert refusal.value.code == "already_approved"
        assert rows() == before

    def test_a_credit_manager_has_no_say_above_his_step(self, customer, people) -> None:
        policy_in_force()
        made = ask(customer, "60000", people["asker"])
        before = rows()
        with pytest.raises(LimitRefused) as refusal:
            approve(made, people["manager"])
        assert refusal.value.code == "role_not_wanted"
        with pytest.raises(LimitRefused):
            refuse(made, people["manager"])
        assert rows() == before
        # What he grants within his step is his to grant.
        assert approve(made, people["manager"], "50000").status == "APPROVED"

    def test_the_director_stands_in_for_the_manager(self, customer, people) -> None:
        policy_in_force()
        assert approve(ask(customer, "100", people["asker"]), people["director"]).status == "APPROVED"

    @pytest.mark.parametrize("amount", ["-1", "40000.01", "NaN", "1.001"])
    def test_odd_amounts(self, customer, people, amount) -> None:
        made = ask(customer, "40000", people["asker"])
        before = rows()
        with pytest.raises(LimitRefused):
            approve(made, people["manager"], amount)
        assert rows() == before

    def test_an_answer_meanwhile_is_seen_first(self, customer, people) -> None:
        policy_in_force()
        made = ask(customer, "300000", people["asker"])
        approve(made, people["manager"])
        before = rows()
        with pytest.raises(WrongState) as refusal:
            approve(made, people["director"], seen=0)
        assert refusal.value.code == "changed_meanwhile"
        assert rows() == before

    def test_decided_is_decided(self, customer, people) -> None:
        made = ask(customer, "40000", people["asker"])
        approve(made, people["manager"])
        before = rows()
        for act in (approve, refuse):
            with pytest.raises(WrongState):
                act(made, people["second"], seen=1)
        with pytest.raises(WrongState):
            withdraw_request(actor=people["asker"], request_id=made.pk, note="", now=NOW)
        with pytest.raises(WrongState):
            add_note(actor=people["asker"], request_id=made.pk, text="Encore", now=NOW)
        assert rows() == before

    def test_the_house_and_the_accountant_do_not_decide(self, customer, people) -> None:
        made = ask(customer, "40000", people["manager"])
        with pytest.raises(LimitRefused):
            approve(made, SYSTEM)
        with pytest.raises(NotAllowed):
            approve(made, people["asker"])
        assert not LimitApproval.objects.exists()

    def test_a_temporary_limit_overtaken_by_the_permanent_one_is_not_written(self, customer, people) -> None:
        made = ask(customer, "40000", people["asker"], kind="TEMPORARY", expires_on=TODAY + timedelta(days=9))
        limit(customer, "50000")
        before = rows()
        with pytest.raises(LimitRefused, match="dépasser"):
            approve(made, people["manager"])
        assert rows() == before


class TestOtherAnswers:
    def test_a_refusal_keeps_its_reasons(self, customer, people) -> None:
        limit(customer, "10000")
        done = refuse(ask(customer, "40000", people["asker"]), people["manager"], ["NEED", "OVERDUE"])
        assert (done.status, done.refusal_reasons) == ("REFUSED", ["OVERDUE", "NEED"])
        assert CreditLimit.objects.in_force(TODAY).get().amount == 10_000

    @pytest.mark.parametrize("reasons", [[], ["WHATEVER"], ["NEED", "WHATEVER"]])
    def test_a_refusal_needs_known_reasons(self, customer, people, reasons) -> None:
        made = ask(customer, "40000", people["asker"])
        before = rows()
        with pytest.raises(LimitRefused) as refusal:
            refuse(made, people["manager"], reasons)
        assert refusal.value.field == "reasons"
        assert rows() == before

    def test_withdrawn_by_who_asked_alone(self, customer, people) -> None:
        made = ask(customer, "40000", people["asker"])
        with pytest.raises(LimitRefused):
            withdraw_request(actor=people["manager"], request_id=made.pk, note="", now=NOW)
        done = withdraw_request(actor=people["asker"], request_id=made.pk, note="Commande annulée", now=NOW)
        assert (done.status, done.decision_note) == ("WITHDRAWN", "Commande annulée")
        ask(customer, "50000", people["asker"])

    def test_notes_say_something(self, customer, people) -> None:
        made = ask(customer, "40000", people["asker"])
        add_note(actor=people["manager"], request_id=made.pk, text="Bilan demandé", now=NOW)
        with pytest.raises(LimitRefused):
            add_note(actor=people["manager"], request_id=made.pk, text="  ", now=NOW)
        assert [note.text for note in made.notes.all()] == ["Bilan demandé"]

    def test_a_review_that_leads_to_a_request_is_answered(self, customer, people) -> None:
        held = limit(customer, "10000")
        review = LimitReview.objects.create(
            limit=held, customer=customer, reason="PERIODIC", due_on=TODAY, opened_at=NOW
        )
        made = ask(customer, "20000", people["asker"])
        review.refresh_from_db()
        assert (review.status, review.request) == ("REQUESTED", made)


class TestDatabaseRefuses:
    """What no operation may do, the database does not let anybody do."""

    def refused(self, act) -> None:
        before = rows()
        with pytest.raises(DatabaseError), atomic():
            act()
        assert rows() == before

    def test_ones_own_approval(self, customer, people) -> None:
        made = ask(customer, "1", people["manager"])
        self.refused(
            lambda: LimitApproval.objects.create(
                request=made,
                approver=people["manager"],
                role=CM,
                verdict="APPROVED",
                amount=1,
                decided_at=NOW,
            )
        )

    def test_an_approval_without_approvers(self, customer, people) -> None:
        made = ask(customer, "1", people["asker"])
        self.refused(
            lambda: LimitRequest.objects.filter(pk=made.pk).update(
                status="APPROVED", approved_amount=1, decided_at=NOW
            )
        )

    def test_a_limit_above_what_was_approved(self, customer, people) -> None:
        made = approve(ask(customer, "100", people["asker"]), people["manager"], "60")
        self.refused(
            lambda: CreditLimit.objects.create(
                customer=CustomerFactory(), amount=60, currency="EUR", valid_from=TODAY, reason="x",
                decided_at=NOW, request=made,
            )
        )  # fmt: skip

    def test_history_is_kept(self, customer, people) -> None:
        held = limit(customer, "100")
        made = ask(customer, "200", people["asker"])
        self.refused(lambda: CreditLimit.objects.filter(pk=held.pk).update(amount=999))
        self.refused(lambda: CreditLimit.objects.filter(pk=held.pk).delete())
        self.refused(lambda: LimitRequest.objects.filter(pk=made.pk).update(amount=999))
        self.refused(lambda: LimitRequest.objects.filter(pk=made.pk).delete())


class TestWithPolicy:
    def test_a_person_may_only_lower_at_once(self, customer, people) -> None:
        held = limit(customer, "10000")
        policy_in_force()
        before = rows()
        for values in ({"amount": Decimal("20000")}, {"amount": Decimal("9000"), "basis": "INSURED"}):
            with pytest.raises(LimitRefused) as refusal:
                set_limit(
                    actor=people["manager"], customer=customer, reason="x", today=TODAY, now=NOW, **values
                )
            assert refusal.value.code == "request_required"
        assert rows() == before
        later = TODAY + timedelta(days=40)
        lower = set_limit(
            actor=people["manager"],
            customer=customer,
            amount=Decimal("4000"),
            reason="Retards",
            today=later,
            now=NOW,
        )
        assert (lower.amount, lower.expires_on) == (4_000, held.expires_on)

    def test_a_lower_permanent_limit_ends_the_temporary_one(self, customer, people) -> None:
        limit(customer, "50000", today=TODAY - timedelta(days=9))
        made = ask(customer, "80000", people["asker"], kind="TEMPORARY", expires_on=TODAY + timedelta(days=9))
        approve(made, people["manager"])
        assert CreditLimit.objects.in_force(TODAY).get().amount == 80_000
        limit(customer, "40000")
        assert CreditLimit.objects.in_force(TODAY).get().amount == 40_000
        limit(customer, "45000")
        assert CreditLimit.objects.standing(TODAY).count() == 1

    def test_partners_do_not_set_limits(self, customer, make_user) -> None:
        with pytest.raises(NotAllowed):
            limit(customer, "1", actor=make_user(Role.API_PARTNER))
