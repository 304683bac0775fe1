"""Previews of letters in pages: on the screen while a text is written, and as the PDF that would be printed."""

import base64
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from core import clock
from core.legal import MissingLegalParameter, register
from core.rights import signed_in
from customers.models import Customer, LegalEntity
from dunning.letter_context import LetterFacts, StatementChanged
from dunning.letter_samples import NothingToShow, customer_letter, samples_for
from dunning.letters.composition import letter_values, transfer_payload
from dunning.letters.context import LetterContext, LetterContextError
from dunning.letters.email import render_email
from dunning.letters.epc_qr import epc_qr_png
from dunning.letters.letterhead import LetterheadLayout
from dunning.letters.lint import lint_address
from dunning.letters.render import render_pdf
from dunning.letters.template_language import TemplateError
from dunning.letters.template_output import letter_body, short_message
from dunning.letters.used_template import TemplateUsed
from dunning.models import Notice

MOST_CUSTOMERS = 20
REFUSALS = (LetterContextError, MissingLegalParameter, NothingToShow, StatementChanged, TemplateError)


@dataclass(frozen=True, slots=True)
class Preview:
    """A letter on the screen; `refusal` says why there is none."""

    values: dict[str, Any]
    body: SafeString
    email_text: str
    sms: str
    warnings: list[str]
    refusal: str = ""


def preview_of(
    request: HttpRequest,
    kind: str,
    language: str,
    entity: LegalEntity | None,
    texts: TemplateUsed,
    customer: Customer | None,
) -> Preview:
    try:
        return on_screen(_letter(kind, language, entity, texts, customer))
    except REFUSALS as error:
        return no_preview(error)


def screen_of(letter: LetterContext) -> Preview:
    """The letter on the screen, or why it cannot be shown."""
    try:
        return on_screen(letter)
    except REFUSALS as error:
        return no_preview(error)


def no_preview(error: Exception) -> Preview:
    return Preview({}, SafeString(""), "", "", [], refusal=refusal_of(error))


def on_screen(letter: LetterContext) -> Preview:
    """The parts of a letter for a page. Raises TemplateError."""
    payload = transfer_payload(letter)
    image = base64.b64encode(epc_qr_png(payload)).decode() if payload else ""
    values = letter_values(letter) | {"qr_url": f"data:image/png;base64,{image}" if image else ""}
    return Preview(
        values=values,
        body=letter_body(letter, values),
        email_text=render_email(letter).text,
        sms=short_message(letter),
        warnings=[
            finding.message for finding in lint_address(letter, letter.letterhead or LetterheadLayout())
        ],
    )


def pdf_of(
    kind: str, language: str, entity: LegalEntity | None, texts: TemplateUsed, customer: Customer | None
) -> HttpResponse:
    facts = LetterFacts(register())
    try:
        letter = _letter(kind, language, entity, texts, customer, facts)
        logo = facts.logo(customer.legal_entity.logo if customer else entity.logo if entity else None)
        content = render_pdf(letter, logo=logo)
    except REFUSALS as error:
        return HttpResponse(refusal_of(error), status=409, content_type="text/plain; charset=utf-8")
    return HttpResponse(content, content_type="application/pdf")


def refusal_of(error: Exception) -> str:
    if isinstance(error, TemplateError):
        return "\n".join(fault.message for fault in error.faults)
    return str(error)


def _letter(
    kind: str,
    language: str,
    entity: LegalEntity | None,
    texts: TemplateUsed,
    customer: Customer | None,
    facts: LetterFacts | None = None,
) -> LetterContext:
    """A letter of the customer, else of nobody."""
    today = clock.today()
    if customer is not None:
        return customer_letter(
            customer=customer,
            kind=kind,
            language=language,
            texts=texts,
            facts=facts or LetterFacts(register()),
            today=today,
        )
    return replace(samples_for(kind, language, entity, today)[0], template=texts)


def chosen_customer(request: HttpRequest) -> Customer | None:
    """The customer named in the address or in the form, if the person may see him."""
    value = request.POST.get("client", "") or request.GET.get("client", "")
    if not value.isdecimal() or len(value) > 18:
        return None
    visible = Customer.objects.visible_to(signed_in(request))
    return visible.select_related("legal_entity__logo").filter(pk=int(value)).first()


def customers_to_choose(
    request: HttpRequest, entity: LegalEntity | None, chosen: Customer | None
) -> list[tuple[int, str]]:
    """The customers most recently chased: each has something that a letter would claim."""
    notices = Notice.objects.visible_to(signed_in(request))
    if entity is not None:
        notices = notices.filter(legal_entity=entity)
    recent = notices.order_by("-pk").values_list("customer_id", "customer__name")[: 5 * MOST_CUSTOMERS]
    found = dict(list(dict(recent).items())[:MOST_CUSTOMERS])
    if chosen is not None:
        found[chosen.pk] = chosen.name
    return sorted(found.items(), key=lambda pair: pair[1])
