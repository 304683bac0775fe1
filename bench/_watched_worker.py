"""A Celery worker of one process, watched for memory: its own and that of the reader it starts, apart."""

import subprocess
import sys
import threading
import time
from pathlib import Path


class Worker:
    """A Celery worker of one process, watched for memory."""

    def __init__(self) -> None:
        self.peak_kib = self.reader_peak_kib = 0
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "config.celery",
                "worker",
                "-c",
                "1",
                "-l",
                "ERROR",
                "-n",
                "bench",
            ],
            stdout=subprocess.DEVNULL,
        )
        self._watching = True
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._watching = False
        self._thread.join()
        self._process.terminate()
        self._process.wait(timeout=60)

    def forget(self) -> None:
        """Start the peaks anew: the kernel keeps them per process."""
        self.peak_kib = self.reader_peak_kib = 0
        for pid in _children(self._process.pid):
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _watch(self) -> None:
        while self._watching:
            for pid in _children(self._process.pid):
                self.peak_kib = max(self.peak_kib, _peak_kib(pid))
                for reader in _children(pid):
                    if b"invoices.readers.child" in _read(f"/proc/{reader}/cmdline"):
                        self.reader_peak_kib = max(self.reader_peak_kib, _peak_kib(reader))
            time.sleep(0.02)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _children(pid: int) -> list[int]:
    return [int(child) for child in _read(f"/proc/{pid}/task/{pid}/children").split()]


def _peak_kib(pid: int) -> int:
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"VmHWM:"):
            return int(line.split()[1])
    return 0
