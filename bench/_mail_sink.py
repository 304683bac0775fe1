"""A mail server that keeps a journal: each message is on disk before it is answered. `python -m bench._mail_sink PORT FILE`."""

import json
import os
import random
import signal
import sys
import threading
import time
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

# So many messages in a hundred are asked to come back later.
DEFERRED = 2


class Journal:
    """Writes one line per accepted message, and answers only then."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if random.randrange(100) < DEFERRED:
            return "451 Come back later"
        message = message_from_bytes(envelope.content or b"")
        line = {
            "at": time.time(),
            "message_id": " ".join(str(message["Message-ID"]).split()),
            "recipients": envelope.rcpt_tos,
        }
        os.write(self._descriptor, json.dumps(line).encode() + b"\n")
        os.fsync(self._descriptor)
        return "250 Accepted"


def main() -> None:
    controller = Controller(Journal(Path(sys.argv[2])), hostname="127.0.0.1", port=int(sys.argv[1]))
    controller.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Event().wait()


if __name__ == "__main__":
    main()
