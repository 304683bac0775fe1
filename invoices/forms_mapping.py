"""What a person says while he maps the columns of a file."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from invoices.forms_imports import DialectForm
from invoices.mapping_words import CREDIT_LABELS, SIGN_LABELS
from invoices.models import ImportBatch, OpenItem
from invoices.readers.columns import NAMES
from invoices.readers.vocabulary import CURRENCIES

_MOST_COLUMNS = 256
_MOST_WORDS = 40
_AUTOMATIC = ("", _("Reconnu automatiquement"))
READING = ("encoding", "delimiter", "sheet", "header_line", "decimal", "date_order", "sign", "credit_kind")


class MappingForm(DialectForm):
    """How the file is read, what is the same on every row, and the name of the source."""

    sheet = forms.ChoiceField(label=_("Feuille du classeur"), required=False)
    header_line = forms.IntegerField(
        label=_("Ligne des en-têtes"),
        required=False,
        min_value=0,
        max_value=50,
        help_text=_("0 : le fichier n’en a pas."),
    )
    sign = forms.ChoiceField(label=_("Signe"), required=False, choices=[_AUTOMATIC, *SIGN_LABELS.items()])
    credit_kind = forms.ChoiceField(
        label=_("Un crédit sans type est"), required=False, choices=[_AUTOMATIC, *CREDIT_LABELS.items()]
    )
    kind = forms.ChoiceField(
        label=_("Type de toutes les pièces"),
        required=False,
        choices=[("", _("Selon le fichier")), *OpenItem.Kind.choices],
    )
    currency = forms.CharField(
        label=_("Devise de toutes les pièces"),
        required=False,
        max_length=3,
        help_text=_("Vide : celle du fichier, à défaut celle de l’entité."),
    )
    name = forms.CharField(label=_("Nom de la source"), required=False, max_length=80)
    mode = forms.ChoiceField(label=_("Le fichier contient"), required=False, choices=ImportBatch.Mode.choices)
    creates_customers = forms.BooleanField(label=_("Créer les clients inconnus"), required=False)

    def __init__(self, *args: Any, workbook: bool, sheets: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if workbook:
            del self.fields["encoding"], self.fields["delimiter"]
            self.fields["sheet"].choices = [_AUTOMATIC, *((name, name) for name in sheets)]  # type: ignore[attr-defined]
        else:
            del self.fields["sheet"]

    def clean_currency(self) -> str:
        code = self.cleaned_data["currency"].strip().upper()
        if code and code not in CURRENCIES:
            raise forms.ValidationError(_("Écrivez un code ISO en trois lettres, par exemple EUR."))
        return code

    def options(self) -> dict[str, str]:
        """The reading choices made; those that are wrong are left out, and said at their field."""
        made = getattr(self, "cleaned_data", {})
        return {name: str(made[name]) for name in READING if made.get(name) not in (None, "")}

    def constants(self) -> dict[str, str]:
        made = getattr(self, "cleaned_data", {})
        return {name: made[name] for name in ("kind", "currency") if made.get(name)}


def columns_posted(data: Mapping[str, Any], headers: Sequence[str]) -> dict[str, str]:
    """The mapping that was chosen: field -> header. A field chosen twice stays with its first column."""
    columns: dict[str, str] = {}
    for index, header in enumerate(headers[:_MOST_COLUMNS]):
        chosen = str(data.get(f"column-{index}", ""))
        if chosen in NAMES and header and chosen not in columns:
            columns[chosen] = header
    return columns


def words_posted(data: Mapping[str, Any]) -> dict[str, str]:
    """What each word of the column of types means: word -> nature."""
    words = {}
    for index in range(_MOST_WORDS):
        word, value = str(data.get(f"word-{index}", "")), str(data.get(f"nature-{index}", ""))
        if word and value:
            words[word[:120]] = value
    return words
