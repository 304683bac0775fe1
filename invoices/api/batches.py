"""Batches of items for partners: send a file, read what it would change, commit it or give it up."""

import django_filters
from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api.etags import document_response
from core.api.idempotency import idempotent
from core.api.parsers import check_size
from core.api.problems import FieldError, PayloadTooLarge
from core.api.renderers import CsvRenderer
from core.api.views import ApiView, ListView
from core.errors import WrongState
from customers.api import ETAG, NOT_MODIFIED
from customers.filters import visible_entities
from customers.models import LegalEntity
from invoices.api.batch_access import ID, LOCATION, accepted, one, represented, visible
from invoices.api.batch_parsers import JsonLinesParser, JsonLinesUpload, NdjsonParser
from invoices.api.batch_shapes import BatchSerializer, RowSerializer, UploadSerializer
from invoices.import_report import report_csv
from invoices.imports import rejects_csv
from invoices.models import ImportBatch, ImportProfile, ImportRow
from invoices.operations import imports as operations
from invoices.readers.limits import MIB

HAS_ROWS = ("PREVIEWED", "TO_APPROVE", "COMMITTING", "COMMITTED", "ROLLING_BACK", "ROLLED_BACK")
# The multipart frame and its other fields.
_FRAME = MIB
# So much of a body that is too large anyway is read and thrown away: a client that may not finish reads no answer.
_DRAINED = 512 * MIB


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
    parser_classes = (MultiPartParser, JsonLinesParser, NdjsonParser)
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
        return self.page(visible(request.user))

    @extend_schema(
        operation_id="invoice_batches_create",
        summary=lazy("Déposer un fichier de pièces"),
        description=lazy(
            "Le fichier est lu ensuite : suivez `Location` jusqu’à l’état PREVIEWED, puis validez ou annulez. Rien "
            "n’entre au grand livre avant la validation, et le même fichier déposé deux fois n’y ajoute rien. Du JSON par "
            "lignes peut aussi être le corps même (`application/jsonl`, `application/x-ndjson`) : les autres champs "
            "vont alors dans l’adresse."
        ),
        request=UploadSerializer,
        parameters=[LOCATION, ETAG],
        responses={202: BatchSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = UploadSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        fields = dict(given.validated_data)
        entity, file = fields.pop("legal_entity"), fields.pop("file")
        profile = self.source(entity, fields.pop("source", ""))
        mode = fields.pop("mode", "") or (profile.mode if profile else ImportBatch.Mode.DELTA)
        as_of = fields.pop("as_of", None)
        if mode == ImportBatch.Mode.SNAPSHOT:
            as_of = as_of or clock.today()
        creates = fields.pop("creates_customers", None)
        try:
            batch = operations.receive_batch(
                actor=request.user,
                entity=entity,
                file=file.file,
                name=file.name,
                file_format="JSON_LINES" if isinstance(file, JsonLinesUpload) else "",
                subject=fields.pop("subject", ImportBatch.Subject.ITEMS),
                mode=mode,
                as_of=as_of,
                profile=profile,
                creates_customers=bool(profile and profile.creates_customers) if creates is None else creates,
                source=ImportBatch.Source.API,
                options={name: str(value) for name, value in fields.items()},
                now=clock.now(),
            )
        except operations.FileRefused as refused:
            if refused.code == "file_too_large":
                raise _too_large(refused.message) from None
            raise
        return accepted(request, batch)

    @staticmethod
    def source(entity: LegalEntity, name: str) -> ImportProfile | None:
        """The saved source of this name. Raises a problem when the entity has none."""
        if not name:
            return None
        found = ImportProfile.objects.filter(legal_entity=entity, name=name, is_archived=False).first()
        if found is None:
            message = _("L’entité n’a pas de source « %(name)s ».") % {"name": name}
            raise ValidationError({"source": [ErrorDetail(message, "unknown")]})
        return found


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
        return document_response(request, represented(one(request.user, id)))


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
        batch = one(request.user, id)
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
        batch = one(request.user, id)
        if batch.status not in HAS_ROWS:
            raise WrongState(
                _("Ce lot n’a pas de lignes à rendre : il n’est pas lu, ou il est annulé."), field="status"
            )
        response = StreamingHttpResponse(rejects_csv(batch), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="rejets-lot-{batch.pk}.csv"'
        return response


class BatchReportFile(ApiView):
    permissions = {"read": "invoices.view"}
    scope = "invoice-batches"
    queryset = ImportBatch.objects.none()
    serializer_class = BatchSerializer
    filter_backends = ()
    renderer_classes = (CsvRenderer,)
    problem_statuses = (409,)

    @extend_schema(
        operation_id="invoice_batches_report_file",
        summary=lazy("Télécharger le compte rendu de toutes les lignes"),
        description=lazy(
            "Une ligne par ligne du fichier : son sort, ses modifications, ses erreurs, ses points douteux."
        ),
        parameters=[ID],
        responses={200: OpenApiTypes.STR},
    )
    def get(self, request: Request, id: str) -> StreamingHttpResponse:
        self.check_parameters()
        batch = one(request.user, id)
        if batch.status not in HAS_ROWS:
            raise WrongState(
                _("Ce lot n’a pas de lignes à rendre : il n’est pas lu, ou il est annulé."), field="status"
            )
        response = StreamingHttpResponse(report_csv(batch), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="compte-rendu-lot-{batch.pk}.csv"'
        return response


def _too_large(message: str) -> PayloadTooLarge:
    return PayloadTooLarge(
        message, code="file_too_large", errors=[FieldError("#/file", "file_too_large", message)]
    )
