"""The line to the mail server: opened once for many messages, opened again when it was cut.

Never raises for what the server or the network did to a message: the answer says it.
"""

import smtplib
from contextlib import suppress
from types import TracebackType

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address
from django.utils.translation import gettext as _

from dunning.delivery import (
    ComposedEmail,
    DeliveryOutcome,
    MessageRefused,
    OutcomeStatus,
    OutgoingEmail,
    compose,
)

# Servers count the messages of a connection, and close it after some hundreds.
MESSAGES_PER_LINE = 100


class MailServerAway(Exception):
    """No line to the mail server can be had: not the fault of any message."""


class _Cut(Exception):
    """The line broke before the message was handed over: nothing has left."""


class MailLine:
    """Hands messages over, one after the other. Close it, or use it as a context."""

    def __init__(self, connection: BaseEmailBackend | None = None) -> None:
        self._backend = connection or get_connection()
        self._handed = 0
        self._begun = False

    def __enter__(self) -> "MailLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether a message can be handed over at once. What is no server needs no line."""
        return not isinstance(self._backend, EmailBackend) or self._server is not None

    @property
    def _server(self) -> smtplib.SMTP | None:
        server = getattr(self._backend, "connection", None)
        return server if isinstance(server, smtplib.SMTP) else None

    def open(self) -> None:
        """Have a line. Raises MailServerAway with what the server or the network said."""
        if self.is_open:
            return
        try:
            self._backend.open()
        except smtplib.SMTPResponseException as error:
            raise MailServerAway(_reply_text(error.smtp_code, error.smtp_error)) from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailServerAway(str(error) or type(error).__name__) from error
        self._handed = 0
        if self._server is not None:
            self._watch(self._server)

    def close(self) -> None:
        """Say good-bye: one that fails changes nothing in what was answered."""
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._backend.close()
            # A line that could not be closed is not used again.
            self._backend.connection = None  # type: ignore[attr-defined]

    def send(self, message: OutgoingEmail) -> DeliveryOutcome:
        """Compose a message and hand it over."""
        try:
            composed = compose(message)
        except MessageRefused as refused:
            return DeliveryOutcome(OutcomeStatus.FAILED, str(refused))
        if self._handed >= MESSAGES_PER_LINE:
            self.close()
        # A line kept open may have been closed at the other end since: a new one is tried once.
        for reused in (True, False) if self._handed else (False,):
            try:
                return self._hand(composed, reused)
            except _Cut:
                self.close()
        raise AssertionError("a new line answers or tells")

    def _hand(self, composed: ComposedEmail, reused: bool) -> DeliveryOutcome:
        self._begun = False
        try:
            self.open()
            refused = self._send(composed)
        except MailServerAway as away:
            return _away(str(away))
        except smtplib.SMTPRecipientsRefused as error:
            answers = {address: _reply_text(*reply) for address, reply in error.recipients.items()}
            # One who may be served later keeps the message alive.
            replies = sorted(
                error.recipients.values(), key=lambda told: _status(told[0]) is not OutcomeStatus.RETRY
            )
            code, reply = next(iter(replies), (550, b""))
            self._give_back(code, reused)
            return DeliveryOutcome(_status(code), _reply_text(code, reply), tuple(answers.items()))
        except smtplib.SMTPResponseException as error:
            self._give_back(error.smtp_code, reused)
            return DeliveryOutcome(_status(error.smtp_code), _reply_text(error.smtp_code, error.smtp_error))
        except smtplib.SMTPNotSupportedError as error:
            return DeliveryOutcome(OutcomeStatus.FAILED, str(error))
        except (smtplib.SMTPException, OSError) as error:
            if self._begun:
                self.close()
                return unknown_outcome()
            if reused:
                raise _Cut from error
            self.close()
            return _away(str(error) or type(error).__name__)
        self._handed += 1
        detail = _("Accepté par le serveur de messagerie.")
        if refused:
            told = " ; ".join(f"{address} : {answer}" for address, answer in refused)
            detail = _("Accepté par le serveur de messagerie, sauf pour %(refused)s") % {"refused": told}
        return DeliveryOutcome(OutcomeStatus.SENT, detail, tuple(refused))

    def _send(self, composed: ComposedEmail) -> list[tuple[str, str]]:
        """The recipients refused while others were taken."""
        server, email = self._server, composed.email
        if server is None:
            email.connection = self._backend
            email.send()
            return []
        encoding = email.encoding or settings.DEFAULT_CHARSET
        recipients = [str(sanitize_address(address, encoding)) for address in email.recipients()]
        refused = server.sendmail(
            str(sanitize_address(email.from_email, encoding)),
            recipients,
            composed.content,
        )
        return [(address, _reply_text(*reply)) for address, reply in refused.items()]

    def _give_back(self, code: int, reused: bool) -> None:
        """421 says good-bye (RFC 5321, 3.8): of a kept line that is no answer to this message."""
        if code == 421:
            self.close()
            if reused and not self._begun:
                raise _Cut

    def _watch(self, server: smtplib.SMTP) -> None:
        """Know whether the text of a message was begun to be handed over, and wait long enough for its answer."""
        hand = server.data

        def data(message: bytes | str) -> tuple[int, bytes]:
            self._begun = True
            if server.sock is not None:
                server.sock.settimeout(settings.MAIL_ANSWER_SECONDS)
            answer = hand(message)
            if server.sock is not None:
                server.sock.settimeout(settings.EMAIL_TIMEOUT)
            return answer

        server.data = data  # type: ignore[method-assign, assignment]


def send_email(message: OutgoingEmail) -> DeliveryOutcome:
    """Send one message over a line of its own."""
    with MailLine() as line:
        return line.send(message)


def unknown_outcome() -> DeliveryOutcome:
    """What is said of an attempt that nobody answered."""
    return DeliveryOutcome(
        OutcomeStatus.UNKNOWN,
        _("L’envoi a été interrompu sans réponse du serveur : vérifiez auprès du client avant de renvoyer."),
    )


def _away(told: str) -> DeliveryOutcome:
    return DeliveryOutcome(
        OutcomeStatus.RETRY,
        _("Le serveur de messagerie n’a pas répondu jusqu’au bout : %(error)s") % {"error": told},
    )


def _status(code: int) -> OutcomeStatus:
    """RFC 5321, 4.2.1: 4xx may pass later, 5xx will not. A code that is neither means a broken dialogue."""
    return OutcomeStatus.FAILED if 500 <= code <= 599 else OutcomeStatus.RETRY


def _reply_text(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {text}".strip().replace("\x00", "")
