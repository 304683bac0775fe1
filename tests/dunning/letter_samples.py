"""Letters to print in tests and measurements: invented parties, figures that add up."""

import dataclasses
import functools
import hashlib
import io
import re
from datetime import date, timedelta
from decimal import Decimal

import pdfplumber
from PIL import Image, ImageDraw

from dunning.letters.context import (
    COURTEOUS,
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
from dunning.letters.render import render_pdf
from dunning.letters.wording import WORDING
from invoices.late_fee_rules import RuleKind

AS_OF = date(2026, 11, 22)
RATE = Decimal("12.40")
IBAN = "FR7630006000011234567890189"


def make_logo() -> bytes:
    image = Image.new("RGB", (420, 110), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 90, 109), fill=(20, 60, 130))
    draw.ellipse((120, 10, 210, 100), fill=(200, 80, 40))
    draw.rectangle((240, 40, 410, 70), fill=(20, 60, 130))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


LOGO = make_logo()

CREDITOR = Creditor(
    name="Ateliers Méridien Distribution",
    legal_form="SAS",
    share_capital=Decimal("150000"),
    siren="732829320",
    rcs_city="Lyon",
    vat_number="FR44732829320",
    address_lines=("12 rue de la Barre", "69002 Lyon"),
    phone="04 72 00 00 00",
    email="compta@meridien.example",
    iban=IBAN,
    bic="AGRIFRPP",
    logo_sha256=hashlib.sha256(LOGO).hexdigest(),
)
DEBTOR = Debtor(
    name="Établissements Chaumeil-Vauquelin & Fils, Négoce de Matériaux",
    address_lines=("Bât. C, ZI de l’Étang", "27, rue de l’Église", "33700 Mérignac"),
    attention="Service comptabilité fournisseurs",
    siren="303265045",
    account_code="411CHAU01",
    registered_office="27 rue de l’Église, 33700 Mérignac",
)
FOREIGN_DEBTOR = Debtor(
    name="Kärcher & Łukasiewicz Überseehandel GmbH & Co. KG",
    address_lines=("Große Elbstraße 145-147", "22767 Hamburg"),
    country="DE",
    country_name="Allemagne",
    account_code="411KAER01",
)
AGENCY = AgencyParty(
    name="Cabinet Lorient Recouvrement",
    address_lines=("8 quai des Indes", "56100 Lorient"),
    phone="02 97 00 00 00",
    email="dossiers@lorient.example",
    contract_reference="CV-2026-11",
)


def invoice_line(index: int, *, claims: bool = True) -> tuple[LetterLine, InterestSegment | None]:
    """The index-th late invoice; every fourth one was paid in part."""
    due = date(2026, 8, 1) + timedelta(days=5 * index % 90)
    days = (AS_OF - due).days
    total = Decimal("1834.56") + index * Decimal("211.17")
    open_amount = total - Decimal("500.00") if index % 4 == 0 else total
    number = f"FA-2026-{118 + index:05d}"
    interest = (open_amount * RATE * days / 36500).quantize(Decimal("0.01")) if claims else Decimal(0)
    line = LetterLine(
        number=number,
        issue_date=due - timedelta(days=45),
        due_date=due,
        total=total,
        open_amount=open_amount,
        days_late=days,
        interest=interest,
        indemnity=Decimal(40) if claims else Decimal(0),
    )
    if not claims:
        return line, None
    segment = InterestSegment(
        number=number,
        from_date=due + timedelta(days=1),
        to_date=AS_OF,
        days=days,
        principal=open_amount,
        rate=RATE,
        interest=interest,
    )
    return line, segment


def unpaid_context(invoices: int, **changes) -> LetterContext:
    """A formal notice of invoices on which nothing was paid: one rate and one period each."""
    pairs = [invoice_line(index) for index in range(invoices)]
    lines, segments = [], []
    for line, segment in pairs:
        interest = (line.total * RATE * line.days_late / 36500).quantize(Decimal("0.01"))
        lines.append(dataclasses.replace(line, open_amount=line.total, interest=interest))
        segments.append(dataclasses.replace(segment, principal=line.total, interest=interest))
    return make_context(**({"lines": lines, "interest_segments": tuple(segments)} | changes))


def credit_note() -> LetterLine:
    return LetterLine(
        number="AV-2026-00003",
        issue_date=date(2026, 9, 16),
        due_date=None,
        total=Decimal("-480.00"),
        open_amount=Decimal("-480.00"),
        item_kind="CREDIT_NOTE",
    )


def make_context(
    kind: LetterKind = LetterKind.FORMAL_NOTICE, *, invoices: int = 3, language: str = "fr", **changes
) -> LetterContext:
    """A letter of `invoices` late invoices, and a credit note when there are more than four."""
    words = WORDING[language]
    claims = kind not in COURTEOUS and not changes.get("debtor", DEBTOR).is_consumer
    pairs = [invoice_line(index, claims=claims) for index in range(invoices)]
    lines = [line for line, _ in pairs]
    if kind is LetterKind.PRE_REMINDER:
        lines = [dataclasses.replace(line, due_date=date(2026, 12, 1), days_late=0) for line in lines]
    if invoices > 4:
        lines.insert(3, credit_note())
    formal = kind is LetterKind.FORMAL_NOTICE
    values = {
        "language": language,
        "reference": "AMD-R0000042",
        "place": "Lyon",
        "date": AS_OF,
        "as_of": AS_OF,
        "pay_by": date(2026, 12, 1),
        "currency": "EUR",
        "creditor": CREDITOR,
        "debtor": DEBTOR,
        "contact": Contact(
            name="Mme Hélène Garrigue", phone="04 72 00 00 01", email="recouvrement@meridien.example"
        ),
        "signatory": Signatory(
            name="Hélène Garrigue",
            capacity="Responsable du crédit client" if language == "fr" else "Credit manager",
        ),
        "lines": lines,
        "interest_segments": tuple(segment for _, segment in pairs if segment),
        "daily_interest": Decimal("6.42") if claims else Decimal(0),
        "rate_basis": words.rate_bases[RuleKind.ECB_PLUS].format(value=10),
        "day_count_basis": words.year_of_365,
        "payment_reference": "411CHAU01 AMD-R0000042",
        "channel": Channel.REGISTERED_POST if formal else Channel.POST,
        "registered_number": "2C 123 456 7890 1" if formal else "",
        "previous_letters": ()
        if kind in COURTEOUS
        else (
            PreviousLetter(kind=LetterKind.REMINDER, reference="AMD-R0000011", date=date(2026, 9, 1)),
            PreviousLetter(
                kind=LetterKind.SECOND_REMINDER, reference="AMD-R0000027", date=date(2026, 10, 14)
            ),
        ),
        "attachments": ("copie des factures", "conditions générales de vente") if formal else (),
        "legal_references": words.formal_notice_articles + words.professional_articles
        if formal and claims
        else (),
        "agency": AGENCY if kind is LetterKind.HAND_OVER_INFO else None,
    }
    return build_letter_context(kind=kind, **(values | changes))


@functools.cache
def printed(context: LetterContext) -> bytes:
    return render_pdf(context, logo=LOGO)


def text_of(context: LetterContext) -> str:
    """The words of all pages, every kind of space made plain."""
    with pdfplumber.open(io.BytesIO(printed(context))) as pdf:
        return plain("\n".join(page.extract_text() for page in pdf.pages))


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)
