"""What a letter says, frozen: the only input of the renderer, stored beside the PDF it gave.

Amounts are `Decimal` with two places in the currency of the letter; a letter has one currency.
Text is cleaned of control characters and put in NFC, so that the printed page and the JSON agree.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from django.utils.translation import gettext as _

from dunning.letters.enclosures import Enclosure
from dunning.letters.frozen_json import from_canonical_json, sha256_of, to_canonical_json
from dunning.letters.frozen_values import FrozenValue, LetterContextError
from dunning.letters.letterhead import LetterheadLayout
from dunning.letters.used_template import TemplateUsed

ZERO = Decimal("0.00")


LANGUAGES = ("fr", "en", "de", "es", "it")


class LetterKind(StrEnum):
    # Before the due date: no legal content.
    PRE_REMINDER = "PRE_REMINDER"
    REMINDER = "REMINDER"
    SECOND_REMINDER = "SECOND_REMINDER"
    FORMAL_NOTICE = "FORMAL_NOTICE"
    HAND_OVER_INFO = "HAND_OVER_INFO"


COURTEOUS = (LetterKind.PRE_REMINDER, LetterKind.REMINDER)


class DebtorKind(StrEnum):
    COMPANY = "COMPANY"
    PUBLIC_BODY = "PUBLIC_BODY"
    SOLE_TRADER = "SOLE_TRADER"
    CONSUMER = "CONSUMER"


class Channel(StrEnum):
    """How the letter leaves; it decides the mention above the subject."""

    EMAIL = "EMAIL"
    POST = "POST"
    REGISTERED_POST = "REGISTERED_POST"
    REGISTERED_EMAIL = "REGISTERED_EMAIL"


class EnvelopeWindow(StrEnum):
    """Place of the address window; the top edge differs between envelope makers."""

    RIGHT_55 = "RIGHT_55"  # 85 x 33 mm, 110 mm from the left, 55 mm from the top
    RIGHT_50 = "RIGHT_50"  # same block, 50 mm from the top


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact(FrozenValue):
    """A person or desk that answers."""

    name: str
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Creditor(FrozenValue):
    """Who writes, with what company correspondence must show (C. com. R123-237, R123-238)."""

    name: str
    address_lines: tuple[str, ...]
    legal_form: str = ""
    share_capital: Decimal | None = None
    share_capital_currency: str = "EUR"
    siren: str = ""
    rcs_city: str = ""
    vat_number: str = ""
    phone: str = ""
    email: str = ""
    website: str = ""
    iban: str = ""
    bic: str = ""
    # SHA-256 of the logo file; the bytes are given to the renderer beside the context.
    logo_sha256: str = ""
    # Mentions proper to the entity: "en liquidation", "entrepreneur individuel"...
    extra_mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Debtor(FrozenValue):
    """Who is written to. `country` is an ISO 3166 code; `country_name` is printed abroad only."""

    name: str
    address_lines: tuple[str, ...]
    kind: DebtorKind = DebtorKind.COMPANY
    account_code: str = ""
    attention: str = ""
    country: str = "FR"
    country_name: str = ""
    siren: str = ""
    vat_number: str = ""
    # Printed under the references when it is not the address written to.
    registered_office: str = ""
    # The debtor's own references: order, contract.
    their_reference: str = ""

    @property
    def is_consumer(self) -> bool:
        return self.kind is DebtorKind.CONSUMER


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterLine(FrozenValue):
    """One open item. A credit note or an unallocated receipt has negative amounts."""

    number: str
    issue_date: date
    due_date: date | None
    total: Decimal
    open_amount: Decimal
    days_late: int = 0
    interest: Decimal = ZERO
    indemnity: Decimal = ZERO
    # INVOICE, CREDIT_NOTE, PAYMENT, DEPOSIT or OTHER, as in the ledger
    item_kind: str = "INVOICE"
    # Parts of the balance that are not asked for, so not in `open_amount`.
    disputed: Decimal = ZERO
    promised: Decimal = ZERO

    @property
    def balance(self) -> Decimal:
        return self.open_amount + self.disputed + self.promised

    @property
    def paid_amount(self) -> Decimal:
        return self.total - self.balance


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestSegment(FrozenValue):
    """One stretch of days at one rate; `rate` is in per cent a year, both dates are included."""

    number: str
    from_date: date
    to_date: date
    days: int
    principal: Decimal
    # A rate keeps its own places; a money field has two.
    rate: Decimal = dataclasses.field(metadata={"money": False})
    interest: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals(FrozenValue):
    """What is asked for; `total` is principal + interest + indemnity."""

    principal: Decimal
    interest: Decimal = ZERO
    indemnity: Decimal = ZERO
    total: Decimal
    # How many times the fixed indemnity is due, and its amount each time.
    indemnity_count: int = 0
    indemnity_unit: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousLetter(FrozenValue):
    kind: LetterKind
    reference: str
    date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory(FrozenValue):
    name: str
    capacity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyParty(FrozenValue):
    """The collection agency named by a hand-over letter or dossier."""

    name: str
    address_lines: tuple[str, ...]
    phone: str = ""
    email: str = ""
    contract_reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterUsed(FrozenValue):
    """One dated legal parameter as it stood when the amounts were computed."""

    code: str
    value: str
    valid_from: date
    source: str
    confirmed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterContext(FrozenValue):
    """Everything one letter prints. Build it with `build_letter_context`, which adds up the totals."""

    kind: LetterKind
    language: str
    reference: str
    place: str
    date: date
    # Interest and balances are counted to the end of this day.
    as_of: date
    pay_by: date
    currency: str
    creditor: Creditor
    debtor: Debtor
    contact: Contact
    signatory: Signatory
    lines: tuple[LetterLine, ...]
    totals: Totals
    interest_segments: tuple[InterestSegment, ...] = ()
    # Interest of one more day on the amounts open at `as_of`.
    daily_interest: Decimal = ZERO
    # Said in words: "taux de refinancement de la BCE majoré de 10 points"; the length of its year: "365 jours".
    rate_basis: str = ""
    day_count_basis: str = ""
    payment_reference: str = ""
    # Empty: the wording's own subject.
    subject: str = ""
    channel: Channel = Channel.POST
    registered_number: str = ""
    previous_letters: tuple[PreviousLetter, ...] = ()
    attachments: tuple[str, ...] = ()
    legal_references: tuple[str, ...] = ()
    parameters: tuple[ParameterUsed, ...] = ()
    agency: AgencyParty | None = None
    window: EnvelopeWindow = EnvelopeWindow.RIGHT_55
    # Where things stand on the paper of this entity; None: as `window` says.
    letterhead: LetterheadLayout | None = None
    # Every open item of the account, printed on pages of its own; empty: no statement is joined.
    statement: tuple[LetterLine, ...] = ()
    # Kept files sent with the letter: copies of invoices.
    enclosures: tuple[Enclosure, ...] = ()
    # The words of the letter as they stood; None, in letters older than that: the built-in ones.
    template: TemplateUsed | None = None
    # Adds "DUPLICATA" or the like under the date; empty on an original.
    copy_mark: str = ""

    def __post_init__(self) -> None:
        # Named in full: super() does not survive the class that slots=True builds.
        FrozenValue.__post_init__(self)
        check_context(self)

    def to_json(self) -> str:
        return to_canonical_json(self)

    @classmethod
    def from_json(cls, text: str) -> "LetterContext":
        """Raises FrozenJsonError (shape) or LetterContextError (sums)."""
        return from_canonical_json(cls, text)

    @property
    def sha256(self) -> str:
        return sha256_of(self)


def add_up(lines: Iterable[LetterLine]) -> Totals:
    """Return the totals of the lines; the indemnity's unit is the amount of the lines that bear it."""
    lines = tuple(lines)
    principal = sum((line.open_amount for line in lines), ZERO)
    interest = sum((line.interest for line in lines), ZERO)
    indemnities = [line.indemnity for line in lines if line.indemnity]
    return Totals(
        principal=principal,
        interest=interest,
        indemnity=sum(indemnities, ZERO),
        total=principal + interest + sum(indemnities, ZERO),
        indemnity_count=len(indemnities),
        indemnity_unit=indemnities[0] if len(set(indemnities)) == 1 else ZERO,
    )


def build_letter_context(*, kind: LetterKind, lines: Iterable[LetterLine], **values) -> LetterContext:
    """Build a context with the totals of its lines.

    A courteous letter assumes an oversight: it claims the principal alone, so interest and
    indemnity are taken off its lines here rather than by each caller.
    Raises LetterContextError when the values contradict each other.
    """
    lines = tuple(lines)
    if kind in COURTEOUS:
        lines = tuple(dataclasses.replace(line, interest=ZERO, indemnity=ZERO) for line in lines)
        values = values | {"interest_segments": (), "daily_interest": ZERO}
    return LetterContext(kind=kind, lines=lines, totals=add_up(lines), **values)


def check_context(context: LetterContext) -> None:
    """Refuse a context whose figures or mentions contradict each other. Raises LetterContextError."""
    if context.language not in LANGUAGES:
        raise LetterContextError(
            _("Aucune lettre n’existe dans la langue « %(language)s ».") % {"language": context.language},
            field="language",
        )
    if not context.reference:
        raise LetterContextError(_("La lettre n’a pas de référence."), field="reference")
    check_sums(context.lines, context.totals, context.interest_segments)
    _check_kind(context)


def check_sums(lines: tuple[LetterLine, ...], totals: Totals, segments: tuple[InterestSegment, ...]) -> None:
    """Refuse totals that are not the sums of the lines, or lines that are not those of their segments.

    Raises LetterContextError.
    """
    if not lines:
        raise LetterContextError(_("La lettre ne réclame aucune pièce."), field="lines")
    expected = add_up(lines)
    if (totals.principal, totals.interest, totals.indemnity, totals.total) != (
        expected.principal,
        expected.interest,
        expected.indemnity,
        expected.total,
    ):
        raise LetterContextError(
            _("Les totaux de la lettre ne sont pas la somme de ses lignes."), field="totals"
        )
    if totals.total <= 0:
        raise LetterContextError(
            _("Le compte n’est pas débiteur : il n’y a rien à réclamer."), field="totals"
        )
    if segments:
        _check_segments(lines, segments)


def _check_segments(lines: tuple[LetterLine, ...], segments: tuple[InterestSegment, ...]) -> None:
    by_number: dict[str, Decimal] = {}
    for segment in segments:
        by_number[segment.number] = by_number.get(segment.number, ZERO) + segment.interest
    # Instalments of one invoice share its number.
    claimed: dict[str, Decimal] = {}
    for line in lines:
        claimed[line.number] = claimed.get(line.number, ZERO) + line.interest
    for number in sorted(claimed.keys() | by_number.keys()):
        if by_number.get(number, ZERO) != claimed.get(number, ZERO):
            raise LetterContextError(
                _("Les périodes de pénalités de la pièce %(number)s ne font pas son total.")
                % {"number": number},
                field="interest_segments",
            )


def _check_kind(context: LetterContext) -> None:
    totals = context.totals
    if context.kind in COURTEOUS and (totals.interest or totals.indemnity):
        raise LetterContextError(
            _("Un rappel courtois ne réclame ni pénalités ni indemnité."),
            field="totals",
        )
    if context.debtor.is_consumer and totals.indemnity:
        raise LetterContextError(
            _("L’indemnité forfaitaire de recouvrement n’est due que par un professionnel."),
            field="totals",
        )
    if context.kind is LetterKind.HAND_OVER_INFO and context.agency is None:
        raise LetterContextError(
            _("La lettre de remise en recouvrement doit nommer le cabinet de recouvrement."),
            field="agency",
        )
    asks_payment = context.kind is not LetterKind.HAND_OVER_INFO
    if asks_payment and context.pay_by < context.date:
        raise LetterContextError(
            _("La date limite de règlement précède la date de la lettre."),
            field="pay_by",
        )
