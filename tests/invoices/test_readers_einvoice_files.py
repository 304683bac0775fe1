"""Files of electronic invoices from strangers: archives, tricks, bombs, damage; and the confined child."""

import io
import struct
import zipfile

import pytest

from invoices.import_messages import row_message
from invoices.readers.einvoice import archive
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.process import read_in_child
from tests.invoices.einvoice_files import cdar, cii, pdf_with, ubl, zip_of
from tests.invoices.einvoice_reading import ENTITY, TODAY, codes, one, read, refusal


def test_a_zip_reads_each_document_and_goes_past_the_bad_ones() -> None:
    rows = read(
        zip_of(
            {
                "2026/octobre/FA-1.xml": cii(),
                "2026/octobre/FA-1.pdf": pdf_with(None),
                "2026/novembre/FA-4.pdf": pdf_with(cii(number="FA-4")),
                "seul.pdf": pdf_with(None),
                "casse.xml": cii()[:500],
                "commande.xml": b"<SCRDMCCBDACIOMessageStructure/>",
                "statut.xml": cdar(),
                "note.txt": b"bonjour",
                "__MACOSX/._FA-1.xml": b"x",
            }
        )
    )
    assert [(row.document_name, row.number, codes(row)) for row in rows] == [
        ("2026/octobre/FA-1.pdf", "FA-1", []),
        ("2026/novembre/FA-4.pdf", "FA-4", []),
        ("seul.pdf", None, ["pdf_without_xml"]),
        ("casse.xml", None, ["xml_broken"]),
        ("commande.xml", None, ["einvoice_is_order"]),
        ("statut.xml", None, ["einvoice_is_status"]),
        ("note.txt", None, ["member_not_invoice"]),
    ]
    assert [row.line for row in rows] == list(range(1, 8))
    assert all(row_message(error) for row in rows for error in row.errors)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"bonjour", "einvoice_not_one"),
        (pdf_with(None), "pdf_without_xml"),
        (pdf_with(cii(), password="secret"), "pdf_encrypted"),
        (b"%PDF-1.7 rien", "pdf_broken"),
        (cii()[:700], "xml_broken"),
        (b"<html><body/></html>", "einvoice_root"),
        (b'<Invoice xmlns="urn:autre"/>', "einvoice_root"),
        (b"<Document/>", "einvoice_is_bank"),
        (zip_of({}), "zip_empty"),
        (zip_of({"a.xml": cii()})[:-30], "zip_broken"),
        (zip_of({"../a.xml": cii()}), "zip_path"),
        (zip_of({"/etc/a.xml": cii()}), "zip_path"),
        (zip_of({"c:a.xml": cii()}), "zip_path"),
        (zip_of({"a\\b.xml": cii()}), "zip_path"),
        (zip_of({"dedans.zip": zip_of({"a.xml": cii()})}), "zip_nested"),
        (zip_of({"dedans.pdf": zip_of({"a.xml": cii()})}), "zip_nested"),
        (zip_of({"bombe.xml": b"<a>" + b" " * 30_000_000 + b"</a>"}), "zip_bomb"),
    ],
    # An encrypted file is another one at every making: its bytes name no test.
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_a_file_as_a_whole_is_refused_with_a_sentence(content: bytes, code: str) -> None:
    assert refusal(content) == code


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]><lolz>&lol2;</lolz>"""


@pytest.mark.parametrize(
    "content",
    [
        BOMB,
        b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<?xml version="1.0"?><!doctype a [<!ENTITY x SYSTEM "http://example.test/">]><a>&x;</a>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"),
    ],
)
def test_document_types_and_entities_are_refused_before_they_are_read(content: bytes) -> None:
    assert refusal(content) == "xml_dtd"
    assert codes(read(zip_of({"a.xml": content, "b.xml": cii()}))[0]) == ["xml_dtd"]


def test_a_link_an_encrypted_or_a_double_member_refuses_the_archive() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        link = zipfile.ZipInfo("lien.xml")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
    assert refusal(out.getvalue()) == "zip_path"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("a.xml", cii())
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("a.xml", cii(number="FA-9"))
    assert refusal(out.getvalue()) == "zip_duplicate"
    flagged = bytearray(zip_of({"a.xml": cii()}))
    at = flagged.rfind(b"PK\x01\x02")
    struct.pack_into("<H", flagged, at + 8, 1)
    assert refusal(bytes(flagged)) == "zip_encrypted"


def test_a_directory_of_too_many_files_is_refused_before_it_is_read(monkeypatch) -> None:
    many = zip_of({f"{index}.xml": b"<a/>" for index in range(30)})
    monkeypatch.setattr(archive, "MOST_MEMBERS", 20)
    assert refusal(many) == "zip_too_many"


def test_a_member_that_lies_about_its_size_is_an_error_of_its_own() -> None:
    packed = bytearray(zip_of({"a.xml": cii(), "b.xml": cii(number="FA-8")}))
    at = packed.find(b"PK\x01\x02")
    struct.pack_into("<I", packed, at + 24, 40)
    rows = read(bytes(packed))
    assert [codes(row) for row in rows] == [["member_broken"], []]


def test_utf_16_and_marks_before_the_declaration_are_read() -> None:
    text = cii().decode().replace("UTF-8", "UTF-16")
    assert one(text.encode("utf-16")).number == "FA-1"
    assert one(b"\xef\xbb\xbf\xef\xbb\xbf" + cii()).number == "FA-1"
    assert one(b"\n  " + cii()).number == "FA-1"


def test_the_confined_child_reads_and_refuses_the_same(tmp_path) -> None:
    def in_child(content: bytes) -> tuple[int, bytes]:
        path = tmp_path / "file"
        path.write_bytes(content)
        with (
            path.open("rb") as stream,
            read_in_child(
                stream,
                options={},
                limits=Limits(),
                currency="EUR",
                today=TODAY,
                file_format="EINVOICE",
                entity=ENTITY,
            ) as reading,
        ):
            pieces = list(reading.pieces())
            return reading.total, b"".join(piece for piece, _count in pieces)

    total, rows = in_child(zip_of({"a.xml": cii(), "b.pdf": pdf_with(ubl(number="FA-5"))}))
    assert total == 2
    assert rows.count(b"\n") == 2 and b"FA-5" in rows
    with pytest.raises(UnreadableFile) as refused:
        in_child(BOMB)
    assert refused.value.code == "xml_dtd"
