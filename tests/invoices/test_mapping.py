"""Columns proposed for the exports of real programs, and refused where their cells contradict their names."""

import pytest

from invoices.mapping import columns_of, fits, propose

SAGE = (
    ["CT_Num", "CT_Intitule", "EC_Piece", "EC_Date", "EC_Echeance", "EC_Montant", "EC_Sens", "EC_RefPiece"],
    [
        ["CDUPONT", "Dupont SA", "FA0001", "15/01/2026", "15/02/2026", "1200,00", "0", "BC 12"],
        ["CDURAND", "Durand", "RG0007", "16/01/2026", "", "300,00", "1", ""],
    ],
    {
        "customer_code": "CT_Num", "customer_name": "CT_Intitule", "number": "EC_Piece", "issue_date": "EC_Date",
        "due_date": "EC_Echeance", "total_amount": "EC_Montant", "side": "EC_Sens", "reference": "EC_RefPiece",
    },
)  # fmt: skip
EBP = (
    ["Numéro du document", "Type de document", "Date du document", "Code (tiers)", "Nom (tiers)",
     "Date d'échéance", "Total HT net", "Montant total TTC", "Solde dû"],
    [
        ["FA00000012", "Facture", "03/02/2026", "CL0001", "Mercier", "05/03/2026", "100,00", "120,00", "120,00"],
        ["AV00000003", "Avoir", "04/02/2026", "CL0002", "Lenoir", "04/02/2026", "50,00", "60,00", "0,00"],
    ],
    {
        "number": "Numéro du document", "kind": "Type de document", "issue_date": "Date du document",
        "customer_code": "Code (tiers)", "customer_name": "Nom (tiers)", "due_date": "Date d'échéance",
        "net_amount": "Total HT net", "total_amount": "Montant total TTC", "open_amount": "Solde dû",
    },
)  # fmt: skip
CEGID = (
    ["E_AUXILIAIRE", "T_LIBELLE", "E_REFINTERNE", "E_DATECOMPTABLE", "E_DATEECHEANCE", "E_DEBIT", "E_CREDIT", "E_DEVISE"],
    [
        ["9DUPONT", "DUPONT", "260001", "31/01/2026", "28/02/2026", "1200,00", "0,00", "EUR"],
        ["9DURAND", "DURAND", "260002", "31/01/2026", "28/02/2026", "0,00", "40,00", "EUR"],
    ],
    {
        "customer_code": "E_AUXILIAIRE", "customer_name": "T_LIBELLE", "number": "E_REFINTERNE",
        "issue_date": "E_DATECOMPTABLE", "due_date": "E_DATEECHEANCE", "debit_amount": "E_DEBIT",
        "credit_amount": "E_CREDIT", "currency": "E_DEVISE",
    },
)  # fmt: skip
SAP = (
    ["KUNNR", "NAME1", "BELNR", "BLART", "BLDAT", "NETDT", "WRBTR", "SHKZG", "WAERS", "XBLNR"],
    [
        ["0000100001", "ACME GMBH", "1800000012", "RV", "20260115", "20260214", "1200.00", "S", "EUR", "PO 1"],
        ["0000100002", "Dupont SA", "1800000013", "DZ", "20260116", "20260214", "100.50", "H", "EUR", "PO 2"],
    ],
    {
        "customer_code": "KUNNR", "customer_name": "NAME1", "number": "BELNR", "kind": "BLART",
        "issue_date": "BLDAT", "due_date": "NETDT", "total_amount": "WRBTR", "side": "SHKZG", "currency": "WAERS",
        "reference": "XBLNR",
    },
)  # fmt: skip
ODOO = (
    ["Number", "Invoice Partner Display Name", "Invoice/Bill Date", "Due Date", "Tax Excluded", "Total", "Amount Due", "Status"],
    [
        ["INV/2026/00001", "Azure Interior", "2026-01-15", "2026-02-14", "1000.00", "1200.00", "1200.00", "Posted"],
        ["INV/2026/00002", "Deco Addict", "2026-01-16", "2026-02-15", "50.00", "60.00", "0.00", "Draft"],
    ],
    {
        "number": "Number", "customer_name": "Invoice Partner Display Name", "issue_date": "Invoice/Bill Date",
        "due_date": "Due Date", "net_amount": "Tax Excluded", "total_amount": "Total", "open_amount": "Amount Due",
        "status": "Status",
    },
)  # fmt: skip
PENNYLANE = (
    ["Numéro de facture", "Client", "Identifiant externe", "Date d'émission", "Date d'échéance", "Montant HT", "TVA",
     "Montant TTC", "Montant restant dû", "Devise"],
    [
        ["F-2026-01", "Café des Halles", "C001", "2026-01-05", "2026-02-04", "100,00", "20,00", "120,00", "120,00", "EUR"],
        ["F-2026-02", "Maison Perrin", "C002", "2026-01-06", "2026-02-05", "10,00", "2,00", "12,00", "0,00", "EUR"],
    ],
    {
        "number": "Numéro de facture", "customer_name": "Client", "customer_code": "Identifiant externe",
        "issue_date": "Date d'émission", "due_date": "Date d'échéance", "net_amount": "Montant HT",
        "vat_amount": "TVA", "total_amount": "Montant TTC", "open_amount": "Montant restant dû", "currency": "Devise",
    },
)  # fmt: skip
ENGLISH = (
    ["InvoiceNo", "CustNo", "InvDate", "DueDate", "Gross Amount", "VAT Amount", "Curr"],
    [
        ["10001", "AB12", "01/31/2026", "02/28/2026", "1,200.00", "200.00", "GBP"],
        ["10002", "AB13", "01/31/2026", "03/02/2026", "24.00", "4.00", "GBP"],
    ],
    {
        "number": "InvoiceNo", "customer_code": "CustNo", "issue_date": "InvDate", "due_date": "DueDate",
        "total_amount": "Gross Amount", "vat_amount": "VAT Amount", "currency": "Curr",
    },
)  # fmt: skip
CLOSEST = (
    ["client_code", "client_name", "item_number", "item_type", "item_date", "item_due_date",
     "item_amount_initial_inc_tax", "item_amount_remaining_inc_tax", "item_amount_initial_exc_tax", "item_amount_vat",
     "item_currency", "item_order_number"],
    [["C1", "Dupont", "F1", "FAC", "2026-01-05", "2026-02-04", "120.00", "120.00", "100.00", "20.00", "EUR", "PO1"]],
    {
        "customer_code": "client_code", "customer_name": "client_name", "number": "item_number", "kind": "item_type",
        "issue_date": "item_date", "due_date": "item_due_date", "total_amount": "item_amount_initial_inc_tax",
        "open_amount": "item_amount_remaining_inc_tax", "net_amount": "item_amount_initial_exc_tax",
        "vat_amount": "item_amount_vat", "currency": "item_currency", "reference": "item_order_number",
    },
)  # fmt: skip
ABBREVIATED = (
    ["Date fact.", "Cpte cli.", "Mt TTC", "Ech.", "N° Fact", "Raison soc.", "Mt HT", "dont TVA"],
    [
        ["15/01/2026", "411DUP", "1 200,00", "15/02/2026", "F1", "DUPONT", "1 000,00", "200,00"],
        ["16/01/2026", "411DUR", "120,00", "15/02/2026", "F2", "DURAND", "100,00", "20,00"],
    ],
    {
        "issue_date": "Date fact.", "customer_code": "Cpte cli.", "total_amount": "Mt TTC", "due_date": "Ech.",
        "number": "N° Fact", "customer_name": "Raison soc.", "net_amount": "Mt HT", "vat_amount": "dont TVA",
    },
)  # fmt: skip
CASES = {
    "Sage": SAGE, "EBP": EBP, "Cegid": CEGID, "SAP": SAP, "Odoo": ODOO, "Pennylane": PENNYLANE, "English": ENGLISH,
    "the closest product": CLOSEST, "abbreviated": ABBREVIATED,
}  # fmt: skip


@pytest.mark.parametrize(("headers", "rows", "expected"), CASES.values(), ids=CASES)
def test_exports_of_real_programs(headers, rows, expected):
    proposals = propose(headers, rows)
    assert columns_of(proposals) == expected
    assert [proposal.name for proposal in proposals] == headers


def test_headers_that_say_nothing_are_judged_by_their_cells():
    rows = [
        ["C1", "F001", "15/01/2026", "14/02/2026", "1 200,00", "73282932000074"],
        ["C2", "F002", "16/01/2026", "14/02/2026", "12,10", "73282932000074"],
        ["C1", "F003", "17/01/2026", "16/02/2026", "40,00", "73282932000074"],
    ]
    proposals = propose(["A", "B", "C", "D", "E", "G"], rows, known_codes={"C1", "C2"})
    found = [(proposal.field, proposal.reason) for proposal in proposals]
    assert found == [
        ("customer_code", "codes_exist"),
        ("number", "unique_codes"),
        ("issue_date", "dates"),
        ("due_date", "later_dates"),
        ("total_amount", "amounts"),
        ("siret", "identifiers"),
    ]


def test_net_and_vat_that_add_up_are_known_without_names():
    rows = [["120,00", "100,00", "20,00"], ["66,00", "55,00", "11,00"]]
    assert columns_of(propose(["X1", "X2", "X3"], rows)) == {
        "total_amount": "X1",
        "net_amount": "X2",
        "vat_amount": "X3",
    }


def test_a_name_that_its_cells_contradict_is_not_believed():
    rows = [["Paris", "12,00"], ["Lyon", "13,00"]]
    proposals = propose(["Date facture", "Montant TTC"], rows)
    assert [proposal.field for proposal in proposals] == ["", "total_amount"]


def test_a_field_goes_to_one_column_only_and_an_empty_column_to_none():
    proposals = propose(["Montant TTC", "Total TTC", ""], [["12,00", "13,00", ""]])
    assert [proposal.field for proposal in proposals] == ["total_amount", "", ""]
    assert proposals[2].reason == "unnamed"
    assert propose([], []) == []


def test_a_source_fits_files_that_have_all_its_columns():
    columns = {"number": "N° Pièce", "total_amount": "Mt TTC"}
    assert fits(columns, ["Mt_TTC", "no piece", "autre"])
    assert not fits(columns, ["Mt TTC"])
    assert not fits({}, ["Mt TTC"])
