"""Input shapes of the dunning pages."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.errors import BusinessError
from core.models import User
from customers.models import LegalEntity


class RunForm(forms.Form):
    """Ask for a run: which creditor, as of which day."""

    legal_entity = forms.ModelChoiceField(
        label=_("Entité"), queryset=LegalEntity.objects.none(), empty_label=None
    )
    as_of = forms.DateField(
        label=_("Arrêtée au"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Les pièces échues avant ce jour sont examinées."),
    )

    def __init__(self, *args: Any, user: User, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["legal_entity"].queryset = LegalEntity.objects.visible_to(user)  # type: ignore[attr-defined]

    def clean_as_of(self) -> date:
        """A run of tomorrow would claim what is not due yet."""
        day: date = self.cleaned_data["as_of"]
        if day > self.today:
            raise ValidationError(
                gettext(
                    "Le %(day)s est à venir : ses pièces ne sont pas encore échues. "
                    "Choisissez aujourd’hui ou un jour passé."
                )
                % {"day": f"{day:%d/%m/%Y}"}
            )
        return day


class ReasonForm(forms.Form):
    """Why a person overrules the house."""

    reason = forms.CharField(label=_("Motif"), max_length=200, widget=forms.TextInput)

    @classmethod
    def read(cls, data: QueryDict) -> str:
        """The reason given, empty when none is: the operation says so. Raises BusinessError when it is unfit."""
        form = cls(data)
        if form.is_valid():
            return str(form.cleaned_data["reason"])
        if data.get("reason", "").strip():
            raise BusinessError(" ".join(form.errors["reason"]), field="reason")
        return ""


class PostingForm(forms.Form):
    """When the letters were given to the post."""

    posted_on = forms.DateField(
        label=_("Déposés à la poste le"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
