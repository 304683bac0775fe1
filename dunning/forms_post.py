"""Input shapes of the post and of the telephone."""

import re
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.errors import BusinessError
from dunning.models import Call, Delivery

_DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
MOST_PASTED = 2_000


class BatchForm(forms.Form):
    """How the batch is printed."""

    is_duplex = forms.BooleanField(label=gettext_lazy("Impression recto verso"), required=False)


class BatchPostingForm(forms.Form):
    """When a printed batch was given to the post."""

    posted_on = forms.DateField(label=gettext_lazy("Déposé à la poste le"), widget=_DATE)
    pasted = forms.CharField(
        label=gettext_lazy("Numéros de recommandé, un par ligne"),
        help_text=gettext_lazy("« référence numéro », ou les seuls numéros dans l’ordre du lot."),
        widget=forms.Textarea(attrs={"rows": 4}),
        required=False,
    )


class NumbersForm(forms.Form):
    """Registered numbers pasted after the posting."""

    pasted = BatchPostingForm.base_fields["pasted"]


class CallForm(forms.Form):
    """What came of a call."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("Résultat"), choices=Call.Outcome.choices, widget=forms.RadioSelect
    )
    spoke_to = forms.CharField(label=gettext_lazy("Interlocuteur"), max_length=80, required=False)
    phone = forms.CharField(label=gettext_lazy("Numéro appelé"), max_length=30, required=False)
    note = forms.CharField(
        label=gettext_lazy("Compte rendu"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
    )
    promised_amount = forms.DecimalField(
        label=gettext_lazy("Montant promis"), max_digits=14, decimal_places=2, required=False, localize=True
    )
    promised_date = forms.DateField(label=gettext_lazy("Promis pour le"), widget=_DATE, required=False)
    disputed_item = forms.ChoiceField(label=gettext_lazy("Pièce contestée"), required=False)
    call_again_on = forms.DateField(
        label=gettext_lazy("À rappeler le"),
        widget=_DATE,
        required=False,
        help_text=gettext_lazy("Si personne n’a été joint ; vide : le prochain jour ouvré."),
    )

    def __init__(self, *args: Any, items: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["disputed_item"].choices = items  # type: ignore[attr-defined]


def entered_numbers(data: QueryDict, deliveries: list[Delivery]) -> dict[int, str]:
    """The registered numbers of a page's fields and of what was pasted, by delivery.

    Raises BusinessError naming the pasted line that cannot be placed.
    """
    numbers = {
        delivery.pk: data.get(f"number-{delivery.pk}", "").strip()
        for delivery in deliveries
        if data.get(f"number-{delivery.pk}", "").strip()
    }
    lines = [line.strip() for line in data.get("pasted", "").splitlines()]
    by_reference = {delivery.notice.letter.reference: delivery for delivery in deliveries}
    in_order = iter(deliveries)
    for position, line in enumerate(lines[:MOST_PASTED], start=1):
        if not line:
            continue
        reference, number = _split(line, by_reference)
        delivery = by_reference.get(reference) if reference else next(in_order, None)
        if delivery is None:
            raise BusinessError(
                _("Ligne %(line)d : le lot n’a pas tant de courriers.") % {"line": position},
                field="pasted",
            )
        numbers[delivery.pk] = number
    return numbers


def _split(line: str, by_reference: dict[str, Delivery]) -> tuple[str, str]:
    """`FR01-R0000012;1A 123…`: the reference and the number; without reference, the number alone."""
    for reference in by_reference:
        if line.startswith(reference):
            return reference, line[len(reference) :].strip(" \t;,:")
    found = re.match(r"\S*-R\d{3,}\b", line)
    if found:
        raise BusinessError(
            _("« %(reference)s » n’est pas un courrier de ce lot.") % {"reference": found.group()[:40]},
            field="pasted",
        )
    return "", line.strip(" \t;,")
