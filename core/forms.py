"""Between forms and operations: an operation's refusal is shown at the field it names."""

from django import forms

from core.errors import BusinessError


class DateInput(forms.DateInput):
    """The browser's date field, which wants ISO dates whatever the language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def show_refusal(form: forms.BaseForm, error: BusinessError) -> None:
    """Put the refusal on its field, or above the form when it names none of the form's fields."""
    form.add_error(error.field if error.field in form.fields else None, error.message)
