"""The bounds of a process that reads an untrusted file."""

import ctypes
import resource
import signal
import sys

from invoices.readers.limits import MIB, Limits

_PR_SET_PDEATHSIG = 1


def confine(limits: Limits) -> None:
    """Bound memory, time and files before the first byte is looked at; die with the parent."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
