"""The tabs that the pages of Relances share, with what waits under each."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from dunning.models import Case, Level, Notice


def tabs(request: HttpRequest, active: str) -> list[dict[str, object]]:
    """Counts are of what waits for a person; they stop at 1,000 so that no list is counted to its end."""
    notices = Notice.objects.visible_to(request.user)
    waiting = reverse("dunning:notice-list")
    places = (
        ("runs", _("Campagnes"), reverse("dunning:run-list"), None),
        (
            "proposed",
            _("À valider"),
            f"{waiting}?status=PROPOSED",
            notices.filter(status=Notice.Status.PROPOSED),
        ),
        (
            "to-post",
            _("À poster"),
            f"{waiting}?status=RENDERED&channel=LETTER&channel=REGISTERED",
            notices.filter(
                status=Notice.Status.RENDERED,
                level__channel__in=[Level.Channel.LETTER, Level.Channel.REGISTERED],
            ),
        ),
        ("failed", _("Échecs"), f"{waiting}?status=FAILED", notices.filter(status=Notice.Status.FAILED)),
        ("all", _("Toutes les relances"), waiting, None),
        (
            "cases",
            _("Dossiers"),
            reverse("dunning:case-list"),
            Case.objects.visible_to(request.user).filter(status=Case.Status.READY),
        ),
        ("policies", _("Scénarios"), reverse("dunning:policy-list"), None),
    )
    return [
        {
            "label": label,
            "url": url,
            "active": key == active,
            "count": None if rows is None else rows.order_by()[:1000].count(),
        }
        for key, label, url, rows in places
    ]
