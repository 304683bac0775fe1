"""Reads a letter's texts before a person approves them: what would be wrong, hollow or unlawful in what they print.

An ERROR keeps the texts out of service; a WARNING asks for a look. Pure: the samples are given.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from django.utils.translation import gettext as _

from dunning.letters import vocabulary as wordlist
from dunning.letters.address import MAX_CHARS, MAX_LINES, MAX_LINES_ABROAD, address_block
from dunning.letters.context import COURTEOUS, LetterContext, LetterKind
from dunning.letters.letterhead import LetterheadLayout
from dunning.letters.lint_words import COMMON_WORDS, LEGAL_WORDS
from dunning.letters.render import render_html
from dunning.letters.template_fields import field_help, vocabulary
from dunning.letters.template_language import Template, TemplateError, parse
from dunning.letters.template_output import short_message, sms_count, subject_of
from dunning.letters.used_template import TemplateUsed

MAX_SUBJECT = 90
MAX_WORD = 60
MAX_SMS = 2
# Below that many words a stretch of text tells no language.
MIN_WORDS = 6
LINE_HEIGHT_MM = 4.6
_TAG = re.compile(r"\{\{[^{}\n]*\}\}")
_WORD = re.compile(r"[^\W\d_]+")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b")
_MONEY = re.compile(r"\d[\d .,\u00a0\u202f]*\s?(?:€|EUR\b|euros?\b)|€\s?\d")
_TABLE_HEADS = re.compile(r"<thead>.*?</thead>", re.DOTALL)
_ITEM_BLOCKS = ("tableau_pieces", "tableau_penalites", "decompte")


class Severity(StrEnum):
    ERROR = "ERROR"
    WARNING = "WARNING"


class TextPart(StrEnum):
    SUBJECT = "SUBJECT"
    BODY = "BODY"
    EMAIL = "EMAIL"
    SMS = "SMS"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to see to: in which text, on which line (from 1; 0: the text as a whole)."""

    severity: Severity
    part: TextPart
    line: int
    message: str


def lint(texts: TemplateUsed, *, samples: Iterable[LetterContext]) -> list[Finding]:
    """What is wrong in the texts of a letter. `samples` are letters of its kind and language, the first one usual.

    Errors first, each in the order of the texts.
    """
    samples = list(samples)
    kind, language = samples[0].kind, samples[0].language
    found: list[Finding] = []
    readable = True
    for part, source in _sources(texts):
        template, faults = _read(part, source)
        found += faults
        found += _literal(part, source, kind, language)
        if template is None:
            readable = False
        else:
            found += _fields(part, template, kind)
    if readable:
        found += _printed(texts, samples)
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda finding: (finding.severity is Severity.WARNING, _rank(finding)))


def has_errors(findings: Iterable[Finding]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)


def lint_address(letter: LetterContext, layout: LetterheadLayout) -> list[Finding]:
    """What of this addressee would not stand in the envelope's window as his file says it."""
    debtor = letter.debtor
    block = address_block(debtor)
    limit = MAX_LINES if debtor.country in ("", "FR", "MC") else MAX_LINES_ABROAD
    found = []

    def warn(message: str) -> None:
        found.append(Finding(Severity.WARNING, TextPart.BODY, 0, message))

    written = [debtor.name, *([debtor.attention] if debtor.attention else []), *debtor.address_lines]
    for line in written:
        if len(line.strip()) > MAX_CHARS:
            warn(
                _(
                    "La ligne d’adresse « %(line)s » dépasse %(limit)d caractères : elle passera sur deux lignes."
                )
                % {"line": line, "limit": MAX_CHARS}
            )
    if sum(1 for line in written if line.strip()) > limit:
        warn(
            _("L’adresse a plus de %(limit)d lignes : la fenêtre de l’enveloppe n’en montre pas davantage.")
            % {"limit": limit}
        )
    if len(block) * LINE_HEIGHT_MM > layout.window_height + 1:
        warn(
            _("L’adresse est plus haute que la fenêtre de l’enveloppe (%(height)d\u00a0mm).")
            % {"height": layout.window_height}
        )
    return found


def _sources(texts: TemplateUsed) -> Iterator[tuple[TextPart, str]]:
    yield TextPart.SUBJECT, texts.subject
    yield TextPart.BODY, texts.body
    if texts.email:
        yield TextPart.EMAIL, texts.email
    if texts.sms:
        yield TextPart.SMS, texts.sms


def _rank(finding: Finding) -> tuple[int, int]:
    return list(TextPart).index(finding.part), finding.line


def _read(part: TextPart, source: str) -> tuple[Template | None, list[Finding]]:
    if not source.strip():
        return None, [Finding(Severity.ERROR, part, 0, _("Ce texte est vide."))]
    try:
        return parse(source, vocabulary()), []
    except TemplateError as error:
        return None, [Finding(Severity.ERROR, part, fault.line, fault.message) for fault in error.faults]


def _fields(part: TextPart, template: Template, kind: LetterKind) -> Iterator[Finding]:
    names: set[str] = set()
    for used in template.fields():
        names.add(used.name)
        help_ = field_help()[used.name]
        if used.block and part in (TextPart.SUBJECT, TextPart.SMS):
            yield Finding(
                Severity.ERROR,
                part,
                used.line,
                _("« %(name)s » est un bloc : il n’a pas de place ici.") % {"name": used.name},
            )
        elif not help_.has_value_in(kind):
            yield Finding(
                Severity.ERROR if used.block else Severity.WARNING,
                part,
                used.line,
                _("« %(name)s » n’a jamais de valeur à ce niveau de relance : le texte aurait un trou.")
                % {"name": used.name},
            )
    if part is not TextPart.BODY:
        return
    if "signature" not in names:
        yield Finding(
            Severity.ERROR, part, 0, _("Le courrier n’est pas signé : ajoutez le bloc {{ signature }}.")
        )
    if not names & set(_ITEM_BLOCKS):
        yield Finding(
            Severity.ERROR,
            part,
            0,
            _("Le courrier ne dit pas ce qui est dû : ajoutez le bloc {{ tableau_pieces }}."),
        )


def _literal(part: TextPart, source: str, kind: LetterKind, language: str) -> Iterator[Finding]:
    """What the words themselves say, fields left aside."""
    # Fields become spaces, so that places stay places.
    words = _TAG.sub(lambda tag: " " * len(tag.group()), source)

    def line_of(position: int) -> int:
        return words.count("\n", 0, position) + 1

    for hit in wordlist.forbidden_words(words, language):
        severity = Severity.ERROR if hit.severity is wordlist.Severity.FORBIDDEN else Severity.WARNING
        yield Finding(severity, part, line_of(hit.start), hit.message)
    for iban in _IBAN.finditer(words):
        yield Finding(
            Severity.ERROR,
            part,
            line_of(iban.start()),
            _("Un IBAN est écrit dans le texte : mettez le champ {{ iban }}, qui suit la fiche de l’entité."),
        )
    for amount in _MONEY.finditer(words):
        yield Finding(
            Severity.WARNING,
            part,
            line_of(amount.start()),
            _("Le montant « %(amount)s » est écrit dans le texte : un champ suivrait le calcul.")
            % {"amount": amount.group().strip()},
        )
    for number, line in enumerate(words.split("\n"), start=1):
        for word in line.split():
            if len(word) > MAX_WORD:
                yield Finding(
                    Severity.WARNING,
                    part,
                    number,
                    _("« %(word)s… » est trop long pour une ligne : il sortirait de la page.")
                    % {"word": word[:30]},
                )
        guess = _language_of(line)
        if guess and guess != language:
            yield Finding(
                Severity.WARNING,
                part,
                number,
                _(
                    "Cette ligne semble écrite dans une autre langue que le courrier (%(guess)s au lieu de %(language)s)."
                )
                % {"guess": guess, "language": language},
            )
        if kind in COURTEOUS:
            yield from _courtesy(part, number, line, language)


def _courtesy(part: TextPart, number: int, line: str, language: str) -> Iterator[Finding]:
    folded = _folded(line)
    for word in LEGAL_WORDS[language]:
        if re.search(rf"(?<!\w){word}", folded):
            yield Finding(
                Severity.WARNING,
                part,
                number,
                _(
                    "« %(word)s » : un rappel courtois suppose un oubli, il ne menace ni ne réclame de pénalités."
                )
                % {"word": word},
            )


def _language_of(line: str) -> str:
    """The language whose frequent words the line has most of, clearly; empty when it tells none."""
    words = [word.lower() for word in _WORD.findall(line)]
    if len(words) < MIN_WORDS:
        return ""
    scores = sorted(
        ((sum(word in common for word in words), code) for code, common in COMMON_WORDS.items()), reverse=True
    )
    (best, code), (second, _other) = scores[:2]
    return code if best >= 3 and best >= second + 2 else ""


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFD", text.lower())
    return "".join(char for char in text if not unicodedata.combining(char))


def _printed(texts: TemplateUsed, samples: list[LetterContext]) -> Iterator[Finding]:
    """What the letter says once printed, on each sample."""
    for sample in samples:
        letter = replace(sample, template=texts, subject="")
        subject = subject_of(letter)
        if not subject:
            yield Finding(Severity.ERROR, TextPart.SUBJECT, 1, _("L’objet est vide."))
        elif len(subject) > MAX_SUBJECT:
            yield Finding(
                Severity.WARNING,
                TextPart.SUBJECT,
                1,
                _("L’objet compte %(count)d caractères : au-delà de %(limit)d, il passe à la ligne.")
                % {"count": len(subject), "limit": MAX_SUBJECT},
            )
        # A column called « Déjà réglé » does not say what to do when it is.
        printed = _TABLE_HEADS.sub("", render_html(letter))
        missing = wordlist.missing_mentions(
            printed, letter.kind, letter.language, letter.creditor, letter=letter
        )
        for mention in missing:
            # What the entity's file lacks is no fault of the text.
            severity = Severity.WARNING if mention.gap else Severity.ERROR
            message = _("Il manque %(mention)s.") % {"mention": mention.label}
            yield Finding(severity, TextPart.BODY, 0, f"{message} {mention.gap}".strip())
    sms = short_message(replace(samples[0], template=texts))
    if sms_count(sms) > MAX_SMS:
        yield Finding(
            Severity.WARNING,
            TextPart.SMS,
            1,
            _("Le SMS compte environ %(chars)d caractères : il partira en %(count)d messages.")
            % {"chars": len(sms), "count": sms_count(sms)},
        )
