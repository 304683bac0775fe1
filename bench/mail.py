"""Messages per second from rendered notice to kept answer, over a mail server in another process.

The measured path is the worker's own: claim, gate, attempt's row, message with its PDF, one line for a hundred messages,
answer, audit. Baseline in the same run, in turns: the same messages, one connection each, nothing checked and nothing written.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

AS_OF = date(2026, 6, 30)
DOMAINS = 50


def set_up(count: int) -> None:
    """Write the books of `count` customers with one late invoice each, and their notices with their letters.

    Letters have their own frozen values and share one PDF: printing is not what is measured.
    """
    from django.core.management import call_command

    from core import clock
    from core.legal import register
    from core.rights import SYSTEM
    from customers.models import Contact, Customer, LegalEntity, PaymentTerms
    from dunning.letter_context import LetterFacts, letter_context
    from dunning.models import DunningSettings, Letter, Level, Notice, Policy
    from dunning.operations.letters import render_next
    from dunning.operations.notices import approve_notices
    from dunning.operations.runs import dun
    from invoices.models import OpenItem
    from tests.dunning.letter_samples import IBAN

    call_command("migrate", verbosity=0)
    call_command("load_legal_parameters", verbosity=0)
    now = clock.now()
    terms = PaymentTerms.objects.create(code="30J", name="30 jours", rule="NET", days=30)
    entity = LegalEntity.objects.create(
        code="E1", name="Ateliers Méridien Distribution", legal_form="SAS", share_capital=Decimal(150000),
        siren="732829320", rcs_city="Lyon", vat_number="FR44732829320", address_lines="12 rue de la Barre\n69002 Lyon",
        phone="04 72 00 00 00", email="compta@meridien.example", iban=IBAN, bic="AGRIFRPP", default_terms=terms,
        signatory_name="Hélène Garrigue", signatory_title="Responsable du crédit client",
    )  # fmt: skip
    DunningSettings.objects.create(
        legal_entity=entity, mails_per_minute=30_000, sender_email="relances@meridien.example",
        reply_address="relances+{dossier}@meridien.example", guard_minimum=count + 1,
    )  # fmt: skip
    customers = Customer.objects.bulk_create(
        Customer(
            legal_entity=entity, account_code=f"411C{number:06d}", terms=terms, updated_at=now,
            name=f"Établissements Chaumeil n° {number}", address_lines=f"{number} rue de l’Église\n33700 Mérignac",
        )
        for number in range(1, count + 1)
    )  # fmt: skip
    Contact.objects.bulk_create(
        Contact(
            customer=customer, name="Comptabilité", email=f"compta{customer.pk}@client{customer.pk % DOMAINS}.example",
            gets_dunning=True,
        )
        for customer in customers
    )  # fmt: skip
    due = AS_OF - timedelta(days=12)
    OpenItem.objects.bulk_create(
        OpenItem(
            legal_entity=entity, customer=customer, kind="INVOICE", currency="EUR", number=f"FA-{customer.pk:06d}",
            issue_date=due - timedelta(days=30), due_date=due, total_amount=Decimal("1250.00"),
            open_amount=Decimal("1250.00"), posted_at=now, updated_at=now,
        )
        for customer in customers
    )  # fmt: skip
    policy = Policy.objects.create(
        code="P", name="Directe", status="ACTIVE", sending_weekdays="1234567", sending_from="00:00",
        sending_until="23:59", sends_on_holidays=True,
    )  # fmt: skip
    Level.objects.create(policy=policy, rank=1, kind="REMINDER", channel="EMAIL", delay_days=5)
    dun(actor=SYSTEM, legal_entity=entity, as_of=AS_OF, now=now)
    ids = list(Notice.objects.values_list("pk", flat=True))
    approve_notices(actor=SYSTEM, notice_ids=ids, today=AS_OF, now=now)
    facts = LetterFacts(register())
    first = render_next(actor=SYSTEM, facts=facts, today=AS_OF, now=now)
    file = Letter.objects.get(notice=first).file
    for notice in Notice.objects.filter(status="APPROVED").select_related(
        "legal_entity", "customer", "level"
    ):
        context = letter_context(notice, facts=facts, today=AS_OF)
        Letter.objects.create(
            notice=notice, reference=context.reference, context=json.loads(context.to_json()),
            context_sha256=context.sha256, file=file, rendered_at=now,
        )  # fmt: skip
    Notice.objects.filter(status="APPROVED").update(status="RENDERED")


def measured(count: int, now: datetime) -> tuple[float, float]:
    """Seconds of the wall and of this process's processor for one sweep over `count` notices."""
    from core.rights import SYSTEM
    from dunning.mail.line import MailLine
    from dunning.operations.deliveries import Sweep, send_next

    sweep, begun, cpu = Sweep(), time.perf_counter(), time.process_time()
    with MailLine() as line:
        for _ in range(count):
            notice = send_next(actor=SYSTEM, today=AS_OF, now=now, line=line, sweep=sweep)
            assert notice is not None
    return time.perf_counter() - begun, time.process_time() - cpu


def naive(count: int) -> tuple[float, float]:
    """The same of the same messages to the last `count` notices, a connection each."""
    from dunning.mail.line import send_email
    from dunning.models import Delivery, Notice
    from dunning.outgoing_email import outgoing_email, settings_of

    begun, cpu = time.perf_counter(), time.process_time()
    notices: Any = Notice.objects.filter(status="RENDERED").select_related("legal_entity", "letter__file")
    for notice in notices.order_by("-pk")[:count]:
        contact = notice.customer.contacts.get()
        delivery = Delivery(
            notice=notice, recipient=contact.email, message_id=f"<naive-{notice.pk}@meridien.example>"
        )
        outcome = send_email(
            outgoing_email(notice, notice.letter, delivery, settings_of(notice.legal_entity))
        )
        assert outcome.status == "SENT", outcome
    return time.perf_counter() - begun, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notices", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    server = subprocess.Popen(
        [sys.executable, "-m", "bench._mail_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    os.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{server.stdout.readline().strip()}"
    from bench.portfolio import scratch_database

    share = options.notices // options.rounds
    try:
        with scratch_database("encours_bench_mail"):
            import django

            django.setup()
            from core import clock
            from dunning.models import Notice

            # As many again, for the naive loop, which leaves no trace.
            set_up(options.notices + share)
            runs, baseline = [], []
            for _ in range(options.rounds):
                runs.append(measured(share, clock.now()))
                baseline.append(naive(share))
            sent = Notice.objects.filter(status="SENT").count()
            assert sent == share * options.rounds, sent
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        server.stdin.write("count\n")
        server.stdin.flush()
        messages, lines = map(int, server.stdout.readline().split())
    finally:
        server.stdin.close()
        server.wait(10)
    wall, cpu = (statistics.median(run[part] for run in runs) for part in (0, 1))
    naive_wall, naive_cpu = (statistics.median(run[part] for run in baseline) for part in (0, 1))
    print(
        json.dumps(
            {
                "bench": "mail",
                "notices": share * options.rounds,
                "rounds": options.rounds,
                "domains": DOMAINS,
                "median_messages_per_second": round(share / wall, 1),
                "all_messages_per_second": [round(share / run[0], 1) for run in runs],
                "median_wall_ms_a_message": round(wall / share * 1000, 1),
                "median_cpu_ms_a_message": round(cpu / share * 1000, 1),
                "messages_at_the_server": messages,
                "lines_at_the_server": lines,
                "memory_mib": memory,
                "baseline": "the same messages, one connection each, nothing checked, nothing written",
                "baseline_messages_per_second": round(share / naive_wall, 1),
                "baseline_cpu_ms_a_message": round(naive_cpu / share * 1000, 1),
                "ratio": round(naive_wall / wall, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
