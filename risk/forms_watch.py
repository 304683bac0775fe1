"""What people enter in the watch: files, decisions, tasks, the addressee."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import DateInput
from core.rights import Actor
from customers.models import Customer
from risk.insolvency_rules import choices_of
from risk.models import EventOutcome, InsolvencyProceeding, LegalEvent, Procedure, ProceedingTask
from risk.operations.outcomes import CLASSES
from risk.watch_words import CHOICES

NOTE = forms.CharField


class WatchFileForm(forms.Form):
    """A file of announcements or of the directory."""

    file = forms.FileField(
        label=_("Fichier"),
        max_length=255,
        allow_empty_file=True,
        help_text=_(
            "Export ou réponse du service Bodacc (JSON, JSON lines ou CSV), ou réponse de l’API Sirene (JSON)."
        ),
    )


class DecisionForm(forms.Form):
    """What a person decides on an outcome that waits."""

    choice = forms.ChoiceField(label=_("Décision"), choices=list, widget=forms.RadioSelect)
    kind = forms.ChoiceField(label=_("Le tribunal…"), choices=list, required=False)
    procedure = forms.ChoiceField(label=_("Procédure"), choices=list, required=False)
    note = forms.CharField(label=_("Motif"), max_length=200, help_text=_("Il reste au journal."))

    def __init__(self, *args: Any, outcome: EventOutcome, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        event = outcome.event
        keys = choices_of(kind=event.kind, notice_type=event.notice_type, reasons=outcome.reasons)
        self.fields["choice"].choices = [(key, CHOICES[key]) for key in (*keys, "set_aside")]  # type: ignore[attr-defined]
        self.fields["choice"].initial = keys[0]
        if "classify" in keys:
            self.fields["kind"].choices = [
                ("", _("Choisir…")),
                *((kind.value, kind.label) for kind in CLASSES),
            ]  # type: ignore[attr-defined]
            self.fields["procedure"].choices = [  # type: ignore[attr-defined]
                ("", _("Celle que dit l’annonce")),
                *((item.value, item.label) for item in Procedure if item != Procedure.CONCILIATION),
            ]
        else:
            del self.fields["kind"], self.fields["procedure"]


class AttachForm(forms.Form):
    """Whose announcement it is: the account, and what proves it."""

    entity_code = forms.CharField(label=_("Code de l’entité"), max_length=20)
    account_code = forms.CharField(label=_("Code client"), max_length=40)
    note = forms.CharField(
        label=_("Sur quoi repose le rapprochement"),
        max_length=200,
        help_text=_("Un numéro lu sur une pièce, un appel au greffe : jamais le nom seul."),
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor
        self.customer: Customer | None = None

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("entity_code") and found.get("account_code"):
            self.customer = (
                Customer.objects.visible_to(self.actor)
                .filter(
                    legal_entity__code__iexact=found["entity_code"].strip(),
                    account_code=found["account_code"].strip(),
                )
                .first()
            )
            if self.customer is None:
                self.add_error(
                    "account_code", _("Aucun client de cette entité n’a ce code dans votre périmètre.")
                )
        return found


class NoteForm(forms.Form):
    note = forms.CharField(label=_("Motif"), max_length=200, help_text=_("Il reste au journal."))


class RepresentativeForm(forms.Form):
    """Who is written to."""

    role = forms.CharField(label=_("Qualité"), max_length=60, required=False)
    name = forms.CharField(label=_("Nom"), max_length=200)
    address = forms.CharField(label=_("Adresse"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class ProceedingForm(forms.ModelForm):
    """The dates that the announcement got wrong, and where the creditor stands."""

    note = forms.CharField(label=_("Motif"), max_length=200, help_text=_("Il reste au journal."))

    class Meta:
        model = InsolvencyProceeding
        fields = ("judgment_date", "is_creditor_abroad")
        widgets = {"judgment_date": DateInput}

    def save(self, commit: bool = True) -> InsolvencyProceeding:
        raise TypeError("operations write")


class DisputeLetterForm(forms.Form):
    received_on = forms.DateField(label=_("Lettre reçue le"), widget=DateInput)


class TaskDoneForm(forms.Form):
    """When it was done, with its proof."""

    done_on = forms.DateField(label=_("Faite le"), widget=DateInput)
    note = forms.CharField(label=_("Note"), max_length=300, required=False)
    proof = forms.FileField(
        label=_("Preuve"),
        required=False,
        max_length=255,
        help_text=_("PDF ou image, 10 Mo au plus. Pour une déclaration : l’envoi et le contenu."),
    )

    def __init__(self, *args: Any, task: ProceedingTask, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if task.kind == ProceedingTask.Kind.DECLARE_CLAIM:
            self.fields["done_on"].label = _("Postée le")


EVENT_KINDS = [("", _("Tous les événements")), *((kind.value, kind.label) for kind in LegalEvent.Kind)]
