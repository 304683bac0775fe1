"""Why a file as a whole cannot be read."""

from typing import Any


class UnreadableFile(Exception):
    """The file is refused. `code` and `params` choose the message (see `invoices.import_messages`)."""

    def __init__(self, code: str, **params: Any) -> None:
        kept = {name: storable(value) for name, value in params.items()}
        super().__init__(code, kept)
        self.code = code
        self.params = kept


def storable(value: Any) -> Any:
    """What a message quotes from a file, as PostgreSQL keeps it: without NUL characters."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    return [storable(item) for item in value] if isinstance(value, list) else value
