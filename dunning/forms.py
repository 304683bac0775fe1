"""Input shapes of the dunning pages."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.errors import BusinessError
from core.models import User
from customers.models import LegalEntity
from dunning.models import DunningException, DunningSettings, Level, RunExclusion


class RunForm(forms.Form):
    """Ask for a run: which creditor, as of which day."""

    legal_entity = forms.ModelChoiceField(
        label=_("Entité"), queryset=LegalEntity.objects.none(), empty_label=None
    )
    as_of = forms.DateField(
        label=_("Arrêtée au"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Les pièces échues avant ce jour sont examinées."),
    )

    def __init__(self, *args: Any, user: User, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["legal_entity"].queryset = LegalEntity.objects.visible_to(user)  # type: ignore[attr-defined]

    def clean_as_of(self) -> date:
        """A run of tomorrow would claim what is not due yet."""
        day: date = self.cleaned_data["as_of"]
        if day > self.today:
            raise ValidationError(
                gettext(
                    "Le %(day)s est à venir : ses pièces ne sont pas encore échues. "
                    "Choisissez aujourd’hui ou un jour passé."
                )
                % {"day": f"{day:%d/%m/%Y}"}
            )
        return day


class ReasonForm(forms.Form):
    """Why a person overrules the house."""

    reason = forms.CharField(label=_("Motif"), max_length=200, widget=forms.TextInput)

    @classmethod
    def read(cls, data: QueryDict) -> str:
        """The reason given, empty when none is: the operation says so. Raises BusinessError when it is unfit."""
        form = cls(data)
        if form.is_valid():
            return str(form.cleaned_data["reason"])
        if data.get("reason", "").strip():
            raise BusinessError(" ".join(form.errors["reason"]), field="reason")
        return ""


class PostingForm(forms.Form):
    """When the letters were given to the post."""

    posted_on = forms.DateField(
        label=_("Déposés à la poste le"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class StopForm(forms.Form):
    """Stop all that leaves, for an entity or for all."""

    legal_entity = forms.ModelChoiceField(
        label=_("Entité"),
        queryset=LegalEntity.objects.none(),
        required=False,
        empty_label=_("Toutes les entités"),
    )
    reason = forms.CharField(
        label=_("Motif"),
        max_length=200,
        widget=forms.TextInput,
        help_text=_("Il est montré sur toutes les pages des relances."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["legal_entity"].queryset = LegalEntity.objects.visible_to(user)  # type: ignore[attr-defined]


class ExceptionForm(forms.Form):
    """What an exception changes, why, until when."""

    effect = forms.ChoiceField(
        label=_("Ce qu’elle change"), choices=DunningException.Effect.choices, widget=forms.RadioSelect
    )
    policy_code = forms.ChoiceField(
        label=_("Scénario"),
        required=False,
        help_text=_("Pour « Relancer par un autre scénario »."),
    )
    until = forms.DateField(
        label=_("Jusqu’au (inclus)"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Obligatoire pour ne pas relancer ; un an au plus. L’exception s’éteint d’elle-même."),
    )
    reason = forms.CharField(label=_("Motif"), max_length=200, widget=forms.TextInput)

    def __init__(self, *args: Any, policies: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["policy_code"].choices = [("", "—"), *policies]  # type: ignore[attr-defined]


class SentForm(forms.Form):
    """When a notice whose sending failed reached the customer all the same."""

    sent_on = forms.DateField(
        label=_("Reçue le"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = forms.CharField(label=_("Comment vous le savez"), max_length=200, widget=forms.TextInput)


class DunningSettingsForm(forms.ModelForm):
    """The settings of an entity, with one cost for each channel."""

    class Meta:
        model = DunningSettings
        fields = (
            "sender_name", "sender_email", "reply_address", "copy_to", "bank_freshness_days", "guard_ratio",
            "guard_minimum", "mails_per_minute", "cost_of_money",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for channel, label in Level.Channel.choices:
            self.fields[f"cost_{channel}"] = forms.DecimalField(
                label=_("Coût : %(channel)s") % {"channel": label},
                min_value=0,
                max_value=9999,
                decimal_places=2,
                required=False,
                initial=self.instance.channel_costs.get(channel),
            )

    @property
    def cost_fields(self) -> list[forms.BoundField]:
        return [self[f"cost_{channel}"] for channel in Level.Channel.values]

    def values(self) -> dict[str, Any]:
        """What the operation takes."""
        costs = {
            channel: cost
            for channel in Level.Channel.values
            if (cost := self.cleaned_data[f"cost_{channel}"]) is not None
        }
        return {name: self.cleaned_data[name] for name in self.Meta.fields} | {"channel_costs": costs}


class OutcomeForm(forms.Form):
    """Which outcomes of a run: proposed or one reason, and of whom."""

    outcome = forms.ChoiceField(
        label=_("Issue"),
        required=False,
        choices=[("", _("Toutes")), ("PROPOSED", _("Relance proposée")), *RunExclusion.Reason.choices],
    )
    customer = forms.CharField(label=_("Client"), required=False, max_length=80)
