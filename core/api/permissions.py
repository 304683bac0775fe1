"""The API's doors: the same permission names as the operations'. Without one named, the door is shut."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from core.models import ApiKey
from core.rights import has_permission

if TYPE_CHECKING:
    # The framework's views load this module while they load themselves.
    from rest_framework.views import APIView


class HasPermission(BasePermission):
    """The view names `permissions`: {"read": "app.verb", "write": "app.verb"}; a key's scopes narrow it."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        action = "read" if request.method in SAFE_METHODS else "write"
        permission = getattr(view, "permissions", {}).get(action)
        if permission is None or not has_permission(request.user, permission):
            return False
        if isinstance(request.auth, ApiKey):
            resource = getattr(view, "scope", "")
            return f"{resource}:{action}" in request.auth.scopes
        return True


class SignedIn(BasePermission):
    """Anybody who has a role here: for what describes the API, which no scope of a key opens or closes."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return has_permission(request.user, "core.read_api_description")
