"""The dated legal values: what is in force, from which source, and what must be entered next."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.errors import BusinessError
from core.forms import ConfirmationForm, LegalParameterForm, show_refusal
from core.legal import expiring_series
from core.legal_register import LABELS, label_of
from core.models import LegalParameter
from core.operations.legal_parameters import confirm_legal_parameter, enter_legal_parameter
from core.rights import has_permission, permission_required, signed_in


@require_GET
@permission_required("core.view_legal_parameters")
def legal_parameter_list(request: HttpRequest) -> HttpResponse:
    """Each value with its periods, the latest first."""
    today = clock.today()
    groups: dict[str, dict[str, object]] = {}
    for row in LegalParameter.objects.order_by("key", "-valid_from"):
        row.in_force = row.valid_from <= today and (row.valid_to is None or row.valid_to >= today)  # type: ignore[attr-defined]
        row.written = _written(row.value)  # type: ignore[attr-defined]
        row.checked_text = f"{row.checked_on:%d/%m/%Y}"  # type: ignore[attr-defined]
        group = groups.setdefault(row.key, {"key": row.key, "label": label_of(row.key), "rows": []})
        group["rows"].append(row)  # type: ignore[attr-defined]
    known = list(LABELS)
    order = sorted(groups, key=lambda key: (known.index(key) if key in known else len(known), key))
    context = {
        "groups": [groups[key] for key in order],
        "ending": expiring_series(today),
        "may_manage": has_permission(request.user, "core.manage_legal_parameters"),
    }
    return render(request, "core/legal_parameter_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("core.manage_legal_parameters")
def legal_parameter_enter(request: HttpRequest) -> HttpResponse:
    """Add the value of a new period."""
    known = LegalParameter.objects.order_by("key").values_list("key", flat=True).distinct()
    keys = [(key, label_of(key)) for key in dict.fromkeys([*LABELS, *known])]
    form = LegalParameterForm(
        request.POST or None, keys=keys, initial={"key": request.GET.get("key", ""), "confirmed": True}
    )
    if request.method == "POST" and form.is_valid():
        try:
            row = enter_legal_parameter(actor=signed_in(request), today=clock.today(), **form.cleaned_data)
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("%(label)s : valeur enregistrée.") % {"label": label_of(row.key)})
            return redirect("core:legal-parameter-list")
    context = {"form": form, "title": _("Nouvelle valeur légale"), "submit": _("Enregistrer la valeur")}
    return render(request, "core/legal_parameter_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@permission_required("core.manage_legal_parameters")
def legal_parameter_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """State that a value was read in its primary source."""
    row = get_object_or_404(LegalParameter, pk=pk)
    form = ConfirmationForm(request.POST or None, initial={"value": row.value, "source": row.source})
    if request.method == "POST" and form.is_valid():
        try:
            confirm_legal_parameter(
                actor=signed_in(request), parameter_id=pk, today=clock.today(), **form.cleaned_data
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("%(label)s : valeur confirmée.") % {"label": label_of(row.key)})
            return redirect("core:legal-parameter-list")
    context = {
        "form": form,
        "title": _("Confirmer : %(label)s") % {"label": label_of(row.key)},
        "submit": _("Confirmer"),
    }
    return render(request, "core/legal_parameter_form.html", context, status=422 if form.errors else 200)


def _written(value: str) -> str:
    """The value as people read it: a decimal comma in French."""
    number = value.replace(".", "", 1).removeprefix("-")
    return value.replace(".", ",") if number.isdigit() and get_language() == "fr" else value
