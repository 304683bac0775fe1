"""Small right files of every format that is read, written here: what the mutations start from."""

import io
import json
import zipfile
from pathlib import Path

FORMATS = (
    "csv", "xlsx", "fec", "jsonl", "customers", "einvoice_xml", "einvoice_pdf", "einvoice_zip", "camt", "mt940",
    "cfonb120", "cfonb240", "ofx", "bank_csv", "cdar",
)  # fmt: skip
_IBAN = "FR7630006000011234567890189"
_RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
_UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"


def seeds(name: str, folder: Path | None) -> list[bytes]:
    """The files of a format: ours, and those of the folder that look like it."""
    return [*_BUILDERS[name](), *_found(name, folder)]


def _found(name: str, folder: Path | None) -> list[bytes]:
    if folder is None:
        return []
    endings, words = _IN_FOLDER[name]
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in endings
        and path.is_file()
        and path.stat().st_size < 2_000_000
        and any(word in str(path.relative_to(folder)).lower() for word in words)
    )
    return [path.read_bytes() for path in files[:40]]


_IN_FOLDER: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "csv": ((".csv",), ("invoice", "facture")),
    "xlsx": ((".xlsx",), ("",)),
    "fec": ((".txt",), ("fec",)),
    "jsonl": ((".jsonl",), ("",)),
    "customers": ((".csv",), ("client", "customer")),
    "einvoice_xml": ((".xml",), ("einvoice", "facturx", "en16931", "ubl", "cii")),
    "einvoice_pdf": ((".pdf",), ("",)),
    "einvoice_zip": ((".zip",), ("",)),
    "camt": ((".xml",), ("camt", "bank")),
    "mt940": ((".txt", ".sta", ".940"), ("mt940", "mt942")),
    "cfonb120": ((".txt",), ("cfonb",)),
    "cfonb240": ((".txt",), ("240",)),
    "ofx": ((".ofx", ".qfx"), ("",)),
    "bank_csv": ((".csv",), ("bank",)),
    "cdar": ((".xml",), ("cdar", "cdv", "status")),
}


def table() -> bytes:
    rows = [
        f"C{number % 7};FA{number:05d};Facture;{1 + number % 27:02d}/10/2026;30/11/2026;1 2{number % 10}4,56;205,76;EUR;Commande {number}"
        for number in range(40)
    ]
    header = "Code client;N° facture;Type;Date facture;Date d'échéance;Montant TTC;TVA;Devise;Référence"
    return "\r\n".join([header, *rows, "C1;AV1;Avoir;02/10/2026;;-120,00;-20,00;EUR;Retour", ""]).encode(
        "cp1252"
    )


def _csv() -> list[bytes]:
    text = table()
    return [text, text.decode("cp1252").encode(), text.decode("cp1252").replace(";", "\t").encode("utf-16")]


def _xlsx() -> list[bytes]:
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("Factures")
    for index, line in enumerate(table().decode("cp1252").split("\r\n")):
        for column, cell in enumerate(line.split(";")):
            sheet.write(index, column, cell)
    book.add_worksheet("Notes").write(0, 0, "=1/0")
    book.close()
    return [out.getvalue()]


def _fec() -> list[bytes]:
    header = (
        "JournalCode\tJournalLib\tEcritureNum\tEcritureDate\tCompteNum\tCompteLib\tCompAuxNum\tCompAuxLib\tPieceRef\t"
        "PieceDate\tEcritureLib\tDebit\tCredit\tEcritureLet\tDateLet\tValidDate\tMontantdevise\tIdevise"
    )
    lines = [header]
    for number in range(12):
        piece, letters = f"FA{number:04d}", f"A{number}" if number % 3 else ""
        head = f"VE\tVentes\tV{number}\t202610{1 + number:02d}"
        tail = f"{piece}\t202610{1 + number:02d}\tFacture {piece}"
        lines += [
            f"{head}\t411000\tClients\tC{number % 4}\tClient {number % 4}\t{tail}\t120,00\t0,00\t{letters}\t\t20261031\t\t",
            f"{head}\t706000\tVentes\t\t\t{tail}\t0,00\t100,00\t\t\t20261031\t\t",
            f"{head}\t445710\tTVA\t\t\t{tail}\t0,00\t20,00\t\t\t20261031\t\t",
        ]
        if letters:
            bank = f"BQ\tBanque\tB{number}\t20261120"
            tail = f"VIR{number}\t20261120\tVirement"
            paid = "120,00" if number % 3 == 1 else "50,00"
            lines += [
                f"{bank}\t512000\tBanque\t\t\t{tail}\t{paid}\t0,00\t\t\t20261130\t\t",
                f"{bank}\t411000\tClients\tC{number % 4}\tClient {number % 4}\t{tail}\t0,00\t{paid}\t{letters}\t\t20261130\t\t",
            ]
    text = "\r\n".join([*lines, ""])
    return [text.encode("iso8859-15"), text.replace("\t", "|").encode()]


def _jsonl() -> list[bytes]:
    lines = [
        json.dumps(
            {
                "external_id": f"FA{number:04d}",
                "kind": "INVOICE",
                "issue_date": "2026-10-15",
                "due_date": "2026-11-30",
                "total_amount": f"{100 + number}.50",
                "vat_amount": "10.00",
                "currency": "EUR",
                "customer": {"external_id": f"C{number % 5}", "name": f"Client {number % 5}"},
            },
            ensure_ascii=False,
        )
        for number in range(15)
    ]
    return ["\n".join([*lines, ""]).encode()]


def _customers() -> list[bytes]:
    header = "Code client;Raison sociale;SIREN;N° TVA;Adresse;CP;Ville;Pays;Contact 1;E-mail contact 1;Relances contact 1"
    rows = [
        f"C{number};Société {number};732829320;FR44732829320;{number} rue Haute;75001;Paris;France;Anne;a{number}@example.test;Oui"
        for number in range(15)
    ]
    return ["\n".join([header, *rows, ""]).encode()]


def ubl(number: str = "FA-1") -> bytes:
    party = (
        "<cac:Party><cac:PostalAddress><cac:Country><cbc:IdentificationCode>FR</cbc:IdentificationCode></cac:Country>"
        "</cac:PostalAddress><cac:PartyLegalEntity><cbc:RegistrationName>{0}</cbc:RegistrationName>"
        '<cbc:CompanyID schemeID="0002">{1}</cbc:CompanyID></cac:PartyLegalEntity></cac:Party>'
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>{number}</cbc:ID>
<cbc:IssueDate>2026-10-15</cbc:IssueDate><cbc:DueDate>2026-11-30</cbc:DueDate>
<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty>{party.format("Ateliers", "732829320")}</cac:AccountingSupplierParty>
<cac:AccountingCustomerParty>{party.format("Client", "552081317")}</cac:AccountingCustomerParty>
<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">200.00</cbc:TaxAmount><cac:TaxSubtotal>
<cbc:TaxableAmount currencyID="EUR">1000.00</cbc:TaxableAmount><cbc:TaxAmount currencyID="EUR">200.00</cbc:TaxAmount>
<cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>20</cbc:Percent></cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>
<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">1000.00</cbc:LineExtensionAmount>
<cbc:TaxExclusiveAmount currencyID="EUR">1000.00</cbc:TaxExclusiveAmount>
<cbc:TaxInclusiveAmount currencyID="EUR">1200.00</cbc:TaxInclusiveAmount>
<cbc:PayableAmount currencyID="EUR">1200.00</cbc:PayableAmount></cac:LegalMonetaryTotal>
<cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:LineExtensionAmount currencyID="EUR">1000.00</cbc:LineExtensionAmount>
</cac:InvoiceLine></Invoice>""".encode()


def cii(number: str = "FA-2") -> bytes:
    party = (
        '<ram:{0}><ram:Name>{1}</ram:Name><ram:SpecifiedLegalOrganization><ram:ID schemeID="0002">{2}</ram:ID>'
        "</ram:SpecifiedLegalOrganization></ram:{0}>"
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
 xmlns:ram="{_RAM}" xmlns:udt="{_UDT}"><rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
<ram:ID>urn:factur-x.eu:1p0:basicwl</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument><ram:ID>{number}</ram:ID><ram:TypeCode>380</ram:TypeCode><ram:IssueDateTime>
<udt:DateTimeString format="102">20261015</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction><ram:ApplicableHeaderTradeAgreement>
{party.format("SellerTradeParty", "Ateliers", "732829320")}{party.format("BuyerTradeParty", "Client", "552081317")}
</ram:ApplicableHeaderTradeAgreement><ram:ApplicableHeaderTradeDelivery/><ram:ApplicableHeaderTradeSettlement>
<ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode><ram:ApplicableTradeTax><ram:CalculatedAmount>200.00
</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode><ram:BasisAmount>1000.00</ram:BasisAmount><ram:CategoryCode>S
</ram:CategoryCode><ram:RateApplicablePercent>20.00</ram:RateApplicablePercent></ram:ApplicableTradeTax>
<ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime><udt:DateTimeString format="102">20261130</udt:DateTimeString>
</ram:DueDateDateTime></ram:SpecifiedTradePaymentTerms><ram:SpecifiedTradeSettlementHeaderMonetarySummation>
<ram:LineTotalAmount>1000.00</ram:LineTotalAmount><ram:TaxBasisTotalAmount>1000.00</ram:TaxBasisTotalAmount>
<ram:TaxTotalAmount currencyID="EUR">200.00</ram:TaxTotalAmount><ram:GrandTotalAmount>1200.00</ram:GrandTotalAmount>
<ram:DuePayableAmount>1200.00</ram:DuePayableAmount></ram:SpecifiedTradeSettlementHeaderMonetarySummation>
</ram:ApplicableHeaderTradeSettlement></rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>""".encode()


def _pdf() -> list[bytes]:
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.add_attachment("factur-x.xml", cii("FA-3"))
    out = io.BytesIO()
    writer.write(out)
    return [out.getvalue()]


def zip_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _camt() -> list[bytes]:
    entries = "".join(
        f'<Ntry><NtryRef>{number}</NtryRef><Amt Ccy="EUR">{10 + number}.00</Amt><CdtDbtInd>{"DBIT" if number % 4 == 3 else "CRDT"}</CdtDbtInd>'
        "<Sts>BOOK</Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt><ValDt><Dt>2026-11-20</Dt></ValDt>"
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>E{number}</EndToEndId></Refs><RltdPties><Dbtr><Nm>Client {number}</Nm></Dbtr>"
        f"<DbtrAcct><Id><IBAN>{_IBAN}</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>Facture FA{number:04d}</Ustrd></RmtInf>"
        "</TxDtls></NtryDtls></Ntry>"
        for number in range(12)
    )
    total = sum((10 + number) * (-1 if number % 4 == 3 else 1) for number in range(12))
    balance = (
        '<Bal><Tp><CdOrPrtry><Cd>{0}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{1}.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        "<Dt><Dt>2026-11-20</Dt></Dt></Bal>"
    )
    body = (
        f"<Stmt><Id>S1</Id><ElctrncSeqNb>1</ElctrncSeqNb><Acct><Id><IBAN>{_IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{balance.format('OPBD', 100)}{balance.format('CLBD', 100 + total)}{entries}</Stmt>"
    )
    return [
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr>{body * 2}</BkToCstmrStmt></Document>".encode()
        for version in ("02", "08")
    ]


def _mt940() -> list[bytes]:
    entries = "\r\n".join(
        f":61:2611201120C{10 + number},00NTRFNONREF//B{number}\r\n"
        f":86:166?00GUTSCHRIFT?20EREF+E{number}?21SVWZ+Facture FA{number:04d}?32Client {number}"
        for number in range(10)
    )
    message = f":20:REF1\r\n:25:{_IBAN}\r\n:28C:1/1\r\n:60F:C261119EUR100,00\r\n{entries}\r\n:62F:C261120EUR245,00\r\n-\r\n"
    return [
        (message * 2).encode(),
        ("{1:F01BANKFRPP0000000000}{2:O9400000}{4:\r\n" + message.replace("-\r\n", "-}\r\n")).encode(
            "cp1252"
        ),
    ]


def _cfonb120() -> list[bytes]:
    head = "{0}30006    00001EUR2 12345678901"
    lines = []
    for _statement in range(2):
        opening = f"{head.format('01')}  191126".ljust(90) + "0000000010000{".ljust(30)
        lines.append(opening)
        for number in range(8):
            lines.append(
                f"{head.format('04')}05201126  201126VIR SEPA CLIENT {number:02d}".ljust(90)
                + f"000000000100{number}{{".ljust(30)
            )
            lines.append(f"{head.format('05')}05201126     LCCFACTURE FA{number:04d}".ljust(120))
            lines.append(f"{head.format('05')}05201126     NPYCLIENT {number:02d} SARL".ljust(120))
        lines.append(f"{head.format('07')}  201126".ljust(90) + "0000000018280{".ljust(30))
    return ["\r\n".join([*lines, ""]).encode("latin-1"), "".join(lines).encode("latin-1")]


def _cfonb240() -> list[bytes]:
    ours, other = "300060000112345678901", "155890000098765432100"
    lines = [f"3100000181201126E    {ours}".ljust(240)]
    for number in range(6):
        line = f"34{number + 2:06d}81201126E    {ours}ATELIERS".ljust(77) + f"{other}CLIENT {number}".ljust(
            75
        )
        lines.append(line + f"FACTURE FA{number:04d}".ljust(74) + "20" + f"{1000 + number:012d}")
    lines.append(f"3900000881201126E    {ours}".ljust(228) + f"{6015:012d}")
    return ["\r\n".join([*lines, ""]).encode("latin-1")]


def _ofx() -> list[bytes]:
    entries = "".join(
        f"<STMTTRN>\n<TRNTYPE>CREDIT\n<DTPOSTED>20261120\n<TRNAMT>{10 + number}.50\n<FITID>F{number}\n<NAME>VIR CLIENT {number}\n"
        f"<MEMO>FACTURE FA{number:04d}\n</STMTTRN>\n"
        for number in range(8)
    )
    body = (
        "<OFX>\n<BANKMSGSRSV1>\n<STMTTRNRS>\n<STMTRS>\n<CURDEF>EUR\n<BANKACCTFROM>\n<BANKID>30006\n<BRANCHID>00001\n"
        f"<ACCTID>12345678901\n</BANKACCTFROM>\n<BANKTRANLIST>\n{entries}</BANKTRANLIST>\n<LEDGERBAL>\n<BALAMT>500.00\n"
        "<DTASOF>20261120\n</LEDGERBAL>\n</STMTRS>\n</STMTTRNRS>\n</BANKMSGSRSV1>\n</OFX>\n"
    )
    old = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n"
    return [
        (old + body).encode("cp1252"),
        ('<?xml version="1.0"?>\n<?OFX OFXHEADER="200"?>\n' + body).encode(),
    ]


def _bank_csv() -> list[bytes]:
    rows = [
        f"{1 + number:02d}/11/2026;VIR CLIENT {number} FA{number:04d};{100 + number},00;EUR"
        for number in range(12)
    ]
    debits = [f"{1 + number:02d}/11/2026;PRLV {number};{100 + number},00;;EUR" for number in range(12)]
    return [
        "\r\n".join(["Date opération;Libellé;Montant;Devise", *rows, ""]).encode("cp1252"),
        "\r\n".join(["Date;Libellé;Débit;Crédit;Devise", *debits, ""]).encode(),
    ]


def _cdar() -> list[bytes]:
    return [
        f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossDomainAcknowledgementAndResponse xmlns:ram="{_RAM}" xmlns:udt="{_UDT}"
 xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossDomainAcknowledgementAndResponse:100"><rsm:ExchangedDocument>
<ram:ID>M1</ram:ID><ram:IssueDateTime><udt:DateTimeString format="204">20261120101500</udt:DateTimeString>
</ram:IssueDateTime></rsm:ExchangedDocument><rsm:AcknowledgementDocument><ram:TypeCode>23</ram:TypeCode>
<ram:ReferenceReferencedDocument><ram:IssuerAssignedID>FA00001</ram:IssuerAssignedID><ram:TypeCode>380</ram:TypeCode>
<ram:ProcessConditionCode>{code}</ram:ProcessConditionCode><ram:IssuerTradeParty><ram:GlobalID schemeID="0002">732829320
</ram:GlobalID></ram:IssuerTradeParty><ram:SpecifiedDocumentStatus><ram:ReasonCode>TX_TVA_ERR</ram:ReasonCode>
<ram:SequenceNumeric>1</ram:SequenceNumeric></ram:SpecifiedDocumentStatus></ram:ReferenceReferencedDocument>
</rsm:AcknowledgementDocument></rsm:CrossDomainAcknowledgementAndResponse>""".encode()
        for code in ("207", "212")
    ]


_BUILDERS = {
    "csv": _csv,
    "xlsx": _xlsx,
    "fec": _fec,
    "jsonl": _jsonl,
    "customers": _customers,
    "einvoice_xml": lambda: [ubl(), cii()],
    "einvoice_pdf": _pdf,
    "einvoice_zip": lambda: [
        zip_of({"a.xml": ubl("Z1"), "b/c.xml": cii("Z2")}),
        zip_of({"a.pdf": _pdf()[0]}),
    ],
    "camt": _camt,
    "mt940": _mt940,
    "cfonb120": _cfonb120,
    "cfonb240": _cfonb240,
    "ofx": _ofx,
    "bank_csv": _bank_csv,
    "cdar": _cdar,
}
