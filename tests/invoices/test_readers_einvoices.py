"""Electronic invoices: what is understood of each syntax and profile, what is refused, and in which words."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.money import NBSP
from invoices.import_messages import row_message
from tests.invoices import einvoice_files as files
from tests.invoices.einvoice_files import cii, instalment, pdf_with, ubl, zugferd_1
from tests.invoices.einvoice_reading import ENTITY, codes, one, read


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


def test_what_was_paid_beyond_the_total_leaves_nothing_open() -> None:
    row = one(cii(prepaid="1500.00", to_pay="-300.00"))
    assert (row.total_amount, row.open_amount, row.errors) == (Decimal("1200.00"), Decimal("0"), [])


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
    opposed = instalment("20261130", "1300.00") + instalment("20261231", "-100.00")
    assert codes(one(cii(profile="EXTENDED", terms=opposed))) == ["einvoice_instalments"]
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
