"""MT940 and MT942: field 61, the dialects of field 86, pages, envelopes, encodings."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.invoices.bank_texts import IBAN, line, reading, refusal, statement

ENTRY = ":61:2611201120C100,00NTRFNONREF//B1"


def mt940(
    *fields: str, opening: str = "C261119EUR0,00", closing: str = "C261120EUR100,00", end: str = "\r\n"
) -> str:
    return end.join(
        [":20:REF", f":25:{IBAN}", ":28C:5/1", f":60F:{opening}", *fields, f":62F:{closing}", "-", ""]
    )


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (":61:2611201120C100,00NTRFREF1//B1", {"amount": "100.00", "bank_reference": "B1", "end_to_end_id": "REF1"}),
        (":61:261120C100,NTRFNONREF", {"amount": "100.00", "bank_reference": "", "nature": "TRANSFER"}),
        (":61:2611201120CR100,5NTRFNONREF", {"amount": "100.50"}),
        (":61:2611201120D7,9NCHG", {"amount": "-7.90", "nature": "CHARGES"}),
        (":61:2611201120RC50,00NTRFX", {"amount": "-50.00", "is_return": True, "nature": "RETURN"}),
        (":61:2611201120RD50,00NTRFX", {"amount": "50.00", "is_return": True}),
        (":61:2611201120D50,00NRTIX", {"amount": "-50.00", "is_return": True}),
        (":61:2601021231C1,00NTRFX", {"value_date": date(2026, 1, 2), "booking_date": date(2025, 12, 31)}),
        (":61:2512310102C1,00NTRFX", {"value_date": date(2025, 12, 31), "booking_date": date(2026, 1, 2)}),
        (":61:2611201120C000000000001,62NTRFX//025498557/000001", {"amount": "1.62", "bank_reference": "025498557/000001"}),
        (":61:2611201120C9,00NCHKX\n/OCMT/CAD47,11/CHGS/EUR1,50", {"original_currency": "CAD", "original_amount": Decimal("47.11"), "charges_amount": Decimal("1.50")}),
    ],
)  # fmt: skip
def test_field_61(entry: str, expected: dict[str, Any]) -> None:
    found = line(mt940(entry))
    for name, value in expected.items():
        assert getattr(found, name) == (Decimal(value) if name == "amount" else value)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (
            ["166?00GUTSCHRIFT?10931?20EREF+PAY-1?21MREF+M 1?22SVWZ+RE 4711 vom?23 1.10.26?30BIC?31DE89370400440532013000?32Muster?33 GmbH"],
            {"end_to_end_id": "PAY-1", "mandate_reference": "M1", "remittance": "RE 4711 vom 1.10.26", "counterparty_name": "Muster GmbH", "counterparty_iban": "DE89370400440532013000", "nature": "TRANSFER", "bank_code": "166"},
        ),
        (["051?00UEBERWEISUNG?20Gehalt Oktob", "er?21Firma?32MUEL", "LER"], {"remittance": "Gehalt Oktober Firma", "counterparty_name": "MUELLER"}),
        (["020?00Wyplata?20FAKTURA 333?38PL08106000760000777777777777"], {"counterparty_iban": "PL08106000760000777777777777"}),
        (
            ["109?00RUECKLASTSCHRIFT?20EREF+PRLV-9?21SVWZ+AC04?32Client?34911"],
            {"is_return": True, "return_code": "AC04", "return_reason": "Compte clos", "returned_end_to_end_id": "PRLV-9", "nature": "RETURN"},
        ),
        (
            ["/TRTP/SEPA OVERBOEKING/IBAN/NL20INGB0001234567/BIC/INGBNL2A/NAME/Jan Jansen/REMI/Factuur 4711/EREF/E-1"],
            {"counterparty_iban": "NL20INGB0001234567", "counterparty_name": "Jan Jansen", "remittance": "Factuur 4711", "end_to_end_id": "E-1"},
        ),
        (
            ["/EREF/E-2//CNTP/NL32INGB0000012345/INGBNL2A/ING BANK NV INZAKE/AMSTERDAM///REMI/USTD//Facture FA001/"],
            {"counterparty_iban": "NL32INGB0000012345", "counterparty_name": "ING BANK NV INZAKE", "remittance": "Facture FA001", "end_to_end_id": "E-2"},
        ),
        (["/REMI/STRD/CUR/RF18539007547034/"], {"structured_reference": "RF18539007547034"}),
        (["/RTRN/MS03/EREF/E-3/REMI/retour"], {"is_return": True, "return_code": "MS03", "nature": "RETURN"}),
        (["/ORDP//NAME/DUPONT SA/ULTD//NAME/FILIALE/REMI/FACT 12"], {"counterparty_name": "DUPONT SA", "ultimate_name": "FILIALE", "remittance": "FACT 12"}),
        (
            ["VIREMENT SEPA RECU /DE DUPONT SARL /MOTIF FACTURE FA0012 /REF NOTPROVIDED"],
            {"counterparty_name": "DUPONT SARL", "remittance": "FACTURE FA0012", "end_to_end_id": ""},
        ),
        (["PRLV SEPA IMPAYE AM04 DUPONT"], {"is_return": True, "return_code": "AM04"}),
        (["BEA   NR:XXX1234   21.05.11/12.54 DIROXX", "suite"], {"remittance": "BEA NR:XXX1234 21.05.11/12.54 DIROXX suite"}),
        ([("/REMI/" + "A" * 59), "B12"], {"remittance": "A" * 59 + "B12"}),
    ],
)  # fmt: skip
def test_field_86(details: list[str], expected: dict[str, Any]) -> None:
    found = line(mt940(ENTRY, f":86:{details[0]}", *details[1:]))
    for name, value in expected.items():
        assert getattr(found, name) == value


def test_a_line_that_begins_like_a_field_is_no_field() -> None:
    found = line(mt940(ENTRY, ":86:106?20SVWZ+STARTER 2019T03:46", ":08 Karten?21nr. 5355"))
    assert found.remittance == "STARTER 2019T03:46:08 Kartennr. 5355"


def test_what_stands_before_and_after_the_entries_is_no_detail() -> None:
    found = statement(
        mt940(":86:Avis", ENTRY, ":86:FA001").replace(
            ":62F:C261120EUR100,00", ":62F:C261120EUR100,00\r\n:64:C261120EUR1,00\r\n:86:fin"
        )
    )
    assert [item.remittance for item in found.lines] == ["FA001"]


def test_pages_of_one_statement_are_one_statement() -> None:
    first = f":20:A\n:25:{IBAN}\n:28C:9/1\n:60F:C261119EUR0,00\n{ENTRY}\n:62M:C261120EUR100,00\n-\n"
    second = f":20:A\n:25:{IBAN}\n:28C:9/2\n:60M:C261120EUR100,00\n{ENTRY}\n:62F:C261120EUR200,00\n-\n"
    found = statement(first + second)
    assert (found.opening_amount, found.closing_amount, found.line_count) == (
        Decimal("0.00"),
        Decimal("200.00"),
        2,
    )
    assert found.remark_code == ""
    (cut, other) = reading(first + second.replace("60M:C261120EUR100,00", "60M:C261120EUR150,00")).statements
    assert (other.remark_code, cut.remark_code) == ("pages_differ", "")


def test_several_messages_and_envelopes() -> None:
    one = mt940(ENTRY)
    enveloped = "{1:F01BANKFRPPAXXX0000000000}{2:O9400000}{4:\r\n" + one.replace("\r\n-\r\n", "\r\n-}\r\n")
    on_one_line = "{1:F01BANK}{2:O940}{4::20:REF" + one[len(":20:REF") :]
    found = reading(one + enveloped + on_one_line).statements
    assert [(item.rank, item.line_count, item.remark_code) for item in found] == [
        (1, 1, ""),
        (2, 1, ""),
        (3, 1, ""),
    ]
    without_end = reading(one.replace("-\r\n", "") * 2).statements
    assert len(without_end) == 2


@pytest.mark.parametrize(
    ("written", "account"),
    [
        (IBAN, IBAN),
        ("BNPAFRPP/" + IBAN, IBAN),
        (IBAN + "EUR", IBAN),
        (IBAN + " EUR", IBAN),
        ("10020030/1234567", "10020030/1234567"),
        ("517852257", "517852257"),
    ],
)
def test_accounts(written: str, account: str) -> None:
    assert statement(mt940(ENTRY).replace(f":25:{IBAN}", f":25:{written}")).account_identification == account


def test_encodings_and_line_ends() -> None:
    for codec in ("utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16"):
        for end in ("\n", "\r\n", "\r"):
            assert (
                line(mt940(ENTRY, ":86:R\u00e9gl\u00e9", end=end).encode(codec)).remittance
                == "R\u00e9gl\u00e9"
            )
    assert (
        line(mt940(ENTRY, ":86:R\u00e9gl\u00e9").encode("cp850"), encoding="cp850").remittance
        == "R\u00e9gl\u00e9"
    )


def test_an_interim_report() -> None:
    text = f":20:A\n:25:{IBAN}\n:28C:1/1\n:34F:EURD0,00\n:13D:2611201200+0100\n{ENTRY}\n:61:261120EC5,00NTRFX\n:90D:0EUR0,00\n:90C:1EUR100,00\n-\n"
    found = statement(text)
    assert (found.kind, found.currency, found.line_count, found.remark_code) == (
        "INTERIM",
        "EUR",
        1,
        "pending_left_out",
    )
    wrong = statement(text.replace(":90C:1EUR100,00", ":90C:1EUR90,00"))
    assert (wrong.remark_code, wrong.is_refused) == ("totals_differ", True)
    assert wrong.remark_params == {"side": "credit", "said": "90.00", "found": "100.00", "currency": "EUR"}


@pytest.mark.parametrize(
    ("old", "new", "code", "column"),
    [
        (ENTRY, ":61:2613401120C100,00NTRFX", "date_invalid", 5),
        (ENTRY, ":61:2611201340C100,00NTRFX", "date_invalid", 11),
        (ENTRY, ":61:nonsense", "entry_invalid", 5),
        (ENTRY, ":61:2611201120C100,005NTRFX", "amount_decimals", 16),
        (":60F:C261119EUR0,00", ":60F:EUR0,00", "balance_invalid", 6),
        (":62F:C261120EUR100,00", ":62F:C261120USD100,00", "currency_mixed", None),
    ],
)
def test_a_wrong_field_refuses_its_statement_only(old: str, new: str, code: str, column: int | None) -> None:
    wrong, right = reading(mt940(ENTRY).replace(old, new) + mt940(ENTRY)).statements
    assert (wrong.remark_code, wrong.is_refused) == (code, True)
    assert wrong.remark_params["line"] in range(4, 8)
    assert wrong.remark_params.get("column") == column
    assert (right.remark_code, right.line_count) == ("", 1)


def test_a_day_of_a_balance_that_does_not_exist_counts_for_nothing() -> None:
    found = statement(mt940(ENTRY, closing="C261131EUR100,00"))
    assert (found.remark_code, found.to_date) == ("", date(2026, 11, 20))


def test_what_does_not_add_up_is_refused() -> None:
    found = statement(mt940(ENTRY, closing="C261120EUR120,00"))
    assert (found.remark_code, found.remark_params["difference"]) == ("balance_differs", "20.00")


def test_fields_outside_of_a_statement_are_refused() -> None:
    assert refusal(f"{ENTRY}\n") == ("bank_field_outside", {"line": 1, "field": ":61:"})
    assert refusal(":86:rien\n:28C:1\n")[0] == "bank_no_statement"
