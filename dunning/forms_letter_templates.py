"""Input shapes of the letter templates' pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from dunning.letters.template_language import MAX_CHARS
from dunning.models import Letterhead
from dunning.operations.letter_templates import Texts


class TextsForm(forms.Form):
    """The words of a draft. What they mean is read by the operation; here only that they fit their columns."""

    name = forms.CharField(label=_("Nom du modèle"), max_length=80)
    subject = forms.CharField(label=_("Objet"), max_length=150)
    body = forms.CharField(
        label=_("Courrier"),
        max_length=MAX_CHARS,
        widget=forms.Textarea(attrs={"rows": 26, "spellcheck": "true", "data-insertable": ""}),
    )
    email_body = forms.CharField(
        label=_("E-mail qui accompagne le courrier"),
        max_length=MAX_CHARS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "true", "data-insertable": ""}),
        help_text=_("Vide : le texte intégré."),
    )
    sms_body = forms.CharField(
        label=_("SMS"),
        max_length=480,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "true", "data-insertable": ""}),
        help_text=_("Vide : le texte intégré."),
    )
    note = forms.CharField(
        label=_("Ce qui change"),
        max_length=200,
        required=False,
        help_text=_("Pour la personne qui approuvera."),
    )
    read_at = forms.CharField(widget=forms.HiddenInput, required=False)

    def texts(self) -> Texts:
        data = self.cleaned_data
        return Texts(
            name=data["name"],
            subject=data["subject"],
            body=_lines(data["body"]),
            email_body=_lines(data["email_body"]),
            sms_body=_lines(data["sms_body"]),
            note=data["note"],
        )


class LetterTextForm(forms.Form):
    """The words of one letter."""

    subject = forms.CharField(label=_("Objet"), max_length=150)
    body = forms.CharField(
        label=_("Courrier"),
        max_length=MAX_CHARS,
        widget=forms.Textarea(attrs={"rows": 26, "spellcheck": "true", "data-insertable": ""}),
        help_text=_(
            "Les montants, les dates et les tableaux viennent des champs : ils ne se changent pas ici."
        ),
    )

    def words(self) -> tuple[str, str]:
        return self.cleaned_data["subject"], _lines(self.cleaned_data["body"])


class LetterheadForm(forms.ModelForm):
    class Meta:
        model = Letterhead
        fields = ["window_left", "window_top", "window_width", "window_height", "has_fold_marks", "footer"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["footer"].help_text = _(
            "S’ajoute aux mentions légales, qui viennent de la fiche de l’entité."
        )


def _lines(text: str) -> str:
    """Browsers send line breaks of two characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
