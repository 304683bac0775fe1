"""Bad input to a batch: refused at the door, or kept with its errors; never half-written."""

import io
import json

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BusinessError
from customers.models import LegalEntity
from invoices.import_messages import file_message, row_message
from invoices.models import ImportBatch
from invoices.operations.imports import (
    FileRefused,
)
from invoices.readers.child import read
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.staging.table import Staging
from tests.invoices.batches import FILE, entity_with_customers, preview, receive, world
from tests.invoices.files import HEADER, TODAY, csv_bytes

pytestmark = pytest.mark.django_db


@pytest.fixture
def entity() -> LegalEntity:
    return entity_with_customers()


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "format_ole")],
)
def test_a_hopeless_file_is_refused_at_the_door(entity: LegalEntity, content: bytes, code: str):
    before = world()
    with pytest.raises(FileRefused) as refused:
        receive(entity, content)
    assert (refused.value.code, refused.value.field) == (code, "file")
    assert world() == before


def test_a_file_over_the_limit_is_refused_at_the_door(entity: LegalEntity, settings):
    settings.IMPORT_MAX_BYTES = 1024 * 1024
    before = world()
    with pytest.raises(FileRefused) as refused:
        receive(entity, b"x" * 1024 * 1025)
    assert refused.value.code == "file_too_large"
    assert "2 Mio, 1 Mio au plus" in str(refused.value)
    assert world() == before


def test_an_unknown_reading_choice_is_refused(entity: LegalEntity):
    before = world()
    with pytest.raises(BusinessError) as refused:
        receive(entity, FILE, encoding="klingon")
    assert refused.value.field == "encoding"
    assert world() == before


def test_strange_characters_survive_the_road_to_the_staged_rows(entity: LegalEntity):
    cells = ["C1", "F\\N", "", "15/10/2026", "", "10,00", "", "", 'tab\there \\t \\. 🪑 א "q" \x00']
    text = ";".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    batch = preview(entity, csv_bytes(text, "\\.;\\N;\\;;;;;;"))
    first, second = batch.rows.order_by("line")
    assert first.number == "F\\N"
    assert first.cells[8] == 'tab\there \\t \\. 🪑 א "q" \ufffd'
    assert [error["code"] for error in first.errors] == ["nul_character"]
    assert (second.customer_code, second.number, second.outcome) == ("\\.", "\\N", "ERROR")


def test_a_nul_among_the_headers_ends_in_an_answer(entity: LegalEntity):
    content = csv_bytes("C1;F1;;15/10/2026;;10,00;;;;", header=";".join(HEADER) + ";No\x00te")
    batch = preview(entity, content)
    assert batch.status == ImportBatch.Status.PREVIEWED
    assert batch.dialect["headers"][-1] == "No\ufffdte"
    batch = preview(entity, csv_bytes("C1;F1", header="Code client;Num\x00éro"))
    assert (batch.status, batch.error_code) == (ImportBatch.Status.REJECTED, "columns_missing")


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be"])
def test_utf_32_is_no_encoding_of_ours(entity: LegalEntity, encoding: str):
    batch = preview(entity, csv_bytes("C1;F1;;15/10/2026;;10,00;;;;", encoding=encoding))
    assert batch.status == ImportBatch.Status.REJECTED
    assert batch.error_code in ("encoding_none", "encoding_utf16_unmarked")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.text(alphabet=st.characters(codec="utf-8"), max_size=12)
            | st.sampled_from(["C1", "F1", "15/10/2026", "10,00", "-5", "9" * 30, "EUR", "\\N", '"', ";"]),
            min_size=1,
            max_size=11,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_is_in_the_cells_the_database_takes_it_or_the_file_is_refused(rows: list[list[str]]):
    content = csv_bytes(*[";".join(cells) for cells in rows])
    out = io.StringIO()
    config = {"limits": Limits().as_json(), "options": {}, "currency": "EUR", "today": TODAY.isoformat()}
    try:
        count = read(io.BytesIO(content), out, config)
    except UnreadableFile as error:
        assert "%(" not in file_message(error.code, error.params)
        return
    lines = [line for line in out.getvalue().split("\n")[1:] if line and not line.startswith("!")]
    with Staging() as table:
        table.copy("\n".join([*lines, ""]).encode())
        with connection.cursor() as cursor:
            cursor.execute("SELECT errors FROM import_staging")
            staged = cursor.fetchall()
    assert len(staged) == count
    for (found,) in staged:
        for error in json.loads(found) if found else []:
            assert "%(" not in row_message(error)
