"""Building blocks of dunning tests: a creditor, its policies, and the books of its customers."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count

from core.legal import shipped_values
from core.operations.legal_parameters import load_legal_parameters
from core.rights import SYSTEM
from customers.models import Contact, Customer, LegalEntity, PaymentTerms
from dunning.contacts import contact_key
from dunning.models import Agency, Level, Notice, NoticeLine, Policy, Run
from invoices.models import Allocation, OpenItem

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
_numbers = count(1)


def load_law() -> None:
    load_legal_parameters(actor=SYSTEM, values=shipped_values())


def make_terms() -> PaymentTerms:
    return PaymentTerms.objects.get_or_create(
        code="NET30", defaults={"name": "30 jours", "rule": "NET", "days": 30}
    )[0]


def make_entity(**fields: object) -> LegalEntity:
    n = next(_numbers)
    values = {
        "code": f"E{n}",
        "name": f"Créancière {n} SAS",
        "legal_form": "SAS",
        "share_capital": Decimal("50000.00"),
        "siren": f"{n:09d}",
        "rcs_city": "Lyon",
        "address_lines": "12 rue des Essais\n69003 Lyon",
        "email": "compta@creanciere.example",
        "iban": "FR7630006000011234567890189",
        "default_terms": make_terms(),
        "signatory_name": "Claire Vasseur",
        "signatory_title": "Responsable du crédit",
    }
    return LegalEntity.objects.create(**values | fields)


def make_customer(entity: LegalEntity, **fields: object) -> Customer:
    n = next(_numbers)
    values = {
        "account_code": f"C{n:05d}",
        "name": f"Cliente {n} SARL",
        "address_lines": "3 place du Marché\n38000 Grenoble",
        "terms": make_terms(),
    }
    customer = Customer.objects.create(legal_entity=entity, **values | fields)
    Contact.objects.create(
        customer=customer, name="Service comptable", email=f"compta{n}@client.example", gets_dunning=True
    )
    return customer


def make_policy(entity: LegalEntity | None = None, **fields: object) -> Policy:
    n = next(_numbers)
    # At any hour, so that no test depends on the day it runs on.
    always = {
        "sending_weekdays": "1234567",
        "sending_from": time(0),
        "sending_until": time(23, 59, 59),
        "sends_on_holidays": True,
    }
    policy = Policy.objects.create(
        **{"code": f"P{n}", "name": "PME", "status": Policy.Status.ACTIVE, "legal_entity": entity}
        | always
        | fields
    )
    ladder = (
        (1, Level.Kind.REMINDER, Level.Channel.EMAIL, 5, 0, False),
        (2, Level.Kind.SECOND_REMINDER, Level.Channel.EMAIL, 15, 8, True),
        (3, Level.Kind.FORMAL_NOTICE, Level.Channel.REGISTERED, 30, 10, True),
        (4, Level.Kind.HAND_OVER, Level.Channel.AGENCY, 60, 15, True),
    )
    for rank, kind, channel, delay, gap, fees in ladder:
        Level.objects.create(
            policy=policy, rank=rank, kind=kind, channel=channel, delay_days=delay, gap_days=gap,
            claims_interest=fees, claims_indemnity=fees,
        )  # fmt: skip
    return policy


def make_agency() -> Agency:
    return Agency.objects.create(
        name=f"Recouvrements {next(_numbers)}",
        email="dossiers@agence.example",
        address_lines="1 rue du Port\n44000 Nantes",
        contract_reference="MANDAT-1",
        commission_rate=Decimal("12.00"),
    )


def make_item(customer: Customer, total: str | Decimal, due_date: date, **fields: object) -> OpenItem:
    total = Decimal(total)
    kind = fields.pop("kind", OpenItem.Kind.INVOICE if total >= 0 else OpenItem.Kind.PAYMENT)
    values = {
        "number": f"N-{next(_numbers):06d}",
        "issue_date": due_date - timedelta(days=30) if total >= 0 else due_date,
        "currency": "EUR",
        "open_amount": total,
        "posted_at": NOW,
        "updated_at": NOW,
    }
    return OpenItem.objects.create(
        customer=customer, legal_entity=customer.legal_entity, kind=kind, total_amount=total, due_date=due_date,
        **values | fields,
    )  # fmt: skip


def settle(debit: OpenItem, credit: OpenItem, amount: str | Decimal, on: date) -> Allocation:
    """An allocation as the ledger writes it, without its operation's checks."""
    amount = Decimal(amount)
    debit.open_amount -= amount
    credit.open_amount += amount
    debit.save(update_fields=["open_amount"])
    credit.save(update_fields=["open_amount"])
    return Allocation.objects.create(
        debit=debit, credit=credit, amount=amount, allocated_on=on, created_at=NOW
    )


def make_step(item: OpenItem, level: Level, *, sent_on: date | None) -> Notice:
    """A past step of an item: sent on a day, or still waiting for a decision."""
    as_of = sent_on or TODAY - timedelta(days=1)
    sequence = Run.objects.filter(legal_entity=item.legal_entity, as_of=as_of).count() + 1
    run = Run.objects.create(
        legal_entity=item.legal_entity,
        as_of=as_of,
        sequence=sequence,
        status=Run.Status.PLANNED,
        created_at=NOW,
    )
    notice = Notice.objects.create(
        run=run, legal_entity=item.legal_entity, customer=item.customer, level=level, currency=item.currency,
        status=Notice.Status.SENT if sent_on else Notice.Status.PROPOSED, sent_on=sent_on, as_of=as_of,
        open_amount=item.open_amount, line_count=1, oldest_due_date=item.due_date,
        contact_key=contact_key(item.customer),
    )  # fmt: skip
    NoticeLine.objects.create(
        notice=notice, item=item, rank=level.rank, open_amount=item.open_amount,
        days_late=(as_of - item.due_date).days,
    )  # fmt: skip
    return notice
