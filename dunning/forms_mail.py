"""Input shapes of the pages about e-mail addresses and about sending again."""

from django import forms
from django.utils.translation import gettext_lazy as _


class SuppressionForm(forms.Form):
    """An address that is not to be written to any more, and why."""

    address = forms.EmailField(label=_("Adresse e-mail"), max_length=254)
    detail = forms.CharField(label=_("Motif"), max_length=200)


class LiftForm(forms.Form):
    """Why an address may serve again."""

    reason = forms.CharField(label=_("Motif"), max_length=200)


class RetryForm(forms.Form):
    """Where to send a notice again; empty: to the customer's contacts."""

    send_to = forms.CharField(
        label=_("À une autre adresse"),
        max_length=254,
        required=False,
        help_text=_(
            "Pour cette relance seulement. Vide : les contacts du client qui reçoivent les relances."
        ),
    )
