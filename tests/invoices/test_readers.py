"""Files in, rows out: what the readers understand, and what they say about the rest."""

import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import AmountError, parse_amount
from invoices.import_messages import FILE_MESSAGES, ROW_MESSAGES, file_message, row_message
from invoices.models import OpenItem
from invoices.readers.cell_reader import read_amount
from invoices.readers.columns import NAMES, read_header, simplify
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB, Limits
from invoices.readers.process import read_in_child
from invoices.readers.rows import SKIPPED
from invoices.readers.vocabulary import KIND_WORDS
from tests.invoices.files import TODAY, codes, csv_bytes, read_row, read_rows, refused, xlsx_bytes

GOOD = "C1;F1;Facture;31/03/2026;30/04/2026;1 234,56;205,76;EUR;Commande 7"


def test_a_plain_french_file():
    head, rows = read_rows(csv_bytes(GOOD))
    assert head["total"] == 1
    assert head["dialect"]["decimal"] == ","
    assert head["dialect"]["date_order"] == "dmy"
    row = rows[0]
    assert row["errors"] == []
    assert (row["line"], row["customer_code"], row["number"], row["kind"]) == (2, "C1", "F1", "INVOICE")
    assert (row["issue_date"], row["due_date"]) == ("2026-03-31", "2026-04-30")
    assert (row["total_amount"], row["vat_amount"], row["currency"]) == ("1234.56", "205.76", "EUR")
    assert row["reference"] == "Commande 7"


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_every_separator_is_found(delimiter: str):
    content = csv_bytes(
        delimiter.join(["C1", "F1", "31/03/2026", "1234.56" if delimiter == "," else "1234,56"]),
        header=delimiter.join(["Code client", "N° facture", "Date facture", "Montant TTC"]),
    )
    head, rows = read_rows(content)
    assert head["dialect"]["delimiter"] == delimiter
    assert rows[0]["total_amount"] == "1234.56"


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("cp1252", "cp1252"), ("utf-16", "utf-16")],
)
def test_every_encoding_is_found(encoding: str, found: str):
    head, rows = read_rows(csv_bytes("C1;F1;Facture;31/03/2026;;10,00;;€;Été", encoding=encoding))
    assert head["dialect"]["encoding"] == found
    assert rows[0]["reference"] == "Été"
    assert rows[0]["currency"] == "EUR"


@pytest.mark.parametrize(
    "header",
    [
        "Code client;N° facture;Date facture;Montant TTC",
        "CODE_CLIENT;NUMERO_FACTURE;DATE_FACTURE;MONTANT_TTC",
        "client_code,item_number,item_date,item_amount_initial_inc_tax",
        "  code   client ;No facture;Date d’émission;Montant TTC (EUR)",
        "Customer code;Invoice number;Invoice date;Amount",
    ],
)
def test_headers_in_both_languages(header: str):
    delimiter = "," if "," in header else ";"
    _head, rows = read_rows(csv_bytes(delimiter.join(["C1", "F1", "2026-03-31", "12"]), header=header))
    assert rows[0]["errors"] == []
    assert rows[0]["issue_date"] == "2026-03-31"


def test_no_two_fields_share_a_name():
    names = [simplify(name) for field in NAMES.values() for name in {simplify(name): name for name in field}]
    assert len(names) == len(set(names))


def test_the_surer_header_wins():
    header = read_header(1, ["Client", "Code client", "Montant HT", "Montant TTC", "Date", "Date facture"])
    assert header.positions == {"customer_code": 1, "net_amount": 2, "total_amount": 3, "issue_date": 5}


def test_kinds_are_the_ledgers():
    assert set(KIND_WORDS.values()) - SKIPPED.keys() == set(OpenItem.Kind.values)


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        ("Facture", "100,00", ("INVOICE", "100.00")),
        ("Avoir", "100,00", ("CREDIT_NOTE", "-100.00")),
        ("AVOIR", "-100,00", ("CREDIT_NOTE", "-100.00")),
        ("Règlement", "100,00", ("PAYMENT", "-100.00")),
        ("payment", "(100,00)", ("PAYMENT", "-100.00")),
        ("Acompte demandé", "100,00", ("DEPOSIT", "100.00")),
        ("OD", "-100,00", ("OTHER", "-100.00")),
        ("", "100,00", ("INVOICE", "100.00")),
        ("", "-100,00", ("CREDIT_NOTE", "-100.00")),
    ],
)
def test_sign_follows_kind(kind: str, amount: str, expected: tuple[str, str]):
    row = read_row("C1", "F1", kind, "31/03/2026", "", amount, "", "", "")
    assert row["errors"] == []
    assert (row["kind"], Decimal(row["total_amount"])) == (expected[0], Decimal(expected[1]))


@pytest.mark.parametrize(
    ("cells", "column", "code", "said"),
    [
        ("C1;F1;;31/02/2026;;10,00;;;", "issue_date", "date_invalid", "février 2026 compte 28 jours"),
        ("C1;F1;;00/00/0000;;10,00;;;", "issue_date", "date_invalid", "hors du calendrier"),
        ("C1;F1;;01/02/0206;;10,00;;;", "issue_date", "date_invalid", "206"),
        ("C1;F1;;01/02/20226;;10,00;;;", "issue_date", "date_invalid", "jj/mm/aaaa"),
        ("C1;F1;;01/02/2126;;10,00;;;", "issue_date", "date_implausible", "Vérifiez l’année"),
        ("C1;F1;;01/02/2026;01/01/2026;10,00;;;", "due_date", "due_before_issue", "01/02/2026"),
        ("C1;F1;;01/02/2026;01/01/2050;10,00;;;", "due_date", "due_too_late", "dix ans"),
        ("C1;F1;;01/02/2026;;cent;;;", "total_amount", "amount_invalid", "contient des lettres"),
        ("C1;F1;;01/02/2026;;1e5;;;", "total_amount", "amount_invalid", "contient des lettres"),
        ("C1;F1;;01/02/2026;;NaN;;;", "total_amount", "amount_invalid", "contient des lettres"),
        ("C1;F1;;01/02/2026;;12,345;;;", "total_amount", "amount_invalid", "ambigu"),
        ("C1;F1;;01/02/2026;;1234567890123,00;;;", "total_amount", "amount_invalid", "plus grand montant"),
        ("C1;F1;;01/02/2026;;0,00;;;", "total_amount", "amount_zero", "nul"),
        ("C1;F1;Facture;01/02/2026;;-5,00;;;", "total_amount", "amount_sign", "négatif"),
        ("C1;F1;;01/02/2026;;10,00;20,00;;", "vat_amount", "vat_above_total", "TVA"),
        ("C1;F1;;01/02/2026;;10,00;;XXX;", "currency", "currency_unknown", "EUR"),
        ("C1;F1;Bidule;01/02/2026;;10,00;;;", "kind", "kind_unknown", "Avoir"),
        (";F1;;01/02/2026;;10,00;;;", "customer_code", "required", "obligatoire"),
        ("C1;;;01/02/2026;;10,00;;;", "number", "required", "obligatoire"),
        ("C1;F1;;;;10,00;;;", "issue_date", "required", "obligatoire"),
        ("C1;F1;;01/02/2026;;;;;", "total_amount", "required", "obligatoire"),
        (f"C1;{'9' * 41};;01/02/2026;;10,00;;;", "number", "text_too_long", "41 caractères, 40 au plus"),
        ('C1;"=HYPERLINK(""x"")";;01/02/2026;;10,00;;;', "number", "formula_like", "formule"),
        ("C\x001;F1;;01/02/2026;;10,00;;;", "customer_code", "nul_character", "caractère nul"),
        ("C1;F1;;01/02/2026;;10,00;;;;surplus", "", "too_many_cells", "10 cellules pour 9 en-têtes"),
    ],
)
def test_what_is_wrong_is_said(cells: str, column: str, code: str, said: str):
    _head, rows = read_rows(csv_bytes(cells))
    assert codes(rows[0]) == [(column, code)]
    assert said in row_message(rows[0]["errors"][0])


def test_all_errors_of_all_rows_are_kept():
    _head, rows = read_rows(csv_bytes("C1;F1;;x;y;z;;;", GOOD, "C1;;;31/03/2026;;10,00;;QQQ;"))
    assert [column for column, _code in codes(rows[0])] == ["issue_date", "due_date", "total_amount"]
    assert rows[1]["errors"] == []
    assert [column for column, _code in codes(rows[2])] == ["currency", "number"]


def test_every_code_has_its_sentence():
    for code, text in {**FILE_MESSAGES, **ROW_MESSAGES}.items():
        assert str(text).endswith((".", "…", "»")) or "%(" in str(text), code


@pytest.mark.parametrize(
    ("amounts", "decimal", "first"),
    [
        (["1.234,5", "2,00"], ",", "1234.50"),
        (["12,345.67", "2.00"], ".", "12345.67"),
        (["1 234,56"], ",", "1234.56"),
        (["1234.5"], ".", "1234.50"),
        (["12.345", "7,10"], ",", "12345.00"),
        (["12"], "", "12"),
    ],
)
def test_the_decimal_mark_of_the_file(amounts: list[str], decimal: str, first: str):
    head, rows = read_rows(csv_bytes(*[f"C1;F{i};;31/03/2026;;{text};;;" for i, text in enumerate(amounts)]))
    assert head["dialect"]["decimal"] == decimal
    assert Decimal(rows[0]["total_amount"]) == Decimal(first)


def test_a_lone_amount_in_the_other_notation_is_an_error():
    _head, rows = read_rows(csv_bytes(*[f"C1;F{i};;31/03/2026;;{i + 1},50;;;" for i in range(3)], "C1;X;;31/03/2026;;12,345.67;;;"))  # fmt: skip
    assert codes(rows[3]) == [("total_amount", "amount_invalid")]


def test_an_imposed_decimal_mark_settles_what_is_ambiguous():
    assert (
        read_row("C1", "F1", "", "31/03/2026", "", "12,345", "", "", "", decimal=".")["total_amount"]
        == "12345"
    )


def test_american_dates_are_recognised_and_can_be_imposed():
    head, rows = read_rows(csv_bytes("C1;F1;;03/31/2026;;1;;;", "C1;F2;;04/01/2026;;1;;;"))
    assert head["dialect"]["date_order"] == "mdy"
    assert [row["issue_date"] for row in rows] == ["2026-03-31", "2026-04-01"]
    assert read_row("C1", "F1", "", "04/01/2026", "", "1", "", "", "")["issue_date"] == "2026-01-04"
    assert (
        read_row("C1", "F1", "", "04/01/2026", "", "1", "", "", "", date_order="mdy")["issue_date"]
        == "2026-04-01"
    )


def test_line_numbers_are_the_files():
    content = csv_bytes(
        "", 'C1;F1;;31/03/2026;;1,00;;;"deux', 'lignes"', ";;;;;;;;", "C1;F2;;31/03/2026;;1,00;;;"
    )
    _head, rows = read_rows(b"Export du 23/11/2026\r\n\r\n" + content)
    assert [row["line"] for row in rows] == [5, 8]
    assert rows[0]["reference"] == "deux lignes"


def test_the_header_again_is_passed_over():
    header = csv_bytes().decode().strip()
    _head, rows = read_rows(csv_bytes(GOOD, header, GOOD.replace("F1", "F2")))
    assert [row["number"] for row in rows] == ["F1", "F2"]


def test_texts_of_any_script_are_kept_whole():
    row = read_row("C1", "F1", "", "31/03/2026", "", "1", "", "", "chaise 🪑 \u202bכיסא\u202c \\N \\t")
    assert row["reference"] == "chaise 🪑 כיסא \\N \\t"
    assert row["errors"] == []


def test_the_guard_of_our_own_rejects_is_taken_away():
    assert read_row("C1", "F1", "Avoir", "31/03/2026", "", "'-5,00", "", "", "'=1+1")["reference"] == "=1+1"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b" \r\n\t ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (csv_bytes(), "no_rows"),
        (csv_bytes(csv_bytes().decode().strip()), "no_rows"),
        (b"bonjour\r\n12\r\n", "header_missing"),
        (b"Code client\r\nC1\r\n", "columns_missing"),
        (b"Code client;Facture;Date;Montant TTC;Montant TTC\r\nC;F;1;2;3\r\n", "column_double"),
        (b"%PDF-1.7 \xe2\xe3", "format_pdf"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "format_ole"),
        (b"\x1f\x8b\x08\x00", "format_gzip"),
        (b"\x89PNG\r\n", "format_image"),
        (b"<html><table>", "format_markup"),
        (b'{"a": 1}', "format_json"),
        (bytes(range(1, 32)) * 50, "format_binary"),
        (csv_bytes(GOOD, encoding="utf-16-le"), "encoding_utf16_unmarked"),
        (csv_bytes(GOOD) + b"\x81\x8d", "encoding_none"),
        (b"\xef\xbb\xbf" + csv_bytes("C1;F\xe9", encoding="cp1252"), "encoding_wrong"),
        (csv_bytes(";".join(["x"] * 16_000)), "too_many_columns"),
        (csv_bytes("C1;F1;;31/03/2026;;1;;;" + "x" * 900_000), "cell_too_long"),
        (csv_bytes("x" * 2 * MIB), "line_too_long"),
        (csv_bytes('C1;F1;;31/03/2026;;1;;;"ouvert', GOOD), "quote_unclosed"),
        (csv_bytes('C1;F1;;31/03/2026;;1;;;"ouvert', *[GOOD] * 900), "quote_unclosed"),
    ],
)
def test_files_that_are_no_list_of_items(content: bytes, code: str):
    assert refused(content).code == code


def test_a_refusal_names_line_and_columns():
    error = refused(b"titre\r\nCode client;Facture;Libell\xc3\xa9\r\nC1;F1;x\r\n")
    message = file_message(error.code, error.params)
    assert "Ligne 2" in message
    assert "«\u00a0Date facture\u00a0», «\u00a0Montant TTC\u00a0»" in message
    assert "«\u00a0Libellé\u00a0»" in message


def test_too_many_rows():
    assert refused(csv_bytes(*[GOOD] * 6), Limits(rows=5)).code == "too_many_rows"


def test_an_unclosed_quote_that_closes_on_the_next_one_is_said_on_its_row():
    _head, rows = read_rows(csv_bytes('C1;F1;;31/03/2026;;1;;;"ouvert', 'C1;F2;;31/03/2026;;1;;;"a"'))
    assert ("", "quote_unclosed") in codes(rows[0])


# --- the child process


def in_child(content: bytes, limits: Limits) -> list[bytes]:
    with read_in_child(
        io.BytesIO(content), options={}, limits=limits, currency="EUR", today=TODAY
    ) as reading:
        return [piece for piece, _rows in reading.pieces()]


def test_the_child_gives_the_same_rows():
    content = csv_bytes(*[f"C1;F{i};;31/03/2026;;{i + 1},00;;;" for i in range(30_000)])
    pieces = in_child(content, Limits())
    assert len(pieces) > 1
    assert b"".join(pieces).count(b"\n") == 30_000
    assert all(piece.endswith(b"\n") for piece in pieces)


def test_a_child_out_of_memory_is_a_refusal():
    rows = [["C1", f"F{i}", "Facture", "31/03/2026", "", i + 1, "", "EUR", "x" * 30] for i in range(20_000)]
    content = xlsx_bytes(rows)
    with pytest.raises(UnreadableFile) as caught:
        in_child(content, Limits(memory_bytes=48 * MIB))
    assert caught.value.code in ("reader_out_of_memory", "reader_died")
    assert "Découpez" in file_message("reader_out_of_memory", {})


def test_a_child_that_takes_too_long_is_a_refusal():
    content = csv_bytes(*[f"C1;F{i};;31/03/2026;;{i + 1},00;;;" for i in range(120_000)])
    with pytest.raises(UnreadableFile) as caught:
        in_child(content, Limits(cpu_seconds=1))
    assert caught.value.code == "reader_too_slow"


def test_the_child_sees_no_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    # More rows than the pipe holds: the child waits for its reader.
    many = io.BytesIO(csv_bytes(*[GOOD] * 10_000))
    with read_in_child(many, options={}, limits=Limits(), currency="EUR", today=TODAY) as reading:
        environment = open(f"/proc/{reading._child._process.pid}/environ", "rb").read()  # noqa: SIM115
        assert b"DATABASE_URL" not in environment


@given(
    st.text(alphabet="0123456789 .,-+€\u00a0\u202f'e", max_size=18)
    | st.decimals(min_value=-(10**9), max_value=10**9, places=2).map(
        lambda d: f"{d:,.2f}".replace(",", " ").replace(".", ",")
    ),
    st.sampled_from([",", "."]),
)
def test_the_fast_way_reads_amounts_as_the_slow_one(text: str, decimal: str):
    def outcome(read):
        try:
            return read()
        except AmountError:
            return None

    assert outcome(lambda: read_amount(text, decimal, "EUR")) == outcome(
        lambda: parse_amount(text, decimal, "EUR")
    )
