"""Files to the insurer: overdue items declared, claims, and what became of them."""

import csv
import io
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core import audit
from core.exports import BOM
from core.files import store_file
from core.models import User
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from customers.models import LegalEntity
from invoices.models import OpenItem
from risk.cover import deadlines_of, pressing
from risk.models import InsurancePolicy, InsurerFile, InsurerFileItem
from risk.operations.cover import CoverRefused, checked_amount

FILE_KIND = "risk.insurer_file"
MOST_ITEMS = 20_000
Kind = InsurerFile.Kind
Status = InsurerFile.Status


@operation("risk.manage_cover")
def prepare_insurer_file(
    *, actor: Actor, policy: InsurancePolicy, kind: str, today: date, now: datetime
) -> InsurerFile:
    """Write the file of every item of a policy whose deadline presses, one file, and keep it as it will be sent.

    Lapsed deadlines are in it too, and marked: the insurer decides. Raises CoverRefused when there is none.
    """
    entity = LegalEntity.objects.wholly_visible_to(actor).filter(pk=policy.legal_entity_id).first()
    if entity is None:
        raise CoverRefused(_("Cette entité n’est pas entière dans votre périmètre."), field="policy")
    if kind not in Kind.values:
        raise CoverRefused(_("Choisissez une nature de dossier."), field="kind")
    # The policy's row is the lock: two people preparing its files come one after the other.
    policy = InsurancePolicy.objects.select_for_update(of=("self",)).get(pk=policy.pk)
    items = list(pressing(actor, policy, kind, today)[:MOST_ITEMS])
    if not items:
        raise CoverRefused(_("Aucune pièce de cette police n’arrive à ce délai."), code="nothing_to_file")
    lines = [
        InsurerFileItem(
            item=item,
            kind=kind,
            due_date=item.due_date,
            deadline=_deadline(item, policy, kind),
            open_amount=item.open_amount,
            contested_amount=item.contested_amount,
        )
        for item in items
    ]
    name = "declaration" if kind == Kind.DECLARATION else "indemnisation"
    stored = store_file(
        content=_written(entity, policy, lines, today),
        name=f"{entity.siren or entity.code}-{name}-{today:%Y%m%d}.csv",
        kind=FILE_KIND,
        content_type="text/csv; charset=utf-8",
        now=now,
    )
    prepared = InsurerFile.objects.create(
        policy=policy,
        kind=kind,
        as_of=today,
        currency=policy.currency,
        item_count=len(lines),
        total_amount=sum((line.open_amount for line in lines), Decimal(0)),
        file=stored,
        prepared_by_id=actor.pk if isinstance(actor, User) else None,
        prepared_at=now,
    )
    for line in lines:
        line.insurer_file = prepared
    InsurerFileItem.objects.bulk_create(lines, batch_size=1_000)
    audit.record(
        actor=actor, verb="risk.insurer_file.prepared", refs=[prepared, policy, entity], now=now,
        name=str(prepared), items=len(lines), total=str(prepared.total_amount), sha256=stored.sha256,
    )  # fmt: skip
    return prepared


def _deadline(item: OpenItem, policy: InsurancePolicy, kind: str) -> date:
    found = deadlines_of(item, policy)
    return found.declare_by if kind == Kind.DECLARATION else found.claim_by


def _written(
    entity: LegalEntity, policy: InsurancePolicy, lines: Iterable[InsurerFileItem], today: date
) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([
        _("Police"), _("Assuré"), _("SIREN de l’assuré"), _("Compte"), _("Acheteur"), _("SIREN"), _("Pièce"),
        _("Date de facture"), _("Échéance"), _("Devise"), _("Montant TTC"), _("Solde dû"), _("Dont en litige"),
        _("Jours de retard"), _("Délai de la police"), _("Délai dépassé"),
    ])  # fmt: skip
    for line in lines:
        item, buyer = line.item, line.item.customer
        writer.writerow([
            _plain(policy.number), _plain(entity.name), entity.siren, _plain(buyer.account_code),
            _plain(buyer.name), buyer.siren, _plain(item.number), f"{item.issue_date:%d/%m/%Y}",
            f"{item.due_date:%d/%m/%Y}", item.currency, _number(item.total_amount), _number(line.open_amount),
            _number(line.contested_amount), (today - item.due_date).days, f"{line.deadline:%d/%m/%Y}",
            _("oui") if line.deadline < today else _("non"),
        ])  # fmt: skip
    return (BOM + text.getvalue()).encode()


def _plain(value: str) -> str:
    """Text from outside never becomes a formula of a spreadsheet."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else value


def _number(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")


@operation("risk.manage_cover")
def move_insurer_file(
    *,
    actor: Actor,
    insurer_file: InsurerFile,
    status: str,
    on: date,
    today: date,
    now: datetime,
    insurer_reference: str = "",
    paid_amount: Decimal | None = None,
    reason: str = "",
) -> InsurerFile:
    """Follow a file: sent, received by the insurer, paid, refused, or given up. Raises CoverRefused, WrongState.

    Items of a file given up or refused may be filed again.
    """
    if (
        not LegalEntity.objects.wholly_visible_to(actor)
        .filter(pk=insurer_file.policy.legal_entity_id)
        .exists()
    ):
        raise CoverRefused(_("Cette entité n’est pas entière dans votre périmètre."), code="entity_unknown")
    followed = (
        InsurerFile.objects.select_for_update(of=("self",)).select_related("policy").get(pk=insurer_file.pk)
    )
    check_move(followed, status)
    earliest = followed.acknowledged_on or followed.sent_on or followed.as_of
    if on > today:
        raise CoverRefused(_("Cette date est dans le futur."), field="on")
    if on < earliest:
        raise CoverRefused(_("Cette date précède l’étape d’avant."), field="on")
    if status == Status.PAID:
        if followed.kind != Kind.CLAIM:
            raise CoverRefused(_("Une déclaration n’est pas indemnisée : c’est la demande."), field="status")
        if checked_amount(paid_amount, "paid_amount") > followed.total_amount:
            raise CoverRefused(_("L’indemnité dépasse le montant demandé."), field="paid_amount")
        followed.paid_amount, followed.paid_on = paid_amount, on
    elif status == Status.REFUSED:
        if not reason.strip():
            raise CoverRefused(_("Écrivez le motif de l’assureur."), field="reason")
        followed.refused_on = on
    elif status == Status.SENT:
        followed.sent_on = on
    elif status == Status.ACKNOWLEDGED:
        followed.acknowledged_on = on
    followed.status = status
    followed.reason = reason.strip() or followed.reason
    followed.insurer_reference = insurer_reference.strip() or followed.insurer_reference
    followed.save()
    if status in (Status.DISCARDED, Status.REFUSED):
        followed.lines.update(is_live=False)
    audit.record(
        actor=actor, verb="risk.insurer_file.moved", refs=[followed, followed.policy], now=now,
        name=str(followed), status=status, on=on.isoformat(), reason=reason.strip(),
    )  # fmt: skip
    return followed
