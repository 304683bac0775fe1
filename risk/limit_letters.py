"""The letter that tells a customer what was decided on his limit: French for French speakers, English for the others.

It says what concerns him and no more: never what an insurer agreed to or said, which is the insurer's and ours.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.template.loader import render_to_string
from django.utils import translation

from core.files import read_file
from core.pdf import write_pdf
from customers.models import Customer, LegalEntity
from risk.limit_letter_words import WORDS, LetterWords
from risk.models import LimitRequest

TEMPLATE = "agreements/limit_decision.html"
STYLESHEET = "agreements/agreement.css"
_LOGO = "letter:logo"
# What XML cannot hold; a customer's name may.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_IMAGE_TYPES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
NATURAL_PERSONS = (Customer.Kind.SOLE_TRADER, Customer.Kind.CONSUMER)


@dataclass(frozen=True)
class LetterText:
    """What the letter says, in its language."""

    words: LetterWords
    subject: str
    paragraphs: tuple[str, ...]
    reasons: tuple[str, ...]
    closing: tuple[str, ...]


def letter_language(customer: Customer) -> str:
    return "fr" if customer.language == Customer.Language.FRENCH else "en"


def letter_reference(request: LimitRequest) -> str:
    return f"{request.customer.legal_entity.code}-P{request.pk:06d}"


def letter_text(request: LimitRequest) -> LetterText:
    """The words of a decided request. Raises ValueError when it was neither approved nor refused."""
    customer = request.customer
    words = WORDS[letter_language(customer)]
    asked = words.amount(request.amount, request.currency)
    values = {"asked": asked, "day": words.day(_day(request))}
    person = (words.person,) if customer.kind in NATURAL_PERSONS else ()
    if request.status == LimitRequest.Status.REFUSED:
        reasons = _listed([words.reasons[code] for code in request.refusal_reasons if code in words.reasons])
        return LetterText(
            words,
            words.refused_subject,
            (words.refused % values,),
            reasons,
            (words.refused_after, *person, words.end),
        )
    if request.status != LimitRequest.Status.APPROVED or request.approved_amount is None:
        raise ValueError(request.status)
    granted: Decimal = request.approved_amount
    values |= {"granted": words.amount(granted, request.currency), "until": words.day(request.expires_on)}
    is_less = granted < request.amount
    paragraphs = [(words.lowered if is_less else words.granted) % values, words.until % values]
    if request.conditions:
        paragraphs.append(words.conditions % {"conditions": request.conditions})
    closing = (words.granted_after, *(person if is_less else ()), words.end)
    return LetterText(words, words.granted_subject, tuple(paragraphs), (), closing)


def _listed(reasons: list[str]) -> tuple[str, ...]:
    """The reasons of a list, the last one with its full stop."""
    if not reasons:
        return ()
    return (*reasons[:-1], reasons[-1].rstrip("\u00a0;") + ".")


def _day(request: LimitRequest) -> date:
    return request.requested_at.date()


def letter_pdf(request: LimitRequest, *, today: date) -> bytes:
    """The letter, dated `today`. The same request and day give the same bytes."""
    entity, customer = request.customer.legal_entity, request.customer
    logo = read_file(entity.logo) if entity.logo else b""
    media_type = next((kind for head, kind in _IMAGE_TYPES if logo.startswith(head)), "")
    text = letter_text(request)
    language = letter_language(customer)
    with translation.override(language):
        html = render_to_string(
            TEMPLATE,
            {
                "language": language,
                "text": text,
                "words": text.words,
                "reference": letter_reference(request),
                "today_text": text.words.day(today),
                "iso_date": today.isoformat(),
                "entity": entity,
                "customer": customer,
                "entity_address": entity.address_lines.splitlines(),
                "customer_address": customer.address_lines.splitlines(),
                "mentions": _mentions(entity),
                "logo_url": _LOGO if media_type else "",
            },
        )
    html = _CONTROL.sub(" ", html)
    seed = hashlib.sha256(html.encode() + logo).hexdigest()[:32].encode()
    images = {_LOGO: (media_type, logo)} if media_type else {}
    return write_pdf(html, stylesheet=STYLESHEET, identifier=seed, images=images)


def _mentions(entity: LegalEntity) -> str:
    """What company correspondence must show (C. com. R123-237)."""
    number = " ".join(entity.siren[at : at + 3] for at in range(0, len(entity.siren), 3))
    registered = f"{number} RCS {entity.rcs_city}" if entity.siren and entity.rcs_city else number
    parts = (entity.name, entity.legal_form, registered, ", ".join(entity.address_lines.splitlines()))
    return " · ".join(part for part in parts if part)
