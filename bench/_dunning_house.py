"""The house of a dunning run under fire: PostgreSQL, Redis, two workers, two beats and a mail server, all killable."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from bench._killable import House
from config.runtime import redis_server
from config.runtime.home import REPOSITORY
from config.runtime.processes import wait_until_gone

PARTS = ("worker-1", "worker-2", "beat-1", "beat-2", "redis", "redis-emptied", "postgresql", "mail", "clock")
PROGRAMS = ("mail", "worker-1", "worker-2", "beat-1", "beat-2")
# A jump of the clock, in seconds: backwards or forwards by up to a day and a half.
FARTHEST = 36 * 3600


class DunningHouse(House):
    """What sends the notices of one entity, and the journal of what the mail server took."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.journal = home / "mail.journal"
        self.offset = home / "clock.offset"
        self.offset.write_text("0")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.mail_port = free.getsockname()[1]
        os.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{self.mail_port}"
        os.environ["DEFAULT_FROM_EMAIL"] = "Encours <relances@encours.example>"

    def start_all(self) -> None:
        for part in PROGRAMS:
            self.start(part)

    def kill(self, part: str, drawn: random.Random) -> None:
        """SIGKILL one part and start it again; or empty the broker, or make the clock jump."""
        if part == "redis-emptied":
            self._empty_redis()
        elif part == "redis":
            pid = redis_server.running_pid(self.home)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                wait_until_gone(pid, 10)
            redis_server.ensure_running(self.home)
        elif part == "clock":
            self.offset.write_text(str(drawn.uniform(-FARTHEST, FARTHEST) if drawn.random() < 0.6 else 0))
        else:
            super().kill(part, drawn)

    def _empty_redis(self) -> None:
        import redis

        for _attempt in range(50):
            try:
                redis.Redis.from_url(self.redis_url).flushall()
                return
            except redis.RedisError:
                time.sleep(0.1)

    def _command(self, part: str) -> list[str]:
        if part == "mail":
            return [sys.executable, "-m", "bench._mail_sink", str(self.mail_port), str(self.journal)]
        celery = [sys.executable, "-m", "bench._shifted_celery", str(self.offset), "--quiet"]
        if part.startswith("beat"):
            schedule = self.home / f"{part}-schedule"
            return [*celery, "beat", "--loglevel", "CRITICAL", "--pidfile", "", "--schedule", str(schedule)]
        return [
            *celery, "worker", "--concurrency", "1", "--loglevel", "CRITICAL", "--hostname", f"{part}@bench",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        ]  # fmt: skip

    def start(self, part: str) -> None:
        """Start one of the programs, its last words kept in a file."""
        with (self.home / f"{part}.log").open("ab") as log:
            self._processes[part] = subprocess.Popen(
                self._command(part),
                cwd=REPOSITORY,
                env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
