"""What a person changes of a saved source without a file at hand."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from invoices.import_messages import column_label
from invoices.models import ImportBatch, ImportProfile
from invoices.readers.columns import NAMES


class ProfileForm(forms.Form):
    """Name, mode, and the header of each column that is read; an emptied one is read no more."""

    name = forms.CharField(label=_("Nom de la source"), max_length=80)
    mode = forms.ChoiceField(label=_("Les fichiers contiennent"), choices=ImportBatch.Mode.choices)
    creates_customers = forms.BooleanField(label=_("Créer les clients inconnus"), required=False)

    def __init__(self, *args: Any, profile: ImportProfile, **kwargs: Any) -> None:
        initial = {
            "name": profile.name,
            "mode": profile.mode,
            "creates_customers": profile.creates_customers,
            **{f"column_{name}": header for name, header in profile.columns.items()},
        }
        super().__init__(*args, initial=initial, **kwargs)
        for name in NAMES:
            if name in profile.columns:
                self.fields[f"column_{name}"] = forms.CharField(
                    label=column_label(name), required=False, max_length=120
                )

    def columns(self) -> dict[str, str]:
        """The mapping that was typed: field -> header."""
        return {
            name.removeprefix("column_"): value
            for name, value in self.cleaned_data.items()
            if name.startswith("column_") and value
        }
