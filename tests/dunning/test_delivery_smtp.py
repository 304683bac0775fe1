"""Real SMTP conversations: what `send_email` says of each answer a mail server can give."""

import email
import email.policy
import socket
import threading

import pytest
from aiosmtpd.controller import Controller

from dunning.delivery import Attachment, OutcomeStatus, OutgoingEmail
from dunning.mail.line import send_email

PDF = b"%PDF-1.7 lettre \x00\xff"


def outgoing(**changes) -> OutgoingEmail:
    values = {
        "message_id": "<notice-42@meridien.example>",
        "sender_name": "Ateliers Méridien, Distribution",
        "reply_to": "compta@meridien.example",
        "recipient": "fournisseurs@client.example",
        "subject": "Votre compte client – règlement en attente (AMD-R1)",
        "text": "Madame, Monsieur,\n\nSauf erreur… 1\u202f234,56\u00a0€\n",
        "html": "<p>Sauf erreur… 1\u202f234,56\u00a0€</p>",
        "attachments": [Attachment("AMD-R1.pdf", PDF)],
    }
    return OutgoingEmail(**(values | changes))


class Inbox:
    """A server that takes everything, except what `answers` says of a verb."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.messages: list[email.message.EmailMessage] = []

    async def handle_MAIL(self, server, session, envelope, address, options):
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 Message accepted"


@pytest.fixture
def serve(settings):
    """Start a mail server with a handler and point Django at it."""
    started = []

    def start(handler):
        controller = Controller(handler, hostname="127.0.0.1", port=_free_port())
        controller.start()
        started.append(controller)
        _use(settings, controller.port)
        return handler

    yield start
    for controller in started:
        controller.stop()


def _use(settings, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_TIMEOUT = 3
    settings.DEFAULT_FROM_EMAIL = "Encours <relances@meridien.example>"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_an_accepted_message_is_the_one_composed(serve):
    inbox = serve(Inbox())
    outcome = send_email(outgoing())
    assert outcome.status is OutcomeStatus.SENT
    (message,) = inbox.messages
    assert message["Message-ID"] == "<notice-42@meridien.example>"
    assert message["From"].addresses[0].addr_spec == "relances@meridien.example"
    assert message["From"].addresses[0].display_name == "Ateliers Méridien, Distribution"
    assert message["To"].addresses[0].addr_spec == "fournisseurs@client.example"
    assert message["Reply-To"].addresses[0].addr_spec == "compta@meridien.example"
    # Folding an encoded subject leaves the space of the fold, which mail readers drop.
    assert message["Subject"].strip() == "Votre compte client – règlement en attente (AMD-R1)"
    assert "1\u202f234,56\u00a0€" in message.get_body(("plain",)).get_content()
    assert "<p>Sauf erreur" in message.get_body(("html",)).get_content()
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "AMD-R1.pdf"
    assert attachment.get_content_type() == "application/pdf"
    assert attachment.get_content() == PDF


@pytest.mark.parametrize(
    ("verb", "answer", "expected"),
    [
        ("RCPT", "550 5.1.1 No such user", OutcomeStatus.FAILED),
        ("RCPT", "450 4.2.0 Greylisted", OutcomeStatus.RETRY),
        ("RCPT", "452 4.2.2 Mailbox full", OutcomeStatus.RETRY),
        ("MAIL", "553 5.1.8 Sender refused", OutcomeStatus.FAILED),
        ("MAIL", "451 4.3.0 Try again later", OutcomeStatus.RETRY),
        ("DATA", "554 5.7.1 Content refused", OutcomeStatus.FAILED),
        ("DATA", "451 4.3.0 Local error", OutcomeStatus.RETRY),
    ],
)
def test_a_refusal_is_final_and_a_delay_is_not(serve, verb, answer, expected):
    inbox = serve(Inbox(**{verb: answer}))
    outcome = send_email(outgoing())
    assert outcome.status is expected
    assert outcome.detail == answer
    assert inbox.messages == []


class _Cutting:
    """A server that talks until a verb, then cuts the line without an answer."""

    def __init__(self, verb: bytes) -> None:
        self.verb = verb
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        line, _ = self.listener.accept()
        with line, line.makefile("rwb") as stream:
            self._say(stream, b"220 ready")
            in_data = False
            while received := stream.readline():
                if in_data:
                    if received == b".\r\n":
                        return
                    continue
                if received.upper().startswith(self.verb) and self.verb != b"DATA":
                    return
                if received.upper().startswith(b"DATA"):
                    in_data = True
                    self._say(stream, b"354 go on")
                else:
                    self._say(stream, b"250 OK")

    @staticmethod
    def _say(stream, answer: bytes) -> None:
        stream.write(answer + b"\r\n")
        stream.flush()

    def close(self) -> None:
        self.listener.close()
        self.thread.join(5)


def test_a_line_cut_after_the_message_was_handed_is_for_a_person(settings):
    """Nobody knows whether it left: the server may have kept it before the line was cut."""
    server = _Cutting(b"DATA")
    _use(settings, server.port)
    try:
        outcome = send_email(outgoing())
    finally:
        server.close()
    assert outcome.status is OutcomeStatus.UNKNOWN
    assert "vérifiez auprès du client" in outcome.detail


@pytest.mark.parametrize("verb", [b"EHLO", b"MAIL", b"RCPT"])
def test_a_line_cut_in_the_middle_is_tried_again(settings, verb):
    server = _Cutting(verb)
    _use(settings, server.port)
    try:
        outcome = send_email(outgoing())
    finally:
        server.close()
    assert outcome.status is OutcomeStatus.RETRY
    assert outcome.detail.startswith("Le serveur de messagerie n’a pas répondu jusqu’au bout")


def test_a_server_that_is_away_is_tried_again(settings):
    _use(settings, _free_port())
    assert send_email(outgoing()).status is OutcomeStatus.RETRY


def test_a_server_that_says_nothing_is_tried_again(settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        _use(settings, silent.getsockname()[1])
        settings.EMAIL_TIMEOUT = 0.3
        assert send_email(outgoing()).status is OutcomeStatus.RETRY


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient": ""},
        {"recipient": "pas une adresse"},
        {"recipient": "a@b.example\nBcc: c@d.example"},
        {"subject": "Un\nsujet"},
        {"reply_to": "x@y.example\r\nBcc: c@d.example"},
    ],
    ids=["no recipient", "no address", "line break in the address", "in the subject", "in the reply address"],
)
def test_a_message_that_cannot_be_composed_fails_before_the_server_is_called(serve, changes):
    inbox = serve(Inbox())
    outcome = send_email(outgoing(**changes))
    assert outcome.status is OutcomeStatus.FAILED
    assert outcome.detail
    assert inbox.messages == []
