"""Input shapes of score cards. What a card may say is checked in `risk.card_content`; its faults come back here."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from risk.card_content import CLASSES, CardFault
from risk.card_words import PERCENTAGES, UNITS, fault_words, written_bound
from risk.score_card import FAMILIES, OVERRIDES, Card, Criterion, WhenMissing
from risk.score_words import FAMILY_LABELS, LABELS
from risk.sectors import SECTIONS

MISSING_CHOICES = (
    (WhenMissing.NEUTRAL.value, gettext_lazy("points neutres")),
    (WhenMissing.SPREAD.value, gettext_lazy("points aux autres")),
)
_FRESHNESS = {
    "accounts_months": gettext_lazy("Comptes annuels : comptent pendant (mois)"),
    "rating_months": gettext_lazy("Notes sans date de fin : comptent pendant (mois)"),
    "legal_months": gettext_lazy("Annonces légales : comptent pendant (mois)"),
    "formal_notice_days": gettext_lazy("Mise en demeure : impayée après (jours)"),
}


class NewCardForm(forms.Form):
    """A new version, from another."""

    from_version = forms.TypedChoiceField(
        label=gettext_lazy("À partir de"), choices=list, coerce=int, empty_value=None
    )
    name = forms.CharField(label=gettext_lazy("Nom"), max_length=80)

    def __init__(self, *args: Any, versions: Iterable[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from_version"].choices = list(versions)  # type: ignore[attr-defined]


class NoteForm(forms.Form):
    note = forms.CharField(label=gettext_lazy("Ce qui change, et pourquoi"), max_length=200, required=False)


class CardForm(forms.Form):
    """A draft: weights, scales, hard rules, bounds, sectors, freshness."""

    name = forms.CharField(label=gettext_lazy("Nom"), max_length=80)
    note = forms.CharField(label=gettext_lazy("Ce qui change, et pourquoi"), max_length=200, required=False)
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, card: Card, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules = {rule.criterion: rule for rule in card.criteria}
        for criteria in FAMILIES.values():
            for criterion in criteria:
                rule = rules.get(criterion)
                label = LABELS[criterion]
                self._text(
                    f"weight-{criterion}", _("%(label)s, poids") % {"label": label}, rule and rule.weight
                )
                self._text(
                    f"best-{criterion}",
                    _("%(label)s, tous les points jusqu’à") % {"label": label},
                    rule and written_bound(criterion, rule.best),
                )
                self._text(
                    f"worst-{criterion}",
                    _("%(label)s, aucun point à partir de") % {"label": label},
                    rule and written_bound(criterion, rule.worst),
                )
                missing = forms.ChoiceField(choices=MISSING_CHOICES, required=False)
                missing.initial = (rule.when_missing if rule else WhenMissing.SPREAD).value
                missing.widget.attrs["aria-label"] = _("%(label)s, sans donnée") % {"label": label}
                self.fields[f"when_missing-{criterion}"] = missing
        for name, lowest in card.bounds:
            self._text(f"bound-{name}", _("Classe %(name)s, à partir de") % {"name": name}, lowest)
        for criterion in OVERRIDES:
            self._text(f"cap-{criterion}", str(LABELS[criterion]), card.caps.get(criterion))
        for letter, _first, _last, title in SECTIONS:
            self._text(f"sector-{letter}", f"{letter} · {title}", card.sectors.get(letter))
        for name, label in _FRESHNESS.items():
            self._text(name, label, getattr(card, name))

    def _text(self, name: str, label: Any, initial: object) -> None:
        field = forms.CharField(label=label, required=False, max_length=12)
        field.initial = "" if initial is None else str(initial)
        field.widget.attrs |= {"aria-label": str(label), "inputmode": "decimal", "class": "num", "size": "6"}
        self.fields[name] = field

    def families(self) -> list[dict[str, Any]]:
        """The criteria by family, as bound fields."""
        return [
            {
                "label": FAMILY_LABELS[family],
                "criteria": [
                    {
                        "label": LABELS[criterion],
                        "unit": UNITS[criterion],
                        "weight": self[f"weight-{criterion}"],
                        "best": self[f"best-{criterion}"],
                        "worst": self[f"worst-{criterion}"],
                        "missing": self[f"when_missing-{criterion}"],
                    }
                    for criterion in criteria
                ],
            }
            for family, criteria in FAMILIES.items()
        ]

    def bounds(self) -> list[Any]:
        return [self[f"bound-{name}"] for name in CLASSES]

    def caps(self) -> list[Any]:
        return [self[f"cap-{criterion}"] for criterion in OVERRIDES]

    def sectors(self) -> list[Any]:
        return [self[f"sector-{letter}"] for letter, _first, _last, _title in SECTIONS]

    def freshness(self) -> list[Any]:
        return [self[name] for name in _FRESHNESS]

    def content(self) -> dict[str, Any]:
        """What was typed, as a card's content: unreadable numbers stay as they are, and are faults there."""
        data = self.cleaned_data
        rows = []
        for criteria in FAMILIES.values():
            for criterion in criteria:
                weight = _whole(data[f"weight-{criterion}"] or "0")
                best, worst = data[f"best-{criterion}"], data[f"worst-{criterion}"]
                if not weight and not best and not worst:
                    continue
                rows.append(
                    {
                        "criterion": criterion.value,
                        "weight": weight,
                        "best": _number(criterion, best),
                        "worst": _number(criterion, worst),
                        "when_missing": data[f"when_missing-{criterion}"] or WhenMissing.NEUTRAL.value,
                    }
                )
        return {
            "criteria": rows,
            "bounds": {name: _whole(data[f"bound-{name}"]) for name in CLASSES},
            "caps": {
                criterion.value: _whole(data[f"cap-{criterion}"])
                for criterion in OVERRIDES
                if data[f"cap-{criterion}"]
            },
            "sectors": {
                letter: _whole(data[f"sector-{letter}"])
                for letter, _first, _last, _title in SECTIONS
                if data[f"sector-{letter}"]
            },
            **{name: _whole(data[name]) for name in _FRESHNESS},
        }

    def show_faults(self, faults: Iterable[CardFault]) -> None:
        """Each fault at its input."""
        for fault in faults:
            field = fault.place if fault.place in self.fields else None
            self.add_error(field, fault_words(fault))
            if field:
                self.fields[field].widget.attrs["aria-invalid"] = "true"


def _whole(text: str) -> int | str:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() else text


def _number(criterion: Criterion, text: str) -> str:
    plain = text.strip().replace(",", ".").replace("−", "-")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return text
    if not value.is_finite() or criterion not in PERCENTAGES:
        return plain
    return str(value / 100)
