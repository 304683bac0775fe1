"""Input shapes of disputes. They read; `invoices.operations.disputes` checks."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from core.models import User
from customers.models import Customer
from invoices.dispute_reads import possible_owners
from invoices.dispute_rules import GROUP_LABELS, GROUPS
from invoices.forms import AmountField
from invoices.models import Dispute


def grouped_reasons() -> list[tuple[Any, Any]]:
    """The reasons under the names of their groups, for a select."""
    labels = dict(Dispute.Reason.choices)
    groups = [
        (GROUP_LABELS[group], [(code, labels[code]) for code in codes]) for group, codes in GROUPS.items()
    ]
    return [("", _("Choisir…")), *groups]


class DisputeForm(forms.Form):
    """What is contested, why, who answers by when."""

    amount = AmountField(
        label=_("Montant contesté"), help_text=_("Cette part seule n’est plus relancée ; le reste l’est.")
    )
    reason = forms.ChoiceField(label=_("Motif"), choices=grouped_reasons)
    owner = forms.ModelChoiceField(
        label=_("Responsable de la réponse"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("Personne pour l’instant"),
    )
    deadline = forms.DateField(
        label=_("À traiter avant le"),
        required=False,
        widget=DateInput,
        help_text=_("Vide : le délai de la maison pour ce motif."),
    )
    note = forms.CharField(
        label=_("Commentaire"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Ce que dit le client, et ce qui est attendu de qui."),
    )

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = possible_owners(customer)  # type: ignore[attr-defined]


class DisputeChangeForm(DisputeForm):
    """The same of an open dispute; whoever held it stays choosable."""

    deadline = forms.DateField(label=_("À traiter avant le"), widget=DateInput)

    def __init__(self, *args: Any, dispute: Dispute, **kwargs: Any) -> None:
        initial = {name: getattr(dispute, name) for name in ("amount", "reason", "owner", "deadline", "note")}
        super().__init__(*args, customer=dispute.item.customer, initial=initial, **kwargs)
        if dispute.owner_id is not None:
            owners = self.fields["owner"].queryset  # type: ignore[attr-defined]
            self.fields["owner"].queryset = owners | User.objects.filter(pk=dispute.owner_id)  # type: ignore[attr-defined]


class ResolutionForm(forms.Form):
    """How a dispute ended, in a code and in words."""

    resolution = forms.ChoiceField(
        label=_("Issue"), required=False, choices=[("", _("Choisir…")), *Dispute.Resolution.choices]
    )
    outcome = forms.CharField(
        label=_("En quelques mots"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Par exemple : avoir AV-12 émis, livraison complétée le 3, contestation retirée."),
    )


class DisputeFileForm(forms.Form):
    file = forms.FileField(
        label=_("Document"),
        max_length=255,
        help_text=_("Réclamation du client, bon de livraison, réponse : PDF, image ou bureautique."),
        error_messages={"required": _("Choisissez un fichier à joindre.")},
    )
