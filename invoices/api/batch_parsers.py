"""A body that is the file itself."""

from collections.abc import Mapping
from typing import IO, Any

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.utils.datastructures import MultiValueDict
from rest_framework.parsers import BaseParser, DataAndFiles

from core.api.problems import LengthRequired
from invoices.readers.limits import MIB


class JsonLinesUpload(TemporaryUploadedFile):
    """A body of JSON lines, kept on disk."""

    def __init__(self, size: int) -> None:
        super().__init__("pieces.jsonl", "application/jsonl", size, None)


class JsonLinesParser(BaseParser):
    """The body is the file; the fields that would stand beside it stand in the address."""

    media_type = "application/jsonl"

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
        upload = JsonLinesUpload(left)
        while left > 0 and (chunk := stream.read(min(left, MIB))):
            upload.write(chunk)
            left -= len(chunk)
        upload.size = upload.tell()
        upload.seek(0)
        return DataAndFiles(request._request.GET.copy(), MultiValueDict({"file": [upload]}))


class NdjsonParser(JsonLinesParser):
    media_type = "application/x-ndjson"
