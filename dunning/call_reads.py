"""Reading calls: which are to be made, which wait, and what the caller needs to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from core.money import format_amount
from core.rights import Actor
from customers.models import Contact
from dunning.call_words import spoken
from dunning.models import Call, Level, Notice
from dunning.queues import ready, stopped

CHANNEL = Level.Channel.PHONE
UNPROVEN = tuple(outcome for outcome in Call.Outcome.values if outcome not in Call.PROVEN)


def calls_to_make(actor: Actor, now: datetime) -> QuerySet[Notice]:
    """The calls that may be made now, with how many tries each had (`tries`) and when the last one was (`tried_at`)."""
    mine = Notice.objects.visible_to(actor).values("pk")
    return _with_tries(ready(status=Notice.Status.APPROVED, channels=[CHANNEL], now=now).filter(pk__in=mine))


def calls_waiting(actor: Actor, now: datetime) -> QuerySet[Notice]:
    """Those to be made again later, or kept back by a stop."""
    waiting = Notice.objects.visible_to(actor).filter(
        Q(not_before__gt=now) | Q(stopped()), status=Notice.Status.APPROVED, level__channel=CHANNEL
    )
    return _with_tries(waiting)


def fruitless_calls(actor: Actor) -> QuerySet[Notice]:
    """The calls that were tried CALL_ATTEMPTS times without reaching anybody: a person decides what to do instead."""
    waiting = Notice.objects.visible_to(actor).filter(status=Notice.Status.APPROVED, level__channel=CHANNEL)
    return _with_tries(waiting).filter(tries__gte=settings.CALL_ATTEMPTS)  # type: ignore[misc]


def _with_tries(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    missed = Q(calls__outcome__in=UNPROVEN)
    return notices.annotate(
        tries=Count("calls", filter=missed), tried_at=Max("calls__called_at", filter=missed)
    )


def numbers_of(customer_id: int) -> list[Contact]:
    """The contacts who can be called, those who get the dunning first."""
    return list(
        Contact.objects.filter(customer=customer_id)
        .exclude(phone="")
        .order_by("-gets_dunning", "name", "pk")[:20]
    )


def tel(phone: str) -> str:
    """A number as a telephone takes it; empty when it has no figure."""
    kept = "".join(char for char in phone if char.isdigit())
    return f"{'+' if phone.strip().startswith('+') else ''}{kept}" if kept else ""


@dataclass(frozen=True)
class Contacted:
    """A contact with the customer: a notice sent, or a call."""

    day: date
    title: str
    text: str
    url_pk: int


def last_contacts_of(notice: Notice, limit: int = 8) -> list[Contacted]:
    """The latest notices that reached the customer, and the calls made to him, latest first."""
    sent = (
        Notice.objects.filter(customer=notice.customer_id, status=Notice.Status.SENT)
        .exclude(pk=notice.pk)
        .select_related("level")
        .order_by("-sent_on", "-pk")[:limit]
    )
    calls = (
        Call.objects.filter(notice__customer=notice.customer_id)
        .select_related("called_by")
        .order_by("-called_at")[:limit]
    )
    found = [
        Contacted(
            row.sent_on,  # type: ignore[arg-type]
            f"{row.level.get_kind_display()} ({row.level.get_channel_display()})",
            "",
            row.pk,
        )
        for row in sent
        if row.level.channel != CHANNEL
    ]
    found += [
        Contacted(
            localdate(call.called_at),
            call.get_outcome_display(),
            " · ".join(part for part in (call.spoke_to, call.note) if part),
            call.notice_id,
        )
        for call in calls
    ]
    return sorted(found, key=lambda contact: contact.day, reverse=True)[:limit]


def script_of(notice: Notice, contacts: Sequence[Contact], last: Sequence[Contacted]) -> list[str]:
    """The paragraphs to say for this notice, in the words of its level."""
    customer, entity = notice.customer, notice.legal_entity
    attention = next((contact.name for contact in contacts), "")
    values = {
        "client.nom": customer.name,
        "client.compte": customer.account_code,
        "client.interlocuteur": attention,
        "societe.nom": entity.name,
        "societe.telephone": entity.phone,
        "total": format_amount(notice.claimed_amount, notice.currency),  # type: ignore[arg-type]
        "principal": format_amount(notice.open_amount, notice.currency),
        "penalites": format_amount(notice.interest_amount, notice.currency) if notice.interest_amount else "",
        "indemnites": format_amount(notice.indemnity_amount, notice.currency)
        if notice.indemnity_amount
        else "",
        "nombre_pieces": str(notice.line_count),
        "plus_ancienne_echeance": f"{notice.oldest_due_date:%d/%m/%Y}",
        "retard_maximal": str(max((notice.as_of - notice.oldest_due_date).days, 0)),
        "dernier_courrier": _("%(title)s du %(day)s")
        % {"title": last[0].title, "day": f"{last[0].day:%d/%m/%Y}"}
        if last
        else "",
    }
    truth = {
        "plusieurs_pieces": notice.line_count > 1,
        "accessoires": bool(notice.interest_amount or notice.indemnity_amount),
        "particulier": customer.kind == customer.Kind.CONSUMER,
    }
    return spoken(notice.level.call_script or _default_script(), values, truth)


def _default_script() -> str:
    return _(
        "Bonjour, {{ societe.nom }} à l’appareil. Je vous appelle au sujet de votre compte {{ client.compte }}.\n\n"
        "{{ si plusieurs_pieces }}{{ nombre_pieces }} pièces restent à régler, la plus ancienne échue le "
        "{{ plus_ancienne_echeance }}{{ sinon }}Une pièce échue le {{ plus_ancienne_echeance }} reste à régler"
        "{{ fin }}, pour un total de {{ total }}.\n\n"
        "Ces factures vous sont-elles bien parvenues ? Y a-t-il un point qui en bloque le règlement ?\n\n"
        "À quelle date pouvons-nous compter sur votre paiement ?"
    )
