"""A body of JSON lines."""

from invoices.api.uploads import RawFileParser


class JsonLinesParser(RawFileParser):
    media_type = "application/jsonl"
    file_name = "pieces.jsonl"


class NdjsonParser(JsonLinesParser):
    media_type = "application/x-ndjson"
