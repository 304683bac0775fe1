"""The pages that show the API's description to people, from files of our own."""

from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.problems import InvalidQuery
from core.api.query import check_known
from core.rights import permission_required

# Redoc adds its rules, one by one, to a style sheet that it creates empty: this is the hash of nothing.
EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"


@require_GET
@permission_required("core.read_api_description", people_only=False)
def root(request: HttpRequest) -> HttpResponse:
    """Whoever types the API's address gets its description."""
    return redirect("api:swagger")


@require_GET
@permission_required("core.read_api_description", people_only=False)
def swagger(request: HttpRequest) -> HttpResponse:
    """Swagger UI: read the API and try it, signed in as oneself."""
    return render(request, "api/swagger.html")


@require_GET
@permission_required("core.read_api_description", people_only=False)
@csp_update({"style-src": [EMPTY_STYLE]})
def redoc(request: HttpRequest) -> HttpResponse:
    """Redoc: the same description as a document."""
    return render(request, "api/redoc.html")


class Description(SpectacularAPIView):
    """The description itself, as YAML or JSON, in the language asked for."""

    http_method_names = ("get", "head")

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        check_known(request, ("format", "lang"))
        if request.query_params.get("lang", settings.LANGUAGE_CODE) not in dict(settings.LANGUAGES):
            raise InvalidQuery({"lang": _("Langue inconnue. Choisissez fr ou en.")}, code="invalid_choice")
        return super().get(request, *args, **kwargs)
