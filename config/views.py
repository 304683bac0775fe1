"""Pages that join floors: signing in, the agenda, the search, health and errors."""

from django.conf import settings
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from core.rights import permission_required


class SignInView(auth_views.LoginView):
    """E-mail and password. Somebody already signed in is sent on."""

    redirect_authenticated_user = True


@permission_required("core.use_site")
def home(request: HttpRequest) -> HttpResponse:
    """The agenda: what waits for this person."""
    return render(request, "home.html", {})


@permission_required("core.use_site")
def search(request: HttpRequest) -> HttpResponse:
    """Customers and items by name, code, number, SIREN or amount."""
    return render(request, "search.html", {"query": request.GET.get("q", "")})


@require_POST
@permission_required("core.use_site")
def set_language(request: HttpRequest) -> HttpResponse:
    """Keep the person's language in his profile."""
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        request.user.language = language
        request.user.save(update_fields=["language"])
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


def _error(request: HttpRequest, status: int) -> HttpResponse:
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

    return HttpResponse(get_template("500.html").render({}), status=500)
