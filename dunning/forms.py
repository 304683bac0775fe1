"""Input shapes of the dunning pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

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

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["legal_entity"].queryset = LegalEntity.objects.visible_to(user)  # type: ignore[attr-defined]


class ReasonForm(forms.Form):
    """Why a person overrules the house."""

    reason = forms.CharField(label=_("Motif"), max_length=200, widget=forms.TextInput)


class PostingForm(forms.Form):
    """When the letters were given to the post."""

    posted_on = forms.DateField(
        label=_("Déposés à la poste le"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
