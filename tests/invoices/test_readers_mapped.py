"""Tables read by a saved mapping, and the columns beyond the ledger's own: what is left, sides, customers."""

import io
import json
from typing import Any

import pytest

from invoices.readers.child import read
from invoices.readers.detection import batch_format
from invoices.readers.limits import Limits
from invoices.readers.staged import STAGED
from tests.invoices.files import TODAY, codes, csv_bytes, refused, xlsx_bytes


def told(
    content: bytes | str, profile: dict[str, Any] | None = None, *, creates: bool = False, **options: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The dialect and the rows of a table read with a profile."""
    out = io.StringIO()
    data = content.encode() if isinstance(content, str) else content
    config = {
        "limits": Limits().as_json(), "options": options, "currency": "EUR", "today": TODAY.isoformat(),
        "profile": profile or {}, "creates_customers": creates,
    }  # fmt: skip
    read(io.BytesIO(data), out, config)
    head, *lines = out.getvalue().split("\n")
    rows = [dict(zip(STAGED, line.split("\t"), strict=True)) for line in lines if line[:1].isdigit()]
    for row in rows:
        row["errors"] = json.loads("[]" if row["errors"] == "\\N" else row["errors"].replace("\\\\", "\\"))
        row["details"] = json.loads(row["details"].replace("\\\\", "\\"))
    return json.loads(head)["dialect"], rows


def sample(content: bytes | str, profile: dict[str, Any] | None = None, **options: str) -> dict[str, Any]:
    out = io.StringIO()
    data = content.encode() if isinstance(content, str) else content
    config = {
        "task": "sample", "limits": Limits().as_json(), "options": options, "currency": "EUR",
        "today": TODAY.isoformat(), "profile": profile or {},
    }  # fmt: skip
    read(io.BytesIO(data), out, config)
    return json.loads(out.getvalue())


def test_the_columns_of_the_closest_product():
    _dialect, rows = told(
        "client_code;client_name;item_number;item_type;item_date;item_due_date;item_amount_initial_inc_tax;"
        "item_amount_remaining_inc_tax;item_amount_initial_exc_tax;item_amount_vat;item_currency;item_order_number\n"
        "C1;Dupont;F1;FAC;2026-10-01;2026-11-01;120.00;20.00;100.00;20.00;EUR;PO1\n"
        "C1;Dupont;A1;AVO;2026-10-01;;12.00;;10.00;2.00;EUR;\n"
        "C1;Dupont;R1;RGL;2026-10-01;;50.00;50.00;;;EUR;\n"
        "C1;Dupont;T1;Draft;2026-10-01;2026-12-01;500.00;500.00;;;EUR;\n"
        "C1;Dupont;D1;DPA;2026-10-01;2026-12-01;60.00;60.00;;;EUR;\n"
        "C1;Dupont;O1;ODI;2026-10-01;2026-12-01;-5.00;-5.00;;;EUR;\n"
    )
    assert [(row["kind"], row["total_amount"], row["open_amount"]) for row in rows] == [
        ("INVOICE", "120.00", "20.00"),
        ("CREDIT_NOTE", "-12.00", "\\N"),
        ("PAYMENT", "-50.00", "-50.00"),
        ("OTHER", "500.00", "500.00"),  # their draft is a bill of exchange
        ("DEPOSIT", "60.00", "60.00"),
        ("OTHER", "-5.00", "-5.00"),
    ]
    assert not any(row["errors"] for row in rows)
    assert rows[0]["details"] == {"customer": {"name": "Dupont"}}
    assert rows[0]["reference"] == "PO1"


def test_a_mapping_decides_alone():
    profile = {
        "columns": {
            "customer_code": "Cpte",
            "number": "Doc",
            "issue_date": "Le",
            "total_amount": "Somme",
            "kind": "N",
        },
        "constants": {"currency": "CHF"},
        "values": {"kind": {"VT": "INVOICE", "REM": "CREDIT_NOTE", "BRO": "draft"}},
    }
    dialect, rows = told(
        "Export du jour;;;;;\nCpte;Doc;Le;Somme;N;Montant TTC\nC1;1;01/10/2026;12,00;VT;9\nC1;2;01/10/2026;3,00;REM;9\n"
        "C1;;;;BRO;\nC1;4;01/10/2026;3,00;Facture;9\nC1;5;01/10/2026;3,00;???;9\n",
        profile,
    )
    assert dialect["header_line"] == 2
    assert dialect["ignored"] == ["Montant TTC"]
    assert [(row["kind"], row["total_amount"], row["currency"], row["skipped"]) for row in rows] == [
        ("INVOICE", "12.00", "CHF", "\\N"),
        ("CREDIT_NOTE", "-3.00", "CHF", "\\N"),
        ("\\N", "\\N", "CHF", "draft"),
        ("INVOICE", "3.00", "CHF", "\\N"),
        ("\\N", "3.00", "CHF", "\\N"),
    ]
    assert codes(rows[4]) == [("kind", "kind_unknown")]
    assert not rows[2]["errors"]


def test_two_columns_of_one_name_are_told_apart_by_a_mapping():
    content = "Code client;N° facture;Date;Montant;Montant\nC1;F1;01/10/2026;100,00;120,00\n"
    assert refused(content.encode()).code == "column_double"
    columns = {"customer_code": "Code client", "number": "N° facture", "issue_date": "Date"}
    _dialect, rows = told(content, {"columns": columns | {"total_amount": "Montant (2)"}})
    assert rows[0]["total_amount"] == "120.00"


def test_a_file_without_a_header():
    columns = {
        "customer_code": "Colonne 1",
        "number": "Colonne 2",
        "issue_date": "Colonne 3",
        "total_amount": "Colonne 4",
    }
    dialect, rows = told(
        "C1;F1;01/10/2026;100,00\nC2;F2;02/10/2026;50,00\n", {"columns": columns}, header_line="0"
    )
    assert dialect["header_line"] == 0
    assert [(row["line"], row["number"]) for row in rows] == [("1", "F1"), ("2", "F2")]


@pytest.mark.parametrize(
    ("cells", "kind", "total", "error"),
    [
        ("F1;;1 200,00;", "INVOICE", "1200.00", None),
        ("R1;;;300,00", "PAYMENT", "-300.00", None),
        ("A1;Avoir;;300,00", "CREDIT_NOTE", "-300.00", None),
        ("R2;Règlement;300,00;", "OTHER", "300.00", None),
        ("F2;;1,00;2,00", "INVOICE", "\\N", ("debit_amount", "debit_and_credit")),
        ("F3;;;", "INVOICE", "\\N", ("debit_amount", "required")),
    ],
    ids=["debit", "credit", "credit note", "payment that went back", "both", "neither"],
)
def test_debit_and_credit(cells: str, kind: str, total: str, error: tuple[str, str] | None):
    dialect, rows = told(
        "Compte;Date;Pièce;Type;Débit;Crédit;Solde\n"
        "C1;01/10/2026;" + cells + ";999,00\n" + "C1;01/10/2026;Z;;1,00;0,00;0,00\n"
    )
    assert (rows[0]["kind"], rows[0]["total_amount"]) == (kind, total)
    assert codes(rows[0]) == ([error] if error else [])
    assert dialect["amounts"] == "debit_credit"
    assert "Solde" in dialect["ignored"]  # the running balance of the account


@pytest.mark.parametrize(
    ("side", "total", "error"),
    [("D", "12.00", None), ("C", "-12.00", None), ("S", "12.00", None), ("H", "-12.00", None), ("1", "-12.00", None),
     ("x", "\\N", "side_unknown"), ("", "\\N", "side_missing")],
)  # fmt: skip
def test_a_column_of_sides(side: str, total: str, error: str | None):
    _dialect, rows = told(f"Compte;Date;Pièce;Montant;Sens\nC1;01/10/2026;F1;12,00;{side}\n")
    assert rows[0]["total_amount"] == total
    assert codes(rows[0]) == ([("side", error)] if error else [])


def test_the_total_follows_from_net_and_vat():
    _dialect, rows = told(
        "Code client;N° facture;Date;Montant HT;TVA\nC1;F1;01/10/2026;100,00;20,00\nC1;F2;01/10/2026;55,00;\n"
    )
    assert [(row["total_amount"], row["vat_amount"]) for row in rows] == [
        ("120.00", "20.00"),
        ("55.00", "\\N"),
    ]
    assert refused(b"Code client;Facture;Date;Montant HT\nC1;F1;01/10/2026;100\n").code == "columns_missing"


def test_the_other_side_of_the_table():
    content = "Code client;N° facture;Date;Type;Montant;Solde\n" + "".join(
        f"C1;F{i};01/10/2026;{kind};{amount};{left}\n"
        for i, (kind, amount, left) in enumerate(
            [("Facture", "-100,00", "-40,00"), ("Facture", "-50,00", "-50,00"), ("Avoir", "30,00", "30,00")]
        )
    )
    dialect, rows = told(content)
    assert dialect["sign"] == "reversed"
    assert [(row["total_amount"], row["open_amount"]) for row in rows] == [
        ("100.00", "40.00"),
        ("50.00", "50.00"),
        ("-30.00", "-30.00"),
    ]
    _dialect, rows = told(content, sign="normal")
    assert codes(rows[0])[0] == ("total_amount", "amount_sign")


def test_what_is_left_fits_the_amount():
    _dialect, rows = told(
        "Code client;N° facture;Date;Montant;Reste dû\nC1;1;01/10/2026;10,00;0,00\nC1;2;01/10/2026;10,00;11,00\n"
        "C1;3;01/10/2026;10,00;-1,00\nC1;4;01/10/2026;10,00;abc\n"
    )
    assert rows[0]["open_amount"] == "0.00"
    assert [codes(row) for row in rows[1:]] == [
        [("open_amount", "open_above_total")],
        [("open_amount", "open_sign")],
        [("open_amount", "amount_invalid")],
    ]


def test_drafts_and_what_is_no_claim_are_left_aside_without_errors():
    _dialect, rows = told(
        "Code client;N° facture;Date;Type;Statut;Montant\nC1;;;Brouillon;;\nC1;F2;01/10/2026;Facture;Brouillon;10,00\n"
        "C1;F3;01/10/2026;Devis;;10,00\nC1;F4;01/10/2026;Facture;Envoyée;10,00\n"
    )
    assert [row["skipped"] for row in rows] == ["draft", "draft", "not_receivable", "\\N"]
    assert not any(row["errors"] for row in rows)


def test_dates_with_their_hour():
    _dialect, rows = told(
        "Code client;N° facture;Date;Montant\nC1;1;2026-10-01T00:00:00Z;1\nC1;2;01/10/2026 14:30;1\n"
    )
    assert [row["issue_date"] for row in rows] == ["2026-10-01", "2026-10-01"]


CUSTOMER = "Raison sociale;SIRET;N° TVA;Adresse;CP;Ville;Pays;E-mail;N° facture;Date;Montant\n"


def test_what_the_file_says_of_a_customer():
    _dialect, rows = told(
        CUSTOMER
        + "Dupont SA;732 829 320 00074;;1 rue Haute;49000;Angers;France;a@b.fr, c@d.fr;F1;01/10/2026;1\n"
    )
    assert rows[0]["customer_code"] == "\\N"
    assert rows[0]["details"] == {
        "customer": {
            "name": "Dupont SA", "address_lines": "1 rue Haute\n49000 Angers", "country": "FR", "email": "a@b.fr",
            "siret": "73282932000074", "siren": "732829320",
        }
    }  # fmt: skip
    assert not rows[0]["errors"]


def test_what_is_wrong_of_a_customer_matters_when_he_is_created_from_it():
    content = "Code client;" + CUSTOMER + "C9;Dupont;73282932000075;FR00;;;;Atlantide;rien;F1;01/10/2026;1\n"
    _dialect, rows = told(content)
    assert rows[0]["details"] == {"customer": {"name": "Dupont"}}
    assert not rows[0]["errors"]
    _dialect, rows = told(content, creates=True)
    assert codes(rows[0]) == [
        ("country", "country_unknown"),
        ("email", "email_invalid"),
        ("siret", "identifier_invalid"),
        ("vat_number", "identifier_invalid"),
    ]


def test_a_row_without_any_customer_is_in_error():
    _dialect, rows = told(CUSTOMER + "Dupont;;;;;;;;F1;01/10/2026;1\n")
    assert codes(rows[0]) == [("customer_code", "required")]


def test_a_sample_of_a_file_that_nobody_knows():
    found = sample("a;b;c\n1;x,y,z;2,5\n3;x;4,5\n")
    assert found["dialect"]["headers"] == ["a", "b", "c"]
    assert found["dialect"]["delimiter"] == ";"
    assert found["missing"] == ["customer_code", "number", "issue_date", "total_amount"]
    assert found["cells"] == [["1", "x,y,z", "2,5"], ["3", "x", "4,5"]]
    assert [row["errors"] for row in found["rows"]] == [[], []]


def test_a_sample_is_bounded_and_says_what_cannot_be_opened():
    rows = "".join(f"C{i};F{i};01/10/2026;{'9' * 500}\n" for i in range(1_000))
    found = sample("Code client;Facture;Date;Montant\n" + rows)
    assert (len(found["rows"]), max(len(cell) for cell in found["cells"][0])) == (200, 80)
    assert sample(b"\x89PNG....")["error"] == "format_image"
    assert sample(b"")["error"] == "empty"
    workbook = sample(
        xlsx_bytes([["C1", "F1", "Facture", "01/10/2026", "", 12, 2, "EUR", ""]], hidden_first=True)
    )
    assert workbook["sheets"] == ["Factures"]
    assert workbook["rows"][0]["total_amount"] == "12.00"


def test_formats_are_known_by_their_bytes():
    assert batch_format(csv_bytes()[:4096], "a.xml") == "TABLE"
    assert batch_format(xlsx_bytes([])[:4096], "a.zip") == "TABLE"
    assert batch_format(b"JournalCode|JournalLib|EcritureNum", "a.txt") == "FEC"
    assert batch_format("JournalCode\tJournalLib".encode("utf-16"), "a.csv") == "FEC"
    assert batch_format(b"%PDF-1.7", "a.csv") == "EINVOICE"
    assert batch_format(b"\xef\xbb\xbf<?xml version='1.0'?><Invoice/>", "a") == "EINVOICE"
    assert batch_format(b"<!DOCTYPE html><html>", "a.xml") == "TABLE"
    assert batch_format(b'{"external_id": "F1"}', "a") == "JSON_LINES"
    assert batch_format(b"", "a") == "TABLE"
