"""Simulations: by hand on small books, and from the request to the file of who would be contacted."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from core.calendar import public_holidays
from core.files import read_file
from core.models import Role
from core.rights import SYSTEM
from customers.models import EntityScope
from dunning.models import DunningSettings, Policy, Simulation
from dunning.operations.policies import activate_policy, draft_next_version
from dunning.operations.policy_levels import save_level
from dunning.operations.simulations import request_simulation
from dunning.policy_content import fingerprint
from dunning.selection import ItemFacts, LevelRule, PolicyRule
from dunning.simulation import (
    Exemption,
    SimulatedAccount,
    SimulatedCustomer,
    SimulatedItem,
    SimulatedPolicy,
    simulate,
)
from dunning.tasks_simulations import run_simulations
from invoices.models import Allocation
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_agency,
    make_customer,
    make_entity,
    make_item,
    make_policy,
)

MONDAY = date(2026, 11, 23)
LEVELS = (
    LevelRule(1, -5, kind="PRE_REMINDER"),
    LevelRule(2, 5),
    LevelRule(3, 15, 8, kind="SECOND_REMINDER"),
    LevelRule(4, 30, 10, kind="FORMAL_NOTICE"),
)
POLICY = SimulatedPolicy(
    "P", PolicyRule(LEVELS, policy_id=1), {1: "EMAIL", 2: "EMAIL", 3: "EMAIL", 4: "LETTER"}
)


def item(due: date, amount: str = "500.00", number: int = 1, **fields: Any) -> SimulatedItem:
    facts = fields.pop("facts", {})
    return SimulatedItem(ItemFacts(number, due, Decimal(amount), **facts), **fields)


def lived(
    *items: SimulatedItem, policy: SimulatedPolicy = POLICY, days: int = 60, **account: Any
) -> list[tuple[str, int]]:
    """The days and levels of one customer, as « 12/04 », rank."""
    person = SimulatedCustomer("K", [SimulatedAccount(1, 1, "EUR", items, candidates=[1], **account)])
    found = simulate(person, {1: policy}, MONDAY, MONDAY + timedelta(days=days), public_holidays)
    return [(f"{contact.leaves_on:%d/%m}", contact.rank) for contact in found]


def test_one_item_climbs_its_ladder() -> None:
    """Due Wednesday 2 December: J-5 is a Friday, J+5 a Monday, J+15 a Thursday, J+30 Friday 1 January, a holiday."""
    assert lived(item(date(2026, 12, 2))) == [("27/11", 1), ("07/12", 2), ("17/12", 3), ("04/01", 4)]


def test_a_reminder_that_would_leave_after_the_due_date_does_not() -> None:
    """Due Sunday 6 December, announced on Saturday 5: it would leave on Monday, after the due date."""
    late = SimulatedPolicy(
        "P", PolicyRule((LevelRule(1, -1, kind="PRE_REMINDER"), *LEVELS[1:]), policy_id=1), POLICY.channels
    )
    assert lived(item(date(2026, 12, 6)), policy=late, days=20)[0] == ("11/12", 2)


def test_payment_hold_promise_and_exception_stop_it() -> None:
    due = date(2026, 11, 10)
    assert lived(item(due, paid_on=date(2026, 11, 28)))[:3] == [("23/11", 2)]
    assert lived(item(due), held_until=date(2026, 12, 3))[0] == ("04/12", 2)
    promised = item(due, promises=[(date(2026, 12, 8), Decimal(500))])
    assert lived(promised)[0] == ("09/12", 2)
    kept_out = [Exemption("HOLD", MONDAY, date(2026, 12, 13))]
    assert lived(item(due), exemptions=kept_out)[0] == ("14/12", 2)
    assert lived(item(due), control_from=MONDAY) == []
    reminders = [Exemption("REMINDERS_ONLY", MONDAY)]
    assert [rank for _day, rank in lived(item(due), exemptions=reminders)] == [2, 3]


def test_conditions_that_change_with_the_days_are_looked_at_again() -> None:
    old = SimulatedPolicy("P", POLICY.rule, POLICY.channels, oldest_days_from=20)
    assert lived(item(date(2026, 11, 23)), policy=old)[0] == ("14/12", 2)
    large = SimulatedPolicy("P", POLICY.rule, POLICY.channels, overdue_from=Decimal(900))
    two = (item(date(2026, 11, 16), number=1), item(date(2026, 12, 1), number=2))
    assert lived(*two, policy=large)[0] == ("02/12", 2)


def test_a_gap_between_contacts_holds_over_entities() -> None:
    gap = SimulatedPolicy("P", PolicyRule(LEVELS, policy_id=1, contact_gap_days=7), POLICY.channels)
    first = SimulatedAccount(1, 1, "EUR", [item(date(2026, 11, 16))], candidates=[1])
    second = SimulatedAccount(2, 2, "EUR", [item(date(2026, 11, 16), number=2)], candidates=[1])
    person = SimulatedCustomer("K", [first, second])
    found = list(simulate(person, {1: gap}, MONDAY, MONDAY + timedelta(days=10), public_holidays))
    assert [(contact.entity_id, contact.leaves_on) for contact in found] == [
        (1, MONDAY),
        (2, MONDAY + timedelta(days=7)),
    ]


# --- on a real book ------------------------------------------------------------------------------------------


@pytest.fixture
def draft(db: None, time_machine: Any) -> Policy:
    time_machine.move_to(NOW, tick=False)
    load_law()
    make_agency()
    entity = make_entity()
    active = make_policy(entity, code="PME", name="Entreprises")
    late, usual = make_customer(entity, name="=Tardive SA"), make_customer(entity, name="Ponctuelle SARL")
    make_item(late, "800.00", TODAY - timedelta(days=6))
    make_item(usual, "300.00", TODAY + timedelta(days=2))
    # The second one pays four days after the due date.
    paid, credit = (
        make_item(usual, "100.00", TODAY - timedelta(days=60)),
        make_item(usual, "-100.00", TODAY - timedelta(days=56)),
    )
    Allocation.objects.create(
        debit=paid, credit=credit, amount=100, allocated_on=TODAY - timedelta(days=56), created_at=NOW
    )
    paid.open_amount = credit.open_amount = 0
    paid.save()
    credit.save()
    DunningSettings.objects.create(legal_entity=entity, channel_costs={"EMAIL": "0.10", "REGISTERED": "7.40"})
    draft = draft_next_version(actor=SYSTEM, policy=active, now=NOW)
    return save_level(
        actor=SYSTEM,
        policy_id=draft.pk,
        rank=2,
        seen=fingerprint(draft),
        values={"channel": "LETTER"},
        now=NOW,
    )


def simulated(policy: Policy, payments: str, days: int = 40) -> Simulation:
    asked = request_simulation(
        actor=SYSTEM, policy=policy, horizon_days=days, payments=payments, today=TODAY, now=NOW
    )
    assert run_simulations() == 1
    return Simulation.objects.get(pk=asked.pk)


@pytest.mark.django_db
def test_what_a_draft_would_do_beside_the_version_in_force(draft: Policy) -> None:
    done = simulated(draft, "NONE")
    assert (done.status, done.fingerprint) == ("DONE", fingerprint(draft))
    own, former = done.outcome["sides"]
    assert (own["count"], own["customers"], former["count"]) == (6, 2, 6)
    assert own["steps"] == [
        [1, "REMINDER", "EMAIL", "EUR", 2, "1100.00"],
        [2, "SECOND_REMINDER", "LETTER", "EUR", 2, "1100.00"],
        [3, "FORMAL_NOTICE", "REGISTERED", "EUR", 2, "1100.00"],
    ]
    assert own["costs"] == [["EMAIL", "EUR", "0.20"], ["REGISTERED", "EUR", "14.80"]]
    assert own["unpriced"] == [["LETTER", 2]]
    assert former["costs"][0] == ["EMAIL", "EUR", "0.40"]
    lines = read_file(done.file).decode("utf-8-sig").splitlines()
    assert len(lines) == 7
    assert "'=Tardive SA;1;Relance;E-mail;800,00;EUR;1" in lines[1]


@pytest.mark.django_db
def test_who_pays_as_usual_is_reminded_less(draft: Policy) -> None:
    done = simulated(draft, "USUAL")
    own = done.outcome["sides"][0]
    # The usual payer pays on the fourth day, before J+5; the other one is later than anybody ever was.
    assert own["customers"] == 1
    assert own["steps"][0] == [1, "REMINDER", "EMAIL", "EUR", 1, "800.00"]


@pytest.mark.django_db
def test_asking_twice_gives_the_one_that_waits_and_failures_are_told(draft: Policy, monkeypatch: Any) -> None:
    ask: dict[str, Any] = {
        "actor": SYSTEM, "policy": draft, "horizon_days": 30, "payments": "NONE", "today": TODAY, "now": NOW,
    }  # fmt: skip
    first = request_simulation(**ask)
    assert request_simulation(**ask) == first
    draft.levels.filter(rank=1).update(channel="PIGEON")
    for _attempt in range(3):
        assert run_simulations() == 0
    first.refresh_from_db()
    assert first.status == "FAILED"
    assert "PIGEON" in first.error


@pytest.mark.django_db
def test_pages_of_a_simulation(draft: Policy, client: Any, make_user: Any) -> None:
    client.force_login(make_user(Role.CREDIT_MANAGER))
    answer = client.post(
        reverse("dunning:simulation-request", args=[draft.pk]), {"horizon_days": "30", "payments": "NONE"}
    )
    waiting = Simulation.objects.get()
    assert answer.url == reverse("dunning:simulation-detail", args=[waiting.pk])
    assert "Simulation en cours" in client.get(answer.url).content.decode()
    activation = reverse("dunning:policy-activate", args=[draft.pk])
    run_simulations()
    page = client.get(answer.url).content.decode()
    assert "Par canal" in page
    assert "Lettre recommandée" in page
    assert "Simulée le" in client.get(activation).content.decode()
    changed = save_level(
        actor=SYSTEM, policy_id=draft.pk, rank=1, seen=fingerprint(draft), values={"delay_days": 6}, now=NOW
    )
    assert "n’a pas été simulé" in client.get(activation).content.decode()
    assert "celle d’avant" in client.get(answer.url).content.decode()
    refused = client.post(reverse("dunning:simulation-request", args=[draft.pk]), {"horizon_days": "9999"})
    assert refused.status_code == 302
    assert Simulation.objects.count() == 1
    activate_policy(actor=SYSTEM, policy_id=draft.pk, seen=fingerprint(changed), note="", now=NOW)
    alone = simulated(Policy.objects.get(pk=draft.pk), "NONE", days=30)
    assert len(alone.outcome["sides"]) == 1
    assert client.get(reverse("dunning:simulation-detail", args=[alone.pk])).status_code == 200


@pytest.mark.django_db
def test_the_file_names_only_the_customers_in_scope(draft: Policy, client: Any, make_user: Any) -> None:
    done = simulated(draft, "NONE")
    manager = make_user(Role.CREDIT_MANAGER)
    client.force_login(manager)
    address = reverse("dunning:simulation-file", args=[done.pk])
    whole = b"".join(client.get(address).streaming_content).decode("utf-8-sig")
    assert whole.count("\r\n") == 7
    EntityScope.objects.filter(user=manager).delete()
    EntityScope.objects.create(user=manager, legal_entity=draft.legal_entity, own_portfolio_only=True)
    own = b"".join(client.get(address).streaming_content).decode("utf-8-sig")
    assert own.count("\r\n") == 1
