"""What a person says when he uploads a file."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core.money import format_count
from core.rights import Actor
from customers.models import LegalEntity
from invoices.models import ImportBatch
from invoices.operations.imports import too_large_message
from invoices.readers.limits import MIB

_AUTOMATIC = ("", _("Reconnu automatiquement"))


class DialectForm(forms.Form):
    """How to read the file, where the automatic choice is wrong."""

    encoding = forms.ChoiceField(
        label=_("Encodage"),
        required=False,
        choices=[_AUTOMATIC, ("utf-8", "UTF-8"), ("cp1252", "Windows-1252"), ("utf-16", "UTF-16")],
    )
    delimiter = forms.ChoiceField(
        label=_("Séparateur"),
        required=False,
        choices=[
            _AUTOMATIC,
            (";", _("Point-virgule ;")),
            (",", _("Virgule ,")),
            ("\t", _("Tabulation")),
            ("|", _("Barre |")),
        ],
    )
    decimal = forms.ChoiceField(
        label=_("Décimales"),
        required=False,
        choices=[_AUTOMATIC, (",", _("Virgule : 1 234,56")), (".", _("Point : 1,234.56"))],
    )
    date_order = forms.ChoiceField(
        label=_("Dates"),
        required=False,
        choices=[
            _AUTOMATIC,
            ("dmy", _("Jour/mois/année : 31/12/2026")),
            ("mdy", _("Mois/jour/année : 12/31/2026")),
        ],
    )

    def options(self) -> dict[str, str]:
        """The choices made, for the operations."""
        return {name: self.cleaned_data[name] for name in DIALECT_FIELDS if self.cleaned_data.get(name)}


DIALECT_FIELDS = ("encoding", "delimiter", "decimal", "date_order")


class RereadForm(DialectForm):
    """The same choices for a file that is there already; a workbook's sheet too."""

    sheet = forms.CharField(
        label=_("Feuille du classeur"),
        required=False,
        max_length=100,
        help_text=_("Vide : la première feuille visible qui a les colonnes attendues."),
    )

    def __init__(self, *args: object, batch: ImportBatch, **kwargs: object) -> None:
        super().__init__(*args, initial=batch.options, **kwargs)  # type: ignore[arg-type]
        workbook = batch.file.content_type != "text/csv"
        for name in ("encoding", "delimiter") if workbook else ("sheet",):
            del self.fields[name]

    def options(self) -> dict[str, str]:
        sheet = self.cleaned_data.get("sheet")
        return super().options() | ({"sheet": sheet} if sheet else {})


class UploadForm(DialectForm):
    """A file of items for one legal entity."""

    entity = forms.ModelChoiceField(
        label=_("Entité juridique"),
        queryset=LegalEntity.objects.none(),
        empty_label=None,
        help_text=_("Celle qui a émis les factures : les codes clients sont les siens."),
    )
    file = forms.FileField(label=_("Fichier CSV ou XLSX"), max_length=255, allow_empty_file=True)

    field_order = ("entity", "file", *DIALECT_FIELDS)

    def __init__(self, *args: object, actor: Actor, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["entity"].queryset = LegalEntity.objects.visible_to(actor)  # type: ignore[attr-defined]
        self.fields["file"].help_text = _("%(size)d Mio et %(rows)s lignes au plus.") % {
            "size": settings.IMPORT_MAX_BYTES // MIB,
            "rows": format_count(settings.IMPORT_MAX_ROWS),
        }
        self.fields["file"].widget.attrs["accept"] = ".csv,.txt,.xlsx"

    def clean_file(self) -> object:
        file = self.cleaned_data["file"]
        if file.size > settings.IMPORT_MAX_BYTES:
            raise forms.ValidationError(too_large_message(file.size), code="file_too_large")
        return file


class CommitForm(forms.Form):
    """Whether the rows in error are left out."""

    accept_rejects = forms.BooleanField(required=False)
