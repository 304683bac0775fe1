"""Changing the words of one letter before it leaves; its amounts are those of the notice, whatever it says."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError, WrongState
from core.legal import register
from core.operation import operation
from core.rights import Actor
from dunning.letter_context import LetterFacts, letter_context
from dunning.letter_texts import choose_texts
from dunning.letters.lint import Finding, has_errors, lint
from dunning.models import Notice

# Before its letter is printed.
EDITABLE = (Notice.Status.PROPOSED, Notice.Status.APPROVED)


class LetterTextRefused(BusinessError):
    """The words have faults; `findings` says which, where."""

    code = "letter_text_refused"

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__(_("Le texte a des erreurs : corrigez-les avant d’enregistrer."))


@operation("dunning.approve")
def edit_letter(
    *, actor: Actor, notice_id: int, subject: str, body: str, today: date, now: datetime
) -> Notice:
    """Give one notice its own words. The words of its template give it back those. Raises LetterTextRefused."""
    notice = _locked(actor, notice_id)
    facts = LetterFacts(register())
    before = (notice.edited_subject, notice.edited_body)
    notice.edited_subject = notice.edited_body = ""
    texts = choose_texts(notice, facts.templates).texts
    if (subject, body) != (texts.subject, texts.body):
        notice.edited_subject, notice.edited_body = subject, body
        context = letter_context(notice, facts=facts, today=today)
        assert context.template is not None
        findings = lint(context.template, samples=[context])
        if has_errors(findings):
            raise LetterTextRefused(findings)
    notice.edited_by_id = actor.pk if notice.edited_body else None
    notice.save(update_fields=["edited_subject", "edited_body", "edited_by"])
    audit.record(
        actor=actor,
        verb="dunning.letter.edited" if notice.edited_body else "dunning.letter.restored",
        refs=[notice, f"customer:{notice.customer_id}"],
        now=now,
        before={"subject": before[0], "body": before[1]},
        after={"subject": notice.edited_subject, "body": notice.edited_body},
    )
    return notice


def _locked(actor: Actor, notice_id: int) -> Notice:
    notice = (
        Notice.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("legal_entity__logo", "customer", "level")
        .filter(pk=notice_id)
        .first()
    )
    if notice is None:
        raise BusinessError(_("Cette relance n’existe pas."), code="not_found")
    if notice.status not in EDITABLE or notice.level.channel in notice.level.WITHOUT_LETTER:
        raise WrongState(
            _("Le courrier de cette relance ne se modifie plus : il est produit, ou la relance est close.")
        )
    return notice
