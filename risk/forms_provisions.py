"""Input shapes of allowances: a draft, the method, an individual assessment. Rates are written in percent."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from customers.models import LegalEntity
from risk.models import IndividualAssessment, ProvisionMethod
from risk.provision_rules import BUCKET_COUNT
from risk.provision_words import bucket_labels

HUNDRED = Decimal(100)


class PercentField(forms.DecimalField):
    """A share typed in percent, to four decimals; its value is a ratio."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": 100, "decimal_places": 4, "localize": True} | kwargs)

    def clean(self, value: Any) -> Decimal | None:
        percent = super().clean(value)
        return None if percent is None else percent / HUNDRED

    def prepare_value(self, value: Any) -> Any:
        return f"{(value * HUNDRED).normalize():f}".replace(".", ",") if isinstance(value, Decimal) else value


class ProvisionForm(forms.Form):
    """Asks for the allowance of an entity as of a day."""

    entity = forms.ModelChoiceField(LegalEntity.objects.none(), label=_("Entité"), empty_label=None)
    as_of = forms.DateField(label=_("Arrêtée au"), widget=DateInput())
    outlook_factor = forms.DecimalField(
        label=_("Coefficient de conjoncture"),
        min_value=Decimal("0.5"),
        max_value=Decimal(5),
        decimal_places=3,
        localize=True,
        help_text=_("1 : comme par le passé. 1,2 : un cinquième de pertes en plus attendu."),
    )
    outlook_reason = forms.CharField(
        label=_("Pourquoi ce coefficient"),
        max_length=500,
        required=False,
        help_text=_("Obligatoire s’il diffère de 1 : source, date, raisonnement."),
    )

    def __init__(self, *args: Any, entities: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["entity"].queryset = entities


class MethodForm(forms.ModelForm):
    """The method, with one rate by bucket for what the ledger does not show."""

    insolvency_rate = PercentField(
        label=_("Perte attendue des clients en procédure collective (%)"),
        required=False,
        help_text=_("Tant que personne ne les a évalués un à un. Vide : la matrice s’applique."),
    )

    class Meta:
        model = ProvisionMethod
        fields = (
            "grouping", "base", "window_months", "loss_after_days", "minimum_count", "insolvency_rate",
            "doubtful_account", "allowance_account", "charge_account", "reversal_account",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for bucket, label in enumerate(bucket_labels()):
            held = self.instance.entered_rates.get(str(bucket))
            self.fields[f"rate_{bucket}"] = PercentField(
                label=_("Taux saisi, %(bucket)s (%%)") % {"bucket": label},
                required=False,
                initial=None if held is None else Decimal(held),
            )

    def values(self) -> dict[str, Any]:
        """What the operation takes."""
        found = {name: self.cleaned_data[name] for name in self.Meta.fields}
        rates = {bucket: self.cleaned_data[f"rate_{bucket}"] for bucket in range(BUCKET_COUNT)}
        found["entered_rates"] = {str(b): f"{rate:f}" for b, rate in rates.items() if rate is not None}
        return found


class AssessmentForm(forms.Form):
    """What is expected to be lost of a debt, and what shows it."""

    item = forms.ModelChoiceField(
        None,
        label=_("Créance"),
        required=False,
        empty_label=_("Toutes les créances du client"),
    )
    cause = forms.ChoiceField(label=_("Cause"), choices=IndividualAssessment.Cause.choices)
    rate = PercentField(
        label=_("Perte attendue (%)"), help_text=_("Part de la créance qui ne sera pas payée.")
    )
    evidence = forms.CharField(
        label=_("Ce qui le montre"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "Jugement, impayé, courrier, expertise : l’administration demande un risque précis et prouvé."
        ),
    )

    def __init__(self, *args: Any, items: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].queryset = items


class EndAssessmentForm(forms.Form):
    reason = forms.CharField(label=_("Pourquoi elle prend fin"), max_length=200)
