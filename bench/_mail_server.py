"""A mail server in a process of its own, which takes every message and forgets it. Prints its port, then the count."""

import socket
import sys
import threading

from aiosmtpd.controller import Controller


class Sink:
    """Counts messages and lines."""

    def __init__(self) -> None:
        self.messages, self.lines = 0, set()

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.lines.add(session.peer)
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages += 1
        return "250 OK"


def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    print(port, flush=True)
    done = threading.Event()
    for line in sys.stdin:
        if line.strip() == "count":
            print(sink.messages, len(sink.lines), flush=True)
        else:
            break
    done.set()
    controller.stop()


if __name__ == "__main__":
    main()
