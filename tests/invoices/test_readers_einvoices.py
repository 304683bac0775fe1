"""Electronic invoices: what is understood of each syntax and profile, what is refused, and in which words."""

import io
import struct
import zipfile
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.money import NBSP
from invoices.import_messages import file_message, row_message
from invoices.readers.einvoice import archive
from invoices.readers.einvoices import open_einvoices
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.process import read_in_child
from invoices.readers.staged import StagedRow
from tests.invoices import einvoice_files as files
from tests.invoices.einvoice_files import cdar, cii, instalment, pdf_with, ubl, zip_of, zugferd_1

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


@pytest.mark.parametrize("profile", list(files.PROFILES))
def test_every_profile_of_cii_gives_the_same_item(profile: str) -> None:
    row = one(cii(profile=profile))
    assert not row.errors
    assert (row.number, row.kind, row.issue_date, row.currency) == (
        "FA-1",
        "INVOICE",
        date(2026, 10, 15),
        "EUR",
    )
    assert (row.total_amount, row.vat_amount, row.open_amount) == (
        Decimal("1200.00"),
        Decimal("200.00"),
        None,
    )
    assert row.due_date == (None if profile == "MINIMUM" else date(2026, 11, 30))
    assert row.reference == "CDE-77"
    customer = row.details["customer"]
    assert (customer["name"], customer["siren"]) == ("Boulangerie Martin", files.BUYER_SIREN)
    assert (customer["vat_number"], customer["account_code"]) == (files.BUYER_VAT, "C1")
    assert customer["address_lines"] == "3 rue du Port\n44000 Nantes"
    assert row.details["contacts"][0]["email"] == "lea@martin.test"
    assert row.details["einvoice"]["payment_reference"] == "RF-1"


def test_ubl_gives_identifiers_references_and_account() -> None:
    row = one(ubl(note="30 jours net"))
    assert not row.errors
    assert (row.number, row.kind, row.total_amount, row.due_date) == (
        "FA-2",
        "INVOICE",
        Decimal("1200.00"),
        date(2026, 11, 30),
    )
    told = row.details["einvoice"]
    assert (told["iban"], told["payment_reference"], told["preceding_invoices"]) == (
        "FR7630006000011234567890189",
        "RF-2",
        ["FA-0"],
    )
    assert row.details["customer"]["siret"] == "55208131766522"
    assert row.details["customer"]["siren"] == files.BUYER_SIREN


def test_zugferd_1_is_read_by_its_older_names() -> None:
    row = one(zugferd_1())
    assert not row.errors
    assert (row.number, row.total_amount, row.due_date, row.reference) == (
        "FA-3",
        Decimal("1200.00"),
        date(2026, 11, 30),
        "CDE-77",
    )
    assert row.details["einvoice"]["syntax"] == "ZUGFERD1"


@pytest.mark.parametrize("name", ["factur-x.xml", "ZUGFeRD-invoice.xml", "xrechnung.xml", "0000000"])
def test_the_invoice_in_a_pdf_is_found_whatever_its_name(name: str) -> None:
    row = one(pdf_with(cii(), name))
    assert (row.number, row.document_name, row.errors) == ("FA-1", "facture.pdf", [])


@pytest.mark.parametrize(
    ("content", "kind", "total", "vat"),
    [
        (cii(type_code="381"), "CREDIT_NOTE", "-1200.00", "-200.00"),
        (
            cii(lines=("-1000.00",), net="-1000.00", vat="-200.00", total="-1200.00", to_pay="-1200.00"),
            "CREDIT_NOTE",
            "-1200.00",
            "-200.00",
        ),
        (ubl(root="CreditNote", type_code="381"), "CREDIT_NOTE", "-1200.00", "-200.00"),
        (cii(type_code="386"), "DEPOSIT", "1200.00", "200.00"),
        (cii(type_code="384"), "INVOICE", "1200.00", "200.00"),
        (cii(type_code="389"), "INVOICE", "1200.00", "200.00"),
        (cii(type_code="396"), "CREDIT_NOTE", "-1200.00", "-200.00"),
        (cii(type_code="503"), "CREDIT_NOTE", "-1200.00", "-200.00"),
    ],
)
def test_the_type_and_the_sign_give_the_nature(content: bytes, kind: str, total: str, vat: str) -> None:
    row = one(content)
    assert not row.errors
    assert (row.kind, row.total_amount, row.vat_amount) == (kind, Decimal(total), Decimal(vat))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (cii(type_code="325"), "einvoice_pro_forma"),
        (cii(type_code="12"), "einvoice_type_unknown"),
        (
            cii(
                type_code="381", lines=("-1000.00",), net="-1000.00", vat="-200.00", total="-1200.00",
                to_pay="-1200.00",
            ),
            "einvoice_credit_sign",
        ),
        (cii(number=""), "einvoice_missing"),
        (cii(number="F" * 41), "text_too_long"),
        (cii(number="=1+1"), "formula_like"),
        (cii(issued="20261399"), "einvoice_date"),
        (cii(issued="18500101"), "date_implausible"),
        (cii(due="20260101"), "due_before_issue"),
        (cii(due="20500101"), "due_too_late"),
        (cii(currency="XXX"), "currency_unknown"),
        (cii(total="1 200,00"), "einvoice_amount"),
        (cii(net="1000.005", lines=("1000.005",), total="1200.005", to_pay="1200.005"), "amount_decimals"),
        (
            cii(
                context="<ram:TestIndicator><udt:Indicator>true</udt:Indicator></ram:TestIndicator>"
            ),
            "einvoice_is_test",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_column(content: bytes, code: str) -> None:
    row = one(content)
    assert code in codes(row)
    assert all(row_message(error) for error in row.errors)


@pytest.mark.parametrize(
    ("content", "rule", "written", "expected"),
    [
        (cii(lines=("600.00", "300.00")), "br_co_10", "1000.00", "900.00"),
        (cii(settlement=files.allowance("10.00")), "br_co_11", "0.00", "10.00"),
        (cii(settlement=files.allowance("10.00", charge=True)), "br_co_12", "0.00", "10.00"),
        (ubl(lines=("990.00",), net="1000.00"), "br_co_10", "1000.00", "990.00"),
        (cii(total="1300.00", to_pay="1300.00"), "br_co_15", "1300.00", "1200.00"),
        (cii(to_pay="900.00"), "br_co_16", "900.00", "1200.00"),
        (cii(vat="100.00", total="1100.00", to_pay="1100.00"), "br_co_17", "100.00", "200.00"),
    ],
)
def test_a_sum_that_does_not_hold_names_its_rule_and_both_figures(
    content: bytes, rule: str, written: str, expected: str
) -> None:
    row = one(content)
    (error,) = [error for error in row.errors if error["code"] == rule]
    assert (error["value"], error["expected"]) == (written, expected)
    said = row_message(error)
    assert rule.upper().replace("_", "-") in said
    assert "," in said, "amounts are written as people write them"


def test_net_and_vat_totals_are_held_to_their_parts() -> None:
    wrong_net = cii().replace(b"<ram:TaxBasisTotalAmount>1000.00", b"<ram:TaxBasisTotalAmount>1001.00")
    assert "br_co_13" in codes(one(wrong_net))
    wrong_vat = ubl().replace(
        b'<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">200.00',
        b'<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">201.00',
    )
    assert "br_co_14" in codes(one(wrong_vat))


def test_the_extended_profile_allows_a_cent_per_line_and_the_others_none() -> None:
    lines = ("599.99", "399.99")
    assert codes(one(cii(profile="EXTENDED", lines=lines))) == []
    assert codes(one(cii(profile="EN 16931", lines=lines))) == ["br_co_10"]


def test_what_was_paid_in_advance_leaves_the_rest_open() -> None:
    row = one(cii(prepaid="200.00", to_pay="1000.00"))
    assert (row.total_amount, row.open_amount, row.errors) == (Decimal("1200.00"), Decimal("1000.00"), [])
    minimum = one(cii(profile="MINIMUM", to_pay="1000.00"))
    assert (minimum.total_amount, minimum.open_amount, minimum.errors) == (
        Decimal("1200.00"),
        Decimal("1000.00"),
        [],
    )


def test_the_rounding_of_the_payment_is_part_of_what_is_owed() -> None:
    row = one(cii(rounding="0.50", to_pay="1200.50"))
    assert (row.total_amount, row.open_amount, row.errors) == (Decimal("1200.50"), None, [])


def test_instalments_are_a_row_each_and_share_the_vat() -> None:
    terms = instalment("20261130", "400.00") + instalment("20261231", "600.00")
    rows = read(cii(profile="EXTENDED", prepaid="200.00", to_pay="1000.00", terms=terms))
    assert [(row.instalment, row.due_date) for row in rows] == [
        (1, date(2026, 11, 30)),
        (2, date(2026, 12, 31)),
    ]
    assert [row.total_amount for row in rows] == [Decimal("600.00"), Decimal("600.00")]
    assert [row.open_amount for row in rows] == [Decimal("400.00"), Decimal("600.00")]
    assert sum(row.vat_amount or 0 for row in rows) == Decimal("200.00")
    assert [row.line for row in rows] == [1, 2]


def test_instalments_that_do_not_add_up_are_an_error() -> None:
    terms = instalment("20261130", "400.00") + instalment("20261231", "700.00")
    row = one(cii(profile="EXTENDED", terms=terms))
    assert codes(row) == ["einvoice_instalments"]
    assert "1 100,00" in row_message(row.errors[0]).replace("\u202f", " ")


@pytest.mark.parametrize(
    ("note", "due"),
    [
        ("Paiement le 30/11/2026 au plus tard", date(2026, 11, 30)),
        ("À régler avant le 2026-12-05.", date(2026, 12, 5)),
        ("Échéance : 1er décembre 2026", date(2026, 12, 1)),
        ("30 jours net", None),
        ("Le 30/11/2026 ou le 15/12/2026", None),
        ("Contrat du 01/01/2020", None),
        ("Escompte 2 % jusqu’au 25/10/2026", None),
        ("Au 31/02/2027", None),
    ],
)
def test_only_one_clear_date_in_the_terms_is_a_due_date(note: str, due: date | None) -> None:
    row = one(ubl(due="", note=note))
    assert (row.due_date, row.errors) == (due, [])


def test_an_invoice_of_another_seller_is_refused_by_name() -> None:
    row = one(cii(seller_siren="120027016", seller_vat="FR37120027016"))
    assert codes(row) == ["other_seller"]
    said = row_message(row.errors[0])
    assert "Moulins de la Loire (120027016)" in said


@pytest.mark.parametrize(
    ("siren", "vat", "entity", "is_ours"),
    [
        ("", files.SELLER_VAT, ENTITY, True),
        (files.SELLER_SIREN, "", ENTITY, True),
        ("", "", ENTITY, True),  # no identifier: the name decides
        ("", "", {**ENTITY, "name": "Autre maison"}, False),
        ("", "DE811569869", ENTITY, False),
        (files.SELLER_SIREN, "", {}, True),
    ],
)
def test_the_seller_is_known_by_siren_by_vat_number_or_by_name(
    siren: str, vat: str, entity: dict[str, str], is_ours: bool
) -> None:
    row = one(cii(seller_siren=siren, seller_vat=vat), entity)
    assert (codes(row) == []) is is_ours


def test_an_invoice_of_nothing_is_left_out() -> None:
    row = one(cii(lines=("0.00",), net="0.00", vat="0.00", total="0.00", to_pay="0.00"))
    assert (row.skipped, row.errors) == ("not_receivable", [])


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


def test_every_code_has_a_sentence_with_french_spacing() -> None:
    from invoices import einvoice_messages

    for messages in (einvoice_messages.FILE_MESSAGES, einvoice_messages.ROW_MESSAGES):
        for code, sentence in messages.items():
            text = str(sentence)
            for mark in ":;?!":
                for at, char in enumerate(text):
                    if char == mark and at:
                        assert text[at - 1] in (NBSP, "\u202f"), (code, text)


def test_details_never_hold_what_the_file_does_not_say() -> None:
    def empty(value: Any) -> bool:
        if isinstance(value, dict):
            return any(empty(inner) for inner in value.values())
        return value in ("", None)

    row = one(cii(profile="MINIMUM"))
    assert not empty(row.details["einvoice"])
    assert not empty(row.details["customer"])
