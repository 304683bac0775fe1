"""What a printer's answer changes of a letter: told early, late, twice or wrongly. Pure.

Each line is the state of a letter as the printer knows it; an empty value says nothing. Facts only add up: one that
was told stays, and a line that contradicts it changes nothing and is shown to a person.
"""

from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from django.utils.translation import gettext as _

from dunning.post.answers import Answer

STARTED, HANDED, DELIVERED, RETURNED, FAILED = "STARTED", "HANDED", "DELIVERED", "RETURNED", "FAILED"


@dataclass(frozen=True)
class LetterState:
    """What is known of a letter in the post. `given_on` is the day the printer received it."""

    status: str
    given_on: date
    tracking_number: str = ""
    posted_on: date | None = None
    first_presented_on: date | None = None
    delivered_on: date | None = None
    returned_on: date | None = None
    return_reason: str = ""

    @property
    def sent_on(self) -> date | None:
        """The day of the proven sending: the posting, else the first day that proves that it had left."""
        if self.status == FAILED:
            return None
        proofs = (self.first_presented_on, self.delivered_on, self.returned_on)
        return self.posted_on or min((day for day in proofs if day is not None), default=None)


class Contradiction(ValueError):
    """The answer does not go with what is known, or with itself; the message says how."""


def merged(known: LetterState, answer: Answer, today: date) -> LetterState:
    """The letter's state after the answer; the same when it says nothing new. Raises Contradiction."""
    if answer.status == "REFUSED":
        return _refused(known, answer)
    if known.status == FAILED:
        raise Contradiction(_("ce courrier a été refusé : il ne peut plus être déposé ni distribué"))
    told = replace(
        known,
        tracking_number=_one(known.tracking_number, answer.tracking_number, _("numéro de suivi")),
        posted_on=_one_day(known.posted_on, answer.posted_on, _("déposé")),
        first_presented_on=_one_day(known.first_presented_on, answer.first_presented_on, _("présenté")),
        delivered_on=_one_day(known.delivered_on, answer.delivered_on, _("distribué")),
        returned_on=_one_day(known.returned_on, answer.returned_on, _("revenu")),
        return_reason=_one(known.return_reason, answer.return_reason, _("motif du retour")),
    )
    _check_days(told, today)
    return replace(told, status=_status(told))


def _refused(known: LetterState, answer: Answer) -> LetterState:
    days = (answer.posted_on, answer.first_presented_on, answer.delivered_on, answer.returned_on)
    if any(days):
        raise Contradiction(_("refusé et pourtant déposé, présenté ou distribué"))
    if known.status not in (STARTED, FAILED):
        raise Contradiction(_("refusé alors qu’il est déjà déposé"))
    return replace(known, status=FAILED)


def _status(letter: LetterState) -> str:
    if letter.returned_on is not None:
        return RETURNED
    if letter.delivered_on is not None:
        return DELIVERED
    return STARTED if letter.sent_on is None else HANDED


def _one(known: str, told: str, name: str) -> str:
    if known and told and known != told:
        raise Contradiction(
            _("%(name)s : %(told)s, mais %(known)s a déjà été annoncé")
            % {"name": name, "told": told, "known": known}
        )
    return known or told


def _one_day(known: date | None, told: date | None, name: str) -> date | None:
    if known is not None and told is not None and known != told:
        raise Contradiction(
            _("%(name)s le %(told)s, mais le %(known)s a déjà été annoncé")
            % {"name": name, "told": f"{told:%d/%m/%Y}", "known": f"{known:%d/%m/%Y}"}
        )
    return known or told


def _check_days(letter: LetterState, today: date) -> None:
    named = (
        (_("déposé"), letter.posted_on),
        (_("présenté"), letter.first_presented_on),
        (_("distribué"), letter.delivered_on),
        (_("revenu"), letter.returned_on),
    )
    steps = [(name, day) for name, day in named if day is not None]
    for name, day in steps:
        if day > today:
            raise Contradiction(
                _("%(name)s le %(day)s, qui est à venir") % {"name": name, "day": f"{day:%d/%m/%Y}"}
            )
        if day < letter.given_on:
            raise Contradiction(
                _("%(name)s le %(day)s, avant d’être remis au prestataire le %(given)s")
                % {"name": name, "day": f"{day:%d/%m/%Y}", "given": f"{letter.given_on:%d/%m/%Y}"}
            )
    for (before, first), (after, second) in pairwise(steps):
        if second < first:
            raise Contradiction(
                _("%(after)s le %(second)s, avant d’être %(before)s le %(first)s")
                % {
                    "after": after,
                    "second": f"{second:%d/%m/%Y}",
                    "before": before,
                    "first": f"{first:%d/%m/%Y}",
                }
            )
    if letter.delivered_on is not None and (letter.returned_on is not None or letter.return_reason):
        raise Contradiction(_("distribué et revenu à la fois"))
    if (letter.returned_on is None) != (not letter.return_reason):
        raise Contradiction(_("un retour a une date et un motif ; l’un des deux manque"))
