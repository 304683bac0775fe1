"""E-mail addresses: their domain, and the address that answers to one notice come to. Pure."""

import hashlib
import hmac
from base64 import b32encode
from uuid import UUID

PLACE = "{dossier}"
_TOKEN_LENGTH = 16


def domain_of(address: str) -> str:
    """The domain of an address in lower case; empty when it has none."""
    return address.rpartition("@")[2].strip().lower() if "@" in address else ""


def reply_token(uid: UUID, *, secret: str) -> str:
    """A short word that names a notice: always the same, and 80 bits nobody can guess."""
    digest = hmac.new(secret.encode(), b"dunning.reply:" + uid.bytes, hashlib.sha256).digest()
    return b32encode(digest).decode()[:_TOKEN_LENGTH].lower()


def reply_address(pattern: str, uid: UUID, *, secret: str) -> str:
    """The address of a notice after the entity's pattern; the pattern itself when it has no place for the token."""
    return pattern.replace(PLACE, reply_token(uid, secret=secret))


def same_address(address: str) -> str:
    """The form under which an address is compared and suppressed. No mail system in use tells case apart."""
    return address.strip().lower()
