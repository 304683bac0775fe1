"""The agenda's entries on scores: a person has asked for a person (GDPR art. 12(3): an answer within one month)."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.agenda_entries import Entry, bounded
from core.models import User
from customers.models import Customer
from risk.models import ScoreObjection

# Two thirds of the month have gone.
PRESSING_DAYS = 20


def _objections(user: User, today: date) -> Iterable[Entry]:
    waiting = ScoreObjection.objects.filter(
        status=ScoreObjection.Status.OPEN, customer__in=Customer.objects.visible_to(user).order_by()
    )
    if count := bounded(waiting):
        oldest = waiting.order_by("contested_on", "pk").values_list("pk", "contested_on")[0]
        yield Entry(
            key="score_objections",
            count=count,
            title=ngettext("score contesté", "scores contestés", count),
            reason=_(
                "Une personne doit examiner la demande et y répondre dans le mois (RGPD, art. 12 et 22)."
            ),
            url=reverse("risk:objection-review", args=[oldest[0]]),
            action=_("Répondre"),
            tone="late" if oldest[1] <= today - timedelta(days=PRESSING_DAYS) else "watch",
        )


SCORE_READS: tuple[tuple[str, Callable[[User, date], Iterable[Entry]]], ...] = (
    ("risk.review_objection", _objections),
)
