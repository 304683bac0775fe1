"""CAMT.052, .053 and .054: versions, batches, returns, parties, remittances, balances, hostile XML."""

import tracemalloc
from datetime import date
from decimal import Decimal

import pytest

from invoices.readers.bank.reading import bank_events
from invoices.readers.limits import Limits
from tests.invoices.bank_texts import (
    IBAN,
    camt,
    camt_balance,
    camt_entry,
    line,
    lines,
    reading,
    refusal,
    statement,
)


def tx(amount: str = "", *, inner: str = "", wrap: str = "Amt") -> str:
    money = f'<Amt Ccy="EUR">{amount}</Amt>' if amount else ""
    if wrap != "Amt" and amount:
        money = f"<AmtDtls><{wrap}>{money}</{wrap}></AmtDtls>"
    return f"<TxDtls>{money}{inner}</TxDtls>"


def details(*parts: str) -> str:
    return f"<NtryDtls><Btch><NbOfTxs>{len(parts)}</NbOfTxs></Btch>{''.join(parts)}</NtryDtls>"


@pytest.mark.parametrize("kind", ["052", "053", "054"])
@pytest.mark.parametrize("version", [f"{number:02d}" for number in range(2, 14)])
def test_every_version_is_read(kind: str, version: str) -> None:
    status = "<Sts>BOOK</Sts>" if int(version) < 8 else "<Sts><Cd>BOOK</Cd></Sts>"
    found = statement(camt(camt_entry(status=status), kind=kind, version=version))
    assert found.kind == {"052": "INTERIM", "053": "BOOKED", "054": "NOTIFICATION"}[kind]
    assert (found.account_identification, found.identification, found.sequence) == (IBAN, "S1", "7")
    assert [entry.amount for entry in found.lines] == [Decimal("100.00")]
    assert (found.remark_code, found.is_refused) == ("", False)


@pytest.mark.parametrize(
    ("prefix", "namespace"),
    [
        ("", ""),
        ("ns2", None),
        ("", "urn:some:bank:of:its:own"),
        ("", "urn:iso:std:iso:20022:tech:xsd:camt.053.001.99"),
    ],
)
def test_any_namespace_is_read(prefix: str, namespace: str | None) -> None:
    assert line(camt(camt_entry(), prefix=prefix, namespace=namespace)).amount == Decimal("100.00")


def test_a_message_without_its_envelope_is_read() -> None:
    text = camt(camt_entry(), namespace="").replace("<Document>", "").replace("</Document>", "")
    assert line(text).amount == Decimal("100.00")


def test_other_encodings_are_read() -> None:
    text = camt(camt_entry(details=details(tx(inner="<RmtInf><Ustrd>Réglé</Ustrd></RmtInf>"))))
    for codec, name in (("iso-8859-15", "ISO-8859-15"), ("cp1252", "windows-1252"), ("utf-16", "UTF-16")):
        assert line(text.replace("UTF-8", name).encode(codec)).remittance == "Réglé"


def test_several_statements_in_one_file() -> None:
    body = camt(camt_entry())
    start, end = body.index("<Stmt>"), body.index("</Stmt>") + len("</Stmt>")
    found = reading(body[:start] + body[start:end] * 3 + body[end:]).statements
    assert [item.rank for item in found] == [1, 2, 3]
    assert [[row.rank for row in item.lines] for item in found] == [[1], [1], [1]]


@pytest.mark.parametrize("wrap", ["Amt", "TxAmt", "InstdAmt"])
def test_a_batch_that_adds_up_gives_its_transactions(wrap: str) -> None:
    entry = camt_entry(details=details(tx("60.00", wrap=wrap), tx("40.00", wrap=wrap)))
    assert [(row.amount, row.entry_rank, row.rank) for row in lines(camt(entry))] == [
        (Decimal("60.00"), 1, 1),
        (Decimal("40.00"), 1, 2),
    ]


@pytest.mark.parametrize(
    "parts",
    [
        (tx("60.00"), tx("39.99")),
        (tx("60.00"), tx()),
        (tx("60.00"), '<TxDtls><Amt Ccy="USD">40.00</Amt></TxDtls>'),
    ],
)
def test_a_batch_that_does_not_add_up_is_one_movement_without_payer(parts: tuple[str, ...]) -> None:
    payer = "<RltdPties><Dbtr><Nm>Durand</Nm></Dbtr></RltdPties>"
    found = line(camt(camt_entry(details=details(*parts).replace("</TxDtls>", f"{payer}</TxDtls>"))))
    assert (found.amount, found.counterparty_name) == (Decimal("100.00"), "")


def test_a_batch_mixes_debits_and_credits() -> None:
    back = '<TxDtls><Amt Ccy="EUR">20.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></TxDtls>'
    assert [row.amount for row in lines(camt(camt_entry(details=details(tx("120.00"), back))))] == [
        Decimal("120.00"),
        Decimal("-20.00"),
    ]


def test_parties_of_both_shapes() -> None:
    for shape in ("{0}", "<Pty>{0}</Pty>"):
        parties = (
            f"<RltdPties><Dbtr>{shape.format('<Nm>Payeur</Nm>')}</Dbtr><DbtrAcct><Id><IBAN>FR76 3000 6000 0112 3456 7890 189"
            f"</IBAN></Id></DbtrAcct><UltmtDbtr>{shape.format('<Nm>Filiale</Nm>')}</UltmtDbtr>"
            f"<Cdtr>{shape.format('<Nm>Nous</Nm>')}</Cdtr></RltdPties>"
        )
        found = line(camt(camt_entry(details=details(tx(inner=parties)))))
        assert (found.counterparty_name, found.counterparty_iban, found.ultimate_name) == (
            "Payeur",
            IBAN,
            "Filiale",
        )
        paid = line(camt(camt_entry(side="DBIT", details=details(tx(inner=parties))), closing="-100.00"))
        assert paid.counterparty_name == "Nous"


def test_remittance_structured_and_free() -> None:
    remittance = (
        "<RmtInf><Ustrd>FACTURE</Ustrd><Ustrd>FA001 FA002</Ustrd><Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp>"
        '<Nb>FA001</Nb></RfrdDocInf><RfrdDocAmt><DuePyblAmt Ccy="EUR">70.00</DuePyblAmt><RmtdAmt Ccy="EUR">60.00</RmtdAmt></RfrdDocAmt>'
        "<CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd><Strd><RfrdDocInf><Nb>AV9</Nb></RfrdDocInf>"
        '<RfrdDocAmt><CdtNoteAmt Ccy="EUR">5.00</CdtNoteAmt></RfrdDocAmt><CdtrRefInf><Ref>OTHER</Ref></CdtrRefInf></Strd></RmtInf>'
    )
    refs = "<Refs><EndToEndId>E2E-9</EndToEndId><MndtId>M9</MndtId></Refs>"
    found = line(camt(camt_entry(details=details(tx(inner=refs + remittance)))))
    assert (found.remittance, found.structured_reference) == ("FACTURE FA001 FA002", "RF18539007547034")
    assert (found.end_to_end_id, found.mandate_reference, found.bank_reference) == ("E2E-9", "M9", "B1")
    assert found.document_references == [
        {"number": "FA001", "kind": "CINV", "amount": "60.00", "currency": "EUR"},
        {"number": "AV9", "amount": "-5.00", "currency": "EUR"},
        {"number": "OTHER", "kind": "SCOR"},
    ]


def test_what_the_bank_adds_stands_in_for_an_empty_remittance() -> None:
    entry = camt_entry(
        more="", details=details(tx(inner="<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"))
    )
    found = line(camt(entry.replace("</Ntry>", "<AddtlNtryInf>VIR DURAND</AddtlNtryInf></Ntry>")))
    assert (found.remittance, found.end_to_end_id) == ("VIR DURAND", "")


@pytest.mark.parametrize(
    ("code", "nature", "returned"),
    [
        ("PMNT/RCDT/ESCT", "TRANSFER", False),
        ("PMNT/RRCT/ESCT", "TRANSFER", False),
        ("PMNT/RDDT/ESDD", "DIRECT_DEBIT", False),
        ("PMNT/RCHQ/CCHQ", "CHEQUE", False),
        ("PMNT/DRFT/STLR", "BILL", False),
        ("PMNT/CCRD/POSD", "CARD", False),
        ("PMNT/CNTR/CDPT", "CASH", False),
        ("ACMT/MDOP/CHRG", "CHARGES", False),
        ("PMNT/IDDT/UPDD", "RETURN", True),
        ("PMNT/IDDT/PRDD", "RETURN", True),
        ("PMNT/RCHQ/UPCQ", "RETURN", True),
        ("PMNT/DRFT/UDFT", "RETURN", True),
        ("PMNT/ICDT/RRTN", "RETURN", True),
    ],
)
def test_natures(code: str, nature: str, returned: bool) -> None:
    found = line(camt(camt_entry(side="DBIT", code=code), closing="-100.00"))
    assert (found.nature, found.is_return) == (nature, returned)


@pytest.mark.parametrize("code", ["NRTI+109+00905", "NDDT+108"])
def test_german_codes_of_returns(code: str) -> None:
    entry = camt_entry(side="DBIT").replace("<BkTxCd><Domn>", f"<BkTxCd><Prtry><Cd>{code}</Cd></Prtry><Domn>")
    entry = entry.replace(
        "<Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>", ""
    )
    assert line(camt(entry, closing="-100.00")).is_return


def test_a_returned_debit_says_what_and_why() -> None:
    inner = (
        "<Refs><EndToEndId>PRLV-17</EndToEndId><TxId>T17</TxId></Refs><RltdPties><Dbtr><Nm>Client</Nm></Dbtr></RltdPties>"
        "<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf>"
    )
    entry = camt_entry(side="DBIT", code="PMNT/IDDT/UPDD", details=details(tx(inner=inner)))
    found = line(camt(entry, closing="-100.00"))
    assert (found.nature, found.is_return, found.return_code) == ("RETURN", True, "AM04")
    assert found.return_reason == "Provision insuffisante"
    assert (found.returned_end_to_end_id, found.returned_reference) == ("PRLV-17", "T17")
    assert found.counterparty_name == "Client"


def test_a_reversal_is_a_return() -> None:
    entry = camt_entry(side="DBIT", more="<RvslInd>true</RvslInd>")
    assert line(camt(entry, closing="-100.00")).is_return


def test_charges_withheld_and_foreign_amount() -> None:
    inner = '<AmtDtls><InstdAmt><Amt Ccy="USD">120.00</Amt></InstdAmt></AmtDtls><Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">4.14</TtlChrgsAndTaxAmt></Chrgs>'
    found = line(camt(camt_entry(details=details(tx(inner=inner)))))
    assert (found.charges_amount, found.original_amount, found.original_currency) == (
        Decimal("4.14"), Decimal("120.00"), "USD",
    )  # fmt: skip


def test_charges_booked_apart_are_not_withheld() -> None:
    charges = '<Chrgs><Rcrd><Amt Ccy="EUR">0.70</Amt><ChrgInclInd>false</ChrgInclInd></Rcrd></Chrgs>'
    assert line(camt(camt_entry(more=charges))).charges_amount is None


def test_pending_entries_are_left_out_and_said() -> None:
    for status in ("<Sts>PDNG</Sts>", "<Sts><Cd>FUTR</Cd></Sts>", "<Sts>INFO</Sts>"):
        found = statement(camt(camt_entry(), camt_entry(status=status)))
        assert (found.line_count, found.remark_code, found.remark_params) == (
            1,
            "pending_left_out",
            {"count": 1},
        )
        assert not found.is_refused


@pytest.mark.parametrize(
    ("balances", "opening", "closing"),
    [
        (camt_balance("PRCD", "5.00") + camt_balance("CLBD", "105.00"), "5.00", "105.00"),
        (camt_balance("OPBD", "5.00", "DBIT") + camt_balance("CLBD", "95.00"), "-5.00", "95.00"),
        (camt_balance("OPBD", "5.00") + camt_balance("CLAV", "1.00") + camt_balance("CLBD", "105.00"), "5.00", "105.00"),
        (
            camt_balance("OPBD", "50.00", day="2026-11-20") + camt_balance("OPBD", "5.00", day="2026-11-19")
            + camt_balance("CLBD", "50.00", day="2026-11-19") + camt_balance("CLBD", "105.00", day="2026-11-20"),
            "5.00", "105.00",
        ),
    ],
)  # fmt: skip
def test_the_balances_that_count(balances: str, opening: str, closing: str) -> None:
    found = statement(camt(camt_entry(), balances=balances))
    assert (found.opening_amount, found.closing_amount) == (Decimal(opening), Decimal(closing))
    assert found.remark_code == ""


def test_what_does_not_add_up_is_refused_with_its_figures() -> None:
    found = statement(camt(camt_entry(), opening="10.00", closing="100.00"))
    assert (found.remark_code, found.is_refused) == ("balance_differs", True)
    assert found.remark_params == {
        "opening": "10.00", "movements": "100.00", "closing": "100.00", "expected": "110.00", "difference": "-10.00",
        "currency": "EUR",
    }  # fmt: skip


def test_an_intraday_report_is_provisional() -> None:
    found = statement(camt(camt_entry(), kind="052", opening="10.00", closing="100.00"))
    assert (found.remark_code, found.is_refused) == ("interim_balance_differs", False)


def test_missing_balances_are_said_not_refused() -> None:
    found = statement(camt(camt_entry(), balances=""))
    assert (found.remark_code, found.is_refused) == ("balance_missing", False)


def test_other_account_and_instants() -> None:
    entry = camt_entry(day="<BookgDt><DtTm>2026-11-20T23:30:00.123+02:00</DtTm></BookgDt>")
    found = statement(camt(entry, account="<Othr><Id>12 345</Id></Othr>"))
    assert found.account_identification == "12 345"
    assert next(iter(found.lines)).booking_date == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('<Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>', '<Amt Ccy="EUR">cent</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>', "amount_invalid"),
        ("100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>", "100.005</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>", "amount_decimals"),
        ("100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>", "9999999999999.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>", "amount_too_large"),
        ("<BookgDt><Dt>2026-11-20", "<BookgDt><Dt>2026-02-30", "date_invalid"),
        ("<BookgDt><Dt>2026-11-20</Dt></BookgDt><ValDt><Dt>2026-11-20</Dt></ValDt>", "", "date_missing"),
        ("<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<CdtDbtInd>CREDIT</CdtDbtInd><Sts>", "sign_invalid"),
        ('<Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>', '<Amt Ccy="US">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>', "currency_unknown"),
        ('<Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>', '<Amt Ccy="USD">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>', "currency_mixed"),
    ],
)  # fmt: skip
def test_a_wrong_entry_refuses_its_statement_only(old: str, new: str, code: str) -> None:
    right, wrong = camt(camt_entry()), camt(camt_entry()).replace(old, new)
    start, end = right.index("<Stmt>"), right.index("</Stmt>") + len("</Stmt>")
    body = wrong[wrong.index("<Stmt>") : wrong.index("</Stmt>") + len("</Stmt>")]
    first, second = reading(right[:start] + body + right[start:end] + right[end:]).statements
    assert (first.remark_code, first.is_refused) == (code, True)
    assert first.remark_params["statement"] == 1
    assert "line" in first.remark_params
    assert (second.remark_code, second.line_count) == ("", 1)


def test_an_entry_in_another_currency_counts_in_the_account_s() -> None:
    both = '<AmtDtls><InstdAmt><Amt Ccy="EUR">100.00</Amt></InstdAmt></AmtDtls>'
    found = line(camt(camt_entry("108.00", currency="USD", more=both)))
    assert (found.amount, found.currency) == (Decimal("100.00"), "EUR")
    assert (found.original_amount, found.original_currency) == (Decimal("108.00"), "USD")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("<?xml version='1.0'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'></Document>", "bank_no_statement"),
        (camt(camt_entry())[:-40], "bank_xml_broken"),
        ("<?xml version='1.0'?><!DOCTYPE d [<!ENTITY a 'b'>]>" + camt(camt_entry())[38:], "bank_xml_doctype"),
        ("<?xml version='1.0'?>" + "<!-- BkToCstmrStmt -->" + "<a>" * 100, "bank_xml_broken"),
        ("<html>bonjour</html>", "bank_markup_unknown"),
        ("<?xml version='1.0' encoding='klingon'?><Document>BkToCstmrStmt</Document>", "bank_xml_broken"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(content: str, code: str) -> None:
    assert refusal(content)[0] == code


def test_broken_xml_is_placed() -> None:
    code, params = refusal(camt(camt_entry()).replace("<Ntry>", "\n\n<Ntry <"))
    assert (code, params["line"]) == ("bank_xml_broken", 3)
    assert params["column"] > 1


def test_memory_does_not_grow_with_the_file(tmp_path: object) -> None:
    def peak(count: int) -> int:
        path = tmp_path / "big.xml"  # type: ignore[operator]
        path.write_text(camt(*([camt_entry()] * count)))
        tracemalloc.start()
        with path.open("rb") as stream:
            seen = sum(1 for _event in bank_events(stream, {}, Limits())[1])
        assert seen == count + 1
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(12_000) < peak(3_000) * 1.5


def test_too_many_lines_are_refused() -> None:
    from io import BytesIO

    from invoices.readers.errors import UnreadableFile

    with pytest.raises(UnreadableFile) as refused:
        list(bank_events(BytesIO(camt(*([camt_entry()] * 30)).encode()), {}, Limits(rows=10))[1])
    assert refused.value.code == "bank_too_many_lines"
