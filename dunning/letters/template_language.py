"""The language letters are written in: text, fields and conditions; nothing that reaches into an object, nothing that loops.

    ## Title                      a heading
    - entry                       a list, one entry a line
    **words**                     bold
    {{ date_limite }}             a field; a block field (table, payment box…) stands alone on its line
    {{ si penalites }} … {{ sinon si X }} … {{ sinon }} … {{ fin }}
                                  a condition: names joined by « et » or by « ou », each may follow « non »

A blank line ends a paragraph, a line break inside one stays; a line that holds conditions only is not a line of
the letter. Names are read without accents, capitals, nor the difference between a space and an underscore.

A text is parsed once, whole, with every fault and its line; the fields it may use are given, so that an unknown
name cannot be saved. Length, depth and number of fields are bounded here: the letter is at most as long as its
text and its values. A value is never read as text of the language.
"""

import difflib
import enum
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils.translation import gettext as _

MAX_CHARS = 20_000
MAX_FIELDS = 200
MAX_CONDITIONS = 60
MAX_DEPTH = 5

_TAG = re.compile(r"\{\{([^{}\n]*)\}\}")
_OTHER_TAGS = re.compile(r"\{%|%\}|\{\{|\}\}|\{#|#\}")
LIST_MARK = "- "
HEADING_MARK = "## "
_WORDS = ("si", "sinon", "fin", "et", "ou", "non")


class FieldKind(StrEnum):
    TEXT = "TEXT"  # words or figures in a sentence
    BLOCK = "BLOCK"  # a table, a box: alone on its line
    CONDITION = "CONDITION"  # is or is not; asked after « si » only


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in words for the person who writes the text, and on which line (from 1)."""

    line: int
    message: str


class TemplateError(ValueError):
    """The text cannot be read; `faults` says everything that is wrong in it."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{fault.line}: {fault.message}" for fault in faults))


class Mark(enum.Enum):
    LINE = "line"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    line: int
    block: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """All of the names (« et ») or one of them (« ou »); each with the truth it is asked to have."""

    names: tuple[tuple[str, bool], ...]
    every: bool
    line: int

    def holds(self, truth: Callable[[str], bool]) -> bool:
        return (all if self.every else any)(truth(name) is wanted for name, wanted in self.names)


@dataclass(slots=True)
class Choice:
    """Branches in their order; the last one may have no condition."""

    line: int
    branches: list[tuple[Condition | None, "list[Node]"]] = field(default_factory=list)


Node = Text | Field | Choice | Mark


@dataclass(frozen=True, slots=True)
class Template:
    nodes: tuple[Node, ...]

    def fields(self) -> Iterator[Field]:
        """Every field that stands in the text, in any branch."""
        return (node for node in _walk(self.nodes) if isinstance(node, Field))

    def conditions(self) -> Iterator[Condition]:
        return (
            condition
            for node in _walk(self.nodes)
            if isinstance(node, Choice)
            for condition, _nodes in node.branches
            if condition is not None
        )

    def words(self) -> Iterator[Text]:
        """The literal text, in any branch."""
        return (node for node in _walk(self.nodes) if isinstance(node, Text))


def _walk(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        if isinstance(node, Choice):
            for _condition, inside in node.branches:
                yield from _walk(inside)


def fold_name(name: str) -> str:
    """`Pénalités par jour` and `penalites_par_jour` name the same field."""
    text = unicodedata.normalize("NFD", name.lower())
    text = "".join(char for char in text if not unicodedata.combining(char))
    return re.sub(r"[\s\u00a0_-]+", "_", text).strip("_")


def parse(source: str, vocabulary: Mapping[str, FieldKind]) -> Template:
    """Read a text that may use the fields of `vocabulary`. Raises TemplateError with every fault found."""
    if len(source) > MAX_CHARS:
        raise TemplateError(
            [Fault(1, _("Le texte dépasse %(limit)d caractères : raccourcissez-le.") % {"limit": MAX_CHARS})]
        )
    reader = _Reader(vocabulary)
    nodes = reader.read(source)
    if not reader.faults:
        _blocks_once(nodes, reader)
    if reader.faults:
        raise TemplateError(sorted(reader.faults, key=lambda fault: fault.line))
    return Template(tuple(nodes))


class _Reader:
    """One pass over the lines; faults are gathered, not raised, so that all of them are told at once."""

    def __init__(self, vocabulary: Mapping[str, FieldKind]) -> None:
        self.vocabulary = vocabulary
        self.faults: list[Fault] = []
        self.fields = self.conditions = 0

    def fail(self, line: int, message: str) -> None:
        self.faults.append(Fault(line, message))

    def read(self, source: str) -> list[Node]:
        root: list[Node] = []
        # The lists being filled, innermost last, and the conditions that opened them.
        self.stack: list[list[Node]] = [root]
        self.open: list[Choice] = []
        source = source.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
        for number, line in enumerate(source.split("\n"), start=1):
            self._line(line, number)
        for choice in self.open:
            self.fail(choice.line, _("Cette condition n’est pas refermée : ajoutez {{ fin }}."))
        return root

    def _line(self, line: str, number: int) -> None:
        if not line.strip():
            self.stack[-1].append(Mark.PARAGRAPH)
            return
        self._stray_braces(line, number)
        pieces = _TAG.split(line)
        texts, tags = pieces[0::2], [fold_name(tag) for tag in pieces[1::2]]
        words = [tag.split("_", 1)[0] for tag in tags]
        control = [
            word in ("si", "sinon", "fin") and tag not in self.vocabulary
            for word, tag in zip(words, tags, strict=True)
        ]
        blocks = [self.vocabulary.get(tag) is FieldKind.BLOCK for tag in tags]
        has_text = any(text.strip() for text in texts)
        if any(blocks) and (has_text or sum(not is_control for is_control in control) > 1):
            name = tags[blocks.index(True)]
            self.fail(number, _("« %(name)s » est un bloc : placez-le seul sur sa ligne.") % {"name": name})
            return
        self._bold(texts, control, number)
        for index, text in enumerate(texts):
            if text and (has_text or text.strip()):
                self.stack[-1].append(Text(text, number))
            if index < len(tags):
                if control[index]:
                    self._control(tags[index], words[index], number)
                else:
                    self._field(tags[index], pieces[2 * index + 1], number)
        if has_text or not all(control):
            self.stack[-1].append(Mark.PARAGRAPH if any(blocks) else Mark.LINE)

    def _stray_braces(self, line: str, number: int) -> None:
        stray = _OTHER_TAGS.search(_TAG.sub("", line))
        if stray is None:
            return
        if stray.group() in ("{{", "}}"):
            self.fail(
                number,
                _("Accolades non refermées : un champ s’écrit {{ nom_du_champ }}, sur une seule ligne."),
            )
        else:
            self.fail(
                number,
                _(
                    "« %(mark)s » n’est pas une balise : une condition s’écrit {{ si … }} et se referme par {{ fin }}."
                )
                % {"mark": stray.group()},
            )

    def _bold(self, texts: list[str], control: list[bool], number: int) -> None:
        """Bold opens and closes on one line, on the same side of a condition."""
        run = 0
        for index, text in enumerate(texts):
            run += text.count("**")
            if index == len(control) or control[index]:
                if run % 2:
                    self.fail(
                        number,
                        _(
                            "Le gras ouvert par ** doit se refermer par ** sur la même ligne, et avant la fin d’une condition."
                        ),
                    )
                run = 0

    def _field(self, name: str, written: str, number: int) -> None:
        self.fields += 1
        if self.fields == MAX_FIELDS + 1:
            self.fail(number, _("Le texte a plus de %(limit)d champs.") % {"limit": MAX_FIELDS})
        if not self._known(name, written.strip(), number):
            return
        kind = self.vocabulary[name]
        if kind is FieldKind.CONDITION:
            self.fail(
                number,
                _("« %(name)s » est une condition : écrivez {{ si %(name)s }} … {{ fin }}.") % {"name": name},
            )
            return
        self.stack[-1].append(Field(name, number, kind is FieldKind.BLOCK))

    def _known(self, name: str, written: str, number: int) -> bool:
        if name in self.vocabulary:
            return True
        if not name:
            self.fail(number, _("Un champ est vide : écrivez son nom entre les accolades."))
            return False
        near = difflib.get_close_matches(name, self.vocabulary, n=1, cutoff=0.5)
        if near:
            message = _("Le champ « %(name)s » n’existe pas. Vouliez-vous dire « %(near)s » ?")
        else:
            message = _("Le champ « %(name)s » n’existe pas : choisissez-le dans la liste des champs.")
        self.fail(number, message % {"name": written[:60], "near": near[0] if near else ""})
        return False

    def _control(self, tag: str, word: str, number: int) -> None:
        rest = tag[len(word) :].strip("_")
        if word == "fin":
            self._close(rest, number)
        elif word == "sinon":
            self._otherwise(rest, number)
        else:
            self._open(rest, number)

    def _open(self, rest: str, number: int) -> None:
        self.conditions += 1
        if self.conditions == MAX_CONDITIONS + 1:
            self.fail(number, _("Le texte a plus de %(limit)d conditions.") % {"limit": MAX_CONDITIONS})
        if len(self.open) == MAX_DEPTH:
            self.fail(number, _("Plus de %(limit)d conditions sont imbriquées.") % {"limit": MAX_DEPTH})
        choice = Choice(number)
        self.stack[-1].append(choice)
        self.open.append(choice)
        self._branch(choice, self._condition(rest, number))

    def _branch(self, choice: Choice, condition: Condition | None) -> None:
        nodes: list[Node] = []
        choice.branches.append((condition, nodes))
        self.stack.append(nodes)

    def _otherwise(self, rest: str, number: int) -> None:
        if not self.open:
            self.fail(number, _("{{ sinon }} n’est précédé d’aucun {{ si … }}."))
            return
        choice = self.open[-1]
        if choice.branches[-1][0] is None:
            self.fail(number, _("Cette condition a déjà un {{ sinon }} : refermez-la par {{ fin }}."))
            return
        self.stack.pop()
        if rest and not (rest == "si" or rest.startswith("si_")):
            self.fail(number, _("Écrivez {{ sinon }} ou {{ sinon si … }}."))
        self._branch(choice, self._condition(rest[2:].strip("_"), number) if rest else None)

    def _close(self, rest: str, number: int) -> None:
        if rest not in ("", "si"):
            self.fail(number, _("Écrivez {{ fin }} seul entre les accolades."))
        if not self.open:
            self.fail(number, _("{{ fin }} n’est précédé d’aucun {{ si … }}."))
            return
        self.open.pop()
        self.stack.pop()

    def _condition(self, text: str, number: int) -> Condition:
        """`penalites_et_non_particulier`: names joined by one and the same word."""
        parts = re.split(r"_(et|ou)_(?!$)", f"_{text}")
        parts[0] = parts[0][1:]
        joints = set(parts[1::2])
        if len(joints) > 1:
            self.fail(number, _("Une condition ne mélange pas « et » et « ou » : imbriquez deux conditions."))
        names = []
        for part in parts[0::2]:
            wanted = not part.startswith("non_")
            name = part if wanted else part[4:]
            if not name or name in _WORDS:
                self.fail(number, _("La condition est incomplète : écrivez {{ si nom_du_champ }}."))
            elif self._known(name, name, number):
                if self.vocabulary[name] is FieldKind.BLOCK:
                    self.fail(
                        number,
                        _("« %(name)s » est un bloc : il ne peut pas servir de condition.") % {"name": name},
                    )
                names.append((name, wanted))
        return Condition(tuple(names), joints != {"ou"}, number)


def _blocks_once(nodes: Iterable[Node], reader: _Reader) -> dict[str, int]:
    """Refuse a block that could be printed twice; return the blocks that these nodes may print, with their lines."""
    seen: dict[str, int] = {}
    for node in nodes:
        found: dict[str, int] = {}
        if isinstance(node, Field) and node.block:
            found = {node.name: node.line}
        elif isinstance(node, Choice):
            for _condition, inside in node.branches:
                found |= _blocks_once(inside, reader)
        for name in sorted(seen.keys() & found.keys()):
            reader.fail(found[name], _("Le bloc « %(name)s » est déjà placé plus haut.") % {"name": name})
        seen = found | seen
    return seen
