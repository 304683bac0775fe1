"""Arrêt des relances: the page that stops and lifts, and the banner while a stop stands."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core import clock
from core.errors import BusinessError
from core.rights import has_permission, permission_required
from customers.models import LegalEntity
from dunning.forms import StopForm
from dunning.models import DunningStop, Notice
from dunning.operations.stops import lift_stop, stop_dunning
from dunning.queues import stops_in_force
from dunning.views.places import tabs

LAST_STOPS = 20


@dataclass(frozen=True)
class Banner:
    """A message that stands above every page of a place until its cause is gone."""

    tone: str
    title: str
    text: str
    url: str
    url_label: str


def stop_banners(request: HttpRequest) -> list[Banner]:
    """One for each stop that touches what the person sees."""
    return [
        Banner(
            "blocked",
            _("Relances arrêtées : %(where)s") % {"where": stop.legal_entity or _("toutes les entités")},
            _("%(reason)s (%(who)s). Rien n’est validé, imprimé ni envoyé ; rien n’est perdu.")
            % {"reason": stop.reason, "who": stop.stopped_by or "Encours"},
            reverse("dunning:stop-list"),
            _("Voir l’arrêt"),
        )
        for stop in _visible_to(request)
    ]


def _visible_to(request: HttpRequest) -> list[DunningStop]:
    visible = LegalEntity.objects.visible_to(request.user)
    return list(stops_in_force().filter(Q(legal_entity=None) | Q(legal_entity__in=visible)))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("dunning.view")
def stop_list(request: HttpRequest) -> HttpResponse:
    """The stops in force and the last ones, and the form that stops."""
    may_stop = has_permission(request.user, "dunning.stop")
    form = StopForm(request.POST or None, user=request.user)
    if request.method == "POST" and not may_stop:
        raise PermissionDenied("dunning.stop")
    if request.method == "POST" and form.is_valid():
        try:
            stop_dunning(actor=request.user, now=clock.now(), **form.cleaned_data)
        except BusinessError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            return redirect("dunning:stop-list")
    visible = LegalEntity.objects.visible_to(request.user)
    past = (
        DunningStop.objects.exclude(lifted_at=None)
        .filter(Q(legal_entity=None) | Q(legal_entity__in=visible))
        .select_related("legal_entity", "stopped_by", "lifted_by")
        .order_by("-pk")[:LAST_STOPS]
    )
    waiting = Notice.objects.visible_to(request.user).filter(
        status__in=[Notice.Status.APPROVED, Notice.Status.RENDERED]
    )
    context = {
        "form": form,
        "stops": _visible_to(request),
        "past": past,
        "waiting": waiting.order_by()[:1000].count(),
        "may_stop": may_stop,
        "tabs": tabs(request, "stops"),
    }
    return render(request, "dunning/stop_list.html", context, status=400 if form.errors else 200)


@require_POST
@permission_required("dunning.stop")
def stop_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Let dunning go on."""
    try:
        lift_stop(actor=request.user, stop_id=pk, now=clock.now())
    except BusinessError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, _("Les relances reprennent : ce qui attendait part, après un dernier contrôle.")
        )
    return redirect("dunning:stop-list")
