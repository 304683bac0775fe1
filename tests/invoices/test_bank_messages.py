"""Every refusal of a reader of the bank has its sentence, and every sentence is complete."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from invoices.bank_messages import BANK_FILE_MESSAGES, REMARKS, bank_file_message, remark_message
from invoices.import_messages import FILE_MESSAGES

READERS = Path(settings.BASE_DIR) / "invoices" / "readers" / "bank"
RAISED = re.compile(r'(UnreadableFile|StatementError|_refuse)\(\s*"([a-z_]+)"')
SAID = re.compile(r'return "([a-z]+(?:_[a-z]+)+)", \{')


def codes() -> list[tuple[str, str]]:
    found = set()
    for path in READERS.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(RAISED.findall(text))
        if path.name == "balance.py":
            found |= {("StatementError", code) for code in SAID.findall(text)}
    assert len(found) > 20
    return sorted(found)


@pytest.mark.parametrize(("kind", "code"), codes())
def test_every_code_has_a_sentence(kind: str, code: str) -> None:
    if kind != "StatementError":
        assert code in BANK_FILE_MESSAGES or code in FILE_MESSAGES
        return
    assert code in REMARKS or f"bank_{code}" in BANK_FILE_MESSAGES
    for said in (remark_message(code, {}), bank_file_message(f"bank_{code}", {})):
        assert "%(" not in said
        assert code not in said


def test_figures_are_written_as_people_do() -> None:
    said = remark_message(
        "balance_differs",
        {
            "opening": "1000.00",
            "movements": "-20.5",
            "expected": "979.50",
            "closing": "980",
            "difference": "0.50",
            "currency": "EUR",
        },
    )
    assert "1\u202f000,00" in said
    assert "−20,50" in said
    assert "%(" not in said
