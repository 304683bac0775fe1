"""The demo portfolio of an empty installation, and who may sign in to it. Run by the process manager."""

import io
import os
import sys


def main() -> None:
    """Fills the database when nobody can sign in yet, then prints the accounts, one per line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    import environ
    from django.contrib.auth import get_user_model
    from django.core.management import call_command, get_commands

    people = get_user_model().objects
    has_demo = "demo" in get_commands()
    if not people.exists() and has_demo and environ.Env().bool("DEMO", default=True):
        print("Création du portefeuille de démonstration…", file=sys.stderr, flush=True)
        call_command("demo", stdout=io.StringIO())
    if has_demo:
        call_command("demo", "--accounts")
        return
    for address in people.order_by("pk").values_list("email", flat=True)[:10]:
        print(address)


if __name__ == "__main__":
    main()
