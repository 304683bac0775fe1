"""Files of accounts and ratings, hostile ones among them: read in a confined child or refused with a reason."""

import io
import json

import pytest

from invoices.readers.errors import UnreadableFile
from risk.outside_words import file_problem, row_problem
from risk.readers.outside_csv import table_rows
from risk.readers.process import read_outside_file
from risk.readers.public_services import rows_of


def read(content):
    return read_outside_file(io.BytesIO(content if isinstance(content, bytes) else content.encode()))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("{", "outside_json"),
        ("[" * 100_000, "outside_json"),
        ('{"a": 1}', "outside_shape"),
        ("[1, 2]", "outside_shape"),
        ('{"data": []}', "outside_shape"),
        (b"%PDF-1.7", "outside_shape"),
        (b"PK\x03\x04rest", "outside_shape"),
        ("siren;nom\n732829320;ALPHA\n", "outside_head"),
        ("cloture;EE\n" + "2025-12-31;1\n" * 2_001, "too_many_rows"),
    ],
)
def test_a_file_that_is_none_says_why(content, code) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(content)
    assert caught.value.code == code
    assert file_problem(caught.value)


def test_the_child_gives_the_rows_back() -> None:
    [row] = read(
        "SIREN;Date de clôture;Durée;Devise;EE;DL;FL\n732 829 320;31/12/2025;18;EUR;1800,50;700;3000\n"
    )
    assert (row.siren, row.period_end, row.months, row.form) == ("732829320", "2025-12-31", 18, "NORMAL")
    assert row.values == {"EE": "1800.50", "DL": "700.00", "FL": "3000.00"}


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("73;2025-12-31;1", ["SIREN"]),
        (";31/31/2025;1", ["DATE"]),
        (";;1", ["REQUIRED"]),
        (";2025-12-31;1e40", ["TOO_LARGE"]),
        (";2025-12-31;=1+1", ["AMOUNT"]),
        (";2025-12-31;1;2", ["TOO_MANY_CELLS"]),
        (";2025-12;1 234,56", []),
        (";2025-12-31;(12)", []),
    ],
)
def test_values_of_a_table(line, codes) -> None:
    [row] = table_rows(f"siren;cloture;EE\n{line}\n", 10)
    assert [error["code"] for error in row.errors] == codes
    assert all(row_problem(error) for error in row.errors)


def test_the_simplified_return_is_known_by_its_cells() -> None:
    [row] = table_rows("siren;cloture;180;142;232\n732829320;2025-12-31;1;1;1\n", 10)
    assert row.form == "SIMPLIFIED"


def test_a_tax_return_of_the_dgfip_is_one_year_of_several_declarations() -> None:
    declaration = {"date_fin_exercice": "2025-12-31", "duree_exercice": 365, "regime": {"code": "RN"}}
    data = {"data": {"obligations_fiscales": [], "declarations": [
        declaration | {"numero_imprime": "2051", "donnees": [{"code": "EE", "valeurs": ["1800"]}]},
        declaration | {"numero_imprime": "2052", "donnees": [{"code": "FL", "valeurs": ["3000"]}, {"code": "AF", "valeurs": ["1"]}]},
    ]}}  # fmt: skip
    [row] = rows_of(data, "732829320")
    assert (row.source, row.months, row.values) == ("DGFIP", 12, {"EE": "1800.00", "FL": "3000.00"})


@pytest.mark.parametrize(
    "odd", [None, [], "x", 7, {"code": []}, {"valeurs": {}}, {"code": "EE", "valeurs": [[]]}]
)
def test_odd_shapes_inside_an_answer_are_no_error(odd) -> None:
    year = {"date_arrete_exercice": odd, "declarations": [{"donnees": [odd]}, odd], "valeurs_calculees": odd}
    for row in rows_of({"data": [{"data": year}]}, ""):
        assert json.loads(row.as_json())["source"] == "BDF"
