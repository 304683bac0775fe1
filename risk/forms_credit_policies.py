"""The form of a credit policy: its fields, five shares a line, and its approval steps."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.models import Role
from customers.models import LegalEntity
from invoices.forms import AmountField
from risk.approval_rules import APPROVING_ROLES, Step
from risk.credit_policies import CLASSES, steps_of
from risk.forms_limits import OptionalAmountField
from risk.models import CreditPolicy
from risk.operations.credit_policies import FIELDS

STEPS = 5
SHARES = ("equity_shares", "turnover_shares", "supplier_debt_shares", "working_capital_shares")
ROLE_CHOICES = [
    ("", gettext_lazy("Pas de palier")),
    ("CREDIT_MANAGER", Role.CREDIT_MANAGER.label),
    ("FINANCE_DIRECTOR", Role.FINANCE_DIRECTOR.label),
    ("CREDIT_MANAGER FINANCE_DIRECTOR", gettext_lazy("Crédit manager et direction financière")),
    ("CREDIT_MANAGER CREDIT_MANAGER", gettext_lazy("Deux crédit managers")),
]


class PerClassField(forms.CharField):
    """Five numbers, for classes A to E, apart by a semicolon or a space."""

    def __init__(self, *, whole: bool = False, **kwargs: Any) -> None:
        self.whole = whole
        kwargs.setdefault(
            "help_text", gettext_lazy("Cinq valeurs, de A à E, séparées par des points-virgules.")
        )
        super().__init__(max_length=60, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return " ; ".join(_plain(one) for one in value)
        return value

    def clean(self, value: Any) -> list[Decimal] | list[int]:
        text = super().clean(value)
        parts = [part for part in text.replace(";", " ").split() if part]
        if len(parts) != len(CLASSES):
            raise forms.ValidationError(_("Donnez cinq valeurs, de A à E."))
        try:
            numbers = [Decimal(part.replace(",", ".").removesuffix("%")) for part in parts]
        except ArithmeticError:
            raise forms.ValidationError(_("Chaque valeur est un nombre.")) from None
        top = 36 if self.whole else 100
        if any(not one.is_finite() or one < (1 if self.whole else 0) or one > top for one in numbers):
            raise forms.ValidationError(
                _("Chaque valeur va de %(low)d à %(top)d.") % {"low": int(self.whole), "top": top}
            )
        if self.whole:
            return [int(one) for one in numbers]
        return [one.quantize(Decimal("0.01")) for one in numbers]


def _plain(value: Decimal | int) -> str:
    text = f"{value}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace(".", ",")


class CreditPolicyForm(forms.ModelForm):
    """A draft's fields. `seen` is its fingerprint when the page was read."""

    review_months = PerClassField(label=gettext_lazy("Revue tous les (mois)"), whole=True)
    equity_shares = PerClassField(label=gettext_lazy("Part des capitaux propres (%)"))
    turnover_shares = PerClassField(label=gettext_lazy("Part du chiffre d’affaires (%)"))
    supplier_debt_shares = PerClassField(label=gettext_lazy("Part des dettes fournisseurs (%)"))
    working_capital_shares = PerClassField(label=gettext_lazy("Part du fonds de roulement (%)"))
    large_from = AmountField(label=gettext_lazy("Un grand plafond commence à"))
    new_customer_amount = AmountField(label=gettext_lazy("Plafond d’un nouveau client"))
    own_risk_amount = AmountField(
        label=gettext_lazy("Enveloppe en risque propre"),
        help_text=gettext_lazy("Ce que la maison porte au-delà de ce que l’assureur garantit."),
    )
    refused_classes = forms.MultipleChoiceField(
        label=gettext_lazy("Classes sans crédit"),
        choices=[(name, name) for name in CLASSES],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)

    class Meta:
        model = CreditPolicy
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].required = False
        steps = steps_of(self.instance)
        for rank in range(1, STEPS + 1):
            held = steps[rank - 1] if rank <= len(steps) else None
            self.fields[f"up_to_{rank}"] = OptionalAmountField(
                label=_("Palier %(rank)d : jusqu’à") % {"rank": rank},
                required=False,
                initial=held.up_to if held else None,
                help_text=_("Vide : sans limite."),
            )
            self.fields[f"roles_{rank}"] = forms.ChoiceField(
                label=_("Palier %(rank)d : qui approuve") % {"rank": rank},
                required=False,
                choices=ROLE_CHOICES,
                initial=" ".join(held.roles) if held else "",
            )

    def _post_clean(self) -> None:
        """The operation checks the values: the instance is not touched here."""

    def steps(self) -> list[Step]:
        found = []
        for rank in range(1, STEPS + 1):
            roles = tuple(
                role for role in self.cleaned_data[f"roles_{rank}"].split() if role in APPROVING_ROLES
            )
            if roles:
                found.append(Step(self.cleaned_data[f"up_to_{rank}"], roles))
        return found

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in FIELDS}

    @property
    def groups(self) -> list[tuple[str, Sequence[Any]]]:
        """The fields as the page groups them."""
        steps = [name for rank in range(1, STEPS + 1) for name in (f"up_to_{rank}", f"roles_{rank}")]
        named = (
            (_("Qui approuve"), steps),
            (_("Durées"), ["validity_months", "temporary_days", "request_days", "alarm_days", "review_months", "large_from", "large_review_months"]),
            (_("Proposition"), ["peak_factor", *SHARES, "accounts_months", "refused_classes", "new_customer_months", "new_customer_amount", "own_risk_amount", "requires_cover"]),
            (_("Version"), ["currency", "requires_requests", "note"]),
        )  # fmt: skip
        return [(title, [self[name] for name in names]) for title, names in named]


class SimulationRequestForm(forms.Form):
    """For which entity, under which version."""

    legal_entity = forms.ModelChoiceField(
        label=gettext_lazy("Entité"),
        queryset=LegalEntity.objects.none(),
        required=False,
        empty_label=gettext_lazy("Toutes"),
    )
    policy = forms.ModelChoiceField(
        label=gettext_lazy("Politique"),
        queryset=CreditPolicy.objects.exclude(status=CreditPolicy.Status.RETIRED),
        required=False,
        empty_label=gettext_lazy("Celle en vigueur dans chaque entité"),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["legal_entity"].queryset = LegalEntity.objects.visible_to(user)  # type: ignore[attr-defined]
