"""People and partner systems: roles, accesses, API keys."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.api_resources import RESOURCES
from core.errors import BusinessError
from core.forms import ApiKeyForm, show_refusal
from core.keyset import keyset_page
from core.models import ApiKey, Role, User
from core.operations import users as operations
from core.operations.api_keys import create_api_key, revoke_api_key
from core.rights import permission_required, signed_in


@require_GET
@permission_required("core.manage_users")
def user_list(request: HttpRequest) -> HttpResponse:
    """Everybody who may enter, with his roles."""
    page = keyset_page(
        User.objects.prefetch_related("grants"),
        order=("full_name", "pk"),
        cursor=request.GET.get("cursor", ""),
    )
    for user in page.rows:
        user.roles = [grant.get_role_display() for grant in user.grants.all()]  # type: ignore[attr-defined]
    context = {
        "users": page.rows,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
    }
    return render(request, "core/user_list.html", context)


@require_GET
@permission_required("core.manage_users")
def user_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One person's roles and access."""
    person = get_object_or_404(User, pk=pk)
    held = set(person.grants.values_list("role", flat=True))
    context = {
        "person": person,
        "roles": [{"value": role.value, "label": role.label, "held": role.value in held} for role in Role],
        "is_oneself": person.pk == request.user.pk,
    }
    return render(request, "core/user_detail.html", context)


@require_POST
@permission_required("core.manage_users")
def role_grant(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a role."""
    role = request.POST.get("role", "")
    return _changed(
        request,
        pk,
        lambda: operations.grant_role(actor=signed_in(request), user_id=pk, role=role, now=clock.now()),
    )


@require_POST
@permission_required("core.manage_users")
def role_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a role away."""
    role = request.POST.get("role", "")
    return _changed(
        request,
        pk,
        lambda: operations.revoke_role(actor=signed_in(request), user_id=pk, role=role, now=clock.now()),
    )


@require_POST
@permission_required("core.manage_users")
def user_deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """Close an access."""
    return _changed(
        request, pk, lambda: operations.deactivate_user(actor=signed_in(request), user_id=pk, now=clock.now())
    )


@require_POST
@permission_required("core.manage_users")
def user_reactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """Open an access again."""
    return _changed(
        request, pk, lambda: operations.reactivate_user(actor=signed_in(request), user_id=pk, now=clock.now())
    )


def _changed(request: HttpRequest, pk: int, call: Callable[[], Any]) -> HttpResponse:
    get_object_or_404(User, pk=pk)
    try:
        call()
    except BusinessError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("C’est enregistré."))
    return redirect("core:user-detail", pk=pk)


@require_GET
@permission_required("core.manage_api_keys")
def api_key_list(request: HttpRequest) -> HttpResponse:
    """Every key, live or stopped, with its last use."""
    page = keyset_page(
        ApiKey.objects.select_related("user"), order=("-pk",), cursor=request.GET.get("cursor", "")
    )
    now = clock.now()
    for key in page.rows:
        key.tone, key.state = _state(key, now)  # type: ignore[attr-defined]
        key.dialog = f"revoke-{key.pk}"  # type: ignore[attr-defined]
        key.rights = [_scope_words(scope) for scope in key.scopes]  # type: ignore[attr-defined]
    context = {
        "keys": page.rows,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
    }
    return render(request, "core/api_key_list.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@permission_required("core.manage_api_keys")
def api_key_create(request: HttpRequest) -> HttpResponse:
    """Make a key. The answer shows its secret; no other page ever will."""
    form = ApiKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        day = form.cleaned_data["expires_on"]
        try:
            made = create_api_key(
                actor=signed_in(request),
                user_id=form.cleaned_data["user"].pk,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                expires_at=timezone.make_aware(datetime.combine(day, time.max)) if day else None,
                now=clock.now(),
            )
        except BusinessError as error:
            show_refusal(form, error)
        else:
            return render(request, "core/api_key_created.html", {"made": made})
    return render(request, "core/api_key_create.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
@permission_required("core.manage_api_keys")
def api_key_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a key for good."""
    get_object_or_404(ApiKey, pk=pk)
    try:
        key = revoke_api_key(actor=signed_in(request), key_id=pk, now=clock.now())
    except BusinessError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("La clé « %(name)s » ne sert plus.") % {"name": key.name})
    return redirect("core:api-key-list")


def _state(key: ApiKey, now: datetime) -> tuple[str, str]:
    if key.revoked_at is not None:
        return "blocked", _("Révoquée")
    if key.expires_at is not None and key.expires_at <= now:
        return "late", _("Expirée")
    return "ok", _("En service")


def _scope_words(scope: str) -> str:
    resource, _colon, action = scope.partition(":")
    words = {"read": _("lire"), "write": _("écrire")}
    return _("%(label)s : %(value)s") % {
        "label": RESOURCES.get(resource, resource),
        "value": words.get(action, action),
    }
