"""Gathering the dossier of a case: the claim as frozen in its notice, how it was chased, and the proofs."""

from datetime import date

from core.files import read_file
from core.legal import register
from core.legal_register import Register
from dunning.letter_context import (
    DAY_COUNTS,
    creditor_of,
    daily_interest,
    debtor_of,
    line_of,
    number_of,
    parameters_used,
    rate_basis,
    rate_rule_of,
    segment_of,
    statements_of,
)
from dunning.letters import context as letter
from dunning.letters.dossier import ClaimMovement, DossierContext, DossierDocument, LogEntry, build_dossier
from dunning.limitation_reads import limitations
from dunning.models import Case, Letter, Notice
from invoices.models import Allocation, OpenItem

LANGUAGE = "fr"  # the agency reads French


def dossier_bytes(case: Case, *, today: date) -> bytes:
    """The ZIP of a case as it stands: one call, so that what is frozen is what is packed."""
    notice = Notice.objects.select_related("legal_entity", "customer", "level").get(pk=case.notice_id)
    letters = _letters(notice)
    context = _context(case, notice, letters, register(), today)
    return build_dossier(context, files={sent.file.name: read_file(sent.file) for sent in letters})


def _context(
    case: Case, notice: Notice, letters: list[Letter], legal: Register, today: date
) -> DossierContext:
    lines = list(notice.lines.select_related("item").order_by("item__due_date", "item_id"))
    computed = statements_of(notice, lines, legal)
    rule = rate_rule_of(notice, legal)
    claim = tuple(line_of(line) for line in lines)
    items = {line.item_id: line.item for line in lines}
    agency, entity = case.agency, notice.legal_entity
    return DossierContext(
        reference=f"{entity.code}-{case}",
        date=today,
        as_of=notice.as_of,
        currency=notice.currency,
        creditor=creditor_of(entity),
        contact=letter.Contact(name=entity.signatory_name, phone=entity.phone, email=entity.email),
        debtor=debtor_of(notice.customer),
        agency=letter.AgencyParty(
            name=agency.name,
            address_lines=tuple(agency.address_lines.splitlines()),
            email=agency.email,
            contract_reference=agency.contract_reference,
        ),
        lines=claim,
        totals=letter.add_up(claim),
        interest_segments=tuple(
            segment_of(line, segment)
            for line in lines
            if line.item_id in computed
            for segment in computed[line.item_id].segments
        ),
        daily_interest=daily_interest(computed),
        rate_basis=rate_basis(rule, LANGUAGE),
        day_count_basis=DAY_COUNTS[LANGUAGE] if computed else "",
        commission_rate=agency.commission_rate,
        debtor_contacts=tuple(
            letter.Contact(name=contact.name, phone=contact.phone, email=contact.email)
            for contact in notice.customer.contacts.order_by("id")
        ),
        movements=_movements(items, notice.as_of),
        log=tuple(_log_entry(sent) for sent in letters),
        documents=tuple(
            DossierDocument(name=sent.file.name, label=_label(sent), sha256=sent.file.sha256)
            for sent in letters
        ),
        limitation_date=_limitation(notice, items, legal),
        parameters=parameters_used(legal, notice, rule),
    )


def _letters(notice: Notice) -> list[Letter]:
    """The letters sent for the case's items, oldest first."""
    items = notice.lines.filter(rank__gt=0).values("item")
    return list(
        Letter.objects.filter(
            notice__status=Notice.Status.SENT, notice__lines__item__in=items, notice__lines__rank__gt=0
        )
        .select_related("notice__level", "file")
        .distinct()
        .order_by("notice__sent_on", "pk")
    )


def _label(sent: Letter) -> str:
    return str(sent.notice.level.get_kind_display())


def _log_entry(sent: Letter) -> LogEntry:
    delivery = sent.notice.deliveries.order_by("-attempt").first()
    return LogEntry(
        date=sent.notice.sent_on,
        label=_label(sent),
        channel=str(sent.notice.level.get_channel_display()),
        reference=sent.reference,
        detail=" ".join(part for part in (delivery.recipient, delivery.detail) if part) if delivery else "",
        document=sent.file.name,
    )


def _movements(items: dict[int, OpenItem], as_of: date) -> tuple[ClaimMovement, ...]:
    allocations = (
        Allocation.objects.filter(debit__in=items, allocated_on__lte=as_of)
        .exclude(reversed_on__lte=as_of)
        .select_related("credit")
        .order_by("allocated_on", "id")
    )
    return tuple(
        ClaimMovement(
            number=number_of(items[allocation.debit_id]),
            date=allocation.allocated_on,
            label=f"{allocation.credit.get_kind_display()} {allocation.credit.number}",
            amount=allocation.amount,
        )
        for allocation in allocations
    )


def _limitation(notice: Notice, items: dict[int, OpenItem], legal: Register) -> date | None:
    """The first of the items' prudent last days to act, those known; none while proceedings keep them all alive."""
    for item in items.values():
        item.customer = notice.customer
    debits = [item for item in items.values() if item.total_amount > 0]
    found = [row.limitation.act_by for row in limitations(debits, legal).values() if row.limitation]
    return min((day for day in found if day is not None), default=None)
