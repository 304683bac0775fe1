"""What a template shows, worked out of a context: every cell already written in the letter's language."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from dunning.letters.address import address_block, attention_is_printed
from dunning.letters.context import (
    ZERO,
    Channel,
    EnvelopeWindow,
    InterestSegment,
    LetterContext,
    LetterKind,
    LetterLine,
)
from dunning.letters.epc_qr import MAX_AMOUNT, MAX_NAME, MAX_TEXT, epc_payload, shorten
from dunning.letters.formats import (
    NBSP,
    format_amount,
    format_date,
    format_iban,
    format_long_date,
    format_number,
    format_rate,
    format_siren,
)
from dunning.letters.letterhead import LetterheadLayout
from dunning.letters.mentions import company_mentions
from dunning.letters.template_output import subject_of
from dunning.letters.wording import WORDING

_NOTHING = "–"
# What a column of the table with rates has room for: 9 999 999,99.
_WIDEST = Decimal(10_000_000)


def letter_values(context: LetterContext) -> dict[str, object]:
    """Return the template variables of a letter or of its e-mail."""
    language = context.language
    words = WORDING[language]
    mentions = company_mentions(context.creditor, language)
    layout = letterhead_of(context)
    one_period_each = _one_period_each(context)
    rates = {segment.number: segment.rate for segment in context.interest_segments} if one_period_each else {}
    return {
        "letter": context,
        "iso_date": context.date.isoformat(),
        "words": words,
        "colon": words.colon,
        "semicolon": words.semicolon,
        "subject": subject_of(context),
        "mentions": mentions[0] if mentions else "",
        "numbers": " · ".join(part for part in (*mentions[1:2], layout.footer) if part),
        "address": address_block(context.debtor),
        "references": _references(context),
        "dateline": _dateline(context),
        "delivery_mention": _delivery_mention(context),
        "fold_marks": layout.fold_marks and context.channel in (Channel.POST, Channel.REGISTERED_POST),
        # A letter of before the due dates has no column of days late.
        "overdue": any(line.days_late > 0 for line in context.lines),
        # German nouns keep their capital in the middle of a line.
        "due_label": words.due if language == "de" else words.due.lower(),
        "open_label": words.open if language == "de" else words.open.lower(),
        # The column of payments is there when there was one.
        "partly_paid": any(line.paid_amount for line in context.lines),
        # One table then says it all; otherwise the periods have a table of their own.
        "one_period_each": one_period_each,
        "items": [
            item_cells(language, line) | {"rate": _rate_cell(language, line, rates)} for line in context.lines
        ],
        "segments": [segment_cells(language, segment) for segment in context.interest_segments],
        "claims_accessories": bool(context.totals.interest or context.totals.indemnity),
        "payment": _payment(context),
        "statement": [item_cells(language, line) for line in context.statement],
        "statement_total": format_amount(
            sum((line.open_amount for line in context.statement), ZERO), context.currency, language
        ),
        "agency": context.agency,
    }


def _one_period_each(context: LetterContext) -> bool:
    """Whether the interest of each line is that of its balance, at one rate, since the day after its due date.

    Such interest needs two more columns and no second table, as long as the figures leave room for them.
    """
    segments = {segment.number: segment for segment in context.interest_segments}
    late = [line for line in context.lines if line.interest]
    if not late or len(segments) != len(context.interest_segments) or len(segments) != len(late):
        return False
    return all(abs(line.total) < _WIDEST and not line.paid_amount for line in context.lines) and all(
        line.number in segments
        and line.due_date is not None
        and segments[line.number].principal == line.open_amount
        and segments[line.number].from_date == line.due_date + timedelta(days=1)
        and segments[line.number].to_date == context.as_of
        for line in late
    )


def _rate_cell(language: str, line: LetterLine, rates: Mapping[str, Decimal]) -> str:
    return format_rate(rates[line.number], language) if line.number in rates else _NOTHING


def letterhead_of(context: LetterContext) -> LetterheadLayout:
    """The entity's paper; letters from before it could be set stood in one of two windows."""
    if context.letterhead is not None:
        return context.letterhead
    return LetterheadLayout(window_top=50 if context.window is EnvelopeWindow.RIGHT_50 else 55)


def transfer_payload(context: LetterContext) -> bytes | None:
    """Return the EPC QR payload of the letter, or None when a transfer cannot be proposed.

    There is none without an IBAN, in another currency than the euro, past the guideline's amount,
    nor on the letter that sends the debtor to an agency.
    """
    creditor = context.creditor
    if (
        context.kind is LetterKind.HAND_OVER_INFO
        or not creditor.iban
        or context.currency != "EUR"
        or context.totals.total > MAX_AMOUNT
    ):
        return None
    return epc_payload(
        name=shorten(creditor.name, MAX_NAME),
        iban=creditor.iban,
        bic=creditor.bic,
        amount=context.totals.total,
        text=shorten(context.payment_reference or context.reference, MAX_TEXT),
    )


def _dateline(context: LetterContext) -> str:
    day = format_long_date(context.date, context.language)
    link = WORDING[context.language].on_place
    return f"{context.place}, {link} {day}" if link else f"{context.place}, {day}"


def _delivery_mention(context: LetterContext) -> str:
    words = WORDING[context.language]
    if context.channel is Channel.REGISTERED_POST:
        mention = words.registered_post
    elif context.channel is Channel.REGISTERED_EMAIL:
        mention = words.registered_email
    else:
        return ""
    number = context.registered_number
    return f"{mention} {words.number_mark}{NBSP}{number}" if number else mention


def _references(context: LetterContext) -> list[tuple[str, str]]:
    words, debtor = WORDING[context.language], context.debtor
    attention = "" if attention_is_printed(debtor) else debtor.attention
    pairs = (
        (words.our_reference, context.reference),
        (words.your_account, debtor.account_code),
        (words.your_reference, debtor.their_reference),
        (words.your_siren, format_siren(debtor.siren)),
        (words.your_office, debtor.registered_office),
        (words.attention, attention),
        (words.followed_by, context.contact.name),
    )
    return [(label, value) for label, value in pairs if value]


def item_cells(language: str, line: LetterLine) -> dict[str, str]:
    """Return the cells of one open item, written in the letter's language."""
    words = WORDING[language]
    kinds = {"CREDIT_NOTE": words.credit_note, "PAYMENT": words.receipt}
    return {
        "number": line.number,
        "kind": kinds.get(line.item_kind, ""),
        "left_out": _left_out(line, language),
        "issued": format_date(line.issue_date, language),
        "due": format_date(line.due_date, language) if line.due_date else _NOTHING,
        "total": format_number(line.total, language),
        "paid": _or_dash(line.paid_amount, language),
        "open": format_number(line.open_amount, language),
        "late": f"{line.days_late}{NBSP}{words.days_unit}" if line.days_late > 0 else _NOTHING,
        "late_or_not_due": _late_or_not_due(line, language),
        "interest": _or_dash(line.interest, language),
        "indemnity": _or_dash(line.indemnity, language),
    }


def _late_or_not_due(line: LetterLine, language: str) -> str:
    words = WORDING[language]
    if line.days_late > 0:
        return f"{line.days_late}{NBSP}{words.days_unit}"
    return words.statement_not_due if line.due_date and line.open_amount > 0 else _NOTHING


def _left_out(line: LetterLine, language: str) -> str:
    """`solde 1 200,00 dont 300,00 en litige`: why less is asked for than is open; empty when all of it is."""
    words = WORDING[language]
    parts = [
        f"{format_number(amount, language)} {label}"
        for amount, label in ((line.disputed, words.in_dispute), (line.promised, words.promised))
        if amount
    ]
    if not parts:
        return ""
    return f"{words.balance} {format_number(line.balance, language)} {words.of_which} {', '.join(parts)}"


def segment_cells(language: str, segment: InterestSegment) -> dict[str, str]:
    """Return the cells of one stretch of interest."""
    return {
        "number": segment.number,
        "period": f"{format_date(segment.from_date, language)} – {format_date(segment.to_date, language)}",
        "days": str(segment.days),
        "principal": format_number(segment.principal, language),
        "rate": format_rate(segment.rate, language),
        "interest": format_number(segment.interest, language),
    }


def _or_dash(amount: Decimal, language: str) -> str:
    return format_number(amount, language) if amount else _NOTHING


def _payment(context: LetterContext) -> list[tuple[str, str]]:
    words, creditor, language = WORDING[context.language], context.creditor, context.language
    pairs = (
        (words.beneficiary, creditor.name),
        ("IBAN", format_iban(creditor.iban)),
        ("BIC", creditor.bic),
        (words.payment_reference, context.payment_reference or context.reference),
        (words.amount, format_amount(context.totals.total, context.currency, language)),
        (words.before, format_long_date(context.pay_by, language)),
    )
    return [(label, value) for label, value in pairs if value]
