"""Réglages de relance of each entity."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import audit, clock
from core.audit_words import told
from core.errors import BusinessError
from core.rights import has_permission, permission_required
from customers.models import LegalEntity
from dunning.forms import DunningSettingsForm
from dunning.gate_waits import bank_ages
from dunning.models import DunningSettings
from dunning.operations.dunning_settings import change_dunning_settings, settings_of
from dunning.queues import stops_in_force
from dunning.views.places import tabs

EVENTS = 20


@require_GET
@permission_required("dunning.view")
def settings_list(request: HttpRequest) -> HttpResponse:
    """How each entity sends."""
    entities = list(LegalEntity.objects.visible_to(request.user).order_by("name"))
    held = {row.legal_entity_id: row for row in DunningSettings.objects.filter(legal_entity__in=entities)}
    ages = bank_ages([entity.pk for entity in entities], clock.today())
    stopped = {stop.legal_entity_id for stop in stops_in_force()}
    for entity in entities:
        entity.settings = held.get(entity.pk) or DunningSettings(legal_entity=entity)
        entity.bank_age = ages[entity.pk]
        entity.is_stopped = not stopped.isdisjoint({None, entity.pk})
    context = {
        "entities": entities,
        "may_configure": has_permission(request.user, "dunning.configure"),
        "may_stop": has_permission(request.user, "dunning.stop"),
        "tabs": tabs(request, "settings"),
    }
    return render(request, "dunning/settings_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("dunning.configure")
def settings_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the settings of one entity."""
    entity = get_object_or_404(LegalEntity.objects.visible_to(request.user), pk=pk)
    settings = settings_of(entity)
    form = DunningSettingsForm(request.POST or None, instance=settings)
    if request.method == "POST" and form.is_valid():
        try:
            change_dunning_settings(actor=request.user, entity=entity, values=form.values(), now=clock.now())
        except BusinessError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            messages.success(request, _("Les réglages de %(entity)s sont enregistrés.") % {"entity": entity})
            return redirect("dunning:settings-list")
    context = {
        "entity": entity,
        "form": form,
        "events": told(audit.timeline(settings)[:EVENTS]) if settings.pk else [],
        "tabs": tabs(request, "settings"),
    }
    return render(request, "dunning/settings_form.html", context, status=400 if form.errors else 200)
