"""Cross Industry Invoice (D16B, D22B: Factur-X, ZUGFeRD 2, XRechnung) and its ancestor of ZUGFeRD 1.0."""

from decimal import Decimal
from typing import Any

from invoices.readers.einvoice.model import Invoice, Party, Term, VatRow
from invoices.readers.einvoice.xml import find, find_all, name_of, own_text, text, texts

_CONTEXT = "ExchangedDocumentContext|SpecifiedExchangedDocumentContext"
_DOCUMENT = "ExchangedDocument|HeaderExchangedDocument"
_TRADE = "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction"
_AGREEMENT = "ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement"
_DELIVERY = "ApplicableHeaderTradeDelivery|ApplicableSupplyChainTradeDelivery"
_SETTLEMENT = "ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement"
_SUMMATION = "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
_LINE_SETTLEMENT = "SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement"
_LINE_SUMMATION = "SpecifiedTradeSettlementLineMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
_ASSIGNED = "IssuerAssignedID|ID"
_DATE = "DateTimeString|DateTime"


def read_cii(root: Any) -> Invoice:
    """What the invoice says; what it writes wrongly is in its `errors`."""
    invoice = Invoice(syntax="CII" if name_of(root) == "CrossIndustryInvoice" else "ZUGFERD1")
    context, document, trade = find(root, _CONTEXT), find(root, _DOCUMENT), find(root, _TRADE)
    agreement, settlement = find(trade, _AGREEMENT), find(trade, _SETTLEMENT)
    invoice.profile = text(context, "GuidelineSpecifiedDocumentContextParameter/ID")
    invoice.process = text(context, "BusinessProcessSpecifiedDocumentContextParameter/ID")
    invoice.is_test = text(context, "TestIndicator/Indicator").lower() in ("true", "1")
    invoice.number = text(document, "ID")
    invoice.type_code = text(document, "TypeCode")
    invoice.issue_date = invoice.day_of(text(document, f"IssueDateTime/{_DATE}"), "issue_date")
    invoice.seller = _party(find(agreement, "SellerTradeParty"))
    invoice.buyer = _party(find(agreement, "BuyerTradeParty"))
    payee = find(settlement, "PayeeTradeParty")
    invoice.payee = None if payee is None else _party(payee)
    invoice.buyer_reference = text(agreement, "BuyerReference")
    invoice.order_reference = text(agreement, f"BuyerOrderReferencedDocument/{_ASSIGNED}")
    invoice.contract_reference = text(agreement, f"ContractReferencedDocument/{_ASSIGNED}")
    invoice.preceding = texts(settlement, f"InvoiceReferencedDocument/{_ASSIGNED}")
    invoice.delivery_date = invoice.day_of(
        text(find(trade, _DELIVERY), f"ActualDeliverySupplyChainEvent/OccurrenceDateTime/{_DATE}"),
        "delivery_date",
    )
    _read_settlement(invoice, settlement)
    _read_lines(invoice, trade)
    return invoice


def _read_settlement(invoice: Invoice, settlement: Any) -> None:
    invoice.currency = text(settlement, "InvoiceCurrencyCode")
    invoice.payment_reference = text(settlement, "PaymentReference")
    means = find(settlement, "SpecifiedTradeSettlementPaymentMeans")
    invoice.means_code = text(means, "TypeCode")
    invoice.iban = text(
        settlement, "SpecifiedTradeSettlementPaymentMeans/PayeePartyCreditorFinancialAccount/IBANID"
    )
    invoice.mandate = text(settlement, "SpecifiedTradePaymentTerms/DirectDebitMandateID")
    for term in find_all(settlement, "SpecifiedTradePaymentTerms"):
        invoice.terms.append(
            Term(
                due_date=invoice.day_of(text(term, f"DueDateDateTime/{_DATE}"), "due_date"),
                amount=invoice.amount(term, "PartialPaymentAmount"),
                text=" ".join(texts(term, "Description")),
                is_discount=find(term, "ApplicableTradePaymentDiscountTerms") is not None,
            )
        )
    for row in find_all(settlement, "SpecifiedTradeAllowanceCharge"):
        amount = invoice.amount(row, "ActualAmount")
        if amount is not None:
            is_charge = text(row, "ChargeIndicator/Indicator").lower() in ("true", "1")
            if invoice.syntax == "ZUGFERD1":
                # Its allowances may carry the sign that the indicator gives already.
                amount = abs(amount)
            (invoice.charges if is_charge else invoice.allowances).append(amount)
    invoice.charges += invoice.amounts(settlement, "SpecifiedLogisticsServiceCharge/AppliedAmount")
    invoice.adjustments = invoice.amounts(settlement, "SpecifiedFinancialAdjustment/ActualAmount")
    for row in find_all(settlement, "ApplicableTradeTax"):
        invoice.vat_rows.append(
            VatRow(
                basis=invoice.amount(row, "BasisAmount", "vat_amount"),
                amount=invoice.amount(row, "CalculatedAmount", "vat_amount"),
                rate=invoice.amount(row, "RateApplicablePercent|ApplicablePercent", "vat_amount"),
            )
        )
    sums = find(settlement, _SUMMATION)
    invoice.line_total = invoice.amount(sums, "LineTotalAmount")
    invoice.allowance_total = invoice.amount(sums, "AllowanceTotalAmount")
    invoice.charge_total = invoice.amount(sums, "ChargeTotalAmount")
    invoice.net_total = _in_currency(invoice, sums, "TaxBasisTotalAmount")
    invoice.vat_total = _in_currency(invoice, sums, "TaxTotalAmount")
    invoice.total = _in_currency(invoice, sums, "GrandTotalAmount")
    invoice.rounding = invoice.amount(sums, "RoundingAmount")
    invoice.prepaid = invoice.amount(sums, "TotalPrepaidAmount")
    invoice.due = invoice.amount(sums, "DuePayableAmount")
    small = "minimum" in invoice.profile.lower() and invoice.prepaid is None
    if small and invoice.total is not None and invoice.due is not None:
        # The profile has no paid amount (BT-113): it is what lies between the total and what is to pay.
        invoice.prepaid = invoice.total - invoice.due


def _in_currency(invoice: Invoice, sums: Any, name: str) -> Decimal | None:
    """A total that may stand twice, the second time in the seller's currency of account (BT-6)."""
    written = [element for element in find_all(sums, name) if own_text(element)]
    own = [element for element in written if element.get("currencyID", invoice.currency) == invoice.currency]
    return invoice.number_of(own_text(own[0]), "total_amount") if own else None


def _read_lines(invoice: Invoice, trade: Any) -> None:
    for line in find_all(trade, "IncludedSupplyChainTradeLineItem"):
        status = text(line, "AssociatedDocumentLineDocument/LineStatusReasonCode")
        if status not in ("", "DETAIL"):
            # A heading over other lines, or information: its amount is in no sum (BT-X-8).
            continue
        amount = invoice.amount(line, f"{_LINE_SETTLEMENT}/{_LINE_SUMMATION}/LineTotalAmount")
        if amount is not None:
            invoice.lines.append(amount)


def _party(element: Any) -> Party:
    party = Party(name=text(element, "Name"))
    legal = find(element, "SpecifiedLegalOrganization")
    party.trade_name = text(legal, "TradingBusinessName")
    for identifier in find_all(element, "ID|GlobalID"):
        if own_text(identifier):
            party.ids.append((identifier.get("schemeID", ""), own_text(identifier)))
    for identifier in find_all(legal, "ID"):
        party.legal_id = (identifier.get("schemeID", ""), own_text(identifier))
    for identifier in find_all(element, "SpecifiedTaxRegistration/ID"):
        if identifier.get("schemeID") in ("VA", "VAT"):
            party.vat_number = own_text(identifier)
        else:
            party.tax_number = own_text(identifier)
    endpoint = find(element, "URIUniversalCommunication/URIID")
    if endpoint is not None:
        party.endpoint = (endpoint.get("schemeID", ""), own_text(endpoint))
    address = find(element, "PostalTradeAddress")
    city = " ".join(filter(None, (text(address, "PostcodeCode"), text(address, "CityName"))))
    lines = (text(address, "LineOne"), text(address, "LineTwo"), text(address, "LineThree"), city)
    party.address = [line for line in lines if line]
    party.country = text(address, "CountryID")
    contact = find(element, "DefinedTradeContact")
    party.contact = text(contact, "PersonName") or text(contact, "DepartmentName")
    party.phone = text(contact, "TelephoneUniversalCommunication/CompleteNumber")
    party.email = text(contact, "EmailURIUniversalCommunication/URIID")
    return party
