"""Facts about running processes, read from /proc."""

import os
import time
from pathlib import Path


def command_line(pid: int) -> list[str]:
    """The arguments of a process; empty when it is gone, or dead and not yet collected by its parent."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(part) for part in raw.rstrip(b"\0").split(b"\0")] if raw else []


def wait_until_gone(pid: int, seconds: float) -> bool:
    """Waits for the end of a process, our child or not; False when it still lives after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        if not command_line(pid):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
