"""What the linters do not know of this house: size of files, and purity of the rules."""

import ast
import sys
import tomllib
from pathlib import Path

from config.runtime.home import REPOSITORY

MAXIMUM_LINES = 400
SOURCES = (
    "bench",
    "config",
    "core",
    "customers",
    "dunning",
    "invoices",
    "risk",
    "static",
    "templates",
    "tests",
)
SUFFIXES = {".py", ".html", ".css", ".js", ".sh"}
# Generated, or third-party.
NOT_OURS = ("migrations", "vendor", "__snapshots__")

# The rules may speak (gettext), they may not ask: no tables, no settings, no clock.
FORBIDDEN_IMPORTS = (
    *("django.apps", "django.conf", "django.contrib", "django.core", "django.db", "django.shortcuts"),
    *("django.utils.timezone", "rest_framework", "requests", "time"),
)
FORBIDDEN_CALLS = {"today", "now", "utcnow", "get_user_model"}


def main() -> int:
    """Prints every fault; 1 when there is one."""
    faults = [*long_files(REPOSITORY), *impure_rules(REPOSITORY)]
    print("\n".join(faults) or "ok")
    return 1 if faults else 0


def long_files(root: Path) -> list[str]:
    """Files of ours over the limit of lines."""
    faults = []
    for folder in SOURCES:
        for file in sorted((root / folder).rglob("*")):
            inside = file.relative_to(root)
            if file.suffix not in SUFFIXES or not file.is_file() or set(inside.parts) & set(NOT_OURS):
                continue
            count = len(file.read_text().splitlines())
            if count > MAXIMUM_LINES:
                faults.append(f"{inside}: {count} lines, {MAXIMUM_LINES} at most")
    return faults


def impure_rules(root: Path) -> list[str]:
    """Rule modules that reach for tables, settings or the clock, or escape strict typing."""
    tools = tomllib.loads((root / "pyproject.toml").read_text())["tool"]
    contract = next(found for found in tools["importlinter"]["contracts"] if found["id"] == "rules")
    typed = tuple(tools["mypy"]["files"])
    faults = []
    for module in contract["source_modules"]:
        place = module.replace(".", "/")
        files = sorted((root / place).rglob("*.py")) or [root / f"{place}.py"]
        for file in files:
            inside = str(file.relative_to(root))
            if not inside.startswith(typed):
                faults.append(f"{inside}: a rule missing from the files of tool.mypy")
            faults += [f"{inside}:{line}: a rule may not use {what}" for line, what in _reaches(file)]
    return faults


def _reaches(file: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in FORBIDDEN_CALLS:
                found.append((node.lineno, f"{node.func.attr}()"))
            continue
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for name in names:
            if any(name == banned or name.startswith(f"{banned}.") for banned in FORBIDDEN_IMPORTS):
                found.append((node.lineno, name))
                break
    return found


if __name__ == "__main__":
    sys.exit(main())
