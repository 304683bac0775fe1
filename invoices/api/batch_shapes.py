"""The shapes of batches on the API: what is sent, and what is read."""

from typing import Any

from django.utils.translation import gettext_lazy as lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import InstantField, MoneyField, StrictSerializer
from customers.api import VisibleEntityField
from invoices.import_changes import batch_suspicions, row_remarks
from invoices.import_dependents import may_roll_back_until
from invoices.imports import errors_of, file_error
from invoices.models import ImportBatch, ImportRow
from invoices.readers.detection import DELIMITERS, ENCODINGS
from invoices.readers.profiles import CREDIT_CHOICES, SIGNS


class UploadSerializer(StrictSerializer):
    legal_entity = VisibleEntityField(help_text=lazy("Code de l’entité juridique qui a émis les pièces."))
    file = serializers.FileField(
        max_length=255,
        allow_empty_file=True,
        help_text=lazy(
            "CSV, XLSX, fichier des écritures comptables, facture électronique (XML, PDF, archive ZIP) ou JSON par lignes."
        ),
    )
    subject = serializers.ChoiceField(required=False, choices=ImportBatch.Subject.choices)
    mode = serializers.ChoiceField(
        required=False,
        choices=ImportBatch.Mode.choices,
        help_text=lazy("SNAPSHOT : le fichier montre toutes les pièces ouvertes, les absentes sont soldées."),
    )
    as_of = serializers.DateField(
        required=False,
        help_text=lazy("Le jour dont un SNAPSHOT montre la situation ; à défaut, aujourd’hui."),
    )
    source = serializers.CharField(
        required=False,
        max_length=80,
        help_text=lazy("Nom de la source enregistrée qui dit comment lire le fichier."),
    )
    creates_customers = serializers.BooleanField(required=False)
    encoding = serializers.ChoiceField(required=False, choices=list(ENCODINGS))
    delimiter = serializers.ChoiceField(required=False, choices=list(DELIMITERS))
    decimal = serializers.ChoiceField(required=False, choices=[",", "."])
    date_order = serializers.ChoiceField(required=False, choices=["dmy", "mdy"])
    sheet = serializers.CharField(required=False, max_length=100)
    header_line = serializers.IntegerField(required=False, min_value=0, max_value=50)
    sign = serializers.ChoiceField(required=False, choices=list(SIGNS))
    credit_kind = serializers.ChoiceField(required=False, choices=list(CREDIT_CHOICES))


class CommitSerializer(StrictSerializer):
    accept_rejects = serializers.BooleanField(
        default=False, help_text=lazy("Enregistrer les lignes justes même si d’autres sont en erreur.")
    )


class ConfirmationSerializer(StrictSerializer):
    code = serializers.CharField(
        max_length=40, help_text=lazy("Le code du point douteux, comme dans `suspicions`.")
    )


class RollbackSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=200, help_text=lazy("Pourquoi le lot est retiré."))


class NothingSerializer(StrictSerializer):
    pass


class BatchFileSerializer(serializers.Serializer):
    name = serializers.CharField()
    size = serializers.IntegerField(help_text=lazy("Octets."))
    sha256 = serializers.CharField()


class BatchRowCountsSerializer(serializers.Serializer):
    read = serializers.IntegerField(source="done")
    new = serializers.IntegerField(source="new_count")
    changed = serializers.IntegerField(source="changed_count")
    cleared = serializers.IntegerField(
        source="cleared_count", help_text=lazy("Pièces qu’un SNAPSHOT ne montre plus.")
    )
    unchanged = serializers.IntegerField(source="unchanged_count")
    skipped = serializers.IntegerField(source="skipped_count")
    suspicious = serializers.IntegerField(source="suspicious_count")
    new_customers = serializers.IntegerField(source="new_customer_count")
    errors = serializers.IntegerField(source="error_count")


class BatchErrorSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()


class BatchSuspicionSerializer(serializers.Serializer):
    code = serializers.CharField()
    count = serializers.IntegerField()
    message = serializers.CharField()
    amounts = serializers.DictField(child=MoneyField(), help_text=lazy("Ce qui bouge, par devise."))
    confirmed = serializers.BooleanField(source="is_confirmed")


class BatchSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="uid")
    legal_entity = serializers.CharField(source="legal_entity.code")
    status = serializers.ChoiceField(choices=ImportBatch.Status.choices)
    subject = serializers.ChoiceField(choices=ImportBatch.Subject.choices)
    format = serializers.ChoiceField(choices=ImportBatch.Format.choices)
    mode = serializers.ChoiceField(choices=ImportBatch.Mode.choices)
    as_of = serializers.DateField(allow_null=True)
    source = serializers.CharField(source="profile.name", default=None, allow_null=True)
    creates_customers = serializers.BooleanField()
    file = BatchFileSerializer()
    rows = BatchRowCountsSerializer(source="*")
    new_amounts = serializers.DictField(
        child=MoneyField(), help_text=lazy("Montant des pièces nouvelles, par devise.")
    )
    changed_amounts = serializers.DictField(
        child=MoneyField(), help_text=lazy("Variation due aux pièces modifiées, par devise.")
    )
    cleared_amounts = serializers.DictField(
        child=MoneyField(), help_text=lazy("Montants soldés par un SNAPSHOT, par devise.")
    )
    receivable_before = serializers.DictField(
        child=MoneyField(), help_text=lazy("Encours avant, par devise.")
    )
    receivable_after = serializers.DictField(child=MoneyField(), help_text=lazy("Encours après, par devise."))
    accept_rejects = serializers.BooleanField()
    suspicions = serializers.SerializerMethodField(
        help_text=lazy("Ce qu’une personne doit confirmer avant la validation.")
    )
    needs_second_person = serializers.BooleanField(
        help_text=lazy("La validation attend ensuite l’approbation d’une autre personne (TO_APPROVE).")
    )
    error = serializers.SerializerMethodField(help_text=lazy("Pourquoi le lot entier s’est arrêté."))
    received_at = InstantField()
    read_at = InstantField(allow_null=True)
    committed_at = InstantField(allow_null=True)
    rolled_back_at = InstantField(allow_null=True)
    may_roll_back_until = serializers.SerializerMethodField(
        help_text=lazy("Jusqu’à quand le lot peut être retiré, tant que rien n’en dépend.")
    )
    updated_at = InstantField()

    @extend_schema_field(BatchErrorSerializer(allow_null=True))
    def get_error(self, batch: ImportBatch) -> dict[str, str] | None:
        return {"code": batch.error_code, "message": file_error(batch)} if batch.error_code else None

    @extend_schema_field(BatchSuspicionSerializer(many=True))
    def get_suspicions(self, batch: ImportBatch) -> Any:
        found = batch_suspicions(batch) if batch.suspicions else []
        return BatchSuspicionSerializer(found, many=True).data

    @extend_schema_field(InstantField(allow_null=True))
    def get_may_roll_back_until(self, batch: ImportBatch) -> Any:
        until = may_roll_back_until(batch)
        return None if until is None else InstantField().to_representation(until)


class RowErrorSerializer(serializers.Serializer):
    column = serializers.CharField(help_text=lazy("La colonne, sous le nom que lui donne le fichier."))
    field = serializers.CharField(help_text=lazy("La donnée attendue ; vide pour la ligne entière."))
    code = serializers.CharField()
    pointer = serializers.CharField(help_text=lazy("Où, dans une ligne JSON."))
    value = serializers.CharField()
    message = serializers.CharField()


class RowChangeSerializer(serializers.Serializer):
    field = serializers.CharField(source="column")
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)


class RowSuspicionSerializer(serializers.Serializer):
    field = serializers.CharField()
    code = serializers.CharField()
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
    vat_amount = MoneyField(allow_null=True)
    open_amount = MoneyField(allow_null=True, help_text=lazy("Reste dû selon le fichier."))
    reference = serializers.CharField()
    document_name = serializers.CharField(help_text=lazy("Le fichier de l’archive d’où vient la ligne."))
    skipped = serializers.SerializerMethodField(help_text=lazy("Pourquoi la ligne est laissée de côté."))
    changes = RowChangeSerializer(many=True)
    suspicions = serializers.SerializerMethodField()
    errors = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_skipped(self, row: ImportRow) -> Any:
        return row.details.get("skipped")

    @extend_schema_field(RowSuspicionSerializer(many=True))
    def get_suspicions(self, row: ImportRow) -> Any:
        return [
            {"field": found.get("column", ""), "code": found["code"], "message": message}
            for found, message in zip(row.suspicions, row_remarks(row), strict=True)
        ]

    @extend_schema_field(RowErrorSerializer(many=True))
    def get_errors(self, row: ImportRow) -> Any:
        return RowErrorSerializer(errors_of(row, self.context["headers"]), many=True).data
