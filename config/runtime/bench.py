"""`bin/bench`: the measures of bench/, on services and data of their own."""

import os
import signal
import subprocess
import sys
from types import FrameType

from config.runtime import schema, services
from config.runtime.home import REPOSITORY, RuntimeFailure, encours_home


def main(arguments: list[str]) -> int:
    """Runs `python -m bench` with these arguments; its exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    os.environ["ENCOURS_HOME"] = str(encours_home() / "bench")
    try:
        with services.held() as urls:
            schema.migrate(urls.database)
            command = [sys.executable, "-m", "bench", *arguments]
            return subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, check=False).returncode
    except RuntimeFailure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
