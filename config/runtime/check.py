"""`bin/check`: every check short of the tests, all of them run, the failures shown at the end."""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from config.runtime import services
from config.runtime.home import REPOSITORY, RuntimeFailure, encours_home

PYTHON = sys.executable
DJANGO = [PYTHON, str(REPOSITORY / "manage.py")]
API_SCHEMA = REPOSITORY / "docs" / "openapi.yaml"


@dataclass(frozen=True)
class Check:
    """A command, or several run one after the other, that must end with code 0."""

    name: str
    command: list[str]


@dataclass(frozen=True)
class Outcome:
    """How a check ended."""

    name: str
    passed: bool
    output: str
    seconds: float


def main() -> int:
    """Runs everything; 1 when anything failed."""
    os.environ["ENCOURS_HOME"] = str(encours_home() / "test")
    try:
        with services.held(durable=False), tempfile.TemporaryDirectory() as folder:
            outcomes = _run_all(_checks(), Path(folder))
    except RuntimeFailure as failure:
        print(failure, file=sys.stderr)
        return 1
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in failed:
        print(f"\n--- {outcome.name} ---\n{outcome.output.strip()}")
    if failed:
        print(f"\n{len(failed)} contrôle(s) en échec : {', '.join(outcome.name for outcome in failed)}")
    else:
        print("Tous les contrôles passent.")
    return 1 if failed else 0


def _checks() -> list[Check]:
    return [
        # The longest first: two at a time.
        Check("types", [PYTHON, "-m", "mypy", "--no-pretty"]),
        Check("format", [PYTHON, "-m", "ruff", "format", "--check", "--quiet", "--diff", "."]),
        Check("lint", [PYTHON, "-m", "ruff", "check", "--output-format", "concise", "."]),
        Check(
            "floors",
            [PYTHON, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-logo"],
        ),
        Check("templates", [PYTHON, "-m", "djlint", "templates", "--lint", "--quiet"]),
        Check("sources", [PYTHON, "-m", "config.runtime.source_checks"]),
        Check("english", [PYTHON, "-m", "config.runtime.catalogue", "check"]),
        Check("system", [*DJANGO, "check", "--fail-level", "WARNING"]),
        Check("migrations", [*DJANGO, "makemigrations", "--check", "--dry-run"]),
    ]


def _run_all(checks: list[Check], folder: Path) -> list[Outcome]:
    outcomes = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        waiting = [pool.submit(_run, check) for check in checks]
        waiting.append(pool.submit(_compare_schema, folder))
        for future in waiting:
            outcome = future.result()
            outcomes.append(outcome)
            mark = "ok    " if outcome.passed else "ÉCHEC "
            print(f"{mark} {outcome.name:<12} {outcome.seconds:5.1f} s", flush=True)
    return outcomes


def _run(check: Check) -> Outcome:
    start = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(check.name, done.returncode == 0, done.stdout, time.monotonic() - start)


def _compare_schema(folder: Path) -> Outcome:
    """The committed description of the API is the one the code gives."""
    fresh = folder / "openapi.yaml"
    outcome = _run(
        Check("api schema", [*DJANGO, "spectacular", "--validate", "--fail-on-warn", "--file", str(fresh)])
    )
    if not outcome.passed or not API_SCHEMA.is_file() or fresh.read_bytes() == API_SCHEMA.read_bytes():
        return outcome
    compared = _run(Check("api schema", ["diff", "-u", str(API_SCHEMA), str(fresh)]))
    advice = "\nbin/manage spectacular --file docs/openapi.yaml"
    return Outcome("api schema", False, compared.output[:4000] + advice, outcome.seconds)


if __name__ == "__main__":
    sys.exit(main())
