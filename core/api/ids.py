"""Two ids for every document: ours (UUID version 7) and `external:<id>`, the partner's own."""

import re
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from core.api.problems import Conflict

EXTERNAL = "external:"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)

M = TypeVar("M", bound=Model)


def with_id(queryset: "QuerySet[M]", given: str, external_field: str = "") -> "QuerySet[M]":
    """The rows that an id names; an external one may name several, one per legal entity.

    Without `external_field`, the documents are ours alone: nobody else has named them.
    """
    if given.startswith(EXTERNAL) and external_field:
        return queryset.filter(**{external_field: given.removeprefix(EXTERNAL)})
    if not is_uid(given):
        return queryset.none()
    return queryset.filter(uid=given)


def is_uid(given: str) -> bool:
    return _UUID.fullmatch(given) is not None


def one_of(queryset: "QuerySet[M]") -> M:
    """The only row. Raises Http404 without one, Conflict when the partner's id names several."""
    found = list(queryset.order_by("pk")[:2])
    if not found:
        raise Http404
    if len(found) > 1:
        raise Conflict(
            _(
                "Plusieurs documents portent cet identifiant. Précisez l’entité juridique (?entity=CODE) ou notre identifiant."
            ),
            code="ambiguous_id",
        )
    return found[0]
