"""CFONB120 and CFONB240: records, overpunched amounts, qualifiers, codes of operations and returns, order."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invoices.bank_messages import bank_file_message, remark_message
from invoices.readers.bank.cfonb_codes import NATURE_OF, REASONS
from tests.invoices.bank_texts import (
    IBAN,
    cfonb,
    cfonb_amount,
    cfonb_record,
    line,
    lines,
    reading,
    refusal,
    statement,
)

MOVEMENT = cfonb_record("04", amount="100.00", label="VIR SEPA DURAND", reference="REF1")


def with_complements(*complements: tuple[str, str], amount: str = "100.00", **fields: str) -> Any:
    movement = cfonb_record("04", amount=amount, **{"label": "VIR SEPA DURAND"} | fields)
    records = [cfonb_record("05", qualifier=name, text=text) for name, text in complements]
    return line(cfonb(movement, *records, closing=amount))


def test_a_statement() -> None:
    found = statement(cfonb(MOVEMENT))
    assert found.account_identification == "300060000112345678901"
    assert (found.currency, found.from_date, found.to_date) == ("EUR", date(2026, 11, 19), date(2026, 11, 20))
    assert (found.opening_amount, found.closing_amount, found.remark_code) == (
        Decimal("0.00"),
        Decimal("100.00"),
        "",
    )
    (movement,) = found.lines
    assert (movement.amount, movement.booking_date, movement.value_date) == (
        Decimal("100.00"), date(2026, 11, 20), date(2026, 11, 20),
    )  # fmt: skip
    assert (movement.nature, movement.bank_code, movement.bank_reference) == ("TRANSFER", "05", "REF1")
    assert (movement.remittance, movement.counterparty_name) == ("VIR SEPA DURAND", "DURAND")


@pytest.mark.parametrize(
    "amount", ["0.01", "-0.01", "1234567.89", "-1234567.80", "999999999.99", "10.00", "-10.05"]
)
def test_overpunched_amounts(amount: str) -> None:
    found = line(cfonb(cfonb_record("04", amount=amount), closing=amount))
    assert found.amount == Decimal(amount)


@pytest.mark.parametrize(
    ("decimals", "currency", "amount"),
    [("0", "JPY", "1500"), ("2", "USD", "15.00"), ("3", "TND", "15.120"), (" ", "EUR", "15.00")],
)
def test_decimals_and_currencies(decimals: str, currency: str, amount: str) -> None:
    if decimals == "0":
        text = cfonb(
            cfonb_record("04", amount=amount, decimals="0", currency=currency),
            opening="0",
            closing=amount,
            decimals="0",
            currency=currency,
        )
    else:
        text = cfonb(
            cfonb_record("04", amount=amount, decimals=decimals.strip() or "2", currency=currency),
            closing=amount,
            decimals=decimals.strip() or "2",
            currency=currency,
        )
        if decimals == " ":
            text = text.replace("EUR2", "EUR ")
    found = statement(text)
    assert (found.currency, found.remark_code) == (currency, "")
    assert next(iter(found.lines)).amount == Decimal(amount)


def test_a_third_decimal_is_never_rounded() -> None:
    text = cfonb(
        cfonb_record("04", amount="1.005", decimals="3", currency="TND"),
        closing="1.005",
        decimals="3",
        currency="TND",
    )
    assert statement(text).remark_code == "amount_decimals"


def test_without_line_breaks_and_with_stripped_ends() -> None:
    records = [
        cfonb_record("01", day="191126", amount="0"),
        MOVEMENT,
        cfonb_record("05", qualifier="LCC", text="FACTURE é"),
        cfonb_record("07", amount="100.00"),
    ]
    for codec in ("latin-1", "utf-8"):
        assert line("".join(records).encode(codec)).remittance == "FACTURE é"
    assert line("\n".join(record.rstrip() for record in records)).remittance == "FACTURE é"
    assert line("\r\n".join(records) + "\x1a").remittance == "FACTURE é"


@pytest.mark.parametrize(
    ("complements", "expected"),
    [
        ([("LCC", "FACTURE FA001"), ("LC2", "FA002")], {"remittance": "FACTURE FA001 FA002"}),
        ([("LCC", "F" * 70), ("LC2", "A002")], {"remittance": "F" * 70 + "A002"}),
        ([("LIB", "FACT 12"), ("LIB", "SUITE")], {"remittance": "VIR SEPA DURAND FACT 12 SUITE"}),
        ([("LCS", "RF18539007547034")], {"structured_reference": "RF18539007547034"}),
        ([("NPY", "DURAND SARL"), ("NPO", "DURAND HOLDING")], {"counterparty_name": "DURAND SARL", "ultimate_name": "DURAND HOLDING"}),
        ([("NBE", "SEUL NOM")], {"counterparty_name": "SEUL NOM"}),
        ([("CPY", IBAN)], {"counterparty_iban": IBAN}),
        ([("RCN", "E2E-77".ljust(35) + "SALA")], {"end_to_end_id": "E2E-77"}),
        ([("RCN", "NOTPROVIDED")], {"end_to_end_id": ""}),
        ([("REF", "BANQUE-1")], {"bank_reference": "BANQUE-1"}),
        ([("RUM", "MANDAT-1")], {"mandate_reference": "MANDAT-1"}),
        ([("MMO", "USD200000000001234")], {"original_currency": "USD", "original_amount": Decimal("12.34")}),
        ([("MMO", "USD0nonsense")], {"original_currency": "", "original_amount": None}),
        ([("FEE", "EUR200000000000740")], {"charges_amount": Decimal("7.40")}),
        ([("ZZZ", "inconnu"), ("   ", "")], {"remittance": "VIR SEPA DURAND"}),
    ],
)  # fmt: skip
def test_complements(complements: list[tuple[str, str]], expected: dict[str, Any]) -> None:
    found = with_complements(*complements)
    for name, value in expected.items():
        assert getattr(found, name) == value


def test_who_is_on_the_other_side_of_a_debit() -> None:
    found = with_complements(("NPY", "NOUS"), ("NBE", "FOURNISSEUR"), amount="-10.00", operation="06")
    assert found.counterparty_name == "FOURNISSEUR"


@pytest.mark.parametrize(
    "code", [code for code, nature in NATURE_OF.items() if nature == "RETURN" and code != "34"]
)
def test_codes_of_returns(code: str) -> None:
    found = with_complements(("RCN", "PRLV-7"), amount="-50.00", operation=code, reason="20")
    assert (found.is_return, found.nature, found.return_code) == (True, "RETURN", "20")
    assert (found.return_reason, found.returned_end_to_end_id) == ("Provision insuffisante", "PRLV-7")


@pytest.mark.parametrize(
    ("code", "nature"), [(code, nature) for code, nature in NATURE_OF.items() if nature != "RETURN"]
)
def test_other_codes(code: str, nature: str) -> None:
    found = with_complements(operation=code)
    assert (found.nature, found.is_return) == (nature, False)


def test_charges_of_a_return_are_no_return() -> None:
    found = with_complements(amount="-12.10", operation="62", label="FRAIS PRLV IMPAYE")
    assert (found.nature, found.is_return) == ("CHARGES", False)


def test_a_reason_or_the_label_makes_a_debit_a_return() -> None:
    assert with_complements(amount="-5.00", operation="06", reason="14").is_return
    assert (
        with_complements(amount="-5.00", operation="99", label="REJET PRLV DURAND AC04").return_code == "AC04"
    )
    assert not with_complements(amount="5.00", operation="34").is_return


def test_several_accounts_and_empty_statements() -> None:
    other = {"account": "98765432100"}
    text = cfonb(MOVEMENT) + "\r\n" + cfonb(opening="5.00", closing="5.00", **other) + cfonb(MOVEMENT)
    found = reading(text).statements
    assert [item.account_identification[-11:] for item in found] == [
        "12345678901",
        "98765432100",
        "12345678901",
    ]
    assert [item.line_count for item in found] == [1, 0, 1]
    assert not any(item.is_refused for item in found)


def test_a_movement_of_zero_moves_nothing() -> None:
    assert lines(cfonb(cfonb_record("04", amount="0"), closing="0")) == []


def test_what_does_not_add_up_is_refused() -> None:
    found = statement(cfonb(MOVEMENT, closing="90.00"))
    assert (found.remark_code, found.remark_params["difference"]) == ("balance_differs", "-10.00")


@pytest.mark.parametrize(
    ("position", "text", "code", "column"),
    [
        ((35, 40), "311126", "date_invalid", 35),
        ((43, 48), "99XX99", "date_invalid", 43),
        ((91, 104), "0000000001000Z", "amount_invalid", 91),
        ((17, 19), "E R", "currency_unknown", 17),
        ((20, 20), "9", "decimals_invalid", 20),
    ],
)
def test_a_wrong_zone_refuses_its_statement_only(
    position: tuple[int, int], text: str, code: str, column: int
) -> None:
    first, last = position
    wrong = MOVEMENT[: first - 1] + text + MOVEMENT[last:]
    bad, good = reading(cfonb(wrong) + cfonb(MOVEMENT)).statements
    assert (bad.remark_code, bad.remark_params["line"], bad.remark_params["column"]) == (code, 2, column)
    assert bad.is_refused
    assert (good.remark_code, good.line_count) == ("", 1)


OPEN, CLOSE, MORE = (
    cfonb_record("01", amount="0"),
    cfonb_record("07", amount="0"),
    cfonb_record("05", qualifier="LIB"),
)


@pytest.mark.parametrize(
    ("records", "code", "params"),
    [
        ([MOVEMENT, CLOSE], "bank_record_order", {"line": 1, "column": 1, "found": "04", "expected": "01"}),
        ([CLOSE], "bank_record_order", {"line": 1, "column": 1, "found": "07", "expected": "01"}),
        ([OPEN, MORE, CLOSE], "bank_record_order", {"line": 2, "column": 1, "found": "05", "expected": "04"}),
        ([OPEN, MOVEMENT, OPEN], "bank_record_order", {"line": 3, "column": 1, "found": "01", "expected": "07"}),
        ([OPEN, MOVEMENT], "bank_record_order", {"line": 2, "found": "", "expected": "07"}),
        ([OPEN, MOVEMENT.replace("12345678901", "00000000000")], "bank_account_differs", {"line": 2, "column": 22, "found": "00000000000", "expected": "12345678901"}),
        ([OPEN, MOVEMENT + "TROP LONG", CLOSE], "bank_record_length", {"line": 2, "length": 129, "width": 120}),
        ([OPEN, "99" + MOVEMENT[2:], CLOSE], "bank_record_unknown", {"line": 2, "value": "99"}),
    ],
)  # fmt: skip
def test_a_wrong_order_refuses_the_file(records: list[str], code: str, params: dict[str, Any]) -> None:
    assert refusal("\r\n".join(records)) == (code, params)


def test_an_unreadable_zone_is_said_before_the_disorder_it_brings() -> None:
    broken = OPEN[:34] + "  CART" + OPEN[40:]
    assert refusal("\n".join([broken, MOVEMENT, CLOSE, CLOSE])) == (
        "bank_date_invalid", {"statement": 1, "line": 1, "column": 35, "value": "CART"},
    )  # fmt: skip


OURS, OTHER = "300060000112345678901", "155890000098765432100"


def cfonb240(*operations: tuple[str, str, str], total: str | None = None) -> str:
    """Operations as (code, cents, reason)."""
    head = f"3100000181201126E    {OURS}".ljust(240)
    rows = [
        f"34{number:06d}{code}201126E    {OURS}ATELIERS".ljust(77)
        + f"{OTHER}CLIENT {number}".ljust(61) + "LCR0000001".ljust(14) + f"FACTURE FA{number:04d}".ljust(74) + reason + f"{int(cents):012d}"
        for number, (code, cents, reason) in enumerate(operations, 2)
    ]  # fmt: skip
    said = total if total is not None else str(sum(int(cents) for _code, cents, _reason in operations))
    return "\r\n".join([head, *rows, f"3900000981201126E    {OURS}".ljust(228) + f"{int(said):012d}", ""])


def test_unpaid_debits() -> None:
    found = statement(cfonb240(("81", "12345", "20"), ("81", "500", "14")))
    assert (found.kind, found.account_identification, found.remark_code) == ("RETURNS", OURS, "")
    first, second = found.lines
    assert (first.amount, first.is_return, first.return_code) == (Decimal("-123.45"), True, "20")
    assert (first.return_reason, first.counterparty_name) == ("Provision insuffisante", "CLIENT 2")
    assert first.returned_reference == "FACTURE FA0002"
    assert first.counterparty_iban.startswith("FR")
    assert first.counterparty_iban[4:25] == OTHER
    assert second.return_reason == REASONS["14"]


def test_unpaid_bills_and_received_transfers() -> None:
    (bill,) = lines(cfonb240(("61", "1000", "70")))
    assert (bill.is_return, bill.returned_reference, bill.return_reason) == (
        True,
        "LCR0000001",
        "Tirage contesté",
    )
    received = statement(cfonb240(("20", "1000", "  ")))
    assert received.kind == "NOTIFICATION"
    assert [(row.amount, row.is_return, row.nature) for row in received.lines] == [
        (Decimal("10.00"), False, "TRANSFER")
    ]


def test_the_announced_total_is_checked() -> None:
    found = statement(cfonb240(("81", "1000", "20"), total="2000"))
    assert (found.remark_code, found.remark_params["said"], found.remark_params["found"]) == (
        "totals_differ",
        "20.00",
        "10.00",
    )


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([0, 1], "bank_record_order"),
        ([1, 2], "bank_record_order"),
        ([0, 0], "bank_record_order"),
    ],
)
def test_order_of_240(rows: list[int], code: str) -> None:
    records = cfonb240(("81", "1000", "20")).split("\r\n")
    assert refusal("\r\n".join(records[row] for row in rows), format="CFONB240")[0] == code


def test_amounts_helper_writes_what_the_brochure_says() -> None:
    assert cfonb_amount("-190.40") == "0000000001904}"
    assert cfonb_amount("16695.65") == "0000000166956E"


def test_refusals_say_records_and_columns_as_they_stand() -> None:
    said = bank_file_message(*refusal("\n".join([OPEN, MOVEMENT, OPEN])))
    assert "Ligne 3" in said
    assert "«\u00a001\u00a0»" in said
    assert "«\u00a007\u00a0»" in said
    wrong = MOVEMENT[:34] + "311126" + MOVEMENT[40:]
    found = statement(cfonb(wrong))
    assert remark_message(found.remark_code, found.remark_params).startswith(
        "Ligne 2, colonne 35\u00a0: «\u00a0311126\u00a0»"
    )
