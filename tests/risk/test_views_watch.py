"""The pages of the watch, as a credit manager goes through them."""

import json
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core.models import Role
from customers.models import Customer
from risk.models import EventOutcome, InsolvencyProceeding, LegalEvent, ProceedingTask
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.dunning.factories import load_law
from tests.risk.announcements import as_file, earlier, record, take
from tests.risk.factories import invoice, pay
from tests.risk.pages import body

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_day")]


@pytest.fixture(autouse=True)
def law() -> None:
    load_law()


@pytest.fixture
def customer(entity) -> Customer:
    found = CustomerFactory(legal_entity=entity, name="Menuiseries du Perche", account_code="C0042")
    invoice(found, "1200.00", date(2026, 9, 30))
    return found


def upload(client, content: bytes, name: str = "annonces.json"):
    return client.post(reverse("risk:watch-upload"), {"file": SimpleUploadedFile(name, content)}, follow=True)


def test_a_file_dropped_opens_the_proceeding_and_its_page(client, customer) -> None:
    page = body(upload(client, as_file(record(customer.siren))))
    assert "1 annonce concerne vos clients." in page
    found = InsolvencyProceeding.objects.get()
    page = body(client.get(reverse("risk:proceeding-detail", args=[found.pk])))
    for words in (
        "Redressement judiciaire", "20/01/2027", "reste 58 jours", "SELARL Vasseur et Lemoine", "1 200,00 €",
        "R622-24", "Compte arrêté au 11/11/2026",
    ):  # fmt: skip
        assert words in page, words
    assert "Menuiseries du Perche" in body(client.get(reverse("risk:proceeding-list")))
    panel = body(client.get(reverse("risk:customer-panel", args=[customer.pk])))
    assert "déclarer avant le 20/01/2027" in panel
    file = client.get(reverse("risk:proceeding-statement", args=[found.pk, 1]))
    assert b"".join(file.streaming_content).startswith("\ufeffNaissance;".encode())


def test_a_bad_file_says_what_was_expected(client) -> None:
    for content in (b"", b"\x89PNG", b"{", b"a;b\n1;2\n"):
        response = client.post(reverse("risk:watch-upload"), {"file": SimpleUploadedFile("x.json", content)})
        assert response.status_code == 422, content
        assert not LegalEvent.objects.exists()


def test_tasks_are_ticked_with_their_proof(client, customer) -> None:
    take(record(customer.siren))
    task = ProceedingTask.objects.get(kind="DECLARE_CLAIM")
    url, key = reverse("risk:task-done", args=[task.pk]), f"done-{task.pk}"
    early = client.post(url, {f"{key}-done_on": "2026-11-01", f"{key}-note": ""})
    assert early.status_code == 422 and "précède le jugement" in body(early)
    proof = SimpleUploadedFile("ar.pdf", b"%PDF-1.4 envoi")
    client.post(url, {f"{key}-done_on": "2026-11-22", f"{key}-note": "LRAR", f"{key}-proof": proof})
    task.refresh_from_db()
    assert (task.status, task.done_on, task.proof.name) == ("DONE", date(2026, 11, 22), "ar.pdf")
    assert client.get(reverse("risk:task-proof", args=[task.pk])).status_code == 200
    client.post(reverse("risk:task-reopen", args=[task.pk]), {f"note-{task.pk}-note": "erreur"})
    task.refresh_from_db()
    assert task.status == "OPEN"


def test_the_addressee_is_confirmed_and_a_dispute_noted(client, customer) -> None:
    take(record(customer.siren))
    found = InsolvencyProceeding.objects.get()
    url = reverse("risk:proceeding-representative", args=[found.pk])
    assert client.post(url, {"role": "", "name": "", "address": ""}).status_code == 422
    client.post(url, {"role": "mandataire judiciaire", "name": "Me Lemoine", "address": "18 rue du Palais"})
    found.refresh_from_db()
    assert found.representative_confirmed_by is not None
    client.post(reverse("risk:proceeding-dispute", args=[found.pk]), {"received_on": "2026-11-20"})
    assert found.tasks.get(kind="ANSWER_DISPUTE").due_date == date(2026, 12, 20)
    future = client.post(reverse("risk:proceeding-dispute", args=[found.pk]), {"received_on": "2026-12-20"})
    assert future.status_code == 422


def test_a_cancellation_waits_for_a_person_who_gives_the_account_back(client, customer) -> None:
    take(record(customer.siren))
    take(record(customer.siren, number=2002, typeavis="annulation", parutionavisprecedent=earlier()))
    customer.refresh_from_db()
    assert customer.status == "INSOLVENT"
    page = body(client.get(reverse("risk:watch-list")))
    assert "Il annule un avis appliqué" in page
    outcome = EventOutcome.objects.get(event__notice_type="CANCELLATION")
    url, key = reverse("risk:outcome-decide", args=[outcome.pk]), str(outcome.pk)
    refused = client.post(url, {f"{key}-choice": "cancel", f"{key}-note": ""})
    assert refused.status_code == 422
    client.post(url, {f"{key}-choice": "cancel", f"{key}-note": "Avis d’annulation lu"})
    customer.refresh_from_db()
    assert (customer.status, customer.insolvency_date) == ("ACTIVE", None)
    assert not EventOutcome.objects.filter(status="TO_REVIEW").exists()


def test_an_announcement_without_siren_is_attached_by_its_number_alone(client, customer) -> None:
    Customer.objects.filter(pk=customer.pk).update(siren="")
    take(record("", name="Menuiseries du Perche"))
    event = LegalEvent.objects.get()
    page = body(client.get(reverse("risk:event-detail", args=[event.pk])))
    assert "Aucun compte ne porte un numéro publié" in page
    url = reverse("risk:event-attach", args=[event.pk])
    wrong = client.post(url, {"attach-entity_code": "VAL", "attach-account_code": "NON", "attach-note": "x"})
    assert wrong.status_code == 422
    client.post(
        url, {"attach-entity_code": "VAL", "attach-account_code": "C0042", "attach-note": "Kbis reçu"}
    )
    customer.refresh_from_db()
    assert customer.status == "INSOLVENT"


def test_a_new_name_is_applied_by_a_person(client, customer) -> None:
    take(
        {
            "id": "B202602221", "dateparution": "2026-11-20", "familleavis": "modification",
            "registre": [customer.siren],
            "listepersonnes": json.dumps({"personne": {"typePersonne": "pm", "denomination": "PERCHE BOIS", "numeroImmatriculation": {"numeroIdentification": customer.siren}}}),
            "modificationsgenerales": json.dumps({"descriptif": "Modification de la dénomination."}),
        }
    )  # fmt: skip
    customer.refresh_from_db()
    assert customer.name == "Menuiseries du Perche"
    outcome = EventOutcome.objects.get()
    key = str(outcome.pk)
    client.post(
        reverse("risk:outcome-decide", args=[outcome.pk]), {f"{key}-choice": "rename", f"{key}-note": "Kbis"}
    )
    customer.refresh_from_db()
    assert customer.name == "PERCHE BOIS"


def test_receipts_after_the_judgment_are_flagged(client, customer) -> None:
    take(record(customer.siren))
    item = invoice(customer, "90.00", date(2026, 10, 1))
    pay(item, date(2026, 11, 18), "40.00")
    page = body(client.get(reverse("risk:proceeding-detail", args=[InsolvencyProceeding.objects.get().pk])))
    assert "40,00 € reçus le 18/11/2026" in page and "18/11/2029" in page


def test_somebody_of_another_entity_sees_nothing_of_it(client, customer, make_user, sign_in) -> None:
    take(record(customer.siren), record("", number=7, name="Inconnue"))
    found = InsolvencyProceeding.objects.get()
    stranger = sign_in(
        make_user(Role.CREDIT_MANAGER, email="ailleurs@example.test", sees=[LegalEntityFactory()])
    )
    for name, pk in (
        ("proceeding-detail", found.pk),
        ("event-detail", found.opening_id),
        ("event-detail", LegalEvent.objects.get(siren="").pk),
    ):
        assert stranger.get(reverse(f"risk:{name}", args=[pk])).status_code == 404
    key = str(EventOutcome.objects.get().pk)
    assert stranger.post(reverse("risk:outcome-decide", args=[key]), {}).status_code == 404
    for name in ("watch-list", "event-list", "proceeding-list"):
        assert customer.name not in body(stranger.get(reverse(f"risk:{name}")))


def test_lists_cost_the_same_whatever_their_length(client, entity, django_assert_max_num_queries) -> None:
    take(*(record(CustomerFactory(legal_entity=entity).siren, number=number) for number in range(100, 103)))
    counts = {}
    for turn in (0, 1):
        for name in ("watch-list", "event-list", "proceeding-list", "watch-file-list"):
            with django_assert_max_num_queries(60) as queries:
                assert client.get(reverse(f"risk:{name}")).status_code == 200
            counts.setdefault(name, []).append(len(queries))
        if not turn:
            take(
                *(
                    record(CustomerFactory(legal_entity=entity).siren, number=number)
                    for number in range(200, 220)
                )
            )
    for name, (few, more) in counts.items():
        assert few == more, name
