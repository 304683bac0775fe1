"""The database and the broker: those of the environment, else real ones embedded and shared by every command.

Every user of the embedded services holds a shared lock on one file; the last one to leave, the only one
who can take it exclusively, stops them. A killed user frees its lock with its life: the services it leaves
behind are found and used by the next command.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.runtime import postgres, redis_server
from config.runtime.home import (
    encours_home,
    load_environment_file,
    lock,
    make_home,
    make_socket_folder,
    open_lock,
    secret_key,
    socket_folder,
)

__all__ = ["ServiceUrls", "broker_url", "encours_home", "held", "secret_key", "service_urls"]

DATABASE_NAME = "encours"


@dataclass(frozen=True)
class ServiceUrls:
    """Where the services stand, and whether they are ours to start."""

    database: str
    redis: str
    database_embedded: bool
    redis_embedded: bool

    @property
    def celery_broker(self) -> str:
        """The same Redis, as Celery writes it."""
        return broker_url(self.redis)


def service_urls() -> ServiceUrls:
    """The addresses of the environment, else the embedded ones of this home. Starts nothing."""
    load_environment_file()
    sockets = socket_folder(encours_home())
    database = os.environ.get("DATABASE_URL", "").strip()
    redis = os.environ.get("REDIS_URL", "").strip()
    return ServiceUrls(
        database=database or f"postgresql://postgres@/{DATABASE_NAME}?host={quote(str(sockets))}",
        redis=redis or f"unix://{quote(str(sockets / redis_server.SOCKET))}?db=0",
        database_embedded=not database,
        redis_embedded=not redis,
    )


def broker_url(redis_url: str) -> str:
    """Celery's spelling of a Redis address: sockets have their own scheme there."""
    if not redis_url.startswith("unix://"):
        return redis_url
    path, _, query = redis_url.removeprefix("unix://").partition("?")
    number = dict(part.partition("=")[::2] for part in query.split("&")).get("db", "0")
    return f"redis+socket://{path}?virtual_host={number}"


@contextmanager
def held(*, durable: bool = True) -> Iterator[ServiceUrls]:
    """Keeps the services running for the time of the block; stops them after the last user.

    `durable=False` trades safety on a power cut for speed: for test data only.
    """
    urls = service_urls()
    if not urls.database_embedded and not urls.redis_embedded:
        yield urls
        return
    folder = make_home()
    users = _join(folder, urls, durable)
    try:
        yield urls
    finally:
        _leave(folder, users)


def _join(folder: Path, urls: ServiceUrls, durable: bool) -> int:
    with lock(folder / "run" / "start.lock"):
        users = open_lock(folder / "run" / "users.lock")
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            if urls.database_embedded:
                account = postgres.account_for(folder)
                make_socket_folder(folder, account.uid)
                postgres.ensure_running(folder, account, DATABASE_NAME, durable=durable)
            else:
                make_socket_folder(folder, os.geteuid())
            if urls.redis_embedded:
                redis_server.ensure_running(folder)
        except BaseException:
            os.close(users)
            raise
        return users


def _leave(folder: Path, users: int) -> None:
    try:
        with lock(folder / "run" / "start.lock"):
            fcntl.flock(users, fcntl.LOCK_UN)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            redis_server.stop(folder)
            postgres.stop(folder)
            with suppress(OSError):
                socket_folder(folder).rmdir()
    finally:
        os.close(users)
