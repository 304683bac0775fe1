"""Files of customers: columns, contacts in columns or rows, identifiers, errors by column."""

import io
from typing import Any

import pytest

from customers.models import Contact, Customer
from invoices.import_messages import row_message
from invoices.readers.customer_rows import open_customers
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import Limits
from invoices.readers.staged import StagedRow
from tests.invoices.batches import commit, entity_with_customers, preview

SIREN, VAT = "732829320", "FR44732829320"


def opened(content: bytes | str, profile: dict[str, Any] | None = None, **options: str) -> list[StagedRow]:
    config = {
        "options": options,
        "limits": Limits().as_json(),
        "currency": "EUR",
        "today": "2026-11-23",
        "profile": profile or {},
    }
    source = open_customers(io.BytesIO(content.encode() if isinstance(content, str) else content), config)
    found = list(source.rows())
    assert source.total == len(found)
    return found


def only(header: str, *cells: str) -> StagedRow:
    (row,) = opened("\n".join([header, *cells]))
    return row


def test_a_customer_with_contacts_in_columns() -> None:
    row = only(
        "Code client;Raison sociale;SIREN;N° TVA;Adresse;Complément;CP;Ville;Pays;Langue;Conditions de règlement;Segment;Devise;Contact 1;E-mail contact 1;Fonction contact 1;Relances contact 1;Nom contact 2;Tél contact 2;Prénom contact 3;Nom contact 3;Courriel contact 3",
        f"C9;Durand SA;{SIREN};{VAT};1 rue A;Bât B;75001;Paris;France;Français;45FM;Grands comptes;EUR;Anne;a@durand.example;Comptabilité;Oui;Paul;0102030405;Zoé;Vié;z@durand.example",
    )
    assert (row.customer_code, row.errors) == ("C9", [])
    assert row.details["customer"] == {
        "name": "Durand SA", "segment": "Grands comptes", "terms": "45FM", "address_lines": "1 rue A\nBât B\n75001 Paris",
        "country": "FR", "language": "fr", "siren": SIREN, "vat_number": VAT, "currency": "EUR",
    }  # fmt: skip
    assert [(contact["name"], contact["role"], contact["email"], contact["phone"], contact["gets_dunning"]) for contact in row.details["contacts"]] == [
        ("Anne", "ACCOUNTS_PAYABLE", "a@durand.example", "", True),
        ("Paul", "ACCOUNTS_PAYABLE", "", "0102030405", None),
        ("Zoé Vié", "ACCOUNTS_PAYABLE", "z@durand.example", "", None),
    ]  # fmt: skip


def test_a_row_per_contact_is_one_customer() -> None:
    found = opened(
        "Code;Nom;Contact;E-mail contact\nC1;Un;Anne;a@x.example\nC2;Deux;Bob;b@x.example\nC1;Un;Zoé;z@x.example\nC1;;Eve;e@x.example"
    )
    assert [(row.customer_code, [contact["name"] for contact in row.details["contacts"]]) for row in found] == [
        ("C1", ["Anne", "Zoé", "Eve"]), ("C2", ["Bob"]),
    ]  # fmt: skip


def test_rows_that_disagree_stand_apart() -> None:
    assert [row.line for row in opened("Code;Nom\nC1;Un\nC1;Autre")] == [2, 3]


@pytest.mark.parametrize(
    ("header", "cells", "column", "code"),
    [
        ("Code client;SIREN", "C1;123456789", "siren", "identifier_invalid"),
        ("Code client;SIRET", "C1;73282932000075", "siret", "identifier_invalid"),
        ("Code client;Pays", "C1;Nulle part", "country", "country_unknown"),
        ("Code client;E-mail", "C1;pas un mail", "email", "email_invalid"),
        (
            "Code client;Contact 1;Relances contact 1",
            "C1;Anne;peut-être",
            "contact1_gets_dunning",
            "yes_no_unknown",
        ),
        ("Code client;Nom", ";Durand", "customer_code", "required"),
        ("Code client;Nom", f"{'C' * 41};Durand", "customer_code", "text_too_long"),
        ("Code client;Nom", "=1+1;Durand", "customer_code", "formula_like"),
    ],
)
def test_errors_by_column(header: str, cells: str, column: str, code: str) -> None:
    (error,) = only(header, cells).errors
    assert (error["column"], error["code"]) == (column, code)
    assert "%(" not in row_message(error)


@pytest.mark.parametrize(
    ("said", "role"),
    [("", "ACCOUNTS_PAYABLE"), ("Compta fournisseurs", "ACCOUNTS_PAYABLE"), ("Acheteuse", "OTHER"), ("Achats", "BUYER"), ("Gérant", "MANAGEMENT"), ("DAF", "MANAGEMENT"), ("Accueil", "OTHER"), ("MANAGEMENT", "MANAGEMENT")],
)  # fmt: skip
def test_roles(said: str, role: str) -> None:
    assert only("Code;Contact;Fonction contact", f"C1;Anne;{said}").details["contacts"][0]["role"] == role


@pytest.mark.parametrize(
    ("said", "kind"),
    [("Particulier", "CONSUMER"), ("Public", "PUBLIC_BODY"), ("EI", "SOLE_TRADER"), ("COMPANY", "COMPANY")],
)
def test_kinds(said: str, kind: str) -> None:
    assert only("Code;Nature du client", f"C1;{said}").details["customer"]["kind"] == kind


def test_a_saved_mapping_and_constants() -> None:
    (row,) = opened(
        "Ref;Libelle\nC1;Durand",
        {"columns": {"customer_code": "Ref", "customer_name": "Libelle"}, "constants": {"country": "FR"}},
    )
    assert (row.customer_code, row.details["customer"]) == ("C1", {"name": "Durand", "country": "FR"})


def test_a_workbook_and_lines_above_the_header() -> None:
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.add_worksheet("Lisez-moi").write(0, 0, "bonjour")
    sheet = book.add_worksheet("Clients")
    for index, line in enumerate([["Export"], [], ["Code client", "Raison sociale"], [411001, "Durand"]]):
        sheet.write_row(index, 0, line)
    book.close()
    (row,) = opened(out.getvalue())
    assert (row.customer_code, row.line) == ("411001", 4)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"Nom;Ville\nA;B\n", "columns_missing"),
        (b"Code client;Nom\n", "no_rows"),
        (b"%PDF-1.4", "format_pdf"),
    ],
)
def test_what_is_no_file_of_customers(content: bytes, code: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        opened(content)
    assert refused.value.code == code


@pytest.mark.django_db
def test_a_file_of_customers_opens_and_changes_them() -> None:
    entity = entity_with_customers()
    text = (
        "Code client;Raison sociale;SIREN;Contact 1;E-mail contact 1;Relances contact 1\n"
        f"N1;Neuf SARL;{SIREN};Anne;anne@neuf.example;Oui\nC1;Nouveau nom;;;;\n;Sans code;;;;\n"
    )
    batch = preview(entity, text.encode(), subject="CUSTOMERS")
    assert (batch.status, batch.new_count, batch.changed_count, batch.error_count) == ("PREVIEWED", 1, 1, 1)
    batch = commit(batch, accept_rejects=True)
    opened_one = Customer.objects.get(account_code="N1")
    assert (opened_one.name, opened_one.siren) == ("Neuf SARL", SIREN)
    assert list(Contact.objects.filter(customer=opened_one).values_list("name", "email", "gets_dunning")) == [
        ("Anne", "anne@neuf.example", True)
    ]
    assert Customer.objects.get(account_code="C1").name == "Nouveau nom"
