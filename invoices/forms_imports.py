"""What a person says when he uploads files of items, and how to read them."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from core.money import format_count
from core.rights import Actor
from customers.models import LegalEntity
from invoices.models import ImportBatch, ImportGuard, ImportProfile
from invoices.operations.imports import too_large_message
from invoices.readers.limits import MIB

MOST_FILES = 50
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


class ManyFilesInput(forms.ClearableFileInput):
    """The browser's field for one or several files."""

    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """One or several files. `clean` gives a list."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        given = data if isinstance(data, list | tuple) else [data] if data else []
        if not given:
            super().clean(None, initial)
        if len(given) > MOST_FILES:
            raise forms.ValidationError(
                _("%(count)d fichiers d’un coup, %(most)d au plus. Déposez-les en plusieurs fois.")
                % {"count": len(given), "most": MOST_FILES}
            )
        return [super(ManyFilesField, self).clean(file, initial) for file in given]


class UploadForm(DialectForm):
    """Files for one legal entity."""

    entity = forms.ModelChoiceField(
        label=_("Entité juridique"),
        queryset=LegalEntity.objects.none(),
        empty_label=None,
        help_text=_("Celle qui a émis les factures : les codes clients sont les siens."),
    )
    subject = forms.ChoiceField(
        label=_("Contenu"),
        required=False,
        choices=ImportBatch.Subject.choices,
        initial=ImportBatch.Subject.ITEMS,
    )
    file = ManyFilesField(label=_("Fichiers"), max_length=255, allow_empty_file=True)
    profile = forms.ModelChoiceField(
        label=_("Source"),
        required=False,
        queryset=ImportProfile.objects.none(),
        empty_label=_("Reconnue d’après les en-têtes"),
        help_text=_("La façon de lire enregistrée pour cet export."),
    )
    mode = forms.ChoiceField(
        label=_("Le fichier contient"),
        required=False,
        choices=ImportBatch.Mode.choices,
        help_text=_("Toutes les pièces ouvertes : celles qui n’y sont plus sont soldées."),
    )
    as_of = forms.DateField(
        label=_("Situation au"),
        required=False,
        widget=DateInput,
        help_text=_("Pour un fichier de toutes les pièces ouvertes ; vide : aujourd’hui."),
    )
    creates_customers = forms.BooleanField(
        label=_("Créer les clients inconnus"),
        required=False,
        help_text=_("D’après le nom, l’adresse et les identifiants du fichier."),
    )

    def __init__(self, *args: object, actor: Actor, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        entities = LegalEntity.objects.visible_to(actor)
        self.fields["entity"].queryset = entities  # type: ignore[attr-defined]
        profiles = ImportProfile.objects.filter(legal_entity__in=entities, is_archived=False)
        self.fields["profile"].queryset = profiles  # type: ignore[attr-defined]
        if not profiles.exists():
            self.fields["profile"].widget = forms.HiddenInput()
        self.fields["file"].help_text = _("%(size)d Mio et %(rows)s lignes au plus par fichier.") % {
            "size": settings.IMPORT_MAX_BYTES // MIB,
            "rows": format_count(settings.IMPORT_MAX_ROWS),
        }
        self.fields["file"].widget.attrs["accept"] = ".csv,.txt,.xlsx,.xml,.pdf,.zip,.jsonl"

    def clean_file(self) -> list[UploadedFile]:
        files = self.cleaned_data["file"]
        for file in files:
            if file.size > settings.IMPORT_MAX_BYTES:
                raise forms.ValidationError(too_large_message(file.size), code="file_too_large")
        return files

    def clean_mode(self) -> str:
        return self.cleaned_data["mode"] or ImportBatch.Mode.DELTA

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        profile, entity = data.get("profile"), data.get("entity")
        if profile is not None and entity is not None and profile.legal_entity_id != entity.pk:
            self.add_error("profile", _("Cette source est celle d’une autre entité juridique."))
        if data.get("mode") == ImportBatch.Mode.SNAPSHOT and len(data.get("file") or ()) > 1:
            self.add_error(
                "file",
                _(
                    "Toutes les pièces ouvertes tiennent dans un seul fichier : déposez-les une à une, ou réunissez-les."
                ),
            )
        return data


class CommitForm(forms.Form):
    """Whether the rows in error are left out."""

    accept_rejects = forms.BooleanField(required=False)


class ReasonForm(forms.Form):
    """Why a batch goes back, or is taken back."""

    reason = forms.CharField(label=_("Motif"), max_length=200)


class GuardForm(forms.ModelForm):
    """What a legal entity finds suspicious in a batch."""

    class Meta:
        model = ImportGuard
        fields = ("cleared_share", "amount_factor", "volume_factor", "second_person_amount")
        help_texts = {
            "cleared_share": _(
                "Un fichier de toutes les pièces ouvertes qui en solderait davantage est douteux."
            ),
            "amount_factor": _(
                "Une pièce tant de fois plus grande que d’ordinaire chez ce client est douteuse."
            ),
            "volume_factor": _("Un fichier tant de fois plus long que d’ordinaire est douteux."),
            "second_person_amount": _(
                "Au-delà, ce qui est douteux doit être approuvé par une autre personne."
            ),
        }
