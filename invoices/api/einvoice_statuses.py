"""Life-cycle statuses of electronic invoices for platforms: send one, many, or a CDAR message; read what was received."""

import io
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import IO, Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import parsers, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api.fields import InstantField, MoneyField, StrictSerializer
from core.api.idempotency import idempotent
from core.api.parsers import StrictJSONParser
from core.api.problems import FieldError, Problem
from core.api.views import ListView
from customers.api import VisibleEntityField
from customers.models import LegalEntity
from invoices.einvoice_reads import visible_statuses
from invoices.einvoice_statuses import EFFECT_LABELS, STATUSES, Reason, ReceivedStatus
from invoices.filters_einvoices import EInvoiceStatusFilter
from invoices.import_messages import file_message
from invoices.models import EInvoiceStatus
from invoices.operations.einvoice_status_files import receive_status_file
from invoices.operations.einvoice_statuses import Recorded, StatusRefused, record_statuses
from invoices.readers.errors import UnreadableFile
from invoices.readers.life_cycle import read_statuses

MOST_AT_ONCE = 1_000
_TYPES = ["MEN", "MPA", "RAP", "MAP", "MAPTTC", "MNA", "MNATTC"]
ENTITY = OpenApiParameter(
    "entity",
    OpenApiTypes.STR,
    description=lazy(
        "Code de l’entité juridique, pour un message XML ; inutile quand le message donne le SIREN du vendeur."
    ),
)


class CdarParser(parsers.BaseParser):
    """A life-cycle message as it is: its bytes, to be read in bounds."""

    media_type = "application/xml"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        # As text, so that a repeated request can be told by its hash.
        return {"cdar": stream.read().decode("latin-1")}


class TextCdarParser(CdarParser):
    media_type = "text/xml"


class StatusReasonSerializer(StrictSerializer):
    code = serializers.CharField(max_length=40, allow_blank=True, default="")
    text = serializers.CharField(max_length=500, allow_blank=True, default="")


class ReceivedStatusSerializer(StrictSerializer):
    legal_entity = VisibleEntityField(help_text=lazy("Code de l’entité juridique qui a émis la facture."))
    number = serializers.CharField(max_length=40, help_text=lazy("Numéro de la facture (BT-1)."))
    code = serializers.ChoiceField(choices=list(STATUSES))
    occurred_at = InstantField(help_text=lazy("Instant du statut, avec son décalage."))
    reasons = StatusReasonSerializer(many=True, required=False, default=list)
    amounts = serializers.DictField(
        child=MoneyField(),
        required=False,
        default=dict,
        help_text=lazy(
            "Par type : MEN encaissé, MPA payé, MAPTTC approuvé, MNATTC non approuvé, RAP restant."
        ),
    )
    currency = serializers.CharField(required=False, max_length=3, allow_blank=True, default="")
    note = serializers.CharField(required=False, max_length=2000, allow_blank=True, default="")

    def validate_amounts(self, value: dict[str, Decimal]) -> dict[str, Decimal]:
        unknown = sorted(set(value) - set(_TYPES))
        if unknown:
            raise serializers.ValidationError(
                _("Type de montant inconnu : %(types)s.") % {"types": ", ".join(unknown)[:80]}, code="unknown"
            )
        return value

    def validate_reasons(self, value: list[Any]) -> list[Any]:
        if len(value) > 50:
            raise serializers.ValidationError(_("Au plus 50 motifs par statut."), code="too_many")
        return value


class EInvoiceStatusSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    legal_entity = serializers.CharField(source="legal_entity.code")
    number = serializers.CharField()
    invoice = serializers.UUIDField(
        source="item.uid",
        allow_null=True,
        default=None,
        help_text=lazy("Notre pièce ; null : numéro inconnu."),
    )
    code = serializers.CharField()
    reasons = StatusReasonSerializer(many=True)
    amounts = serializers.DictField(child=serializers.CharField())
    note = serializers.CharField()
    effect = serializers.ChoiceField(choices=list(EFFECT_LABELS.items()))
    occurred_at = InstantField()
    received_at = InstantField()


class LeftOutSerializer(serializers.Serializer):
    message = serializers.CharField()


class RecordedSerializer(serializers.Serializer):
    created = serializers.IntegerField()
    known = serializers.IntegerField(help_text=lazy("Déjà reçus : rien n’a changé."))
    waiting = serializers.IntegerField(
        help_text=lazy("Numéros inconnus : gardés jusqu’à l’arrivée de la pièce.")
    )
    effects = serializers.DictField(child=serializers.IntegerField())
    left_out = LeftOutSerializer(many=True)


class EInvoiceStatusList(ListView):
    permissions = {"read": "invoices.view", "write": "invoices.record_einvoice_status"}
    scope = "einvoice-statuses"
    queryset = EInvoiceStatus.objects.none()
    serializer_class = EInvoiceStatusSerializer
    filterset_class = EInvoiceStatusFilter
    parser_classes = (StrictJSONParser, CdarParser, TextCdarParser)
    order = ("-occurred_at", "-pk")

    @extend_schema(
        operation_id="einvoice_statuses_list",
        summary=lazy("Lister les statuts de factures électroniques, le dernier d’abord"),
        responses=EInvoiceStatusSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(visible_statuses(request.user).select_related("legal_entity", "item"))

    @extend_schema(
        operation_id="einvoice_statuses_create",
        summary=lazy("Transmettre des statuts de factures électroniques"),
        description=lazy(
            "Un statut, une liste de statuts (1 000 au plus), ou un message de cycle de vie CDAR en XML. Une liste est "
            "prise entière ou pas du tout. Le même statut transmis deux fois ne change rien."
        ),
        parameters=[ENTITY],
        request={
            "application/json": PolymorphicProxySerializer(
                component_name="EInvoiceStatusBody",
                serializers=[ReceivedStatusSerializer, ReceivedStatusSerializer(many=True)],
                resource_type_field_name=None,
                many=False,
            ),
            "application/xml": OpenApiTypes.STR,
        },
        responses={201: RecordedSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        data = request.data
        if _is_xml(request):
            return self._message(request, str(data.get("cdar", "")).encode("latin-1"))
        many = isinstance(data, list)
        if many and not 1 <= len(data) <= MOST_AT_ONCE:
            raise Problem(_("Envoyez de 1 à 1 000 statuts à la fois."), code="invalid")
        given = ReceivedStatusSerializer(data=data, many=many, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        found = given.validated_data if many else [given.validated_data]
        with transaction.atomic():
            recorded = self._record(request, found, many)
        return _answer(recorded, [])

    def _record(self, request: Request, found: list[dict[str, Any]], many: bool) -> list[Recorded]:
        """One operation per legal entity; a refusal names its place in what was sent."""
        places: dict[LegalEntity, list[int]] = {}
        for index, row in enumerate(found):
            places.setdefault(row["legal_entity"], []).append(index)
        recorded = []
        for entity, indexes in places.items():
            try:
                recorded.append(
                    record_statuses(
                        actor=request.user,
                        entity=entity,
                        statuses=[_status(found[index]) for index in indexes],
                        now=clock.now(),
                        today=clock.today(),
                    )
                )
            except StatusRefused as refused:
                place = f"#/{indexes[refused.index]}" if many else "#"
                pointer = f"{place}/{refused.field}" if refused.field else place
                raise _Refused(
                    refused.message,
                    code=refused.code,
                    errors=[FieldError(pointer, refused.code, refused.message)],
                ) from None
        return recorded

    def _message(self, request: Request, content: bytes) -> Response:
        received = receive_status_file(
            actor=request.user,
            entity=_entity_of(request, content),
            file=io.BytesIO(content),
            name="cdar.xml",
            today=clock.today(),
            now=clock.now(),
        )
        return _answer([received.recorded], [problem.message for problem in received.problems])


class _Refused(Problem):
    status_code = 422
    default_code = "einvoice_status_refused"


def _is_xml(request: Request) -> bool:
    return (request.content_type or "").split(";")[0].strip().lower() in ("application/xml", "text/xml")


def _entity_of(request: Request, content: bytes) -> LegalEntity:
    """The entity that the address names, else the one whose SIREN the message gives, else the only one seen."""
    visible = LegalEntity.objects.visible_to(request.user)
    code = request.query_params.get("entity", "")
    if code:
        entity = visible.filter(code=code[:20]).first()
        if entity is None:
            raise Problem(_("Cette entité n’est pas dans votre périmètre."), code="entity_unknown")
        return entity
    try:
        reading = read_statuses(io.BytesIO(content))
    except UnreadableFile as error:
        raise _Refused(file_message(error.code, error.params), code=error.code) from None
    sellers = {found.seller for found in reading.statuses if found.seller}
    candidates = list((visible.filter(siren__in=sellers) if sellers else visible).order_by("pk")[:2])
    if len(candidates) != 1:
        raise Problem(
            _("Donnez l’entité dans l’adresse (`?entity=`) : le message ne suffit pas à la trouver."),
            code="entity_needed",
        )
    return candidates[0]


def _status(row: Mapping[str, Any]) -> ReceivedStatus:
    occurred_at: datetime = row["occurred_at"]
    return ReceivedStatus(
        number=row["number"],
        code=row["code"],
        occurred_at=occurred_at,
        reasons=tuple(Reason(reason["code"], reason["text"]) for reason in row["reasons"]),
        amounts=row["amounts"],
        currency=row["currency"].upper(),
        note=row["note"],
    )


def _answer(recorded: list[Recorded], left_out: list[str]) -> Response:
    effects: dict[str, int] = {}
    for part in recorded:
        for effect, count in part.effects.items():
            effects[str(effect)] = effects.get(str(effect), 0) + count
    body = {
        "created": sum(part.created for part in recorded),
        "known": sum(part.known for part in recorded),
        "waiting": sum(part.waiting for part in recorded),
        "effects": effects,
        "left_out": [{"message": message} for message in left_out],
    }
    return Response(body, status=status.HTTP_201_CREATED)
