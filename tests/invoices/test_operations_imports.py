"""Batches: what the ledger looks like after each step, and that a refusal changes nothing."""

import threading
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum

from core.audit import ref, timeline
from core.errors import NotAllowed, WrongState
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.import_messages import file_message
from invoices.imports import (
    batch_errors,
    error_kinds,
    rejects_csv,
    row_reports,
    same_file_batches,
    sample_csv,
)
from invoices.models import ImportBatch, OpenItem
from invoices.operations.imports import (
    NothingToCommit,
    NotInScope,
    RejectsNotAccepted,
    cancel_batch,
    commit_batch,
    read_batch,
    reread_batch,
    write_batch,
)
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.batches import FILE, NOW, commit, entity_with_customers, preview, receive, world
from tests.invoices.factories import OpenItemFactory
from tests.invoices.files import TODAY, csv_bytes, xlsx_bytes

pytestmark = pytest.mark.django_db


@pytest.fixture
def entity() -> LegalEntity:
    return entity_with_customers()


def errors(batch: ImportBatch) -> list[tuple[int, str, str]]:
    return [(error.line, error.field, error.code) for error in batch_errors(batch)]


def test_from_file_to_ledger(entity: LegalEntity):
    OpenItemFactory(customer__legal_entity=entity, total_amount=Decimal("50.00"))
    batch = preview(entity, FILE)
    assert batch.status == "PREVIEWED"
    assert (batch.new_count, batch.unchanged_count, batch.error_count) == (4, 0, 0)
    assert batch.receivable_before == {"EUR": "50.00"}
    assert batch.receivable_after == {"EUR": "1430.00"}
    assert OpenItem.objects.count() == 1

    batch = commit(batch)
    assert batch.status == "COMMITTED"
    assert batch.committed_at == NOW
    found = {
        item.number: (item.kind, item.issue_date, item.due_date, item.total_amount, item.open_amount)
        for item in OpenItem.objects.filter(number__in=["F1", "F2", "A1", "R1"])
    }
    assert found == {
        "F1": ("INVOICE", date(2026, 10, 15), date(2026, 11, 30), Decimal("1200.00"), Decimal("1200.00")),
        # 45 days, then end of month: computed from the customer's terms.
        "F2": ("INVOICE", date(2026, 10, 15), date(2026, 11, 30), Decimal("600.00"), Decimal("600.00")),
        "A1": ("CREDIT_NOTE", date(2026, 10, 20), date(2026, 10, 20), Decimal("-120.00"), Decimal("-120.00")),
        "R1": ("PAYMENT", date(2026, 10, 21), date(2026, 10, 21), Decimal("-300.00"), Decimal("-300.00")),
    }
    assert OpenItem.objects.get(number="F1").vat_amount == Decimal("200.00")
    total = OpenItem.objects.filter(legal_entity=entity).aggregate(total=Sum("open_amount"))["total"]
    assert {"EUR": str(total)} == batch.receivable_after


def test_the_trail_of_a_batch(entity: LegalEntity):
    batch = commit(preview(entity, FILE))
    verbs = list(timeline(batch).order_by("pk").values_list("verb", flat=True))
    assert verbs == [
        "invoices.batch.received",
        "invoices.batch.previewed",
        "invoices.batch.approved",
        "invoices.items.imported",
        "invoices.items.imported",
        "invoices.batch.committed",
    ]
    customer = OpenItem.objects.get(number="F1").customer
    event = AuditEvent.objects.get(verb="invoices.items.imported", refs__contains=[ref(customer)])
    assert event.data == {"count": 2, "currency": "EUR", "amount": "1080.00"}


def test_the_same_file_again_changes_nothing(entity: LegalEntity):
    first = commit(preview(entity, FILE))
    items = list(OpenItem.objects.order_by("pk").values_list())
    again = preview(entity, FILE)
    assert (again.new_count, again.unchanged_count, again.error_count) == (0, 4, 0)
    assert again.receivable_before == again.receivable_after
    assert same_file_batches(again) == [first]
    with pytest.raises(NothingToCommit):
        commit_batch(actor=SYSTEM, batch=again, accept_rejects=True, today=TODAY, now=NOW)
    assert list(OpenItem.objects.order_by("pk").values_list()) == items


def test_a_settled_item_is_unchanged_too(entity: LegalEntity):
    commit(preview(entity, FILE))
    OpenItem.objects.filter(number="F1").update(open_amount=0)
    assert preview(entity, FILE).unchanged_count == 4


def test_a_workbook_gives_the_same_ledger(entity: LegalEntity):
    content = xlsx_bytes(
        [
            ["C1", "F1", "Facture", date(2026, 10, 15), date(2026, 11, 30), 1200, 200, "EUR", "Commande 1"],
            ["C2", "F2", "Facture", date(2026, 10, 15), "", 600.0, 100, "", ""],
        ]
    )
    commit(preview(entity, content))
    again = preview(entity, FILE)
    assert (again.new_count, again.unchanged_count, again.error_count) == (2, 2, 0)


def test_checks_against_the_ledger_and_within_the_file(entity: LegalEntity):
    other = CustomerFactory(account_code="C9")
    OpenItemFactory(customer=other, legal_entity=other.legal_entity, number="F7")
    commit(preview(entity, FILE))
    batch = preview(
        entity,
        csv_bytes(
            "C9;F5;;15/10/2026;;10,00;;;",  # a customer of another entity
            "C1;F1;Avoir;16/10/2026;30/11/2026;1 200,01;;USD;",  # in the ledger, otherwise
            "C1;F2;Facture;15/10/2026;;600,00;;;",  # in the ledger, of another customer
            "C1;F7;;15/10/2026;;10,00;;;",  # the number belongs to another entity: free here
            "C1;D1;;15/10/2026;;10,00;;;",
            "C1;D1;;15/10/2026;;11,00;;;",  # twice, different: none counts
            "C1;D2;;15/10/2026;;10,00;;;",
            "C1;D2;;15/10/2026;;10,00;;;",  # twice, the same: the first counts
        ),
    )
    assert errors(batch) == [
        (2, "customer_code", "customer_unknown"),
        (3, "kind", "differs_from_ledger"),
        (3, "currency", "differs_from_ledger"),
        (4, "customer_code", "differs_from_ledger"),
        (6, "number", "duplicate_in_file"),
        (7, "number", "duplicate_in_file"),
        (9, "number", "duplicate_in_file"),
    ]
    said = [error.message for error in batch_errors(batch)]
    assert "Facture" in said[1]
    assert "Avoir" in said[1]
    assert "ligne 7" in said[4]
    assert [row.number for row in batch.rows.filter(outcome="NEW")] == ["F7", "D2"]
    assert [(kind.code, kind.count, kind.first_line) for kind in error_kinds(batch)] == [
        ("duplicate_in_file", 3, 6)
    ]


def test_instalments_share_a_number(entity: LegalEntity):
    content = csv_bytes(
        "C1;F1;1;15/10/2026;15/11/2026;100,00",
        "C1;F1;2;15/10/2026;15/12/2026;100,00",
        header="Code client;N° facture;N° échéance;Date facture;Date d'échéance;Montant TTC",
    )
    commit(preview(entity, content))
    assert list(OpenItem.objects.order_by("instalment").values_list("instalment", flat=True)) == [1, 2]


def test_rows_in_error_need_an_express_word(entity: LegalEntity):
    content = FILE + csv_bytes("C1;F8;;31/02/2026;;10,00;;;").split(b"\r\n", 1)[1]
    batch = preview(entity, content)
    before = world()
    with pytest.raises(RejectsNotAccepted) as refused:
        commit_batch(actor=SYSTEM, batch=batch, accept_rejects=False, today=TODAY, now=NOW)
    assert "1 ligne est en erreur" in str(refused.value)
    assert world() == before
    batch = commit(batch, accept_rejects=True)
    assert OpenItem.objects.count() == 4
    assert batch.error_count == 1


def test_the_rejects_corrected_and_sent_again(entity: LegalEntity):
    batch = preview(entity, csv_bytes("C1;F1;Avoir;31/02/2026;;-10,00;;;=1+1", "C1;F2;;15/10/2026;;5,00;;;"))
    text = "".join(rejects_csv(batch))
    assert text.startswith("\ufeffCode client;")
    assert "'-10,00" in text
    assert "'=1+1" in text
    assert ";2;" in text
    again = preview(entity, text.replace("31/02/2026;", "28/02/2026;").encode())
    assert (again.new_count, again.error_count) == (1, 0)
    assert again.rows.get().total_amount == Decimal("-10.00")
    assert again.rows.get().reference == "=1+1"


def test_an_unreadable_file_is_a_rejected_batch(entity: LegalEntity):
    batch = preview(entity, b"Code client;Facture\r\nC1;F1\r\n")
    assert batch.status == "REJECTED"
    assert batch.error_code == "columns_missing"
    assert "Montant TTC" in file_message(batch.error_code, batch.error_params)
    assert batch.rows.count() == 0
    cancel_batch(actor=SYSTEM, batch=batch, now=NOW)


def test_reading_again_with_other_choices(entity: LegalEntity):
    batch = preview(entity, csv_bytes("C1;F1;;04/01/2026;;12,345;;;"))
    assert batch.error_count == 1
    reread_batch(actor=SYSTEM, batch=batch, options={"decimal": ".", "date_order": "mdy"}, now=NOW)
    assert read_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    batch.refresh_from_db()
    assert (batch.new_count, batch.error_count) == (1, 0)
    row = batch.rows.get()
    assert (row.issue_date, row.total_amount) == (date(2026, 4, 1), Decimal("12345.00"))


def test_the_ledger_may_change_between_preview_and_commit(entity: LegalEntity):
    batch = preview(entity, FILE)
    commit(preview(entity, csv_bytes("C1;F1;Facture;15/10/2026;30/11/2026;1 200,00;200,00;;Commande 1")))
    commit(preview(entity, csv_bytes("C1;F2;Facture;15/10/2026;30/11/2026;999,00;;;")))
    batch = commit(batch)
    assert batch.status == "PREVIEWED"
    assert batch.error_code == "ledger_changed"
    assert batch.error_params == {"errors": 1, "cleared": 0, "suspicions": 0}
    assert (batch.new_count, batch.unchanged_count, batch.error_count) == (2, 1, 1)
    assert errors(batch) == [(3, "customer_code", "differs_from_ledger")]
    assert OpenItem.objects.count() == 2
    assert commit(batch, accept_rejects=True).status == "COMMITTED"
    assert OpenItem.objects.count() == 4


def test_roles_and_scope(entity: LegalEntity, make_user):
    director = make_user(Role.FINANCE_DIRECTOR)
    with pytest.raises(NotAllowed):
        receive(entity, FILE, actor=director)
    stranger = make_user(Role.ACCOUNTANT, sees=[LegalEntityFactory()])
    with pytest.raises(NotInScope):
        receive(entity, FILE, actor=stranger)
    assert not ImportBatch.objects.exists()
    batch = preview(entity, FILE)
    before = ImportBatch.objects.values().get()
    for step in (
        lambda: commit_batch(actor=stranger, batch=batch, accept_rejects=True, today=TODAY, now=NOW),
        lambda: cancel_batch(actor=stranger, batch=batch, now=NOW),
        lambda: reread_batch(actor=stranger, batch=batch, options={}, now=NOW),
    ):
        with pytest.raises(NotInScope):
            step()
    assert ImportBatch.objects.values().get() == before
    assert list(ImportBatch.objects.visible_to(stranger)) == []


def test_each_step_only_from_its_state(entity: LegalEntity):
    batch = commit(preview(entity, FILE))
    before = world()
    for step in (
        lambda: commit_batch(actor=SYSTEM, batch=batch, accept_rejects=True, today=TODAY, now=NOW),
        lambda: cancel_batch(actor=SYSTEM, batch=batch, now=NOW),
        lambda: reread_batch(actor=SYSTEM, batch=batch, options={}, now=NOW),
    ):
        with pytest.raises(WrongState):
            step()
    assert not read_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    assert not write_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    assert world() == before


def test_a_cancelled_batch_leaves_no_row(entity: LegalEntity):
    batch = preview(entity, FILE)
    cancel_batch(actor=SYSTEM, batch=batch, now=NOW)
    batch.refresh_from_db()
    assert batch.status == "CANCELLED"
    assert not batch.rows.exists()
    assert not OpenItem.objects.exists()


def test_three_starts_without_an_end_stop_the_batch(entity: LegalEntity):
    batch = receive(entity, FILE)
    ImportBatch.objects.filter(pk=batch.pk).update(status="READING", attempts=3)
    assert not read_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    batch.refresh_from_db()
    assert (batch.status, batch.error_code) == ("FAILED", "interrupted")
    reread_batch(actor=SYSTEM, batch=batch, options={}, now=NOW)
    assert read_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    batch.refresh_from_db()
    assert batch.status == "PREVIEWED"


def test_the_example_imports_as_it_is(entity: LegalEntity):
    batch = preview(entity, sample_csv(entity, TODAY).encode())
    assert (batch.error_count, batch.new_count) == (0, 4)


def test_row_reports_are_json_able(entity: LegalEntity):
    batch = preview(entity, csv_bytes("C1;F1;;15/10/2026;;x;;;"))
    assert row_reports(batch)[0]["errors"][0]["column"] == "Montant TTC"
    assert row_reports(batch)[0]["outcome"] == "ERROR"


@pytest.mark.django_db(transaction=True)
def test_two_commits_at_once_only_one_wins(entity: LegalEntity):
    batch = preview(entity, FILE)
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def click() -> None:
        try:
            start.wait()
            commit_batch(actor=SYSTEM, batch=batch, accept_rejects=False, today=TODAY, now=NOW)
            outcomes.append("won")
        except WrongState:
            outcomes.append("told")
        finally:
            connection.close()

    run_both(click)
    assert sorted(outcomes) == ["told", "won"]

    start = threading.Barrier(2)
    written: list[bool] = []

    def write() -> None:
        try:
            start.wait()
            written.append(write_batch(batch_id=batch.pk, today=TODAY, now=NOW))
        finally:
            connection.close()

    run_both(write)
    assert sorted(written) == [False, True]
    assert OpenItem.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_two_batches_with_the_same_numbers_commit_once(entity: LegalEntity):
    batches = [preview(entity, FILE), preview(entity, FILE + b"\r\n")]
    for batch in batches:
        commit_batch(actor=SYSTEM, batch=batch, accept_rejects=False, today=TODAY, now=NOW)
    start = threading.Barrier(2)
    waiting = list(batches)

    def write() -> None:
        try:
            batch = waiting.pop()
            start.wait()
            write_batch(batch_id=batch.pk, today=TODAY, now=NOW)
        finally:
            connection.close()

    run_both(write)
    assert OpenItem.objects.count() == 4
    assert sorted(ImportBatch.objects.values_list("status", "new_count", "unchanged_count")) == [
        ("COMMITTED", 0, 4),
        ("COMMITTED", 4, 0),
    ]


def run_both(work) -> None:
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
