"""Conditional requests: the ETag is of the representation itself, hence strong and never out of step."""

import hashlib
from typing import Any

from django.http import HttpRequest
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from core.api.problems import PreconditionFailed


def etag_of(data: Any) -> str:
    """The strong ETag of a representation."""
    return f'"{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32]}"'


def check_if_match(request: HttpRequest, current: str | None) -> None:
    """Raise PreconditionFailed unless the document, of ETag `current` or absent, is as the request expects it."""
    expected = parse_etags(request.headers.get("If-Match", ""))
    if expected and (current is None or (expected != ["*"] and current not in expected)):
        raise PreconditionFailed(
            _("Le document n’est plus celui que vous avez lu. Lisez-le de nouveau, puis recommencez."),
            headers={} if current is None else {"ETag": current},
        )
    refused = parse_etags(request.headers.get("If-None-Match", ""))
    if current is not None and refused and (refused == ["*"] or current in refused):
        raise PreconditionFailed(
            _("Ce document existe déjà."), code="already_exists", headers={"ETag": current}
        )


def is_known(request: HttpRequest, etag: str) -> bool:
    """Whether the reader has this version already."""
    known = [tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))]
    return etag in known or known == ["*"]


def document_response(request: HttpRequest, data: Any, *, status_code: int = status.HTTP_200_OK) -> Response:
    """One document with its ETag; 304 without a body when a reader has it already."""
    etag = etag_of(data)
    if request.method in ("GET", "HEAD") and is_known(request, etag):
        return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag})
    return Response(data, status=status_code, headers={"ETag": etag})
