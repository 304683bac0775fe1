"""Small electronic invoices and life-cycle messages for tests: one per syntax and profile, written here."""

import io
import zipfile
from collections.abc import Mapping, Sequence

from pypdf import PdfWriter

SELLER_SIREN, BUYER_SIREN = "732829320", "552081317"
SELLER_VAT, BUYER_VAT = "FR44732829320", "FR03552081317"
RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
PROFILES = {
    "MINIMUM": "urn:factur-x.eu:1p0:minimum",
    "BASIC WL": "urn:factur-x.eu:1p0:basicwl",
    "BASIC": "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic",
    "EN 16931": "urn:cen.eu:en16931:2017",
    "EXTENDED": "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended",
    "XRECHNUNG": "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
}
_WITH_LINES = ("BASIC", "EN 16931", "EXTENDED", "XRECHNUNG")


def cii(
    *,
    number: str = "FA-1",
    type_code: str = "380",
    profile: str = "EN 16931",
    issued: str = "20261015",
    due: str = "20261130",
    lines: Sequence[str] = ("600.00", "400.00"),
    net: str = "1000.00",
    vat: str = "200.00",
    total: str = "1200.00",
    prepaid: str = "",
    rounding: str = "",
    to_pay: str = "1200.00",
    terms: str | None = None,
    currency: str = "EUR",
    seller_siren: str = SELLER_SIREN,
    seller_vat: str = SELLER_VAT,
    buyer: str = "",
    settlement: str = "",
    context: str = "",
    head: str = "<?xml version='1.0' encoding='UTF-8'?>",
) -> bytes:
    """A CII invoice. Sums stand as given; `terms`, `settlement` and `context` are XML put in their places."""
    small = profile == "MINIMUM"
    items = "".join(
        "<ram:IncludedSupplyChainTradeLineItem><ram:SpecifiedLineTradeSettlement>"
        "<ram:SpecifiedTradeSettlementLineMonetarySummation>"
        f"<ram:LineTotalAmount>{line}</ram:LineTotalAmount>"
        "</ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>"
        "</ram:IncludedSupplyChainTradeLineItem>"
        for line in (lines if profile in _WITH_LINES else ())
    )
    if terms is None:
        terms = (
            ""
            if small or not due
            else f"<ram:SpecifiedTradePaymentTerms>{due_date(due)}</ram:SpecifiedTradePaymentTerms>"
        )
    breakdown = (
        ""
        if small
        else f"<ram:ApplicableTradeTax><ram:CalculatedAmount>{vat}</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>"
        f"<ram:BasisAmount>{net}</ram:BasisAmount><ram:CategoryCode>S</ram:CategoryCode>"
        "<ram:RateApplicablePercent>20.00</ram:RateApplicablePercent></ram:ApplicableTradeTax>"
    )
    sums = "" if small else f"<ram:LineTotalAmount>{net}</ram:LineTotalAmount>"
    sums += (
        f"<ram:TaxBasisTotalAmount>{net}</ram:TaxBasisTotalAmount>"
        f'<ram:TaxTotalAmount currencyID="{currency}">{vat}</ram:TaxTotalAmount>'
    )
    sums += f"<ram:RoundingAmount>{rounding}</ram:RoundingAmount>" if rounding else ""
    sums += f"<ram:GrandTotalAmount>{total}</ram:GrandTotalAmount>"
    sums += f"<ram:TotalPrepaidAmount>{prepaid}</ram:TotalPrepaidAmount>" if prepaid and not small else ""
    sums += f"<ram:DuePayableAmount>{to_pay}</ram:DuePayableAmount>"
    return f"""{head}
<rsm:CrossIndustryInvoice xmlns:rsm="{RSM}" xmlns:ram="{RAM}" xmlns:udt="{UDT}">
<rsm:ExchangedDocumentContext>{context}<ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>{PROFILES[profile]}</ram:ID>
</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument><ram:ID>{number}</ram:ID><ram:TypeCode>{type_code}</ram:TypeCode>
<ram:IssueDateTime><udt:DateTimeString format="102">{issued}</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction>{items}
<ram:ApplicableHeaderTradeAgreement><ram:BuyerReference>SERVICE 12</ram:BuyerReference>
<ram:SellerTradeParty><ram:Name>Moulins de la Loire</ram:Name>
<ram:SpecifiedLegalOrganization><ram:ID schemeID="0002">{seller_siren}</ram:ID></ram:SpecifiedLegalOrganization>
<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">{seller_vat}</ram:ID></ram:SpecifiedTaxRegistration></ram:SellerTradeParty>
{buyer or CII_BUYER}
<ram:BuyerOrderReferencedDocument><ram:IssuerAssignedID>CDE-77</ram:IssuerAssignedID></ram:BuyerOrderReferencedDocument>
</ram:ApplicableHeaderTradeAgreement><ram:ApplicableHeaderTradeDelivery/>
<ram:ApplicableHeaderTradeSettlement><ram:PaymentReference>RF-1</ram:PaymentReference>
<ram:InvoiceCurrencyCode>{currency}</ram:InvoiceCurrencyCode>{settlement}{breakdown}{terms}
<ram:SpecifiedTradeSettlementHeaderMonetarySummation>{sums}</ram:SpecifiedTradeSettlementHeaderMonetarySummation>
</ram:ApplicableHeaderTradeSettlement></rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>""".encode()


CII_BUYER = f"""<ram:BuyerTradeParty><ram:ID>C1</ram:ID><ram:Name>Boulangerie Martin</ram:Name>
<ram:SpecifiedLegalOrganization><ram:ID schemeID="0002">{BUYER_SIREN}</ram:ID></ram:SpecifiedLegalOrganization>
<ram:DefinedTradeContact><ram:PersonName>Léa Martin</ram:PersonName><ram:EmailURIUniversalCommunication>
<ram:URIID>lea@martin.test</ram:URIID></ram:EmailURIUniversalCommunication></ram:DefinedTradeContact>
<ram:PostalTradeAddress><ram:PostcodeCode>44000</ram:PostcodeCode><ram:LineOne>3 rue du Port</ram:LineOne>
<ram:CityName>Nantes</ram:CityName><ram:CountryID>FR</ram:CountryID></ram:PostalTradeAddress>
<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">{BUYER_VAT}</ram:ID></ram:SpecifiedTaxRegistration></ram:BuyerTradeParty>"""


def due_date(day: str) -> str:
    return f'<ram:DueDateDateTime><udt:DateTimeString format="102">{day}</udt:DateTimeString></ram:DueDateDateTime>'


def instalment(day: str, amount: str) -> str:
    """A term of the EXTENDED profile: a day and a part of the amount."""
    return (
        f"<ram:SpecifiedTradePaymentTerms>{due_date(day)}<ram:PartialPaymentAmount>{amount}</ram:PartialPaymentAmount>"
        "</ram:SpecifiedTradePaymentTerms>"
    )


def allowance(amount: str, *, charge: bool = False) -> str:
    """An allowance or a charge of the whole document."""
    return (
        "<ram:SpecifiedTradeAllowanceCharge><ram:ChargeIndicator>"
        f"<udt:Indicator>{str(charge).lower()}</udt:Indicator></ram:ChargeIndicator>"
        f"<ram:ActualAmount>{amount}</ram:ActualAmount></ram:SpecifiedTradeAllowanceCharge>"
    )


def ubl(
    *,
    number: str = "FA-2",
    root: str = "Invoice",
    type_code: str = "380",
    issued: str = "2026-10-15",
    due: str = "2026-11-30",
    net: str = "1000.00",
    vat: str = "200.00",
    total: str = "1200.00",
    prepaid: str = "",
    to_pay: str = "1200.00",
    lines: Sequence[str] = ("1000.00",),
    note: str = "",
    extra: str = "",
    buyer_ids: str = '<cac:PartyIdentification><cbc:ID schemeID="0009">55208131766522</cbc:ID></cac:PartyIdentification>',
) -> bytes:
    """A UBL 2.1 invoice or credit note. Sums stand as given."""
    line = "InvoiceLine" if root == "Invoice" else "CreditNoteLine"
    items = "".join(
        f'<cac:{line}><cbc:ID>{index}</cbc:ID><cbc:LineExtensionAmount currencyID="EUR">{amount}'
        f"</cbc:LineExtensionAmount></cac:{line}>"
        for index, amount in enumerate(lines, 1)
    )
    due_line = f"<cbc:DueDate>{due}</cbc:DueDate>" if due and root == "Invoice" else ""
    paid = f'<cbc:PrepaidAmount currencyID="EUR">{prepaid}</cbc:PrepaidAmount>' if prepaid else ""
    terms = f"<cac:PaymentTerms><cbc:Note>{note}</cbc:Note></cac:PaymentTerms>" if note else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<{root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{root}-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:CustomizationID>urn:cen.eu:en16931:2017#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr</cbc:CustomizationID>
<cbc:ProfileID>S1</cbc:ProfileID><cbc:ID>{number}</cbc:ID><cbc:IssueDate>{issued}</cbc:IssueDate>{due_line}
<cbc:{root}TypeCode>{type_code}</cbc:{root}TypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:OrderReference><cbc:ID>CDE-78</cbc:ID></cac:OrderReference>
<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>FA-0</cbc:ID></cac:InvoiceDocumentReference></cac:BillingReference>
<cac:AccountingSupplierParty><cac:Party><cac:PartyTaxScheme><cbc:CompanyID>{SELLER_VAT}</cbc:CompanyID><cac:TaxScheme>
<cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme><cac:PartyLegalEntity><cbc:RegistrationName>Moulins de la Loire
</cbc:RegistrationName><cbc:CompanyID schemeID="0002">{SELLER_SIREN}</cbc:CompanyID></cac:PartyLegalEntity></cac:Party>
</cac:AccountingSupplierParty>
<cac:AccountingCustomerParty><cac:Party>{buyer_ids}<cac:PostalAddress><cbc:StreetName>3 rue du Port</cbc:StreetName>
<cbc:CityName>Nantes</cbc:CityName><cbc:PostalZone>44000</cbc:PostalZone><cac:Country><cbc:IdentificationCode>FR
</cbc:IdentificationCode></cac:Country></cac:PostalAddress><cac:PartyLegalEntity><cbc:RegistrationName>Boulangerie Martin
</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party></cac:AccountingCustomerParty>
<cac:PaymentMeans><cbc:PaymentMeansCode>30</cbc:PaymentMeansCode><cbc:PaymentID>RF-2</cbc:PaymentID>
<cac:PayeeFinancialAccount><cbc:ID>FR7630006000011234567890189</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>{terms}
<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">{vat}</cbc:TaxAmount><cac:TaxSubtotal><cbc:TaxableAmount currencyID="EUR">{net}
</cbc:TaxableAmount><cbc:TaxAmount currencyID="EUR">{vat}</cbc:TaxAmount><cac:TaxCategory><cbc:ID>S</cbc:ID>
<cbc:Percent>20</cbc:Percent></cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>
<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">{net}</cbc:LineExtensionAmount>
<cbc:TaxExclusiveAmount currencyID="EUR">{net}</cbc:TaxExclusiveAmount><cbc:TaxInclusiveAmount currencyID="EUR">{total}
</cbc:TaxInclusiveAmount>{paid}<cbc:PayableAmount currencyID="EUR">{to_pay}</cbc:PayableAmount></cac:LegalMonetaryTotal>
{items}{extra}</{root}>""".encode()


def zugferd_1(*, number: str = "FA-3", total: str = "1200.00") -> bytes:
    """A ZUGFeRD 1.0 invoice: the older names of the same elements."""
    text = cii(number=number, total=total, to_pay=total, profile="BASIC").decode()
    for new, old in (
        (RSM, "urn:ferd:CrossIndustryDocument:invoice:1p0"),
        ("rsm:CrossIndustryInvoice", "rsm:CrossIndustryDocument"),
        ("rsm:ExchangedDocumentContext", "rsm:SpecifiedExchangedDocumentContext"),
        ("rsm:ExchangedDocument>", "rsm:HeaderExchangedDocument>"),
        ("rsm:SupplyChainTradeTransaction", "rsm:SpecifiedSupplyChainTradeTransaction"),
        ("ApplicableHeaderTrade", "ApplicableSupplyChainTrade"),
        ("SpecifiedLineTradeSettlement", "SpecifiedSupplyChainTradeSettlement"),
        ("SpecifiedTradeSettlementLineMonetarySummation", "SpecifiedTradeSettlementMonetarySummation"),
        ("SpecifiedTradeSettlementHeaderMonetarySummation", "SpecifiedTradeSettlementMonetarySummation"),
        ("RateApplicablePercent", "ApplicablePercent"),
        ("ram:IssuerAssignedID", "ram:ID"),
    ):
        text = text.replace(new, old)
    return text.encode()


def pdf_with(xml: bytes | None, name: str = "factur-x.xml", password: str = "") -> bytes:
    """A PDF of one empty page that carries the XML, if any."""
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    if xml is not None:
        writer.add_attachment(name, xml)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def zip_of(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def cdar(
    *,
    number: str = "FA000001",
    code: str = "207",
    at: str = "20261120101500",
    reason: str = "",
    amounts: Mapping[str, str] | None = None,
    seller: str = SELLER_SIREN,
    note: str = "",
) -> bytes:
    """A life-cycle message (CDAR D22B) with one status."""
    details = f"<ram:ReasonCode>{reason}</ram:ReasonCode><ram:Reason>Motif dit</ram:Reason>" if reason else ""
    details += "<ram:SequenceNumeric>1</ram:SequenceNumeric>"
    details += f"<ram:IncludedNote><ram:Content>{note}</ram:Content></ram:IncludedNote>" if note else ""
    details += "".join(
        f"<ram:SpecifiedDocumentCharacteristic><ram:TypeCode>{kind}</ram:TypeCode>"
        f'<ram:ValueAmount currencyID="EUR">{amount}</ram:ValueAmount></ram:SpecifiedDocumentCharacteristic>'
        for kind, amount in (amounts or {}).items()
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossDomainAcknowledgementAndResponse xmlns:ram="{RAM}" xmlns:udt="{UDT}"
 xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossDomainAcknowledgementAndResponse:100">
<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn.cpro.gouv.fr:1p0:CDV:invoice
</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument><ram:ID>M1</ram:ID><ram:IssueDateTime><udt:DateTimeString format="204">{at}</udt:DateTimeString>
</ram:IssueDateTime></rsm:ExchangedDocument>
<rsm:AcknowledgementDocument><ram:TypeCode>23</ram:TypeCode><ram:ReferenceReferencedDocument>
<ram:IssuerAssignedID>{number}</ram:IssuerAssignedID><ram:TypeCode>380</ram:TypeCode>
<ram:ProcessConditionCode>{code}</ram:ProcessConditionCode>
<ram:IssuerTradeParty><ram:GlobalID schemeID="0002">{seller}</ram:GlobalID></ram:IssuerTradeParty>
<ram:SpecifiedDocumentStatus>{details}</ram:SpecifiedDocumentStatus></ram:ReferenceReferencedDocument>
</rsm:AcknowledgementDocument></rsm:CrossDomainAcknowledgementAndResponse>""".encode()
