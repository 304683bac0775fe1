"""POST with an Idempotency-Key: done once, whatever happens to the answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction

from core import clock
from core.api.idempotency import KEPT, _lock
from core.models import AuditEvent, Role, StoredFile
from core.models.idempotency import IdempotencyRecord
from invoices.models import ImportBatch
from tests.api_client import Partner, problem
from tests.customers.factories import LegalEntityFactory

CSV = b"Code client;N\xc2\xb0 de pi\xc3\xa8ce;Date;Montant TTC\nC1;F1;01/02/2026;10,00\n"


@pytest.fixture
def partner(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER))


def send(partner: Partner, entity, content: bytes = CSV, key: str = "k-1", name: str = "a.csv"):
    return partner.upload(
        "invoice-batches",
        {"legal_entity": entity.code, "file": SimpleUploadedFile(name, content)},
        Idempotency_Key=key,
    )


@pytest.mark.django_db
def test_the_same_request_again_gets_the_same_answer_and_is_done_once(partner) -> None:
    entity = LegalEntityFactory()
    first, again = send(partner, entity), send(partner, entity)
    assert first.status_code == again.status_code == 202
    assert first.content == again.content
    assert (first["Location"], first["ETag"]) == (again["Location"], again["ETag"])
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert ImportBatch.objects.count() == StoredFile.objects.count() == AuditEvent.objects.count() == 1


@pytest.mark.django_db
def test_the_same_key_for_something_else_is_a_conflict(partner) -> None:
    entity = LegalEntityFactory()
    send(partner, entity)
    problem(send(partner, entity, CSV + b"C2;F2;01/02/2026;5,00\n"), 409, "idempotency_key_reused")
    problem(send(partner, entity, name="b.csv"), 409, "idempotency_key_reused")
    batch = ImportBatch.objects.get()
    problem(
        partner.post(f"invoice-batches/{batch.uid}/cancel", Idempotency_Key="k-1"),
        409,
        "idempotency_key_reused",
    )
    batch.refresh_from_db()
    assert batch.status == ImportBatch.Status.RECEIVED


@pytest.mark.django_db
def test_two_partners_may_use_the_same_key(partner, make_user) -> None:
    entity = LegalEntityFactory()
    other = Partner(make_user(Role.API_PARTNER, email="autre@example.test"))
    assert send(partner, entity).json()["id"] != send(other, entity).json()["id"]


@pytest.mark.django_db
def test_a_refusal_is_not_kept_so_that_the_request_can_be_corrected(partner) -> None:
    entity = LegalEntityFactory()
    problem(send(partner, entity, b""), 422, "empty")
    assert not IdempotencyRecord.objects.exists()
    assert send(partner, entity).status_code == 202


@pytest.mark.django_db
def test_after_24_hours_the_key_is_free_and_old_answers_go(partner) -> None:
    entity = LegalEntityFactory()
    first = send(partner, entity)
    send(partner, entity, key="k-2")
    IdempotencyRecord.objects.update(created_at=clock.now() - KEPT - timedelta(seconds=1))
    again = send(partner, entity)
    assert again.json()["id"] != first.json()["id"]
    assert [record.key for record in IdempotencyRecord.objects.all()] == ["k-1"]


@pytest.mark.django_db(transaction=True)
def test_while_the_first_request_works_the_second_is_told_to_wait(partner) -> None:
    """Given another request that holds the key, the same request is refused, and accepted once it is free."""
    entity = LegalEntityFactory()
    user_id = ImportBatch._meta.get_field("uploaded_by").related_model.objects.get().pk
    taken, released = Barrier(2, timeout=20), Barrier(2, timeout=20)

    def hold() -> None:
        with transaction.atomic():
            assert _lock(user_id, "k-1")
            taken.wait()
            released.wait()
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        taken.wait()
        response = send(partner, entity)
        released.wait()
        holder.result()
    found = problem(response, 409, "idempotency_key_in_use")
    assert found["retryable"] is True
    assert response["Retry-After"] == "1"
    assert not ImportBatch.objects.exists()
    assert send(partner, entity).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_batch(partner) -> None:
    entity = LegalEntityFactory()
    start = Barrier(2, timeout=20)

    def work() -> int:
        start.wait()
        try:
            return send(partner, entity).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(future.result() for future in [pool.submit(work), pool.submit(work)])
    assert statuses in ([202, 202], [202, 409])
    assert ImportBatch.objects.count() == 1


@pytest.mark.django_db
def test_a_failure_half_way_leaves_nothing(partner, monkeypatch) -> None:
    """Whatever breaks after the batch is written, neither the batch nor an answer remains."""
    entity = LegalEntityFactory()

    def broken(**fields: object) -> None:
        raise RuntimeError("the process dies here")

    monkeypatch.setattr("core.api.idempotency._keep", lambda *arguments: broken())
    assert send(partner, entity).status_code == 500
    assert not ImportBatch.objects.exists()
    assert not AuditEvent.objects.exists()
