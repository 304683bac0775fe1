"""The accounting-entry file: columns, customer accounts, lettering, natures, balance, controls."""

import io
from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.models import Customer
from invoices.import_messages import file_message
from invoices.models import OpenItem
from invoices.readers.errors import UnreadableFile
from invoices.readers.fec import FecRows, open_fec
from invoices.readers.limits import Limits
from invoices.readers.staged import StagedRow
from tests.invoices.batches import NOW, commit, entity_with_customers
from tests.invoices.files import TODAY

HEADER = (
    "JournalCode\tJournalLib\tEcritureNum\tEcritureDate\tCompteNum\tCompteLib\tCompAuxNum\tCompAuxLib\tPieceRef\tPieceDate\t"
    "EcritureLib\tDebit\tCredit\tEcritureLet\tDateLet\tValidDate\tMontantdevise\tIdevise"
)


def entry(
    journal: str = "VE",
    number: str = "1",
    account: str = "411000",
    debit: str = "0,00",
    credit: str = "0,00",
    *,
    auxiliary: str = "",
    piece: str = "FA1",
    day: str = "20261015",
    letters: str = "",
    label: str = "Facture",
    journal_name: str = "Ventes",
    name: str = "",
) -> str:
    if account.startswith(("411", "413", "416", "4191")) and not auxiliary and not name:
        auxiliary, name = "C1", "Client 1"
    return (
        f"{journal}\t{journal_name}\t{number}\t{day}\t{account}\tCompte\t{auxiliary}\t{name}\t{piece}\t{day}\t{label}\t{debit}\t"
        f"{credit}\t{letters}\t\t{day}\t\t"
    )


def sale(number: str = "1", amount: str = "120,00", letters: str = "", **fields: str) -> list[str]:
    """The three lines of a sale."""
    net = f"{Decimal(amount.replace(',', '.')) / Decimal('1.2'):.2f}".replace(".", ",")
    vat = f"{Decimal(amount.replace(',', '.')) - Decimal(net.replace(',', '.')):.2f}".replace(".", ",")
    piece = fields.pop("piece", f"FA{number}")
    plain = {name: value for name, value in fields.items() if name in ("journal", "day", "journal_name")}
    return [
        entry(number=number, debit=amount, letters=letters, piece=piece, **fields),
        entry(number=number, account="706000", credit=net, piece=piece, **plain),
        entry(number=number, account="445710", credit=vat, piece=piece, **plain),
    ]


def payment(number: str = "9", amount: str = "120,00", letters: str = "", **fields: str) -> list[str]:
    piece = fields.pop("piece", f"VIR{number}")
    return [
        entry("BQ", number, "512000", debit=amount, piece=piece, journal_name="Banque"),
        entry(
            "BQ",
            number,
            credit=amount,
            letters=letters,
            piece=piece,
            label="Virement",
            journal_name="Banque",
            **fields,
        ),
    ]


def fec(*lines: str | list[str], header: str = HEADER, end: str = "\r\n") -> bytes:
    flat = [line for group in lines for line in ([group] if isinstance(group, str) else group)]
    return end.join([header, *flat, ""]).encode()


def opened(content: bytes, **options: str) -> FecRows:
    config = {"options": options, "limits": Limits().as_json(), "currency": "EUR", "today": TODAY.isoformat()}
    return open_fec(io.BytesIO(content), config)


def rows(content: bytes, **options: str) -> list[StagedRow]:
    return list(opened(content, **options).rows())


def refusal(content: bytes, **options: str) -> tuple[str, dict[str, Any]]:
    with pytest.raises(UnreadableFile) as refused:
        rows(content, **options)
    code, params = refused.value.code, refused.value.params
    assert "%(" not in file_message(code, params)
    return code, params


def told(found: list[StagedRow]) -> list[tuple[Any, ...]]:
    return [(row.number, row.kind, row.total_amount, row.open_amount, row.skipped) for row in found]


def test_a_sale_is_one_item() -> None:
    (row,) = rows(fec(sale()))
    assert (row.customer_code, row.number, row.kind, row.instalment) == ("C1", "FA1", "INVOICE", 1)
    assert (row.issue_date, row.due_date, row.currency) == (date(2026, 10, 15), None, "EUR")
    assert (row.total_amount, row.open_amount) == (Decimal("120.00"), Decimal("120.00"))
    assert (row.reference, row.details["customer"]) == ("Facture", {"name": "Client 1"})
    assert row.details["fec"] == {"journal": "VE", "entry": "1", "account": "411000"}
    assert (row.line, row.errors) == (2, [])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", ["\t", "|"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252", "iso8859-15"])
def test_separators_and_encodings(end: str, delimiter: str, codec: str) -> None:
    text = fec(sale(name="Société Éclair", auxiliary="C1"), end=end).decode().replace("\t", delimiter)
    (row,) = rows(text.encode(codec))
    assert row.details["customer"]["name"] == "Société Éclair"


def test_amount_and_side_and_the_columns_of_cash_books() -> None:
    header = HEADER.replace("Debit\tCredit", "Montant\tSens") + "\tDateRglt\tModeRglt\tNatOp\tIdClient"
    for sides in (("D", "C"), ("+1", "-1")):
        lines = [
            entry(debit="120,00", credit=sides[0]) + "\t\t\t\t",
            entry(account="706000", debit="120,00", credit=sides[1]) + "\t\t\t\t",
        ]
        (row,) = rows(fec(*lines, header=header))
        assert row.total_amount == Decimal("120.00")
    lines[1] = lines[1].replace("\t-1\t", "\tX\t")
    assert refusal(fec(*lines, header=header)) == ("fec_side", {"line": 3, "column": "Sens", "value": "X"})


def test_columns_in_another_order_or_under_other_names() -> None:
    names = HEADER.split("\t")
    order = [*reversed(range(len(names)))]

    def turned(line: str) -> str:
        cells = line.split("\t")
        return "\t".join(cells[index] for index in order)

    (row,) = rows(fec(*[turned(line) for line in sale()], header=turned(HEADER)))
    assert (row.number, row.total_amount) == ("FA1", Decimal("120.00"))
    official = "code_jrnl\tlib_jrnl\tnum_ecr\tdate_cpt\tnum_cpte_gen\tlib_cpte_gen\tnum_cpt_aux\tlib_cpt_aux\tnum_piece\tdate_piece\tlib_ecriture\tmtn_debit\tmtn_credit\tcode_lettrage\tdate_lettrage\tvalid_date\tmtn_devise\tidevise"
    assert len(rows(fec(sale(), header=official))) == 1
    strange = "\t".join(f"Zone {number}" for number in range(18))
    assert len(rows(fec(sale(), header=strange))) == 1


@pytest.mark.parametrize(
    ("journal", "label", "debit", "kind"),
    [
        ("VE", "Facture", True, "INVOICE"),
        ("VE", "Avoir", False, "CREDIT_NOTE"),
        ("BQ", "Virement", False, "PAYMENT"),
        ("BQ", "Rejet de prélèvement", True, "OTHER"),
        ("OD", "Compensation", False, "CREDIT_NOTE"),
        ("AN", "Report", True, "INVOICE"),
        ("AN", "Report", False, "PAYMENT"),
        ("AN", "Avoir AV3", False, "CREDIT_NOTE"),
    ],
)
def test_natures(journal: str, label: str, debit: bool, kind: str) -> None:
    other = {"VE": "706000", "BQ": "512000", "OD": "658000", "AN": "110000"}[journal]
    sides = {"debit": "50,00"} if debit else {"credit": "50,00"}
    back = {"credit": "50,00"} if debit else {"debit": "50,00"}
    (row,) = rows(
        fec(
            entry(journal, label=label, journal_name="", **sides),
            entry(journal, account=other, journal_name="", **back),
        )
    )
    assert (row.kind, row.total_amount) == (kind, Decimal("50.00") if debit else Decimal("-50.00"))
    assert row.details["fec"].get("opening", False) is (journal == "AN")


def test_a_journal_that_takes_everything_is_looked_at_entry_by_entry() -> None:
    lines = [*sale("1", journal="GE", journal_name="Général")]
    lines += [
        entry("GE", "2", "512000", debit="50,00", journal_name="Général"),
        entry("GE", "2", credit="50,00", piece="V2", journal_name="Général"),
    ]
    assert [row.kind for row in rows(fec(lines))] == ["INVOICE", "PAYMENT"]


def test_a_settled_group_is_left_aside_whatever_its_shape() -> None:
    lines = [
        sale("1", letters="A"),
        sale("2", "60,00", letters="A"),
        payment("9", "180,00", letters="A"),
        sale("3"),
    ]
    assert told(rows(fec(*lines))) == [
        ("FA1", "INVOICE", Decimal("120.00"), None, "settled_group"),
        ("FA2", "INVOICE", Decimal("60.00"), None, "settled_group"),
        ("VIR9", "PAYMENT", Decimal("-180.00"), None, "settled_group"),
        ("FA3", "INVOICE", Decimal("120.00"), Decimal("120.00"), None),
    ]


def test_letters_of_two_customers_or_accounts_are_two_groups() -> None:
    lines = [
        sale("1", letters="A", auxiliary="C1", name="Un"),
        payment("9", letters="A", auxiliary="C2", name="Deux"),
        sale("2", letters="A", account="416000", auxiliary="C1", name="Un"),
    ]
    assert [row.skipped for row in rows(fec(*lines))] == [None, None, None]


def test_a_group_partly_settled_leaves_what_is_left_oldest_first() -> None:
    lines = [sale("1", letters="a"), sale("2", "60,00", letters="a"), payment("9", "150,00", letters="a")]
    assert told(rows(fec(*lines))) == [
        ("FA1", "INVOICE", Decimal("120.00"), None, "settled_group"),
        ("FA2", "INVOICE", Decimal("60.00"), Decimal("30.00"), None),
        ("VIR9", "PAYMENT", Decimal("-150.00"), None, "settled_group"),
    ]
    over = [sale("1", letters="B"), payment("9", "150,00", letters="B")]
    assert told(rows(fec(*over)))[1] == ("VIR9", "PAYMENT", Decimal("-150.00"), Decimal("-30.00"), None)


def test_the_same_piece_on_several_lines_is_instalments() -> None:
    lines = [entry(debit="40,00"), entry(debit="80,00"), entry(account="706000", credit="120,00")]
    assert [(row.number, row.instalment, row.total_amount) for row in rows(fec(lines))] == [
        ("FA1", 1, Decimal("40.00")), ("FA1", 2, Decimal("80.00")),
    ]  # fmt: skip


def test_without_auxiliary_the_account_is_the_customer() -> None:
    lines = sale(account="411DURAND", name="x")
    lines = [line.replace("\tx\t", "\t\t").replace("\tCompte\t", "\tDurand SA\t") for line in lines]
    (row,) = rows(fec(lines))
    assert (row.customer_code, row.details["customer"]["name"]) == ("411DURAND", "Durand SA")


def test_other_customer_accounts_can_be_named() -> None:
    lines = [
        entry(account="467100", auxiliary="X", name="Y", debit="5,00"),
        entry(account="706000", credit="5,00"),
    ]
    assert refusal(fec(lines))[0] == "fec_no_customer"
    assert len(rows(fec(lines), accounts="411, 467")) == 1
    assert refusal(fec(lines), accounts="411;DROP")[0] == "fec_accounts"


def test_advances_received_are_credits() -> None:
    lines = [
        entry("BQ", account="512000", debit="30,00"),
        entry("BQ", account="419100", credit="30,00", piece="AC1"),
    ]
    (row,) = rows(fec(lines))
    assert (row.kind, row.total_amount) == ("PAYMENT", Decimal("-30.00"))


def test_control_of_what_is_open() -> None:
    found = opened(fec(sale("1"), sale("2", letters="A"), payment("9", letters="A")))
    assert sum((row.open_amount or Decimal(0) for row in found.rows()), Decimal(0)) == Decimal(
        found.dialect["balance"]
    )
    assert (found.dialect["from_date"], found.dialect["to_date"], found.total) == (
        "2026-10-15",
        "2026-10-15",
        3,
    )


@pytest.mark.parametrize(
    ("lines", "code", "params"),
    [
        ([entry(debit="120,00"), entry(account="706000", credit="100,00")], "fec_entry_unbalanced", {"journal": "VE", "entry": "1", "line": 2, "debit": "120,00", "credit": "100,00", "count": 1}),
        ([entry(debit="N/A"), entry(account="706000", credit="100,00")], "fec_amount", {"line": 2, "column": "Debit", "value": "N/A"}),
        ([entry(debit="1,005")], "fec_amount", {"line": 2, "column": "Debit", "value": "1,005"}),
        (["VE\tVentes\t1\t20261015\t411000"], "fec_cells", {"line": 2, "cells": 5, "columns": 18}),
    ],
)  # fmt: skip
def test_what_is_refused_is_placed(lines: list[str], code: str, params: dict[str, Any]) -> None:
    found, said = refusal(fec(lines))
    assert found == code
    assert said.items() >= params.items()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"JournalCode;code_jrnl;1. le code\n", "fec_header"),
        (("\t".join(f"C{number}" for number in range(14)) + "\n").encode(), "fec_columns"),
        (fec(), "fec_no_customer"),
    ],
)
def test_what_is_no_fec(content: bytes, code: str) -> None:
    assert refusal(content)[0] == code


def test_a_wrong_date_is_an_error_of_its_row() -> None:
    (row,) = rows(fec([line.replace("20261015", "20261399") for line in sale()]))
    assert [(error["column"], error["code"]) for error in row.errors] == [("issue_date", "date_invalid")]


amounts = st.integers(1, 1_000_000).map(lambda value: f"{Decimal(value).scaleb(-2):.2f}".replace(".", ","))
deeds = st.lists(
    st.tuples(st.booleans(), amounts, st.sampled_from(["", "A", "B", "c"]), st.sampled_from(["C1", "C2"])),
    min_size=1,
    max_size=14,
)


@settings(max_examples=150, deadline=None)
@given(deeds)
def test_what_is_open_is_the_balance_of_every_customer(done: list[tuple[bool, str, str, str]]) -> None:
    lines: list[list[str]] = []
    balance: dict[str, Decimal] = defaultdict(Decimal)
    for number, (is_sale, amount, letters, customer) in enumerate(done, 1):
        make = sale if is_sale else payment
        lines.append(make(str(number), amount, letters, auxiliary=customer, name=f"Client {customer}"))
        balance[customer] += Decimal(amount.replace(",", ".")) * (1 if is_sale else -1)
    found = rows(fec(*lines))
    still: dict[str, Decimal] = defaultdict(Decimal)
    for row in found:
        assert row.total_amount is not None
        if row.skipped is None:
            assert row.open_amount is not None
            assert abs(row.open_amount) <= abs(row.total_amount)
            assert row.open_amount * row.total_amount > 0
            still[row.customer_code or ""] += row.open_amount
    assert {code: still[code] for code in balance} == balance


@pytest.mark.django_db
def test_a_fec_becomes_items() -> None:
    from core.rights import SYSTEM
    from invoices.operations.import_work import read_batch
    from invoices.operations.imports import receive_batch

    entity = entity_with_customers()
    content = fec(
        sale("1", auxiliary="C1", name="Un"),
        sale("2", letters="a", auxiliary="N1", name="Nouveau"),
        payment("9", "20,00", letters="a", auxiliary="N1", name="Nouveau"),
        sale("3", letters="B", auxiliary="C1", name="Un"),
        payment("10", letters="B", auxiliary="C1", name="Un"),
    )
    batch = receive_batch(
        actor=SYSTEM,
        entity=entity,
        file=io.BytesIO(content),
        name="732829320FEC20261231.txt",
        now=NOW,
        creates_customers=True,
    )
    assert batch.format == "FEC"
    assert read_batch(batch_id=batch.pk, today=TODAY, now=NOW)
    batch.refresh_from_db()
    assert (batch.status, batch.new_count, batch.skipped_count, batch.error_count) == ("PREVIEWED", 2, 3, 0)
    batch = commit(batch)
    assert batch.status == "COMMITTED"
    found = {
        item.number: (item.customer.account_code, item.total_amount, item.open_amount)
        for item in OpenItem.objects.filter(number__startswith="FA")
    }
    assert found == {
        "FA1": ("C1", Decimal("120.00"), Decimal("120.00")),
        "FA2": ("N1", Decimal("120.00"), Decimal("100.00")),
    }
    assert Customer.objects.get(account_code="N1").name == "Nouveau"
    assert all(item.due_date >= item.issue_date for item in OpenItem.objects.all())
