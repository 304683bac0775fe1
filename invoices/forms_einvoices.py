"""What a person says when he brings life-cycle statuses, or asks for what was collected."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from core.rights import Actor
from customers.models import LegalEntity

MOST_DAYS = 366


class StatusUploadForm(forms.Form):
    """A file of one legal entity's invoices."""

    entity = forms.ModelChoiceField(
        label=_("Entité juridique"),
        queryset=LegalEntity.objects.none(),
        empty_label=None,
        help_text=_("Celle qui a émis les factures."),
    )
    file = forms.FileField(
        label=_("Fichier"),
        max_length=255,
        allow_empty_file=True,
        help_text=_("Un message de cycle de vie (XML CDAR), ou une archive ZIP de tels messages."),
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["entity"].queryset = LegalEntity.objects.visible_to(actor)  # type: ignore[attr-defined]


class CollectedForm(forms.Form):
    """An entity and the days of the receipts."""

    entity = forms.ModelChoiceField(
        label=_("Entité juridique"),
        queryset=LegalEntity.objects.none(),
        to_field_name="code",
        empty_label=None,
    )
    start = forms.DateField(label=_("Du"), widget=DateInput)
    end = forms.DateField(label=_("Au (inclus)"), widget=DateInput)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["entity"].queryset = LegalEntity.objects.visible_to(actor)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        start, end = found.get("start"), found.get("end")
        if start and end and end < start:
            self.add_error("end", _("Cette date précède le début de la période."))
        elif start and end and (end - start).days > MOST_DAYS:
            self.add_error("end", _("La période dépasse un an : choisissez-en une plus courte."))
        return found
