"""Input shapes of payment plans. They read; `invoices.operations.payment_plans` checks."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from invoices.forms import AmountField
from invoices.models import OpenItem
from invoices.plan_rules import MOST_INSTALMENTS, Part


class PlanForm(forms.Form):
    """Which items, in how many instalments, from when."""

    items = forms.ModelMultipleChoiceField(
        queryset=OpenItem.objects.none(),
        error_messages={
            "required": _("Choisissez au moins une pièce à échelonner."),
            "invalid_choice": _("Choisissez des pièces de ce client, dans votre périmètre."),
        },
    )
    count = forms.IntegerField(
        label=_("Nombre d’échéances"), min_value=1, max_value=MOST_INSTALMENTS, initial=3
    )
    first_date = forms.DateField(label=_("Première échéance"), widget=DateInput)
    grace_days = forms.IntegerField(
        label=_("Délai de grâce (jours)"),
        min_value=0,
        max_value=60,
        help_text=_("Passé ce délai après une échéance impayée, tout le solde redevient exigible."),
    )
    note = forms.CharField(
        label=_("Commentaire interne"),
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, payable: Iterable[OpenItem], **kwargs: Any) -> None:
        kwargs["initial"] = {"grace_days": settings.PLAN_GRACE_DAYS, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["items"].queryset = payable  # type: ignore[attr-defined]

    def total(self) -> Decimal:
        """What the chosen items come to."""
        return sum((item.open_amount for item in self.cleaned_data["items"]), Decimal("0.00"))


class InstalmentForm(forms.Form):
    """One instalment: its day and its amount, as proposed or as changed by hand."""

    due_date = forms.DateField(label=_("Date"), widget=DateInput)
    amount = AmountField(label=_("Montant"))

    def part(self) -> Part:
        return Part(self.cleaned_data["due_date"], self.cleaned_data["amount"])


InstalmentFormSet = forms.formset_factory(
    InstalmentForm, extra=0, max_num=MOST_INSTALMENTS, validate_max=True, absolute_max=MOST_INSTALMENTS + 1
)


class SignedAgreementForm(forms.Form):
    file = forms.FileField(
        label=_("Accord signé (PDF)"),
        max_length=255,
        error_messages={"required": _("Choisissez l’accord signé, au format PDF.")},
    )


class PlanReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Motif"), max_length=200, error_messages={"required": _("Indiquez le motif.")}
    )
