"""`import_invoices`: from the shell to the ledger, with what a person must decide left to him."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from customers.models import Customer, LegalEntity
from invoices.models import ImportBatch, ImportProfile, OpenItem
from tests.invoices.batches import FILE, NOW, entity_with_customers, world
from tests.invoices.factories import OpenItemFactory
from tests.invoices.files import csv_bytes

pytestmark = pytest.mark.django_db


@pytest.fixture
def entity() -> LegalEntity:
    return entity_with_customers()


def run(tmp_path: Path, content: bytes, *options: str) -> tuple[dict[str, object], str, int]:
    """What the command reports, what it complains of, and how it ends."""
    file = tmp_path / "pieces.csv"
    file.write_bytes(content)
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command("import_invoices", str(file), "--entity", "FR01", *options, stdout=out, stderr=err)
    except SystemExit as end:
        code = int(end.code or 0)
    return json.loads(out.getvalue()), err.getvalue(), code


def test_in_and_out_again(entity: LegalEntity, tmp_path: Path):
    said, complaints, code = run(tmp_path, FILE)
    assert (said["status"], said["new"], complaints, code) == ("COMMITTED", 4, "", 0)
    out = StringIO()
    call_command("import_invoices", "--undo", said["batch"], "--reason", "Mauvais fichier", stdout=out)
    assert json.loads(out.getvalue())["status"] == "ROLLED_BACK"
    assert not OpenItem.objects.exists()
    with pytest.raises(CommandError):
        call_command("import_invoices", "--undo", said["batch"], "--reason", "Encore")


def test_a_dry_run_leaves_nothing(entity: LegalEntity, tmp_path: Path):
    said, _complaints, code = run(tmp_path, FILE, "--dry-run")
    assert (said["status"], said["new"], code) == ("CANCELLED", 4, 0)
    assert not OpenItem.objects.exists()


def test_suspicions_wait_for_a_person(entity: LegalEntity, tmp_path: Path):
    OpenItemFactory(customer=Customer.objects.get(account_code="C1"))
    said, complaints, code = run(tmp_path, FILE, "--mode", "snapshot", "--as-of", "2026-11-20")
    assert (said["status"], said["suspicions"], said["cleared"], code) == (
        "PREVIEWED",
        ["cleared_share"],
        1,
        1,
    )
    assert "encours" in complaints
    assert OpenItem.objects.count() == 1


def test_with_a_source_that_creates_customers(entity: LegalEntity, tmp_path: Path):
    ImportProfile.objects.create(
        legal_entity=entity, name="ERP", columns={
            "customer_code": "Qui", "customer_name": "Nom", "number": "Quoi", "issue_date": "Quand", "total_amount": "Combien",
        }, updated_at=NOW,
    )  # fmt: skip
    content = csv_bytes("N1;Neuve;F1;15/10/2026;10,00", header="Qui;Nom;Quoi;Quand;Combien")
    said, _complaints, code = run(tmp_path, content, "--profile", "ERP", "--create-customers")
    assert (said["status"], said["new_customers"], code) == ("COMMITTED", 1, 0)
    assert OpenItem.objects.get().customer.name == "Neuve"


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--undo", "00000000-0000-0000-0000-000000000000"],
        ["nulle-part.csv", "--entity", "FR01"],
        ["nulle-part.csv", "--entity", "XX"],
        [__file__, "--entity", "FR01", "--profile", "Inconnue"],
        [__file__, "--entity", "FR01", "--mode", "snapshot"],
    ],
)
def test_what_cannot_be_done_is_said(entity: LegalEntity, options: list[str]):
    before = world()
    with pytest.raises(CommandError):
        call_command("import_invoices", *options)
    assert world() == before
    assert not ImportBatch.objects.exists()
