"""Input shapes of policies, covers, guarantees and files to the insurer. Shares are written in percent."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from customers.models import LegalEntity
from risk.forms_provisions import PercentField
from risk.models import Guarantee, InsurancePolicy, InsurerFile
from risk.operations.cover import POLICY_FIELDS


def _date(label: Any, required: bool = True) -> forms.DateField:
    return forms.DateField(label=label, widget=DateInput(), required=required)


def _amount(label: Any, required: bool = True) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, min_value=0, max_digits=14, decimal_places=2, localize=True, required=required
    )


class PolicyForm(forms.ModelForm):
    entity = forms.ModelChoiceField(LegalEntity.objects.none(), label=_("Entité"), empty_label=None)
    quota_share = PercentField(label=_("Quotité garantie (%)"))

    class Meta:
        model = InsurancePolicy
        fields = POLICY_FIELDS
        widgets = {"valid_from": DateInput(), "valid_until": DateInput()}

    field_order = ("entity", *POLICY_FIELDS)

    def __init__(self, *args: Any, entities: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["entity"].queryset = entities
        if self.instance.pk:
            del self.fields["entity"]
        elif not self.is_bound:
            self.initial.setdefault("currency", "EUR")

    def clean(self) -> dict[str, Any]:
        """What does not hold together is told at its field, before the database's own words for it."""
        found = super().clean() or self.cleaned_data
        declared, claimed = found.get("declaration_days"), found.get("claim_days")
        if declared is not None and claimed is not None and claimed < declared:
            self.add_error(
                "claim_days",
                _("L’indemnisation se demande après la déclaration : ce délai est trop court."),
            )
        start, end = found.get("valid_from"), found.get("valid_until")
        if start and end and end < start:
            self.add_error("valid_until", _("La fin précède le début."))
        return found


class CoverRequestForm(forms.Form):
    policy = forms.ModelChoiceField(InsurancePolicy.objects.none(), label=_("Police"), empty_label=None)
    amount = _amount(_("Montant demandé"))
    requested_on = _date(_("Demandé le"))

    def __init__(self, *args: Any, policies: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["policy"].queryset = policies


class CoverAnswerForm(forms.Form):
    amount = _amount(_("Montant accordé (vide : refusé)"), required=False)
    answered_on = _date(_("Réponse du"))
    valid_from = _date(_("Garanti du"), required=False)
    valid_until = _date(_("Jusqu’au"), required=False)
    insurer_reference = forms.CharField(label=_("Référence de l’assureur"), max_length=60, required=False)
    reason = forms.CharField(label=_("Motif"), max_length=500, required=False)


class CoverReductionForm(forms.Form):
    amount = _amount(_("Nouveau montant"))
    notified_on = _date(_("Notifié le"))
    reason = forms.CharField(label=_("Motif"), max_length=500)


class CoverCancellationForm(forms.Form):
    notified_on = _date(_("Notifié le"))
    reason = forms.CharField(label=_("Motif"), max_length=500)


class GuaranteeForm(forms.Form):
    kind = forms.ChoiceField(label=_("Nature"), choices=Guarantee.Kind.choices)
    guarantor = forms.CharField(label=_("Garant"), max_length=120, required=False)
    reference = forms.CharField(label=_("Référence"), max_length=60, required=False)
    amount = _amount(_("Montant"), required=False)
    valid_from = _date(_("Du"))
    valid_until = _date(_("Au"), required=False)


class InsurerFileForm(forms.Form):
    """The next step of a file."""

    status = forms.ChoiceField(label=_("Étape"))
    on = _date(_("Date"))
    insurer_reference = forms.CharField(label=_("Référence de l’assureur"), max_length=60, required=False)
    paid_amount = _amount(_("Indemnité"), required=False)
    reason = forms.CharField(label=_("Motif"), max_length=500, required=False)

    def __init__(self, *args: Any, insurer_file: InsurerFile, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        after = [target for source, target in InsurerFile.TRANSITIONS if source == insurer_file.status]
        self.fields["status"].choices = [(each.value, each.label) for each in after]
