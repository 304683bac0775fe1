"""What partners order on a batch: confirm, commit, cancel, take back."""

from django.db import transaction
from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api.etags import check_if_match, document_response, etag_of
from core.api.idempotency import idempotent
from core.api.ids import one_of, with_id
from core.api.views import ApiView
from customers.api import ETAG, IF_MATCH
from invoices.api.batch_access import LOCATION, accepted, represented, visible
from invoices.api.batch_shapes import (
    BatchSerializer,
    CommitSerializer,
    ConfirmationSerializer,
    NothingSerializer,
    RollbackSerializer,
)
from invoices.api.uploads import ID
from invoices.models import ImportBatch
from invoices.operations import imports as operations


class BatchStep(ApiView):
    """A step of one batch, asked for by POST."""

    permissions = {"write": "invoices.import"}
    scope = "invoice-batches"
    queryset = ImportBatch.objects.none()
    serializer_class = BatchSerializer
    filter_backends = ()
    conflicts = (
        operations.NothingToCommit,
        operations.RejectsNotAccepted,
        operations.SuspicionsNotConfirmed,
        operations.RollbackRefused,
    )
    problem_statuses = (412,)

    def expected(self, request: Request, id: str) -> ImportBatch:
        """The batch, locked, if it is as the request's If-Match expects it. In a transaction."""
        self.check_parameters()
        batch = one_of(with_id(visible(request.user), id).select_for_update(of=("self",)))
        check_if_match(request, etag_of(represented(batch)))
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
        return accepted(request, batch)


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
        return document_response(request, represented(batch))


class BatchConfirmations(BatchStep):
    @extend_schema(
        operation_id="invoice_batches_confirm",
        summary=lazy("Confirmer un point douteux"),
        description=lazy("Réservé à une personne : une clé de partenaire ne confirme rien."),
        request=ConfirmationSerializer,
        parameters=[ID, IF_MATCH, ETAG],
        responses={200: BatchSerializer},
    )
    @idempotent
    def post(self, request: Request, id: str) -> Response:
        given = ConfirmationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with transaction.atomic():
            batch = operations.confirm_suspicion(
                actor=request.user,
                batch=self.expected(request, id),
                code=given.validated_data["code"],
                now=clock.now(),
            )
        return document_response(request, represented(batch))


class BatchRollback(BatchStep):
    permissions = {"write": "invoices.undo_import"}

    @extend_schema(
        operation_id="invoice_batches_roll_back",
        summary=lazy("Retirer un lot enregistré"),
        description=lazy(
            "Tout ce que le lot a écrit est retiré, dans les sept jours et tant que rien n’en dépend ; suivez "
            "`Location` jusqu’à l’état ROLLED_BACK."
        ),
        request=RollbackSerializer,
        parameters=[ID, IF_MATCH, LOCATION, ETAG],
        responses={202: BatchSerializer},
    )
    @idempotent
    def post(self, request: Request, id: str) -> Response:
        given = RollbackSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with transaction.atomic():
            batch = operations.request_rollback(
                actor=request.user,
                batch=self.expected(request, id),
                reason=given.validated_data["reason"],
                now=clock.now(),
            )
        return accepted(request, batch)
