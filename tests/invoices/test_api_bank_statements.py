"""Partners send files of the bank, read what they bring, and have them accepted; so does the shell."""

import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from core.models import Role
from customers.models import LegalEntity
from invoices.models import BankFile, BankLine
from invoices.operations.bank_files import read_bank_file
from tests.api_client import Partner, problem
from tests.customers.factories import LegalEntityFactory
from tests.invoices.statements import IBAN, NOW, OTHER_IBAN, Move, camt, csv_export, make_account, previewed

pytestmark = pytest.mark.django_db
ONE = Move("120.00", "FACTURE FA0001", reference="BK1")
SCOPES = ("bank-statements:read", "bank-statements:write")


@pytest.fixture
def entity() -> LegalEntity:
    entity = LegalEntityFactory(code="FR01")
    make_account(entity)
    return entity


@pytest.fixture
def partner(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER), SCOPES)


def send(partner: Partner, content: bytes, **parts: object):
    file = SimpleUploadedFile("releve.xml", content)
    return partner.upload("bank-statements", {"legal_entity": "FR01", "file": file, **parts})


def test_from_the_file_to_its_acceptance(partner: Partner, entity: LegalEntity) -> None:
    answer = send(partner, camt(ONE))
    assert answer.status_code == 202
    bank_file = BankFile.objects.get()
    assert answer["Location"].endswith(f"/api/v1/bank-statements/{bank_file.uid}")
    assert (answer.json()["status"], bank_file.source) == ("RECEIVED", "API")
    read_bank_file(bank_file_id=bank_file.pk, now=NOW)
    read = partner.get(f"bank-statements/{bank_file.uid}")
    found = read.json()
    assert found["lines"] == {"receipts": 1, "returns": 0, "set_aside": 0, "known": 0}
    (statement,) = found["statements"]
    assert (statement["bank_account"], statement["opening_amount"], statement["closing_amount"]) == (
        IBAN, "1000.00", "1120.00",
    )  # fmt: skip
    assert statement["remark"] is None
    done = partner.post(f"bank-statements/{bank_file.uid}/accept", If_Match=read["ETag"])
    assert (done.status_code, done.json()["status"]) == (200, "ACCEPTED")
    assert BankLine.objects.get().status == "OPEN"
    problem(partner.post(f"bank-statements/{bank_file.uid}/accept"), 409, "wrong_state")
    (row,) = partner.get("bank-statements").json()["results"]
    assert (row["id"], row["status"]) == (str(bank_file.uid), "ACCEPTED")


def test_the_file_alone_as_the_body(partner: Partner, entity: LegalEntity) -> None:
    for kind in ("application/octet-stream", "application/xml", "text/plain"):
        answer = partner.client.post(
            "/api/v1/bank-statements?legal_entity=FR01&name=jour.xml", camt(ONE), content_type=kind
        )
        assert answer.status_code == 202, answer.content
        assert answer.json()["file"]["name"] == "jour.xml"


def test_repeated_with_the_same_key_it_is_sent_once(partner: Partner, entity: LegalEntity) -> None:
    first = send_raw(partner, camt(ONE), "k1")
    again = send_raw(partner, camt(ONE), "k1")
    assert first.json() == again.json()
    assert BankFile.objects.count() == 1
    problem(send_raw(partner, camt(ONE, ONE), "k1"), 409, "idempotency_key_reused")


def send_raw(partner: Partner, content: bytes, key: str):
    return partner.client.post(
        "/api/v1/bank-statements?legal_entity=FR01",
        content,
        content_type="application/xml",
        headers={"Idempotency-Key": key},
    )


def test_what_is_wrong_is_said_with_its_code(partner: Partner, entity: LegalEntity) -> None:
    unknown = previewed(entity, camt(ONE, iban=OTHER_IBAN))
    (statement,) = partner.get(f"bank-statements/{unknown.uid}").json()["statements"]
    assert (statement["status"], statement["remark"]["code"]) == ("REFUSED", "account_unknown")
    assert statement["bank_account"] is None
    problem(partner.post(f"bank-statements/{unknown.uid}/accept"), 409, "nothing_to_accept")
    problem(send(partner, b"%PDF-1.7"), 422, "format_pdf")
    problem(send(partner, camt(ONE), bank_account="FR00"), 400, "invalid")
    problem(send(partner, camt(ONE), legal_entity="ZZ"), 400, "invalid")
    problem(partner.get("bank-statements/0"), 404, "not_found")
    assert BankFile.objects.count() == 1


def test_a_csv_names_its_account(partner: Partner, entity: LegalEntity) -> None:
    second = make_account(entity, OTHER_IBAN, name="Second")
    send(partner, csv_export(ONE), bank_account="FR76 1558 9000 0098 7654 3210 088")
    assert BankFile.objects.get().bank_account == second


def test_without_the_scope_or_out_of_it_nothing_is_shown(make_user, entity: LegalEntity) -> None:
    bank_file = previewed(entity, camt(ONE))
    blind = Partner(make_user(Role.API_PARTNER), ["invoices:read"])
    assert blind.get("bank-statements").status_code == 403
    outsider = Partner(
        make_user(Role.API_PARTNER, email="x@example.test", sees=[LegalEntityFactory(code="FR02")]), SCOPES
    )
    assert outsider.get("bank-statements").json()["results"] == []
    assert outsider.get(f"bank-statements/{bank_file.uid}").status_code == 404
    assert outsider.post(f"bank-statements/{bank_file.uid}/accept").status_code == 404
    assert BankLine.objects.get().status == "DRAFT"


def test_the_command_reads_tells_and_accepts(entity: LegalEntity, tmp_path: Path, capsys) -> None:
    file = tmp_path / "releve.xml"
    file.write_bytes(camt(ONE))
    call_command("import_statement", str(file), "--entity", "FR01")
    said = json.loads(capsys.readouterr().out)
    assert (said["status"], said["receipts"], said["format"]) == ("PREVIEWED", 1, "CAMT")
    call_command("import_statement", str(file), "--entity", "FR01", "--accept")
    assert json.loads(capsys.readouterr().out)["status"] == "ACCEPTED"
    with pytest.raises(SystemExit):
        call_command("import_statement", str(file), "--entity", "FR01", "--accept")
    assert "déjà enregistré" in capsys.readouterr().err
    assert BankLine.objects.filter(status="OPEN").count() == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--entity", "ZZ"],
        ["--entity", "FR01", "--account", "FR00"],
        ["--entity", "FR01", "--account", OTHER_IBAN],
    ],
)
def test_the_command_says_what_is_wrong_with_its_arguments(entity, tmp_path: Path, arguments) -> None:
    file = tmp_path / "releve.csv"
    file.write_bytes(csv_export(ONE))
    with pytest.raises(CommandError):
        call_command("import_statement", str(file), *arguments)
    assert not BankFile.objects.exists()


def test_the_command_needs_a_file(entity: LegalEntity, tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        call_command("import_statement", str(tmp_path / "rien.xml"), "--entity", "FR01")
