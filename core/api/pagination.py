"""Lists read by cursor: no offset, never a count."""

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.problems import InvalidQuery
from core.keyset import BadCursor, keyset_page

M = TypeVar("M", bound=Model)


class KeysetPagination(BasePagination):
    """Pages in the view's `order`; the cursor is opaque and holds the place of the last row."""

    default_limit = 50
    max_limit = 200
    parameters = ("limit", "cursor")

    def paginate_queryset(self, queryset: "QuerySet[M]", request: Request, view: APIView) -> list[M]:
        limit = self.limit(request)
        try:
            page = keyset_page(
                queryset,
                order=view.order,
                cursor=request.query_params.get("cursor", ""),
                size=limit,
                strict=True,
            )
        except BadCursor as error:
            raise self.bad_cursor() from error
        self.next_cursor = page.next_cursor or None
        self.next_url = self.address(request, page.next_cursor)
        return page.rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next_cursor": self.next_cursor, "next": self.next_url})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next_cursor", "next"],
            "properties": {
                "results": schema,
                "next_cursor": {
                    "type": ["string", "null"],
                    "description": str(lazy("Le curseur de la page suivante ; null à la fin de la liste.")),
                },
                "next": {
                    "type": ["string", "null"],
                    "format": "uri",
                    "description": str(lazy("L’adresse de la page suivante.")),
                },
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": str(lazy("Nombre de lignes de la page.")),
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_limit,
                    "default": self.default_limit,
                },
            },
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": str(lazy("`next_cursor` de la page précédente.")),
                "schema": {"type": "string"},
            },
        ]

    @staticmethod
    def address(request: Request, cursor: str) -> str | None:
        """The address of the page that a cursor leads to, with the filters of this one."""
        if not cursor:
            return None
        query = request.query_params.copy()
        query["cursor"] = cursor
        return str(request.build_absolute_uri(f"?{query.urlencode()}"))

    @staticmethod
    def bad_cursor() -> InvalidQuery:
        """What to raise for a cursor of another list."""
        return InvalidQuery(
            {"cursor": _("Ce curseur n’est pas de cette liste. Reprenez celui de la réponse précédente.")},
            code="invalid_cursor",
        )

    def limit(self, request: Request) -> int:
        """How many rows are asked for. Raises InvalidQuery."""
        given = request.query_params.get("limit", "")
        if not given:
            return self.default_limit
        if given.isascii() and given.isdigit() and len(given) < 6 and 1 <= int(given) <= self.max_limit:
            return int(given)
        raise InvalidQuery(
            {"limit": _("Donnez un nombre entier de 1 à %(maximum)d.") % {"maximum": self.max_limit}},
            code="invalid_limit",
        )
