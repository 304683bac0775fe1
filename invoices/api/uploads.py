"""What the addresses that take files share: their parameters, their limit, and a body that is the file itself."""

from collections.abc import Mapping
from typing import IO, Any, ClassVar

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.parsers import BaseParser, DataAndFiles
from rest_framework.request import Request

from core.api.parsers import check_size
from core.api.problems import FieldError, LengthRequired, PayloadTooLarge
from core.api.views import ListView
from invoices.large_bodies import drain, largest_body
from invoices.operations.imports import too_large_message
from invoices.readers.limits import MIB

ID = OpenApiParameter(
    "id", OpenApiTypes.UUID, OpenApiParameter.PATH, description=lazy("L’identifiant rendu au dépôt.")
)


def location(description: "str | Promise") -> OpenApiParameter:
    """The header of a 202: where the work goes on."""
    return OpenApiParameter(
        "Location", OpenApiTypes.URI, OpenApiParameter.HEADER, response=["202"], description=description
    )


def file_too_large(message: str) -> PayloadTooLarge:
    """The answer to a file over the limit."""
    return PayloadTooLarge(
        message, code="file_too_large", errors=[FieldError("#/file", "file_too_large", message)]
    )


class UploadView(ListView):
    """A list that takes files, as large as an import may be."""

    def check_body_size(self, request: Request) -> None:
        try:
            check_size(request, largest_body())
        except PayloadTooLarge:
            size = int(request.META["CONTENT_LENGTH"][:20])
            drain(request._request, size)
            raise file_too_large(too_large_message(size)) from None


class RawFile(TemporaryUploadedFile):
    """A body that is the file itself, kept on disk."""


class RawFileParser(BaseParser):
    """The body is the file; the fields that would stand beside it stand in the address.

    `fields` are those of the address that are read (None: all of them), `file_name` what the file is called unless
    the address has a `name` that the fields allow.
    """

    file_name: ClassVar[str]
    fields: ClassVar[tuple[str, ...] | None] = None

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles:
        assert parser_context is not None
        request = parser_context["request"]
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if not (announced.isascii() and announced.isdigit()):
            raise LengthRequired
        left = int(announced)
        upload = RawFile(self.file_name, self.media_type, left, None)
        while left > 0 and (chunk := stream.read(min(left, MIB))):
            upload.write(chunk)
            left -= len(chunk)
        upload.size = upload.tell()
        upload.seek(0)
        data = request._request.GET.copy()
        if self.fields is not None:
            for name in [name for name in data if name not in self.fields]:
                del data[name]
            upload.name = data.pop("name", [""])[-1] or self.file_name
        return DataAndFiles(data, MultiValueDict({"file": [upload]}))
