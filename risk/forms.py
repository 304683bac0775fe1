"""Input shapes of the risk pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from invoices.forms import AmountField
from risk.operations.limits import REASON_LENGTH


class LimitForm(forms.Form):
    """A new limit. `seen` is the limit in force when the page was opened, 0 for none."""

    amount = AmountField(
        label=_("Plafond"),
        help_text=_(
            "Ce que le client peut devoir au plus, toutes taxes comprises. Zéro : paiement comptant."
        ),
        error_messages={"required": _("Indiquez le plafond ; zéro pour ne rien accorder.")},
    )
    currency = forms.CharField(
        label=_("Devise"),
        max_length=3,
        help_text=_("Code ISO à trois lettres. Ce qui est dû dans une autre devise ne s’y impute pas."),
    )
    reason = forms.CharField(
        label=_("Motif"),
        max_length=REASON_LENGTH,
        help_text=_(
            "Ce qui fonde la décision : comptes, garantie, commande, retards. Il reste dans l’historique."
        ),
        error_messages={"required": _("Indiquez ce qui motive ce plafond.")},
    )
    seen = forms.IntegerField(min_value=0, max_value=2**62, widget=forms.HiddenInput)
