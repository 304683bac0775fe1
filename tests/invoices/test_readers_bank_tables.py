"""OFX and CSV of the bank; the format found from the bytes; any statement written and read again is the same."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invoices.readers.bank.detection import bank_format
from invoices.readers.bank.model import ReadLine, line_from_json, statement_from_json, to_json
from invoices.readers.bank.process import read_bank_in_child
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from tests.invoices.bank_texts import (
    IBAN,
    camt,
    camt_balance,
    camt_entry,
    cfonb,
    cfonb_record,
    line,
    lines,
    reading,
    refusal,
    statement,
)

OFX_1 = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n"
OFX_2 = '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="220"?>\n'


def ofx(
    *entries: str,
    head: str = OFX_1,
    account: str = "<BANKID>30006<BRANCHID>00001<ACCTID>12345678901",
    more: str = "",
) -> str:
    return (
        f"{head}<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM>{account}</BANKACCTFROM><BANKTRANLIST>"
        f"{''.join(entries)}</BANKTRANLIST>{more}</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )


def entry(
    amount: str = "100.00",
    day: str = "20261120",
    name: str = "VIR DURAND",
    kind: str = "CREDIT",
    more: str = "",
) -> str:
    return f"<STMTTRN><TRNTYPE>{kind}<DTPOSTED>{day}<TRNAMT>{amount}<FITID>F1<NAME>{name}{more}</STMTTRN>"


def test_ofx_of_both_generations() -> None:
    closed = (
        "<STMTTRN><TRNTYPE>CREDIT</TRNTYPE><DTPOSTED>20261120120000.000[+1:CET]</DTPOSTED><TRNAMT>+100.00</TRNAMT>"
        "<FITID>F1</FITID><PAYEE><NAME>Durand &amp; Fils</NAME></PAYEE><MEMO>FA001</MEMO></STMTTRN>"
    )
    old, new = line(ofx(entry(more="<MEMO>FA001"))), line(ofx(closed, head=OFX_2))
    assert (old.amount, old.booking_date, old.bank_reference) == (Decimal("100.00"), date(2026, 11, 20), "F1")
    assert (old.remittance, new.counterparty_name, new.remittance) == (
        "VIR DURAND FA001",
        "Durand & Fils",
        "Durand & Fils FA001",
    )


def test_ofx_balance_account_and_several_statements() -> None:
    balance = "<LEDGERBAL><BALAMT>250,50<DTASOF>20261120</LEDGERBAL>"
    found = statement(ofx(entry(), more=balance))
    assert found.account_identification == "300060000112345678901"
    assert (found.closing_amount, found.opening_amount, found.remark_code) == (
        Decimal("250.50"),
        None,
        "balance_missing",
    )
    body = ofx(entry())
    start, end = body.index("<STMTRS>"), body.index("</STMTRS>") + len("</STMTRS>")
    assert len(reading(body[:start] + body[start:end] * 3 + body[end:]).statements) == 3


@pytest.mark.parametrize(
    ("kind", "amount", "name", "nature", "returned"),
    [
        ("FEE", "-5.00", "COTISATION", "CHARGES", False),
        ("INT", "5.00", "INTERETS", "OTHER", False),
        ("CHECK", "-5.00", "CHQ", "CHEQUE", False),
        ("DEBIT", "-5.00", "PRLV IMPAYE DURAND AM04", "RETURN", True),
        ("CREDIT", "5.00", "VIR SEPA", "OTHER", False),
    ],
)
def test_ofx_natures(kind: str, amount: str, name: str, nature: str, returned: bool) -> None:
    found = line(ofx(entry(amount, kind=kind, name=name)))
    assert (found.nature, found.is_return) == (nature, returned)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ofx(entry("cent")), "amount_invalid"),
        (ofx(entry(day="20261340")), "date_invalid"),
        (ofx(entry().replace("<TRNAMT>100.00", "")), "amount_missing"),
        (ofx(entry()).replace("<CURDEF>EUR", "<CURDEF>E"), "currency_unknown"),
    ],
)
def test_ofx_refusals_are_placed(text: str, code: str) -> None:
    found = statement(text)
    assert (found.remark_code, found.is_refused) == (code, True)
    assert found.remark_params["field"] in ("TRNAMT", "DTPOSTED", "CURDEF")


def test_ofx_without_statement_or_with_a_document_type() -> None:
    assert refusal("<OFX><SIGNONMSGSRSV1></SIGNONMSGSRSV1></OFX>")[0] == "bank_no_statement"
    assert refusal("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><OFX></OFX>")[0] == "bank_xml_doctype"


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("Date opération;Libellé;Débit;Crédit;Devise\n02/11/2026;A;1 234,56;;EUR\n03/11/2026;B;;3 500,00;EUR", ["-1234.56", "3500.00"]),
        ("Date;Libellé;Montant\n02/11/2026;A;-1 234,56\n03/11/2026;B;3500,00", ["-1234.56", "3500.00"]),
        ("Booking date,Description,Amount,Currency\n2026-11-02,A,-1234.56,EUR\n2026-11-03,B,3500.00,EUR", ["-1234.56", "3500.00"]),
        ("Buchungstag;Verwendungszweck;Betrag;CCY\n02.11.2026;A;-1.234,56;EUR\n03.11.2026;B;3.500,00;EUR", ["-1234.56", "3500.00"]),
        ("Date\tLibellé\tMontant\tSens\n02/11/2026\tA\t1234,56\tD\n03/11/2026\tB\t3500,00\tC", ["-1234.56", "3500.00"]),
        ("Date;Libellé;Débit;Crédit\n02/11/2026;A;-1234,56;0,00\n03/11/2026;B;0,00;3500,00", ["-1234.56", "3500.00"]),
        ("Compte;FR76 3000 6000 0112 3456 7890 189\nPériode;novembre\n\nDate;Libellé;Montant\n02/11/2026;A;-1234,56\n03/11/2026;B;3500,00", ["-1234.56", "3500.00"]),
        ('"Date","Description","Amount"\n"11/21/2026","A","-1,234.56"\n"11/22/2026","B","3,500.00"', ["-1234.56", "3500.00"]),
    ],
)  # fmt: skip
def test_csv_dialects(text: str, amounts: list[str]) -> None:
    assert [str(row.amount) for row in lines(text)] == amounts
    assert [str(row.amount) for row in lines(text.encode("cp1252"))] == amounts


def test_csv_balances_of_both_orders() -> None:
    rows = ["01/11/2026;A;100,00;1100,00", "02/11/2026;B;-50,00;1050,00", "03/11/2026;C;200,00;1250,00"]
    for order in (rows, rows[::-1]):
        found = statement("\n".join(["Date;Libellé;Montant;Solde", *order]))
        assert (found.opening_amount, found.closing_amount, found.remark_code) == (
            Decimal("1000.00"),
            Decimal("1250.00"),
            "",
        )
    wrong = statement("\n".join(["Date;Libellé;Montant;Solde", rows[0], rows[2]]))
    assert (wrong.remark_code, wrong.is_refused) == ("balance_differs", True)


def test_csv_accounts_and_payers() -> None:
    own = f"Date;Libellé;Montant;IBAN\n02/11/2026;A;1,00;{IBAN}\n03/11/2026;B;1,00;{IBAN}"
    assert statement(own).account_identification == IBAN
    others = f"Date;Libellé;Montant;IBAN;Tiers\n02/11/2026;A;1,00;{IBAN};Durand\n03/11/2026;B;1,00;DE89370400440532013000;Meyer"
    assert [(row.counterparty_iban, row.counterparty_name) for row in lines(others)] == [
        (IBAN, "Durand"), ("DE89370400440532013000", "Meyer"),
    ]  # fmt: skip
    assert (
        refusal(
            f"Date;Libellé;Montant;Compte\n02/11/2026;A;1,00;{IBAN}\n03/11/2026;B;1,00;DE89370400440532013000"
        )[0]
        == "bank_accounts_mixed"
    )
    assert statement("Date;Libellé;Montant\n02/11/2026;A;1,00", account=IBAN).account_identification == IBAN


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("Date;Libellé;Montant\n02/11/2026;A;cent", "bank_amount_invalid", "Montant"),
        ("Date;Libellé;Montant\n32/11/2026;A;1,00", "bank_date_invalid", "Date"),
        ("Date;Libellé;Montant\n;A;1,00", "bank_date_missing", "Date"),
        ("Date;Libellé;Débit;Crédit\n02/11/2026;A;;", "bank_amount_missing", "Débit"),
        ("Date;Libellé;Montant;Sens\n02/11/2026;A;1,00;X", "bank_sign_invalid", "Sens"),
        ("Date;Libellé;Montant;Devise\n02/11/2026;A;1,00;EURO TRASH", "bank_currency_unknown", "Devise"),
    ],
)
def test_csv_errors_name_line_and_column(text: str, code: str, column: str) -> None:
    found, params = refusal(text)
    assert (found, params["line"], params["column"]) == (code, 2, column)


def test_csv_without_columns_or_rows() -> None:
    assert refusal("Nom;Prénom\nA;B") == ("bank_columns_missing", {"found": ["Nom", "Prénom"]})
    assert refusal("Date;Libellé;Montant\n")[0] == "bank_no_movement"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (camt(camt_entry()).encode(), "CAMT"),
        (b"\xef\xbb\xbf" + camt(camt_entry()).encode(), "CAMT"),
        (camt(camt_entry()).encode("utf-16"), "CAMT"),
        (b"\r\n\r\n:20:A\r\n:25:B\r\n", "MT940"),
        (b"{1:F01X}{2:O940}{4:\r\n:20:A\r\n", "MT940"),
        (b"ABNANL2A\n940\nABNANL2A\n:20:ABN\n:25:1\n", "MT940"),
        (cfonb().encode(), "CFONB120"),
        (b"3100000120181220E    300661077100020030401".ljust(240), "CFONB240"),
        (OFX_1.encode() + b"<OFX>", "OFX"),
        (OFX_2.encode() + b"<OFX>", "OFX"),
        (b"Date;Montant\n", "CSV"),
    ],
)
def test_the_format_is_found_from_the_bytes(content: bytes, expected: str) -> None:
    assert bank_format(content) == expected


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"%PDF-1.4 ...", "format_pdf"),
        (b"PK\x03\x04" + bytes(40), "bank_archive"),
        (b"<html></html>", "bank_markup_unknown"),
        (b"bonjour", "bank_format_unknown"),
        (bytes(400), "bank_format_unknown"),
    ],
)
def test_what_is_no_bank_file_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        bank_format(content)
    assert refused.value.code == code


def test_the_confined_child_gives_the_same(tmp_path: object) -> None:
    path = tmp_path / "statement.xml"  # type: ignore[operator]
    path.write_text(camt(*([camt_entry()] * 3), closing="300.00"))
    with path.open("rb") as stream:
        found = read_bank_in_child(stream, options={}, limits=Limits())
    here = reading(path.read_bytes())
    assert found.format == here.format
    assert found.statements == here.statements
    assert list(found.statements[0].lines) == list(here.statements[0].lines)
    assert list(found.statements[0].lines) == list(found.statements[0].lines)
    assert len(found.statements[0].lines) == 3
    path.write_text("Date;Libellé;Montant\n02/11/2026;A;cent")
    with path.open("rb") as stream, pytest.raises(UnreadableFile) as refused:
        read_bank_in_child(stream, options={}, limits=Limits())
    assert refused.value.code == "bank_amount_invalid"


cents = st.integers(-10_000_000, 10_000_000).filter(bool).map(lambda value: Decimal(value).scaleb(-2))
days = st.integers(0, 700).map(lambda number: date(2025, 6, 1) + timedelta(days=number))
words = (
    st.text(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ."), min_size=1, max_size=30)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
movements = st.lists(st.tuples(cents, days, words), min_size=0, max_size=8)
openings = st.integers(-10_000_000, 10_000_000).map(lambda value: Decimal(value).scaleb(-2))
PROPERTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def facts(found: list[ReadLine]) -> list[tuple[Decimal, date, str]]:
    return [(row.amount, row.booking_date, row.remittance) for row in found]


@PROPERTY
@given(moves=movements, opening=openings)
def test_any_camt_statement_reads_back(moves: list[tuple[Decimal, date, str]], opening: Decimal) -> None:
    closing = opening + sum(amount for amount, _day, _text in moves)
    entries = [
        camt_entry(
            str(abs(amount)), "CRDT" if amount > 0 else "DBIT", day=f"<BookgDt><Dt>{day}</Dt></BookgDt>",
            details=f"<NtryDtls><TxDtls><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls>",
        )
        for amount, day, text in moves
    ]  # fmt: skip
    balances = camt_balance(
        "OPBD", str(abs(opening)), "CRDT" if opening >= 0 else "DBIT", "2025-05-01"
    ) + camt_balance("CLBD", str(abs(closing)), "CRDT" if closing >= 0 else "DBIT", "2027-12-31")
    found = statement(camt(*entries, balances=balances))
    assert (found.opening_amount, found.closing_amount, found.remark_code) == (opening, closing, "")
    assert facts(list(found.lines)) == moves


@PROPERTY
@given(moves=movements, opening=openings)
def test_any_mt940_statement_reads_back(moves: list[tuple[Decimal, date, str]], opening: Decimal) -> None:
    def balance(amount: Decimal) -> str:
        return f"{'C' if amount >= 0 else 'D'}251231EUR{abs(amount):.2f}".replace(".", ",")

    fields = [":20:A", f":25:{IBAN}", ":28C:1/1", f":60F:{balance(opening)}"]
    for amount, day, text in moves:
        fields += [
            f":61:{day:%y%m%d}{day:%m%d}{'C' if amount > 0 else 'D'}{abs(amount):.2f}NTRFNONREF".replace(
                ".", ","
            ),
            f":86:{text}",
        ]
    closing = opening + sum(amount for amount, _day, _text in moves)
    found = statement("\r\n".join([*fields, f":62F:{balance(closing)}", "-"]))
    assert (found.opening_amount, found.closing_amount, found.remark_code) == (opening, closing, "")
    assert facts(list(found.lines)) == moves


@PROPERTY
@given(moves=movements, opening=openings)
def test_any_cfonb_statement_reads_back(moves: list[tuple[Decimal, date, str]], opening: Decimal) -> None:
    records = []
    for amount, day, text in moves:
        records += [
            cfonb_record("04", day=f"{day:%d%m%y}", value_day=f"{day:%d%m%y}", amount=amount, operation="18"),
            cfonb_record("05", qualifier="LCC", text=text),
        ]
    closing = opening + sum(amount for amount, _day, _text in moves)
    found = statement(cfonb(*records, opening=str(opening), closing=str(closing)))
    assert (found.opening_amount, found.closing_amount, found.remark_code) == (opening, closing, "")
    assert facts(list(found.lines)) == moves


@PROPERTY
@given(moves=movements.filter(bool), opening=openings, newest_first=st.booleans())
def test_any_csv_reads_back(
    moves: list[tuple[Decimal, date, str]], opening: Decimal, newest_first: bool
) -> None:
    balance, rows = opening, []
    for amount, day, text in moves:
        balance += amount
        rows.append(f"{day:%d/%m/%Y};L {text};{amount:.2f};{balance:.2f}".replace(".", ",", 0))
    ordered = rows[::-1] if newest_first else rows
    found = statement("\n".join(["Date;Libellé;Montant;Solde", *ordered]), decimal=".", date_order="dmy")
    read = facts(list(found.lines))
    assert (read[::-1] if newest_first else read) == [
        (amount, day, f"L {text}") for amount, day, text in moves
    ]
    assert not found.is_refused


@PROPERTY
@given(moves=movements, opening=openings)
def test_json_out_and_in(moves: list[tuple[Decimal, date, str]], opening: Decimal) -> None:
    found = statement(cfonb(opening=str(opening), closing=str(opening)))
    assert statement_from_json(to_json(found)) == found
    for rank, (amount, day, text) in enumerate(moves, 1):
        row = ReadLine(
            rank, rank, day, amount, "EUR", remittance=text, document_references=[{"number": text}]
        )
        assert line_from_json(to_json(row)) == row


def test_what_a_refusal_quotes_can_be_kept() -> None:
    _code, params = refusal("Nom\x00;Pr\x00nom\nA;B")
    assert params == {"found": ["Nom\ufffd", "Pr\ufffdnom"]}
    found = statement(ofx(entry("ce\x00nt")))
    assert found.remark_params["value"] == "ce\ufffdnt"
