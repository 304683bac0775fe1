"""What mail systems tell of our messages: bounces, complaints, deliveries. For the sending service or the mail server."""

from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import parsers, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api.fields import InstantField, StrictSerializer
from core.api.idempotency import idempotent
from core.api.parsers import StrictJSONParser, check_size
from core.api.problems import Problem
from core.api.views import ApiView
from dunning.mail.reports import HEAD_BYTES, bracketed
from dunning.models import MailEvent
from dunning.operations.mail_events import ToldEvent, receive_mail_events
from dunning.reported_events import events_of

MOST_AT_ONCE = 1_000
MEDIA_TYPE = "message/rfc822"
# A report brings back the whole message; what follows its head is read past.
_LARGEST = 40 * 1024 * 1024
_CHUNK = 64 * 1024


class ReportParser(parsers.BaseParser):
    """A message as it is: the bytes of its head."""

    media_type = MEDIA_TYPE

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        head = stream.read(HEAD_BYTES)
        while stream.read(_CHUNK):
            pass
        # As text, so that a repeated request can be told by its hash.
        return {"report": head.decode("latin-1")}


class MailEventSerializer(StrictSerializer):
    id = serializers.CharField(
        max_length=200,
        required=False,
        default="",
        help_text=lazy("Votre identifiant de l’événement : transmis deux fois, il est fait une fois."),
    )
    kind = serializers.ChoiceField(
        choices=MailEvent.Kind.choices,
        help_text=lazy(
            "HARD_BOUNCE : l’adresse n’existe pas ou plus. SOFT_BOUNCE : message abandonné pour une autre raison. "
            "DELAYED : vous essayez encore."
        ),
    )
    message_id = serializers.CharField(
        max_length=200, help_text=lazy("L’en-tête Message-ID de notre message, avec ou sans chevrons.")
    )
    recipient = serializers.EmailField(max_length=254)
    code = serializers.CharField(
        max_length=20, required=False, allow_blank=True, default="", help_text=lazy("RFC 3463, comme 5.1.1.")
    )
    detail = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")
    happened_at = InstantField()


class MailEventsReceivedSerializer(serializers.Serializer):
    created = serializers.IntegerField()
    known = serializers.IntegerField(help_text=lazy("Déjà reçus : rien n’a changé."))
    effects = serializers.DictField(
        child=serializers.IntegerField(),
        help_text=lazy(
            "TAKEN_BACK : l’envoi est à reprendre. TOO_LATE : l’étape suivante était déjà partie. "
            "DELIVERED, NONE, UNKNOWN (message inconnu, ou hors de votre périmètre)."
        ),
    )


class MailEventList(ApiView):
    permissions = {"write": "dunning.receive_mail_events"}
    scope = "mail-events"
    queryset = MailEvent.objects.none()
    serializer_class = MailEventsReceivedSerializer
    filter_backends = ()
    parser_classes = (StrictJSONParser, ReportParser)

    def check_body_size(self, request: Request) -> None:
        if _is_report(request):
            check_size(request, _LARGEST)
        else:
            super().check_body_size(request)

    @extend_schema(
        operation_id="mail_events_create",
        summary=lazy("Transmettre ce qu’il advient des e-mails"),
        description=lazy(
            "Un événement, une liste d’événements (1 000 au plus), ou le message reçu par l’adresse d’expédition "
            "(`message/rfc822`) : avis de remise RFC 3464, signalement RFC 5965, retour en clair. Un message qui n’est "
            "aucun de ceux-là ne donne aucun événement. Le même événement transmis deux fois ne change rien."
        ),
        request={
            "application/json": PolymorphicProxySerializer(
                component_name="MailEventBody",
                serializers=[MailEventSerializer, MailEventSerializer(many=True)],
                resource_type_field_name=None,
                many=False,
            ),
            MEDIA_TYPE: OpenApiTypes.STR,
        },
        responses={201: MailEventsReceivedSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        self.check_parameters()
        if _is_report(request):
            events = events_of(str(request.data.get("report", "")).encode("latin-1"))
        else:
            events = self._given(request)
        received = receive_mail_events(
            actor=request.user, events=events, today=clock.today(), now=clock.now()
        )
        body = {
            "created": received.created,
            "known": received.known,
            "effects": {str(effect): count for effect, count in sorted(received.effects.items())},
        }
        return Response(body, status=status.HTTP_201_CREATED)

    def _given(self, request: Request) -> list[ToldEvent]:
        data = request.data
        many = isinstance(data, list)
        if many and not 1 <= len(data) <= MOST_AT_ONCE:
            raise Problem(_("Envoyez de 1 à 1 000 événements à la fois."), code="invalid")
        given = MailEventSerializer(data=data, many=many, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        return [_told(row) for row in (given.validated_data if many else [given.validated_data])]


def _told(row: Mapping[str, Any]) -> ToldEvent:
    return ToldEvent(
        kind=row["kind"],
        source=MailEvent.Source.WEBHOOK,
        message_id=bracketed(row["message_id"]),
        recipient=row["recipient"],
        code=row["code"],
        detail=row["detail"],
        happened_at=row["happened_at"],
        identity=row["id"],
    )


def _is_report(request: Request) -> bool:
    return (request.META.get("CONTENT_TYPE") or "").split(";")[0].strip().lower() == MEDIA_TYPE
