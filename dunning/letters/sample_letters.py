"""Letters of nobody, to read a text on: a full one, then a bare one with a single item and no letter before it."""

from datetime import date, timedelta
from decimal import Decimal

from dunning.letters.context import (
    COURTEOUS,
    ZERO,
    AgencyParty,
    Channel,
    Contact,
    Creditor,
    Debtor,
    InterestSegment,
    LetterContext,
    LetterKind,
    LetterLine,
    PreviousLetter,
    Signatory,
    build_letter_context,
)
from dunning.letters.letterhead import LetterheadLayout
from dunning.letters.wording import WORDING
from invoices.late_fee_rules import RuleKind

RATE = Decimal("12.15")
# The creditor of a text that serves every entity.
CREDITOR = Creditor(
    name="Établissements Modèle",
    address_lines=("1 place de l’Exemple", "75001 Paris"),
    legal_form="SAS",
    share_capital=Decimal("100000"),
    siren="732829320",
    rcs_city="Paris",
    vat_number="FR44732829320",
    phone="01 00 00 00 00",
    email="credit@exemple.fr",
    iban="FR7630006000011234567890189",
    bic="AGRIFRPP",
)
DEBTOR = Debtor(
    name="Menuiseries Dupont",
    address_lines=("Zone artisanale des Tilleuls", "12 rue du Chêne", "35000 Rennes"),
    account_code="411DUPONT",
    attention="Service comptabilité fournisseurs",
    siren="303265045",
)


def sample_letters(
    kind: LetterKind,
    language: str,
    *,
    today: date,
    creditor: Creditor = CREDITOR,
    signatory: Signatory | None = None,
    letterhead: LetterheadLayout | None = None,
) -> list[LetterContext]:
    """A full letter of this kind and a bare one; what the creditor's file lacks stays lacking."""
    return [
        _letter(kind, language, today, creditor, signatory, letterhead, full=full) for full in (True, False)
    ]


def _letter(
    kind: LetterKind,
    language: str,
    today: date,
    creditor: Creditor,
    signatory: Signatory | None,
    letterhead: LetterheadLayout | None,
    *,
    full: bool,
) -> LetterContext:
    claims = full and kind not in COURTEOUS
    formal = kind is LetterKind.FORMAL_NOTICE
    words = WORDING[language]
    pairs = [_line(index, kind, today, claims) for index in range(3 if full else 1)]
    signatory = signatory or Signatory(name="Claire Martin", capacity="Credit manager")
    articles = words.formal_notice_articles if formal else ()
    return build_letter_context(
        kind=kind,
        language=language,
        reference="EXEMPLE-R0000042",
        place="Paris",
        date=today,
        as_of=today,
        pay_by=max(today + timedelta(days=8), *(line.due_date for line, _segment in pairs if line.due_date)),
        currency="EUR",
        creditor=creditor,
        debtor=DEBTOR,
        contact=Contact(name=signatory.name, phone=creditor.phone, email=creditor.email),
        signatory=signatory,
        lines=[line for line, _segment in pairs],
        interest_segments=tuple(segment for _line, segment in pairs) if claims else (),
        daily_interest=Decimal("1.42") if claims else ZERO,
        rate_basis=words.rate_bases[RuleKind.ECB_PLUS].format(value=10, base="") if claims else "",
        day_count_basis=words.year_of_365 if claims else "",
        payment_reference="411DUPONT EXEMPLE-R0000042",
        channel=Channel.REGISTERED_POST if formal else Channel.POST,
        previous_letters=_previous(kind, today) if full else (),
        legal_references=articles + (words.professional_articles if claims else ()),
        agency=AgencyParty(
            name="Cabinet Recouvrement Exemple",
            address_lines=("2 rue du Port", "56100 Lorient"),
            phone="02 00 00 00 00",
        )
        if kind is LetterKind.HAND_OVER_INFO
        else None,
        letterhead=letterhead,
    )


def _line(index: int, kind: LetterKind, today: date, claims: bool) -> tuple[LetterLine, InterestSegment]:
    days = 45 - 7 * index
    due = today + timedelta(days=5) if kind is LetterKind.PRE_REMINDER else today - timedelta(days=days)
    total = Decimal("1250.40") + index * Decimal("310.25")
    interest = (total * RATE * days / 36500).quantize(Decimal("0.01"))
    number = f"FA-{today.year}-{index + 117:04d}"
    line = LetterLine(
        number=number,
        issue_date=due - timedelta(days=30),
        due_date=due,
        total=total,
        open_amount=total,
        days_late=0 if kind is LetterKind.PRE_REMINDER else days,
        interest=interest if claims else ZERO,
        indemnity=Decimal("40.00") if claims else ZERO,
    )
    segment = InterestSegment(
        number=number,
        from_date=due + timedelta(days=1),
        to_date=today,
        days=days,
        principal=total,
        rate=RATE,
        interest=interest,
    )
    return line, segment


def _previous(kind: LetterKind, today: date) -> tuple[PreviousLetter, ...]:
    earlier = {
        LetterKind.SECOND_REMINDER: (LetterKind.REMINDER,),
        LetterKind.FORMAL_NOTICE: (LetterKind.REMINDER, LetterKind.SECOND_REMINDER),
        LetterKind.HAND_OVER_INFO: (LetterKind.FORMAL_NOTICE,),
    }.get(kind, ())
    return tuple(
        PreviousLetter(
            kind=before, reference=f"EXEMPLE-R000000{rank}", date=today - timedelta(days=30 - 12 * rank)
        )
        for rank, before in enumerate(earlier, start=1)
    )
