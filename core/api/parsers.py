"""Reading bodies strictly."""

from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework import exceptions, parsers
from rest_framework.request import Request

from core.api.problems import LengthRequired, PayloadTooLarge, too_large


class StrictJSONParser(parsers.JSONParser):
    """JSON of a reasonable depth: a body nested a hundred thousand times is malformed, not an error of ours."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return super().parse(stream, media_type=media_type, parser_context=parser_context)
        except RecursionError as error:
            raise exceptions.ParseError("nested too deeply") from error


def check_size(request: Request, limit: int) -> None:
    """Raise PayloadTooLarge for a body announced larger than `limit` bytes, before any of it is kept.

    One that announces no length would be taken for an empty one: raises LengthRequired.
    """
    announced = request.META.get("CONTENT_LENGTH") or ""
    if not announced and request.META.get("HTTP_TRANSFER_ENCODING"):
        raise LengthRequired(_("Donnez la longueur de l’envoi dans l’en-tête Content-Length."))
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
        raise PayloadTooLarge(too_large())
