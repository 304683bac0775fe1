"""Brings the tables up to date before a command needs them, and knows cheaply when they already are.

The state of the migration files is written as the comment of Django's own table of migrations: it lives and
dies with the database it speaks of, so no stamp can lie about another one.
"""

import hashlib
import subprocess
import sys

import psycopg2

from config.runtime.home import REPOSITORY, RuntimeFailure


def fingerprint() -> str:
    """Changes with any migration or legal value of ours, and with the locked versions that bring the others."""
    digest = hashlib.sha256((REPOSITORY / "requirements.lock").read_bytes())
    legal_values = REPOSITORY / "core" / "legal_parameters.csv"
    for file in [legal_values, *sorted(REPOSITORY.glob("*/migrations/*.py"))]:
        digest.update(str(file.relative_to(REPOSITORY)).encode() + b"\0" + file.read_bytes())
    return f"encours {digest.hexdigest()[:16]}"


def is_current(database_url: str) -> bool:
    """Whether this database was migrated with the present files.

    Raises RuntimeFailure when the database does not answer.
    """
    try:
        connection = psycopg2.connect(database_url, connect_timeout=10)
    except psycopg2.Error as error:
        raise RuntimeFailure(f"La base de données ne répond pas (DATABASE_URL) : {error}".strip()) from error
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT obj_description(to_regclass('django_migrations'), 'pg_class')")
            (found,) = cursor.fetchone()
    finally:
        connection.close()
    return bool(found == fingerprint())


def mark_current(database_url: str) -> None:
    """Remembers that the present migrations are applied."""
    connection = psycopg2.connect(database_url, connect_timeout=10)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("COMMENT ON TABLE django_migrations IS %s", [fingerprint()])
    finally:
        connection.close()


def migrate(database_url: str) -> None:
    """Applies the migrations and loads the legal values when they changed.

    Raises RuntimeFailure when one fails; Django's own message stands above it.
    """
    if is_current(database_url):
        return
    print("Mise à jour de la base de données…", file=sys.stderr)
    done = subprocess.run(
        [sys.executable, "-m", "config.runtime.deploy", "--tables"],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode:
        raise RuntimeFailure("La mise à jour de la base de données a échoué : voir le message ci-dessus.")
    mark_current(database_url)
