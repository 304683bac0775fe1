"""Keeping the letter of a decision: written once, never again."""

from datetime import datetime

from django.utils.translation import gettext as _

from core import audit
from core.errors import WrongState
from core.files import store_file
from core.models import StoredFile
from core.operation import operation
from core.rights import Actor
from risk.limit_letters import letter_reference
from risk.models import LimitRequest
from risk.operations.limit_requests import locked_request


@operation("risk.decide_limit")
def keep_letter(*, actor: Actor, request_id: int, pdf: bytes, now: datetime) -> StoredFile:
    """Keep the PDF of the decision with its request; the first one stays. Raises WrongState before the decision."""
    request = locked_request(actor, request_id)
    if request.status not in (LimitRequest.Status.APPROVED, LimitRequest.Status.REFUSED):
        raise WrongState(_("Un courrier de décision s’établit une fois la demande approuvée ou refusée."))
    if request.letter is not None:
        return request.letter
    request.letter = store_file(
        content=pdf,
        name=f"{letter_reference(request)}.pdf",
        kind="risk.limit_letter",
        content_type="application/pdf",
        now=now,
    )
    request.save(update_fields=["letter"])
    audit.record(
        actor=actor,
        verb="risk.limit_request.letter_written",
        refs=[request, request.customer],
        now=now,
        sha256=request.letter.sha256,
    )
    return request.letter
