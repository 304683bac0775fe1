"""Input shapes of policies, simulations and trials. They read; operations and rules check."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from core.models import User
from customers.models import Customer, LegalEntity
from dunning.call_words import script_faults
from dunning.default_policies import MODELS, DefaultPolicy
from dunning.models import LetterTemplate, Level, Policy, Simulation
from invoices.forms import AmountField
from risk.models import Score

CODE = RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9-]*$", _("Lettres, chiffres et tirets seulement, sans espace."))
_DAYS = (
    ("1", _("lun.")),
    ("2", _("mar.")),
    ("3", _("mer.")),
    ("4", _("jeu.")),
    ("5", _("ven.")),
    ("6", _("sam.")),
    ("7", _("dim.")),
)


class OptionalAmountField(AmountField):
    """An amount that may be left out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def clean(self, value: Any) -> Decimal | None:  # type: ignore[override]
        if not str(value or "").strip():
            return None
        amount = super().clean(value)
        if amount < 0:
            raise ValidationError(gettext("Indiquez un montant positif ou nul."))
        return amount


class NewPolicyForm(forms.Form):
    """A new policy: its code, its name, and what it starts from."""

    name = forms.CharField(label=_("Nom"), max_length=80)
    code = forms.CharField(
        label=_("Code"),
        max_length=30,
        validators=[CODE],
        help_text=_("Court et durable : il reste le même d’une version à l’autre."),
    )
    start = forms.ChoiceField(label=_("Partir de"), choices=list, widget=forms.RadioSelect)

    def __init__(self, *args: Any, policies: list[Policy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.policies = {f"policy-{policy.pk}": policy for policy in policies}
        self.models = {f"model-{model.code}": model for model in MODELS}
        choices: list[tuple[str, Any]] = [
            (key, _("Modèle « %(name)s » : %(about)s") % {"name": model.name, "about": model.about})
            for key, model in self.models.items()
        ]
        choices.append(("empty", _("Une échelle vide")))
        choices += [
            (key, _("Copie de « %(policy)s »") % {"policy": policy}) for key, policy in self.policies.items()
        ]
        self.fields["start"].choices = choices  # type: ignore[attr-defined]

    def source(self) -> Policy | DefaultPolicy | None:
        chosen = self.cleaned_data["start"]
        return self.policies.get(chosen) or self.models.get(chosen)


class PolicyForm(forms.Form):
    """A draft's own fields: which customers it takes, and how it writes to them."""

    name = forms.CharField(label=_("Nom"), max_length=80)
    priority = forms.IntegerField(
        label=_("Priorité"),
        min_value=1,
        max_value=999,
        help_text=_("Le plus petit numéro l’emporte quand plusieurs scénarios prennent un client."),
    )
    legal_entity = forms.ModelChoiceField(
        label=_("Entité"), queryset=LegalEntity.objects.none(), required=False, empty_label=_("Toutes")
    )
    customer_kind = forms.ChoiceField(label=_("Nature de client"), required=False)
    segment = forms.ChoiceField(label=_("Segment"), required=False)
    risk_class = forms.ChoiceField(label=_("Classe de risque"), required=False)
    countries = forms.CharField(
        label=_("Pays"),
        required=False,
        max_length=200,
        help_text=_("Codes à deux lettres séparés par des virgules : « FR, BE ». Vide : tous."),
    )
    overdue_from = OptionalAmountField(
        label=_("Échu à partir de"), help_text=_("Par client et par devise. Vide : sans seuil.")
    )
    overdue_below = OptionalAmountField(label=_("Échu inférieur à"))
    turnover_share_from = forms.DecimalField(
        label=_("Part du chiffre d’affaires à partir de (%)"),
        required=False,
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        localize=True,
        help_text=_("Part du client dans ce que l’entité a facturé sur douze mois."),
    )
    oldest_days_from = forms.IntegerField(
        label=_("Plus ancien retard à partir de (jours)"), required=False, min_value=0, max_value=9999
    )
    oldest_days_below = forms.IntegerField(
        label=_("Plus ancien retard inférieur à (jours)"), required=False, min_value=0, max_value=9999
    )
    minimum_amount = OptionalAmountField(
        label=_("Montant minimal relancé"),
        help_text=_("Par client et par devise ; en dessous, la relance attend."),
    )
    contact_gap_days = forms.IntegerField(
        label=_("Jours au moins entre deux contacts"),
        min_value=0,
        max_value=90,
        help_text=_("Avec un même client, tous canaux et toutes entités confondus."),
    )
    grouping = forms.ChoiceField(
        label=_("Regroupement"),
        choices=Policy.Grouping.choices,
        help_text=_(
            "Par client : une seule relance énumère toutes ses pièces. Par pièce : une relance chacune."
        ),
    )
    progression = forms.ChoiceField(
        label=_("Progression"),
        choices=Policy.Progression.choices,
        help_text=_(
            "Chaque pièce gravit sa propre échelle ; ou bien les plus récentes rejoignent le niveau de la plus avancée."
        ),
    )
    sending_weekdays = forms.MultipleChoiceField(
        label=_("Jours d’envoi"), choices=_DAYS, widget=forms.CheckboxSelectMultiple
    )
    sending_from = forms.TimeField(
        label=_("Envois à partir de"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    sending_until = forms.TimeField(
        label=_("Envois jusqu’à"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    sends_on_holidays = forms.BooleanField(
        label=_("Envoie aussi les jours fériés"),
        required=False,
        help_text=_("Une relance prête hors de ces heures attend la prochaine ouverture."),
    )

    CONDITIONS = (
        "priority", "legal_entity", "customer_kind", "segment", "risk_class", "countries", "overdue_from",
        "overdue_below", "oldest_days_from", "oldest_days_below", "turnover_share_from",
    )  # fmt: skip
    MANNERS = ("grouping", "progression", "minimum_amount", "contact_gap_days")
    HOURS = ("sending_weekdays", "sending_from", "sending_until", "sends_on_holidays")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        any_: list[tuple[str, Any]] = [("", _("Toutes"))]
        choices: dict[str, Any] = self.fields
        choices["legal_entity"].queryset = LegalEntity.objects.visible_to(user)
        choices["customer_kind"].choices = [*any_, *Customer.Kind.choices]
        choices["risk_class"].choices = [*any_, *Score.RiskClass.choices]
        segments = Customer.objects.exclude(segment="").order_by("segment").values_list("segment", flat=True)
        named = set(segments.distinct()) | {str(self.initial.get("segment") or "")} - {""}
        choices["segment"].choices = [("", _("Tous")), *((name, name) for name in sorted(named))]

    @classmethod
    def initial_of(cls, policy: Policy) -> dict[str, Any]:
        values = {name: getattr(policy, name) for name in cls.base_fields}
        return values | {
            "countries": ", ".join(policy.countries),
            "sending_weekdays": list(policy.sending_weekdays),
        }

    def clean_countries(self) -> list[str]:
        codes = [code.strip().upper() for code in self.cleaned_data["countries"].replace(";", ",").split(",")]
        codes = [code for code in codes if code]
        for code in codes:
            if len(code) != 2 or not code.isascii() or not code.isalpha():
                raise ValidationError(
                    gettext("« %(code)s » n’est pas un code de pays à deux lettres.") % {"code": code}
                )
        return sorted(set(codes))

    def clean_sending_weekdays(self) -> str:
        return "".join(sorted(self.cleaned_data["sending_weekdays"]))

    def clean_minimum_amount(self) -> Decimal:
        return self.cleaned_data["minimum_amount"] or Decimal(0)

    def sections(self) -> list[dict[str, Any]]:
        """The fields under their headings, for the page."""
        return [
            {"title": gettext("Quels clients"), "fields": [self[name] for name in self.CONDITIONS]},
            {"title": gettext("Comment il relance"), "fields": [self[name] for name in self.MANNERS]},
            {"title": gettext("Jours et heures d’envoi"), "fields": [self[name] for name in self.HOURS]},
        ]


class LevelForm(forms.ModelForm):
    """One level of a draft."""

    minimum_amount = OptionalAmountField(
        label=_("Montant minimal"), help_text=_("En dessous, ce niveau attend que le solde grossisse.")
    )
    maximum_amount = OptionalAmountField(
        label=_("Validation manuelle au-delà de"), help_text=_("Vide : jamais du seul fait du montant.")
    )

    class Meta:
        model = Level
        fields = (
            "kind", "channel", "tone", "delay_days", "delay_from", "gap_days", "pay_within_days", "approval",
            "minimum_amount", "maximum_amount", "claims_interest", "claims_indemnity", "attaches_statement",
            "attaches_invoices", "template_code", "call_script",
        )  # fmt: skip
        labels = {
            "delay_days": _("Délai (jours)"),
            "delay_from": _("compté"),
            "gap_days": _("et au moins (jours)"),
            "pay_within_days": _("Délai de règlement demandé (jours)"),
        }
        help_texts = {
            "delay_days": _("Négatif : avant l’échéance."),
            "gap_days": _("après l’envoi prouvé du niveau précédent"),
            "call_script": _("Ce qu’il faut dire et demander ; les champs y prennent la valeur du client."),
        }
        widgets = {"call_script": forms.Textarea(attrs={"rows": 8, "data-insertable": ""})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["template_code"] = forms.ChoiceField(
            label=_("Modèle de courrier"),
            required=False,
            choices=[("", _("Celui du niveau")), *_own_templates(self.instance.template_code)],
            help_text=_("Vos modèles se préparent sous « Modèles de courrier »."),
        )

    # The database's own checks are told by the rules, at their field.
    def _post_clean(self) -> None:
        return None

    def clean_call_script(self) -> str:
        script = str(self.cleaned_data["call_script"])
        if faults := script_faults(script):
            raise forms.ValidationError(
                [gettext("Ligne %(fault)s") % {"fault": fault} for fault in faults[:5]]
            )
        return script

    def clean_minimum_amount(self) -> Decimal:
        return self.cleaned_data["minimum_amount"] or Decimal(0)

    def sections(self) -> list[dict[str, Any]]:
        names = (
            (gettext("Quoi"), ("kind", "channel", "tone")),
            (gettext("Quand"), ("delay_days", "delay_from", "gap_days", "pay_within_days")),
            (gettext("Ce qu’il réclame"), ("claims_interest", "claims_indemnity")),
            (gettext("Qui le valide"), ("approval", "minimum_amount", "maximum_amount")),
            (
                gettext("Ce qui part"),
                ("template_code", "attaches_statement", "attaches_invoices", "call_script"),
            ),
        )
        return [{"title": title, "fields": [self[name] for name in fields]} for title, fields in names]


def _own_templates(kept: str) -> list[tuple[str, str]]:
    """The templates under a code of a person's own, with their level; the one kept even when it is no more."""
    rows = (
        LetterTemplate.objects.exclude(code__in=Level.Kind.values)
        .exclude(status=LetterTemplate.Status.RETIRED)
        .order_by("code", "-version", "-pk")
        .distinct("code")
    )
    found = {row.code: f"{row.name} ({row.get_kind_display()})" for row in rows}
    if kept and kept not in found:
        found[kept] = kept
    return sorted(found.items(), key=lambda choice: choice[1])


class NoteForm(forms.Form):
    """Why a version comes, or goes."""

    note = forms.CharField(label=_("Ce qui change, et pourquoi"), max_length=200, required=False)


class SimulationForm(forms.Form):
    """What to simulate."""

    horizon_days = forms.TypedChoiceField(
        label=_("Sur une durée de"),
        coerce=int,
        choices=lambda: [(days, _("%(days)s jours") % {"days": days}) for days in (30, 60, 90, 180)],
        initial=90,
    )
    payments = forms.ChoiceField(
        label=_("Règlements"), choices=Simulation.Payments.choices, initial=Simulation.Payments.USUAL
    )


class TrialForm(forms.Form):
    """A trial: which policy, against what, on which share."""

    name = forms.CharField(label=_("Nom"), max_length=80)
    policy = forms.ModelChoiceField(
        label=_("Scénario à l’essai"), queryset=Policy.objects.none(), empty_label=None
    )
    control_policy = forms.ModelChoiceField(
        label=_("Le groupe témoin suit"),
        queryset=Policy.objects.none(),
        required=False,
        empty_label=_("aucun scénario : il n’est pas relancé"),
    )
    control_share = forms.IntegerField(
        label=_("Part témoin (%)"),
        min_value=1,
        max_value=50,
        initial=10,
        help_text=_("Plus elle est grande, plus vite on conclut ; 50 conclut le plus vite."),
    )

    def __init__(self, *args: Any, policies: Any, controls: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["policy"].queryset = policies  # type: ignore[attr-defined]
        self.fields["control_policy"].queryset = controls  # type: ignore[attr-defined]


class TrialEndForm(forms.Form):
    ended_on = forms.DateField(label=_("Terminé le"), widget=DateInput)
