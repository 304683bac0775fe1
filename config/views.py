"""Pages that join floors: signing in, the agenda, the search, health and errors."""

import sys

from django.conf import settings
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.agenda import agenda, first_steps
from config.portfolio import (
    DEFAULT_ORDER,
    SORTS,
    PortfolioFilter,
    export_columns,
    export_rows,
    page_totals,
    portfolio,
)
from config.search import SHORTEST
from config.search import search as search_everything
from core import clock
from core.api.problems import problem_response
from core.exports import FORMATS, export_response, export_urls
from core.keyset import chosen_order, keyset_page
from core.operations.preferences import choose_language
from core.rights import has_permission, permission_required, signed_in
from customers.views import STATUS_TONES
from invoices.accounts import account_figures
from invoices.views.items import with_state


class SignInView(auth_views.LoginView):
    """E-mail and password. Somebody already signed in is sent on."""

    redirect_authenticated_user = True


@method_decorator(permission_required("core.use_site"), name="dispatch")
class PasswordChangeView(auth_views.PasswordChangeView):
    """A person changes his own password."""


@require_GET
@permission_required("core.use_site")
def password_change_done(request: HttpRequest) -> HttpResponse:
    """The password is changed."""
    return render(request, "registration/password_change_done.html")


@require_GET
@permission_required("core.use_site")
def home(request: HttpRequest) -> HttpResponse:
    """The agenda: what waits for this person."""
    today = clock.today()
    context = {
        "entries": agenda(request.user, today),
        "steps": first_steps(request.user),
        "today": today,
    }
    return render(request, "home.html", context)


@require_GET
@permission_required("customers.view")
def customer_list(request: HttpRequest) -> HttpResponse:
    """The customers in one's scope with what they owe, the largest arrears first."""
    today = clock.today()
    found = portfolio(request.user, today)
    filterset = PortfolioFilter(request.GET or None, found=found, request=request, today=today)
    page = keyset_page(
        filterset.qs.select_related("legal_entity"),
        order=chosen_order(request.GET.get("sort", ""), SORTS, DEFAULT_ORDER),
        cursor=request.GET.get("cursor", ""),
    )
    figures = account_figures([customer.pk for customer in page.rows], today)
    for customer in page.rows:
        customer.tone = STATUS_TONES[customer.status]
        customer.accounts = figures.get(customer.pk, [])
    context = {
        "filterset": filterset,
        "customers": page.rows,
        "totals": page_totals(figures),
        "stale_day": found.stored_on if found.stored_on and found.stored_on != today else None,
        "export_urls": export_urls("customers:customer-export", request.GET),
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
        "has_filters": any(request.GET.get(name) for name in filterset.form.fields),
        "may_edit": has_permission(request.user, "customers.edit"),
        "may_import": has_permission(request.user, "invoices.import"),
        "may_see_items": has_permission(request.user, "invoices.view"),
    }
    return render(request, "customers/customer_list.html", context)


@require_GET
@permission_required("customers.view")
def customer_export(request: HttpRequest, file_format: str) -> HttpResponseBase:
    """Every customer of the list, in its order. A filter in error is shown at its field, on the page."""
    if file_format not in FORMATS:
        raise Http404
    today = clock.today()
    found = portfolio(request.user, today)
    filterset = PortfolioFilter(request.GET or None, found=found, request=request, today=today)
    if filterset.form.errors:
        return HttpResponseRedirect(f"{reverse('customers:customer-list')}?{request.GET.urlencode()}")
    order = chosen_order(request.GET.get("sort", ""), SORTS, DEFAULT_ORDER)
    return export_response(
        file_format,
        name=f"clients-{today:%Y-%m-%d}",
        title=_("Clients"),
        columns=export_columns(),
        rows=export_rows(filterset.qs.order_by(*order), today),
    )


@require_GET
@permission_required("core.use_site")
def search(request: HttpRequest) -> HttpResponse:
    """Customers and items by name, code, number, SIREN or amount."""
    query = request.GET.get("q", "")
    found = search_everything(request.user, query)
    for customer in found.customers:
        customer.tone = STATUS_TONES[customer.status]
    with_state(found.items, clock.today())
    context = {"query": query, "found": found, "too_short": len(query.strip()) < SHORTEST}
    return render(request, "search.html", context)


@require_POST
@permission_required("core.use_site")
def set_language(request: HttpRequest) -> HttpResponse:
    """Keep the person's language in his profile."""
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        choose_language(actor=signed_in(request), language=language)
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = reverse("home")
    return HttpResponseRedirect(target)


@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """Whether this process answers and reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


# What the API says of an error met before or outside its own views.
API_CODES = {
    400: "malformed",
    403: "forbidden",
    404: "not_found",
    500: "internal_error",
    503: "service_unavailable",
}
# Seconds after which a database that restarts has come back.
RETRY_AFTER = "5"


def _error(request: HttpRequest, status: int) -> HttpResponse:
    if request.path.startswith("/api/v1/"):
        return problem_response(request, status=status, code=API_CODES[status])
    return render(request, f"{status}.html", status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """No context processor and no database: one of them may be what failed."""
    from django.template.loader import get_template

    # What was under way is rolled back, and may be asked for again when the database answers.
    away = isinstance(sys.exception(), OperationalError | InterfaceError)
    status = 503 if away else 500
    if request.path.startswith("/api/v1/"):
        response = problem_response(request, status=status, code=API_CODES[status], retryable=True)
    else:
        response = HttpResponse(get_template(f"{status}.html").render({}), status=status)
    if away:
        response["Retry-After"] = RETRY_AFTER
    return response
