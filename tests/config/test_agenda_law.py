"""The agenda's entries on the law: limitation, waivers that may be void, rates that are missing or unconfirmed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from config.agenda import agenda
from core.calendar import add_months
from core.models import LegalParameter, Role, User
from customers.models import LegalEntity
from dunning.models import FeeWaiver
from tests.dunning.factories import load_law, make_customer, make_entity, make_item

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def frozen(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def entity(db: None) -> LegalEntity:
    load_law()
    return make_entity()


def entries(user: User) -> dict[str, int]:
    return {entry.key: entry.count for entry in agenda(user, TODAY)}


def test_claims_about_to_be_barred_wait_for_the_credit_manager(entity: LegalEntity, make_user: Any) -> None:
    base = add_months(TODAY, -60)
    for days in (-20, 30, 80, 200):
        day = base + timedelta(days=days)
        make_item(make_customer(entity), "100.00", day, issue_date=day)
    found = {entry.key: entry for entry in agenda(make_user(Role.CREDIT_MANAGER), TODAY)}
    assert (found["limitation"].count, found["limitation"].amounts.replace("\u202f", " ")) == (
        2,
        "200,00\u00a0€",
    )
    assert found["barred"].count == 1
    assert "limitation" not in entries(make_user(Role.FINANCE_DIRECTOR))


def test_waivers_that_a_law_makes_void_are_told(entity: LegalEntity, make_user: Any) -> None:
    manager = make_user(Role.CREDIT_MANAGER)
    item = make_item(make_customer(entity), "100.00", TODAY)
    FeeWaiver.objects.create(
        item=item, part="BOTH", reason="geste", granted_by=manager, granted_on=TODAY, created_at=NOW
    )
    assert "void_waivers" not in entries(manager)
    LegalParameter.objects.filter(key="waiver.allowed").update(value="NO")
    assert entries(manager)["void_waivers"] == 1


def test_rates_in_use_are_asked_of_the_administrator(entity: LegalEntity, make_user: Any) -> None:
    administrator = make_user(Role.ADMINISTRATOR)
    make_customer(entity)
    # The ECB rate of the half-year waits for confirmation; nobody follows the German one.
    assert entries(administrator) == {"unconfirmed_rates": 1}
    make_customer(entity, late_payment_law="DE")
    make_customer(entity, late_payment_law="PL")
    found = {entry.key: entry for entry in agenda(administrator, TODAY)}
    assert found["unconfirmed_rates"].count == 2
    assert found["missing_rates"].count == 1
    assert "Banque nationale de Pologne" in found["missing_rates"].reason
    LegalParameter.objects.filter(key__in=["ecb.main_refinancing_rate", "de.base_rate"]).update(
        confirmed=True
    )
    assert "unconfirmed_rates" not in entries(administrator)


def test_a_series_is_asked_for_ninety_days_before_it_runs_out(entity: LegalEntity, make_user: Any) -> None:
    administrator = make_user(Role.ADMINISTRATOR)
    make_customer(entity)
    late = {entry.key: entry for entry in agenda(administrator, date(2026, 10, 2))}
    assert late["legal_parameters"].count == 2
    make_customer(entity, late_payment_law="DE")
    assert {e.key: e.count for e in agenda(administrator, date(2026, 10, 2))}["legal_parameters"] == 3
