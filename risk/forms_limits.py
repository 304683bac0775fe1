"""Input shapes of limit requests, their decisions, and the reviews of limits."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from invoices.forms import AmountField
from risk.limit_rules import Refusal
from risk.limit_words import REFUSAL_LABELS
from risk.models import CreditLimit


class OptionalAmountField(AmountField):
    """An amount that may be left out: None."""

    def clean(self, value: Any) -> Decimal | None:  # type: ignore[override]
        if value in self.empty_values or not str(value).strip():
            return None
        return super().clean(value)


class LimitRequestForm(forms.Form):
    """What is asked for. Without an end: the longest that the policy gives."""

    amount = AmountField(
        label=_("Plafond demandé"),
        help_text=_("Ce que le client pourra devoir en tout, toutes taxes comprises, commandes comprises."),
        error_messages={"required": _("Indiquez le plafond demandé.")},
    )
    currency = forms.CharField(label=_("Devise"), max_length=3)
    kind = forms.ChoiceField(
        label=_("Nature"),
        choices=CreditLimit.Kind.choices,
        help_text=_(
            "Un plafond temporaire remplace le permanent jusqu’à son dernier jour, sans s’y ajouter."
        ),
    )
    scope = forms.ChoiceField(
        label=_("Portée"),
        choices=CreditLimit.Scope.choices,
        help_text=_("Groupe : les comptes de toutes les filiales et de toutes les entités, ensemble."),
    )
    basis = forms.ChoiceField(
        label=_("Fondement"),
        choices=CreditLimit.Basis.choices,
        help_text=_("Assuré ou garanti, il ne vaut jamais plus que sa garantie du jour."),
    )
    expires_on = forms.DateField(
        label=_("Jusqu’au"),
        required=False,
        widget=DateInput,
        help_text=_("Vide : la durée de la politique de crédit."),
    )
    expected_purchases = OptionalAmountField(
        label=_("Achats attendus sur un an"),
        required=False,
        help_text=_("Pour un nouveau client ou un contrat en vue, toutes taxes comprises."),
    )
    reason = forms.CharField(
        label=_("Motif"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Indiquez ce qui motive cette demande.")},
    )

    def __init__(self, *args: Any, has_group: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_group:
            del self.fields["scope"]


class ApprovalForm(forms.Form):
    """An approval; `seen` is how many answers the person saw."""

    amount = AmountField(
        label=_("Montant accordé"),
        help_text=_("Vous pouvez accorder moins que demandé, jamais plus."),
        error_messages={"required": _("Indiquez le montant accordé.")},
    )
    conditions = forms.CharField(
        label=_("Conditions"),
        max_length=500,
        required=False,
        help_text=_("Elles figurent dans le courrier au client."),
    )
    note = forms.CharField(
        label=_("Note interne"), max_length=500, required=False, help_text=_("Elle ne sort pas de la maison.")
    )
    seen = forms.IntegerField(min_value=0, max_value=99, widget=forms.HiddenInput)


class RefusalForm(forms.Form):
    reasons = forms.MultipleChoiceField(
        label=_("Motifs"),
        choices=[(code.value, REFUSAL_LABELS[code]) for code in Refusal],
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Ils peuvent figurer dans le courrier au client : aucun ne dit ce qu’un assureur a répondu."
        ),
        error_messages={"required": _("Choisissez au moins un motif de refus.")},
    )
    note = forms.CharField(label=_("Note interne"), max_length=500, required=False)
    seen = forms.IntegerField(min_value=0, max_value=99, widget=forms.HiddenInput)


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("Commentaire"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    file = forms.FileField(label=_("Document"), required=False, max_length=255, allow_empty_file=True)


class KeepForm(forms.Form):
    note = forms.CharField(
        label=_("Conclusion"),
        max_length=500,
        error_messages={"required": _("Dites ce qui justifie de maintenir ce plafond.")},
    )
