"""Input shapes of what is done to an item. They read; `invoices.operations` checks."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.forms import DateInput
from core.money import AmountError, parse_amount
from core.templatetags.format import amount as written_amount
from invoices.models import OpenItem


class AmountField(forms.CharField):
    """An amount as people write it: « 1 234,56 »."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=40, **kwargs)
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def prepare_value(self, value: Any) -> Any:
        return written_amount(value) if isinstance(value, Decimal) else value

    def clean(self, value: Any) -> Decimal:
        text = super().clean(value)
        try:
            return parse_amount(text)
        except AmountError as error:
            raise ValidationError(str(error)) from error


class AllocationForm(forms.Form):
    """Which item settles this one, for how much, from when. `seen` is the open amount the person looked at."""

    counterpart = forms.ModelChoiceField(
        label=gettext_lazy("Pièce en regard"),
        queryset=OpenItem.objects.none(),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": gettext_lazy("Choisissez la pièce à rapprocher.")},
    )
    amount = AmountField(label=gettext_lazy("Montant à lettrer"))
    allocated_on = forms.DateField(label=gettext_lazy("Date du lettrage"), widget=DateInput)
    seen = forms.DecimalField(max_digits=14, decimal_places=2, widget=forms.HiddenInput)

    def __init__(self, *args: Any, counterparts: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["counterpart"].queryset = counterparts


class ReversalForm(forms.Form):
    reversed_on = forms.DateField(label=gettext_lazy("Défait à partir du"), widget=DateInput)
    reason = forms.CharField(label=gettext_lazy("Motif"), max_length=200)


class PromiseForm(forms.Form):
    amount = AmountField(label=gettext_lazy("Montant promis"))
    promised_date = forms.DateField(label=gettext_lazy("Règlement promis pour le"), widget=DateInput)
    note = forms.CharField(
        label=gettext_lazy("Commentaire"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Qui l’a dit, par quel moyen."),
    )


class WithdrawalForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Motif du retrait"), max_length=200)


def counterpart_label(item: OpenItem) -> str:
    """A candidate for matching, in one line."""
    return _("%(kind)s %(number)s du %(day)s, reste %(open)s") % {
        "kind": item.get_kind_display(),
        "number": item.number,
        "day": f"{item.issue_date:%d/%m/%Y}",
        "open": written_amount(abs(item.open_amount), item.currency),
    }


def default_promise_date(today: date) -> date:
    """A week ahead, the usual next look at a promise."""
    return date.fromordinal(today.toordinal() + 7)
