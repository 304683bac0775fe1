"""Input shapes of waivers and of events of limitation."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from dunning.models import FeeWaiver, LimitationEvent


class WaiverForm(forms.Form):
    """What is given up, and why."""

    part = forms.ChoiceField(label=_("Remettre"), choices=FeeWaiver.Part.choices)
    reason = forms.CharField(
        label=_("Motif"),
        max_length=200,
        help_text=_("Il reste au dossier : geste commercial, erreur de notre part, accord du…"),
    )


class WaiverRevocationForm(forms.Form):
    reason = forms.CharField(label=_("Motif"), max_length=200)


class LimitationEventForm(forms.Form):
    """An act, its day, its evidence."""

    kind = forms.ChoiceField(label=_("Acte"), choices=[("", _("Choisir…")), *LimitationEvent.Kind.choices])
    happened_on = forms.DateField(label=_("Date de l’acte"), widget=DateInput)
    ended_on = forms.DateField(
        label=_("Terminé le"),
        required=False,
        widget=DateInput,
        help_text=_("Pour une procédure ou une médiation ; vide tant qu’elle dure."),
    )
    evidence = forms.CharField(
        label=_("Preuve"),
        max_length=200,
        help_text=_("La pièce qui le prouve : lettre signée du…, acte de signification du…, récépissé n°…"),
    )
    file = forms.FileField(label=_("Document"), required=False, max_length=255)
    is_certain = forms.BooleanField(
        label=_("Effet certain"),
        required=False,
        help_text=_("Décoché : la date d’origine reste celle à surveiller."),
    )
    whole_account = forms.BooleanField(
        label=_("Pour toutes les créances ouvertes du client émises à cette date"), required=False
    )

    def values(self) -> dict[str, Any]:
        """The keyword arguments of `record_limitation_event`."""
        values = {name: value for name, value in self.cleaned_data.items() if name != "file"}
        file = self.cleaned_data["file"]
        if file is not None:
            values |= {
                "content": file.file,
                "name": file.name,
                "content_type": file.content_type or "application/octet-stream",
            }
        return values


class LimitationEndForm(forms.Form):
    ended_on = forms.DateField(label=_("Terminé le"), widget=DateInput)


class LimitationWithdrawalForm(forms.Form):
    reason = forms.CharField(
        label=_("Motif"),
        max_length=200,
        help_text=_("Erreur de saisie, demande rejetée ou périmée (C. civ. 2243)…"),
    )
