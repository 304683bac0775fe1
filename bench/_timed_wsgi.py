"""The application as it is served, with what each request took inside the server told in its answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from config.wsgi import application as served


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Wall time and time on the processor of this thread, from the first middleware to the last byte, in milliseconds."""
    wall, busy = time.perf_counter(), time.thread_time()

    def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        taken = (time.perf_counter() - wall) * 1000
        used = (time.thread_time() - busy) * 1000
        return start_response(status, [*headers, ("X-Service", f"{taken:.3f} {used:.3f}")], *more)

    return served(environ, start)
