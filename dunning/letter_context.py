"""Gathering what a notice's letter says: its frozen lines, and the parties as they stand when it is made."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from babel import Locale

from core.files import read_file
from core.legal_register import LegalValue, Register
from core.models import StoredFile
from core.money import round_money
from customers.models import Customer, LegalEntity
from dunning.fee_statements import fee_statements
from dunning.letter_enclosures import attachments_list, copies_of, statement_of
from dunning.letter_texts import Key, choose_texts, letter_kind, templates_in_service
from dunning.letters import context as letter
from dunning.letters.formats import format_plain
from dunning.letters.letterhead import LetterheadLayout
from dunning.letters.wording import WORDING
from dunning.models import Letterhead, LetterTemplate, Level, Notice, NoticeLine
from dunning.planning.fees import clause_of
from invoices.late_fee_laws import Law, law_of, parameter_keys, rule_under
from invoices.late_fee_parameters import late_fee_parameters
from invoices.late_fee_rules import Rule
from invoices.late_fees import LateFees, Segment
from invoices.models import OpenItem

# How a letter leaves, by the channel of its level; a phone call or an SMS has no letter.
CHANNELS = {
    "EMAIL": letter.Channel.EMAIL,
    "LETTER": letter.Channel.POST,
    "REGISTERED": letter.Channel.REGISTERED_POST,
    "E_REGISTERED": letter.Channel.REGISTERED_EMAIL,
    "SMS": letter.Channel.EMAIL,
}
DAY_COUNTS = {language: words.year_of_365 for language, words in WORDING.items()}


class StatementChanged(Exception):
    """The periods of interest no longer add up to the frozen lines: payments were dated back meanwhile."""


@dataclass(frozen=True)
class LetterFacts:
    """What several letters share, read once: legal registry, templates in service, papers and logos."""

    legal: Register

    @cached_property
    def templates(self) -> dict[Key, LetterTemplate]:
        return templates_in_service()

    @cached_property
    def _letterheads(self) -> dict[int, Letterhead]:
        return {head.legal_entity_id: head for head in Letterhead.objects.all()}

    def letterhead(self, entity: LegalEntity) -> LetterheadLayout:
        head = self._letterheads.get(entity.pk)
        return layout_of(head) if head else LetterheadLayout()

    @cached_property
    def _logos(self) -> dict[int, bytes]:
        return {}

    def logo(self, stored: StoredFile | None) -> bytes | None:
        if stored is None:
            return None
        if stored.pk not in self._logos:
            self._logos[stored.pk] = read_file(stored)
        return self._logos[stored.pk]


def reference_of(notice: Notice) -> str:
    """What the letter is called, on paper and on the phone."""
    return f"{notice.legal_entity.code}-R{notice.pk:07d}"


def letter_context(notice: Notice, *, facts: LetterFacts, today: date) -> letter.LetterContext:
    """Freeze the letter of a notice. Raises StatementChanged, LetterContextError or MissingLegalParameter."""
    entity, customer, level = notice.legal_entity, notice.customer, notice.level
    language = customer.language
    lines = list(notice.lines.select_related("item__document").order_by("item__due_date", "item_id"))
    computed = statements_of(notice, lines, facts.legal) if level.claims_interest else {}
    rule = rate_rule_of(notice, facts.legal) if computed else None
    claims_fees = bool(computed) or notice.indemnity_amount > 0
    statement = statement_of(notice, today) if level.attaches_statement else ()
    copies = (
        copies_of(lines, on_paper=level.channel != Level.Channel.EMAIL) if level.attaches_invoices else ()
    )
    return letter.build_letter_context(
        kind=letter_kind(level.kind),
        language=language,
        reference=reference_of(notice),
        place=_city(entity),
        date=today,
        as_of=notice.as_of,
        pay_by=_pay_by(level, lines, today),
        currency=notice.currency,
        creditor=creditor_of(entity),
        debtor=debtor_of(customer),
        contact=letter.Contact(name=entity.signatory_name, phone=entity.phone, email=entity.email),
        signatory=letter.Signatory(name=entity.signatory_name, capacity=entity.signatory_title),
        lines=[line_of(line) for line in lines],
        interest_segments=tuple(
            segment_of(line, segment)
            for line in lines
            if line.item_id in computed
            for segment in computed[line.item_id].segments
        ),
        daily_interest=daily_interest(computed),
        rate_basis=rate_basis(rule, language),
        day_count_basis=DAY_COUNTS[language] if computed else "",
        payment_reference=f"{customer.account_code} {reference_of(notice)}",
        channel=CHANNELS.get(level.channel, letter.Channel.EMAIL),
        previous_letters=_previous_letters(notice, [line.item_id for line in lines if line.rank]),
        legal_references=_articles(level, customer, language, claims_fees),
        parameters=parameters_used(facts.legal, notice, rule) if claims_fees else (),
        attachments=attachments_list(language, statement, copies),
        statement=statement,
        enclosures=copies,
        letterhead=facts.letterhead(entity),
        template=choose_texts(notice, facts.templates).texts,
    )


def layout_of(head: Letterhead) -> LetterheadLayout:
    """Raises LetterContextError when the window would not stand in the head of the page."""
    return LetterheadLayout(
        window_left=head.window_left,
        window_top=head.window_top,
        window_width=head.window_width,
        window_height=head.window_height,
        fold_marks=head.has_fold_marks,
        footer=head.footer,
    )


def _pay_by(level: Level, lines: Sequence[NoticeLine], today: date) -> date:
    """The day asked for: before the due dates it is the last of them, which nobody may be asked to anticipate."""
    if level.kind == Level.Kind.PRE_REMINDER:
        return max([today, *(line.item.due_date for line in lines if line.rank)])
    return today + timedelta(days=level.pay_within_days)


def creditor_of(entity: LegalEntity) -> letter.Creditor:
    return letter.Creditor(
        name=entity.name,
        address_lines=tuple(entity.address_lines.splitlines()),
        legal_form=entity.legal_form,
        share_capital=entity.share_capital,
        siren=entity.siren,
        rcs_city=entity.rcs_city,
        vat_number=entity.vat_number,
        phone=entity.phone,
        email=entity.email,
        iban=entity.iban,
        bic=entity.bic,
        logo_sha256=entity.logo.sha256 if entity.logo else "",
    )


def debtor_of(customer: Customer) -> letter.Debtor:
    contact = customer.contacts.filter(gets_dunning=True).order_by("id").first()
    return letter.Debtor(
        name=customer.name,
        address_lines=tuple(customer.address_lines.splitlines()),
        kind=letter.DebtorKind(customer.kind),
        account_code=customer.account_code,
        attention=contact.name if contact else "",
        country=customer.country,
        country_name=_country_name(customer),
        siren=customer.siren,
        vat_number=customer.vat_number,
    )


def _country_name(customer: Customer) -> str:
    if customer.country == "FR":
        return ""
    # The postal service of departure reads the country, so it is named in its language.
    return Locale.parse("fr").territories.get(customer.country, customer.country)


def _city(entity: LegalEntity) -> str:
    lines = entity.address_lines.splitlines()
    return re.sub(r"^\d{5}\s+|\s+CEDEX.*$", "", lines[-1].strip()) if lines else entity.rcs_city


def number_of(item: OpenItem) -> str:
    """The number as the letter prints it: two instalments of one invoice are told apart."""
    return item.number if item.instalment == 1 else f"{item.number} ({item.instalment})"


def line_of(line: NoticeLine) -> letter.LetterLine:
    item = line.item
    return letter.LetterLine(
        number=number_of(item),
        issue_date=item.issue_date,
        due_date=item.due_date if line.rank else None,
        total=item.total_amount,
        open_amount=line.open_amount,
        days_late=line.days_late,
        interest=line.interest_amount,
        indemnity=line.indemnity_amount,
        item_kind=item.kind,
        disputed=line.disputed_amount,
        promised=line.promised_amount,
    )


def segment_of(line: NoticeLine, segment: Segment) -> letter.InterestSegment:
    return letter.InterestSegment(
        number=number_of(line.item),
        from_date=segment.start,
        to_date=segment.end,
        days=segment.days,
        principal=segment.principal,
        rate=segment.rate_percent,
        interest=segment.printed,
    )


def rate_rule_of(notice: Notice, legal: Register) -> Rule | None:
    """The rule that the notice's contract follows; none for a consumer of whom no interest is asked."""
    kind = notice.customer.kind
    rule, _values = rule_under(
        legal,
        law_of(notice.customer.late_payment_law),
        kind,
        clause_of(notice.legal_entity),
        late_fee_parameters(legal, notice.as_of),
        notice.as_of,
        formal_notice=kind == Customer.Kind.CONSUMER and notice.interest_amount > 0,
    )
    return rule


def statements_of(notice: Notice, lines: Sequence[NoticeLine], legal: Register) -> dict[int, LateFees]:
    """The décompte of each line, which must give the frozen interest. Raises StatementChanged."""
    claimed = [line for line in lines if line.rank] if notice.level.claims_interest else []
    for line in claimed:
        line.item.customer, line.item.legal_entity = notice.customer, notice.legal_entity
    found = fee_statements(
        [line.item for line in claimed],
        as_of=notice.as_of,
        legal=legal,
        # Interest is asked on what is asked for; that of the parts left out runs on and is counted later.
        left_out={line.item_id: line.disputed_amount + line.promised_amount for line in claimed},
    )
    for line in claimed:
        if found[line.item_id].fees.interest != line.interest_amount:
            raise StatementChanged(line.item.number)
    return {item: statement.fees for item, statement in found.items() if statement.rule is not None}


def daily_interest(computed: dict[int, LateFees]) -> Decimal:
    """Interest of one more day on what was open: the last segment of each line, at its rate."""
    return round_money(sum((fees.daily_interest for fees in computed.values()), Decimal(0)))


def rate_basis(rule: Rule | None, language: str) -> str:
    if rule is None:
        return ""
    words = WORDING[language]
    return words.rate_bases[rule.kind].format(
        value=format_plain(rule.value, language), base=words.base_rates.get(rule.series, "")
    )


def _previous_letters(notice: Notice, items: Sequence[int]) -> tuple[letter.PreviousLetter, ...]:
    earlier = (
        Notice.objects.filter(
            lines__item__in=items,
            lines__rank__gt=0,
            status=Notice.Status.SENT,
            letter__isnull=False,
            pk__lt=notice.pk,
        )
        .select_related("letter", "level")
        .distinct()
        .order_by("sent_on", "pk")
    )
    return tuple(
        letter.PreviousLetter(
            kind=letter_kind(previous.level.kind),
            reference=previous.letter.reference,
            date=previous.sent_on,
        )
        for previous in earlier
    )


def _articles(level: Level, customer: Customer, language: str, claims_fees: bool) -> tuple[str, ...]:
    words = WORDING[language]
    articles: tuple[str, ...] = ()
    if level.kind == Level.Kind.FORMAL_NOTICE:
        articles += words.formal_notice_articles
    if law_of(customer.late_payment_law) is not Law.FR:
        return articles
    if claims_fees and customer.kind == Customer.Kind.PUBLIC_BODY:
        articles += words.public_articles
    elif claims_fees and customer.kind != Customer.Kind.CONSUMER:
        articles += words.professional_articles
    return articles


def parameters_used(legal: Register, notice: Notice, rule: Rule | None) -> tuple[letter.ParameterUsed, ...]:
    law = law_of(notice.customer.late_payment_law)
    keys = parameter_keys(law, rule)
    return tuple(_parameter(legal.parameter(key, notice.as_of)) for key in keys)


def _parameter(value: LegalValue) -> letter.ParameterUsed:
    return letter.ParameterUsed(
        code=value.key,
        value=value.value,
        valid_from=value.valid_from,
        source=value.source,
        confirmed=value.confirmed,
    )
