"""Handing one e-mail with its PDF to the mail server, and saying what the server answered.

Knows no model: the attempt's row is written before the call and closed with the outcome after it.
"""

import smtplib
from contextlib import suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from enum import StrEnum

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email
from django.utils.translation import gettext as _


class OutcomeStatus(StrEnum):
    # The server took charge of the message.
    SENT = "SENT"
    # It never will be taken: wrong address, refused content. A person looks at it.
    FAILED = "FAILED"
    # It may pass later, unchanged: server away, mailbox full, connection cut before the message was handed.
    RETRY = "RETRY"
    # The line was cut after the message was handed: it may have left. Sending again by itself could send twice.
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What became of an attempt; `detail` is shown to people and kept as proof."""

    status: OutcomeStatus
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingEmail:
    """`key` names the intention: the same key gives the same Message-ID, so a repeat can be recognised."""

    key: str
    sender_name: str
    reply_to: str
    recipient: str
    subject: str
    text: str
    html: str
    attachment_name: str
    attachment: bytes


def message_id(key: str) -> str:
    """Return the Message-ID of an intention, in the domain that letters are sent from."""
    return f"<{key}@{_sender_address().rpartition('@')[2]}>"


def send_email(message: OutgoingEmail, *, connection: BaseEmailBackend | None = None) -> DeliveryOutcome:
    """Send one message through the configured mail backend. Never raises for what the server or network did."""
    try:
        validate_email(message.recipient)
        email = EmailMultiAlternatives(
            subject=message.subject,
            body=message.text,
            from_email=str(Address(message.sender_name, addr_spec=_sender_address())),
            to=[message.recipient],
            reply_to=[message.reply_to] if message.reply_to else None,
            headers={"Message-ID": message_id(message.key)},
            connection=connection or get_connection(),
        )
        email.attach_alternative(message.html, "text/html")
        email.attach(message.attachment_name, message.attachment, "application/pdf")
        # Built before the server is called, so that a fault of the message cannot pass for one of the server.
        email.message()
    except ValidationError:
        return DeliveryOutcome(
            OutcomeStatus.FAILED,
            _("« %(recipient)s » n’est pas une adresse e-mail : corrigez le contact du client.")
            % {"recipient": message.recipient},
        )
    except (ValueError, UnicodeError) as error:
        return DeliveryOutcome(
            OutcomeStatus.FAILED,
            _("Le message ne peut pas être composé pour « %(recipient)s » : %(error)s")
            % {"recipient": message.recipient, "error": error},
        )
    return _send(email, email.connection)


class _Handing:
    """Whether the text of a message was begun to be handed to the server."""

    begun = False

    def watch(self, connection: BaseEmailBackend) -> None:
        server = getattr(connection, "connection", None)
        if not isinstance(server, smtplib.SMTP):
            return
        hand = server.data

        def data(message: bytes | str) -> tuple[int, bytes]:
            self.begun = True
            return hand(message)

        server.data = data  # type: ignore[method-assign]


def _send(email: EmailMultiAlternatives, connection: BaseEmailBackend) -> DeliveryOutcome:
    handing = _Handing()
    try:
        connection.open()
        handing.watch(connection)
        try:
            accepted = email.send()
        finally:
            # The answer is known by now: a farewell that fails changes nothing in it.
            with suppress(smtplib.SMTPException, OSError):
                connection.close()
    except smtplib.SMTPRecipientsRefused as error:
        code, reply = next(iter(error.recipients.values()), (550, b""))
        return _from_reply(code, reply)
    except smtplib.SMTPAuthenticationError as error:
        # Our own account at the server is at fault, not this message.
        return DeliveryOutcome(OutcomeStatus.RETRY, _reply_text(error.smtp_code, error.smtp_error))
    except smtplib.SMTPResponseException as error:
        return _from_reply(error.smtp_code, error.smtp_error)
    except smtplib.SMTPNotSupportedError as error:
        return DeliveryOutcome(OutcomeStatus.FAILED, str(error))
    except (smtplib.SMTPException, OSError) as error:
        if handing.begun:
            return DeliveryOutcome(
                OutcomeStatus.UNKNOWN,
                _(
                    "L’envoi a été interrompu sans réponse du serveur : vérifiez auprès du client avant de renvoyer."
                ),
            )
        return DeliveryOutcome(
            OutcomeStatus.RETRY,
            _("Le serveur de messagerie n’a pas répondu jusqu’au bout : %(error)s")
            % {"error": str(error) or type(error).__name__},
        )
    if not accepted:
        return DeliveryOutcome(OutcomeStatus.FAILED, _("Le message n’a pas de destinataire."))
    return DeliveryOutcome(OutcomeStatus.SENT, _("Accepté par le serveur de messagerie."))


def _from_reply(code: int, reply: bytes | str) -> DeliveryOutcome:
    """RFC 5321, 4.2.1: 4xx may pass later, 5xx will not. A code that is neither means a broken dialogue."""
    status = OutcomeStatus.FAILED if 500 <= code <= 599 else OutcomeStatus.RETRY
    return DeliveryOutcome(status, _reply_text(code, reply))


def _reply_text(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {text}".strip()


def _sender_address() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
