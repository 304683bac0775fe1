"""Why a file as a whole cannot be read."""

from typing import Any


class UnreadableFile(Exception):
    """The file is refused. `code` and `params` choose the message (see `invoices.import_messages`)."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params
