"""What a new version needs before it serves: tables, legal parameters, static files. Safe to run again."""

import os
import sys

COMMANDS = (
    ("migrate", "--no-input"),
    ("load_legal_parameters",),
    ("collectstatic", "--no-input", "--verbosity", "0"),
)


def main() -> int:
    """Runs each command; the first failure ends it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.management import call_command

    django.setup()
    for command in COMMANDS:
        call_command(*command)
    return 0


if __name__ == "__main__":
    sys.exit(main())
