"""Input shapes of customers and contacts. They check each field; `customers.operations` checks the whole again."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from core.models import Grant, Role, User
from core.rights import Actor
from customers.identifiers import IdentifierError, clean_naf, clean_siren, clean_siret, clean_vat_number
from customers.models import Contact, Customer, LegalEntity, PaymentTerms
from customers.operations import EDITABLE


class DateInput(forms.DateInput):
    """The browser's own date field; it wants ISO dates whatever the language."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs=attrs, format="%Y-%m-%d")


class CustomerForm(forms.ModelForm):
    """The editable fields of a customer; `values()` are the keyword arguments of `update_customer`."""

    class Meta:
        model = Customer
        fields = EDITABLE
        widgets = {
            "customer_since": DateInput(),
            "address_lines": forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
            "pinned_note": forms.Textarea(attrs={"rows": 3}),
        }
        help_texts = {
            "siren": _("Neuf chiffres. Obligatoire pour un professionnel établi en France."),
            "siret": _("Quatorze chiffres ; les neuf premiers sont le SIREN."),
            "vat_number": _("Avec le préfixe du pays, par exemple FR44732829320."),
            "foreign_id": _("Numéro d’entreprise d’un client établi hors de France."),
            "address_lines": _("Une ligne d’adresse par ligne, sans le nom du client."),
        }

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["terms"].queryset = PaymentTerms.objects.all()
        managers = Grant.objects.filter(role=Role.CREDIT_MANAGER).values("user")
        self.fields["portfolio_owner"].queryset = User.objects.filter(
            is_active=True, pk__in=managers
        ).order_by("full_name", "id")
        self.actor = actor
        # A list of a hundred thousand customers is no choice: the parent's account code is typed.
        self.fields["parent"] = forms.CharField(
            label=_("Société mère"),
            max_length=40,
            required=False,
            help_text=_("Son code client, dans la même entité juridique."),
        )
        if self.instance.parent is not None:
            self.initial["parent"] = self.instance.parent.account_code
        for field in ("siren", "siret", "vat_number", "naf_code"):
            # Identifiers are typed with spaces and dots: the length that counts is that of the cleaned one.
            model_field = self.fields[field]
            self.fields[field] = forms.CharField(
                label=model_field.label, max_length=40, required=False, help_text=model_field.help_text
            )

    def clean_siren(self) -> str:
        return _cleaned(clean_siren, self.cleaned_data["siren"])

    def clean_naf_code(self) -> str:
        return _cleaned(clean_naf, self.cleaned_data["naf_code"])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        siren = values.get("siren", "")
        for field, clean in (
            ("siret", lambda text: clean_siret(text, siren)),
            ("vat_number", lambda text: clean_vat_number(text, values.get("country", ""), siren)),
        ):
            if not values.get(field):
                continue
            try:
                values[field] = clean(values[field])
            except IdentifierError as error:
                self.add_error(field, str(error))
        if values.get("parent"):
            entity = values.get("legal_entity") or self.instance.legal_entity_id
            parents = Customer.objects.visible_to(self.actor).filter(legal_entity=entity)
            parent = parents.filter(account_code=values["parent"]).first()
            if parent is None:
                self.add_error(
                    "parent", _("Aucun client de cette entité n’a ce code. Vérifiez-le dans la liste.")
                )
            else:
                values["parent"] = parent
        elif "parent" in values:
            values["parent"] = None
        return values

    def values(self) -> dict[str, Any]:
        """What the operation takes, once the form is valid."""
        return {field: self.cleaned_data[field] for field in EDITABLE}


class NewCustomerForm(CustomerForm):
    """A new account: its identity besides the editable fields."""

    class Meta(CustomerForm.Meta):
        fields = ("legal_entity", "account_code", *EDITABLE)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, actor=actor, **kwargs)
        self.fields["legal_entity"].queryset = LegalEntity.objects.visible_to(actor)
        self.fields["legal_entity"].label = _("Entité juridique")

    def values(self) -> dict[str, Any]:
        return {field: self.cleaned_data[field] for field in ("legal_entity", "account_code", *EDITABLE)}


class ContactForm(forms.ModelForm):
    """A contact; `cleaned_data` are the keyword arguments of `add_contact`."""

    class Meta:
        model = Contact
        fields = ("name", "role", "email", "phone", "gets_dunning")
        widgets = {
            # Whether messages reach the address is known above: asked by name, shown below the form.
            "email": forms.EmailInput(
                attrs={
                    "hx-get": reverse_lazy("dunning:address-check"),
                    "hx-trigger": "change",
                    "hx-target": "#remarque-adresse",
                }
            )
        }


class HoldForm(forms.Form):
    """Why, and until when, the dunning of a customer is suspended."""

    hold_reason = forms.CharField(label=_("Motif"), max_length=200)
    hold_until = forms.DateField(
        label=_("Jusqu’au (inclus)"),
        required=False,
        widget=DateInput(),
        help_text=_("Vide : sans date de fin."),
    )


class InsolvencyForm(forms.Form):
    """The judgment that opens insolvency proceedings."""

    insolvency_date = forms.DateField(label=_("Date du jugement d’ouverture"), widget=DateInput())


def _cleaned(clean: Any, text: str) -> str:
    if not text.strip():
        return ""
    try:
        return clean(text)
    except IdentifierError as error:
        raise ValidationError(str(error)) from error
