"""Handing one e-mail with its files to the mail server, and saying what the server answered.

Knows no model: the attempt's row is written before the call and closed with the outcome after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from enum import StrEnum

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.utils.translation import gettext as _

MEGABYTE = 1_000_000
# Programs that answer by themselves shall not (RFC 3834, 5); the second one is what Exchange reads.
AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply"}


class OutcomeStatus(StrEnum):
    # The server took charge of the message.
    SENT = "SENT"
    # It never will be taken: wrong address, refused content. A person looks at it.
    FAILED = "FAILED"
    # It may pass later, unchanged: greylisting, mailbox full, connection cut before the message was handed.
    RETRY = "RETRY"
    # The line was cut after the message was handed: it may have left. Sending again by itself could send twice.
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What became of an attempt; `detail` is shown to people and kept as proof.

    `refused`: the addresses that the server would not write to, each with its answer; the others may have been served.
    """

    status: OutcomeStatus
    detail: str
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    content: bytes
    content_type: str = "application/pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingEmail:
    """One message to one customer.

    `message_id` names the intention and is the same at each attempt, so that a repeat can be recognised.
    `sender_address` is also the envelope's: bounces come back to it. Empty: the installation's.
    `copies` read the same message in copy; `blind_copy` is the house's own. `thread`: the Message-IDs of the earlier
    messages on the same subject, the oldest first.
    """

    message_id: str
    sender_name: str
    sender_address: str = ""
    reply_to: str
    recipient: str
    copies: tuple[str, ...] = ()
    blind_copy: str = ""
    subject: str
    text: str
    html: str
    attachments: Sequence[Attachment] = ()
    thread: tuple[str, ...] = ()


class MessageRefused(ValueError):
    """The message cannot be composed, or may not leave as it is; said so that a person can act."""


def message_id(key: str, sender_address: str = "") -> str:
    """Return the Message-ID of an intention, in the domain that it is sent from."""
    return f"<{key}@{(sender_address or default_sender()).rpartition('@')[2]}>"


def default_sender() -> str:
    """The address that letters are sent from when the creditor names none."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


@dataclass(frozen=True, slots=True)
class ComposedEmail:
    """A message ready to be handed over: its envelope, and its text as it crosses the line."""

    email: EmailMultiAlternatives
    content: bytes


def compose(message: OutgoingEmail) -> ComposedEmail:
    """Write a message, before any server is called. Raises MessageRefused."""
    sender = message.sender_address or default_sender()
    _check_addresses(message.recipient, *message.copies)
    if message.blind_copy and not _is_address(message.blind_copy):
        raise MessageRefused(
            _(
                "La copie cachée « %(address)s » n’est pas une adresse : corrigez les réglages de relance de l’entité."
            )
            % {"address": message.blind_copy}
        )
    try:
        headers = AUTOMATIC | {"Message-ID": message.message_id}
        if message.thread:
            headers |= {"In-Reply-To": message.thread[-1], "References": " ".join(message.thread)}
        email = EmailMultiAlternatives(
            subject=message.subject,
            body=message.text,
            from_email=str(Address(message.sender_name, addr_spec=sender)),
            to=[message.recipient],
            cc=list(message.copies),
            bcc=[message.blind_copy] if message.blind_copy else None,
            reply_to=[message.reply_to] if message.reply_to else None,
            headers=headers,
        )
        email.attach_alternative(message.html, "text/html")
        for attached in message.attachments:
            email.attach(attached.name, attached.content, attached.content_type)
        # Built before the server is called, so that a fault of the message cannot pass for one of the server.
        content = email.message().as_bytes(linesep="\r\n")
    except (ValueError, UnicodeError) as error:
        raise MessageRefused(
            _("Le message ne peut pas être composé pour « %(recipient)s » : %(error)s")
            % {"recipient": message.recipient, "error": error}
        ) from error
    if len(content) > settings.MAIL_MAX_BYTES:
        raise MessageRefused(
            _(
                "Le message pèse %(size)s Mo et la limite est de %(limit)s Mo : envoyez-le par courrier, "
                "ou ne joignez plus les copies de factures à ce niveau."
            )
            % {"size": -(-len(content) // MEGABYTE), "limit": settings.MAIL_MAX_BYTES // MEGABYTE}
        )
    return ComposedEmail(email, content)


def _check_addresses(*addresses: str) -> None:
    for address in addresses:
        if not _is_address(address):
            raise MessageRefused(
                _("« %(recipient)s » n’est pas une adresse e-mail : corrigez le contact du client.")
                % {"recipient": address}
            )


def _is_address(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return True
