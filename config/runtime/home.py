"""The folder of one installation: its data, stored files, locks and secret key (`ENCOURS_HOME`)."""

import fcntl
import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

REPOSITORY = Path(__file__).resolve().parents[2]


class RuntimeFailure(Exception):
    """The house cannot start; the message (French) tells the person what to do."""


def encours_home() -> Path:
    """The folder named by `ENCOURS_HOME`, else `.encours/` of the checkout. Created by whoever writes into it."""
    load_environment_file()
    named = os.environ.get("ENCOURS_HOME", "").strip()
    return Path(os.path.abspath(os.path.expanduser(named))) if named else REPOSITORY / ".encours"


def load_environment_file() -> None:
    """Reads `.env` of the checkout, once; what the environment already says wins."""
    file = REPOSITORY / ".env"
    if "_ENCOURS_ENV_READ" in os.environ or not file.is_file():
        return
    import environ

    environ.Env.read_env(file)
    os.environ["_ENCOURS_ENV_READ"] = "1"


def private_folder(path: Path) -> Path:
    """Makes `path` if it is missing, readable by its owner alone."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise RuntimeFailure(
            f"Le dossier {path} ne peut pas être créé ({error.strerror})."
            " Choisissez-en un autre avec la variable ENCOURS_HOME."
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise RuntimeFailure(
            f"Le dossier {path} appartient à un autre utilisateur."
            " Choisissez-en un autre avec la variable ENCOURS_HOME."
        )
    return path


def make_home() -> Path:
    """The home, made if it is missing. Root leaves it crossable, so that the database's user reaches its data."""
    folder = encours_home()
    if os.geteuid() == 0 and not folder.exists():
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    return private_folder(folder)


def open_log(file: Path) -> IO[bytes]:
    """Opens a log to append to, readable by its owner alone."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")


def home_key(folder: Path) -> str:
    """A short name for this home, the same for every process and user that speaks of it."""
    return hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:12]


def socket_folder(folder: Path) -> Path:
    """Where the sockets of this home stand: socket paths are limited to 107 bytes, a home may be deep."""
    base = Path("/tmp") if os.path.isdir("/tmp") else Path(tempfile.gettempdir())
    return base / f"encours-{home_key(folder)}"


def make_socket_folder(folder: Path, owner: int) -> Path:
    """Makes the socket folder for `owner` (uid), refusing one that a stranger put there."""
    path = socket_folder(folder)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise RuntimeFailure(f"{path} n'est pas un dossier : supprimez-le puis recommencez.")
    if found.st_uid != owner and os.geteuid() == 0:
        os.chown(path, owner, -1)
    elif found.st_uid != owner:
        raise RuntimeFailure(
            f"{path} appartient à un autre utilisateur : choisissez un autre dossier avec ENCOURS_HOME."
        )
    if found.st_mode & 0o077:
        os.chmod(path, 0o700)
    return path


def secret_key() -> str:
    """The key that signs sessions: `SECRET_KEY` of the environment, else one made once and kept in the home."""
    load_environment_file()
    if given := os.environ.get("SECRET_KEY", "").strip():
        return given
    file = make_home() / "secret_key"
    try:
        if kept := file.read_text().strip():
            return kept
    except FileNotFoundError:
        pass
    with lock(encours_home() / "run" / "secret_key.lock"):
        if file.is_file() and (kept := file.read_text().strip()):
            return kept
        fresh = file.with_name("secret_key.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(made := secrets.token_urlsafe(50))
        fresh.rename(file)
        return made


@contextmanager
def lock(file: Path) -> Iterator[None]:
    """Holds `file` alone. The kernel frees it with its holder, so a killed process leaves no stale lock."""
    descriptor = open_lock(file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def open_lock(file: Path) -> int:
    """A descriptor on a lock file; closed in child processes, so that they never hold the lock."""
    private_folder(file.parent)
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
