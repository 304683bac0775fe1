"""What every resource of the API has in common."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.http import Http404, HttpResponseBase
from rest_framework import exceptions
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.pagination import KeysetPagination
from core.api.parsers import StrictJSONParser, check_size
from core.api.permissions import SignedIn
from core.api.query import QueryFilter, check_known
from core.api.schema import ApiSchema
from core.api.throttling import RequestsPerMinute
from core.errors import BusinessError


class ApiView(GenericAPIView):
    """A resource: who may ask (`permissions`, `scope`), what it reads, and which refusals are conflicts.

    `query_parameters` are those that the view reads besides filters and pagination; `problem_statuses` are answers
    that this resource gives besides the usual ones, for its description.
    """

    permissions: ClassVar[Mapping[str, str]] = {}
    scope: ClassVar[str] = ""
    conflicts: ClassVar[tuple[type[BusinessError], ...]] = ()
    query_parameters: ClassVar[tuple[str, ...]] = ()
    problem_statuses: ClassVar[tuple[int, ...]] = ()

    http_method_names = ("get", "head", "post", "put")
    parser_classes = (StrictJSONParser,)
    filter_backends = (QueryFilter,)
    pagination_class: ClassVar[type[BasePagination] | None] = None
    throttle_classes = (RequestsPerMinute,)
    schema: ClassVar[ApiSchema | None] = ApiSchema()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not hasattr(self, str(request.method).lower()):
            raise exceptions.MethodNotAllowed(request.method)
        # Before anything reads the body, which the CSRF check of a signed-in person does.
        self.check_body_size(request)
        super().initial(request, *args, **kwargs)

    def check_body_size(self, request: Request) -> None:
        check_size(request, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

    def check_parameters(self) -> None:
        """For a view that does not filter a list."""
        check_known(self.request, self.query_parameters)

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        answer: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        limit = getattr(request, "rate_limit", None)
        for name, value in limit.headers().items() if limit else ():
            answer[name] = value
        answer.headers.setdefault("Cache-Control", "private, no-store")
        return answer


class ListView(ApiView):
    """A list by cursor, in `order`: names of fields that are never null, the last one unique."""

    pagination_class = KeysetPagination
    order: ClassVar[tuple[str, ...]] = ("pk",)

    def page(self, queryset: Any, **context: Any) -> Response:
        """The page that the request asks for; `context` is for the serializer."""
        rows = self.paginate_queryset(self.filter_queryset(queryset))
        known = {**self.get_serializer_context(), **context}
        answer: Response = self.get_paginated_response(
            self.serializer_class(rows, many=True, context=known).data
        )
        return answer


class UnknownAddress(ApiView):
    """Whatever else lies under the API's address: known by nobody, for whoever has a key."""

    permission_classes = (SignedIn,)
    schema = None

    def get(self, request: Request) -> Response:
        raise Http404

    post = put = get
