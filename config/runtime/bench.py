"""`bin/bench [NAME [ARGUMENT…]]`: the measures of bench/, on services and data of their own.

Each measure is a program of bench/ that prints one JSON object; without a name, all of them run in turn.
"""

import os
import signal
import subprocess
import sys
from types import FrameType

from config.runtime import services
from config.runtime.home import REPOSITORY, RuntimeFailure, encours_home


def main(arguments: list[str]) -> int:
    """Runs the measures; 1 when one failed."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    known = measures()
    wanted = arguments[:1] if arguments and not arguments[0].startswith("-") else known
    if unknown := set(wanted) - set(known):
        print(f"Mesure inconnue : {', '.join(unknown)}. Mesures : {', '.join(known)}.", file=sys.stderr)
        return 2
    options = arguments[1:] if wanted == arguments[:1] else arguments
    os.environ["ENCOURS_HOME"] = str(encours_home() / "bench")
    try:
        with services.held() as urls:
            environment = os.environ | {"DATABASE_URL": urls.database, "REDIS_URL": urls.redis}
            environment.setdefault("LOG_LEVEL", "ERROR")
            codes = [_run(name, options, environment) for name in wanted]
    except RuntimeFailure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 1 if any(codes) else 0


def measures() -> list[str]:
    """The programs of bench/."""
    return [
        file.stem
        for file in sorted((REPOSITORY / "bench").glob("*.py"))
        if not file.stem.startswith("_") and "\ndef main(" in file.read_text()
    ]


def _run(name: str, options: list[str], environment: dict[str, str]) -> int:
    print(f"{name}…", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", f"bench.{name}", *options]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, check=False
    ).returncode


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
