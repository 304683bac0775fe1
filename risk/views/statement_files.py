"""Files of accounts and ratings, dropped on a page."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from core import clock
from core.errors import BusinessError
from core.files import store_file
from core.forms import show_refusal
from core.rights import permission_required, signed_in
from customers.models import Customer
from invoices.readers.errors import UnreadableFile
from risk.forms_scores import OutsideFileForm
from risk.operations.outside_files import OutsideOutcome, take_outside_file
from risk.outside_words import file_problem
from risk.rating_scales import SCALES
from risk.readers.process import MAX_BYTES, read_outside_file
from risk.views.places import subtabs, tabs

MOST_PROBLEMS = 50


@require_http_methods(["GET", "POST"])
@permission_required("risk.enter_accounts")
def outside_file(request: HttpRequest) -> HttpResponse:
    """Drop a file: what it says is taken in whole, or every problem is told and nothing is."""
    form = OutsideFileForm(request.POST or None, request.FILES or None)
    outcome: OutsideOutcome | None = None
    if request.method == "POST" and form.is_valid():
        outcome = _take(request, form)
    context: dict[str, Any] = {
        "form": form,
        "outcome": outcome,
        "problems": outcome.problems[:MOST_PROBLEMS] if outcome else [],
        "strangers": outcome.strangers[:MOST_PROBLEMS] if outcome else [],
        "customers": list(
            Customer.objects.filter(pk__in=outcome.customers).order_by("name", "pk")[:MOST_PROBLEMS]
        )
        if outcome
        else [],
        "scales": list(SCALES.values()),
        "tabs": tabs(request, "outside-files"),
        "subtabs": subtabs(request, "outside-files"),
    }
    failed = bool(form.errors) or bool(outcome and outcome.problems)
    return render(request, "risk/outside_file.html", context, status=422 if failed else 200)


def _take(request: HttpRequest, form: OutsideFileForm) -> OutsideOutcome | None:
    user, upload, now = signed_in(request), form.cleaned_data["file"], clock.now()
    if upload.size > MAX_BYTES:
        form.add_error("file", _("Ce fichier dépasse 10 Mo : découpez-le."))
        return None
    siren = "".join(form.cleaned_data["siren"].split())
    if siren and not (len(siren) == 9 and siren.isascii() and siren.isdigit()):
        form.add_error("siren", _("Un SIREN compte neuf chiffres."))
        return None
    try:
        rows = read_outside_file(upload.file, siren=siren)
        stored = store_file(
            content=upload.file,
            name=upload.name,
            kind="outside-accounts",
            content_type="application/octet-stream",
            now=now,
        )
        outcome = take_outside_file(actor=user, rows=rows, file=stored, today=clock.today(), now=now)
    except UnreadableFile as error:
        form.add_error("file", file_problem(error))
        return None
    except BusinessError as error:
        show_refusal(form, error)
        return None
    if not outcome.problems:
        taken = outcome.statements + outcome.ratings
        messages.success(
            request,
            ngettext(
                "%(count)d document enregistré. Le score suivra au prochain calcul.",
                "%(count)d documents enregistrés. Les scores suivront au prochain calcul.",
                taken,
            )
            % {"count": taken},
        )
    return outcome
