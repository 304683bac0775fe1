"""Sending stored files to browsers. There is no address of files in general: each page that owns a kind of file
checks the person's right and scope, then answers with `file_response`."""

from django.http import FileResponse

from core.files import open_file
from core.models import StoredFile

# What a browser may show in place; everything else is saved. Nothing in a file may run or load anything.
SHOWN_IN_PLACE = {"application/pdf", "image/png", "image/jpeg"}
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


def file_response(stored: StoredFile, *, in_place: bool = False) -> FileResponse:
    """The file, to be saved, or shown in place when asked and its type allows. The caller has checked the right."""
    shown = in_place and stored.content_type in SHOWN_IN_PLACE
    response = FileResponse(
        open_file(stored),
        as_attachment=not shown,
        filename=stored.name,
        content_type=stored.content_type,
    )
    response["Content-Length"] = str(stored.size)
    response["X-Content-Type-Options"] = "nosniff"
    # Chromium's own PDF viewer does not start inside a sandbox; the PDF cannot script our pages without it.
    policy = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    response["Content-Security-Policy"] = policy if shown else SANDBOX
    response["Cache-Control"] = "private, no-store"
    return response
