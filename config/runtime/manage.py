"""`bin/manage COMMAND`: a management command with its services running and its tables up to date."""

import os
import signal
import sys
from types import FrameType

from config.runtime import schema, services
from config.runtime.home import RuntimeFailure

# They speak of migrations or of no data at all.
WITHOUT_MIGRATION = frozenset(
    {
        *("", "help", "--help", "-h", "version", "--version", "check", "migrate", "makemigrations"),
        *("showmigrations", "sqlmigrate", "squashmigrations", "makemessages", "compilemessages"),
        *("collectstatic", "spectacular", "diffsettings", "dbshell"),
    }
)


def main(arguments: list[str]) -> int:
    """Runs one command; its exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        with services.held() as urls:
            if (arguments or [""])[0] not in WITHOUT_MIGRATION:
                schema.migrate(urls.database)
            return _run(arguments)
    except RuntimeFailure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["bin/manage", *arguments])
    return 0


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
