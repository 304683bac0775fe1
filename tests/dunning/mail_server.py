"""A mail server for tests: it takes everything but for what `answers` says, and remembers its conversations."""

import email
import email.policy
import socket
import threading
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


class Inbox:
    """What came in. `answers` names a verb, or an address for its RCPT, and the answers given one after the other."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = answers
        self.messages: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.lines: set[object] = set()
        # So many messages over one line, then the server says good-bye.
        self.most_per_line = 0
        self._taken: dict[object, int] = {}
        # Set when a whole message is in; the answer to it waits for the other.
        self.received, self.answer = threading.Event(), threading.Event()
        self.answer.set()

    def _answer(self, *names: str) -> str | None:
        for name in names:
            if self.answers.get(name):
                return self.answers[name].pop(0)
        return None

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.lines.add(session.peer)
        if self.most_per_line and self._taken.get(session.peer, 0) >= self.most_per_line:
            return "421 4.7.0 Too many messages over this line"
        told = self._answer("MAIL")
        if told is None:
            envelope.mail_from = address
        return told or "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        told = self._answer(address, "RCPT")
        if told is None:
            envelope.rcpt_tos.append(address)
        return told or "250 OK"

    async def handle_DATA(self, server, session, envelope):
        told = self._answer("DATA")
        if told is not None:
            return told
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        self.received.set()
        if not self.answer.is_set():
            import asyncio

            await asyncio.get_running_loop().run_in_executor(None, self.answer.wait, 30)
        self._taken[session.peer] = self._taken.get(session.peer, 0) + 1
        return "250 Message accepted"


class _Controller(Controller):
    def factory(self):
        return SMTP(self.handler, enable_SMTPUTF8=True, data_size_limit=50_000_000)


def start(handler: Inbox, settings) -> Controller:
    """Start a server with the handler and point Django at it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = _Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_TIMEOUT = 5
    settings.DEFAULT_FROM_EMAIL = "Encours <relances@house.example>"
    return controller
