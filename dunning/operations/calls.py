"""Telephone calls: opened after a last look, made, and what came of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.utils.timezone import make_aware
from django.utils.translation import gettext as _

from core import audit
from core.calendar import next_working_day
from core.errors import BusinessError
from core.models import User
from core.money import format_amount, round_money
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from dunning.models import Call, Delivery, Level, Notice
from dunning.operations.notices import passes_gate
from dunning.queues import is_stopped
from invoices.models import OpenItem, Promise
from invoices.operations.promises import make_promise

CHANNEL = Level.Channel.PHONE
Outcome = Call.Outcome
# A call is made again within this many days, else another step is better.
LONGEST_WAIT = 60


class CallRefused(BusinessError):
    """The call cannot be recorded so."""

    code = "call_refused"


@dataclass(frozen=True)
class OpenedCall:
    """The notice to call about; `gone` is the sentence that says why it is not to be called, empty otherwise."""

    notice: Notice
    gone: str


@operation("dunning.call")
def open_call(*, actor: Actor, notice_id: int, today: date, now: datetime) -> OpenedCall:
    """Look once more before somebody calls: a customer who paid meanwhile leaves the list.

    Raises CallRefused for a notice that is no call in one's scope.
    """
    notice = _locked(actor, notice_id)
    if notice.status != Notice.Status.APPROVED:
        return OpenedCall(
            notice,
            _("Cet appel n’est plus à passer : %(state)s.") % {"state": notice.get_status_display().lower()},
        )
    if is_stopped(notice.legal_entity_id):
        return OpenedCall(notice, _("Les relances de cette entité sont arrêtées : n’appelez pas."))
    # One that waits to be made again may be opened all the same, as the customer may call back; it goes on waiting.
    waits = {"not_before": notice.not_before, "wait_reason": notice.wait_reason}
    if passes_gate(actor=actor, notice=notice, today=today, now=now):
        if waits["not_before"] is not None:
            Notice.objects.filter(pk=notice.pk).update(**waits)
        return OpenedCall(notice, "")
    notice.refresh_from_db()
    if notice.status == Notice.Status.HELD:
        told = _("N’appelez pas %(name)s : %(reason)s. L’appel est retiré de la liste.") % {
            "name": notice.customer.name,
            "reason": notice.reason,
        }
    else:
        told = _("N’appelez pas encore %(name)s : %(reason)s.") % {
            "name": notice.customer.name,
            "reason": notice.wait_reason or _("l’appel attend"),
        }
    return OpenedCall(notice, told)


@operation("dunning.call")
def record_call(
    *,
    actor: Actor,
    notice_id: int,
    outcome: str,
    today: date,
    now: datetime,
    spoke_to: str = "",
    phone: str = "",
    note: str = "",
    call_again_on: date | None = None,
    promised_amount: Decimal | None = None,
    promised_date: date | None = None,
) -> Call:
    """Write down a call. Somebody who was told proves the step; otherwise it is called again.

    A promise is noted on the oldest items first, up to its amount. Raises CallRefused, PromiseRefused or NotAllowed.
    """
    notice = _locked(actor, notice_id)
    if outcome not in Outcome.values:
        raise CallRefused(_("Choisissez le résultat de l’appel."), field="outcome")
    if notice.status != Notice.Status.APPROVED:
        raise CallRefused(
            _("Cet appel a déjà abouti ou n’est plus à passer : rechargez la page."), code="call_done"
        )
    proven = outcome in Call.PROVEN
    again = None if proven else _call_again(call_again_on, today)
    if outcome == Outcome.PROMISED:
        _promise(actor, notice, promised_amount, promised_date, note, today, now)
    call = Call.objects.create(
        notice=notice,
        outcome=outcome,
        spoke_to=spoke_to.strip(),
        phone=phone.strip(),
        note=note.strip(),
        called_by=actor if isinstance(actor, User) else None,
        called_at=now,
        call_again_on=again,
    )
    if proven:
        _prove(notice, call, today, now)
    else:
        notice.not_before = make_aware(datetime.combine(again, time.min)) if again and again > today else None
        notice.wait_reason = _("à rappeler") if notice.not_before else ""
        notice.save(update_fields=["not_before", "wait_reason"])
    audit.record(
        actor=actor,
        verb="dunning.call.made",
        refs=[notice, f"customer:{notice.customer_id}"],
        now=now,
        outcome=outcome,
        spoke_to=call.spoke_to,
        phone=call.phone,
        note=call.note,
        call_again_on=again.isoformat() if again else "",
    )
    return call


def _prove(notice: Notice, call: Call, today: date, now: datetime) -> None:
    check_move(notice, Notice.Status.SENT)
    notice.status, notice.sent_on = Notice.Status.SENT, today
    notice.not_before, notice.wait_reason = None, ""
    notice.save(update_fields=["status", "sent_on", "not_before", "wait_reason"])
    Delivery.objects.create(
        notice=notice,
        channel=CHANNEL,
        recipient=" ".join(part for part in (call.phone, call.spoke_to) if part)[:254],
        attempt=notice.deliveries.count() + 1,
        status=Delivery.Status.SENT,
        detail=call.get_outcome_display(),
        started_at=now,
        finished_at=now,
    )


def _call_again(asked: date | None, today: date) -> date:
    if asked is None:
        return next_working_day(today + timedelta(days=1))
    if asked < today:
        raise CallRefused(_("La date de rappel est passée."), field="call_again_on")
    if asked > today + timedelta(days=LONGEST_WAIT):
        raise CallRefused(
            _("Rappelez dans les %(days)d jours, ou choisissez une autre relance.") % {"days": LONGEST_WAIT},
            field="call_again_on",
        )
    return asked


def _promise(
    actor: Actor,
    notice: Notice,
    amount: Decimal | None,
    promised_date: date | None,
    note: str,
    today: date,
    now: datetime,
) -> None:
    if amount is None or amount <= 0 or round_money(amount) != amount:
        raise CallRefused(_("Indiquez le montant promis, au centime près."), field="promised_amount")
    if promised_date is None:
        raise CallRefused(_("Indiquez la date promise."), field="promised_date")
    items = promisable_items(notice)
    total = sum((item.open_amount for item in items), Decimal(0))
    if amount > total:
        raise CallRefused(
            _("Le montant promis dépasse ce qui peut l’être sur ces pièces : %(total)s.")
            % {"total": format_amount(total, notice.currency)},
            field="promised_amount",
        )
    left = amount
    for item in items:
        if not left:
            break
        part = min(left, item.open_amount)
        make_promise(
            actor=actor, item_id=item.pk, amount=part, promised_date=promised_date, note=note, today=today, now=now
        )  # fmt: skip
        left -= part


def promisable_items(notice: Notice) -> Sequence[OpenItem]:
    """The notice's items that are still owed and that no promise covers, the oldest due first."""
    chased = notice.lines.filter(rank__gt=0).values("item")
    promised = Promise.objects.filter(status=Promise.Status.OPEN, item__in=chased).values("item")
    return list(
        OpenItem.objects.filter(pk__in=chased, open_amount__gt=0)
        .exclude(pk__in=promised)
        .order_by("due_date", "pk")
    )


@operation("dunning.call")
def give_up_call(*, actor: Actor, notice_id: int, reason: str, now: datetime) -> Notice:
    """Stop calling: the notice has failed, and a person sends it otherwise or sets it aside. Raises CallRefused."""
    notice = _locked(actor, notice_id)
    if notice.status != Notice.Status.APPROVED:
        raise CallRefused(_("Cet appel n’est plus à passer : rechargez la page."), code="call_done")
    if not reason.strip():
        raise CallRefused(_("Dites pourquoi vous cessez d’appeler."), field="reason")
    check_move(notice, Notice.Status.FAILED)
    notice.status, notice.reason = Notice.Status.FAILED, reason.strip()[:200]
    notice.not_before, notice.wait_reason = None, ""
    notice.save(update_fields=["status", "reason", "not_before", "wait_reason"])
    audit.record(
        actor=actor,
        verb="dunning.call.given_up",
        refs=[notice, f"customer:{notice.customer_id}"],
        now=now,
        reason=notice.reason,
    )
    return notice


def _locked(actor: Actor, notice_id: int) -> Notice:
    notice = (
        Notice.objects.visible_to(actor)
        .filter(pk=notice_id, level__channel=CHANNEL)
        .select_for_update(of=("self",))
        .select_related("customer", "legal_entity", "level", "run")
        .first()
    )
    if notice is None:
        raise CallRefused(_("Cet appel n’existe pas dans votre périmètre."), code="call_unknown")
    return notice
