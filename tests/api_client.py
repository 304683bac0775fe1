"""A partner's program: a key, the address of the API, and its answers held to RFC 9457 when they are errors."""

import json
from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse
from django.test import Client

from core import clock
from core.api.authentication import hash_key, new_key
from core.models import ApiKey, User

ALL_SCOPES = (
    "customers:read",
    "customers:write",
    "invoices:read",
    "ageing:read",
    "credit-checks:read",
    "credit-checks:write",
    "orders:read",
    "orders:write",
    "exposures:read",
    "holds:read",
    "scores:read",
    "financial-statements:read",
    "financial-statements:write",
    "external-ratings:read",
    "external-ratings:write",
    "notices:read",
    "mail-events:write",
    "invoice-batches:read",
    "invoice-batches:write",
    "bank-statements:read",
    "bank-statements:write",
    "einvoice-statuses:read",
    "einvoice-statuses:write",
)


def make_key(user: User, scopes: Iterable[str] = ALL_SCOPES, **fields: Any) -> str:
    """A key of the user: what he is shown once."""
    secret = new_key()
    values = {
        "name": "Essai",
        "prefix": secret[:17],
        "secret_sha256": hash_key(secret),
        "scopes": list(scopes),
        "created_at": clock.now(),
    }
    ApiKey.objects.create(user=user, **values | fields)
    return secret


class Partner:
    """Calls the API with a key. Paths are those below /api/v1/."""

    def __init__(self, user: User, scopes: Iterable[str] = ALL_SCOPES, language: str = "fr") -> None:
        headers = {"Authorization": f"Bearer {make_key(user, scopes)}", "Accept-Language": language}
        self.client = Client(headers=headers, raise_request_exception=False)

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.client.get(f"/api/v1/{path}", headers=_named(headers))

    def put(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.client.put(f"/api/v1/{path}", _text(body), "application/json", headers=_named(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.client.post(f"/api/v1/{path}", _text(body), "application/json", headers=_named(headers))

    def upload(self, path: str, parts: dict[str, Any], **headers: str) -> HttpResponse:
        return self.client.post(f"/api/v1/{path}", parts, headers=_named(headers))


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _text(body: Any) -> Any:
    return body if isinstance(body, str | bytes) else json.dumps({} if body is None else body)


def problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """The problem of a refusal, checked for its form."""
    assert response.status_code == status, (response.status_code, response.content[:500])
    assert response["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert set(found) == {"type", "title", "status", "detail", "code", "errors", "request_id", "retryable"}
    assert found["status"] == status
    assert found["code"] == code, found
    assert found["type"] == f"urn:encours:problem:{code}"
    assert found["title"]
    assert found["detail"]
    assert found["request_id"] == response["X-Request-Id"]
    for error in found["errors"]:
        assert set(error) == {"pointer", "code", "message"}
        assert error["message"]
    return found


def everything(read: Any) -> list[dict[str, Any]]:
    """All rows of a list, page after page; `read` takes a cursor."""
    rows, cursor = [], ""
    for _page in range(100):
        answer = read(cursor).json()
        rows += answer["results"]
        cursor = answer["next_cursor"]
        if not cursor:
            return rows
    raise AssertionError("the list does not end")
