"""Bearer API keys."""

import hashlib
import secrets

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from core.models import ApiKey, User

# Writing the last use at most once a minute keeps a busy partner from updating one row all the time.
LAST_USE_GRAIN_SECONDS = 60


def hash_key(key: str) -> str:
    """What is kept of a key: 256 random bits need no salt nor a slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_key() -> str:
    """A fresh key, shown once."""
    return f"enc_live_{secrets.token_urlsafe(32)}"


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer enc_live_…`; the request acts as the key's user."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2:
            raise exceptions.AuthenticationFailed(_("En-tête « Authorization: Bearer <clé> » attendu."))
        try:
            secret = parts[1].decode("ascii")
        except UnicodeDecodeError as error:
            raise exceptions.AuthenticationFailed(_("Clé d’API inconnue, expirée ou révoquée.")) from error
        now = timezone.now()
        key = (
            ApiKey.objects.select_related("user")
            .filter(secret_sha256=hash_key(secret), revoked_at__isnull=True, user__is_active=True)
            .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))
            .first()
        )
        if key is None:
            raise exceptions.AuthenticationFailed(_("Clé d’API inconnue, expirée ou révoquée."))
        if key.last_used_at is None or (now - key.last_used_at).total_seconds() > LAST_USE_GRAIN_SECONDS:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
