"""The book that `bench.dunning_kills` duns, the accountant who works in it meanwhile, and the verdict at the end."""

import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

EVENTS = ("payment", "dispute", "hold")
MOVING = ("PROPOSED", "APPROVED", "RENDERED", "SENDING")
PATIENCE = 180

WATCH = (
    # When the transaction of each attempt began, by the database's own clock: the gate looked after that.
    "CREATE TABLE bench_attempt (delivery_id bigint PRIMARY KEY, began timestamptz NOT NULL)",
    """
    CREATE FUNCTION bench_attempt() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO bench_attempt VALUES (NEW.id, transaction_timestamp()); RETURN NULL; END $$
    """,
    """
    CREATE TRIGGER bench_attempt AFTER INSERT ON dunning_delivery FOR EACH ROW EXECUTE FUNCTION bench_attempt()
    """,
)

_events: list[tuple[str, int, float]] = []


def write(customers: int) -> None:
    """One entity, its customers, one invoice each, twenty days late; a policy of one level, sent by itself."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from core import clock
    from customers.models import LegalEntity, PaymentTerms
    from dunning.models import DunningSettings, Level, Policy

    call_command("migrate", verbosity=0)
    call_command("load_legal_parameters", verbosity=0)
    terms = PaymentTerms.objects.create(code="30J", name="30 jours", rule="NET", days=30)
    entity = LegalEntity.objects.create(
        code="E1", name="Ateliers", legal_form="SAS", siren="732829320", rcs_city="Lyon", default_terms=terms,
        address_lines="1 quai de Saône\n69002 LYON", iban="FR7630006000011234567890189", share_capital=Decimal(50000),
        email="compta@ateliers.example", phone="04 72 00 00 00", signatory_name="Anne Martin",
        signatory_title="Responsable du crédit",
    )  # fmt: skip
    DunningSettings.objects.create(legal_entity=entity, guard_minimum=10**9, mails_per_minute=30_000)
    policy = Policy.objects.create(
        code="P", name="Une relance", status="ACTIVE", sending_weekdays="1234567", sending_from="00:00",
        sending_until="23:59:59", sends_on_holidays=True,
    )  # fmt: skip
    Level.objects.create(
        policy=policy, rank=1, kind="REMINDER", channel="EMAIL", delay_days=5, approval="AUTOMATIC"
    )
    _write_customers(entity, terms, customers, clock.today(), clock.now())
    with connection.cursor() as cursor:
        for statement in WATCH:
            cursor.execute(statement)
        for table in ("customers_customer", "invoices_openitem"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), %s)", [customers + 1])
        cursor.execute("VACUUM ANALYZE")


def _write_customers(entity: Any, terms: Any, customers: int, today: date, now: datetime) -> None:
    """Customer n has contact n and invoice n."""
    from customers.models import Contact, Customer
    from invoices.models import OpenItem

    numbers = range(1, customers + 1)
    Customer.objects.bulk_create(
        (
            Customer(
                pk=n, legal_entity=entity, account_code=f"C{n}", name=f"Client {n}", terms=terms,
                address_lines=f"Client {n}\n1 rue de la Paix\n69002 LYON",
            )
            for n in numbers
        ),
        batch_size=2_000,
    )  # fmt: skip
    Contact.objects.bulk_create(
        (
            Contact(
                customer_id=n, name="Comptabilité", email=f"c{n}@client{n % 50}.example", gets_dunning=True
            )
            for n in numbers
        ),
        batch_size=2_000,
    )
    OpenItem.objects.bulk_create(
        (
            OpenItem(
                pk=n, legal_entity=entity, customer_id=n, kind="INVOICE", number=f"F{n}", currency="EUR",
                issue_date=today - timedelta(days=60), due_date=today - timedelta(days=20),
                total_amount=100 + n % 900, open_amount=100 + n % 900, posted_at=now, updated_at=now,
            )
            for n in numbers
        ),
        batch_size=2_000,
    )  # fmt: skip


def persistent(question: Callable[[], Any]) -> Any:
    """Ask the database; after a kill, as soon as it answers again."""
    from django.db import Error, connection

    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return question()
        except Error:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def work(events: int, customers: int, drawn: random.Random, over: threading.Event) -> None:
    """The accountant: payments, disputes and holds, one customer after the other, once the run is planned."""
    from django.db import connection

    while not states() and not over.wait(0.2):
        pass
    for customer in drawn.sample(range(1, customers + 1), min(events, customers)):
        if over.wait(drawn.expovariate(2.0)):
            break
        kind = drawn.choice(EVENTS)
        # An operation whose answer was lost is not done twice: that it is there is looked up first.
        persistent(lambda kind=kind, customer=customer: _done(kind, customer) or _do(kind, customer))
        _events.append((kind, customer, persistent(_database_time)))
    connection.close()


def _done(kind: str, customer: int) -> bool:
    from customers.models import Customer
    from invoices.models import Dispute, OpenItem

    if kind == "hold":
        return Customer.objects.filter(pk=customer, status="ON_HOLD").exists()
    if kind == "dispute":
        return Dispute.objects.filter(item=customer).exists()
    return OpenItem.objects.filter(pk=customer, open_amount=0).exists()


def _do(kind: str, customer_id: int) -> None:
    from core import clock
    from core.rights import SYSTEM
    from customers.models import Customer
    from customers.operations.states import hold_customer
    from invoices.models import OpenItem
    from invoices.operations.allocations import allocate
    from invoices.operations.disputes import open_dispute
    from invoices.operations.items import post_item

    now, today = clock.now(), clock.today()
    item = OpenItem.objects.get(pk=customer_id)
    if kind == "hold":
        hold_customer(
            actor=SYSTEM, now=now, today=today, customer=Customer.objects.get(pk=customer_id), reason="Accord"
        )
    elif kind == "dispute":
        open_dispute(
            actor=SYSTEM, item_id=item.pk, amount=item.open_amount, reason="PU_ERR", today=today, now=now
        )
    else:
        credit = OpenItem.objects.filter(customer=customer_id, kind="PAYMENT").first() or post_item(
            actor=SYSTEM, customer_id=customer_id, kind="PAYMENT", number=f"P{customer_id}", issue_date=today,
            due_date=today, currency="EUR", total_amount=-item.open_amount, now=now,
        )  # fmt: skip
        allocate(
            actor=SYSTEM, debit_id=item.pk, credit_id=credit.pk, amount=item.open_amount, allocated_on=today,
            today=today, now=now,
        )  # fmt: skip


def _database_time() -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0])


def states() -> dict[str, int]:
    """How many notices stand in each state."""
    from django.db.models import Count

    from dunning.models import Notice

    def ask() -> dict[str, int]:
        rows = Notice.objects.order_by().values_list("status").annotate(n=Count("pk"))
        return dict(sorted(rows))

    return dict(persistent(ask))


def quiet() -> bool:
    """Whether the run was planned and none of its notices moves any more."""
    now = states()
    return bool(now) and not any(now.get(state) for state in MOVING)


def undecided() -> int:
    return states().get("FAILED", 0)


def person_looks(journal: Path) -> None:
    """A person decides on what was cut off: the mail server has the message, or it is sent again."""
    from core import clock
    from core.rights import SYSTEM
    from dunning.models import Notice
    from dunning.operations.deliveries import retry_notice
    from dunning.operations.notices import mark_sent

    taken = {line["message_id"] for line in _read(journal)}
    for notice in persistent(lambda: list(Notice.objects.filter(status="FAILED")[:200])):
        if _message_id(notice.uid) in taken:
            decide = partial(
                mark_sent,
                sent_on=clock.today(),
                today=clock.today(),
                reason="Le serveur de messagerie l’a pris",
            )
        else:
            decide = retry_notice
        persistent(lambda notice=notice, decide=decide: _decide(decide, SYSTEM, notice, clock.now()))


def _decide(decision: Callable[..., Any], actor: Any, notice: Any, now: datetime) -> None:
    from core.errors import BusinessError

    try:
        decision(actor=actor, notice=notice, now=now)
    except BusinessError:
        pass  # already on its way


def _message_id(uid: Any) -> str:
    return f"<notice-{uid}@encours.example>"


def _read(journal: Path) -> list[dict[str, Any]]:
    if not journal.exists():
        return []
    lines = journal.read_text().splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def verdict(journal: Path) -> dict[str, Any]:
    """What was doubled, lost, or sent after an event; and what waits for a person although the message left."""
    from django.db import connection

    from dunning.models import Notice

    messages = _read(journal)
    times: dict[str, list[float]] = defaultdict(list)
    by_address: Counter[str] = Counter()
    for line in messages:
        times[line["message_id"]].append(line["at"])
        by_address[line["recipients"][0]] += 1
    notices = persistent(lambda: list(Notice.objects.values_list("uid", "customer", "status", "pk")))
    of_customer: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for uid, customer, status, _pk in notices:
        of_customer[customer].append((_message_id(uid), status))
    known = {message for rows in of_customer.values() for message, _status in rows}
    touched = {customer for _kind, customer, _at in _events}

    def began() -> dict[int, list[float]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT d.notice_id, extract(epoch FROM a.began) FROM bench_attempt a "
                "JOIN dunning_delivery d ON d.id = a.delivery_id"
            )
            found: dict[int, list[float]] = defaultdict(list)
            for notice, at in cursor.fetchall():
                found[notice].append(float(at))
            return found

    attempts = persistent(began)
    key_of = {_message_id(uid): pk for uid, _customer, _status, pk in notices}
    after_event = []
    for kind, customer, at in _events:
        for message, _status in of_customer[customer]:
            sent = times.get(message, [])
            if any(moment > at for moment in sent) and any(b > at for b in attempts.get(key_of[message], [])):
                after_event.append([kind, customer, at, sent])
    import django.apps

    customers = django.apps.apps.get_model("customers", "Customer").objects.values_list("pk", flat=True)
    lost = [
        customer
        for customer in persistent(lambda: list(customers))
        if customer not in touched and not any(message in times for message, _status in of_customer[customer])
    ]
    statuses = Counter(status for _uid, _customer, status, _pk in notices)
    return {
        "messages": len(messages),
        "notices_by_status": dict(statuses),
        "events": dict(Counter(kind for kind, _customer, _at in _events)),
        "doubled": sorted(
            {message for message, at in times.items() if len(at) > 1}
            | {address for address, count in by_address.items() if count > 1}
        )[:20],
        "unknown_messages": len(set(times) - known),
        "lost": lost[:20],
        "sent_without_message": sum(
            1
            for rows in of_customer.values()
            for message, status in rows
            if status == "SENT" and message not in times
        ),
        "left_and_waiting_for_a_person": sum(
            1
            for rows in of_customer.values()
            for message, status in rows
            if status == "FAILED" and message in times
        ),
        "unended": sum(statuses.get(state, 0) for state in MOVING),
        "after_event": after_event[:20],
    }
