"""Files: the same bytes once, and never a row on half of them."""

from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from core.files import read_file, store_file
from core.models import StoredFile
from tests.dunning.factories import NOW

pytestmark = pytest.mark.django_db


def kept(content: bytes) -> StoredFile:
    return store_file(content=content, name="a.pdf", kind="test", content_type="application/pdf", now=NOW)


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    first, second = kept(b"%PDF-1"), kept(b"%PDF-1")
    assert first.pk != second.pk
    assert first.storage_name == second.storage_name
    assert len([path for path in (tmp_path / "files").rglob("*") if path.is_file()]) == 1


def test_bytes_cut_off_by_the_death_of_a_writer_are_written_again(tmp_path: Path) -> None:
    first = kept(b"%PDF-1 whole")
    (tmp_path / "files" / first.storage_name).write_bytes(b"%PDF")
    again = kept(b"%PDF-1 whole")
    assert read_file(again) == b"%PDF-1 whole"
    assert read_file(first) == b"%PDF-1 whole"


@pytest.mark.parametrize("table", ["core_storedfile", "core_auditevent"])
def test_the_database_refuses_to_empty_what_is_kept(table: str) -> None:
    kept(b"%PDF-1")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL encours.allow_truncate = 'off'")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute(f"TRUNCATE {table} CASCADE")
    assert StoredFile.objects.exists()
