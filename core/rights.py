"""Who may do what: each app's `access.py` says which roles hold a permission; this module asks them.

Scope (which legal entities and customers somebody sees) is the managers' `visible_to()`, not this.
"""

from collections.abc import Callable
from functools import cache, wraps
from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import module_has_submodule

from core.models import Role, User


class SystemActor:
    """The house itself: scheduled jobs and commands run by whoever holds the machine."""

    pk = None
    full_name = "Encours"

    def __str__(self) -> str:
        return self.full_name


SYSTEM = SystemActor()
Actor = User | SystemActor


@cache
def permission_table() -> dict[str, frozenset[Role]]:
    """Every permission of the house and the roles that hold it."""
    table: dict[str, frozenset[Role]] = {}
    for config in apps.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, "access"):
            table.update(getattr(import_module(f"{config.name}.access"), "PERMISSIONS", {}))
    return table


def roles_of(user: User) -> frozenset[str]:
    """The roles of a user; read once per object."""
    cached: frozenset[str] | None = getattr(user, "_roles", None)
    if cached is None:
        cached = frozenset(user.grants.values_list("role", flat=True))
        user._roles = cached  # type: ignore[attr-defined]
    return cached


def has_permission(actor: "Actor | AnonymousUser", permission: str) -> bool:
    """Whether a role of the actor holds the permission. Raises KeyError for a name that no floor declares."""
    holders = permission_table()[permission]
    if isinstance(actor, SystemActor):
        return True
    if not isinstance(actor, User) or not actor.is_active:
        return False
    return not holders.isdisjoint(roles_of(actor))


def signed_in(request: HttpRequest) -> User:
    """The person behind a request that `permission_required` let through."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _record_refusal(user: User, permission: str, path: str) -> None:
    """A door that stayed shut leaves its audit row, as a refused operation does."""
    from core import audit  # the audit trail names its actors with this module's types

    audit.record(actor=user, verb="core.page.refused", refs=[], permission=permission, path=path[:200])


def permission_required(
    permission: str, *, people_only: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A page for signed-in people who hold `permission`; others are refused with 403.

    A partner system holds permissions for its API; pages are for people, unless `people_only` is false.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            for wanted in ("core.use_site", permission) if people_only else (permission,):
                if not has_permission(request.user, wanted):
                    _record_refusal(signed_in(request), wanted, request.path)
                    raise PermissionDenied(wanted)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return login_required(guarded)

    return decorate
