"""Whether a running process does its work: `python -m config.runtime.health web|worker|beat`, for health checks."""

import http.client
import os
import subprocess
import sys
import time

from config.runtime.home import encours_home

BEAT_SCHEDULE = "beat-schedule"
# Beat writes its schedule every three minutes.
BEAT_SECONDS = 600


def main(kind: str) -> int:
    """0 when healthy."""
    checks = {
        "web": lambda: web_answers(int(os.environ.get("PORT") or 8000)),
        "worker": worker_answers,
        "beat": beat_writes,
    }
    return 0 if checks[kind]() else 1


def web_answers(port: int) -> bool:
    """Whether the web server of this machine answers and reaches its database."""
    allowed = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip()
    host = "localhost" if allowed in ("", "*") else allowed.removeprefix(".")
    # As the proxy in front of it would ask, else it answers by a redirection to https.
    headers = {"Host": host, "X-Forwarded-Proto": "https"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz", headers=headers)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def worker_answers() -> bool:
    """Whether the worker of this machine answers through the broker."""
    name = f"celery@{os.uname().nodename}"
    command = [
        "-m",
        "celery",
        "-A",
        "config.celery:app",
        "inspect",
        "ping",
        "--timeout",
        "5",
        "--destination",
        name,
    ]
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    return done.returncode == 0


def beat_writes() -> bool:
    """Whether beat wrote its schedule lately."""
    ages = [time.time() - file.stat().st_mtime for file in encours_home().glob(f"{BEAT_SCHEDULE}*")]
    return bool(ages) and min(ages) < BEAT_SECONDS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
