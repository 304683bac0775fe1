"""Posting one document to the sub-ledger. Files of documents go through the import operations."""

from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.models import StoredFile
from core.money import MAX_AMOUNT, round_money
from core.operation import operation
from core.rights import Actor
from customers.models import CURRENCY, Customer
from invoices.models import OpenItem
from invoices.operations.ageing import refresh_ageing


class PostingRefused(BusinessError):
    """The document contradicts itself or one that is posted already; `field` names the input at fault."""

    code = "posting_refused"


@operation("invoices.import")
def post_item(
    *,
    actor: Actor,
    customer_id: int,
    kind: str,
    number: str,
    issue_date: date,
    due_date: date,
    currency: str,
    total_amount: Decimal,
    now: datetime,
    instalment: int = 1,
    vat_amount: Decimal | None = None,
    reference: str = "",
    is_factored: bool = False,
    document: StoredFile | None = None,
) -> OpenItem:
    """Post an immutable item, wholly open. Amounts are signed: credit notes and payments are negative.

    Raises PostingRefused: unknown customer, number taken, sign against the kind, due before issue.
    """
    customer = (
        Customer.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=customer_id)
        .first()
    )
    if customer is None:
        raise PostingRefused(_("Ce client n’existe pas dans votre périmètre."), field="customer")
    number = number.strip()
    _check_document(kind, number, instalment, issue_date, due_date, currency)
    _check_amounts(kind, total_amount, vat_amount)
    item = OpenItem(
        legal_entity_id=customer.legal_entity_id,
        customer=customer,
        kind=kind,
        number=number,
        instalment=instalment,
        issue_date=issue_date,
        due_date=due_date,
        currency=currency,
        total_amount=total_amount,
        vat_amount=vat_amount,
        open_amount=total_amount,
        reference=reference.strip(),
        is_factored=is_factored,
        document=document,
        posted_at=now,
        updated_at=now,
    )
    try:
        with transaction.atomic():
            item.save(force_insert=True)
    except IntegrityError as error:
        if "open_item_number_once_per_entity" not in str(error):
            raise
        raise PostingRefused(
            _("La pièce %(number)s (échéance n° %(instalment)d) est déjà comptabilisée pour cette entité.")
            % {"number": number, "instalment": instalment},
            code="number_taken",
            field="number",
        ) from error
    audit.record(
        actor=actor,
        verb="invoices.item.posted",
        refs=[item, customer],
        now=now,
        number=number,
        kind=kind,
        amount=str(total_amount),
        currency=currency,
        due_date=due_date.isoformat(),
    )
    refresh_ageing(customer_ids=[customer.pk], effective_from=issue_date)
    return item


def _check_document(
    kind: str, number: str, instalment: int, issue_date: date, due_date: date, currency: str
) -> None:
    if kind not in OpenItem.Kind.values:
        raise PostingRefused(_("Nature de pièce inconnue."), field="kind")
    if not number or len(number) > 40:
        raise PostingRefused(_("Le numéro de pièce compte de 1 à 40 caractères."), field="number")
    if not 1 <= instalment <= 32767:
        raise PostingRefused(_("Le numéro d’échéance commence à 1."), field="instalment")
    if due_date < issue_date:
        raise PostingRefused(
            _("L’échéance (%(due)s) précède la date de la pièce (%(issue)s).")
            % {"due": f"{due_date:%d/%m/%Y}", "issue": f"{issue_date:%d/%m/%Y}"},
            field="due_date",
        )
    if not CURRENCY.regex.match(currency):
        raise PostingRefused(str(CURRENCY.message), field="currency")


def _check_amounts(kind: str, total_amount: Decimal, vat_amount: Decimal | None) -> None:
    if round_money(total_amount) != total_amount or abs(total_amount) > MAX_AMOUNT:
        raise PostingRefused(_("Le montant s’écrit au centime près."), field="total_amount")
    if kind in OpenItem.DEBIT_KINDS and total_amount < 0:
        raise PostingRefused(
            _("Une facture ou un acompte demandé porte un montant positif ; saisissez un avoir."),
            field="total_amount",
        )
    if kind in OpenItem.CREDIT_KINDS and total_amount > 0:
        raise PostingRefused(_("Un avoir ou un règlement porte un montant négatif."), field="total_amount")
    if vat_amount is None:
        return
    if round_money(vat_amount) != vat_amount or abs(vat_amount) > abs(total_amount):
        raise PostingRefused(_("La TVA ne peut pas dépasser le montant TTC."), field="vat_amount")
