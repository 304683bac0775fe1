"""Life-cycle messages (CDAR): what is read of them, alone or in a ZIP, and what is refused."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from invoices.einvoice_statuses import ReceivedStatus
from invoices.import_messages import file_message
from invoices.readers.errors import UnreadableFile
from invoices.readers.life_cycle import LARGEST_MESSAGE, read_instant, read_statuses
from tests.invoices.einvoice_files import SELLER_SIREN, cdar, cii, zip_of


def one(content: bytes) -> ReceivedStatus:
    (status,) = read_statuses(io.BytesIO(content)).statuses
    return status


def test_a_message_gives_number_code_instant_reason_amounts_and_seller() -> None:
    status = one(
        cdar(number="FA-7", code="206", reason="QTE_ERR", amounts={"MNATTC": "120.50"}, note="Manque 2 sacs")
    )
    assert (status.number, status.code, status.seller) == ("FA-7", "206", SELLER_SIREN)
    assert status.occurred_at == datetime(2026, 11, 20, 9, 15, tzinfo=UTC), (
        "French time where no zone is told"
    )
    assert [(reason.code, reason.text) for reason in status.reasons] == [("QTE_ERR", "Motif dit")]
    assert (status.amounts, status.currency) == ({"MNATTC": Decimal("120.50")}, "EUR")
    assert status.note == "Manque 2 sacs"


def test_amounts_of_one_type_are_added_over_vat_rates() -> None:
    text = cdar(code="212", amounts={"MEN": "120.00"}).decode()
    part = text[
        text.index("<ram:SpecifiedDocumentCharacteristic>") : text.index("</ram:SpecifiedDocumentStatus>")
    ]
    assert one(text.replace(part, part + part.replace("120.00", "55.00")).encode()).amounts == {
        "MEN": Decimal("175.00")
    }


def test_a_code_inside_the_details_is_taken_and_several_are_several_statuses() -> None:
    """Some platforms write the code with each detail instead of with the invoice."""
    text = cdar(code="").decode()
    details = "".join(
        "<ram:SpecifiedDocumentStatus><ram:ReferenceDateTime>"
        f'<udt:DateTimeString format="204">2026112{day}080000</udt:DateTimeString></ram:ReferenceDateTime>'
        f"<ram:ProcessConditionCode>{code}</ram:ProcessConditionCode></ram:SpecifiedDocumentStatus>"
        for day, code in ((0, "203"), (1, "205"))
    )
    start, end = text.index("<ram:SpecifiedDocumentStatus>"), text.index("</ram:ReferenceReferencedDocument>")
    found = read_statuses(io.BytesIO((text[:start] + details + text[end:]).encode())).statuses
    assert [(status.code, status.occurred_at.day) for status in found] == [("203", 20), ("205", 21)]


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("20261120", datetime(2026, 11, 19, 23, 0, tzinfo=UTC)),
        ("20260720101500", datetime(2026, 7, 20, 8, 15, tzinfo=UTC)),
        ("202611201015", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        ("2026-11-20T10:15:00Z", datetime(2026, 11, 20, 10, 15, tzinfo=UTC)),
        ("2026-11-20T10:15:00.5+02:00", datetime(2026, 11, 20, 8, 15, 0, 500000, tzinfo=UTC)),
        ("20261399", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("bientôt", None),
        ("", None),
    ],
)
def test_instants_are_read_as_they_are_written(written: str, instant: datetime | None) -> None:
    assert read_instant(written) == instant


def test_a_zip_gives_the_good_messages_and_tells_the_others() -> None:
    reading = read_statuses(
        io.BytesIO(
            zip_of(
                {
                    "a.xml": cdar(number="FA-1"),
                    "b.xml": cdar(number="FA-2", code="999"),
                    "c.xml": cdar(number="F" * 41),
                    "d.xml": cii(),
                    "e.xml": cdar()[:300],
                    "f.txt": b"rien",
                    "g.xml": cdar(number="FA-3", at="demain"),
                    "h.xml": cdar(number="FA-4"),
                }
            )
        )
    )
    assert [status.number for status in reading.statuses] == ["FA-1", "FA-4"]
    assert [(problem.name, problem.code) for problem in reading.problems] == [
        ("b.xml", "status_code"),
        ("c.xml", "status_number"),
        ("d.xml", "status_root"),
        ("e.xml", "xml_broken"),
        ("f.txt", "status_not_one"),
        ("g.xml", "status_instant"),
    ]
    assert all(file_message(problem.code, problem.params) for problem in reading.problems)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"bonjour", "status_not_one"),
        (cii(), "status_root"),
        (cdar()[:400], "xml_broken"),
        (b"<!DOCTYPE a><a/>", "xml_dtd"),
        (b"<CrossDomainAcknowledgementAndResponse/>", "status_empty"),
        (cdar(code="299"), "status_code"),
        (cdar() + b" " * LARGEST_MESSAGE, "xml_too_large"),
        (zip_of({}), "zip_empty"),
        (zip_of({"../a.xml": cdar()}), "zip_path"),
    ],
)
def test_a_file_of_no_status_is_refused_with_a_sentence(content: bytes, code: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read_statuses(io.BytesIO(content))
    assert refused.value.code == code
    assert file_message(code, refused.value.params)
