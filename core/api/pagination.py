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
        limit = self._limit(request.query_params.get("limit", ""))
        try:
            page = keyset_page(
                queryset,
                order=view.order,
                cursor=request.query_params.get("cursor", ""),
                size=limit,
                strict=True,
            )
        except BadCursor as error:
            raise InvalidQuery(
                {
                    "cursor": _(
                        "Ce curseur n’est pas de cette liste. Reprenez celui de la réponse précédente."
                    )
                },
                code="invalid_cursor",
            ) from error
        self.next_cursor = page.next_cursor
        self.next_url = (
            request.build_absolute_uri(page.next_url(request.query_params)) if page.next_cursor else None
        )
        return page.rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next_cursor": self.next_cursor or None, "next": self.next_url})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next_cursor", "next"],
            "properties": {
                "results": schema,
                "next_cursor": {
                    "type": ["string", "null"],
                    "description": str(lazy("Le curseur de la page suivante ; null à la fin de la liste.")),
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

    def _limit(self, given: str) -> int:
        if not given:
            return self.default_limit
        if given.isascii() and given.isdigit() and len(given) < 6 and 1 <= int(given) <= self.max_limit:
            return int(given)
        raise InvalidQuery(
            {"limit": _("Donnez un nombre entier de 1 à %(maximum)d.") % {"maximum": self.max_limit}},
            code="invalid_limit",
        )
