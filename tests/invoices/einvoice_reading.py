"""Electronic invoices read in this process, for tests."""

import io
from collections.abc import Mapping
from datetime import date

import pytest

from invoices.import_messages import file_message
from invoices.readers.einvoices import open_einvoices
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.staged import StagedRow
from tests.invoices import einvoice_files as files

TODAY = date(2026, 11, 23)
ENTITY = {"siren": files.SELLER_SIREN, "vat_number": files.SELLER_VAT, "name": "Moulins de la Loire"}


def read(content: bytes, entity: Mapping[str, str] = ENTITY) -> list[StagedRow]:
    config = {"limits": Limits().as_json(), "today": TODAY.isoformat(), "entity": dict(entity)}
    source = open_einvoices(io.BytesIO(content), config)
    return list(source.rows())


def one(content: bytes, entity: Mapping[str, str] = ENTITY) -> StagedRow:
    (row,) = read(content, entity)
    return row


def codes(row: StagedRow) -> list[str]:
    return [error["code"] for error in row.errors]


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableFile) as refused:
        read(content)
    assert file_message(refused.value.code, refused.value.params)
    return refused.value.code
