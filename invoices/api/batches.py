"""Batches of items for partners: send a file, read what it would change, commit it or give it up."""

from collections.abc import Mapping
from typing import Any

import django_filters
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from core import clock
from core.api.etags import check_if_match, document_response, etag_of
from core.api.fields import InstantField, MoneyField, StrictSerializer
from core.api.idempotency import idempotent
from core.api.ids import one_of, with_id
from core.api.parsers import check_size
from core.api.problems import FieldError, PayloadTooLarge
from core.api.renderers import CsvRenderer
from core.api.views import ApiView, ListView
from core.errors import WrongState
from core.rights import Actor
from customers.api import ETAG, IF_MATCH, NOT_MODIFIED, VisibleEntityField
from customers.filters import visible_entities
from invoices.imports import errors_of, file_error, rejects_csv
from invoices.models import ImportBatch, ImportRow
from invoices.operations import imports as operations
from invoices.readers.detection import DELIMITERS, ENCODINGS
from invoices.readers.limits import MIB

HAS_ROWS = (ImportBatch.Status.PREVIEWED, ImportBatch.Status.COMMITTING, ImportBatch.Status.COMMITTED)
# The multipart frame and its other fields.
_FRAME = MIB
# So much of a body that is too large anyway is read and thrown away: a client that may not finish reads no answer.
_DRAINED = 512 * MIB
ID = OpenApiParameter(
    "id", OpenApiTypes.UUID, OpenApiParameter.PATH, description=lazy("L’identifiant rendu au dépôt.")
)
LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.URI,
    OpenApiParameter.HEADER,
    response=["202"],
    description=lazy("L’adresse du lot."),
)


class UploadSerializer(StrictSerializer):
    legal_entity = VisibleEntityField(help_text=lazy("Code de l’entité juridique qui a émis les pièces."))
    file = serializers.FileField(max_length=255, allow_empty_file=True, help_text=lazy("CSV ou XLSX."))
    encoding = serializers.ChoiceField(required=False, choices=list(ENCODINGS))
    delimiter = serializers.ChoiceField(required=False, choices=list(DELIMITERS))
    decimal = serializers.ChoiceField(required=False, choices=[",", "."])
    date_order = serializers.ChoiceField(required=False, choices=["dmy", "mdy"])
    sheet = serializers.CharField(required=False, max_length=100)


class CommitSerializer(StrictSerializer):
    accept_rejects = serializers.BooleanField(
        default=False, help_text=lazy("Enregistrer les lignes justes même si d’autres sont en erreur.")
    )


class NothingSerializer(StrictSerializer):
    pass


class BatchFileSerializer(serializers.Serializer):
    name = serializers.CharField()
    size = serializers.IntegerField(help_text=lazy("Octets."))
    sha256 = serializers.CharField()


class BatchRowCountsSerializer(serializers.Serializer):
    read = serializers.IntegerField(source="done")
    new = serializers.IntegerField(source="new_count")
    unchanged = serializers.IntegerField(source="unchanged_count")
    errors = serializers.IntegerField(source="error_count")


class BatchErrorSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()


class BatchSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    legal_entity = serializers.CharField(source="legal_entity.code")
    status = serializers.ChoiceField(choices=ImportBatch.Status.choices)
    file = BatchFileSerializer()
    rows = BatchRowCountsSerializer(source="*")
    new_amounts = serializers.DictField(
        child=MoneyField(), help_text=lazy("Montant des pièces nouvelles, par devise.")
    )
    receivable_before = serializers.DictField(
        child=MoneyField(), help_text=lazy("Encours avant, par devise.")
    )
    receivable_after = serializers.DictField(child=MoneyField(), help_text=lazy("Encours après, par devise."))
    accept_rejects = serializers.BooleanField()
    error = serializers.SerializerMethodField(help_text=lazy("Pourquoi le lot entier s’est arrêté."))
    received_at = InstantField()
    read_at = InstantField(allow_null=True)
    committed_at = InstantField(allow_null=True)
    updated_at = InstantField()

    @extend_schema_field(BatchErrorSerializer(allow_null=True))
    def get_error(self, batch: ImportBatch) -> dict[str, str] | None:
        return {"code": batch.error_code, "message": file_error(batch)} if batch.error_code else None


class RowErrorSerializer(serializers.Serializer):
    column = serializers.CharField(help_text=lazy("La colonne, sous le nom que lui donne le fichier."))
    field = serializers.CharField(help_text=lazy("La donnée attendue ; vide pour la ligne entière."))
    code = serializers.CharField()
    value = serializers.CharField()
    message = serializers.CharField()


class RowSerializer(serializers.Serializer):
    line = serializers.IntegerField(help_text=lazy("Numéro de ligne dans le fichier."))
    outcome = serializers.ChoiceField(choices=ImportRow.Outcome.choices)
    customer_code = serializers.CharField(allow_null=True)
    number = serializers.CharField(allow_null=True)
    instalment = serializers.IntegerField()
    kind = serializers.CharField(allow_null=True)
    issue_date = serializers.DateField(allow_null=True)
    due_date = serializers.DateField(allow_null=True)
    due_date_computed = serializers.BooleanField()
    currency = serializers.CharField(allow_null=True)
    total_amount = MoneyField(allow_null=True)
    errors = serializers.SerializerMethodField()

    @extend_schema_field(RowErrorSerializer(many=True))
    def get_errors(self, row: ImportRow) -> Any:
        return RowErrorSerializer(errors_of(row, self.context["headers"]), many=True).data


class BatchFilter(django_filters.FilterSet):
    status = django_filters.MultipleChoiceFilter(label=lazy("État"), choices=ImportBatch.Status.choices)
    entity = django_filters.ModelChoiceFilter(
        label=lazy("Entité"), field_name="legal_entity", to_field_name="code", queryset=visible_entities
    )

    class Meta:
        model = ImportBatch
        fields: list[str] = []


class RowFilter(django_filters.FilterSet):
    outcome = django_filters.MultipleChoiceFilter(label=lazy("Sort"), choices=ImportRow.Outcome.choices)

    class Meta:
        model = ImportRow
        fields: list[str] = []


class BatchList(ListView):
    permissions = {"read": "invoices.view", "write": "invoices.import"}
    scope = "invoice-batches"
    queryset = ImportBatch.objects.none()
    serializer_class = BatchSerializer
    filterset_class = BatchFilter
    parser_classes = (MultiPartParser,)
    order = ("-pk",)

    def check_body_size(self, request: Request) -> None:
        try:
            check_size(request, settings.IMPORT_MAX_BYTES + _FRAME)
        except PayloadTooLarge:
            size = int(request.META["CONTENT_LENGTH"][:20])
            left = min(size, _DRAINED)
            while left > 0 and (chunk := request._request.read(min(left, MIB))):
                left -= len(chunk)
            raise _too_large(operations.too_large_message(size)) from None

    @extend_schema(
        operation_id="invoice_batches_list",
        summary=lazy("Lister les lots, le dernier d’abord"),
        responses=BatchSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(_visible(request.user))

    @extend_schema(
        operation_id="invoice_batches_create",
        summary=lazy("Déposer un fichier de pièces"),
        description=lazy(
            "Le fichier est lu ensuite : suivez `Location` jusqu’à l’état PREVIEWED, puis validez ou annulez. Rien "
            "n’entre au grand livre avant la validation, et le même fichier déposé deux fois n’y ajoute rien."
        ),
        request=UploadSerializer,
        parameters=[LOCATION, ETAG],
        responses={202: BatchSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = UploadSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        options = dict(given.validated_data)
        entity, file = options.pop("legal_entity"), options.pop("file")
        try:
            batch = operations.receive_batch(
                actor=request.user,
                entity=entity,
                file=file.file,
                name=file.name,
                options=options,
                now=clock.now(),
            )
        except operations.FileRefused as refused:
            if refused.code == "file_too_large":
                raise _too_large(refused.message) from None
            raise
        return _accepted(request, batch)


class BatchDetail(ApiView):
    permissions = {"read": "invoices.view"}
    scope = "invoice-batches"
    queryset = ImportBatch.objects.none()
    serializer_class = BatchSerializer
    filter_backends = ()

    @extend_schema(
        operation_id="invoice_batches_read",
        summary=lazy("Lire l’état d’un lot"),
        parameters=[ID, ETAG],
        responses={200: BatchSerializer, 304: NOT_MODIFIED},
    )
    def get(self, request: Request, id: str) -> Response:
        self.check_parameters()
        return document_response(request, _represented(_one(request.user, id)))


class BatchRows(ListView):
    permissions = {"read": "invoices.view"}
    scope = "invoice-batches"
    queryset = ImportRow.objects.none()
    serializer_class = RowSerializer
    filterset_class = RowFilter
    order = ("line",)

    @extend_schema(
        operation_id="invoice_batches_rows",
        summary=lazy("Lire les lignes d’un lot et leurs erreurs"),
        parameters=[ID],
        responses=RowSerializer(many=True),
    )
    def get(self, request: Request, id: str) -> Response:
        batch = _one(request.user, id)
        return self.page(batch.rows.all(), headers=batch.dialect.get("columns", {}))


class BatchErrorsFile(ApiView):
    permissions = {"read": "invoices.view"}
    scope = "invoice-batches"
    queryset = ImportBatch.objects.none()
    serializer_class = BatchSerializer
    filter_backends = ()
    renderer_classes = (CsvRenderer,)
    problem_statuses = (409,)

    @extend_schema(
        operation_id="invoice_batches_errors_file",
        summary=lazy("Télécharger les lignes en erreur"),
        description=lazy(
            "Les lignes du fichier déposé, avec leur numéro et leurs erreurs : à corriger et à redéposer."
        ),
        parameters=[ID],
        responses={200: OpenApiTypes.STR},
    )
    def get(self, request: Request, id: str) -> StreamingHttpResponse:
        self.check_parameters()
        batch = _one(request.user, id)
        if batch.status not in HAS_ROWS:
            raise WrongState(
                _("Ce lot n’a pas de lignes à rendre : il n’est pas lu, ou il est annulé."), field="status"
            )
        response = StreamingHttpResponse(rejects_csv(batch), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="rejets-lot-{batch.pk}.csv"'
        return response


class BatchStep(ApiView):
    """A step of one batch, asked for by POST."""

    permissions = {"write": "invoices.import"}
    scope = "invoice-batches"
    queryset = ImportBatch.objects.none()
    serializer_class = BatchSerializer
    filter_backends = ()
    conflicts = (operations.NothingToCommit, operations.RejectsNotAccepted)
    problem_statuses = (412,)

    def expected(self, request: Request, id: str) -> ImportBatch:
        """The batch, locked, if it is as the request's If-Match expects it. In a transaction."""
        self.check_parameters()
        batch = one_of(with_id(_visible(request.user), id).select_for_update(of=("self",)))
        check_if_match(request, etag_of(_represented(batch)))
        return batch


class BatchCommit(BatchStep):
    @extend_schema(
        operation_id="invoice_batches_commit",
        summary=lazy("Valider un lot"),
        description=lazy(
            "Les lignes nouvelles entrent au grand livre ; suivez `Location` jusqu’à l’état COMMITTED."
        ),
        request=CommitSerializer,
        parameters=[ID, IF_MATCH, LOCATION, ETAG],
        responses={202: BatchSerializer},
    )
    @idempotent
    def post(self, request: Request, id: str) -> Response:
        given = CommitSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with transaction.atomic():
            batch = operations.commit_batch(
                actor=request.user,
                batch=self.expected(request, id),
                accept_rejects=given.validated_data["accept_rejects"],
                today=clock.today(),
                now=clock.now(),
            )
        return _accepted(request, batch)


class BatchCancel(BatchStep):
    @extend_schema(
        operation_id="invoice_batches_cancel",
        summary=lazy("Annuler un lot"),
        request=NothingSerializer,
        parameters=[ID, IF_MATCH, ETAG],
        responses={200: BatchSerializer},
    )
    @idempotent
    def post(self, request: Request, id: str) -> Response:
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        with transaction.atomic():
            batch = operations.cancel_batch(
                actor=request.user, batch=self.expected(request, id), now=clock.now()
            )
        return document_response(request, _represented(batch))


def _visible(actor: Actor) -> QuerySet[ImportBatch]:
    return ImportBatch.objects.visible_to(actor).select_related("legal_entity", "file")


def _one(actor: Actor, id: str) -> ImportBatch:
    return one_of(with_id(_visible(actor), id))


def _represented(batch: ImportBatch) -> Mapping[str, Any]:
    return BatchSerializer(batch).data


def _accepted(request: Request, batch: ImportBatch) -> Response:
    response = document_response(request, _represented(batch), status_code=status.HTTP_202_ACCEPTED)
    response["Location"] = reverse("api:invoice-batch", [batch.uid], request=request)
    return response


def _too_large(message: str) -> PayloadTooLarge:
    return PayloadTooLarge(
        message, code="file_too_large", errors=[FieldError("#/file", "file_too_large", message)]
    )
