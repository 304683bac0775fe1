"""How the resources of risk name a customer."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from core.api.ids import one_of, with_id
from customers.models import Customer, LegalEntity

ENTITY = OpenApiParameter(
    "entity",
    OpenApiTypes.STR,
    description=lazy("Code de l’entité juridique, quand plusieurs ont le même identifiant."),
)


class CreditCustomerSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    external_id = serializers.CharField(help_text=lazy("Le code client."))
    name = serializers.CharField()


def customer_field() -> serializers.CharField:
    return serializers.CharField(
        max_length=80, help_text=lazy("Notre identifiant, ou `external:` suivi du code client.")
    )


def customer_named(request: Request, given: str, entity: LegalEntity | None) -> Customer:
    """The customer of the caller's scope that a body names. Raises a validation error at `customer`."""
    found = with_id(
        Customer.objects.visible_to(request.user).select_related("legal_entity"), given, "account_code"
    )
    if entity is not None:
        found = found.filter(legal_entity=entity)
    known = list(found.order_by("pk")[:2])
    if len(known) > 1:
        message = _("Plusieurs entités ont un client de ce code : précisez `legal_entity`.")
        raise serializers.ValidationError({"customer": message}, "ambiguous_id")
    if not known:
        raise serializers.ValidationError(
            {"customer": _("Aucun client de votre périmètre n’a cet identifiant.")}, "unknown_customer"
        )
    return known[0]


def of_address(request: Request, queryset: Any, id: str, external_field: str, entity_field: str) -> Any:
    """The only row that an address names; `?entity=` tells apart those of several entities."""
    found = with_id(queryset, id, external_field)
    if "entity" in request.query_params:
        found = found.filter(**{entity_field: request.query_params["entity"]})
    return one_of(found)
