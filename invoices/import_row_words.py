"""What becomes of a row of a batch, in words: its errors, its changes, what is suspicious, why it is left aside."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from invoices.import_changes import field_changes, row_remarks
from invoices.imports import errors_of
from invoices.mapping_words import SKIPPED_LABELS
from invoices.models import ImportRow


@dataclass(frozen=True)
class Fact:
    """One thing to know about a row. `tone` is a tone of the interface."""

    tone: str
    text: str


def facts_of_row(row: ImportRow, headers: Mapping[str, str]) -> list[Fact]:
    """Everything there is to say about a row, the worst first."""
    facts = [
        Fact("late", _("%(label)s : %(value)s") % {"label": error.column, "value": error.message})
        for error in errors_of(row, dict(headers))
    ]
    facts += [Fact("watch", remark) for remark in row_remarks(row)]
    facts += [
        Fact(
            "info",
            _("%(label)s : %(before)s → %(after)s")
            % {"label": change.label, "before": change.before or "—", "after": change.after or "—"},
        )
        for change in field_changes(row)
    ]
    skipped = row.details.get("skipped")
    if skipped:
        facts.append(Fact("neutral", str(SKIPPED_LABELS.get(skipped, skipped))))
    return facts
