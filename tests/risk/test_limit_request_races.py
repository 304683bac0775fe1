"""Limit requests raced for: double clicks, two tabs, two approvers."""

from threading import Barrier, Thread

import pytest
from django.db import connection

from core.errors import BusinessError
from core.models import Role
from customers.models import Customer
from risk.models import CreditLimit, LimitApproval, LimitRequest
from tests.customers.factories import CustomerFactory
from tests.risk.limits import approve, ask, policy_in_force, refuse

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


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def together(self, *acts) -> list[str]:
        barrier, outcomes = Barrier(len(acts)), []

        def run(act) -> None:
            try:
                barrier.wait(10)
                act()
                outcomes.append("done")
            except BusinessError as refusal:
                outcomes.append(refusal.code)
            finally:
                connection.close()

        threads = [Thread(target=run, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return sorted(outcomes)

    def test_a_double_click_asks_once(self, customer, people) -> None:
        outcomes = self.together(*[lambda: ask(customer, "40000", people["asker"])] * 2)
        assert outcomes == ["done", "request_open"]
        assert LimitRequest.objects.count() == 1

    def test_two_tabs_of_one_person_approve_once(self, customer, people) -> None:
        policy_in_force()
        made = ask(customer, "300000", people["asker"])
        outcomes = self.together(*[lambda: approve(made, people["manager"])] * 2)
        assert outcomes == ["already_approved", "done"]
        assert LimitApproval.objects.count() == 1
        assert not CreditLimit.objects.exists()

    def test_two_approvers_of_one_step_write_one_limit(self, customer, people) -> None:
        made = ask(customer, "40000", people["asker"])
        outcomes = self.together(
            lambda: approve(made, people["manager"]), lambda: approve(made, people["second"])
        )
        assert outcomes == ["done", "wrong_state"]
        assert CreditLimit.objects.count() == 1

    def test_an_approval_and_a_refusal_exclude_each_other(self, customer, people) -> None:
        made = ask(customer, "40000", people["asker"])
        outcomes = self.together(
            lambda: approve(made, people["manager"]), lambda: refuse(made, people["second"])
        )
        assert outcomes == ["done", "wrong_state"]
        made.refresh_from_db()
        assert CreditLimit.objects.exists() is (made.status == "APPROVED")
