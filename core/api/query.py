"""What an address may ask for: the filters of the pages, and nothing unknown."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import APIView

from core.api.problems import InvalidQuery


class QueryFilter(DjangoFilterBackend):
    """The view's FilterSet. A misspelt parameter is an error: ignored, it would quietly return everything."""

    def filter_queryset(self, request: Request, queryset: "QuerySet[Any]", view: APIView) -> "QuerySet[Any]":
        filterset = self.get_filterset(request, queryset, view)
        known = set(view.query_parameters)
        if view.paginator is not None:
            known.update(view.paginator.parameters)
        if filterset is None:
            check_known(request, known)
            return queryset
        check_filterset(request, filterset, known)
        found: QuerySet[Any] = filterset.qs
        return found


def check_filterset(request: Request, filterset: FilterSet, also_known: Iterable[str] = ()) -> None:
    """Raise InvalidQuery for unknown parameters and for values that the filters do not take."""
    check_known(request, {*filterset.form.fields, *also_known})
    for field in filterset.form.fields.values():
        if isinstance(field, forms.DateField):
            # People write dates as their language does; programs write ISO 8601, in any language.
            field.input_formats = ["%Y-%m-%d"]
    if filterset.is_valid():
        return
    raise InvalidQuery(
        {
            name: [
                exceptions.ErrorDetail(message, code=found.code or "invalid")
                for found in errors.as_data()
                for message in found.messages
            ]
            for name, errors in filterset.errors.items()
        }
    )


def check_known(request: Request, known: Iterable[str]) -> None:
    """Raise InvalidQuery for the parameters that nobody reads."""
    unknown = sorted(set(request.query_params) - set(known))
    if unknown:
        message = _("Paramètre inconnu. Paramètres de cette adresse : %(known)s.") % {
            "known": ", ".join(sorted(known)) or "—"
        }
        raise InvalidQuery(dict.fromkeys(unknown, message), code="unknown_parameter")
