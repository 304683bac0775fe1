"""The night of limits, limits as of any day, group limits, and that no path grants more than was approved."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BusinessError
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import Customer
from risk.limits import group_members, limit_of
from risk.models import CreditLimit, LimitApproval, LimitRequest, LimitReview
from risk.operations.limit_reviews import keep_limit, sweep_limits
from risk.operations.limit_writing import LimitRefused
from risk.operations.limits import set_limit
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.risk.factories import NOW, TODAY, limit
from tests.risk.limits import approve, ask, policy_in_force

pytestmark = pytest.mark.django_db
CM, FD, ACC = Role.CREDIT_MANAGER, Role.FINANCE_DIRECTOR, Role.ACCOUNTANT


def days(count: int):
    return TODAY + timedelta(days=count)


def night(day=TODAY):
    return sweep_limits(actor=SYSTEM, today=day, now=NOW)


def in_force(customer: Customer, day=TODAY) -> Decimal | None:
    found = limit_of([customer], day).get(customer.pk)
    return None if found is None else found.amount


class TestAsOfAnyDay:
    def test_temporary_stands_in_for_the_permanent_one_until_its_end(self, make_user) -> None:
        customer = CustomerFactory()
        limit(customer, "1000", today=days(-30))
        made = ask(customer, "5000", make_user(ACC), kind="TEMPORARY", expires_on=days(10))
        approve(made, make_user(CM))
        assert [in_force(customer, days(n)) for n in (-31, -30, -1, 0, 10, 11)] == [
            None, 1000, 1000, 5000, 5000, 1000,
        ]  # fmt: skip
        found = limit_of([customer], TODAY)[customer.pk]
        assert (found.kind, found.until, found.permanent_amount) == ("TEMPORARY", days(10), 1000)
        night(days(11))
        assert [in_force(customer, days(n)) for n in (0, 10, 11)] == [5000, 5000, 1000]

    def test_an_expired_limit_is_no_limit_even_before_the_night(self) -> None:
        customer = CustomerFactory()
        limit(customer, "1000", expires_on=days(3))
        assert [in_force(customer, days(n)) for n in (3, 4)] == [1000, None]
        assert CreditLimit.objects.in_force(days(4)).count() == 0
        assert night(days(4)).limits_ended == 1
        assert CreditLimit.objects.get().valid_to == days(3)
        assert AuditEvent.objects.filter(verb="risk.limit.expired").count() == 1

    def test_an_insured_limit_without_cover_is_worth_nothing(self) -> None:
        customer = CustomerFactory()
        limit(customer, "1000", basis="INSURED")
        found = limit_of([customer], TODAY)[customer.pk]
        assert (found.amount, found.granted_amount, found.is_cut_by_cover) == (0, 1000, True)


class TestGroup:
    def test_one_limit_for_parents_children_and_twins_in_other_entities(self, make_user) -> None:
        head = CustomerFactory(siren="732829320")
        child = CustomerFactory(parent=head)
        twin = CustomerFactory(siren="732829320", legal_entity=LegalEntityFactory())
        cousin = CustomerFactory(parent=twin)
        stranger = CustomerFactory()
        assert set(group_members([head.pk])[head.pk]) == {head.pk, child.pk, twin.pk, cousin.pk}
        approve(ask(head, "9000", make_user(ACC), scope="GROUP"), make_user(CM))
        limit(child, "2000")
        found = limit_of([head, child, twin, cousin, stranger], TODAY)
        assert set(found) == {head.pk, child.pk, twin.pk, cousin.pk}
        assert {row.group.amount for row in found.values()} == {9000}
        assert (found[child.pk].amount, found[twin.pk].amount) == (2000, None)
        assert found[cousin.pk].group.head_id == head.pk
        with pytest.raises(LimitRefused) as refusal:
            ask(twin, "1", make_user(FD), scope="GROUP")
        assert refusal.value.code == "group_has_limit"

    def test_a_chain_that_closes_on_itself_ends(self) -> None:
        one = CustomerFactory()
        two = CustomerFactory(parent=one)
        Customer.objects.filter(pk=one.pk).update(parent=two)
        assert set(group_members([one.pk])[one.pk]) == {one.pk, two.pk}


class TestNight:
    def test_opens_reviews_by_class_amount_and_expiry_once(self) -> None:
        policy_in_force()
        small, large, soon = CustomerFactory(), CustomerFactory(), CustomerFactory()
        limit(small, "1000", today=days(-200))
        limit(large, "150000", today=days(-200))
        limit(soon, "1000", expires_on=days(20))
        assert night().reviews_opened == 2
        assert night().reviews_opened == 0
        found = {review.customer_id: review for review in LimitReview.objects.all()}
        assert (found[large.pk].reason, found[soon.pk].reason) == ("PERIODIC", "EXPIRY")
        assert found[soon.pk].due_on == days(20)

    def test_a_limit_kept_until_its_end_is_not_asked_about_again(self, make_user) -> None:
        limit(CustomerFactory(), "1000", today=days(-345))
        assert night().reviews_opened == 1
        review = LimitReview.objects.get()
        assert review.reason == "EXPIRY"
        keep_limit(actor=make_user(CM), review_id=review.pk, note="Paie bien", now=NOW)
        assert night().reviews_opened == 0
        assert night(days(5)).reviews_opened == 0

    def test_reviews_of_ended_limits_close_and_requests_expire(self, make_user) -> None:
        customer = CustomerFactory()
        held = limit(customer, "1000", today=days(-10), expires_on=days(40))
        LimitReview.objects.create(
            limit=held, customer=customer, reason="PERIODIC", due_on=TODAY, opened_at=NOW
        )
        limit(customer, "2000")
        made = ask(customer, "9000", make_user(ACC))
        swept = night(made.answer_by)
        assert (swept.reviews_closed, swept.requests_expired) == (1, 0)
        assert night(made.answer_by + timedelta(days=1)).requests_expired == 1
        made.refresh_from_db()
        assert made.status == "EXPIRED"
        assert AuditEvent.objects.filter(verb="risk.limit_request.expired").count() == 1


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask_temporary", "approve", "set", "night"]),
        st.sampled_from(["asker", "manager", "second", "director"]),
        st.integers(0, 400).map(lambda thousands: Decimal(thousands * 1000)),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_no_path_gives_more_than_the_approvals_allow(make_user, django_user_model, steps) -> None:
    """Whatever people try, a limit in force stands on as many signatures as its amount wants, never its asker's."""
    from django.db import transaction

    with transaction.atomic():
        _walk(make_user, steps)
        transaction.set_rollback(True)


def _walk(make_user, steps) -> None:
    policy_in_force()
    people = {
        "asker": make_user(ACC),
        "manager": make_user(CM),
        "second": make_user(CM, email="second@example.test"),
        "director": make_user(FD),
    }
    customer = CustomerFactory()
    for what, who, amount in steps:
        actor = people[who]
        try:
            if what == "ask":
                ask(customer, str(amount), actor)
            elif what == "ask_temporary":
                ask(customer, str(amount), actor, kind="TEMPORARY", expires_on=days(30))
            elif what == "set":
                set_limit(actor=actor, customer=customer, amount=amount, reason="x", today=TODAY, now=NOW)
            elif what == "night":
                night()
            else:
                for request in LimitRequest.objects.open():
                    seen = request.approvals.count()
                    approve(
                        request, actor, str(min(amount, request.approved_amount or request.amount)), seen=seen
                    )
        except BusinessError:
            continue
        _stands_on_signatures(customer)


def _stands_on_signatures(customer: Customer) -> None:
    amount = in_force(customer)
    if not amount:
        return
    signed = LimitApproval.objects.filter(
        verdict="APPROVED", request__customer=customer, request__status="APPROVED", amount__gte=amount
    )
    by_request: dict[int, set[int]] = {}
    roles: dict[int, set[str]] = {}
    for row in signed.select_related("request"):
        assert row.approver_id != row.request.requested_by_id
        by_request.setdefault(row.request_id, set()).add(row.approver_id)
        roles.setdefault(row.request_id, set()).add(row.role)
    persons = max((len(found) for found in by_request.values()), default=0)
    assert persons >= (2 if amount > 250_000 else 1)
    if amount > 50_000:
        assert any(FD in found for found in roles.values())
