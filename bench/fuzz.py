"""Mutated files of every format: each must be read or refused with a sentence, in bounded time and memory.

Files are read in forked processes under the limits of the real reading process (address space, a clock per file); a
process that dies or hangs is counted, and the next file goes on. `--upload N` sends N more of each format through the
real operations, child process and database included, and compares the books before and after.
"""

import argparse
import json
import os
import random
import resource
import select
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench._fuzz_changes import mutate
from bench._fuzz_seeds import FORMATS, seeds

PATIENCE = 20  # seconds for one file
MEMORY = 1_024 * 1024 * 1024
AT_ONCE = 100


def main() -> None:
    options = arguments()
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    folder = Path(options.folder) if options.folder else None
    if folder is not None and not folder.is_dir():
        print(f"{folder} is not there: only the files written here are used.", file=sys.stderr)
        folder = None
    result = {
        name: fuzz(name, options.files, options.seed, folder) for name in options.formats.split(",") if name
    }
    if options.upload:
        from bench._fuzz_upload import upload

        for name, found in result.items():
            found["upload"] = upload(name, mutations(name, options.upload, options.seed + 1, folder))
    worst = {
        "faults": sum(found["faults"] + found.get("upload", {}).get("fault", 0) for found in result.values()),
        "hangs": sum(found["hangs"] for found in result.values()),
        "slowest_s": max(found["slowest_s"] for found in result.values()),
        "most_cpu_s": max(found["most_cpu_s"] for found in result.values()),
        "peak_mib": max(found["peak_mib"] for found in result.values()),
        "partial_writes": sum(found.get("upload", {}).get("partial_writes", 0) for found in result.values()),
    }
    print(
        json.dumps(
            {"files_per_format": options.files, "seed": options.seed, "worst": worst, "formats": result},
            indent=2,
        )
    )
    if worst["faults"] or worst["hangs"] or worst["partial_writes"]:
        sys.exit(1)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2_000, help="mutated files of each format")
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--folder", default="", help="real files to start from, too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--upload", type=int, default=0, help="files of each format through the real operations"
    )
    return parser.parse_args()


def mutations(name: str, count: int, seed: int, folder: Path | None) -> Any:
    """`(index, kind, bytes)`: each file depends on its own number only."""
    found = seeds(name, folder)
    for index in range(count):
        drawn = random.Random(f"{seed}/{name}/{index}")
        kind, content = mutate(name, drawn.choice(found), drawn)
        yield index, kind, content


def fuzz(name: str, count: int, seed: int, folder: Path | None) -> dict[str, Any]:
    """Read every mutation; what came of them."""
    results: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    faults: list[dict[str, Any]] = []
    slowest, dearest, peak, hangs, start = 0.0, 0.0, 0, 0, 0
    while start < count:
        done, ended = _some(name, start, min(count, start + AT_ONCE), seed, folder)
        for answer in done:
            kinds[answer["kind"]] += 1
            results[answer["result"].split("\n")[0][:80]] += 1
            slowest, peak = max(slowest, answer["seconds"]), max(peak, answer["peak_mib"])
            dearest = max(dearest, answer["cpu_seconds"])
            hangs += answer["result"] == "hang"
            if not answer["result"].startswith(("read", "refused")):
                faults.append(answer)
        start += len(done)
        if ended:
            # The process went away in the middle of a file: that file is to blame.
            hangs += ended == "hang"
            results[ended] += 1
            faults.append({"index": start, "result": ended})
            start += 1
    return {
        "read": results["read"],
        "refused": sum(number for result, number in results.items() if result.startswith("refused")),
        "faults": len(faults),
        "hangs": hangs,
        "slowest_s": round(slowest, 2),
        "most_cpu_s": round(dearest, 2),
        "peak_mib": peak,
        "results": dict(results.most_common(40)),
        "mutations": dict(kinds.most_common()),
        "first_faults": faults[:10],
    }


def _some(
    name: str, first: int, last: int, seed: int, folder: Path | None
) -> tuple[list[dict[str, Any]], str]:
    """Some files in one process: the answers, and how the process ended when it did not come to the last one."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            _work(name, first, last, seed, folder, writing)
        finally:
            os._exit(0)
    os.close(writing)
    answers, rest, ended = [], b"", ""
    deadline = time.monotonic() + PATIENCE * 3
    while len(answers) < last - first:
        ready, _w, _x = select.select([reading], [], [], max(0.1, deadline - time.monotonic()))
        if not ready:
            ended = "hang"
            break
        piece = os.read(reading, 65_536)
        if not piece:
            break
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        for line in lines:
            answers.append(json.loads(line))
            deadline = time.monotonic() + PATIENCE * 3
    os.close(reading)
    if ended:
        os.kill(child, signal.SIGKILL)
    _pid, status = os.waitpid(child, 0)
    if len(answers) < last - first and not ended:
        restarted = bool(answers) and answers[-1]["result"].endswith("reader_out_of_memory")
        ended = "" if restarted else f"died: {os.waitstatus_to_exitcode(status)}"
    return answers, ended


def _work(name: str, first: int, last: int, seed: int, folder: Path | None, out: int) -> None:
    from bench._fuzz_reading import read_one

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, _too_long)
    found = seeds(name, folder)
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    for index in range(first, last):
        drawn = random.Random(f"{seed}/{name}/{index}")
        kind, content = mutate(name, drawn.choice(found), drawn)
        started, worked = time.perf_counter(), time.process_time()
        result = ""
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        try:
            result = read_one(name, content)
        except MemoryError:
            result = "refused: reader_out_of_memory"
        except TooLong:
            result = "hang"
        except BaseException as error:  # every way to fail is a finding
            result = f"{type(error).__name__}: {error}\n{_place(error)}"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        answer = {
            "index": index,
            "kind": kind,
            "result": result[:600],
            "seconds": round(time.perf_counter() - started, 3),
            "cpu_seconds": round(time.process_time() - worked, 3),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        os.write(out, json.dumps(answer).encode() + b"\n")
        if result.endswith("reader_out_of_memory"):
            return  # what is left of the memory is in pieces: a fresh process goes on


class TooLong(BaseException):
    """The clock of one file has run out."""


def _too_long(_signal: int, _frame: object) -> None:
    raise TooLong


def _place(error: BaseException) -> str:
    found = error.__traceback__
    places = []
    while found is not None:
        places.append(f"{Path(found.tb_frame.f_code.co_filename).name}:{found.tb_lineno}")
        found = found.tb_next
    return " > ".join(places[-6:])


if __name__ == "__main__":
    main()
