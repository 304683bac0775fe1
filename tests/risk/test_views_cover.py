"""Pages of credit insurance: a policy, a cover asked and answered, deadlines, a declaration followed, the scope."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from core import clock
from core.models import Role
from risk.models import Cover, Guarantee, InsurancePolicy, InsurerFile
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.risk.factories import invoice

pytestmark = pytest.mark.django_db
LISTS = ("insured-items", "cover-list", "insurance-policy-list", "insurer-file-list")


@pytest.fixture
def customer():
    return CustomerFactory(legal_entity=LegalEntityFactory(), name="Menuiserie Alba")


@pytest.fixture
def manager(client, make_user):
    client.force_login(make_user(Role.CREDIT_MANAGER, email="cm@example.test"))
    return client


def post(client, name, pk=None, **values):
    return client.post(reverse(f"risk:{name}", args=[pk] if pk else []), values)


def test_from_the_policy_to_the_declaration(manager, customer) -> None:
    today = clock.today()
    terms = {
        "entity": customer.legal_entity_id, "insurer": "Assureur", "number": "P-1", "currency": "EUR",
        "valid_from": "2020-01-01", "quota_share": "90", "max_extension_days": 30, "declaration_days": 60,
        "claim_days": 150, "waiting_days": 150, "stop_delivery_days": 30, "alarm_days": 10,
    }  # fmt: skip
    wrong = post(manager, "insurance-policy-create", **terms | {"claim_days": 10})
    assert wrong.status_code == 400 and "ce délai est trop court" in wrong.content.decode()
    assert not InsurancePolicy.objects.exists()
    assert post(manager, "insurance-policy-create", **terms).status_code == 302
    policy = InsurancePolicy.objects.get()
    start = (today - timedelta(days=200)).isoformat()
    asked = post(manager, "cover-request", customer.pk, policy=policy.pk, amount="80000", requested_on=start)
    assert asked.status_code == 302
    cover = Cover.objects.get()
    answer = {"amount": "80000", "answered_on": start, "valid_from": start}
    assert post(manager, "cover-answer", cover.pk, **answer).status_code == 302
    item = invoice(customer, "1000", today - timedelta(days=55))
    page = manager.get(reverse("risk:insured-items")).content.decode()
    assert item.number in page and "Délai proche" in page
    assert post(manager, "insurer-file-prepare", policy.pk, kind="DECLARATION").status_code == 302
    assert item.number not in manager.get(reverse("risk:insured-items")).content.decode()
    prepared = InsurerFile.objects.get()
    assert (
        post(manager, "insurer-file-move", prepared.pk, status="SENT", on=today.isoformat()).status_code
        == 302
    )
    prepared.refresh_from_db()
    assert prepared.status == "SENT"
    content = manager.get(reverse("risk:insurer-file-content", args=[prepared.pk]))
    assert item.number in b"".join(content.streaming_content).decode("utf-8-sig")
    again = post(manager, "cover-answer", cover.pk, **answer)
    assert again.status_code == 400
    panel = manager.get(reverse("risk:customer-panel", args=[customer.pk])).content.decode()
    assert "La police interdit de livrer" in panel and "Encours non couvert" in panel


def test_a_guarantee_needs_its_amount(manager, customer) -> None:
    values = {"kind": "BANK", "valid_from": date(2026, 1, 1).isoformat()}
    assert post(manager, "guarantee-add", customer.pk, **values).status_code == 400
    assert not Guarantee.objects.exists()
    assert post(manager, "guarantee-add", customer.pk, **values, amount="5000").status_code == 302
    assert Guarantee.objects.get().amount == 5000


def test_empty_pages_say_what_to_do_and_a_clerk_only_reads(client, make_user, customer) -> None:
    client.force_login(make_user(Role.ACCOUNTANT, email="compta@example.test"))
    for name in LISTS:
        page = client.get(reverse(f"risk:{name}"))
        assert page.status_code == 200 and "Aucun" in page.content.decode()
    assert client.get(reverse("risk:cover-request", args=[customer.pk])).status_code == 403
