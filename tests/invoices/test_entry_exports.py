"""The entries posted back: eighteen columns, balanced, each once, reversed when undone."""

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.errors import NotAllowed
from core.files import read_file
from core.models import Role
from core.rights import SYSTEM
from invoices.entry_lines import COLUMNS, Entry, Line, UnbalancedEntry, written
from invoices.models import Adjustment, EntryExport, Receipt
from invoices.operations.applying import Difference, OnAccount
from invoices.operations.cash_returns import return_receipt
from invoices.operations.cash_reversals import reverse_application
from invoices.operations.credits import refund_credit
from invoices.operations.entry_exports import ExportRefused, export_entries
from tests.customers.factories import LegalEntityFactory
from tests.invoices.bank import make_line
from tests.invoices.factories import CreditNoteFactory, OpenItemFactory
from tests.invoices.test_operations_cash import NOW, TODAY, apply, part

WHEN: dict[str, Any] = {"today": TODAY, "now": NOW}


def rows(export: EntryExport) -> list[dict[str, str]]:
    text = read_file(export.file).decode()
    return list(csv.DictReader(io.StringIO(text), delimiter=";", quoting=csv.QUOTE_NONE))


def export(entity: Any, **changes: Any) -> EntryExport:
    return export_entries(**{"actor": SYSTEM, "entity": entity, "until": TODAY, **WHEN} | changes)


def amount(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def assert_balanced(found: list[dict[str, str]]) -> None:
    by_entry: dict[str, Decimal] = {}
    for row in found:
        by_entry[row["EcritureNum"]] = (
            by_entry.get(row["EcritureNum"], Decimal(0)) + amount(row["Debit"]) - amount(row["Credit"])
        )
    assert set(by_entry.values()) == {Decimal("0.00")}


@pytest.mark.django_db
class TestExport:
    def test_a_receipt_and_its_difference(self) -> None:
        invoice = OpenItemFactory(customer__name="=Menuiserie; Dufour")
        line = make_line(invoice.legal_entity, "1295.00")
        (application,) = apply(
            line,
            part(invoice),
            on_account=[OnAccount(invoice.customer_id, Decimal("100.00"))],
            differences=[Difference(invoice.pk, Decimal("5.00"), "BANK_CHARGES")],
        )
        done = export(invoice.legal_entity)
        found = rows(done)
        assert tuple(found[0]) == COLUMNS
        assert_balanced(found)
        bank, settled, rest, charge, customer = found
        assert (bank["CompteNum"], bank["Debit"], bank["JournalCode"]) == ("512000", "1295,00", "BQ1")
        assert (settled["PieceRef"], settled["Credit"]) == (invoice.number, "1195,00")
        assert (settled["CompteNum"], settled["CompAuxNum"]) == ("411000", invoice.customer.account_code)
        assert (settled["EcritureLet"], settled["DateLet"]) == (f"E{application.pk}", "20260210")
        assert settled["CompAuxLib"] == "'=Menuiserie, Dufour"
        assert (rest["Credit"], rest["EcritureLet"]) == ("100,00", "")
        assert (charge["CompteNum"], charge["Debit"], charge["JournalCode"]) == ("627000", "5,00", "OD")
        assert (customer["Credit"], customer["PieceRef"], customer["EcritureLet"]) == (
            "5,00",
            invoice.number,
            f"E{application.pk}",
        )
        assert (done.entry_count, done.debit_amount) == (2, Decimal("1300.00"))

    def test_each_is_exported_once_and_what_is_undone_is_reversed(self) -> None:
        invoice = OpenItemFactory()
        (application,) = apply(
            make_line(invoice.legal_entity, "1195.00"),
            part(invoice),
            differences=[Difference(invoice.pk, Decimal("5.00"), "BANK_CHARGES")],
        )
        export(invoice.legal_entity)
        with pytest.raises(ExportRefused) as refusal:
            export(invoice.legal_entity)
        assert refusal.value.field == "until"
        reverse_application(actor=SYSTEM, application_id=application.pk, reason="x", **WHEN)
        found = rows(export(invoice.legal_entity))
        assert_balanced(found)
        assert {row["EcritureNum"][:3] for row in found} == {"AN-"}
        bank = next(row for row in found if row["CompteNum"] == "512000")
        assert (bank["Credit"], bank["EcritureDate"]) == ("1195,00", "20260302")
        assert not Receipt.objects.filter(reversal_export__isnull=True).exists()
        assert not Adjustment.objects.filter(export__isnull=True).exists()

    def test_returns_and_refunds_are_the_other_way_round(self) -> None:
        invoice = OpenItemFactory()
        original = make_line(invoice.legal_entity)
        apply(original, part(invoice))
        back = make_line(original.statement, "-1200.00", is_return=True, booking_date=date(2026, 2, 15))
        return_receipt(actor=SYSTEM, line_id=back.pk, original_line_id=original.pk, **WHEN)
        note = CreditNoteFactory(customer=invoice.customer)
        debit = make_line(original.statement, "-200.00")
        refund_credit(actor=SYSTEM, parts=[part(note)], line_id=debit.pk, **WHEN)
        found = rows(export(invoice.legal_entity))
        assert_balanced(found)
        credits = {row["EcritureNum"]: row["Credit"] for row in found if row["CompteNum"] == "512000"}
        assert credits[f"RJ-{back.pk}"] == "1200,00"
        assert sorted(credits.values()) == ["0,00", "1200,00", "200,00"]

    def test_a_payment_in_another_currency_says_both(self) -> None:
        invoice = OpenItemFactory(currency="USD", total_amount=Decimal("1300.00"))
        line = make_line(
            invoice.legal_entity, "1200.00", original_amount=Decimal("1300.00"), original_currency="USD"
        )
        apply(line, part(invoice))
        found = rows(export(invoice.legal_entity))
        assert_balanced(found)
        assert {(row["Montantdevise"], row["Idevise"]) for row in found} == {
            ("1300,00", "USD"),
            ("-1300,00", "USD"),
        }

    def test_only_up_to_the_day_and_for_who_may(self, make_user: Any) -> None:
        invoice = OpenItemFactory()
        apply(make_line(invoice.legal_entity), part(invoice))
        with pytest.raises(ExportRefused):
            export(invoice.legal_entity, until=date(2026, 2, 9))
        with pytest.raises(ExportRefused):
            export(invoice.legal_entity, until=date(2026, 3, 3))
        with pytest.raises(ExportRefused):
            export(invoice.legal_entity, separator="x")
        with pytest.raises(NotAllowed):
            export(invoice.legal_entity, actor=make_user(Role.CREDIT_MANAGER))
        stranger = make_user(Role.ACCOUNTANT, sees=[LegalEntityFactory()])
        with pytest.raises(ExportRefused):
            export(invoice.legal_entity, actor=stranger)
        assert not EntryExport.objects.exists()


def test_an_entry_that_does_not_balance_is_a_defect() -> None:
    entry = Entry("BQ", "Banque", "1", TODAY, "x", [Line("512", "Banque", Decimal(1))])
    with pytest.raises(UnbalancedEntry):
        list(written(entry))
