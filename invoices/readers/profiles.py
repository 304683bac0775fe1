"""The saved reading of a source, as the reading process gets it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from invoices.readers.columns import NAMES, HeaderRule
from invoices.readers.detection import DELIMITERS, ENCODINGS

_HEADER_LINES = 50
SIGNS = ("normal", "reversed")
CREDIT_CHOICES = ("CREDIT_NOTE", "PAYMENT")


CHOICES: dict[str, tuple[str, ...]] = {
    "encoding": ENCODINGS,
    "delimiter": DELIMITERS,
    "decimal": (",", "."),
    "date_order": ("dmy", "mdy"),
    "sign": SIGNS,
    "credit_kind": CREDIT_CHOICES,
    "header_line": tuple(str(line) for line in range(_HEADER_LINES + 1)),
}


def checked_options(options: Mapping[str, str]) -> dict[str, str]:
    """The reading choices that are really made. Raises ValueError, holding the choice that does not exist."""
    chosen = {}
    for name, value in options.items():
        if not value:
            continue
        if name == "sheet":
            chosen[name] = str(value)[:100]
        elif value in CHOICES.get(name, ()):
            chosen[name] = str(value)
        else:
            raise ValueError(str(value)[:100])
    return chosen


@dataclass(frozen=True)
class Profile:
    """`columns` maps a field to its header in the files, `constants` a field to its value on every row, `values` a
    field to {word of the source: value of ours}. `columns` None leaves it to the names of the headers."""

    columns: Mapping[str, str] | None = None
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> "Profile":
        """From `ImportProfile`'s fields; what is not one of our fields is ignored."""
        given = data or {}
        return cls(
            columns={
                name: str(column) for name, column in (given.get("columns") or {}).items() if name in NAMES
            }
            or None,
            constants={
                name: str(value)
                for name, value in (given.get("constants") or {}).items()
                if name in NAMES and value
            },
            values={
                name: {str(word): str(value) for word, value in words.items()}
                for name, words in (given.get("values") or {}).items()
                if name in NAMES and isinstance(words, Mapping)
            },
        )

    def header_rule(self, options: Mapping[str, str]) -> HeaderRule:
        """How to find the header with this mapping and the reading choices made."""
        line = options.get("header_line", "")
        return HeaderRule(
            columns=self.columns,
            constants=tuple(self.constants),
            line=int(line) if line.isascii() and line.isdigit() and len(line) < 5 else None,
        )
