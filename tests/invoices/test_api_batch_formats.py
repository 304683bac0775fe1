"""Batches over the API: JSON lines, saved sources, full snapshots, suspicions, undo, reports."""

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core import clock
from core.models import Role
from invoices.models import ImportBatch, ImportProfile, OpenItem
from invoices.tasks_imports import commit_batches, read_batches, roll_back_batches
from tests.api_client import Partner, problem
from tests.customers.factories import CustomerFactory
from tests.invoices.factories import OpenItemFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def partner(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER))


@pytest.fixture
def customer():
    return CustomerFactory(account_code="C1")


def line(number: str, total: str = "120.00", **others: object) -> bytes:
    item = {
        "customer": {"external_id": "C1"},
        "external_id": number,
        "issue_date": "2026-02-01",
        "total_amount": total,
    }
    return json.dumps(item | others).encode()


def post_lines(partner: Partner, query: str, *lines: bytes, media: str = "application/jsonl", **headers: str):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    body = b"\n".join(lines)
    return partner.client.post(f"/api/v1/invoice-batches?{query}", body, media, headers=names)


@pytest.mark.parametrize("media", ["application/jsonl", "application/x-ndjson"])
def test_json_lines_as_the_body(partner: Partner, customer, media: str):
    answer = post_lines(
        partner,
        f"legal_entity={customer.legal_entity.code}",
        line("F1", vat_amount="20.00"),
        b"",
        line("A1", "20.00", kind="CREDIT_NOTE"),
        b'{"external_id": "F2", "total": 12}',
        media=media,
    )
    assert answer.status_code == 202, answer.content
    batch = answer.json()
    assert (batch["format"], batch["mode"], batch["source"]) == ("JSON_LINES", "DELTA", None)
    read_batches()
    address = f"invoice-batches/{batch['id']}"
    batch = partner.get(address).json()
    assert (batch["rows"]["new"], batch["rows"]["errors"]) == (2, 1)
    rows = partner.get(f"{address}/rows").json()["results"]
    assert [(row["line"], row["outcome"], row["total_amount"]) for row in rows] == [
        (1, "NEW", "120.00"),
        (3, "NEW", "-20.00"),
        (4, "ERROR", None),
    ]
    assert [(error["code"], error["pointer"]) for error in rows[2]["errors"]] == [
        ("field_unknown", "/total"),
        ("required", "/customer"),
        ("required", "/issue_date"),
        ("required", "/total_amount"),
    ]
    assert partner.post(f"{address}/commit", {"accept_rejects": True}).status_code == 202
    commit_batches()
    assert set(OpenItem.objects.values_list("number", flat=True)) == {"F1", "A1"}


def test_json_lines_sent_twice_with_one_key_are_one_batch(partner: Partner, customer):
    query = f"legal_entity={customer.legal_entity.code}"
    first = post_lines(partner, query, line("F1"), Idempotency_Key="a-1")
    again = post_lines(partner, query, line("F1"), Idempotency_Key="a-1")
    assert again["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    assert post_lines(partner, query, line("F2"), Idempotency_Key="a-1").status_code == 409
    assert ImportBatch.objects.count() == 1


def test_json_lines_in_a_form(partner: Partner, customer):
    file = SimpleUploadedFile("x.jsonl", line("F1"))
    answer = partner.upload("invoice-batches", {"legal_entity": customer.legal_entity.code, "file": file})
    assert answer.json()["format"] == "JSON_LINES"


def test_a_body_that_is_wrong_as_a_whole(partner: Partner, customer):
    entity = f"legal_entity={customer.legal_entity.code}"
    assert post_lines(partner, "", line("F1")).status_code == 400
    assert post_lines(partner, f"{entity}&nonsense=1", line("F1")).status_code == 400
    assert post_lines(partner, entity).status_code == 400
    assert not ImportBatch.objects.exists()
    post_lines(partner, entity, b"\xff\xfe\x00{")
    post_lines(partner, entity, b'{"a": "' + b"x" * 200_000 + b'"}')
    read_batches()
    assert set(ImportBatch.objects.values_list("status", flat=True)) == {"REJECTED"}


def test_a_saved_source_by_its_name(partner: Partner, customer):
    ImportProfile.objects.create(
        legal_entity=customer.legal_entity,
        name="ERP",
        columns={"customer_code": "K", "number": "N", "issue_date": "D", "total_amount": "T"},
        updated_at=clock.now(),
    )
    content = b"K;N;D;T\r\nC1;F1;01/02/2026;12,00\r\n"
    fields = {"legal_entity": customer.legal_entity.code, "source": "ERP"}
    answer = partner.upload("invoice-batches", fields | {"file": SimpleUploadedFile("a.csv", content)})
    assert answer.json()["source"] == "ERP"
    read_batches()
    assert partner.get(f"invoice-batches/{answer.json()['id']}").json()["rows"]["new"] == 1
    wrong = fields | {"source": "Autre", "file": SimpleUploadedFile("a.csv", content)}
    told = problem(partner.upload("invoice-batches", wrong), 400, "invalid")
    assert [error["pointer"] for error in told["errors"]] == ["#/source"]


def test_a_snapshot_waits_for_a_person_and_can_be_taken_back(partner: Partner, customer, make_user):
    for number in range(1, 5):
        OpenItemFactory(customer=customer, number=f"F{number}")
    first = OpenItem.objects.get(number="F1")
    content = (
        "Code client;N° facture;Date facture;Échéance;Montant TTC\r\n"
        f"C1;F1;{first.issue_date:%d/%m/%Y};{first.due_date:%d/%m/%Y};{first.total_amount}\r\n"
    ).encode()
    fields = {"legal_entity": customer.legal_entity.code, "mode": "SNAPSHOT"}
    answer = partner.upload("invoice-batches", fields | {"file": SimpleUploadedFile("a.csv", content)})
    assert (answer.json()["mode"], answer.json()["as_of"]) == ("SNAPSHOT", clock.today().isoformat())
    read_batches()
    address = f"invoice-batches/{answer.json()['id']}"
    batch = partner.get(address).json()
    assert batch["rows"]["cleared"] == 3
    assert [(found["code"], found["confirmed"]) for found in batch["suspicions"]] == [
        ("cleared_share", False)
    ]
    assert partner.post(f"{address}/commit").status_code == 409
    assert partner.post(f"{address}/confirmations", {"code": "cleared_share"}).status_code in (403, 422)

    accountant = Partner(make_user(Role.ACCOUNTANT))
    assert accountant.post(f"{address}/confirmations", {"code": "nonsense"}).status_code == 422
    confirmed = accountant.post(f"{address}/confirmations", {"code": "cleared_share"})
    assert confirmed.json()["suspicions"][0]["confirmed"] is True
    assert accountant.post(f"{address}/commit").status_code == 202
    commit_batches()
    assert OpenItem.objects.filter(number__startswith="F", open_amount=0).count() == 3
    assert accountant.get(address).json()["may_roll_back_until"]

    assert partner.post(f"{address}/rollback", {"reason": "Erreur"}).status_code == 403
    assert accountant.post(f"{address}/rollback", {"reason": ""}).status_code == 400
    assert accountant.post(f"{address}/rollback", {"reason": "Mauvais fichier"}).status_code == 202
    roll_back_batches()
    assert accountant.get(address).json()["status"] == "ROLLED_BACK"
    assert not OpenItem.objects.filter(open_amount=0).exists()


def test_the_report_says_everything_of_every_row(partner: Partner, customer):
    item = OpenItemFactory(customer=customer, number="F1")
    content = (
        "Code client;N° facture;Date facture;Échéance;Montant TTC;Référence\r\n"
        f"C1;F1;{item.issue_date:%d/%m/%Y};{item.due_date:%d/%m/%Y};{item.total_amount};PO 7\r\n"
        "C1;F2;01/02/2026;;-;=1+1\r\n"
    ).encode()
    fields = {"legal_entity": customer.legal_entity.code, "file": SimpleUploadedFile("a.csv", content)}
    address = f"invoice-batches/{partner.upload('invoice-batches', fields).json()['id']}"
    assert partner.get(f"{address}/report.csv").status_code == 409
    read_batches()
    row = partner.get(f"{address}/rows").json()["results"][0]
    assert (row["outcome"], row["changes"][0]["field"], row["changes"][0]["after"]) == (
        "CHANGED",
        "reference",
        "PO 7",
    )
    answer = partner.get(f"{address}/report.csv")
    rows = list(
        csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")), delimiter=";")
    )
    assert [cells[:2] for cells in rows[1:]] == [["2", "CHANGED"], ["3", "ERROR"]]
    assert "PO 7" in rows[1][12]
    assert rows[2][14]
