"""Two-page formal notices from approved notice to stored, hashed PDF: logo, ten items, transfer QR code.

The measured path is the worker's own: claim, gate, frozen context, PDF, file and audit in PostgreSQL.
Baseline in the same run: the same contexts printed the naive way, everything parsed again for each letter.
"""

import argparse
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from datetime import date, timedelta
from decimal import Decimal

AS_OF = date(2026, 6, 30)
LINES = 10


def set_up(letters: int, seed: int) -> None:
    """Write the books of `letters` customers with ten late invoices each, and approve their notices."""
    import random

    from django.core.management import call_command

    from core import clock
    from core.files import store_file
    from core.rights import SYSTEM
    from customers.models import Customer, LegalEntity, PaymentTerms
    from dunning.models import Level, Notice, Policy
    from dunning.operations.notices import approve_notices
    from dunning.operations.runs import dun
    from invoices.models import OpenItem
    from tests.dunning.letter_samples import IBAN, LOGO

    call_command("migrate", verbosity=0)
    call_command("load_legal_parameters", verbosity=0)
    now, drawn = clock.now(), random.Random(seed)
    logo = store_file(content=LOGO, name="logo.png", kind="customers.logo", content_type="image/png", now=now)
    terms = PaymentTerms.objects.create(code="30J", name="30 jours", rule="NET", days=30)
    entity = LegalEntity.objects.create(
        code="E1", name="Ateliers Méridien Distribution", legal_form="SAS", share_capital=Decimal(150000),
        siren="732829320", rcs_city="Lyon", vat_number="FR44732829320", address_lines="12 rue de la Barre\n69002 Lyon",
        phone="04 72 00 00 00", email="compta@meridien.example", iban=IBAN, bic="AGRIFRPP", default_terms=terms,
        signatory_name="Hélène Garrigue", signatory_title="Responsable du crédit client", logo=logo,
    )  # fmt: skip
    customers = Customer.objects.bulk_create(
        Customer(
            legal_entity=entity, account_code=f"411C{number:06d}", terms=terms, updated_at=now,
            name=f"Établissements Chaumeil-Vauquelin & Fils, Matériaux n° {number}",
            address_lines=f"ZI de l’Étang\n{number} rue de l’Église\n33700 Mérignac",
        )
        for number in range(1, letters + 1)
    )  # fmt: skip
    items = []
    for customer in customers:
        for number in range(LINES):
            due = AS_OF - timedelta(days=drawn.randrange(31, 150))
            amount = Decimal(drawn.randrange(20_000, 900_000)) / 100
            items.append(
                OpenItem(
                    legal_entity=entity,
                    customer=customer,
                    kind="INVOICE",
                    currency="EUR",
                    number=f"FA-{customer.pk:06d}-{number:02d}",
                    issue_date=due - timedelta(days=30),
                    due_date=due,
                    total_amount=amount,
                    open_amount=amount,
                    posted_at=now,
                    updated_at=now,
                )
            )
    OpenItem.objects.bulk_create(items, batch_size=5000)
    policy = Policy.objects.create(code="P", name="Directe", status="ACTIVE")
    Level.objects.create(
        policy=policy, rank=1, kind="FORMAL_NOTICE", channel="REGISTERED", delay_days=30,
        claims_interest=True, claims_indemnity=True,
    )  # fmt: skip
    dun(actor=SYSTEM, legal_entity=entity, as_of=AS_OF, now=now)
    waiting = list(Notice.objects.values_list("pk", flat=True))
    approve_notices(actor=SYSTEM, notice_ids=waiting, today=AS_OF, now=now)


def render(letters: int) -> dict[str, float]:
    """Render some of the approved notices; seconds of the wall and of this process's processor."""
    from core import clock
    from core.legal import register
    from core.rights import SYSTEM
    from dunning.letter_context import LetterFacts
    from dunning.models import Notice
    from dunning.operations.letters import render_next

    facts = LetterFacts(register())
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(letters):
        notice = render_next(actor=SYSTEM, facts=facts, today=AS_OF, now=clock.now())
        assert notice is not None and notice.status == Notice.Status.RENDERED, notice and notice.reason
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def render_in_processes(letters: int, processes: int) -> float:
    """Letters per second of several processes that share the queue, their start left out."""
    command = [sys.executable, "-m", "bench.letters", "--child", str(letters // processes)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    start = time.perf_counter()
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        assert child.stdout.readline() == "done\n"
    seconds = time.perf_counter() - start
    for child in children:
        child.communicate()
    return letters // processes * processes / seconds


def child(letters: int) -> None:
    render(1)
    print("ready", flush=True)
    sys.stdin.readline()
    render(letters)
    print("done", flush=True)


def baseline(sample: int) -> float:
    """Seconds of processor a letter when stylesheet, fonts and templates are read again for each."""
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration

    from core import pdf
    from dunning.letters import engine
    from dunning.letters.composition import transfer_payload
    from dunning.letters.context import LetterContext
    from dunning.letters.epc_qr import epc_qr_png
    from dunning.letters.render import render_html
    from dunning.models import Letter
    from tests.dunning.letter_samples import LOGO

    class Fetcher(pdf.GivenOnly):
        pass

    contexts = [
        LetterContext.from_json(json.dumps(frozen))
        for frozen in Letter.objects.order_by("pk").values_list("context", flat=True)[:sample]
    ]
    start = time.process_time()
    for context in contexts:
        engine._engine.cache_clear()
        assets = {url: ("font/woff2", path.read_bytes()) for url, path in pdf.font_files().items()}
        assets["letter:logo"] = ("image/png", LOGO)
        assets["letter:qr"] = ("image/png", epc_qr_png(transfer_payload(context)))
        fonts, fetcher = FontConfiguration(), Fetcher(assets)
        css = weasyprint.CSS(
            string=pdf.read_template(engine.STYLESHEET), font_config=fonts, url_fetcher=fetcher
        )
        html = weasyprint.HTML(string=render_html(context, logo=LOGO), url_fetcher=fetcher)
        html.write_pdf(font_config=fonts, stylesheets=[css], pdf_variant=pdf.PDF_VARIANT)
    return (time.process_time() - start) / len(contexts)


def pages_of_a_letter() -> tuple[int, int]:
    """Pages and bytes of one stored letter."""
    from pypdf import PdfReader

    from core.files import read_file
    from dunning.models import Letter

    content = read_file(Letter.objects.select_related("file").order_by("-pk")[0].file)
    return len(PdfReader(io.BytesIO(content)).pages), len(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--letters", type=int, default=40, help="letters of each run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sample", type=int, default=10, help="letters of the baseline")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if options.child:
        import django

        django.setup()
        child(options.child)
        return
    from bench.portfolio import scratch_database

    with scratch_database("encours_bench_letters"):
        import django

        django.setup()
        shared = options.letters * options.processes
        set_up(options.letters * options.runs + shared + options.processes + 1, options.seed)
        render(1)
        runs = [render(options.letters) for _ in range(options.runs)]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        naive = baseline(options.sample)
        pages, size = pages_of_a_letter()
        from django.db import connections

        together = render_in_processes(shared, options.processes)
        connections.close_all()
    cpu = statistics.median(run["cpu"] for run in runs) / options.letters
    wall = statistics.median(run["wall"] for run in runs) / options.letters
    print(
        json.dumps(
            {
                "bench": "letters",
                "letters_a_run": options.letters,
                "lines_a_letter": LINES,
                "pages": pages,
                "bytes": size,
                "seed": options.seed,
                "runs": options.runs,
                "median_cpu_ms_a_letter": round(cpu * 1000, 1),
                "median_wall_ms_a_letter": round(wall * 1000, 1),
                "all_wall_ms_a_letter": [round(run["wall"] / options.letters * 1000, 1) for run in runs],
                "letters_per_second_and_core": round(1 / wall, 2),
                "processes": options.processes,
                "letters_per_second_together": round(together, 2),
                "memory_mib": memory,
                "baseline": "stylesheet, fonts and templates read again for each letter, nothing stored",
                "baseline_cpu_ms_a_letter": round(naive * 1000, 1),
                "ratio": round(naive / cpu, 2),
                "target_letters_per_second_and_core": 6.5,
            }
        )
    )


if __name__ == "__main__":
    main()
