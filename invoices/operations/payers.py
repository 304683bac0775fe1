"""What is learned of payers: signs that a person agreed belong to a customer, and how often they served."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from customers.models import Customer, LegalEntity
from invoices.matching.names import name_key
from invoices.matching.payers import names_of
from invoices.matching.values import Line
from invoices.models import BankLine, PayerAlias

# A name of less says nothing.
_SHORTEST_NAME = 3


class AliasUnknown(BusinessError):
    """There is no such sign in the actor's scope."""

    code = "alias_unknown"


@operation("invoices.apply_cash")
def learn(*, actor: Actor, line: BankLine, customer: Customer, today: date) -> list[PayerAlias]:
    """Remember the line's payer as this customer: IBAN, mandate and name. Known signs count one use more.

    To be called when a person applied the line. What is not the customer's by his own account (our own accounts)
    is not learned.
    """
    learned = []
    for kind, value in signs_of(line):
        alias, created = PayerAlias.objects.get_or_create(
            legal_entity_id=customer.legal_entity_id,
            kind=kind,
            value=value,
            customer=customer,
            defaults={"learned_on": today, "last_used_on": today, "learned_from": line},
        )
        if not created:
            alias.uses += 1
            alias.last_used_on = max(today, alias.last_used_on)
            alias.save(update_fields=["uses", "last_used_on"])
        learned.append(alias)
    return learned


@operation("invoices.apply_cash")
def forget(*, actor: Actor, alias_id: int, now: datetime) -> None:
    """Forget a sign: it was learned wrongly, or the account changed hands. Raises AliasUnknown."""
    alias = (
        PayerAlias.objects.select_for_update(of=("self",))
        .filter(
            pk=alias_id,
            legal_entity__in=LegalEntity.objects.visible_to(actor),
            customer__in=Customer.objects.visible_to(actor),
        )
        .first()
    )
    if alias is None:
        raise AliasUnknown(_("Ce signe de payeur n’existe plus. Rechargez la page."))
    audit.record(
        actor=actor,
        verb="invoices.payer.forgotten",
        refs=[f"customer:{alias.customer_id}"],
        now=now,
        kind=alias.kind,
        value=alias.value,
        uses=alias.uses,
    )
    alias.delete()


def signs_of(line: BankLine) -> list[tuple[str, str]]:
    """The signs of a line's payer, as they are kept."""
    signs: list[tuple[str, str]] = []
    iban = "".join(line.counterparty_iban.split()).upper()
    if iban:
        signs.append((PayerAlias.Kind.IBAN, iban))
    if line.mandate_reference.strip():
        signs.append((PayerAlias.Kind.MANDATE, line.mandate_reference.strip().upper()))
    for name in dict.fromkeys((line.ultimate_name, line.counterparty_name)):
        key = name_key(name)[:140]
        if len(key) >= _SHORTEST_NAME:
            signs.append((PayerAlias.Kind.NAME, key))
            break
    return signs


def count_uses(*, entity_id: int, used: Sequence[tuple[Line, int]], today: date) -> None:
    """Count a use of the signs by which lines posted without a person were recognised."""
    kinds: list[str] = []
    values: list[str] = []
    customers: list[int] = []
    for line, customer_id in used:
        for kind, value in (
            (PayerAlias.Kind.IBAN, line.iban),
            (PayerAlias.Kind.MANDATE, line.mandate),
            *((PayerAlias.Kind.NAME, name_key(name)) for name in names_of(line)),
        ):
            if value:
                kinds.append(kind)
                values.append(value)
                customers.append(customer_id)
    if not kinds:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE invoices_payeralias p SET uses = p.uses + used.times, last_used_on = greatest(p.last_used_on, %s)"
            " FROM (SELECT kind, value, customer, count(*) AS times"
            "   FROM unnest(%s::text[], %s::text[], %s::bigint[]) u(kind, value, customer) GROUP BY 1, 2, 3) used"
            " WHERE p.legal_entity_id = %s AND p.kind = used.kind AND p.value = used.value"
            " AND p.customer_id = used.customer",
            [today, kinds, values, customers, entity_id],
        )


__all__ = ["AliasUnknown", "count_uses", "forget", "learn", "signs_of"]
