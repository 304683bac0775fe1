"""What a person says when he uploads statements, opens a bank account or has a folder watched."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core.rights import Actor
from customers.identifiers import format_iban
from customers.models import LegalEntity
from invoices.forms_imports import DialectForm
from invoices.models import BankAccount, BankFile, DropFolder, ImportProfile
from invoices.operations.imports import too_large_message
from invoices.readers.limits import MIB

MOST_FILES = 30


class AccountChoice(forms.ModelChoiceField):
    """A bank account, named with its entity and the end of its IBAN."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} · {obj.legal_entity.code} · …{obj.iban[-4:]} ({obj.currency})"


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once; always a list."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        given = data if isinstance(data, (list, tuple)) else [data]
        return [super(FilesField, self).clean(one, initial) for one in given or [None]]


class StatementUploadForm(DialectForm):
    """Files of the bank for one legal entity."""

    entity = forms.ModelChoiceField(
        label=_("Entité juridique"), queryset=LegalEntity.objects.none(), empty_label=None
    )
    files = FilesField(label=_("Fichiers de la banque"), max_length=255, allow_empty_file=True)
    bank_account = AccountChoice(
        label=_("Compte bancaire"),
        queryset=BankAccount.objects.none(),
        required=False,
        empty_label=_("Celui que nomme le fichier"),
        help_text=_("À choisir seulement si le fichier ne nomme pas de compte : CSV, certains OFX."),
    )

    field_order = ("entity", "files", "bank_account", "encoding", "delimiter", "decimal", "date_order")

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["entity"].queryset = LegalEntity.objects.visible_to(actor)  # type: ignore[attr-defined]
        self.fields["bank_account"].queryset = active_accounts(actor)  # type: ignore[attr-defined]
        self.fields["files"].help_text = _("%(size)d Mio en tout, %(count)d fichiers au plus.") % {
            "size": settings.IMPORT_MAX_BYTES // MIB,
            "count": MOST_FILES,
        }
        self.fields["files"].widget.attrs["accept"] = (
            ".xml,.txt,.sta,.mt940,.940,.942,.cfo,.cfonb,.ofx,.csv,.asc"
        )

    def clean_files(self) -> list[Any]:
        files: list[Any] = self.cleaned_data["files"]
        if len(files) > MOST_FILES:
            raise forms.ValidationError(
                _("%(count)d fichiers au plus en une fois.") % {"count": MOST_FILES}, code="too_many_files"
            )
        for file in files:
            if file.size > settings.IMPORT_MAX_BYTES:
                raise forms.ValidationError(too_large_message(file.size), code="file_too_large")
        return files


class RereadStatementForm(DialectForm):
    """Other choices for a file that is there already."""

    bank_account = AccountChoice(
        label=_("Compte bancaire"),
        queryset=BankAccount.objects.none(),
        required=False,
        empty_label=_("Celui que nomme le fichier"),
    )

    field_order = ("bank_account", "encoding", "delimiter", "decimal", "date_order")

    def __init__(self, *args: Any, bank_file: BankFile, actor: Actor, **kwargs: Any) -> None:
        initial = {**bank_file.options, "bank_account": bank_file.bank_account_id}
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["bank_account"].queryset = active_accounts(actor).filter(  # type: ignore[attr-defined]
            legal_entity=bank_file.legal_entity_id
        )
        if bank_file.format not in ("CSV", "OFX"):
            del self.fields["bank_account"]
        if bank_file.format != "CSV":
            for name in ("encoding", "delimiter", "decimal", "date_order"):
                del self.fields[name]


class WithdrawForm(forms.Form):
    """Why an accepted file is taken back."""

    reason = forms.CharField(label=_("Pourquoi ce fichier est retiré"), max_length=200)


class BankAccountForm(forms.ModelForm):
    """An account as it stands on the bank's paper; the operation checks what it says."""

    iban = forms.CharField(label="IBAN", max_length=50)

    class Meta:
        model = BankAccount
        fields = (
            "name", "iban", "bic", "currency", "other_identification", "gl_account", "journal_code",
        )  # fmt: skip
        help_texts = {
            "name": _("Comme vous l’appelez, par exemple « BNP courant »."),
            "other_identification": _(
                "Seulement si les relevés écrivent le compte autrement que par son IBAN ou son RIB."
            ),
            "gl_account": _("Celui des écritures exportées, par exemple 512000."),
            "journal_code": _("Celui du journal de banque, par exemple BQ1."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["iban"] = format_iban(self.instance.iban)

    def values(self) -> dict[str, Any]:
        """The values for the operations."""
        return {name: self.cleaned_data[name] for name in self._meta.fields or ()}

    def _get_validation_exclusions(self) -> set[str]:
        # The operation says what is wrong with an IBAN, and whether an account has it already.
        return {*super()._get_validation_exclusions(), "iban", "bic"}  # type: ignore[misc]


class NewBankAccountForm(BankAccountForm):
    entity = forms.ModelChoiceField(
        label=_("Entité juridique"), queryset=LegalEntity.objects.none(), empty_label=None
    )

    field_order = ("entity",)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["entity"].queryset = LegalEntity.objects.visible_to(actor)  # type: ignore[attr-defined]


class DropFolderForm(forms.Form):
    """A folder that is watched, for one entity and one content."""

    entity = forms.ModelChoiceField(
        label=_("Entité juridique"), queryset=LegalEntity.objects.none(), empty_label=None
    )
    path = forms.CharField(
        label=_("Chemin"),
        max_length=200,
        help_text=_(
            "Sous le dossier des dépôts, par exemple « fr01/releves ». Il est créé au premier passage."
        ),
    )
    subject = forms.ChoiceField(label=_("Contenu"), choices=DropFolder.Subject.choices)
    profile = forms.ModelChoiceField(
        label=_("Source de lots"),
        queryset=ImportProfile.objects.none(),
        required=False,
        empty_label=_("Aucune : reconnaissance automatique"),
        help_text=_("Comment lire les fichiers de pièces ou de clients."),
    )
    commits_by_itself = forms.BooleanField(
        label=_("Valider sans intervention s’il n’y a ni erreur ni point douteux"), required=False
    )
    is_active = forms.BooleanField(label=_("Surveiller ce dossier"), required=False, initial=True)

    def __init__(self, *args: Any, actor: Actor, folder: DropFolder | None = None, **kwargs: Any) -> None:
        if folder is not None:
            kwargs["initial"] = {
                name: getattr(folder, name)
                for name in ("path", "subject", "profile", "commits_by_itself", "is_active")
            }
        super().__init__(*args, **kwargs)
        profiles = ImportProfile.objects.filter(
            is_archived=False, legal_entity__in=LegalEntity.objects.visible_to(actor)
        )
        if folder is not None:
            del self.fields["entity"]
            profiles = profiles.filter(legal_entity=folder.legal_entity_id)
        else:
            del self.fields["is_active"]
            self.fields["entity"].queryset = LegalEntity.objects.visible_to(actor)  # type: ignore[attr-defined]
        self.fields["profile"].queryset = profiles.order_by("name")  # type: ignore[attr-defined]


def active_accounts(actor: Actor) -> Any:
    """The accounts that a file may be read for."""
    return (
        BankAccount.objects.visible_to(actor)
        .filter(is_active=True)
        .select_related("legal_entity")
        .order_by("legal_entity__code", "name", "pk")
    )
