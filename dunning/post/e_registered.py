"""The provider of electronic registered letters, over HTTP; docs/formats/e-registered.md is the contract.

A deposit carries its intention as a key: asked again with the same key, the provider answers with the same letter.
"""

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.timezone import get_current_timezone, is_aware
from django.utils.translation import gettext as _

TIMEOUT = 20  # seconds
_MOST_BYTES = 1024 * 1024
_MOST_PROOF_BYTES = 10 * 1024 * 1024
_STATUSES = ("deposited", "presented", "accepted", "refused", "ignored", "undeliverable")
_LOCAL = ("127.0.0.1", "::1", "localhost")


class ProviderAway(Exception):
    """The provider cannot be reached or does not answer as agreed: try again later."""


class DepositRefused(Exception):
    """The provider does not take this letter, for the reason given."""


@dataclass(frozen=True)
class EreLetter:
    """What is deposited. `key` is the intention: one letter a key, for ever."""

    key: str
    reference: str
    recipient_email: str
    recipient_name: str
    sender_name: str
    subject: str
    document: bytes
    sha256: str


@dataclass(frozen=True)
class EreState:
    """What the provider says of a letter. Days are those of the installation's time zone."""

    provider_id: str
    status: str
    tracking_number: str = ""
    deposited_on: date | None = None
    presented_on: date | None = None
    closed_on: date | None = None
    has_proof: bool = False


def e_registered_is_configured() -> bool:
    """Whether a provider is named, and its address may carry letters: HTTPS, or this machine."""
    url = urlsplit(settings.ERE_URL)
    return bool(settings.ERE_TOKEN) and (
        url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOCAL)
    )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Neither the letter nor the token goes where the contract does not say."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def deposit(letter: EreLetter) -> EreState:
    """Deposit a letter. Raises DepositRefused, or ProviderAway."""
    body = {
        "reference": letter.reference,
        "recipient": {"email": letter.recipient_email, "name": letter.recipient_name, "professional": True},
        "sender": {"name": letter.sender_name},
        "subject": letter.subject,
        "document": {
            "name": f"{letter.reference}.pdf",
            "sha256": letter.sha256,
            "content": base64.b64encode(letter.document).decode(),
        },
    }
    return _state(_asked("POST", "letters", body=body, headers={"Idempotency-Key": letter.key}))


def found_by_key(key: str) -> EreState | None:
    """The letter deposited under a key, None when there is none. Raises ProviderAway."""
    answer = _asked("GET", f"letters?key={quote(key, safe='')}", may_be_missing=True)
    return None if answer is None else _state(answer)


def state_of(provider_id: str) -> EreState:
    """What became of a letter. Raises ProviderAway."""
    return _state(_asked("GET", f"letters/{quote(provider_id, safe='')}"))


def proof_of(provider_id: str) -> bytes:
    """The provider's proof, a PDF. Raises ProviderAway."""
    content = _fetched("GET", f"letters/{quote(provider_id, safe='')}/proof", most=_MOST_PROOF_BYTES)
    if content is None or not content.startswith(b"%PDF-"):
        raise ProviderAway(_("la preuve reçue n’est pas un PDF"))
    return content


def _asked(method: str, path: str, *, may_be_missing: bool = False, **fields: Any) -> dict[str, Any] | None:
    content = _fetched(method, path, may_be_missing=may_be_missing, **fields)
    if content is None:
        return None
    try:
        answer = json.loads(content)
    except ValueError as error:
        raise ProviderAway(_("la réponse n’est pas du JSON")) from error
    if not isinstance(answer, dict):
        raise ProviderAway(_("la réponse n’est pas celle du contrat"))
    return answer


def _fetched(
    method: str,
    path: str,
    *,
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    may_be_missing: bool = False,
    most: int = _MOST_BYTES,
) -> bytes | None:
    request = urllib.request.Request(
        f"{settings.ERE_URL.rstrip('/')}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {settings.ERE_TOKEN}",
            "Content-Type": "application/json",
            "Accept": "application/json, application/pdf",
            **(headers or {}),
        },
    )
    try:
        with _OPENER.open(request, timeout=TIMEOUT) as response:
            content: bytes = response.read(most + 1)
    except urllib.error.HTTPError as error:
        if error.code == 404 and may_be_missing:
            return None
        if error.code in (400, 409, 410, 413, 415, 422) and method == "POST":
            raise DepositRefused(_reason(error)) from error
        raise ProviderAway(_("le prestataire répond %(code)s") % {"code": error.code}) from error
    except (OSError, ValueError) as error:
        raise ProviderAway(
            _("le prestataire ne répond pas (%(error)s)") % {"error": type(error).__name__}
        ) from error
    if len(content) > most:
        raise ProviderAway(_("la réponse est trop longue"))
    return content


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        answer = json.loads(error.read(_MOST_BYTES))
        said = str(answer["message"])[:300]
    except (ValueError, KeyError, TypeError, OSError):
        said = ""
    return said or _("le prestataire refuse ce courrier (%(code)s)") % {"code": error.code}


def _state(answer: dict[str, Any] | None) -> EreState:
    values = answer or {}
    identifier, status = values.get("id"), values.get("status")
    if not isinstance(identifier, str) or not 0 < len(identifier) <= 150 or status not in _STATUSES:
        raise ProviderAway(_("la réponse n’est pas celle du contrat"))
    return EreState(
        provider_id=identifier,
        status=str(status),
        tracking_number=str(values.get("tracking_number") or "")[:40],
        deposited_on=_day(values.get("deposited_at")),
        presented_on=_day(values.get("presented_at")),
        closed_on=_day(values.get(f"{status}_at")),
        has_proof=bool(values.get("proof")),
    )


def _day(value: object) -> date | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ProviderAway(_("une date de la réponse est illisible")) from error
    return moment.astimezone(get_current_timezone()).date() if is_aware(moment) else moment.date()
