"""Files of the bank for partners: send one, read what it brings, accept it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
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
from core.api.views import ApiView
from core.rights import Actor
from customers.api import ETAG, IF_MATCH, NOT_MODIFIED, VisibleEntityField
from customers.identifiers import IdentifierError, clean_iban
from customers.models import LegalEntity
from invoices.api.uploads import ID, RawFileParser, UploadView, file_too_large, location
from invoices.bank import file_error, outcome_of, shown
from invoices.filters_bank import BankFileFilter
from invoices.models import BankAccount, BankFile, BankStatement
from invoices.operations import bank_files as operations
from invoices.readers.detection import DELIMITERS, ENCODINGS

MOST_STATEMENTS = 500
LOCATION = location(lazy("L’adresse du fichier."))


class StatementParser(RawFileParser):
    media_type = "application/octet-stream"
    file_name = "releve"
    fields = ("legal_entity", "bank_account", "name")


class XmlStatementParser(StatementParser):
    media_type = "application/xml"


class TextStatementParser(StatementParser):
    media_type = "text/plain"


class StatementUploadSerializer(StrictSerializer):
    legal_entity = VisibleEntityField(help_text=lazy("Code de l’entité juridique dont c’est le compte."))
    file = serializers.FileField(
        max_length=255,
        allow_empty_file=True,
        help_text=lazy("CAMT.052, .053 ou .054, MT940 ou MT942, CFONB120 ou 240, OFX, CSV."),
    )
    bank_account = serializers.CharField(
        required=False, max_length=50, help_text=lazy("IBAN du compte, pour un fichier qui n’en nomme pas.")
    )
    encoding = serializers.ChoiceField(required=False, choices=list(ENCODINGS))
    delimiter = serializers.ChoiceField(required=False, choices=list(DELIMITERS))
    decimal = serializers.ChoiceField(required=False, choices=[",", "."])
    date_order = serializers.ChoiceField(required=False, choices=["dmy", "mdy"])

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        data["bank_account"] = _account(data["legal_entity"], data.get("bank_account", ""))
        return data


class NoChoiceSerializer(StrictSerializer):
    pass


class StatementFileSerializer(serializers.Serializer):
    name = serializers.CharField()
    size = serializers.IntegerField(help_text=lazy("Octets."))
    sha256 = serializers.CharField()


class RemarkSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()


class LineCountsSerializer(serializers.Serializer):
    receipts = serializers.IntegerField(help_text=lazy("Encaissements à rapprocher."))
    returns = serializers.IntegerField(help_text=lazy("Impayés et rejets."))
    set_aside = serializers.IntegerField(help_text=lazy("Débits et frais, laissés de côté."))
    known = serializers.IntegerField(help_text=lazy("Déjà venus par un autre fichier."))


class BankStatementSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    status = serializers.ChoiceField(choices=BankStatement.Status.choices)
    kind = serializers.ChoiceField(choices=BankStatement.Kind.choices)
    bank_account = serializers.CharField(
        source="bank_account.iban",
        allow_null=True,
        default=None,
        help_text=lazy("IBAN ; null : compte inconnu."),
    )
    account_identification = serializers.CharField(help_text=lazy("Le compte tel que le fichier l’écrit."))
    identification = serializers.CharField()
    sequence = serializers.CharField()
    currency = serializers.CharField()
    from_date = serializers.DateField(allow_null=True)
    to_date = serializers.DateField(allow_null=True)
    opening_amount = MoneyField(allow_null=True)
    credit_amount = MoneyField()
    debit_amount = MoneyField()
    closing_amount = MoneyField(allow_null=True)
    line_count = serializers.IntegerField()
    known_count = serializers.IntegerField()
    remark = serializers.SerializerMethodField(help_text=lazy("Ce qui ne va pas, ou qu’il faut savoir."))

    @extend_schema_field(RemarkSerializer(allow_null=True))
    def get_remark(self, statement: BankStatement) -> dict[str, str] | None:
        message = shown(statement).message
        return {"code": statement.remark_code, "message": message} if message else None


class BankFileSummarySerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    legal_entity = serializers.CharField(source="legal_entity.code")
    status = serializers.ChoiceField(choices=BankFile.Status.choices)
    format = serializers.ChoiceField(choices=BankFile.Format.choices, allow_blank=True)
    file = StatementFileSerializer()
    error = serializers.SerializerMethodField(help_text=lazy("Pourquoi le fichier entier est refusé."))
    received_at = InstantField()
    read_at = InstantField(allow_null=True)
    accepted_at = InstantField(allow_null=True)
    updated_at = InstantField()

    @extend_schema_field(RemarkSerializer(allow_null=True))
    def get_error(self, bank_file: BankFile) -> dict[str, str] | None:
        if not bank_file.error_code:
            return None
        return {"code": bank_file.error_code, "message": file_error(bank_file)}


class BankFileSerializer(BankFileSummarySerializer):
    lines = serializers.SerializerMethodField(
        help_text=lazy("Les mouvements des relevés justes et nouveaux.")
    )
    statements = serializers.SerializerMethodField(help_text=lazy("Les relevés du fichier, 500 au plus."))

    @extend_schema_field(LineCountsSerializer())
    def get_lines(self, bank_file: BankFile) -> dict[str, int]:
        outcome = outcome_of(bank_file)
        return {name: getattr(outcome, name).count for name in ("receipts", "returns", "set_aside", "known")}

    @extend_schema_field(BankStatementSerializer(many=True))
    def get_statements(self, bank_file: BankFile) -> Any:
        statements = bank_file.statements.select_related("bank_account").order_by("rank")[:MOST_STATEMENTS]
        return BankStatementSerializer(statements, many=True).data


class BankFileList(UploadView):
    permissions = {"read": "invoices.import_statement", "write": "invoices.import_statement"}
    scope = "bank-statements"
    queryset = BankFile.objects.none()
    serializer_class = BankFileSummarySerializer
    filterset_class = BankFileFilter
    parser_classes = (MultiPartParser, StatementParser, XmlStatementParser, TextStatementParser)
    order = ("-pk",)

    @extend_schema(
        operation_id="bank_statements_list",
        summary=lazy("Lister les fichiers bancaires, le dernier d’abord"),
        responses=BankFileSummarySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(_visible(request.user))

    @extend_schema(
        operation_id="bank_statements_create",
        summary=lazy("Déposer un fichier de la banque"),
        description=lazy(
            "Par formulaire, ou le fichier seul comme corps (`application/octet-stream`, `application/xml`, "
            "`text/plain`) avec `?legal_entity=` dans l’adresse. Le fichier est lu ensuite : suivez `Location` "
            "jusqu’à l’état PREVIEWED. Le même relevé déposé deux fois, même dans un autre format, ne compte qu’une fois."
        ),
        request={
            "multipart/form-data": StatementUploadSerializer,
            "application/octet-stream": OpenApiTypes.BINARY,
        },
        parameters=[
            OpenApiParameter("legal_entity", OpenApiTypes.STR, description=lazy("Pour un corps nu.")),
            OpenApiParameter("bank_account", OpenApiTypes.STR, description=lazy("Pour un corps nu.")),
            OpenApiParameter("name", OpenApiTypes.STR, description=lazy("Nom du fichier, pour un corps nu.")),
            LOCATION,
            ETAG,
        ],
        responses={202: BankFileSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = StatementUploadSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        options = dict(given.validated_data)
        entity, file = options.pop("legal_entity"), options.pop("file")
        account = options.pop("bank_account")
        try:
            bank_file = operations.receive_bank_file(
                actor=request.user,
                entity=entity,
                file=file.file,
                name=file.name,
                bank_account=account,
                options=options,
                source=BankFile.Source.API,
                now=clock.now(),
            )
        except operations.BankFileRefused as refused:
            if refused.code == "file_too_large":
                raise file_too_large(refused.message) from None
            raise
        response = document_response(request, _represented(bank_file), status_code=status.HTTP_202_ACCEPTED)
        response["Location"] = reverse("api:bank-statement", [bank_file.uid], request=request)
        return response


class BankFileDetail(ApiView):
    permissions = {"read": "invoices.import_statement"}
    scope = "bank-statements"
    queryset = BankFile.objects.none()
    serializer_class = BankFileSerializer
    filter_backends = ()

    @extend_schema(
        operation_id="bank_statements_read",
        summary=lazy("Lire l’état d’un fichier bancaire et de ses relevés"),
        parameters=[ID, ETAG],
        responses={200: BankFileSerializer, 304: NOT_MODIFIED},
    )
    def get(self, request: Request, id: str) -> Response:
        self.check_parameters()
        return document_response(request, _represented(one_of(with_id(_visible(request.user), id))))


class BankFileAccept(ApiView):
    permissions = {"write": "invoices.import_statement"}
    scope = "bank-statements"
    queryset = BankFile.objects.none()
    serializer_class = BankFileSerializer
    filter_backends = ()
    conflicts = (operations.NothingToAccept,)
    problem_statuses = (412,)

    @extend_schema(
        operation_id="bank_statements_accept",
        summary=lazy("Enregistrer les mouvements d’un fichier bancaire"),
        description=lazy("Les encaissements et les impayés nouveaux attendent alors leur rapprochement."),
        request=NoChoiceSerializer,
        parameters=[ID, IF_MATCH, ETAG],
        responses={200: BankFileSerializer},
    )
    @idempotent
    def post(self, request: Request, id: str) -> Response:
        NoChoiceSerializer(data=request.data).is_valid(raise_exception=True)
        self.check_parameters()
        with transaction.atomic():
            found = one_of(with_id(_visible(request.user), id).select_for_update(of=("self",)))
            check_if_match(request, etag_of(_represented(found)))
            bank_file = operations.accept_bank_file(
                actor=request.user, bank_file=found, today=clock.today(), now=clock.now()
            )
        return document_response(request, _represented(bank_file))


def _account(entity: LegalEntity, iban: str) -> BankAccount | None:
    if not iban:
        return None
    try:
        found = BankAccount.objects.filter(legal_entity=entity, is_active=True, iban=clean_iban(iban)).first()
    except IdentifierError as error:
        raise serializers.ValidationError({"bank_account": [str(error)]}) from None
    if found is None:
        message = _("Aucun compte bancaire actif de cette entité n’a cet IBAN.")
        raise serializers.ValidationError({"bank_account": [message]}, code="account_unknown")
    return found


def _visible(actor: Actor) -> QuerySet[BankFile]:
    return BankFile.objects.visible_to(actor).select_related("legal_entity", "file")


def _represented(bank_file: BankFile) -> Mapping[str, Any]:
    return BankFileSerializer(bank_file).data
