"""What a letter must say, each mention checkable in its rendered text. Pure.

Company correspondence shows name, form, capital, office, SIREN and RCS city (C. com. R123-237, R123-238). For a
formal notice no text lists mentions (C. civ. 1344 asks for a sufficient call to pay): that part is the house's own
checklist, so that the letter proves what was asked, of whom, on what basis and until when.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import partial

from babel.dates import get_month_names
from django.utils.translation import gettext as _

from dunning.letters.context import Channel, Creditor, LetterContext, LetterKind
from dunning.letters.plain_words import as_written, compact, fold_with_places, printed

# C. com. R123-238: form and capital stand beside the name of companies limited by shares and of SARL.
_FORMS_WITH_CAPITAL = re.compile(
    r"\b(?:sarl|eurl|sas|sasu|sa|sca|se|selarl|selas|societe par actions|societe a responsabilite limitee"
    r"|societe anonyme|societe en commandite par actions|societe europeenne)\b"
)


class Ground(StrEnum):
    """Why a letter must say it: the law does, or the house's checklist does."""

    LAW = "LAW"
    CHECKLIST = "CHECKLIST"


@dataclass(frozen=True)
class Mention:
    """One thing a letter must say. `gap`: the fact itself is missing from the file, so no text can say it."""

    key: str
    label: str
    source: str
    ground: Ground
    found_in: Callable[[str], bool]
    gap: str = ""

    def is_in(self, text: str) -> bool:
        """Whether a rendered text (mark-up allowed) says it."""
        return not self.gap and self.found_in(printed(text))


_CORRESPONDENCE = "C. com. R123-237"
_FORM = "C. com. R123-238"
_NOTICE = "C. civ. 1344"
_PENALTIES = "C. com. L441-10 II"
_INDEMNITY = "C. com. D441-5"

# How each language says it, folded: any of them is enough.
FORMAL_NOTICE_WORDS = {
    "fr": ("mise en demeure", "mettons en demeure"),
    "en": ("formal notice",),
    "de": ("formliche mahnung", "mahnung", "in verzug"),
    "es": ("requerimiento formal de pago", "requerimiento de pago", "requerimos formalmente"),
    "it": ("costituzione in mora", "messa in mora", "costituiamo in mora"),
    "nl": ("ingebrekestelling", "in gebreke"),
    "pt": ("interpelacao formal", "interpelacao para pagamento", "constituimos em mora"),
}
DISPUTE_WORDS = {
    "fr": ("contest", "desaccord", "litige", "reclamation"),
    "en": ("dispute", "disagree", "query", "contest"),
    "de": ("bestreiten", "einwand", "einwande", "beanstand", "unstimmig", "reklamation"),
    "es": ("disconform", "discrepan", "impugn", "reclamacion", "en desacuerdo", "desacuerdo"),
    "it": ("contest", "disaccordo", "reclamo", "disguido"),
    "nl": ("betwist", "bezwaar", "niet eens"),
    "pt": ("contest", "desacordo", "reclamacao", "discord"),
}
ALREADY_PAID_WORDS = {
    "fr": ("entre temps", "deja regle", "deja effectue", "s est croise", "se sont croises"),
    "en": ("already paid", "already made", "in the meantime", "have crossed"),
    "de": ("bereits bezahlt", "bereits beglichen", "bereits uberwiesen", "zwischenzeitlich", "inzwischen", "bereits veranlasst", "bereits gezahlt"),
    "es": ("ya ha efectuado", "ya ha realizado", "ya ha pagado", "ya hubiera", "ya hubiese", "entretanto", "mientras tanto", "ya han efectuado", "ya se ha"),
    "it": ("gia effettuato", "gia provveduto", "gia pagato", "nel frattempo", "gia saldato"),
    "nl": ("al betaald", "reeds betaald", "inmiddels"),
    "pt": ("ja efetuou", "ja pagou", "entretanto", "ja procedeu"),
}  # fmt: skip
REGISTERED_WORDS = {
    Channel.REGISTERED_POST: {
        "fr": ("recommandee avec avis de reception", "lrar"),
        "en": ("registered letter", "registered post", "recorded delivery"),
        "de": ("einschreiben",),
        "es": ("carta certificada", "correo certificado"),
        "it": ("raccomandata",),
        "nl": ("aangetekend",),
        "pt": ("carta registada",),
    },
    Channel.REGISTERED_EMAIL: {
        "fr": ("recommandee electronique",),
        "en": ("electronic registered",),
        "de": ("elektronisches einschreiben", "elektronischen einschreiben"),
        "es": ("certificada electronica", "electronica certificada"),
        "it": ("raccomandata elettronica", "posta elettronica certificata", "pec"),
        "nl": ("elektronisch aangetekend", "aangetekende e mail"),
        "pt": ("registada eletronica", "eletronica registada"),
    },
}


def mandatory_mentions(
    kind: LetterKind | str, language: str, creditor: Creditor, *, letter: LetterContext | None = None
) -> list[Mention]:
    """What a letter of this kind must say: the company mentions, then what its kind and its figures ask for.

    `letter` adds the mentions that depend on one letter's facts (addressee, invoices, totals, date, IBAN).
    """
    kind = LetterKind(kind)
    found = [*_company(creditor), *_courtesies(kind, language)]
    if kind is LetterKind.FORMAL_NOTICE:
        found.append(
            _words("formal_notice", _("la mention « mise en demeure »"), _NOTICE, FORMAL_NOTICE_WORDS, language)
        )  # fmt: skip
    if letter is not None:
        found += _figures(kind, letter)
        if kind is LetterKind.FORMAL_NOTICE:
            found += _proof(letter)
        if kind is LetterKind.HAND_OVER_INFO:
            agency = letter.agency.name if letter.agency else ""
            found.append(_text("agency", _("le nom du cabinet de recouvrement"), "CPCE R124-4", agency))
    return found


def missing_mentions(
    text: str,
    kind: LetterKind | str,
    language: str,
    creditor: Creditor,
    *,
    letter: LetterContext | None = None,
) -> list[Mention]:
    """The mandatory mentions that a rendered text does not say."""
    wanted = mandatory_mentions(kind, language, creditor, letter=letter)
    return [mention for mention in wanted if not mention.is_in(text)]


def _company(creditor: Creditor) -> list[Mention]:
    law = partial(_text, ground=Ground.LAW)
    mentions = [
        law("creditor_name", _("la dénomination du créancier"), _CORRESPONDENCE, creditor.name),
        law(
            "registered_office",
            _("le siège social du créancier"),
            _CORRESPONDENCE,
            " ".join(creditor.address_lines),
            gap=_("L’entité n’a pas d’adresse : complétez sa fiche."),
        ),
    ]
    if is_foreign(creditor):
        return mentions
    mentions += [
        _number(
            "siren",
            _("le numéro SIREN"),
            _CORRESPONDENCE,
            creditor.siren,
            ground=Ground.LAW,
            gap=_("L’entité n’a pas de SIREN : complétez sa fiche."),
        ),
        law(
            "rcs",
            _("la mention RCS et la ville du greffe"),
            _CORRESPONDENCE,
            f"RCS {creditor.rcs_city}" if creditor.rcs_city else "",
            gap=_("L’entité n’a pas de ville de RCS : complétez sa fiche."),
        ),
        law(
            "legal_form",
            _("la forme juridique"),
            _FORM,
            creditor.legal_form,
            gap=_("L’entité n’a pas de forme juridique : complétez sa fiche."),
        ),
    ]
    if shows_capital(creditor):
        capital = creditor.share_capital
        mentions.append(
            Mention(
                "share_capital",
                _("le montant du capital social"),
                _FORM,
                Ground.LAW,
                partial(_says_amount, amount=capital or Decimal(0)),
                gap="" if capital is not None else _("L’entité n’a pas de capital : complétez sa fiche."),
            )
        )  # fmt: skip
    return mentions


def is_foreign(creditor: Creditor) -> bool:
    """A creditor with a VAT number of another country and no SIREN: French registration mentions are not its own."""
    return (
        not creditor.siren and bool(creditor.vat_number) and not creditor.vat_number.upper().startswith("FR")
    )


def shows_capital(creditor: Creditor) -> bool:
    """Whether its form obliges it to print its capital."""
    folded = fold_with_places(creditor.legal_form.replace(".", ""))[0]
    return bool(_FORMS_WITH_CAPITAL.search(folded))


def _courtesies(kind: LetterKind, language: str) -> list[Mention]:
    return [
        _words("dispute", _("l’invitation à signaler un désaccord"), "", DISPUTE_WORDS, language),
        _words("already_paid", _("la phrase « si vous avez déjà réglé »"), "", ALREADY_PAID_WORDS, language),
    ]  # fmt: skip


def _figures(kind: LetterKind, letter: LetterContext) -> list[Mention]:
    mentions = [
        _text("debtor_name", _("le nom exact du débiteur"), _NOTICE, letter.debtor.name),
        _text("reference", _("la référence de la lettre"), "", letter.reference),
        *(
            _text(f"item:{line.number}", _("chaque pièce réclamée, avec son numéro"), _NOTICE, line.number)
            for line in letter.lines
        ),
        _amount("total", _("le total réclamé"), _NOTICE, letter.totals.total),
    ]  # fmt: skip
    if kind is not LetterKind.HAND_OVER_INFO:
        mentions += [
            _day("pay_by", _("une date limite de règlement"), _NOTICE, letter, letter.pay_by),
            _text(
                "iban",
                _("l’IBAN où régler"),
                "",
                letter.creditor.iban,
                gap=_("L’entité n’a pas d’IBAN : complétez sa fiche."),
            ),
        ]
    if letter.totals.interest:
        mentions += [
            _amount("interest", _("le montant des pénalités"), _PENALTIES, letter.totals.interest),
            _text("rate_basis", _("le taux des pénalités et sa base"), _PENALTIES, letter.rate_basis),
            _day("as_of", _("la date d’arrêté du décompte"), _PENALTIES, letter, letter.as_of),
        ]
    if letter.totals.indemnity:
        mentions.append(
            _amount("indemnity", _("l’indemnité forfaitaire"), _INDEMNITY, letter.totals.indemnity)
        )
    return mentions


def _proof(letter: LetterContext) -> list[Mention]:
    """What a formal notice adds: its date, how it was sent, how interest goes on, who signs, the texts."""
    mentions = [
        _day("date", _("la date de la lettre"), _NOTICE, letter, letter.date),
        _text(
            "signatory",
            _("le nom du signataire"),
            _NOTICE,
            letter.signatory.name,
            gap=_("L’entité n’a pas de signataire : complétez sa fiche."),
        ),
        _text(
            "capacity",
            _("la qualité du signataire"),
            _NOTICE,
            letter.signatory.capacity,
            gap=_("Le signataire n’a pas de qualité : complétez la fiche de l’entité."),
        ),
    ]
    if letter.debtor.siren:
        label = _("le SIREN du débiteur")
        mentions.append(_number("debtor_siren", label, "", letter.debtor.siren, ground=Ground.CHECKLIST))
    if letter.channel in REGISTERED_WORDS:
        words = REGISTERED_WORDS[letter.channel]
        mentions.append(
            _words("registered", _("la mention de la lettre recommandée"), "", words, letter.language)
        )
    if letter.daily_interest:
        mentions.append(
            _amount("daily_interest", _("les pénalités de chaque jour de plus"), _PENALTIES, letter.daily_interest)
        )  # fmt: skip
    mentions += [
        _text(f"article:{number}", _("les textes applicables"), "", article)
        for number, article in enumerate(letter.legal_references)
    ]
    return mentions


def _text(
    key: str, label: str, source: str, expected: str, *, ground: Ground = Ground.CHECKLIST, gap: str = ""
) -> Mention:
    missing = "" if compact(expected) else gap or _("Cette information manque au dossier.")
    return Mention(key, label, source, ground, partial(_says, expected=expected), gap=missing)


def _words(key: str, label: str, source: str, words: dict[str, tuple[str, ...]], language: str) -> Mention:
    known = words.get(language.lower().split("-")[0], ())
    gap = "" if known else _("Cette mention n’est pas connue dans la langue de la lettre.")
    return Mention(key, label, source, Ground.CHECKLIST, partial(_says_one_of, words=known), gap=gap)


def _amount(key: str, label: str, source: str, amount: Decimal) -> Mention:
    return Mention(key, label, source, Ground.CHECKLIST, partial(_says_amount, amount=amount))


def _number(key: str, label: str, source: str, number: str, *, ground: Ground, gap: str = "") -> Mention:
    missing = "" if number else gap
    return Mention(key, label, source, ground, partial(_says_number, number=number), gap=missing)


def _day(key: str, label: str, source: str, letter: LetterContext, day: date) -> Mention:
    says = partial(says_day, day=day, language=letter.language)
    return Mention(key, label, source, Ground.CHECKLIST, says)


def _says(text: str, *, expected: str) -> bool:
    return compact(expected) in compact(text)


def _says_one_of(text: str, *, words: tuple[str, ...]) -> bool:
    folded = fold_with_places(text)[0]
    return any(re.search(rf"(?<!\w){re.escape(word)}", folded) for word in words)


def _says_amount(text: str, *, amount: Decimal) -> bool:
    """The figure with any separators, its cents left out when they are nought."""
    whole, cents = f"{abs(amount):.2f}".split(".")
    groups = re.sub(r"(?<=\d)(?=(?:\d{3})+$)", "[ .,'’]?", whole)
    decimals = rf"(?:[.,]{cents})?" if cents == "00" else rf"[.,]{cents}"
    return re.search(rf"(?<![\d]){groups}{decimals}(?![\d])", as_written(text)) is not None


def _says_number(text: str, *, number: str) -> bool:
    """The number in any grouping, not as the end of another one: a VAT number is not a SIREN."""
    digits = r"\W?".join(re.escape(character) for character in compact(number))
    return re.search(rf"(?<!\w){digits}(?!\w)", as_written(text), re.IGNORECASE) is not None


def says_day(text: str, *, day: date, language: str) -> bool:
    """The day in figures in the European or ISO order, or with its month in letters."""
    folded = fold_with_places(text)[0]
    number = rf"(?<!\d)0?{day.day}(?:er|o|st|nd|rd|th)?"
    month = compact(get_month_names("abbreviated", locale=language)[day.month])[:3]
    forms = (
        rf"{number} 0?{day.month} {day.year}(?!\d)",
        rf"{number} (?:de )?{month}[a-z]* (?:de )?{day.year}(?!\d)",
        rf"(?<!\w){month}[a-z]* {number} {day.year}(?!\d)",
        rf"(?<!\d){day.year} {day.month:02d} {day.day:02d}(?!\d)",
    )
    return any(re.search(form, folded) for form in forms)
