"""Batches over the API: a file sent, what it would change, committed or given up."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import AuditEvent, Role, StoredFile
from invoices.models import ImportBatch, OpenItem
from invoices.tasks import commit_batches, read_batches
from tests.api_client import Partner, everything, problem
from tests.customers.factories import CustomerFactory, LegalEntityFactory

pytestmark = pytest.mark.django_db
HEADER = "Code client;N° facture;Date facture;Montant TTC"


@pytest.fixture
def partner(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER))


@pytest.fixture
def customer():
    return CustomerFactory(account_code="C1")


def send(
    partner: Partner, entity, *rows: str, content: bytes | None = None, name: str = "pieces.csv", **fields
):
    data = "\r\n".join([HEADER, *rows, ""]).encode() if content is None else content
    return partner.upload(
        "invoice-batches", {"legal_entity": entity.code, "file": SimpleUploadedFile(name, data), **fields}
    )


def test_from_the_file_to_the_ledger(partner: Partner, customer) -> None:
    received = send(partner, customer.legal_entity, "C1;F1;01/02/2026;1 200,50", "C1;F2;02/02/2026;99,50")
    assert received.status_code == 202
    batch = received.json()
    assert received["Location"] == f"http://testserver/api/v1/invoice-batches/{batch['id']}"
    assert (batch["status"], batch["file"]["name"], batch["error"]) == ("RECEIVED", "pieces.csv", None)
    assert not OpenItem.objects.exists()

    read_batches()
    read = partner.client.get(received["Location"])
    batch = read.json()
    assert batch["status"] == "PREVIEWED"
    others = ("changed", "cleared", "unchanged", "skipped", "suspicious", "new_customers", "errors")
    assert batch["rows"] == {"read": 2, "new": 2} | dict.fromkeys(others, 0)
    assert (batch["new_amounts"], batch["receivable_after"]) == ({"EUR": "1300.00"}, {"EUR": "1300.00"})
    assert not OpenItem.objects.exists()

    rows = partner.get(f"invoice-batches/{batch['id']}/rows").json()["results"]
    assert [(row["line"], row["outcome"], row["number"], row["total_amount"]) for row in rows] == [
        (2, "NEW", "F1", "1200.50"),
        (3, "NEW", "F2", "99.50"),
    ]
    assert rows[0]["due_date_computed"] is True

    committing = partner.post(f"invoice-batches/{batch['id']}/commit", If_Match=read["ETag"])
    assert (committing.status_code, committing.json()["status"]) == (202, "COMMITTING")
    assert committing["Location"] == received["Location"]
    commit_batches()
    assert partner.client.get(received["Location"]).json()["status"] == "COMMITTED"
    assert partner.get("invoices/external:F1").json()["open_amount"] == "1200.50"

    again = send(partner, customer.legal_entity, "C1;F1;01/02/2026;1 200,50", "C1;F2;02/02/2026;99,50").json()
    read_batches()
    assert partner.get(f"invoice-batches/{again['id']}").json()["rows"]["unchanged"] == 2
    problem(partner.post(f"invoice-batches/{again['id']}/commit"), 409, "nothing_to_commit")
    assert OpenItem.objects.count() == 2


def test_errors_are_told_by_line_as_json_and_as_a_file(partner: Partner, customer) -> None:
    batch = send(partner, customer.legal_entity, "C1;F1;01/02/2026;10,00", "C9;F2;31/02/2026;=1+1").json()
    problem(partner.get(f"invoice-batches/{batch['id']}/errors.csv"), 409, "wrong_state")
    read_batches()
    rows = partner.get(f"invoice-batches/{batch['id']}/rows?outcome=ERROR").json()["results"]
    assert [row["line"] for row in rows] == [3]
    errors = {error["field"]: error for error in rows[0]["errors"]}
    assert set(errors) == {"customer_code", "issue_date", "total_amount"}
    assert errors["customer_code"]["column"] == "Code client"
    assert "« C9 »" in errors["customer_code"]["message"]

    report = partner.get(f"invoice-batches/{batch['id']}/errors.csv", Accept="text/csv")
    assert report["Content-Type"].startswith("text/csv")
    text = b"".join(report).decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert lines[0][:4] == HEADER.split(";")
    assert lines[1][:2] == ["C9", "F2"]
    assert lines[1][3] == "'=1+1"
    assert lines[1][4] == "3"

    problem(partner.post(f"invoice-batches/{batch['id']}/commit"), 409, "rejects_not_accepted")
    assert partner.post(f"invoice-batches/{batch['id']}/commit", {"accept_rejects": True}).status_code == 202
    commit_batches()
    assert OpenItem.objects.get().number == "F1"


def test_a_batch_is_given_up(partner: Partner, customer) -> None:
    batch = send(partner, customer.legal_entity, "C1;F1;01/02/2026;10,00").json()
    cancelled = partner.post(f"invoice-batches/{batch['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "CANCELLED")
    problem(partner.post(f"invoice-batches/{batch['id']}/commit"), 409, "wrong_state")
    problem(partner.post(f"invoice-batches/{batch['id']}/cancel"), 409, "wrong_state")


def test_what_was_not_seen_is_not_committed(partner: Partner, customer) -> None:
    batch = send(partner, customer.legal_entity, "C1;F1;01/02/2026;10,00")
    read_batches()
    stale = partner.post(f"invoice-batches/{batch.json()['id']}/commit", If_Match=batch["ETag"])
    problem(stale, 412, "precondition_failed")
    assert ImportBatch.objects.get().status == ImportBatch.Status.PREVIEWED


FILES = {
    "empty": (b"", 422, "empty"),
    "an image": (b"\x89PNG\r\n\x1a\n", 422, "format_image"),
    "a program": (b"\x7fELF" + b"\0" * 100, 422, None),
    "blank": (b"  \r\n ", 422, "empty"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_list_is_refused_and_not_kept(partner: Partner, customer, case: str) -> None:
    content, status, code = FILES[case]
    response = send(partner, customer.legal_entity, content=content)
    found = problem(response, status, code or response.json()["code"])
    assert found["errors"][0]["pointer"] == "#/file"
    assert not ImportBatch.objects.exists()
    assert not StoredFile.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_file_that_cannot_be_read_says_why(partner: Partner, customer) -> None:
    batch = send(partner, customer.legal_entity, content=b"a;b\r\n1;2\r\n").json()
    read_batches()
    found = partner.get(f"invoice-batches/{batch['id']}").json()
    assert found["status"] == "REJECTED"
    assert found["error"]["code"] in ("header_missing", "columns_missing")
    assert "Ligne 1" in found["error"]["message"] or "ligne" in found["error"]["message"]


def test_a_file_over_the_limit_is_refused_before_it_is_kept(partner: Partner, customer, settings) -> None:
    settings.IMPORT_MAX_BYTES = 1024 * 1024
    large = b"x" * (3 * 1024 * 1024)
    found = problem(send(partner, customer.legal_entity, content=large), 413, "file_too_large")
    assert "1 Mio au plus" in found["errors"][0]["message"]
    slightly = b"x" * (1024 * 1024 + 1)
    problem(send(partner, customer.legal_entity, content=slightly), 413, "file_too_large")
    assert not ImportBatch.objects.exists()


def test_two_hundred_megabytes_announced_are_refused_unread(partner: Partner, customer) -> None:
    response = partner.client.generic(
        "POST",
        "/api/v1/invoice-batches",
        b"--x",
        "multipart/form-data; boundary=x",
        **{"CONTENT_LENGTH": str(200 * 1024 * 1024), "wsgi.input": io.BytesIO(b"--x")},
    )
    problem(response, 413, "file_too_large")


PARTS = {
    "no file": ({"legal_entity": "E"}, "#/file", "required"),
    "text instead of a file": ({"legal_entity": "E", "file": "C1;F1"}, "#/file", "invalid"),
    "no entity": ({"file": True}, "#/legal_entity", "required"),
    "unknown entity": ({"legal_entity": "??", "file": True}, "#/legal_entity", "does_not_exist"),
    "unknown encoding": (
        {"legal_entity": "E", "file": True, "encoding": "ebcdic"},
        "#/encoding",
        "invalid_choice",
    ),
    "misspelt option": (
        {"legal_entity": "E", "file": True, "seperator": ";"},
        "#/seperator",
        "unknown_field",
    ),
    "nul in the sheet": (
        {"legal_entity": "E", "file": True, "sheet": "a\0"},
        "#/sheet",
        "null_characters_not_allowed",
    ),
}


@pytest.mark.parametrize("case", PARTS)
def test_a_bad_part_is_told_by_name(partner: Partner, case: str) -> None:
    LegalEntityFactory(code="E")
    parts, pointer, code = PARTS[case]
    if parts.get("file") is True:
        parts = {**parts, "file": SimpleUploadedFile("a.csv", b"x;y")}
    errors = problem(partner.upload("invoice-batches", parts), 400, "invalid")["errors"]
    assert (errors[0]["pointer"], errors[0]["code"]) == (pointer, code)
    assert not ImportBatch.objects.exists()


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{}", "application/json", 415, "unsupported_media_type"),
        (b"--x", "multipart/form-data; boundary=x", 400, None),
        (b"", "multipart/form-data", 400, "invalid"),
        (b"x", "multipart/form-data", 400, "malformed"),
        (b"a" * 50, "multipart/form-data; boundary=" + "é" * 80, 400, None),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
            "multipart/form-data; boundary=x",
            400,
            None,
        ),
    ],
)
def test_a_frame_that_is_none(
    partner: Partner, body: bytes, content_type: str, status: int, code: str | None
) -> None:
    response = partner.client.post("/api/v1/invoice-batches", body, content_type)
    problem(response, status, code or response.json()["code"])


def test_thousands_of_parts_are_refused(partner: Partner) -> None:
    response = partner.upload("invoice-batches", {f"f{number}": "x" for number in range(5001)})
    problem(response, 400, "malformed")


def test_out_of_scope_there_is_no_batch(make_user, customer) -> None:
    owner = Partner(make_user(Role.API_PARTNER, email="a@example.test"))
    batch = send(owner, customer.legal_entity, "C1;F1;01/02/2026;10,00").json()
    other = Partner(make_user(Role.API_PARTNER, email="b@example.test", sees=[LegalEntityFactory()]))
    for path in ("", "/rows", "/errors.csv"):
        problem(other.get(f"invoice-batches/{batch['id']}{path}"), 404, "not_found")
    for step in ("commit", "cancel"):
        problem(other.post(f"invoice-batches/{batch['id']}/{step}"), 404, "not_found")
    problem(send(other, customer.legal_entity, "C1;F1;01/02/2026;10,00"), 400, "invalid")
    assert other.get("invoice-batches").json()["results"] == []
    assert ImportBatch.objects.get().status == ImportBatch.Status.RECEIVED


def test_a_reader_commits_nothing(make_user, customer) -> None:
    user = make_user(Role.API_PARTNER)
    batch = send(Partner(user), customer.legal_entity, "C1;F1;01/02/2026;10,00").json()
    events = AuditEvent.objects.count()
    reader = Partner(user, scopes=["invoice-batches:read"])
    problem(reader.post(f"invoice-batches/{batch['id']}/cancel"), 403, "forbidden")
    problem(send(reader, customer.legal_entity, "C1;F1;01/02/2026;10,00"), 403, "forbidden")
    director = Partner(make_user(Role.FINANCE_DIRECTOR))
    problem(director.post(f"invoice-batches/{batch['id']}/cancel"), 403, "forbidden")
    assert (ImportBatch.objects.count(), AuditEvent.objects.count()) == (1, events)


def test_rows_are_read_page_by_page_at_the_same_cost(partner: Partner, customer) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert partner.get(path).status_code == 200
        return len(captured)

    few = send(partner, customer.legal_entity, "C1;A1;01/02/2026;10,00", "C1;A2;01/02/2026;10,00").json()
    many = send(partner, customer.legal_entity, *(f"C1;B{n};01/02/2026;10,00" for n in range(20))).json()
    read_batches()
    partner.get("invoice-batches")
    assert queries(f"invoice-batches/{few['id']}/rows") == queries(f"invoice-batches/{many['id']}/rows")
    rows = everything(
        lambda cursor: partner.get(f"invoice-batches/{many['id']}/rows?limit=6&cursor={cursor}")
    )
    assert [row["line"] for row in rows] == list(range(2, 22))
    two = queries("invoice-batches")
    for number in range(18):
        send(partner, customer.legal_entity, f"C1;D{number};01/02/2026;10,00")
    assert queries("invoice-batches") == two
    listed = partner.get("invoice-batches?limit=1&status=RECEIVED").json()["results"][0]
    assert listed["status"] == "RECEIVED"
