"""Credits that already stand on an account: matched with what is due, given back, or given up."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Min
from django.utils.translation import gettext as _

from core import audit
from core.errors import WrongState
from core.money import format_amount
from core.operation import operation
from core.rights import SYSTEM, Actor
from customers.models import Customer, LegalEntity
from invoices.models import BankLine, CashApplication, OpenItem, Receipt
from invoices.operations.applying import (
    ZERO,
    ApplicationPart,
    CashRefused,
    Difference,
    common_currency,
    doubt_proposals_on,
    post_other,
    post_share,
    refresh,
    refund_number,
    refund_of,
    settings_of,
    shares_of,
)
from invoices.operations.cash import carry, locked_line, money_date
from invoices.operations.differences import check_differences


@operation("invoices.apply_cash")
def apply_credits(
    *,
    actor: Actor,
    parts: Sequence[ApplicationPart],
    differences: Sequence[Difference] = (),
    today: date,
    now: datetime,
    seen: Mapping[int, Decimal] | None = None,
) -> CashApplication:
    """Match credits of one account (payments, credit notes) with what it owes, any number of each, in one act.

    Parts are signed as their items; they and the differences come to zero together. Raises CashRefused.
    """
    entity = _entity_of(actor, [part.item_id for part in parts])
    items, shares = shares_of(actor=actor, entity=entity, parts=parts, differences=differences, seen=seen)
    common_currency(items.values())
    if len(shares) > 1:
        raise CashRefused(_("Ces pièces ne sont pas du même client."), code="customers")
    (share,) = shares
    settings = settings_of(entity)
    check_differences(actor=actor, settings=settings, items=items, shares=[share])
    if share.money != 0 or not any(amount < 0 for amount in share.parts.values()):
        raise CashRefused(
            _("Crédits et débits cochés diffèrent de %(amount)s : ajustez un montant.")
            % {"amount": format_amount(abs(share.money), next(iter(items.values())).currency)},
            code="not_balanced",
            field="parts",
        )
    from_day = min(item.issue_date for item in items.values())
    application = _application(actor, entity, share.customer, "credits", from_day, now)
    application.applied_on = post_share(
        application=application,
        share=share,
        items=items,
        settings=settings,
        credit=None,
        money_date=from_day,
        today=today,
        now=now,
    )
    application.save(update_fields=["applied_on"])
    settled = sum((amount for amount in share.parts.values() if amount > 0), ZERO)
    doubt_proposals_on(items)
    audit.record(
        actor=actor,
        verb="invoices.credits.applied",
        refs=[application, *items.values(), f"customer:{share.customer.pk}"],
        now=now,
        amount=str(settled),
        currency=next(iter(items.values())).currency,
        items=[items[key].number for key in sorted(items)],
    )
    refresh([share.customer.pk], application.allocations.aggregate(first=Min("allocated_on"))["first"])
    return application


def apply_credit(
    *, actor: Actor, credit_id: int, parts: Sequence[ApplicationPart], today: date, now: datetime
) -> CashApplication:
    """Match one credit with debits of its account. Raises CashRefused."""
    given = -sum((part.amount for part in parts), ZERO)
    return apply_credits(actor=actor, parts=[ApplicationPart(credit_id, given), *parts], today=today, now=now)


@operation("invoices.refund")
def refund_credit(
    *,
    actor: Actor,
    parts: Sequence[ApplicationPart],
    line_id: int | None = None,
    today: date,
    now: datetime,
    seen: Mapping[int, Decimal] | None = None,
    seen_remaining: Decimal | None = None,
) -> CashApplication:
    """Give credits of one account back: with the debit line of the bank, or announced before the bank says so.

    Posts one debit item « RB-<application> » and matches the credits with it. Amounts are negative, as the items.
    Raises WrongState, CashRefused.
    """
    line = _debit_line(actor, line_id, now) if line_id is not None else None
    entity = line.bank_account.legal_entity if line else _entity_of(actor, [part.item_id for part in parts])
    items, shares = shares_of(actor=actor, entity=entity, parts=parts, seen=seen)
    currency = common_currency(items.values())
    if len(shares) > 1:
        raise CashRefused(
            _("Un remboursement concerne un seul client : faites-en un par client."), code="customers"
        )
    (share,) = shares
    if any(amount > 0 for amount in share.parts.values()):
        raise CashRefused(_("Seuls des crédits se remboursent : avoirs, règlements."), code="not_a_credit")
    amount = -share.money
    if line is not None:
        if seen_remaining is not None and seen_remaining != abs(line.amount) - line.applied_amount:
            raise CashRefused(
                _("Ce mouvement a changé entre-temps. Vérifiez, puis validez."), code="changed_meanwhile"
            )
        _check_line(line, amount, currency)
    day = max(money_date(line, today) if line else today, *(item.issue_date for item in items.values()))
    if day > today:
        raise CashRefused(_("Une des dates est dans le futur."), code="future")
    application = _application(
        actor,
        entity,
        share.customer,
        CashApplication.REFUND if line else CashApplication.REFUND_ANNOUNCED,
        day,
        now,
    )
    application.bank_line = line
    item = post_other(
        like=next(iter(items.values())),
        number=refund_number(application),
        amount=amount,
        day=day,
        reference=_("Remboursement"),
        now=now,
    )
    share.parts[item.pk] = amount
    application.applied_on = post_share(
        application=application,
        share=share,
        items={**items, item.pk: item},
        settings=settings_of(entity),
        credit=None,
        money_date=day,
        today=today,
        now=now,
    )
    application.save(update_fields=["bank_line", "applied_on"])
    if line is not None:
        Receipt.objects.create(
            bank_line=line, item=item, application=application, role=Receipt.Role.REFUND, amount=amount
        )
        carry(line, amount, now)
    audit.record(
        actor=actor,
        verb="invoices.credit.refunded",
        refs=[application, *([line] if line else []), item, *items.values(), f"customer:{share.customer.pk}"],
        now=now,
        amount=str(amount),
        currency=currency,
        number=item.number,
    )
    refresh([share.customer.pk], day)
    return application


@operation("invoices.refund")
def confirm_refund(*, actor: Actor, application_id: int, line_id: int, today: date, now: datetime) -> Receipt:
    """Say which debit line of the bank is a refund that was announced. Raises WrongState, CashRefused."""
    line = _debit_line(actor, line_id, now)
    application = (
        CashApplication.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .filter(
            pk=application_id,
            legal_entity=line.bank_account.legal_entity,
            rule=CashApplication.REFUND_ANNOUNCED,
        )
        .first()
    )
    item = refund_of(application) if application else None
    if application is None or item is None:
        raise CashRefused(_("Ce remboursement n’existe pas dans votre périmètre."), code="refund_unknown")
    if application.reversed_on is not None or application.bank_line_id is not None:
        raise WrongState(_("Ce remboursement est déjà retrouvé, ou a été défait."))
    if item.total_amount != abs(line.amount) - line.applied_amount or item.currency != line.currency:
        raise CashRefused(
            _("Le mouvement et le remboursement annoncé ne sont pas du même montant."), code="amount_differs"
        )
    application.bank_line = line
    application.save(update_fields=["bank_line"])
    receipt = Receipt.objects.create(
        bank_line=line,
        item=item,
        application=application,
        role=Receipt.Role.REFUND,
        amount=item.total_amount,
    )
    carry(line, item.total_amount, now)
    audit.record(
        actor=actor,
        verb="invoices.refund.confirmed",
        refs=[application, line, item, f"customer:{application.customer_id}"],
        now=now,
        amount=str(item.total_amount),
        currency=item.currency,
        number=item.number,
    )
    return receipt


def _entity_of(actor: Actor, ids: Sequence[int]) -> LegalEntity:
    item = OpenItem.objects.visible_to(actor).filter(pk__in=ids).select_related("legal_entity").first()
    if item is None:
        raise CashRefused(_("Cochez au moins une pièce de votre périmètre."), code="nothing")
    return item.legal_entity


def _application(
    actor: Actor, entity: LegalEntity, customer: Customer, rule: str, day: date, now: datetime
) -> CashApplication:
    return CashApplication.objects.create(
        legal_entity=entity,
        customer=customer,
        is_automatic=actor is SYSTEM,
        rule=rule,
        applied_on=day,
        applied_by=None if actor is SYSTEM else actor,  # type: ignore[misc]
        applied_at=now,
    )


def _debit_line(actor: Actor, line_id: int, now: datetime) -> BankLine:
    """A line by which money left, open; one that was set aside is taken back first."""
    line = locked_line(actor, line_id)
    if line.amount > 0 or line.is_return:
        raise CashRefused(
            _("Un remboursement est un mouvement au débit, qui n’est pas un impayé."), code="not_a_debit"
        )
    if line.status == BankLine.Status.SET_ASIDE:
        line.status, line.set_aside_reason, line.updated_at = BankLine.Status.OPEN, "", now
        line.save(update_fields=["status", "set_aside_reason", "updated_at"])
    if line.status != BankLine.Status.OPEN:
        raise WrongState(
            _("Ce mouvement n’est plus à affecter (%(state)s).") % {"state": line.get_status_display()}
        )
    return line


def _check_line(line: BankLine, amount: Decimal, currency: str) -> None:
    left = abs(line.amount) - line.applied_amount
    if line.currency != currency:
        raise CashRefused(
            _("Le mouvement est en %(line)s et ces crédits en %(items)s.")
            % {"line": line.currency, "items": currency},
            code="currencies",
        )
    if amount > left:
        raise CashRefused(
            _("Vous remboursez %(asked)s et il ne reste que %(left)s sur ce mouvement.")
            % {"asked": format_amount(amount, currency), "left": format_amount(left, currency)},
            code="above_remaining",
            field="parts",
        )
