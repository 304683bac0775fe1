"""Applying what the bank received: one line settles items of one or several customers, in one act."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Max
from django.utils.translation import gettext as _

from core import audit
from core.errors import WrongState
from core.money import format_amount, round_money
from core.operation import operation
from core.rights import SYSTEM, Actor
from core.states import check_move
from invoices.bank_money import money_left
from invoices.cash_proposals import inputs_of
from invoices.models import BankLine, CashApplication, MatchProposal, OpenItem, Receipt
from invoices.operations.applying import (
    ZERO,
    ApplicationPart,
    CashRefused,
    Difference,
    OnAccount,
    Share,
    common_currency,
    doubt_proposals_on,
    free_number,
    post_share,
    refresh,
    settings_of,
    shares_of,
)
from invoices.operations.differences import check_differences
from invoices.operations.payers import learn

__all__ = [
    "ApplicationPart",
    "CashRefused",
    "Difference",
    "OnAccount",
    "accept_proposal",
    "apply_line",
    "reopen_line",
    "set_line_aside",
]


@operation("invoices.apply_cash")
def apply_line(
    *,
    actor: Actor,
    line_id: int,
    parts: Sequence[ApplicationPart] = (),
    on_account: Sequence[OnAccount] = (),
    differences: Sequence[Difference] = (),
    today: date,
    now: datetime,
    proposal_id: int | None = None,
    seen_remaining: Decimal | None = None,
) -> list[CashApplication]:
    """Apply a received bank line, wholly or in part; one application per customer, in the order of their keys.

    A part says how much of an item is settled in all, signed as the item: credit notes count negatively and lower
    the money asked. A difference is the part of an item that no money settles (or, negative, what was paid too
    much and is kept). What is left on account is an open credit. Amounts are in the items' currency, which is the
    line's, or its original currency where the bank says the original amount.

    Each customer gets one item « BQ-<line> » (KIND payment, then « BQ-<line>-<n> »), dated of the booking; after an
    undo, of the undo, so that no past day changes. `seen_remaining` is what the person saw left on the line: when it
    has moved since, as after a double click, nothing is written.

    Raises WrongState for a line that is not open, CashRefused for anything that cannot be applied so.
    """
    line = locked_line(actor, line_id)
    return _apply(
        actor=actor,
        line=line,
        parts=parts,
        on_account=on_account,
        differences=differences,
        today=today,
        now=now,
        proposal_id=proposal_id,
        seen_remaining=seen_remaining,
    )


@operation("invoices.apply_cash")
def accept_proposal(
    *,
    actor: Actor,
    proposal_id: int,
    today: date,
    now: datetime,
    seen_remaining: Decimal | None = None,
) -> list[CashApplication]:
    """Apply a line as matching proposes. Raises WrongState, CashRefused, as `apply_line`."""
    found = MatchProposal.objects.filter(pk=proposal_id, bank_line__isnull=False)
    line_id = found.values_list("bank_line_id", flat=True).first()
    line = locked_line(actor, line_id) if line_id else None
    proposal = _proposal(line, proposal_id) if line else None
    if line is None or proposal is None:
        raise CashRefused(
            _("Cette proposition n’est plus d’actualité. Rechargez la page."), code="proposal_gone"
        )
    parts, differences, on_account = inputs_of(proposal, line)
    return _apply(
        actor=actor,
        line=line,
        parts=[ApplicationPart(*part) for part in parts],
        on_account=[OnAccount(*rest) for rest in on_account],
        differences=[Difference(*difference) for difference in differences],
        today=today,
        now=now,
        proposal_id=proposal.pk,
        seen_remaining=seen_remaining,
    )


def _apply(
    *,
    actor: Actor,
    line: BankLine,
    parts: Sequence[ApplicationPart],
    on_account: Sequence[OnAccount],
    differences: Sequence[Difference],
    today: date,
    now: datetime,
    proposal_id: int | None,
    seen_remaining: Decimal | None,
) -> list[CashApplication]:
    """As `apply_line`, on a line that is locked."""
    if line.status != BankLine.Status.OPEN:
        raise WrongState(
            _("Ce mouvement n’est plus à affecter (%(state)s).") % {"state": line.get_status_display()}
        )
    if line.amount < 0:
        raise CashRefused(_("Ce mouvement est au débit : il ne règle aucune facture."), code="debit_line")
    remaining = line.amount - line.applied_amount
    if seen_remaining is not None and seen_remaining != remaining:
        raise CashRefused(
            _("Ce mouvement a changé entre-temps : il reste %(left)s à affecter. Vérifiez, puis validez.")
            % {"left": format_amount(remaining, line.currency)},
            code="changed_meanwhile",
        )
    entity = line.bank_account.legal_entity
    items, shares = shares_of(
        actor=actor, entity=entity, parts=parts, on_account=on_account, differences=differences
    )
    settings = settings_of(entity)
    check_differences(actor=actor, settings=settings, items=items, shares=shares)
    currency = common_currency(items.values()) or line.currency
    carried = _carried(line, shares, currency)
    day = money_date(line, today)
    proposal = _proposal(line, proposal_id)
    count = line.receipts.count()
    applications: list[CashApplication] = []
    for share, amount in zip(shares, carried, strict=True):
        count += 1
        application = CashApplication.objects.create(
            legal_entity=entity,
            customer=share.customer,
            bank_line=line,
            is_automatic=actor is SYSTEM,
            rule=proposal.rule if proposal else "",
            score=proposal.score if proposal else None,
            reasons=proposal.reasons if proposal else [],
            applied_on=day,
            applied_by=None if actor is SYSTEM else actor,  # type: ignore[misc]
            applied_at=now,
        )
        payment = _post_payment(line, share, currency, count, day=day, now=now)
        Receipt.objects.create(
            bank_line=line,
            item=payment,
            application=application,
            role=Receipt.Role.PAYMENT,
            amount=amount,
        )
        last = post_share(
            application=application,
            share=share,
            items=items,
            settings=settings,
            credit=payment,
            money_date=day,
            today=today,
            now=now,
        )
        if last != application.applied_on:
            application.applied_on = last
            application.save(update_fields=["applied_on"])
        applications.append(application)
    carry(line, sum(carried, ZERO), now)
    _close_proposals(line, proposal)
    doubt_proposals_on(items)
    if actor is not SYSTEM and len(shares) == 1:
        # Who pays for several accounts at once says nothing sure of any.
        learn(actor=actor, line=line, customer=shares[0].customer, today=today)
    audit.record(
        actor=actor,
        verb="invoices.cash.applied",
        refs=[
            line,
            *applications,
            *items.values(),
            *(f"customer:{share.customer.pk}" for share in shares),
        ],
        now=now,
        amount=str(sum(carried, ZERO)),
        currency=line.currency,
        customers=[share.customer.account_code for share in shares],
        items=[items[key].number for key in sorted(items)],
        on_account=str(sum((share.on_account for share in shares), ZERO)),
        differences=str(sum((part.amount for share in shares for part in share.differences), ZERO)),
        proposal=proposal.pk if proposal else None,
    )
    refresh([share.customer.pk for share in shares], day)
    return applications


@operation("invoices.apply_cash")
def set_line_aside(*, actor: Actor, line_id: int, reason: str, now: datetime) -> BankLine:
    """Say that a line concerns no customer's account. Raises WrongState, CashRefused without a reason."""
    line = locked_line(actor, line_id)
    check_move(line, BankLine.Status.SET_ASIDE)
    if not reason.strip():
        raise CashRefused(_("Indiquez pourquoi ce mouvement est sans objet."), field="reason")
    if line.applied_amount != 0:
        raise CashRefused(
            _("Une partie de ce mouvement est déjà affectée : défaites-la d’abord."), code="partly_applied"
        )
    line.status, line.set_aside_reason = BankLine.Status.SET_ASIDE, reason.strip()[:200]
    line.updated_at = now
    line.save(update_fields=["status", "set_aside_reason", "updated_at"])
    _close_proposals(line, None)
    audit.record(
        actor=actor,
        verb="invoices.bank_line.set_aside",
        refs=[line],
        now=now,
        amount=str(line.amount),
        currency=line.currency,
        reason=line.set_aside_reason,
    )
    return line


@operation("invoices.apply_cash")
def reopen_line(*, actor: Actor, line_id: int, now: datetime) -> BankLine:
    """Take a line back among those to apply. Raises WrongState unless it was set aside."""
    line = locked_line(actor, line_id)
    if line.status != BankLine.Status.SET_ASIDE:
        raise WrongState(
            _("Ce mouvement n’est pas sans objet (%(state)s).") % {"state": line.get_status_display()}
        )
    line.status, line.set_aside_reason, line.matched_at = BankLine.Status.OPEN, "", None
    line.updated_at = now
    line.save(update_fields=["status", "set_aside_reason", "matched_at", "updated_at"])
    audit.record(
        actor=actor,
        verb="invoices.bank_line.reopened",
        refs=[line],
        now=now,
        amount=str(line.amount),
        currency=line.currency,
    )
    return line


def locked_line(actor: Actor, line_id: int) -> BankLine:
    """The line in the actor's scope, locked. Raises CashRefused outside of it."""
    line = (
        BankLine.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("bank_account__legal_entity")
        .filter(pk=line_id)
        .first()
    )
    if line is None:
        raise CashRefused(_("Ce mouvement n’existe pas dans votre périmètre."), code="line_unknown")
    return line


def carry(line: BankLine, amount: Decimal, now: datetime) -> None:
    """Receipts carry so much more of the line (less, when negative): it is applied once they carry the whole."""
    line.applied_amount += amount
    whole = line.applied_amount == abs(line.amount)
    line.status = BankLine.Status.APPLIED if whole else BankLine.Status.OPEN
    if not whole:
        line.matched_at = None
    line.updated_at = now
    line.save(update_fields=["applied_amount", "status", "matched_at", "updated_at"])


def _carried(line: BankLine, shares: Sequence[Share], currency: str) -> list[Decimal]:
    """What each share takes of the line, in the line's currency. Raises CashRefused above what is left."""
    for share in shares:
        if share.money <= 0:
            raise CashRefused(
                _(
                    "Pour %(customer)s, les avoirs cochés couvrent tout : rien de ce mouvement n’y serait affecté."
                )
                % {"customer": share.customer.name},
                code="no_money",
            )
    asked = sum((share.money for share in shares), ZERO)
    remaining = line.amount - line.applied_amount
    if currency == line.currency:
        _check_enough(asked, remaining, currency)
        return [share.money for share in shares]
    left = money_left(line, currency)
    if left is None or not line.original_amount:
        raise CashRefused(
            _(
                "Ces pièces sont en %(items)s et ce mouvement en %(line)s, sans montant d’origine : laissez-le sur le "
                "compte, ou lettrez des pièces en %(line)s."
            )
            % {"items": currency, "line": line.currency},
            code="currencies",
        )
    _check_enough(asked, left, currency)
    # The last of the original amount takes the last cent of the line.
    carried = [round_money(line.amount * share.money / abs(line.original_amount)) for share in shares]
    if asked == left:
        carried[-1] += remaining - sum(carried, ZERO)
    if any(amount <= 0 for amount in carried) or sum(carried, ZERO) > remaining:
        raise CashRefused(
            _("Ce qui reste de ce mouvement ne suffit pas pour cette somme en %(currency)s.")
            % {"currency": currency},
            code="currencies",
        )
    return carried


def _check_enough(asked: Decimal, left: Decimal, currency: str) -> None:
    if asked > left:
        raise CashRefused(
            _(
                "Vous affectez %(asked)s et il ne reste que %(left)s : baissez un montant ou décochez une pièce."
            )
            % {"asked": format_amount(asked, currency), "left": format_amount(left, currency)},
            code="above_remaining",
            field="parts",
        )


def money_date(line: BankLine, today: date) -> date:
    """The day of the money: its booking, or the last undo of this line, for what was carried until then."""
    undone = line.receipts.aggregate(last=Max("counter_item__issue_date"))["last"]
    day = max(line.booking_date, undone) if undone else line.booking_date
    if day > today:
        raise CashRefused(
            _("Ce mouvement est daté du %(day)s : il s’affecte à partir de ce jour.")
            % {"day": f"{day:%d/%m/%Y}"},
            code="future",
        )
    return day


def _proposal(line: BankLine, proposal_id: int | None) -> MatchProposal | None:
    if proposal_id is None:
        return None
    proposal = MatchProposal.objects.filter(pk=proposal_id, bank_line=line).first()
    if proposal is None or proposal.status != MatchProposal.Status.OPEN:
        raise CashRefused(
            _("Cette proposition n’est plus d’actualité. Rechargez la page."), code="proposal_gone"
        )
    return proposal


def _close_proposals(line: BankLine, taken: MatchProposal | None) -> None:
    """What was not taken is out of date, whatever is left of the line."""
    if taken is not None:
        taken.status = MatchProposal.Status.POSTED
        taken.save(update_fields=["status"])
    line.proposals.filter(status=MatchProposal.Status.OPEN).update(status=MatchProposal.Status.DISMISSED)


def _post_payment(
    line: BankLine, share: Share, currency: str, count: int, *, day: date, now: datetime
) -> OpenItem:
    return OpenItem.objects.create(
        legal_entity_id=share.customer.legal_entity_id,
        customer=share.customer,
        kind=OpenItem.Kind.PAYMENT,
        number=free_number(share.customer.legal_entity_id, f"BQ-{line.pk}", count),
        issue_date=day,
        due_date=day,
        currency=currency,
        total_amount=-share.money,
        open_amount=-share.money,
        reference=line.remittance[:80],
        posted_at=now,
        updated_at=now,
    )
