"""Handing one text message to the gateway, and saying what it answered. The contract: docs/sms.md.

The gateway does a message once per `Idempotency-Key`: what it did not answer is asked again with the same key.
"""

import http.client
import json
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from dunning.delivery import DeliveryOutcome, OutcomeStatus

SECONDS = 15
_MOST_READ = 64 * 1024
# What may pass later: time-out, too early, too many.
_LATER = (408, 425, 429)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingText:
    """`key` names the intention, the same at each attempt; `to` is an E.164 number."""

    key: str
    to: str
    text: str
    reference: str


@dataclass(frozen=True, slots=True)
class TextSent:
    """What became of an attempt, and the gateway's own name of the message."""

    outcome: DeliveryOutcome
    gateway_id: str = ""


def sms_is_configured() -> bool:
    """Whether text messages can leave at all."""
    return bool(settings.SMS_GATEWAY_URL)


def send_text(message: OutgoingText) -> TextSent:
    """Send one message. Never raises for what the gateway or the network did."""
    if not sms_is_configured():
        return _told(OutcomeStatus.FAILED, _("Aucune passerelle SMS n’est réglée (SMS_GATEWAY_URL)."))
    body = {"to": message.to, "text": message.text, "reference": message.reference}
    if settings.SMS_SENDER:
        body["sender"] = settings.SMS_SENDER
    try:
        status, answer = _post(message.key, json.dumps(body).encode())
    except (OSError, http.client.HTTPException, ssl.SSLError) as error:
        return _told(
            OutcomeStatus.RETRY,
            _("La passerelle SMS n’a pas répondu : %(error)s")
            % {"error": str(error) or type(error).__name__},
        )
    if 200 <= status <= 299:
        return TextSent(
            DeliveryOutcome(OutcomeStatus.SENT, _("Accepté par la passerelle SMS.")),
            _field(answer, "id")[:200],
        )
    words = _field(answer, "detail") or " ".join(answer.split())
    told = f"{status} {words[:300]}".strip()
    later = status in _LATER or status >= 500
    return _told(OutcomeStatus.RETRY if later else OutcomeStatus.FAILED, told)


def _post(key: str, body: bytes) -> tuple[int, str]:
    """The gateway's status and the head of its answer. Redirections are not followed: they would carry the token away."""
    address = urlsplit(settings.SMS_GATEWAY_URL)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise OSError(_("SMS_GATEWAY_URL n’est pas une adresse http(s)."))
    line: http.client.HTTPConnection
    if address.scheme == "https":
        line = http.client.HTTPSConnection(
            address.hostname, address.port, timeout=SECONDS, context=ssl.create_default_context()
        )
    else:
        line = http.client.HTTPConnection(address.hostname, address.port, timeout=SECONDS)
    headers = {
        "Authorization": f"Bearer {settings.SMS_GATEWAY_TOKEN}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Idempotency-Key": key,
    }
    try:
        line.request(
            "POST", (address.path or "/") + (f"?{address.query}" if address.query else ""), body, headers
        )
        answer = line.getresponse()
        return answer.status, answer.read(_MOST_READ).decode("utf-8", "replace").replace("\x00", "")
    finally:
        line.close()


def _field(answer: str, name: str) -> str:
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    value = found.get(name) if isinstance(found, dict) else None
    return str(value) if isinstance(value, str | int) else ""


def _told(status: OutcomeStatus, detail: str) -> TextSent:
    return TextSent(DeliveryOutcome(status, detail))
