"""Bearer keys of partner systems: created, shown once, revoked."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError, WrongState
from core.models import ApiKey, Grant, Role, User
from core.operation import operation
from core.rights import Actor

ACTIONS = ("read", "write")
# How much of a key stays readable, to recognise it in a list: its kind and eight characters.
PREFIX_LENGTH = 17


class ApiKeyRefused(BusinessError):
    """The key cannot be made so; `field` names the input at fault."""

    code = "api_key_refused"


@dataclass(frozen=True)
class NewKey:
    """A key just made. `secret` is known here only: the database keeps its SHA-256."""

    key: ApiKey
    secret: str


@operation("core.manage_api_keys")
def create_api_key(
    *,
    actor: Actor,
    user_id: int,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None,
    now: datetime,
) -> NewKey:
    """Make a key that acts as the user, within `scopes` (`resource:read`, `resource:write`).

    Raises ApiKeyRefused: user who is no active API partner, no scope, name of another live key, past expiry.
    """
    user = User.objects.select_for_update(of=("self",)).filter(pk=user_id, is_active=True).first()
    if user is None or not Grant.objects.filter(user=user, role=Role.API_PARTNER).exists():
        raise ApiKeyRefused(
            _("Choisissez un utilisateur actif qui a le rôle « Partenaire API »."), field="user"
        )
    name = " ".join(name.split())
    if not name or len(name) > 80:
        raise ApiKeyRefused(_("Donnez un nom à cette clé, 80 caractères au plus."), field="name")
    wanted = sorted(set(scopes))
    if not wanted or any(not _is_scope(scope) for scope in wanted):
        raise ApiKeyRefused(_("Choisissez au moins un droit pour cette clé."), field="scopes")
    if expires_at is not None and expires_at <= now:
        raise ApiKeyRefused(_("Cette date d’expiration est passée."), field="expires_on")
    if ApiKey.objects.filter(user=user, name=name, revoked_at__isnull=True).exists():
        raise ApiKeyRefused(
            _(
                "Une clé en service porte déjà ce nom. Pour la remplacer, créez la nouvelle sous un autre nom."
            ),
            code="name_taken",
            field="name",
        )
    secret = f"enc_live_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        user=user,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        secret_sha256=hashlib.sha256(secret.encode()).hexdigest(),
        scopes=wanted,
        created_at=now,
        expires_at=expires_at,
    )
    audit.record(
        actor=actor,
        verb="core.api_key.created",
        refs=[key, user],
        now=now,
        name=name,
        prefix=key.prefix,
        scopes=wanted,
        expires_at=expires_at.isoformat() if expires_at else None,
    )
    return NewKey(key, secret)


@operation("core.manage_api_keys")
def revoke_api_key(*, actor: Actor, key_id: int, now: datetime) -> ApiKey:
    """Stop a key at once and for good. Raises WrongState when it is stopped already, ApiKeyRefused if unknown."""
    key = ApiKey.objects.select_for_update(of=("self",)).filter(pk=key_id).first()
    if key is None:
        raise ApiKeyRefused(_("Cette clé n’existe pas."), code="api_key_unknown")
    if key.revoked_at is not None:
        raise WrongState(_("Cette clé est déjà révoquée."))
    key.revoked_at = now
    key.save(update_fields=["revoked_at"])
    audit.record(
        actor=actor, verb="core.api_key.revoked", refs=[key, f"user:{key.user_id}"], now=now, name=key.name
    )
    return key


def _is_scope(scope: str) -> bool:
    resource, _colon, action = scope.partition(":")
    return bool(resource) and len(scope) <= 40 and action in ACTIONS
