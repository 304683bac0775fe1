"""Letters to read a text on before it serves: of nobody, on the paper of an entity; and of a real customer."""

from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from core.errors import BusinessError
from customers.models import Customer, LegalEntity
from dunning.fee_statements import FeeStatement, fee_statements
from dunning.letter_context import (
    LetterFacts,
    creditor_of,
    daily_interest,
    debtor_of,
    layout_of,
    number_of,
    rate_basis,
)
from dunning.letter_texts import letter_kind
from dunning.letters import context as letter
from dunning.letters.sample_letters import CREDITOR, sample_letters
from dunning.letters.used_template import TemplateUsed
from dunning.letters.wording import WORDING
from dunning.models import Agency, Letterhead
from invoices.models import OpenItem

MOST_LINES = 100


class NothingToShow(BusinessError):
    """The customer has no item that such a letter would name."""

    code = "nothing_to_show"


def samples_for(
    kind: str, language: str, entity: LegalEntity | None, today: date
) -> list[letter.LetterContext]:
    """A full letter and a bare one of nobody; without entity, of a creditor whose file is complete."""
    if entity is None:
        return sample_letters(letter_kind(kind), language, today=today, creditor=CREDITOR)
    head = Letterhead.objects.filter(legal_entity=entity).first()
    creditor = creditor_of(entity)
    return sample_letters(
        letter_kind(kind),
        language,
        today=today,
        creditor=creditor,
        signatory=letter.Signatory(name=entity.signatory_name, capacity=entity.signatory_title),
        letterhead=layout_of(head) if head else None,
    )


def customer_letter(
    *, customer: Customer, kind: str, language: str, texts: TemplateUsed, facts: LetterFacts, today: date
) -> letter.LetterContext:
    """What a customer would read today in a letter of that kind; nothing is kept. Raises NothingToShow."""
    letter_of = letter_kind(kind)
    items = _items(customer, letter_of, today)
    claims = letter_of not in letter.COURTEOUS
    fees = fee_statements(items, as_of=today, legal=facts.legal) if claims else {}
    words, entity = WORDING[language], customer.legal_entity
    rule = next((found.rule for found in fees.values() if found.rule is not None), None)
    formal = letter_of is letter.LetterKind.FORMAL_NOTICE
    return letter.build_letter_context(
        kind=letter_of,
        language=language,
        reference=f"{entity.code}-{_('APERÇU')}",
        place=entity.rcs_city or entity.name,
        date=today,
        as_of=today,
        pay_by=max(today + timedelta(days=8), *(item.due_date for item in items)),
        currency=items[0].currency,
        creditor=creditor_of(entity),
        debtor=debtor_of(customer),
        contact=letter.Contact(name=entity.signatory_name, phone=entity.phone, email=entity.email),
        signatory=letter.Signatory(name=entity.signatory_name, capacity=entity.signatory_title),
        lines=[_line(item, fees.get(item.pk), today) for item in items],
        interest_segments=tuple(
            letter.InterestSegment(
                number=number_of(item),
                from_date=segment.start,
                to_date=segment.end,
                days=segment.days,
                principal=segment.principal,
                rate=segment.rate_percent,
                interest=segment.printed,
            )
            for item in items
            if item.pk in fees
            for segment in fees[item.pk].fees.segments
        ),
        daily_interest=daily_interest(fees),
        rate_basis=rate_basis(rule, language),
        day_count_basis=words.year_of_365 if rule else "",
        payment_reference=customer.account_code,
        channel=letter.Channel.REGISTERED_POST if formal else letter.Channel.POST,
        legal_references=words.formal_notice_articles if formal else (),
        agency=_agency() if letter_of is letter.LetterKind.HAND_OVER_INFO else None,
        letterhead=facts.letterhead(entity),
        template=texts,
    )


def _items(customer: Customer, kind: letter.LetterKind, today: date) -> list[OpenItem]:
    """The customer's open debts of one currency: overdue ones, or those to come before the due date."""
    owed = OpenItem.objects.filter(
        customer=customer, legal_entity=customer.legal_entity_id, open_amount__gt=0
    ).select_related("customer", "legal_entity")
    before = kind is letter.LetterKind.PRE_REMINDER
    owed = owed.filter(due_date__gte=today) if before else owed.filter(due_date__lt=today)
    items = list(owed.order_by("currency", "due_date", "pk")[:MOST_LINES])
    if not items:
        raise NothingToShow(
            _("%(name)s n’a aucune pièce à échoir : choisissez un autre client.") % {"name": customer.name}
            if before
            else _("%(name)s n’a aucune pièce échue : choisissez un autre client.") % {"name": customer.name},
            field="customer",
        )
    return [item for item in items if item.currency == items[0].currency]


def _line(item: OpenItem, statement: FeeStatement | None, today: date) -> letter.LetterLine:
    return letter.LetterLine(
        number=number_of(item),
        issue_date=item.issue_date,
        due_date=item.due_date,
        total=item.total_amount,
        open_amount=item.open_amount,
        days_late=max(0, (today - item.due_date).days),
        interest=statement.fees.interest if statement else Decimal(0),
        indemnity=statement.fees.indemnity if statement else Decimal(0),
        item_kind=item.kind,
    )


def _agency() -> letter.AgencyParty:
    agency = Agency.objects.order_by("pk").first()
    if agency is None:
        return letter.AgencyParty(name=_("Cabinet de recouvrement (exemple)"), address_lines=())
    return letter.AgencyParty(
        name=agency.name, address_lines=tuple(agency.address_lines.splitlines()), email=agency.email
    )
