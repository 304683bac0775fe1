"""A whole house of processes of its own - PostgreSQL, Redis, web, worker - whose parts can be killed and started again."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

from config.runtime import postgres, redis_server
from config.runtime.home import REPOSITORY, make_home, make_socket_folder, private_folder, socket_folder
from config.runtime.processes import wait_until_gone

DATABASE = "kills"
PARTS = ("worker", "web", "postgresql")


class House:
    """The processes of one installation in `home`. Start it with `up`, end it with `down`."""

    def __init__(self, home: Path) -> None:
        os.environ["ENCOURS_HOME"] = str(home)
        self.home = make_home()
        self._account = postgres.account_for(self.home)
        sockets = socket_folder(self.home)
        self.database_url = f"postgresql://postgres@/{DATABASE}?host={quote(str(sockets))}"
        self.redis_url = f"unix://{quote(str(sockets / redis_server.SOCKET))}?db=0"
        os.environ |= {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "LOG_LEVEL": "CRITICAL",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": "a-key-for-the-measure",
            "API_REQUESTS_PER_MINUTE": "1000000",
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.set_inheritable(True)
        self.port = self._listener.getsockname()[1]

    def up(self) -> None:
        """Start what does not run."""
        make_socket_folder(self.home, self._account.uid)
        postgres.ensure_running(self.home, self._account, DATABASE, durable=True)
        private_folder(self.home / "run")
        redis_server.ensure_running(self.home)

    def start(self, part: str) -> None:
        """Start the web server or the worker."""
        self._processes[part] = subprocess.Popen(
            self._command(part),
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(self._listener.fileno(),),
            start_new_session=True,
        )

    def kill(self, part: str, drawn: random.Random) -> None:
        """SIGKILL one part, all its processes, and start it again."""
        if part == "postgresql":
            self._kill_postgresql(drawn)
        else:
            process = self._processes[part]
            # The whole session: a prefork master and its children, or the children alone.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.start(part)

    def down(self) -> None:
        """End everything."""
        for process in self._processes.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        redis_server.stop(self.home)
        postgres.stop(self.home)
        self._listener.close()

    def _kill_postgresql(self, drawn: random.Random) -> None:
        pid = postgres.running_pid(self._data())
        if pid is None:
            raise RuntimeError("PostgreSQL does not run")
        children = _children(pid)
        # Half the time one backend dies, which takes the server through crash recovery; else the postmaster.
        if children and drawn.random() < 0.5:
            try:
                os.kill(drawn.choice(children), signal.SIGKILL)
            except ProcessLookupError:
                pass
            return
        os.kill(pid, signal.SIGKILL)
        wait_until_gone(pid, 10)
        time.sleep(0.2)
        self.up()

    def _data(self) -> Path:
        location = self.home / "postgres.location"
        folder = Path(location.read_text().strip()) if location.exists() else self.home
        return folder / "postgres"

    def _command(self, part: str) -> list[str]:
        if part == "web":
            return [
                sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind",
                f"fd://{self._listener.fileno()}", "--worker-class", "gthread", "--threads", "4", "--workers", "1",
                "--no-control-socket", "--log-level", "critical",
            ]  # fmt: skip
        return [
            sys.executable, "-m", "celery", "-A", "config.celery:app", "--quiet", "worker", "--concurrency", "2",
            "--loglevel", "CRITICAL", "--without-gossip", "--without-mingle", "--without-heartbeat",
        ]  # fmt: skip


def _children(pid: int) -> list[int]:
    """The server's own backends at work on a client's behalf."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
            title = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(stat.rpartition(")")[2].split()[1]) == pid and DATABASE.encode() in title:
            found.append(int(entry.name))
    return found
