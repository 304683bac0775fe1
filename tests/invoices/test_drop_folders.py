"""Files put into a watched folder are taken in once, whatever dies on the way, and nothing leads the sweep astray."""

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.db import connections

from customers.models import LegalEntity
from invoices import drop_storage
from invoices.drop_storage import LocalDropArea, drop_area
from invoices.models import BankFile, BankLine, DropFolder, DroppedFile, ImportBatch
from invoices.operations import drop_sweep
from invoices.operations.bank_files import read_bank_file
from invoices.operations.drop_folders import sweep_folders
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.files import csv_bytes
from tests.invoices.statements import NOW, OTHER_IBAN, TODAY, Move, camt, make_account

pytestmark = pytest.mark.django_db
ONE = Move("120.00", "FACTURE FA0001", reference="BK1")


@pytest.fixture(autouse=True)
def root(settings, tmp_path: Path) -> Path:
    options = {name: dict(values) for name, values in settings.STORAGES.items()}
    options["drop"]["OPTIONS"] = {"location": tmp_path / "drop", "base_url": None}
    settings.STORAGES = options
    return tmp_path / "drop"


@pytest.fixture
def folder() -> DropFolder:
    entity = LegalEntityFactory(code="FR01")
    make_account(entity)
    return DropFolder.objects.create(legal_entity=entity, path="fr01/banque", subject="BANK")


def put(root: Path, name: str, content: bytes, *, path: str = "fr01/banque", seconds_ago: int = 300) -> Path:
    file = root / path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    then = (NOW - timedelta(seconds=seconds_ago)).timestamp()
    os.utime(file, (then, then))
    return file


def sweep(after: int = 0) -> int:
    return sweep_folders(today=TODAY, now=NOW + timedelta(seconds=after))


def left(root: Path, path: str = "fr01/banque") -> list[str]:
    """What lies below a folder, without our reports."""
    found = (file.relative_to(root / path).as_posix() for file in (root / path).rglob("*") if file.is_file())
    return sorted(name for name in found if not name.endswith(drop_storage.REPORT_SUFFIX))


def test_a_file_is_taken_archived_and_reported(root: Path, folder: DropFolder) -> None:
    put(root, "releve.xml", camt(ONE))
    assert sweep() == 1
    bank_file = BankFile.objects.get()
    assert (bank_file.source, bank_file.file.name) == ("FOLDER", "releve.xml")
    dropped = DroppedFile.objects.get()
    assert (dropped.status, dropped.bank_file, dropped.archived_as) == (
        "RECEIVED", bank_file, "archive/2026/11/releve.xml",
    )  # fmt: skip
    assert left(root) == ["archive/2026/11/releve.xml"]
    report = root / "fr01/banque/archive/2026/11/releve.xml.compte-rendu.txt"
    assert f"Fichier bancaire n° {bank_file.pk}" in report.read_text().replace("\u00a0", " ")
    folder.refresh_from_db()
    assert (folder.swept_at, folder.sweep_error) == (NOW, "")
    assert sweep() == 0
    # When it is read, the report says so.
    read_bank_file(bank_file_id=bank_file.pk, now=NOW + timedelta(seconds=5))
    sweep(60)
    assert "mouvements nouveaux : 1" in report.read_text().replace("\u00a0", " ")


def test_what_is_no_statement_is_refused_and_kept_apart(root: Path, folder: DropFolder) -> None:
    put(root, "photo.png", b"\x89PNG\r\n\x1a\n" + bytes(200))
    assert sweep() == 1
    assert left(root) == ["refused/photo.png"]
    assert DroppedFile.objects.get().status == "REFUSED"
    assert not BankFile.objects.exists()
    assert "Refusé" in (root / "fr01/banque/refused/photo.png.compte-rendu.txt").read_text()


def test_hidden_temporary_and_growing_files_wait(root: Path, folder: DropFolder) -> None:
    for name in (".cache", "a.xml.part", "b.TMP", "~c.xml", "d.filepart"):
        put(root, name, camt(ONE))
    growing = put(root, "e.xml", camt(ONE)[:50], seconds_ago=2)
    assert sweep() == 0
    growing.write_bytes(camt(ONE))
    os.utime(growing, (NOW.timestamp(), NOW.timestamp()))
    assert sweep(5) == 0
    assert sweep(9) == 0
    assert sweep(30) == 1
    assert [file.name for file in DroppedFile.objects.all()] == ["e.xml"]


def test_the_same_content_under_another_name_is_received_once(root: Path, folder: DropFolder) -> None:
    put(root, "a.xml", camt(ONE))
    sweep()
    put(root, "b.xml", camt(ONE))
    assert sweep() == 1
    assert BankFile.objects.count() == 1
    second = DroppedFile.objects.get(name="b.xml")
    assert second.bank_file == BankFile.objects.get()
    assert "a.xml" in second.message


def test_an_archived_name_is_never_overwritten(root: Path, folder: DropFolder) -> None:
    put(root, "releve.xml", camt(ONE))
    sweep()
    put(root, "releve.xml", camt(ONE, Move("5.00")), seconds_ago=200)
    sweep()
    assert BankFile.objects.count() == 2
    kept = left(root)
    assert len(kept) == 2
    assert (root / "fr01/banque/archive/2026/11/releve.xml").read_bytes() == camt(ONE)


def test_killed_between_reception_and_archive(root: Path, folder: DropFolder, monkeypatch) -> None:
    put(root, "releve.xml", camt(ONE))

    def die(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LocalDropArea, "move", die)
        with pytest.raises(KeyboardInterrupt):
            sweep()
    assert BankFile.objects.count() == 1
    assert left(root) == ["releve.xml"]
    assert sweep() == 0
    assert BankFile.objects.count() == 1
    assert left(root) == ["archive/2026/11/releve.xml"]


def test_killed_after_the_claim(root: Path, folder: DropFolder, monkeypatch) -> None:
    put(root, "releve.xml", camt(ONE))

    def die(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(drop_sweep, "_hand_over", die)
        with pytest.raises(KeyboardInterrupt):
            sweep()
    assert DroppedFile.objects.get().status == "CLAIMED"
    assert not BankFile.objects.exists()
    assert sweep() == 1
    assert (BankFile.objects.count(), DroppedFile.objects.get().status) == (1, "RECEIVED")


def test_links_and_pipes_are_not_followed(root: Path, folder: DropFolder, tmp_path: Path) -> None:
    outside = tmp_path / "secret.xml"
    outside.write_bytes(camt(ONE))
    inbox = root / "fr01/banque"
    inbox.mkdir(parents=True)
    (inbox / "lien.xml").symlink_to(outside)
    os.mkfifo(inbox / "tube.xml")
    (inbox / "dossier.xml").mkdir()
    assert sweep() == 0
    assert not DroppedFile.objects.exists()
    # A folder that is itself a link is not swept, nor is anything written through it.
    elsewhere = tmp_path / "ailleurs"
    elsewhere.mkdir()
    (elsewhere / "a.xml").write_bytes(camt(ONE))
    (root / "piege").symlink_to(elsewhere)
    trap = DropFolder.objects.create(legal_entity=folder.legal_entity, path="piege", subject="BANK")
    assert sweep() == 0
    trap.refresh_from_db()
    assert "ne peut pas être lu" in trap.sweep_error
    assert [file.name for file in elsewhere.iterdir()] == ["a.xml"]


def test_a_file_exchanged_for_a_link_after_it_was_listed(
    root: Path, folder: DropFolder, tmp_path: Path
) -> None:
    file = put(root, "a.xml", camt(ONE))
    (found,) = drop_area("fr01/banque").files()
    file.unlink()
    file.symlink_to(tmp_path)
    with pytest.raises(OSError), drop_area("fr01/banque").opened(found):
        pass


def test_an_unreadable_name_is_left_and_said(root: Path, folder: DropFolder) -> None:
    put(root, "x.xml", camt(ONE))
    os.rename(root / "fr01/banque/x.xml", os.path.join(os.fsencode(root), b"fr01/banque/\xff\xfe.xml"))
    assert sweep() == 0
    folder.refresh_from_db()
    assert "nom illisible" in folder.sweep_error


def test_what_is_clean_is_accepted_without_anybody(root: Path, folder: DropFolder) -> None:
    DropFolder.objects.update(commits_by_itself=True)
    put(root, "juste.xml", camt(ONE))
    put(root, "faux.xml", camt(ONE, iban=OTHER_IBAN))
    sweep()
    for bank_file in BankFile.objects.all():
        read_bank_file(bank_file_id=bank_file.pk, now=NOW)
    sweep(60)
    assert dict(BankFile.objects.values_list("file__name", "status")) == {
        "juste.xml": "ACCEPTED",
        "faux.xml": "PREVIEWED",
    }
    assert BankFile.objects.get(status="ACCEPTED").accepted_by is None
    assert BankLine.objects.filter(status="OPEN").count() == 1


def test_a_missing_statement_waits_for_a_person(root: Path, folder: DropFolder) -> None:
    DropFolder.objects.update(commits_by_itself=True)
    for number, opening in ((1, "1000.00"), (2, "5000.00")):
        put(root, f"{number}.xml", camt(Move("1.00", f"VIR {number}"), opening=opening, number=str(number)))
        sweep()
        read_bank_file(bank_file_id=BankFile.objects.latest("pk").pk, now=NOW)
        sweep()
    assert list(BankFile.objects.order_by("pk").values_list("status", flat=True)) == ["ACCEPTED", "PREVIEWED"]


def test_items_become_a_batch(root: Path, folder: DropFolder) -> None:
    CustomerFactory(legal_entity=folder.legal_entity, account_code="C1")
    DropFolder.objects.create(legal_entity=folder.legal_entity, path="pieces", subject="ITEMS")
    put(root, "lot.csv", csv_bytes("C1;F1;;15/10/2026;;10,00;;;Commande"), path="pieces")
    assert sweep() == 1
    batch = ImportBatch.objects.get()
    assert (batch.source, batch.legal_entity) == ("FOLDER", folder.legal_entity)
    assert left(root, "pieces") == ["archive/2026/11/lot.csv"]


def test_a_folder_in_error_keeps_nobody_waiting(root: Path, folder: DropFolder) -> None:
    (root / "fr01").mkdir(parents=True)
    (root / "fr01/a").write_bytes(b"")
    DropFolder.objects.create(legal_entity=folder.legal_entity, path="fr01/a", subject="BANK")
    put(root, "releve.xml", camt(ONE))
    assert sweep() == 1


def test_an_inactive_folder_is_left_alone(root: Path, folder: DropFolder) -> None:
    DropFolder.objects.update(is_active=False)
    put(root, "releve.xml", camt(ONE))
    assert sweep() == 0
    assert left(root) == ["releve.xml"]


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_take_each_file_once(root: Path) -> None:
    entity: LegalEntity = LegalEntityFactory(code="FR01")
    make_account(entity)
    DropFolder.objects.create(legal_entity=entity, path="fr01/banque", subject="BANK")
    for n in range(12):
        put(root, f"{n}.xml", camt(Move(f"{n + 1}.00", f"VIR {n}"), number=str(n)))
    assert storages["drop"].exists("fr01/banque/0.xml")
    start = threading.Barrier(3)

    def run() -> None:
        start.wait(20)
        sweep()
        connections.close_all()

    threads = [threading.Thread(target=run) for _n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sweep()
    assert BankFile.objects.count() == 12
    assert DroppedFile.objects.filter(status="RECEIVED").count() == 12
    assert len(left(root)) == 12
    assert all(name.startswith("archive/") for name in left(root))
