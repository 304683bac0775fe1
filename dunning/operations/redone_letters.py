"""A letter that came back, done again: another document, to the address as it is now. The first stays as it was."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from dunning.models import Level, Notice, Run
from dunning.operations.notices import reject_notices
from dunning.operations.runs import request_run


class NothingToRedo(BusinessError):
    """The notice is no letter on paper that failed, or the address on it is still the customer's."""

    code = "nothing_to_redo"


def printed_address(notice: Notice) -> tuple[str, ...]:
    """The address that the letter was made with; empty without a letter."""
    letter = getattr(notice, "letter", None)
    return tuple(letter.context["debtor"]["address_lines"]) if letter else ()


def address_has_changed(notice: Notice) -> bool:
    """Whether the customer's address is another than the letter's."""
    printed = printed_address(notice)
    return bool(printed) and printed != tuple(notice.customer.address_lines.splitlines())


@operation("dunning.approve")
def redo_letter(*, actor: Actor, notice_id: int, today: date, now: datetime) -> Run:
    """Set a failed letter aside and ask for a run of today: its step is proposed anew, with today's amounts.

    Raises NothingToRedo.
    """
    notice = (
        Notice.objects.visible_to(actor)
        .filter(pk=notice_id, status=Notice.Status.FAILED, level__channel__in=Level.POSTED)
        .select_related("customer", "legal_entity", "letter")
        .select_for_update(of=("self",))
        .first()
    )
    if notice is None:
        raise NothingToRedo(_("Ce courrier n’est pas en échec\u00a0: rechargez la page."))
    if not address_has_changed(notice):
        raise NothingToRedo(
            _("L’adresse du client est encore celle du courrier\u00a0: corrigez-la d’abord sur sa fiche.")
        )
    reject_notices(
        actor=actor, notice_ids=[notice.pk], reason=_("courrier refait à l’adresse corrigée"), now=now
    )
    return request_run(actor=actor, legal_entity=notice.legal_entity, as_of=today, now=now)
