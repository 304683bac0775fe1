"""Input shapes of the administration, and what every form shares: an operation's refusal is shown at the field it names."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.api_resources import scope_choices
from core.errors import BusinessError
from core.models import Grant, Role, User


class DateInput(forms.DateInput):
    """The browser's date field, which wants ISO dates whatever the language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def show_refusal(form: forms.BaseForm, error: BusinessError) -> None:
    """Put the refusal on its field, or above the form when it names none of the form's fields."""
    form.add_error(error.field if error.field in form.fields else None, error.message)


class ApiKeyForm(forms.Form):
    """A partner's key: whose, for what, until when."""

    user = forms.ModelChoiceField(
        label=_("Agit comme"), queryset=User.objects.none(), empty_label=_("Choisir…")
    )
    name = forms.CharField(
        label=_("Nom de la clé"),
        max_length=80,
        help_text=_("Le système qui s’en sert, par exemple « ERP, production »."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("Droits"),
        choices=scope_choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Les rôles et le périmètre de l’utilisateur s’appliquent de toute façon."),
    )
    expires_on = forms.DateField(
        label=_("Expire le"),
        required=False,
        widget=DateInput,
        help_text=_("Vide : jamais. Une clé qui expire est plus sûre."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        partners = Grant.objects.filter(role=Role.API_PARTNER).values("user")
        self.fields["user"].queryset = User.objects.filter(  # type: ignore[attr-defined]
            is_active=True, pk__in=partners
        ).order_by("full_name", "pk")


class LegalParameterForm(forms.Form):
    """The value of a new period, with its source."""

    key = forms.ChoiceField(label=_("Paramètre"), choices=list)
    value = forms.CharField(
        label=_("Valeur"), max_length=200, help_text=_("Un taux s’écrit en pour cent : 2,40.")
    )
    valid_from = forms.DateField(label=_("Du"), widget=DateInput)
    valid_to = forms.DateField(label=_("Au (inclus)"), required=False, widget=DateInput)
    source = forms.CharField(
        label=_("Source"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Le texte et l’article, ou la publication et sa date."),
    )
    confirmed = forms.BooleanField(label=_("Je l’ai lu dans la source elle-même"), required=False)

    def __init__(self, *args: Any, keys: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].choices = keys  # type: ignore[attr-defined]


class ConfirmationForm(forms.Form):
    """A value read again in its primary source."""

    value = forms.CharField(label=_("Valeur lue"), max_length=200)
    source = forms.CharField(label=_("Source"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
