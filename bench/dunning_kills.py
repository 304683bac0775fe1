"""A whole dunning run under kill -9: workers, beats, broker (emptied too), PostgreSQL, mail server, and a jumping clock.

A book of customers with one overdue invoice each is planned, rendered and sent by the real tasks under two beats,
while parts of the house are killed at random moments and an accountant records payments, disputes and holds. At the
end the journal of the mail server is compared with the notices: none doubled, none lost, none begun after the payment,
dispute or hold of its customer was committed. What was cut off without an answer waits for a person (decision 0004):
the program is that person, looks whether the mail server has the message, and says so.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench._dunning_house import FARTHEST, PARTS, DunningHouse

QUIET_SECONDS = 30


def main(arguments: list[str] | None = None) -> int:
    """Run it; 1 when a notice was doubled, lost, or sent after it should not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notices", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--pause", type=float, default=3.0, help="mean seconds between two kills")
    parser.add_argument("--events", type=int, default=1_000, help="payments, disputes and holds meanwhile")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--patience", type=float, default=7_200, help="seconds after which it gives up")
    options = parser.parse_args(arguments)
    home = Path(tempfile.mkdtemp(prefix="encours-dunning-kills-"))
    home.chmod(0o711)
    house = DunningHouse(home)
    try:
        report = _run(house, options)
    finally:
        house.down()
        shutil.rmtree(home, ignore_errors=True)
    print(json.dumps(report, indent=2))
    return 0 if report["sound"] else 1


def _run(house: DunningHouse, options: argparse.Namespace) -> dict[str, Any]:
    house.up()
    from bench import _dunning_book as book

    book.write(options.notices)
    house.start_all()
    started = time.monotonic()
    drawn = random.Random(options.seed)
    kills: Counter[str] = Counter()
    over = threading.Event()
    accountant = threading.Thread(
        target=book.work, args=(options.events, options.notices, random.Random(options.seed + 1), over)
    )
    accountant.start()
    end = started + options.patience
    while sum(kills.values()) < options.kills or not book.quiet():
        if time.monotonic() > end:
            break
        if sum(kills.values()) < options.kills:
            time.sleep(drawn.expovariate(1 / options.pause))
            part = drawn.choice(PARTS)
            house.kill(part, drawn)
            kills[part] += 1
        else:
            # What waits for a later try, or for a day that the clock had jumped to, has its time come.
            house.offset.write_text(str(2 * FARTHEST))
            time.sleep(1)
            book.person_looks(house.journal)
        told = f"\r{sum(kills.values())}/{options.kills} kills, {book.states()}   "
        print(told, end="", file=sys.stderr, flush=True)
    over.set()
    accountant.join()
    _until_quiet(house, book, end)
    found = book.verdict(house.journal)
    return {
        "measure": "dunning_kills",
        "notices": options.notices,
        "seed": options.seed,
        "kills": sum(kills.values()),
        "kills_by_part": dict(kills),
        "seconds": round(time.monotonic() - started, 1),
        "cores": os.cpu_count(),
        **found,
        "sound": not (found["doubled"] or found["lost"] or found["after_event"] or found["unended"]),
    }


def _until_quiet(house: DunningHouse, book: Any, end: float) -> None:
    """Nothing moves any more, and what a person must decide is decided."""
    since = time.monotonic()
    while time.monotonic() < end and time.monotonic() - since < QUIET_SECONDS:
        if not book.quiet():
            since = time.monotonic()
        book.person_looks(house.journal)
        time.sleep(1)
        if book.quiet() and not book.undecided():
            return


if __name__ == "__main__":
    sys.exit(main())
