"""The pages that show the API's description to people, from files of our own."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.rights import permission_required


@require_GET
@permission_required("core.read_api_description", people_only=False)
def swagger(request: HttpRequest) -> HttpResponse:
    """Swagger UI: read the API and try it, signed in as oneself."""
    return render(request, "api/swagger.html")


@require_GET
@permission_required("core.read_api_description", people_only=False)
def redoc(request: HttpRequest) -> HttpResponse:
    """Redoc: the same description as a document."""
    return render(request, "api/redoc.html")
