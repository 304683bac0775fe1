"""`bin/test`: pytest on a database and a broker of its own, whatever runs beside it."""

import os
import signal
import subprocess
import sys
from types import FrameType

from config.runtime import services
from config.runtime.home import REPOSITORY, RuntimeFailure, encours_home


def main(arguments: list[str]) -> int:
    """Runs pytest with these arguments; its exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    os.environ["ENCOURS_HOME"] = str(encours_home() / "test")
    try:
        with services.held(durable=False):
            return _run([sys.executable, "-m", "pytest", "-n", "2", *arguments])
    except RuntimeFailure as failure:
        print(failure, file=sys.stderr)
        return 1


def _run(command: list[str]) -> int:
    process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL)
    try:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # The terminal told pytest too: it prints what it has and ends.
                continue
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
