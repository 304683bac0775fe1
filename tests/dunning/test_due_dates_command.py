"""`due_dates FILE.csv`: every rule of a file beside what it expects, and what cannot be read said by line."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db


def run(tmp_path: Path, text: str) -> tuple[dict[str, int], str, str]:
    path = tmp_path / "cas.csv"
    path.write_text(text, encoding="utf-8")
    out, err = StringIO(), StringIO()
    call_command("due_dates", str(path), stdout=out, stderr=err)
    return json.loads(out.getvalue().splitlines()[-1]), out.getvalue(), err.getvalue()


HEADER = "id,rule,base_date,computed_date,calendar_days,weekday,cap_or_business_day,explanation\n"


def test_terms_and_deadlines_agree(tmp_path: Path) -> None:
    report, out, _err = run(
        tmp_path,
        HEADER
        + "A,NET60,2026-05-10,2026-07-09,60,Thu,legal max,\n"
        + "B,EOM45_A_DAY10,2026-05-10,2026-07-10,61,Fri,above legal max,\n"
        + "C,NET45,2026-05-10,2026-06-24,45,Wed,legal max,\n"
        + "D,CLAIM_DECLARATION_2M,2025-12-31,2026-02-28,59,Sat,CPC 642 -> 2026-03-02,\n"
        + "E,NET30,2026-05-10,2026-06-09,30,Tue,supplementary/transport,\n",
    )
    assert report == {"rows": 5, "mismatches": 0}
    assert out.count("conforme") == 5


@pytest.mark.parametrize(
    "row",
    [
        "A,NET60,2026-05-10,2026-07-10,60,Thu,legal max,",
        "A,NET60,2026-05-10,2026-07-09,61,Thu,legal max,",
        "A,NET60,2026-05-10,2026-07-09,60,Fri,legal max,",
        "A,NET61,2026-05-10,2026-07-10,61,Fri,legal max,",
        "A,CLAIM_DECLARATION_2M,2025-12-31,2026-02-28,59,Sat,CPC 642 -> 2026-03-03,",
    ],
)
def test_each_difference_is_counted(tmp_path: Path, row: str) -> None:
    report, out, _err = run(tmp_path, HEADER + row + "\n")
    assert report == {"rows": 1, "mismatches": 1}
    assert "≠" in out


def test_what_cannot_be_computed_is_said_by_line(tmp_path: Path) -> None:
    report, _out, err = run(
        tmp_path,
        "computed_date;base_date;rule\n09/07/2026;10/05/2026;NET60\n09/07/2026;10/05/2026;SOON\n09/07/2026;31/02/2026;NET60\n",
    )
    assert report == {"rows": 3, "mismatches": 2}
    assert "Ligne 3" in err and "SOON" in err
    assert "Ligne 4" in err and "février 2026 compte 28 jours" in err


@pytest.mark.parametrize(
    ("text", "says"), [("", "colonnes absentes"), ("id,rule\n", "base_date"), ('id,rule\n"x', "absentes")]
)
def test_an_unreadable_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        run(tmp_path, text)
