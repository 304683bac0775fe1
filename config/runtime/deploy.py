"""What a new version needs before it serves: tables, legal parameters, static files. Safe to run again."""

import io
import os
import sys

TABLES = (("migrate", "--no-input", "--verbosity", "0"), ("load_legal_parameters",))
STATIC_FILES = (("collectstatic", "--no-input", "--verbosity", "0"),)


def main(arguments: list[str]) -> int:
    """Runs each command (`--tables`: static files excepted), without a word; the first failure ends it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.management import call_command

    django.setup()
    for command in TABLES if "--tables" in arguments else TABLES + STATIC_FILES:
        call_command(*command, stdout=io.StringIO())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
