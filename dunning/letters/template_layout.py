"""A text of the letters' language with its values: headings, paragraphs, lists and blocks, ready to be dressed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from dunning.letters.template_language import (
    HEADING_MARK,
    LIST_MARK,
    Choice,
    Field,
    Mark,
    Node,
    Template,
    Text,
)


@dataclass(frozen=True, slots=True)
class Run:
    text: str
    bold: bool = False


Line = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    line: Line


@dataclass(frozen=True, slots=True)
class Entries:
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Block:
    name: str


Part = Paragraph | Heading | Entries | Block


def lay_out(template: Template, values: Mapping[str, str], truth: Mapping[str, bool]) -> list[Part]:
    """Return the parts of a letter: conditions decided, fields replaced by their values, taken literally.

    `truth` answers the conditions that have no value; a field is true when its value is not empty.
    """

    def holds(name: str) -> bool:
        return truth[name] if name in truth else bool(values[name])

    parts: list[Part] = []
    # The lines of the paragraph or list being gathered.
    lines: list[Line] = []
    entries = False

    def flush() -> None:
        if lines:
            parts.append(Entries(tuple(lines)) if entries else Paragraph(tuple(lines)))
            lines.clear()

    for line in _lines(_decided(template.nodes, holds)):
        if line is None:
            flush()
            continue
        if isinstance(line[0], Field) and line[0].block:
            flush()
            parts.append(Block(line[0].name))
            continue
        mark = next(
            (
                mark
                for mark in (LIST_MARK, HEADING_MARK)
                if isinstance(line[0], Text) and line[0].text.startswith(mark)
            ),
            "",
        )
        runs = _runs(line, mark, values)
        if not any(run.text.strip() for run in runs):
            continue
        if mark == HEADING_MARK:
            flush()
            parts.append(Heading(runs))
            continue
        if entries is not (mark == LIST_MARK):
            flush()
            entries = mark == LIST_MARK
        lines.append(runs)
    flush()
    return parts


def _decided(nodes: Iterable[Node], holds: Callable[[str], bool]) -> Iterator[Text | Field | Mark]:
    for node in nodes:
        if isinstance(node, Choice):
            for condition, inside in node.branches:
                if condition is None or condition.holds(holds):
                    yield from _decided(inside, holds)
                    break
        else:
            yield node


def _lines(atoms: Iterator[Text | Field | Mark]) -> Iterator[list[Text | Field] | None]:
    """Lines of atoms, and None at the end of a paragraph."""
    line: list[Text | Field] = []
    for atom in atoms:
        if isinstance(atom, Mark):
            if line:
                yield line
                line = []
            if atom is Mark.PARAGRAPH:
                yield None
        else:
            line.append(atom)
    if line:
        yield line


def _runs(line: list[Text | Field], mark: str, values: Mapping[str, str]) -> Line:
    runs: list[Run] = []
    bold = False
    for index, atom in enumerate(line):
        if isinstance(atom, Field):
            runs.append(Run(values[atom.name], bold))
            continue
        text = atom.text[len(mark) :] if index == 0 else atom.text
        for number, piece in enumerate(text.split("**")):
            bold = bold is not (number > 0)
            if piece:
                runs.append(Run(piece, bold))
    return tuple(runs)
