"""The agenda's entries on credit insurance: deadlines that lapse, covers that end."""

from collections.abc import Callable, Iterable
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.agenda_entries import Entry, bounded
from core.models import User
from risk.cover import covers_ending, pressing_any


def _deadlines(user: User, today: date) -> Iterable[Entry]:
    """Items whose declaration or claim presses, before its deadline lapses and after."""
    if count := bounded(pressing_any(user, today, lapsed=False)):
        yield Entry(
            key="insurer_deadlines",
            count=count,
            title=ngettext("délai d’assurance-crédit proche", "délais d’assurance-crédit proches", count),
            reason=_("Passé ce délai, la garantie de l’assureur peut être perdue."),
            url=reverse("risk:insured-items"),
            action=_("Déclarer"),
            tone="late",
        )
    if count := bounded(pressing_any(user, today, lapsed=True)):
        yield Entry(
            key="insurer_deadlines_lapsed",
            count=count,
            title=ngettext("délai d’assurance-crédit dépassé", "délais d’assurance-crédit dépassés", count),
            reason=_("Déclarez quand même, et demandez à l’assureur sa position."),
            url=reverse("risk:insured-items"),
            action=_("Déclarer"),
            tone="blocked",
        )


def _ending(user: User, today: date) -> Iterable[Entry]:
    """Covers that end within a month."""
    if count := bounded(covers_ending(user, today)):
        yield Entry(
            key="covers_ending",
            count=count,
            title=ngettext("agrément bientôt expiré", "agréments bientôt expirés", count),
            reason=_("Demandez leur renouvellement : un agrément expiré ne couvre plus rien."),
            url=reverse("risk:cover-list"),
            action=_("Renouveler"),
            tone="watch",
        )


COVER_READS: tuple[tuple[str, Callable[[User, date], Iterable[Entry]]], ...] = (
    ("risk.manage_cover", _deadlines),
    ("risk.manage_cover", _ending),
)
