"""Customers for partners: read, and created or updated under the partner's own code."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from core import clock
from core.api.etags import check_if_match, document_response, etag_of
from core.api.fields import InstantField, InstantFilter, StrictSerializer
from core.api.ids import EXTERNAL, one_of, with_id
from core.api.views import ApiView, ListView
from core.rights import Actor
from customers.filters import CustomerFilter
from customers.models import Contact, Customer, LegalEntity, PaymentTerms
from customers.operations import CustomerError, DuplicateCustomer, create_customer, update_customer

ID = OpenApiParameter(
    "id",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description=lazy("Notre identifiant (UUID), ou `external:` suivi du code client."),
)
ENTITY = OpenApiParameter(
    "entity",
    OpenApiTypes.STR,
    description=lazy("Code de l’entité juridique, quand plusieurs ont le même code client."),
)
ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=["200", "201"],
    description=lazy("La version lue."),
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description=lazy("L’ETag lu : 412 si le document a changé depuis."),
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description=lazy("`*` : créer seulement, 412 si le client existe."),
)
NOT_MODIFIED = OpenApiResponse(description=lazy("Inchangé depuis l’ETag donné dans If-None-Match."))


class CustomerRefSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    external_id = serializers.CharField(help_text=lazy("Le code client."))
    name = serializers.CharField()


class ContactSerializer(serializers.Serializer):
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Contact.ContactRole.choices)
    email = serializers.CharField()
    phone = serializers.CharField()
    gets_dunning = serializers.BooleanField(help_text=lazy("Reçoit les relances."))


class CustomerSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    external_id = serializers.CharField(help_text=lazy("Le code client, unique dans son entité juridique."))
    legal_entity = serializers.CharField(source="legal_entity.code")
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Customer.Kind.choices)
    status = serializers.ChoiceField(choices=Customer.Status.choices)
    hold_reason = serializers.CharField()
    hold_until = serializers.DateField(allow_null=True)
    insolvency_date = serializers.DateField(allow_null=True)
    siren = serializers.CharField()
    siret = serializers.CharField()
    vat_number = serializers.CharField()
    foreign_id = serializers.CharField()
    country = serializers.CharField(help_text=lazy("ISO 3166, deux lettres."))
    address_lines = serializers.CharField(help_text=lazy("Une ligne d’adresse par ligne."))
    language = serializers.ChoiceField(choices=Customer.Language.values)
    currency = serializers.CharField(help_text=lazy("ISO 4217."))
    parent = serializers.UUIDField(source="parent.uid", default=None, allow_null=True)
    terms = serializers.CharField(source="terms.code", help_text=lazy("Code des conditions de règlement."))
    segment = serializers.CharField()
    naf_code = serializers.CharField()
    customer_since = serializers.DateField(allow_null=True)
    updated_at = InstantField()


class CustomerDetailSerializer(CustomerSerializer):
    contacts = ContactSerializer(many=True, help_text=lazy("Qui reçoit les relances d’abord."))


class VisibleEntityField(serializers.SlugRelatedField):
    """A legal entity of the caller's scope, by its code."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="code", queryset=LegalEntity.objects.none(), **kwargs)

    def get_queryset(self) -> QuerySet[LegalEntity]:
        return LegalEntity.objects.visible_to(self.context["request"].user)


class CustomerWriteSerializer(StrictSerializer):
    ignored = (
        "id",
        "external_id",
        "status",
        "hold_reason",
        "hold_until",
        "insolvency_date",
        "contacts",
        "updated_at",
    )

    legal_entity = VisibleEntityField(
        required=False, help_text=lazy("Code de l’entité juridique ; inutile quand vous n’en voyez qu’une.")
    )
    name = serializers.CharField(required=False, max_length=120)
    kind = serializers.ChoiceField(required=False, choices=Customer.Kind.choices)
    siren = serializers.CharField(required=False, allow_blank=True, max_length=40)
    siret = serializers.CharField(required=False, allow_blank=True, max_length=40)
    vat_number = serializers.CharField(required=False, allow_blank=True, max_length=40)
    foreign_id = serializers.CharField(required=False, allow_blank=True, max_length=40)
    country = serializers.CharField(required=False, max_length=2)
    address_lines = serializers.CharField(required=False, allow_blank=True, max_length=1000)
    language = serializers.ChoiceField(required=False, choices=Customer.Language.values)
    currency = serializers.CharField(required=False, max_length=3)
    parent = serializers.CharField(
        required=False, allow_null=True, max_length=60, help_text=lazy("Identifiant de la société mère.")
    )
    terms = serializers.SlugRelatedField(
        required=False,
        slug_field="code",
        queryset=PaymentTerms.objects.all(),
        help_text=lazy("Code des conditions de règlement ; à la création, celles de l’entité."),
    )
    segment = serializers.CharField(required=False, allow_blank=True, max_length=40)
    naf_code = serializers.CharField(required=False, allow_blank=True, max_length=20)
    customer_since = serializers.DateField(required=False, allow_null=True)


class CustomerApiFilter(CustomerFilter):
    """The pages' filters, and what changed since an instant."""

    owner = None
    updated_after = InstantFilter(
        label=lazy("Modifiés après cet instant (ISO 8601)"), field_name="updated_at", lookup_expr="gt"
    )


class CustomerList(ListView):
    permissions = {"read": "customers.view"}
    scope = "customers"
    queryset = Customer.objects.none()
    serializer_class = CustomerSerializer
    filterset_class = CustomerApiFilter
    order = ("updated_at", "pk")

    @extend_schema(
        operation_id="customers_list",
        summary=lazy("Lister les clients"),
        description=lazy(
            "Du plus anciennement au plus récemment modifié. Pour une synchronisation, gardez l’instant de votre "
            "dernière lecture et donnez-le, moins cinq minutes, dans `updated_after`."
        ),
        responses=CustomerSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(_visible(request.user))


class CustomerDetail(ApiView):
    permissions = {"read": "customers.view", "write": "customers.edit"}
    scope = "customers"
    queryset = Customer.objects.none()
    serializer_class = CustomerDetailSerializer
    conflicts = (DuplicateCustomer,)
    query_parameters = ("entity",)
    filter_backends = ()
    problem_statuses = (409,)

    @extend_schema(
        operation_id="customers_read",
        summary=lazy("Lire un client"),
        parameters=[ID, ENTITY, ETAG],
        responses={200: CustomerDetailSerializer, 304: NOT_MODIFIED},
    )
    def get(self, request: Request, id: str) -> Response:
        self.check_parameters()
        return document_response(request, _represented(self._one(request, id)))

    @extend_schema(
        operation_id="customers_write",
        summary=lazy("Créer ou modifier un client"),
        description=lazy(
            "Sous `external:` et votre code client : crée le client ou le modifie. Les champs absents gardent leur "
            "valeur ; à la création, `name` est obligatoire, et `siren` pour un professionnel établi en France."
        ),
        parameters=[ID, ENTITY, IF_MATCH, IF_NONE_MATCH, ETAG],
        request=CustomerWriteSerializer,
        responses={200: CustomerDetailSerializer, 201: CustomerDetailSerializer},
    )
    def put(self, request: Request, id: str) -> Response:
        self.check_parameters()
        given = CustomerWriteSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        try:
            return self._write(request, id, dict(given.validated_data))
        except DuplicateCustomer as error:
            if error.field != "account_code":
                raise
            # Somebody created it between our look and our write: this request updates it.
            return self._write(request, id, dict(given.validated_data))

    def _write(self, request: Request, id: str, values: dict[str, Any]) -> Response:
        with transaction.atomic():
            found = self._candidates(request, id, values.get("legal_entity"))
            known = list(found.select_for_update(of=("self",)).order_by("pk")[:2])
            if known or not id.startswith(EXTERNAL):
                return self._update(request, one_of(found), values)
            return self._create(request, id.removeprefix(EXTERNAL), values)

    def _update(self, request: Request, customer: Customer, values: dict[str, Any]) -> Response:
        check_if_match(request, etag_of(_represented(customer)))
        entity = values.pop("legal_entity", customer.legal_entity)
        if entity.pk != customer.legal_entity_id:
            raise CustomerError(
                _("Un client ne change pas d’entité juridique. Créez-le dans l’autre entité."),
                field="legal_entity",
            )
        values = _with_parent(request.user, values, customer.legal_entity)
        update_customer(actor=request.user, now=clock.now(), customer=customer, **values)
        return document_response(request, _represented(_visible(request.user).get(pk=customer.pk)))

    def _create(self, request: Request, code: str, values: dict[str, Any]) -> Response:
        check_if_match(request, None)
        entity = values.pop("legal_entity", None) or _only_entity(request)
        if "name" not in values:
            raise serializers.ValidationError(
                {"name": _("Le nom est obligatoire pour créer un client.")}, "required"
            )
        values = _with_parent(request.user, values, entity)
        customer = create_customer(
            actor=request.user, now=clock.now(), legal_entity=entity, account_code=code, **values
        )
        data = _represented(_visible(request.user).get(pk=customer.pk))
        response = document_response(request, data, status_code=status.HTTP_201_CREATED)
        response["Location"] = reverse("api:customer", [customer.uid], request=request)
        return response

    def _one(self, request: Request, id: str) -> Customer:
        return one_of(self._candidates(request, id, None))

    def _candidates(self, request: Request, id: str, entity: LegalEntity | None) -> QuerySet[Customer]:
        found = with_id(_visible(request.user), id, "account_code")
        if "entity" in request.query_params:
            found = found.filter(legal_entity__code=request.query_params["entity"])
        if entity is not None and id.startswith(EXTERNAL):
            found = found.filter(legal_entity=entity)
        return found


def _visible(actor: Actor) -> QuerySet[Customer]:
    return Customer.objects.visible_to(actor).select_related("legal_entity", "terms", "parent")


def _represented(customer: Customer) -> Mapping[str, Any]:
    return CustomerDetailSerializer(customer).data


def _only_entity(request: Request) -> LegalEntity:
    visible = LegalEntity.objects.visible_to(request.user)
    if "entity" in request.query_params:
        visible = visible.filter(code=request.query_params["entity"])
    found = list(visible[:2])
    if len(found) != 1:
        raise serializers.ValidationError(
            {"legal_entity": _("Indiquez le code de l’entité juridique qui vend à ce client.")}, "required"
        )
    return found[0]


def _with_parent(actor: Actor, values: dict[str, Any], entity: LegalEntity) -> dict[str, Any]:
    """The values with the parent's id replaced by the customer it names."""
    given = values.get("parent")
    if given is None:
        return values
    parent = with_id(_visible(actor).filter(legal_entity=entity), given, "account_code").first()
    if parent is None:
        raise serializers.ValidationError(
            {"parent": _("Aucun client de cette entité n’a cet identifiant.")}, "unknown_customer"
        )
    return {**values, "parent": parent}
