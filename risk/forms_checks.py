"""Input shapes of checks, orders, holds and their settings. They read; `risk.operations` checks."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.forms import DateInput
from customers.models import Customer
from invoices.forms import AmountField
from risk.models import RiskSettings
from risk.operations.order_values import NOTE_LENGTH, REFERENCE_LENGTH
from risk.operations.risk_settings import FIELDS


class _OfCustomerForm(forms.Form):
    """A document of a customer, whom a person names by his code."""

    customer = forms.CharField(
        label=gettext_lazy("Client"),
        max_length=80,
        help_text=gettext_lazy("Son code client, ou son nom exact."),
        error_messages={"required": gettext_lazy("Indiquez le client.")},
    )

    def __init__(self, *args: Any, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor

    def clean_customer(self) -> Customer:
        given = self.cleaned_data["customer"].strip()
        visible = Customer.objects.visible_to(self.actor).select_related("legal_entity")
        for rows in (visible.filter(account_code__iexact=given), visible.filter(name__iexact=given)):
            found = list(rows.order_by("pk")[:2])
            if len(found) == 1:
                return found[0]
            if found:
                raise ValidationError(
                    _("Plusieurs clients répondent à ce nom : partez de la fiche du client.")
                )
        raise ValidationError(_("Aucun client de votre périmètre n’a ce code ni ce nom."))


def currency_field() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Devise"),
        max_length=3,
        required=False,
        help_text=gettext_lazy("Vide : celle du compte."),
    )


class AskForm(_OfCustomerForm):
    """« Puis-je livrer ? »"""

    amount = AmountField(
        label=gettext_lazy("Montant de la commande"),
        help_text=gettext_lazy("Toutes taxes comprises."),
        error_messages={"required": gettext_lazy("Indiquez le montant de la commande.")},
    )
    currency = currency_field()
    reference = forms.CharField(
        label=gettext_lazy("Numéro de commande"),
        max_length=REFERENCE_LENGTH,
        required=False,
        help_text=gettext_lazy(
            "Avec un numéro, un accord réserve le montant ; un cas douteux attend la décision d’une personne."
        ),
    )


class OrderForm(_OfCustomerForm):
    """An order as it was taken."""

    reference = forms.CharField(
        label=gettext_lazy("Numéro de commande"),
        max_length=REFERENCE_LENGTH,
        help_text=gettext_lazy(
            "Celui que portera la facture en référence : elle prendra la place de la commande."
        ),
    )
    amount = AmountField(label=gettext_lazy("Montant TTC"))
    currency = currency_field()
    ordered_on = forms.DateField(label=gettext_lazy("Date de commande"), widget=DateInput)
    expires_on = forms.DateField(
        label=gettext_lazy("Réservée jusqu’au"),
        required=False,
        widget=DateInput,
        help_text=gettext_lazy("Vide : commande ferme, sans fin."),
    )
    note = forms.CharField(label=gettext_lazy("Commentaire"), max_length=NOTE_LENGTH, required=False)


class DeliveryForm(forms.Form):
    """A delivery of an order."""

    reference = forms.CharField(label=gettext_lazy("Numéro de livraison"), max_length=REFERENCE_LENGTH)
    amount = AmountField(label=gettext_lazy("Montant TTC livré"))
    delivered_on = forms.DateField(label=gettext_lazy("Livrée le"), widget=DateInput)


class EndOrderForm(forms.Form):
    """What becomes of what is left of an order."""

    ending = forms.ChoiceField(
        label=gettext_lazy("Ce qui reste"),
        choices=[
            ("CLOSED", gettext_lazy("ne sera pas livré : solder la commande")),
            ("CANCELLED", gettext_lazy("la commande est annulée")),
        ],
        widget=forms.RadioSelect,
        initial="CLOSED",
    )
    reason = forms.CharField(label=gettext_lazy("Motif"), max_length=NOTE_LENGTH)


class DecisionForm(forms.Form):
    """What a person decides of an order referred to him."""

    reason = forms.CharField(
        label=gettext_lazy("Motif"),
        max_length=NOTE_LENGTH,
        help_text=gettext_lazy("Il reste dans l’historique avec votre nom."),
        error_messages={"required": gettext_lazy("Indiquez ce qui motive votre décision.")},
    )


class HoldForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Motif"),
        max_length=NOTE_LENGTH,
        help_text=gettext_lazy("Ce que lira qui voudra livrer."),
        error_messages={"required": gettext_lazy("Indiquez pourquoi ne plus livrer.")},
    )


class ReleaseForm(forms.Form):
    """A release of a hold, with its bounds."""

    until = forms.DateField(label=gettext_lazy("Livrer jusqu’au (inclus)"), required=False, widget=DateInput)
    amount = forms.CharField(
        label=gettext_lazy("Livrer à hauteur de"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("En tout, toutes taxes comprises, dans la devise du compte."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Motif"),
        max_length=NOTE_LENGTH,
        error_messages={"required": gettext_lazy("Indiquez ce qui motive la levée.")},
    )

    def clean_amount(self) -> Any:
        given = self.cleaned_data["amount"]
        return AmountField().clean(given) if given.strip() else None


class SettingsForm(forms.ModelForm):
    """How an entity counts its risk and stops deliveries."""

    alert_percents = forms.CharField(
        label=gettext_lazy("Seuils d’alerte (% du plafond)"),
        max_length=40,
        help_text=gettext_lazy("Du plus bas au plus haut, par exemple 80, 90, 100."),
    )
    overdue_hold_amount = AmountField(label=gettext_lazy("À partir d’un montant échu de"))

    class Meta:
        model = RiskSettings
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance is not None:
            self.initial["alert_percents"] = ", ".join(str(n) for n in self.instance.alert_percents)

    def clean_alert_percents(self) -> list[int]:
        parts = self.cleaned_data["alert_percents"].replace("%", "").replace(";", ",").split(",")
        found = [part.strip() for part in parts if part.strip()]
        if not found or not all(
            part.isascii() and part.isdigit() and 1 <= int(part) <= 500 for part in found
        ):
            raise ValidationError(_("Écrivez des nombres de 1 à 500 séparés par des virgules."))
        return [int(part) for part in found]

    def _post_clean(self) -> None:
        """The operation checks the row as a whole."""
