"""Errors that a person can act on. Their messages are shown as they are."""


class BusinessError(Exception):
    """An operation refuses, and says what to do.

    `code` is stable and machine-readable; `field` names the input at fault when there is one.
    """

    code = "business_error"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.field = field

    def __str__(self) -> str:
        return str(self.message)


class NotAllowed(BusinessError):
    """The actor's roles do not give this permission."""

    code = "not_allowed"


class WrongState(BusinessError):
    """The document is not in a state from which this step is possible."""

    code = "wrong_state"
