"""`python -m config.runtime.catalogue update|check`: the words of the sources and their English.

French is the language of the sources, so each message is its own French. `update` brings `locale/` to the
messages of the sources: translations are kept, messages that are gone leave, new ones wait empty in
English. `check` writes nothing and tells what is missing. No program of the gettext package is needed.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from config.runtime.assets import compile_translations
from config.runtime.home import REPOSITORY

PYTHON_FOLDERS = ("config", "core", "customers", "dunning", "invoices", "risk")
TEMPLATE_FOLDER = "templates"
# What customers read has one file per language; its words stand in dunning/letters/wording/.
BY_LANGUAGE = ("templates/letters", "templates/emails")

ENGLISH = REPOSITORY / "locale" / "en" / "LC_MESSAGES" / "django.po"
# Only what counts: in French zero is singular, which the sources alone cannot say.
FRENCH = REPOSITORY / "locale" / "fr" / "LC_MESSAGES" / "django.po"
PLURAL_FORMS = {"en": "nplurals=2; plural=(n != 1);", "fr": "nplurals=2; plural=(n > 1);"}

# Functions of django.utils.translation -> where their context, singular and plural stand.
FUNCTIONS = {
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop"), (None, 0, None)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (None, 0, 1)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (0, 1, None)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (0, 1, 2)),
}
# `%(name)s`, `%s`, `%d`, `{name}`; « 33,3 % des » is none, and `%%` is a sign.
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


@dataclass(frozen=True, order=True)
class Message:
    """Words to translate; `plural` and `context` are empty when the message has none."""

    singular: str
    plural: str = ""
    context: str = ""


def main(arguments: list[str]) -> int:
    """Runs `update` or `check`; 1 when English is not complete."""
    if arguments not in (["update"], ["check"]):
        print("python -m config.runtime.catalogue update|check", file=sys.stderr)
        return 2
    found = messages(REPOSITORY)
    if arguments == ["update"]:
        for language, file in (("fr", FRENCH), ("en", ENGLISH)):
            update(file, language, found)
        compile_translations()
    counted = {message: places for message, places in found.items() if message.plural}
    wrong = [*faults(ENGLISH, found), *faults(FRENCH, counted)]
    print("\n".join(wrong) or f"{len(found)} messages")
    if wrong:
        print("\npython -m config.runtime.catalogue update, then translate in locale/en", file=sys.stderr)
    return 1 if wrong else 0


# --- extraction -------------------------------------------------------------------------------------------


def messages(root: Path) -> dict[Message, list[str]]:
    """Every message of the sources, with the files that say it.

    Raises SyntaxError for a message that is not written out (`_(name)`): nobody could translate it.
    """
    found: dict[Message, set[str]] = {}
    for folder in PYTHON_FOLDERS:
        for file in sorted((root / folder).rglob("*.py")):
            if "migrations" not in file.relative_to(root).parts:
                place = file.relative_to(root).as_posix()
                for message in python_messages(file.read_text(encoding="utf-8"), place):
                    found.setdefault(message, set()).add(place)
    for file in sorted((root / TEMPLATE_FOLDER).rglob("*.*")):
        place = file.relative_to(root).as_posix()
        if file.suffix in (".html", ".txt") and not place.startswith(BY_LANGUAGE):
            for message in template_messages(file.read_text(encoding="utf-8"), place):
                found.setdefault(message, set()).add(place)
    by_words = sorted(found, key=lambda message: (message.singular, message.context, message.plural))
    return {message: sorted(found[message]) for message in by_words}


def python_messages(source: str, place: str) -> Iterator[Message]:
    """The messages of a module, whatever names it imports the functions of translation under."""
    tree = ast.parse(source, place)
    names = {
        alias.asname or alias.name: FUNCTIONS[alias.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if alias.name in FUNCTIONS
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            context, singular, plural = names[node.func.id]
            yield Message(
                singular=_literal(node, singular, place),
                plural="" if plural is None else _literal(node, plural, place),
                context="" if context is None else _literal(node, context, place),
            )


def _literal(call: ast.Call, position: int, place: str) -> str:
    given = call.args[position]
    if not isinstance(given, ast.Constant) or not isinstance(given.value, str):
        raise SyntaxError(f"{place}:{call.lineno}: the words of a message must be written out")
    return given.value


def template_messages(source: str, place: str) -> Iterator[Message]:
    """The messages of a template, as the tags `trans` and `blocktrans` look them up."""
    from django.utils.translation.template import templatize

    # Python that was markup: indented at random.
    written = "\n".join(line.strip() for line in templatize(source, origin=place).splitlines())
    for _line, words, _comments, context in extract("python", BytesIO(written.encode())):
        singular, plural = (words, "") if isinstance(words, str) else words
        yield Message(singular, plural, context or "")


# --- catalogues -------------------------------------------------------------------------------------------


def update(file: Path, language: str, found: dict[Message, list[str]]) -> None:
    """Writes the catalogue of these messages, with the translations it already had."""
    written = rendered(file, language, found)
    if not file.is_file() or file.read_bytes() != written:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(written)


def rendered(file: Path, language: str, found: dict[Message, list[str]]) -> bytes:
    """The catalogue as it should stand: sorted, no line numbers, no date, so that only words change it."""
    known = translations(file)
    catalogue = Catalog(locale=language)
    for message, places in found.items():
        if language == "fr" and not message.plural:
            continue
        kept = known.get(message)
        catalogue.add(
            id=(message.singular, message.plural) if message.plural else message.singular,
            string=(message.singular, message.plural) if language == "fr" else kept,
            locations=[(place, 0) for place in places],
            context=message.context or None,
        )
    stream = BytesIO()
    write_po(stream, catalogue, width=0, omit_header=True, sort_output=True, include_lineno=False)
    return _header(language).encode() + stream.getvalue().rstrip(b"\n") + b"\n"


def _header(language: str) -> str:
    lines = (
        *(f"Language: {language}", "MIME-Version: 1.0", "Content-Type: text/plain; charset=UTF-8"),
        *("Content-Transfer-Encoding: 8bit", f"Plural-Forms: {PLURAL_FORMS[language]}"),
    )
    return 'msgid ""\nmsgstr ""\n' + "".join(f'"{line}\\n"\n' for line in lines) + "\n"


def translations(file: Path) -> dict[Message, str | tuple[str, ...]]:
    """What the catalogue says today, doubtful (fuzzy) translations left out."""
    if not file.is_file():
        return {}
    with file.open("rb") as stream:
        entries = list(read_po(stream, locale=file.parts[-3]))
    known: dict[Message, str | tuple[str, ...]] = {}
    for entry in entries:
        if entry.id and not entry.fuzzy:
            singular, plural = entry.id if isinstance(entry.id, tuple | list) else (entry.id, "")
            string = tuple(entry.string) if isinstance(entry.string, tuple | list) else entry.string or ""
            known[Message(singular, plural, entry.context or "")] = string
    return known


def faults(file: Path, found: dict[Message, list[str]]) -> list[str]:
    """Messages without a translation, or whose translation names other values; messages that are gone."""
    known = translations(file)
    wrong = []
    for message, places in found.items():
        string = known.get(message, "")
        forms = string if isinstance(string, tuple) else (string,)
        expected = 2 if message.plural else 1
        named = placeholders(message.plural or message.singular)
        if len(forms) != expected or not all(form.strip() for form in forms):
            wrong.append(f"{places[0]}: not translated: {message.singular!r}")
        elif placeholders(forms[-1]) != named or not placeholders(forms[0]) <= named:
            # « une pièce » may leave its figure out.
            wrong.append(f"{places[0]}: other values in the translation of {message.singular!r}")
    return wrong + [f"no longer said: {message.singular!r}" for message in known if message not in found]


def placeholders(words: str) -> frozenset[str]:
    """The values that a message names."""
    return frozenset(PLACEHOLDER.findall(words.replace("%%", "")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
