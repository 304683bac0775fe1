"""kill -9 of the worker, of the web server and of PostgreSQL at random moments of import, commit, undo and matching.

The same seeded day of an accountant is worked twice through the API: once in peace (the control), once while one part
of the house is killed during every step and started again. After each step the batch must be wholly there or wholly
not, and every balance must be its total less its allocations; at the end both books must be equal, line by line. What
beat does in production every half minute, this program does four times a second, so that recovery is quick to see.
"""

import argparse
import http.client
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import _accountant
from bench._accountant import PATIENCE, StepFailed
from bench._killable import PARTS, House

SWEEPS = (
    "invoices.tasks.read_batches",
    "invoices.tasks.commit_batches",
    "invoices.tasks.roll_back_batches",
    "invoices.tasks.read_bank_files",
    "invoices.tasks.match_bank_lines",
)


@dataclass
class Partner:
    """A client of the API that repeats a request until it is answered, under the same idempotency key."""

    house: House
    secret: str
    answers: Counter[str] = field(default_factory=Counter)

    def post(self, path: str, body: bytes, content_type: str = "application/json") -> dict[str, Any]:
        return self._ask("POST", path, body, content_type, str(uuid.uuid4()))

    def get(self, path: str) -> dict[str, Any]:
        return self._ask("GET", path, None, "", "")

    def _ask(self, method: str, path: str, body: bytes | None, content_type: str, key: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.secret}", "Accept": "application/json"}
        if key:
            headers |= {"Idempotency-Key": key, "Content-Type": content_type}
        deadline = time.monotonic() + PATIENCE
        last = ""
        while time.monotonic() < deadline:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.house.port, timeout=30)
                connection.request(method, f"/api/v1/{path}", body, headers)
                answer = connection.getresponse()
                text = answer.read()
                connection.close()
            except (OSError, http.client.HTTPException) as error:
                self.answers["no answer"] += 1
                last = repr(error)
                time.sleep(0.1)
                continue
            self.answers[str(answer.status)] += 1
            if answer.status < 300:
                return dict(json.loads(text))
            last = f"{answer.status} {text[:300]!r}"
            # The first try is still under way, or died with its process: the same key may be used again.
            if answer.status not in (409, 429) and answer.status < 500:
                break
            if answer.status == 409 and b"idempotency" not in text.lower():
                break
            time.sleep(0.1)
        raise StepFailed(f"{method} {path}: {last}")


class Beat(threading.Thread):
    """Asks for every sweep four times a second; a sweep nobody took within a second is forgotten."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()

    def run(self) -> None:
        from config.celery import app

        while not self.over.wait(0.25):
            for name in SWEEPS:
                try:
                    app.send_task(name, expires=1, ignore_result=True)
                except Exception:  # Redis is never killed here; a hiccup costs one tick
                    break


@dataclass
class Round:
    """One working of the whole day."""

    house: House
    partner: Partner
    seconds: dict[str, list[float]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def work(self, steps: list["_accountant.Step"], drawn: random.Random | None) -> None:
        """Do every step; with `drawn`, kill something during each."""
        for index, step in enumerate(steps):
            started = time.monotonic()
            killer = self._killer(step.kind, drawn) if drawn is not None else None
            try:
                step.work(self.partner)
            except StepFailed as failure:
                self.broken.append(f"{index} {step.kind}: {failure}")
            if killer is not None:
                killer.join()
            self.seconds.setdefault(step.kind, []).append(time.monotonic() - started)
            for problem in _retried(_accountant.inconsistencies):
                self.broken.append(f"{index} {step.kind}: {problem}")
            print(f"\r{index + 1}/{len(steps)} {len(self.broken)} ", end="", file=sys.stderr, flush=True)

    def _killer(self, kind: str, drawn: random.Random) -> threading.Thread:
        part = drawn.choice(PARTS)
        delay = drawn.uniform(0.0, self.typical.get(kind, 2.0))
        self.kills[part] += 1

        def run() -> None:
            time.sleep(delay)
            self.house.kill(part, drawn)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    typical: dict[str, float] = field(default_factory=dict)


def _retried(question: Callable[[], Any]) -> Any:
    """Ask the database; after a kill, as soon as it answers again."""
    from django.db import Error, connection

    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return question()
        except Error:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _day(
    home: Path, steps: list["_accountant.Step"], drawn: random.Random | None, typical: dict[str, float]
) -> dict[str, Any]:
    """Work the day in a fresh house; what happened, and the books at its end. Runs in a process of its own."""
    house = House(home)
    try:
        house.up()
        secret = _accountant.set_up()
        house.start("web")
        house.start("worker")
        partner = Partner(house, secret)
        partner.get("invoice-batches")
        beat = Beat()
        beat.start()
        done = Round(house, partner, typical=typical)
        started = time.monotonic()
        done.work(steps, drawn)
        if unrest := _retried(_accountant.wait_until_quiet):
            done.broken.append(f"never quiet: {unrest}")
        return {
            "seconds": round(time.monotonic() - started, 1),
            "typical": {kind: statistics.median(values) for kind, values in done.seconds.items()},
            "longest": {kind: round(max(values), 2) for kind, values in done.seconds.items()},
            "kills": dict(done.kills),
            "broken": done.broken,
            "answers": dict(done.partner.answers),
            "jobs_started_again": _retried(_accountant.restarts),
            "job_errors": _retried(_accountant.job_errors),
            "books": _retried(_accountant.books),
        }
    finally:
        house.down()


def main(arguments: list[str] | None = None) -> int:
    """Work the day twice; 1 when the books differ or anything broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--rows", type=int, default=1_500, help="rows of a batch")
    parser.add_argument("--lines", type=int, default=150, help="lines of a statement")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--part", choices=("control", "killed"), help=argparse.SUPPRESS)
    parser.add_argument("--home", help=argparse.SUPPRESS)
    parser.add_argument("--typical", default="{}", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part:
        steps = _accountant.day(options.kills, options.rows, options.lines, options.seed)
        drawn = random.Random(options.seed) if options.part == "killed" else None
        print(json.dumps(_day(Path(options.home), steps, drawn, json.loads(options.typical))))
        return 0
    control = _in_a_process("control", options, "{}")
    killed = _in_a_process("killed", options, json.dumps(control["typical"]))
    books_control, books_killed = control.pop("books"), killed.pop("books")
    differences = {
        name: _difference(books_control[name], books_killed[name])
        for name in books_control
        if books_control[name] != books_killed[name]
    }
    report = {
        "measure": "kills",
        "kills": options.kills,
        "rows": options.rows,
        "lines": options.lines,
        "seed": options.seed,
        "control": control,
        "killed": killed,
        "books": {name: len(rows) for name, rows in books_control.items()},
        "differences": differences,
        "equal": not differences,
    }
    print(json.dumps(report, indent=2))
    return 1 if differences or killed["broken"] or control["broken"] else 0


def _difference(control: list[Any], killed: list[Any]) -> dict[str, Any]:
    ours, theirs = Counter(map(str, control)), Counter(map(str, killed))
    return {
        "only_in_control": list(ours - theirs)[:5],
        "only_in_killed": list(theirs - ours)[:5],
    }


def _in_a_process(part: str, options: argparse.Namespace, typical: str) -> dict[str, Any]:
    """Each day has settings, database and connections of its own."""
    home = Path(tempfile.mkdtemp(prefix="encours-kills-"))
    home.chmod(0o711)
    try:
        done = subprocess.run(
            [
                sys.executable, "-m", "bench.kills", "--part", part, "--home", str(home), "--typical", typical,
                "--kills", str(options.kills), "--rows", str(options.rows), "--lines", str(options.lines),
                "--seed", str(options.seed),
            ],
            stdout=subprocess.PIPE,
            check=True,
        )  # fmt: skip
        return dict(json.loads(done.stdout.splitlines()[-1]))
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
