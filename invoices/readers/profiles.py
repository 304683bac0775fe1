"""The saved reading of a source, as the reading process gets it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from invoices.readers.columns import NAMES, HeaderRule

SIGNS = ("normal", "reversed")
CREDIT_CHOICES = ("CREDIT_NOTE", "PAYMENT")


@dataclass(frozen=True)
class Profile:
    """`columns` maps a field to its header in the files, `constants` a field to its value on every row, `values` a
    field to {word of the source: value of ours}."""

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> "Profile":
        """From `ImportProfile`'s fields; what is not one of our fields is ignored."""
        given = data or {}
        return cls(
            columns={
                name: str(column) for name, column in (given.get("columns") or {}).items() if name in NAMES
            },
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
