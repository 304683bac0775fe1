"""Reading document numbers out of what a payer wrote: prefixes and zeros lost, ranges, lists, spaces, misread letters.

A mention is a possible number; whether it is one, the open items decide. Reading too much is harmless here:
a mention that fits nothing is forgotten, unless it looks like a number of ours (`looks_like_ours`).
"""

import re
from dataclasses import dataclass, field

from invoices.matching.masks import fold, mask
from invoices.matching.numbers import LOOKS_LIKE, SHORTEST_KEY

MOST_MENTIONS = 120
LONGEST_RANGE = 60
_LONGEST_TEXT = 1_000

# Words that announce a document number, in the languages of our payers.
_CUES_WORDS = (
    "FACTURE FACTURES FACT FACTS FACS FAC FCT FCTS FA FV FT F FTE INV INVOICE INVOICES INVS RECHNUNG RECHNUNGEN RECHN RECH "
    "RE RG RNR RGNR RECHNUNGSNR RENR REN BELEG NR NRN NO NOS N NUM NUMERO NUMEROS REF REFS REFERENCE BILL BILLS AVOIR "
    "AVOIRS AV CN CREDITNOTE GUTSCHRIFT GS VORGANG PIECE PIECES DOC PAYING SOLDE ACPTE VOTRE VOS"
)
CUES = frozenset(_CUES_WORDS.split())
# Words whose number is another thing's.
_OTHERS_WORDS = (
    "CDE CMD CMDE COMMANDE COMMANDES BC BL BON LIVRAISON DEVIS CONTRAT PO ORDER ORDERS AUFTRAG AUFTRAGSNR BESTELLUNG BESTELLNR "
    "CLIENT CLT KUNDE KUNDENNR KUNDENNUMMER KDNR KD CUSTOMER ACCOUNT CODE CHEQUE CHQ CHEQUES REMISE REM BORDEREAU DOSSIER "
    "TRANSACTION TRX TAN MANDAT RUM ICS LOT CP BP RUE AVENUE CS COMPTE CPT KTO KONTO BLZ LIEFERSCHEIN LS DELIVERY"
)
OTHERS = frozenset(_OTHERS_WORDS.split())
_ACCOUNT_CUES_WORDS = "CLIENT CLT KUNDE KUNDENNR KUNDENNUMMER KDNR KD CUSTOMER ACCOUNT CODE COMPTE CPT"
_ACCOUNT_CUES = frozenset(_ACCOUNT_CUES_WORDS.split())
# Words of banks, which are no name.
_BANK_WORDS_TEXT = (
    "VIR VIRT VIREMENT VIREMENTS SEPA RECU RECUE INST INSTANTANE REGLEMENT REGLT RGLT PAIEMENT PAYMENT PAIMT "
    "ZAHLUNG UEBERWEISUNG UBERWEISUNG TRANSFER CREDIT MERCI FRM RNF EREF SVWZ EUR DE DU AU VOTRE NOS"
)
_NO_NAMES = CUES | frozenset(_BANK_WORDS_TEXT.split())

_RUN = re.compile(r"[A-Z0-9]+")
_PIECE = re.compile(r"[A-Z]+|[0-9]+")
_JOINT = re.compile(r"[ ]?[-/._ ]?[ ]?")
_RANGE_MARK = re.compile(r" ?(?:-+>?|A|AU|BIS|TO|THRU|UNTIL|JUSQU ?A|\.{2,}) ?")
_LIST_MARK = re.compile(r" ?(?:[/,;+&]|ET|UND|AND|U\.?) ?")


@dataclass(frozen=True, slots=True)
class Mention:
    """A possible number. `key` has no leading zeros; `letters` stood in front; the span is in places of the text.

    `announced`: a word for a document, or letters glued to it, came before. `other`: a word for another thing did.
    """

    key: str
    full: str
    letters: str
    glued: bool
    start: int
    end: int
    announced: bool = False
    other: bool = False
    noisy: bool = False
    derived: bool = False
    range_end: str = ""


@dataclass(slots=True)
class Reading:
    """What a text says. `codes` may be account codes; `references` are structured; `words` are for names."""

    mentions: list[Mention] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    ranges: list[Mention] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    ibans: list[str] = field(default_factory=list)
    sirens: list[str] = field(default_factory=list)
    words: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    start: int
    end: int
    glued: bool  # to the piece before it

    @property
    def is_number(self) -> bool:
        return self.text.isdigit()


def read_text(text: str) -> Reading:
    """Every possible number, account code and identifier of a remittance text."""
    masked, found = mask(fold(text[:_LONGEST_TEXT]))
    pieces = _pieces(masked)
    reading = Reading(references=found.references, ibans=found.ibans, sirens=found.sirens)
    mentions: dict[tuple[str, int, int], Mention] = {}
    for index, piece in enumerate(pieces):
        if piece.is_number:
            for mention in _mentions_from(masked, pieces, index):
                mentions.setdefault((mention.key, mention.start, mention.end), mention)
            for mention in _ranges_and_lists(masked, pieces, index):
                if mention.range_end:
                    reading.ranges.append(mention)
                else:
                    mentions.setdefault((mention.key, mention.start, mention.end), mention)
    for mention in _misread(masked):
        mentions.setdefault((mention.key, mention.start, mention.end), mention)
    reading.mentions = list(mentions.values())[:MOST_MENTIONS]
    reading.codes = _codes(masked)
    reading.words = " ".join(
        piece.text
        for piece in pieces
        if not piece.is_number and len(piece.text) > 1 and piece.text not in _NO_NAMES
    )
    return reading


def _pieces(masked: str) -> list[_Piece]:
    pieces = []
    for run in _RUN.finditer(masked):
        for place, match in enumerate(_PIECE.finditer(run.group())):
            pieces.append(
                _Piece(match.group(), run.start() + match.start(), run.start() + match.end(), place > 0)
            )
    return pieces


def _mentions_from(masked: str, pieces: list[_Piece], index: int) -> list[Mention]:
    """The number beginning at this piece, alone and joined with what follows closely."""
    first = pieces[index]
    letters, glued = _letters_before(masked, pieces, index)
    announced, other = _announced(masked, pieces, index)
    found = []
    digits = full = ""
    for place in range(index, min(index + 5, len(pieces))):
        piece = pieces[place]
        if place > index:
            between = masked[pieces[place - 1].end : piece.start]
            spaced = " " in between
            if not _JOINT.fullmatch(between) or "|" in between:
                break
            if not piece.is_number:
                # « 2026-FA-118 »: short letters inside a number, no space around them.
                if spaced or len(piece.text) > 3:
                    break
                full += piece.text
                continue
        digits += piece.text if piece.is_number else ""
        full += piece.text
        key = digits.lstrip("0")
        # Zeros in front count: « FA00012 » is a number, « 12 » is none.
        if key and len(digits) >= SHORTEST_KEY:
            found.append(
                Mention(
                    key,
                    (letters if glued or _touching(masked, pieces, index) else "") + full,
                    letters,
                    glued,
                    first.start,
                    piece.end,
                    announced=announced,
                    other=other,
                )
            )
        if len(digits) > 24:
            break
    return found


def _letters_before(masked: str, pieces: list[_Piece], index: int) -> tuple[str, bool]:
    if index == 0 or pieces[index - 1].is_number:
        return "", False
    before = pieces[index - 1]
    if pieces[index].glued:
        return before.text, True
    between = masked[before.end : pieces[index].start]
    return (before.text, False) if _JOINT.fullmatch(between) else ("", False)


def _touching(masked: str, pieces: list[_Piece], index: int) -> bool:
    """Letters before the number with at most one mark or space between: « FA-2026 », « FA 2026 »."""
    if index == 0 or pieces[index - 1].is_number:
        return False
    return _JOINT.fullmatch(masked[pieces[index - 1].end : pieces[index].start]) is not None


def _announced(masked: str, pieces: list[_Piece], index: int) -> tuple[bool, bool]:
    """Whether the words before say that a document's number follows, or another thing's."""
    for back in range(index - 1, max(index - 4, -1), -1):
        piece = pieces[back]
        if "|" in masked[piece.end : pieces[index].start]:
            return False, False
        if piece.is_number:
            continue
        if piece.text in OTHERS:
            # Its number came already: this one is another.
            return False, not any(between.is_number for between in pieces[back + 1 : index])
        if piece.text in CUES and piece.text not in ("N", "NO", "NR", "NUM", "NUMERO", "REF", "REFERENCE"):
            return True, False
        if piece.text in CUES:
            further = pieces[back - 1].text if back else ""
            return (False, True) if further in OTHERS else (True, False)
        if not pieces[back + 1].glued and back < index - 1:
            return False, False
    return False, False


def _ranges_and_lists(masked: str, pieces: list[_Piece], index: int) -> list[Mention]:
    """« 2041 à 2045 », « 2041-45 » and « 2041/42/43 » seen from the first number."""
    first = pieces[index]
    if len(first.text) < SHORTEST_KEY:
        return []
    letters, glued = _letters_before(masked, pieces, index)
    announced, other = _announced(masked, pieces, index)
    found = []
    second = _next_number(masked, pieces, index, _RANGE_MARK, letters)
    if second is not None:
        last = _completed(first.text, second.text)
        if last and 0 < int(last) - int(first.text) <= LONGEST_RANGE:
            found.append(
                Mention(
                    first.text.lstrip("0"), letters + first.text, letters, glued, first.start, second.end,
                    announced=announced, other=other, range_end=last.lstrip("0"),
                )
            )  # fmt: skip
    place, stem = index, first.text
    while True:
        following = _next_number(masked, pieces, place, _LIST_MARK, letters)
        if following is None or not 1 < len(following.text) < len(stem):
            break
        whole = _completed(stem, following.text)
        found.append(
            Mention(
                whole.lstrip("0"), letters + whole, letters, glued, following.start, following.end,
                announced=announced, other=other, derived=True,
            )
        )  # fmt: skip
        place = pieces.index(following)
    return found


def _next_number(
    masked: str, pieces: list[_Piece], index: int, mark: re.Pattern[str], letters: str
) -> _Piece | None:
    """The number after the mark; the letters of the first may stand before it again."""
    for place in range(index + 1, min(index + 4, len(pieces))):
        piece = pieces[place]
        if not piece.is_number:
            continue
        between = masked[pieces[index].end : piece.start]
        if letters and between.endswith(letters):
            between = between[: -len(letters)]
        elif letters and between.rstrip("- ").endswith(letters):
            between = between.rstrip("- ")[: -len(letters)]
        return piece if mark.fullmatch(between) else None
    return None


def _completed(stem: str, ending: str) -> str:
    """The second number, whose beginning was left out: 2041 and 45 give 2045."""
    return stem[: -len(ending)] + ending if len(ending) < len(stem) else ending


def _misread(masked: str) -> list[Mention]:
    """Runs whose letters may be misread digits: « 2O4I », « FAO118 »."""
    found = []
    for run in _RUN.finditer(masked):
        text = run.group()
        if text.isdigit() or text.isalpha() or sum(letter.isdigit() for letter in text) < 2:
            continue
        first = next(place for place, letter in enumerate(text) if letter.isdigit())
        for start in range(max(0, first - 6), first + 1):
            digits = text[start:].translate(LOOKS_LIKE)
            mixed = sum(not letter.isdigit() for letter in text[start:])
            if not digits.isdigit() or not mixed or mixed * 2 > len(digits):
                continue
            key = digits.lstrip("0")
            if len(key) >= SHORTEST_KEY:
                found.append(
                    Mention(
                        key, text[:start] + digits, text[:start], start > 0, run.start() + start, run.end(),
                        announced=text[:start] in CUES, noisy=True,
                    )
                )  # fmt: skip
    return found


def _codes(masked: str) -> list[str]:
    """What may be a customer's account code: runs with a digit in them, alone and joined by a dash or a space."""
    runs = list(_RUN.finditer(masked))
    codes: dict[str, None] = {}
    for place, run in enumerate(runs):
        before = runs[place - 1].group() if place else ""
        text = run.group()
        has_letter_and_digit = not text.isdigit() and not text.isalpha()
        if has_letter_and_digit or (text.isdigit() and (len(text) >= 6 or before in _ACCOUNT_CUES)):
            codes.setdefault(text)
        if place and _JOINT.fullmatch(masked[runs[place - 1].end() : run.start()]):
            joined = before + text
            if not joined.isalpha() and len(joined) >= 4:
                codes.setdefault(joined)
    return [code for code in codes if len(code) >= SHORTEST_KEY][:60]
