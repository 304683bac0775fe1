"""`late_fees FILE.csv`: every amount of a file beside what it expects, and the facts only its prose tells."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from core.models import LegalParameter

pytestmark = pytest.mark.django_db

HEADER = (
    "id,invoice_amount_ttc,due_date,payments,rate_rule,as_of_date,expected_penalty,expected_indemnity,explanation,"
    "day_count,allocation,interest_start,interest_stop,expected_penalty_sum_of_rounded_segments,"
    "expected_penalty_already_paid,expected_principal_outstanding,expected_total_claim,segments\n"
)


def run(tmp_path: Path, text: str) -> tuple[dict[str, int], str, str]:
    path = tmp_path / "cas.csv"
    path.write_text(text, encoding="utf-8")
    out, err = StringIO(), StringIO()
    call_command("late_fees", str(path), stdout=out, stderr=err)
    return json.loads(out.getvalue().splitlines()[-1]), out.getvalue(), err.getvalue()


def test_recomputes_every_amount(tmp_path: Path) -> None:
    report, out, err = run(
        tmp_path,
        HEADER
        + "A,7300.00,2025-06-29,2025-07-02:3650.00:PAY,ECB_PLUS:10,2025-07-12,19.64,40.00,,ACT/365,PRINCIPAL_FIRST,,,"
        + "19.64,0.00,3650.00,3709.64,2025-06-30..2025-06-30 1d x 7300.00 x 13.15%/365 = 2.630000 | "
        + "2025-07-01..2025-07-02 2d x 7300.00 x 12.150%/365 = 4.860000 | "
        + "2025-07-03..2025-07-12 10d x 3650.00 x 12.15%/365 = 12.150000\n",
    )
    assert report == {"rows": 1, "mismatches": 0}, out + err


def test_loads_the_registry_when_it_is_empty(tmp_path: Path) -> None:
    LegalParameter.objects.all().delete()
    run(tmp_path, HEADER)
    assert LegalParameter.objects.exists()


@pytest.mark.parametrize(
    ("prose", "told"),
    [
        ("CONSUMER debtor without formal notice", "consommateur"),
        ("due date falls after the opening judgment of 5 Sept 2025", "05/09/2025"),
        ("jugement d'ouverture du 1er septembre 2025", "01/09/2025"),
        ("due date = day of the judgment", "10/09/2025"),
    ],
)
def test_facts_told_by_the_explanation_are_used_and_said(tmp_path: Path, prose: str, told: str) -> None:
    report, out, _err = run(
        tmp_path, HEADER + f"A,6000.00,2025-09-10,,ECB_PLUS:10,2025-12-31,0.00,0.00,{prose},ACT/365,,,,,,,,\n"
    )
    assert report == {"rows": 1, "mismatches": 0}, out
    assert "lu dans l’explication" in out and told in out


def test_columns_say_it_better_than_prose(tmp_path: Path) -> None:
    report, out, _err = run(
        tmp_path,
        "expected_penalty;as_of_date;rate_rule;due_date;invoice_amount_ttc;debtor;judgment_date;floor_policy;expected_indemnity\n"
        "0,00;31/12/2025;ECB_PLUS:10;10/09/2025;6 000,00;CONSUMER;;;0,00\n"
        "0,00;31/12/2025;ECB_PLUS:10;10/09/2025;6 000,00;COMPANY;10/09/2025;;0,00\n"
        "10,00;21/03/2026;FIXED_FLOORED:5;01/03/2026;3 650,00;;;AS_WRITTEN_AND_FLAG;40,00\n",
    )
    assert report == {"rows": 3, "mismatches": 0}, out
    assert "lu dans l’explication" not in out


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("expected_penalty", "24.31"),
        ("expected_indemnity", "0.00"),
        ("expected_penalty_sum_of_rounded_segments", "24.31"),
        ("expected_penalty_already_paid", "1.00"),
        ("expected_principal_outstanding", "7300.01"),
        ("expected_total_claim", "7364.31"),
        ("segments", "2026-03-11..2026-03-20 10d x 7300.00 x 12.16%/365 = 24.300000"),
        ("segments", "n’importe quoi"),
    ],
)
def test_each_difference_is_counted(tmp_path: Path, column: str, value: str) -> None:
    facts = {
        "invoice_amount_ttc": "7300.00",
        "due_date": "2026-03-10",
        "rate_rule": "ECB_PLUS:10",
        "as_of_date": "2026-03-20",
        "expected_penalty": "24.30",
    }
    right = run(tmp_path, ",".join(facts) + "\n" + ",".join(facts.values()) + "\n")
    assert right[0] == {"rows": 1, "mismatches": 0}
    facts[column] = value
    wrong = run(tmp_path, ",".join(facts) + "\n" + ",".join(facts.values()) + "\n")
    assert wrong[0] == {"rows": 1, "mismatches": 1}
    assert "≠" in wrong[1]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("A,abc,2026-03-10,,ECB_PLUS:10,2026-03-20,24.30", "invoice_amount_ttc"),
        ("A,7300.00,2026-02-30,,ECB_PLUS:10,2026-03-20,24.30", "février 2026 compte 28 jours"),
        ("A,7300.00,2026-03-10,,PRIME:10,2026-03-20,24.30", "Règle de taux inconnue"),
        ("A,7300.00,2026-03-10,2026-03-11;10,ECB_PLUS:10,2026-03-20,24.30", "payments"),
        ("A,7300.00,2026-03-10,,ECB_PLUS:10,2027-03-20,24.30", "1er semestre 2027"),
        ("A,-7300.00,2026-03-10,,ECB_PLUS:10,2026-03-20,24.30", "positifs"),
        ("A,7300.00,2026-03-10,,ECB_PLUS:10,2026-03-20,", "expected_penalty"),
        ("A,7300.00,2026-03-10,,ECB_PLUS:10,2026-03-20,24.30,x", "8 cellules pour 7 colonnes"),
    ],
)
def test_what_cannot_be_computed_is_said_by_line(tmp_path: Path, row: str, says: str) -> None:
    report, _out, err = run(
        tmp_path,
        "id,invoice_amount_ttc,due_date,payments,rate_rule,as_of_date,expected_penalty\n"
        f"{row}\nB,7300.00,2026-03-10,,ECB_PLUS:10,2026-03-20,24.30\n",
    )
    assert report == {"rows": 2, "mismatches": 1}
    assert "Ligne 2 (A)" in err and says in err


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="colonnes absentes"):
        run(tmp_path, "id,amount\nA,1\n")
    with pytest.raises(CommandError, match="Impossible de lire"):
        call_command("late_fees", str(tmp_path / "absent.csv"))


def test_a_row_may_name_a_law_instead_of_a_rule(tmp_path: Path) -> None:
    report, out, err = run(
        tmp_path,
        HEADER
        + "DE,1000.00,2026-01-15,,LAW:DE,2026-04-15,25.32,40.00,,,,,,,,,,\n"
        + "BE,1000.00,2026-01-15,,law:be,2026-04-15,25.89,40.00,,,,,,,,,,\n",
    )
    assert report == {"rows": 2, "mismatches": 0}, out + err
    report, _out, err = run(tmp_path, HEADER + "A,1.00,2026-01-15,,LAW:PL,2026-04-15,1.00,40.00,,,,,,,,,,\n")
    assert report["mismatches"] == 1 and "Banque nationale de Pologne" in err
    report, _out, err = run(tmp_path, HEADER + "A,1.00,2026-01-15,,LAW:XX,2026-04-15,1.00,40.00,,,,,,,,,,\n")
    assert report["mismatches"] == 1 and "loi inconnue «\u00a0XX\u00a0»" in err
