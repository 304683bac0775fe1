"""UBL 2.1 Invoice and CreditNote: EN 16931, Peppol BIS, XRechnung, the French extension."""

from typing import Any

from invoices.readers.einvoice.model import Invoice, Party, Term, VatRow
from invoices.readers.einvoice.xml import find, find_all, name_of, own_text, text, texts


def read_ubl(root: Any) -> Invoice:
    """What the invoice or credit note says; what it writes wrongly is in its `errors`."""
    invoice = Invoice(syntax="UBL", profile=text(root, "CustomizationID"), process=text(root, "ProfileID"))
    is_credit = name_of(root) == "CreditNote"
    invoice.number = text(root, "ID")
    invoice.type_code = text(root, "InvoiceTypeCode|CreditNoteTypeCode") or ("381" if is_credit else "")
    invoice.issue_date = invoice.day_of(text(root, "IssueDate"), "issue_date")
    invoice.currency = text(root, "DocumentCurrencyCode")
    invoice.seller = _party(find(root, "AccountingSupplierParty/Party"))
    invoice.buyer = _party(find(root, "AccountingCustomerParty/Party"))
    payee = find(root, "PayeeParty")
    invoice.payee = None if payee is None else _party(payee)
    invoice.buyer_reference = text(root, "BuyerReference")
    invoice.order_reference = text(root, "OrderReference/ID")
    invoice.contract_reference = text(root, "ContractDocumentReference/ID")
    invoice.preceding = texts(
        root, "BillingReference/InvoiceDocumentReference|CreditNoteDocumentReference/ID"
    )
    invoice.delivery_date = invoice.day_of(text(root, "Delivery/ActualDeliveryDate"), "delivery_date")
    _read_payment(invoice, root)
    _read_totals(invoice, root)
    return invoice


def _read_payment(invoice: Invoice, root: Any) -> None:
    for means in find_all(root, "PaymentMeans"):
        invoice.means_code = invoice.means_code or text(means, "PaymentMeansCode")
        invoice.payment_reference = invoice.payment_reference or text(means, "PaymentID")
        invoice.iban = invoice.iban or text(means, "PayeeFinancialAccount/ID")
        invoice.mandate = invoice.mandate or text(means, "PaymentMandate/ID")
    # A credit note has no DueDate of its own: its due date stands with the means of payment.
    due_dates = texts(root, "DueDate") or texts(root, "PaymentMeans/PaymentDueDate")
    for due in dict.fromkeys(due_dates):
        invoice.terms.append(Term(due_date=invoice.day_of(due, "due_date")))
    for terms in find_all(root, "PaymentTerms"):
        invoice.terms.append(
            Term(
                due_date=invoice.day_of(text(terms, "InstallmentDueDate|PaymentDueDate"), "due_date"),
                amount=invoice.amount(terms, "Amount"),
                text=" ".join(texts(terms, "Note")),
                is_discount=bool(text(terms, "SettlementDiscountPercent|SettlementDiscountAmount")),
            )
        )


def _read_totals(invoice: Invoice, root: Any) -> None:
    for row in find_all(root, "AllowanceCharge"):
        amount = invoice.amount(row, "Amount")
        if amount is not None:
            is_charge = text(row, "ChargeIndicator").lower() in ("true", "1")
            (invoice.charges if is_charge else invoice.allowances).append(amount)
    for total in find_all(root, "TaxTotal"):
        amount = find(total, "TaxAmount")
        # The second one, without breakdown, is in the seller's currency of account (BT-111).
        if amount is None or amount.get("currencyID", invoice.currency) != invoice.currency:
            continue
        invoice.vat_total = invoice.number_of(own_text(amount), "vat_amount")
        for row in find_all(total, "TaxSubtotal"):
            invoice.vat_rows.append(
                VatRow(
                    basis=invoice.amount(row, "TaxableAmount", "vat_amount"),
                    amount=invoice.amount(row, "TaxAmount", "vat_amount"),
                    rate=invoice.amount(row, "TaxCategory/Percent", "vat_amount"),
                )
            )
    sums = find(root, "LegalMonetaryTotal")
    invoice.line_total = invoice.amount(sums, "LineExtensionAmount")
    invoice.allowance_total = invoice.amount(sums, "AllowanceTotalAmount")
    invoice.charge_total = invoice.amount(sums, "ChargeTotalAmount")
    invoice.net_total = invoice.amount(sums, "TaxExclusiveAmount")
    invoice.total = invoice.amount(sums, "TaxInclusiveAmount")
    invoice.prepaid = invoice.amount(sums, "PrepaidAmount")
    invoice.rounding = invoice.amount(sums, "PayableRoundingAmount")
    invoice.due = invoice.amount(sums, "PayableAmount")
    invoice.lines = invoice.amounts(root, "InvoiceLine|CreditNoteLine/LineExtensionAmount")


def _party(element: Any) -> Party:
    legal = find(element, "PartyLegalEntity")
    trade_name = text(element, "PartyName/Name")
    party = Party(name=text(legal, "RegistrationName") or trade_name, trade_name=trade_name)
    for identifier in find_all(element, "PartyIdentification/ID"):
        if own_text(identifier):
            party.ids.append((identifier.get("schemeID", ""), own_text(identifier)))
    for identifier in find_all(legal, "CompanyID"):
        party.legal_id = (identifier.get("schemeID", ""), own_text(identifier))
    for scheme in find_all(element, "PartyTaxScheme"):
        if text(scheme, "TaxScheme/ID").upper() in ("VAT", "TVA", ""):
            party.vat_number = party.vat_number or text(scheme, "CompanyID")
        else:
            party.tax_number = text(scheme, "CompanyID")
    endpoint = find(element, "EndpointID")
    if endpoint is not None:
        party.endpoint = (endpoint.get("schemeID", ""), own_text(endpoint))
    address = find(element, "PostalAddress")
    city = " ".join(filter(None, (text(address, "PostalZone"), text(address, "CityName"))))
    lines = (
        text(address, "StreetName"),
        text(address, "AdditionalStreetName"),
        text(address, "AddressLine/Line"),
        city,
    )
    party.address = [line for line in lines if line]
    party.country = text(address, "Country/IdentificationCode")
    contact = find(element, "Contact")
    party.contact = text(contact, "Name")
    party.phone = text(contact, "Telephone")
    party.email = text(contact, "ElectronicMail")
    return party
