"""What each entity counts, from when it warns, and what stops deliveries."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.rights import has_permission, permission_required
from customers.models import LegalEntity
from risk.forms_checks import SettingsForm
from risk.models import RiskSettings
from risk.operations.risk_settings import set_risk_settings
from risk.views.places import subtabs, tabs


@require_GET
@permission_required("risk.view")
def settings_list(request: HttpRequest) -> HttpResponse:
    """The settings of each entity that the reader sees."""
    entities = list(LegalEntity.objects.visible_to(request.user).order_by("name", "pk"))
    chosen = {row.legal_entity_id: row for row in RiskSettings.objects.filter(legal_entity__in=entities)}
    context = {
        "rows": [
            {
                "entity": entity,
                "settings": chosen.get(entity.pk) or RiskSettings(legal_entity=entity),
                "is_chosen": entity.pk in chosen,
            }
            for entity in entities
        ],
        "may_configure": has_permission(request.user, "risk.configure_checks"),
        "tabs": tabs(request, "check-settings"),
        "subtabs": subtabs(request, "check-settings"),
    }
    return render(request, "risk/check_settings_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("risk.configure_checks")
def settings_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change those of one entity."""
    entity = get_object_or_404(LegalEntity.objects.visible_to(request.user), pk=pk)
    row = RiskSettings.objects.filter(legal_entity=entity).first() or RiskSettings(legal_entity=entity)
    form = SettingsForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        try:
            set_risk_settings(
                actor=request.user,
                legal_entity=entity,
                values=form.cleaned_data,
                today=clock.today(),
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(
                request, _("Les réglages de « %(name)s » valent dès maintenant.") % {"name": entity.name}
            )
            return redirect("risk:check-settings")
    context = {
        "entity": entity,
        "form": form,
        "tabs": tabs(request, "check-settings"),
        "subtabs": subtabs(request, "check-settings"),
    }
    return render(request, "risk/check_settings_edit.html", context, status=422 if form.errors else 200)
