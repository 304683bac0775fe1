"""What the addresses of batches share: which batch is meant, and how it is shown."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as lazy
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from core.api.etags import document_response
from core.api.ids import one_of, with_id
from core.rights import Actor
from invoices.api.batch_shapes import BatchSerializer
from invoices.api.uploads import location
from invoices.models import ImportBatch

LOCATION = location(lazy("L’adresse du lot."))


def visible(actor: Actor) -> QuerySet[ImportBatch]:
    """The batches in the actor's scope, with what their shape reads."""
    return ImportBatch.objects.visible_to(actor).select_related("legal_entity", "file", "profile")


def one(actor: Actor, id: str) -> ImportBatch:
    """The batch of this id, if the actor may see it."""
    return one_of(with_id(visible(actor), id))


def represented(batch: ImportBatch) -> Mapping[str, Any]:
    """The batch as the API shows it."""
    return BatchSerializer(batch).data


def accepted(request: Request, batch: ImportBatch) -> Response:
    """202: the work goes on; its progress is at `Location`."""
    response = document_response(request, represented(batch), status_code=status.HTTP_202_ACCEPTED)
    response["Location"] = reverse("api:invoice-batch", [batch.uid], request=request)
    return response
