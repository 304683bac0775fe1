"""The pages that show the API's description to people, from files of our own."""

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

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
