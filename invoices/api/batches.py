"""Batches of items for partners: send a file, read what it would change, commit it or give it up."""

from collections.abc import Callable, Iterator

import django_filters
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
from core.api.renderers import CsvRenderer
from core.api.views import ApiView, ListView
from core.errors import WrongState
from customers.api import ETAG, NOT_MODIFIED
from customers.filters import visible_entities
from customers.models import LegalEntity
from invoices.api.batch_access import LOCATION, accepted, one, represented, visible
from invoices.api.batch_parsers import JsonLinesParser, NdjsonParser
from invoices.api.batch_shapes import BatchSerializer, RowSerializer, UploadSerializer
from invoices.api.uploads import ID, RawFile, UploadView, file_too_large
from invoices.import_report import report_csv
from invoices.imports import rejects_csv
from invoices.models import ImportBatch, ImportProfile, ImportRow
from invoices.operations import imports as operations

HAS_ROWS = ("PREVIEWED", "TO_APPROVE", "COMMITTING", "COMMITTED", "ROLLING_BACK", "ROLLED_BACK")


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


class BatchList(UploadView):
    permissions = {"read": "invoices.view", "write": "invoices.import"}
    scope = "invoice-batches"
    queryset = ImportBatch.objects.none()
    serializer_class = BatchSerializer
    filterset_class = BatchFilter
    parser_classes = (MultiPartParser, JsonLinesParser, NdjsonParser)
    order = ("-pk",)

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
                file_format="JSON_LINES" if isinstance(file, RawFile) else "",
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
                raise file_too_large(refused.message) from None
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


class BatchRowsFile(ApiView):
    """The rows of a batch as a file, once it has been read."""

    permissions = {"read": "invoices.view"}
    scope = "invoice-batches"
    queryset = ImportBatch.objects.none()
    serializer_class = BatchSerializer
    filter_backends = ()
    renderer_classes = (CsvRenderer,)
    problem_statuses = (409,)

    def download(
        self, id: str, written: Callable[[ImportBatch], Iterator[str]], name: str
    ) -> StreamingHttpResponse:
        self.check_parameters()
        batch = one(self.request.user, id)
        if batch.status not in HAS_ROWS:
            raise WrongState(
                _("Ce lot n’a pas de lignes à rendre : il n’est pas lu, ou il est annulé."), field="status"
            )
        response = StreamingHttpResponse(written(batch), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}-lot-{batch.pk}.csv"'
        return response


class BatchErrorsFile(BatchRowsFile):
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
        return self.download(id, rejects_csv, "rejets")


class BatchReportFile(BatchRowsFile):
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
        return self.download(id, report_csv, "compte-rendu")
