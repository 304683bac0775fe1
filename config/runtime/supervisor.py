"""Runs programs side by side: their lines prefixed, the dead restarted, all of them stopped together.

One thread, so that a child may be started at any time. Each child leads a process group of its own, so that
Ctrl-C reaches the manager alone, and the whole of a group can be ended.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from config.runtime.home import REPOSITORY

SOFT_SECONDS = 12
HARD_SECONDS = 3
MAXIMUM_DEATHS = 5
STEADY_SECONDS = 60


@dataclass
class Program:
    """A program to keep alive. `hard_stop` ends it without waiting for its work."""

    name: str
    arguments: list[str]
    listener: int | None = None
    hard_stop: signal.Signals = signal.SIGTERM
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    pending: bytes = b""
    started: float = 0.0
    deaths: int = 0
    restart_at: float | None = None


class Supervisor:
    """Starts the programs, watches them, stops them."""

    def __init__(self, programs: list[Program], environment: dict[str, str]) -> None:
        self.programs = programs
        self.environment = environment
        self.selector = selectors.DefaultSelector()
        self.stopping = False
        self.failed = False
        self._width = max(len(program.name) for program in programs)

    def start(self) -> None:
        """Starts every program."""
        for program in self.programs:
            self._spawn(program)

    def ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        """Signal handler: the loop ends soon after."""
        self.stopping = True

    def run_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Watches until `condition` holds, a stop is asked for, or time is up; whether it held."""
        deadline = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < deadline:
            self._turn()
            if condition():
                return True
        return False

    def run(self) -> int:
        """Watches until a stop is asked for (0) or a program died too often (1)."""
        while not self.stopping:
            self._turn()
        return 1 if self.failed else 0

    def stop(self) -> None:
        """Stops every program, gently, then firmly, then at once; leaves no process behind."""
        self.stopping = True
        for number, seconds in ((signal.SIGTERM, SOFT_SECONDS), (None, HARD_SECONDS)):
            for program in self.programs:
                if program.process is not None and program.process.poll() is None:
                    program.process.send_signal(program.hard_stop if number is None else number)
            self._drain_until_gone(seconds)
        for program in self.programs:
            self._end_group(program)
        self._drain_until_gone(1)
        self.selector.close()

    def say(self, text: str) -> None:
        """Prints lines of the manager's own."""
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except OSError:  # nobody reads any more: the product still runs
            pass

    def _spawn(self, program: Program) -> None:
        death_signal = int(program.hard_stop)
        program.process = process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "config.runtime.child", str(os.getpid()), str(death_signal)),
                *program.arguments,
            ],
            cwd=REPOSITORY,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=() if program.listener is None else (program.listener,),
            process_group=0,
        )
        program.started = time.monotonic()
        program.restart_at = None
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self.selector.register(process.stdout, selectors.EVENT_READ, program)

    def _turn(self) -> None:
        self._read(0.2)
        now = time.monotonic()
        for program in self.programs:
            if program.restart_at is not None and now >= program.restart_at:
                self._spawn(program)
            elif program.restart_at is None and program.process is not None:
                self._collect(program, now)

    def _collect(self, program: Program, now: float) -> None:
        code = program.process.poll() if program.process is not None else None
        if code is None or self.stopping:
            return
        self._end_group(program)
        program.deaths = 1 if now - program.started > STEADY_SECONDS else program.deaths + 1
        cause = f"signal {-code}" if code < 0 else f"code {code}"
        if program.deaths > MAXIMUM_DEATHS:
            self.say(
                f"« {program.name} » s'est arrêté {program.deaths} fois de suite ({cause}) : tout est arrêté."
                " La cause est dans ses derniers messages, ci-dessus."
            )
            self.failed = self.stopping = True
            return
        delay = 2 ** (program.deaths - 1)
        self.say(f"« {program.name} » s'est arrêté ({cause}) ; redémarrage dans {delay} s.")
        program.restart_at = now + delay

    def _read(self, timeout: float) -> None:
        if not self.selector.get_map():
            time.sleep(timeout)
            return
        for key, _events in self.selector.select(timeout):
            program: Program = key.data
            try:
                chunk = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            if not chunk:
                self.selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
            self._print(program, chunk)

    def _print(self, program: Program, chunk: bytes) -> None:
        *lines, program.pending = (program.pending + chunk).split(b"\n")
        if not chunk and program.pending:
            lines, program.pending = [program.pending], b""
        for line in lines:
            self.say(f"{program.name:<{self._width}} | {line.decode(errors='replace')}")

    def _drain_until_gone(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if all(
                program.process is None or program.process.poll() is not None for program in self.programs
            ):
                return
            self._read(0.05)

    def _end_group(self, program: Program) -> None:
        """Ends what a program may have left in its process group."""
        if program.process is None:
            return
        try:
            os.killpg(program.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
