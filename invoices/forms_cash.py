"""Input shapes of cash application. They read; operations check."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from customers.models import LegalEntity
from invoices.forms import AmountField
from invoices.models import Adjustment, CashSettings

REASONS_OF_DEBITS = (
    Adjustment.Reason.SMALL_DIFFERENCE,
    Adjustment.Reason.BANK_CHARGES,
    Adjustment.Reason.DISCOUNT,
    Adjustment.Reason.EXCHANGE,
    Adjustment.Reason.LOSS,
)


class WriteOffForm(forms.Form):
    """How much of an item is given up, and why. `seen` is the open amount the person looked at."""

    amount = AmountField(label=_("Montant abandonné"))
    reason = forms.ChoiceField(label=_("Motif"), choices=[])
    note = forms.CharField(
        label=_("Justification"),
        required=False,
        max_length=200,
        help_text=_("Obligatoire pour une perte : pourquoi la créance est irrécouvrable."),
    )
    seen = forms.DecimalField(max_digits=14, decimal_places=2, widget=forms.HiddenInput)

    def __init__(self, *args: Any, is_credit: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reasons = (Adjustment.Reason.SMALL_DIFFERENCE,) if is_credit else REASONS_OF_DEBITS
        self.fields["reason"].choices = [(reason.value, reason.label) for reason in reasons]  # type: ignore[attr-defined]


class RefundForm(forms.Form):
    """How much of a credit is given back. `seen` is the open amount the person looked at."""

    amount = AmountField(label=_("Montant remboursé"))
    seen = forms.DecimalField(max_digits=14, decimal_places=2, widget=forms.HiddenInput)


class UndoForm(forms.Form):
    reason = forms.CharField(label=_("Motif"), max_length=200)


class ExportForm(forms.Form):
    """Which entries, in which dialect."""

    entity = forms.ModelChoiceField(
        label=_("Entité"), queryset=LegalEntity.objects.none(), empty_label=None, to_field_name="code"
    )
    until = forms.DateField(label=_("Jusqu’au"), widget=DateInput)
    separator = forms.ChoiceField(
        label=_("Séparateur"),
        choices=[("semicolon", _("point-virgule (.csv)")), ("tab", _("tabulation (.txt)"))],
        help_text=_("Les dix-huit colonnes du FEC, montants à virgule, dates AAAAMMJJ."),
    )

    def __init__(self, *args: Any, entities: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["entity"].queryset = entities  # type: ignore[attr-defined]


class CashSettingsForm(forms.ModelForm):
    """What the entity lets the matching do by itself, and its accounts."""

    class Meta:
        model = CashSettings
        localized_fields = ("tolerance_amount", "charges_tolerance", "discount_share", "write_off_limit")
        fields = (
            "posts_by_itself",
            "oldest_days",
            "tolerance_amount",
            "charges_tolerance",
            "discount_share",
            "discount_days",
            "write_off_limit",
            "customer_account",
            "difference_account",
            "gain_account",
            "charges_account",
            "discount_account",
            "loss_account",
        )
