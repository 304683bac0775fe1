"""Bodies over the limit of an upload: refused before any of them is kept, and answered nevertheless."""

from django.conf import settings
from django.http import HttpRequest

from invoices.readers.limits import MIB

# The multipart frame and its other fields.
_FRAME = MIB
# So much of a body that is too large anyway is read and thrown away: a client that may not finish reads no answer.
_DRAINED = 512 * MIB


def largest_body() -> int:
    """How many bytes the body of an upload may have."""
    return settings.IMPORT_MAX_BYTES + _FRAME


def refused_size(request: HttpRequest) -> int:
    """The announced size of a body over the limit; 0 when it may be read."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    size = int(announced[:20]) if announced.isascii() and announced.isdigit() else 0
    return size if size > largest_body() else 0


def drain(request: HttpRequest, size: int) -> None:
    """Let the client finish sending what is not kept."""
    left = min(size, _DRAINED)
    while left > 0 and (chunk := request.read(min(left, MIB))):
        left -= len(chunk)
