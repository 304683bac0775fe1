"""Input shapes of scores: objections, accounts by the codes of the tax return, ratings, files of both."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.forms import DateInput
from invoices.forms import AmountField
from risk.liasse_cells import sections_of
from risk.models import FinancialStatement, ScoreObjection
from risk.rating_scales import SCALES

_NARROW = {"rows": 4}
UNITS = (("1", gettext_lazy("unités (euros)")), ("1000", gettext_lazy("milliers (k€)")))


class ObjectionForm(forms.Form):
    """What somebody says against a score."""

    kind = forms.ChoiceField(label=gettext_lazy("Demande"), choices=ScoreObjection.Kind.choices)
    contested_on = forms.DateField(label=gettext_lazy("Reçue le"), widget=DateInput)
    contested_by = forms.CharField(label=gettext_lazy("Faite par"), max_length=120)
    grounds = forms.CharField(
        label=gettext_lazy("Ce que la personne fait valoir"),
        max_length=2000,
        widget=forms.Textarea(attrs=_NARROW),
    )


class ReviewForm(forms.Form):
    """A person's answer to it."""

    answer = forms.ChoiceField(
        label=gettext_lazy("Suite donnée"),
        choices=[choice for choice in ScoreObjection.Status.choices if choice[0] != "OPEN"],
        help_text=gettext_lazy(
            "« Données corrigées » : corrigez-les, puis recalculez le score. « Score écarté » : vos décisions ne s’appuient plus dessus."
        ),
    )
    outcome = forms.CharField(
        label=gettext_lazy("Réponse motivée"),
        max_length=2000,
        widget=forms.Textarea(attrs=_NARROW),
        help_text=gettext_lazy("Telle qu’elle est donnée à la personne."),
    )


class CellField(AmountField):
    """A cell of a tax return: an amount, or nothing."""

    def __init__(self, label: str) -> None:
        super().__init__(required=False, label=label)
        self.widget.attrs |= {"aria-label": label, "class": "num"}

    def clean(self, value: Any) -> Any:
        return super().clean(value) if str(value or "").strip() else None


class StatementForm(forms.Form):
    """The accounts of a year on one of the forms; a cell per code, twice: the year and the one before."""

    period_end = forms.DateField(
        label=gettext_lazy("Clôture de l’exercice"),
        widget=DateInput,
        error_messages={"required": gettext_lazy("Indiquez la date de clôture.")},
    )
    months = forms.IntegerField(label=gettext_lazy("Durée (mois)"), min_value=1, max_value=24, initial=12)
    currency = forms.CharField(label=gettext_lazy("Devise"), max_length=3, initial="EUR")
    unit = forms.TypedChoiceField(label=gettext_lazy("Montants en"), choices=UNITS, coerce=int, initial="1")
    basis = forms.ChoiceField(
        label=gettext_lazy("Nature"), choices=FinancialStatement.Basis.choices, initial="INDIVIDUAL"
    )
    publicity = forms.ChoiceField(
        label=gettext_lazy("Publicité"), choices=FinancialStatement.Publicity.choices, initial="DEPOSITED"
    )
    note = forms.CharField(
        label=gettext_lazy("Source"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("D’où vient le document : greffe, client, cabinet."),
    )

    def __init__(self, *args: Any, form: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.statement_form = form
        self.sections = sections_of(form)
        for section in self.sections:
            for cell in section.cells:
                for prefix, year in (("", _("exercice")), ("n1-", _("exercice précédent"))):
                    label = f"{cell.code}, {cell.label}, {year}"
                    self.fields[prefix + cell.code] = CellField(label)

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).strip().upper()

    def rows(self) -> list[dict[str, Any]]:
        """The sections with their cells as bound fields."""
        return [
            {
                "section": section,
                "cells": [
                    {"cell": cell, "year": self[cell.code], "before": self[f"n1-{cell.code}"]}
                    for cell in section.cells
                ],
            }
            for section in self.sections
        ]

    def amounts(self, prefix: str = "") -> dict[str, Decimal]:
        """The cells that were filled."""
        return {
            cell.code: self.cleaned_data[prefix + cell.code]
            for section in self.sections
            for cell in section.cells
            if self.cleaned_data.get(prefix + cell.code) is not None
        }

    def show_faults(self, faults: Mapping[str, str]) -> None:
        """Each message at its cell."""
        for name, message in faults.items():
            self.add_error(name if name in self.fields else None, message)
            if name in self.fields:
                self.fields[name].widget.attrs["aria-invalid"] = "true"


class RatingForm(forms.Form):
    """A rating by somebody else."""

    scale = forms.ChoiceField(label=gettext_lazy("Échelle"), choices=list)
    value = forms.CharField(label=gettext_lazy("Note"), max_length=10)
    rated_on = forms.DateField(label=gettext_lazy("Attribuée le"), widget=DateInput)
    valid_until = forms.DateField(
        label=gettext_lazy("Valable jusqu’au"),
        required=False,
        widget=DateInput,
        help_text=gettext_lazy("Vide : la durée de fraîcheur de la grille."),
    )
    reference = forms.CharField(label=gettext_lazy("Référence"), required=False, max_length=80)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scale"].choices = [  # type: ignore[attr-defined]
            (key, f"{scale.provider} · {scale.label} ({scale.range_text})") for key, scale in SCALES.items()
        ]


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Motif"),
        max_length=200,
        error_messages={"required": gettext_lazy("Indiquez pourquoi.")},
    )


class OutsideFileForm(forms.Form):
    """A file of accounts or ratings."""

    file = forms.FileField(
        label=gettext_lazy("Fichier"),
        help_text=gettext_lazy("CSV ou JSON. Le contenu est reconnu, quel que soit le nom."),
        error_messages={"required": gettext_lazy("Choisissez un fichier.")},
    )
    siren = forms.CharField(
        label="SIREN",
        required=False,
        max_length=11,
        help_text=gettext_lazy("Pour une réponse d’un service public qui ne le rappelle pas."),
    )
