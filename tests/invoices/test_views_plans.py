"""The pages of payment plans: made, approved by somebody else, signed, followed, cancelled."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from core.models import Grant, Role, User
from customers.models import EntityScope
from invoices.models import PaymentPlan
from tests.invoices.plans import NOW, SIGNED, active, drafted, late_items

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def person(email: str, role: str = Role.CREDIT_MANAGER) -> tuple[User, Client]:
    user = User.objects.create_user(email, None, full_name=email.split("@")[0].title())
    Grant.objects.create(user=user, role=role)
    EntityScope.objects.create(user=user, legal_entity=None)
    client = Client()
    client.force_login(user)
    return user, client


def address(name: str, plan: PaymentPlan) -> str:
    return reverse(f"invoices:{name}", args=[plan.uid])


def test_a_plan_is_looked_at_before_it_is_made() -> None:
    _user, client = person("chantal@example.test")
    items = late_items("100.00", "50.01")
    url = reverse("invoices:plan-create", args=[items[0].customer_id])
    given = {
        "items": [item.pk for item in items],
        "count": "3",
        "first_date": "2026-03-31",
        "grace_days": "5",
    }
    looked = client.post(url, given | {"preview": "1"})
    assert looked.status_code == 200
    text = looked.content.decode()
    assert "50,01" in text.replace("\u00a0", " ") and "31" in text
    assert not PaymentPlan.objects.exists()
    rows = {
        "rows-TOTAL_FORMS": "2",
        "rows-INITIAL_FORMS": "0",
        "rows-MIN_NUM_FORMS": "0",
        "rows-MAX_NUM_FORMS": "60",
    }
    rows |= {"rows-0-due_date": "2026-03-31", "rows-0-amount": "100,00"}
    rows |= {"rows-1-due_date": "2026-04-30", "rows-1-amount": "50,01"}
    made = client.post(url, given | rows)
    plan = PaymentPlan.objects.get()
    assert made.status_code == 302 and made["Location"] == address("plan-detail", plan)
    assert plan.total_amount == Decimal("150.01") and plan.status == "DRAFT"
    assert list(plan.instalments.order_by("rank").values_list("due_date", "amount")) == [
        (date(2026, 3, 31), Decimal("100.00")),
        (date(2026, 4, 30), Decimal("50.01")),
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows-1-amount": "50,00"}, "il reste un écart de"),
        ({"rows-1-due_date": "2026-03-01"}, "Cette date est passée"),
        ({"rows-1-due_date": "2026-03-30"}, "Cette date doit suivre"),
        ({"rows-1-amount": "-1"}, "Ce montant doit être positif"),
        ({"rows-1-amount": "abc"}, "rows-1-amount"),
        ({"items": []}, "Choisissez au moins une pièce"),
        ({"items": ["999999999"]}, "Choisissez des pièces de ce client"),
        ({"rows-TOTAL_FORMS": "x"}, "ManagementForm"),
    ],
)
def test_what_does_not_hold_together_is_said_and_nothing_is_made(
    changes: dict[str, object], said: str
) -> None:
    _user, client = person("chantal@example.test")
    items = late_items("100.00", "50.01")
    given = {
        "items": [item.pk for item in items], "count": "2", "first_date": "2026-03-31", "grace_days": "5",
        "rows-TOTAL_FORMS": "2", "rows-INITIAL_FORMS": "0", "rows-0-due_date": "2026-03-31", "rows-0-amount": "100,00",
        "rows-1-due_date": "2026-04-30", "rows-1-amount": "50,01",
    }  # fmt: skip
    answer = client.post(reverse("invoices:plan-create", args=[items[0].customer_id]), given | changes)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not PaymentPlan.objects.exists()


def test_another_person_approves_then_the_customer_signs() -> None:
    author, client = person("chantal@example.test")
    _other, approver = person("denis@example.test", Role.FINANCE_DIRECTOR)
    plan = drafted(late_items("25000.00"), actor=author)
    client.post(address("plan-submit", plan))
    plan.refresh_from_db()
    assert plan.status == "TO_APPROVE"
    refused = client.post(address("plan-approve", plan), follow=True)
    assert "une autre personne doit l’approuver" in refused.content.decode()
    plan.refresh_from_db()
    assert plan.status == "TO_APPROVE"
    approver.post(address("plan-approve", plan))
    plan.refresh_from_db()
    assert plan.status == "OFFERED" and plan.agreement is not None
    pdf = client.get(address("plan-agreement", plan))
    assert b"".join(pdf.streaming_content).startswith(b"%PDF")  # type: ignore[attr-defined]
    wrong = client.post(address("plan-start", plan), {"file": SimpleUploadedFile("a.pdf", b"bonjour")})
    assert wrong.status_code == 422 and "au format PDF" in wrong.content.decode()
    started = client.post(address("plan-start", plan), {"file": SimpleUploadedFile("a.pdf", SIGNED)})
    assert started.status_code == 302
    plan.refresh_from_db()
    assert plan.status == "ACTIVE"
    assert b"".join(client.get(address("plan-signed", plan)).streaming_content) == SIGNED  # type: ignore[attr-defined]


def test_a_plan_is_sent_back_or_cancelled_with_a_reason_only() -> None:
    author, client = person("chantal@example.test")
    _other, approver = person("denis@example.test", Role.FINANCE_DIRECTOR)
    plan = drafted(late_items("25000.00"), actor=author)
    client.post(address("plan-submit", plan))
    assert approver.post(address("plan-return", plan), {"reason": " "}).status_code == 422
    plan.refresh_from_db()
    assert plan.status == "TO_APPROVE"
    approver.post(address("plan-return", plan), {"reason": "Trop long"})
    plan.refresh_from_db()
    assert plan.status == "DRAFT"
    client.post(address("plan-cancel", plan), {"reason": "Payé comptant"})
    plan.refresh_from_db()
    assert (plan.status, plan.end_reason) == ("CANCELLED", "Payé comptant")


def test_lists_show_what_is_in_scope_in_a_constant_number_of_queries(django_assert_max_num_queries) -> None:
    _user, client = person("chantal@example.test")
    for index in range(3):
        active(late_items(f"{100 + index}.00"))
    with django_assert_max_num_queries(14):
        text = client.get(reverse("invoices:plan-list")).content.decode()
    assert text.count('<th scope="row"') == 3
    with django_assert_max_num_queries(14):
        client.get(reverse("invoices:plan-list") + "?etat=ACTIVE")
    EntityScope.objects.all().update(own_portfolio_only=True)
    assert "Aucun échéancier" in client.get(reverse("invoices:plan-list")).content.decode()
    assert client.get(address("plan-detail", PaymentPlan.objects.first())).status_code == 404  # type: ignore[arg-type]
