"""`docs/legal.md` maps each article to functions, registry keys and tests: every name in it exists."""

import importlib
import re
from pathlib import Path

import pytest

from core.legal import shipped_values

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "legal.md"
KEYS = {value.key for value in shipped_values()}


def table() -> list[list[str]]:
    text = DOCUMENT.read_text(encoding="utf-8").split("## From the article to the test")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names(column: int) -> list[str]:
    return sorted({name for row in table() for name in re.findall(r"`([^`]+)`", row[column])})


def test_every_row_has_an_article_a_rule_a_function_and_a_test() -> None:
    rows = table()
    assert len(rows) >= 35
    for row in rows:
        assert len(row) == 4 and all(row), row


@pytest.mark.parametrize("name", names(2))
def test_the_function_exists(name: str) -> None:
    if name in KEYS or (name.endswith(".*") and any(key.startswith(name[:-1]) for key in KEYS)):
        return
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return
    raise AssertionError(f"{name}: neither a function nor a key of the registry")


@pytest.mark.parametrize("name", names(3))
def test_the_test_exists(name: str) -> None:
    path, _colons, test = name.partition("::")
    file = ROOT / path
    assert file.is_file(), path
    if test:
        assert re.search(
            rf"^(?:    )?def {re.escape(test)}\(", file.read_text(encoding="utf-8"), re.MULTILINE
        ), name
