"""Two-page formal notices from approved notice to stored, hashed PDF: logo, ten items, transfer QR code.

The measured path is the worker's own: claim, gate, frozen context, PDF, file and audit in PostgreSQL. In the same
processes, turn by turn with it, WeasyPrint's own limit: the same documents, already written, made into PDFs and
thrown away. The limit is taken twice: `best`, the cheapest way to use WeasyPrint that we know (parsed as XML, no
browser stylesheet, every object written once: what the letters themselves do), and `documented`, as its manual says
(`HTML(string=…)`, stylesheet and fonts read once). `share_of_limit` is limit / path, in seconds of processor a letter.
Baseline: the same contexts printed the naive way, everything parsed again for each letter.

Look at processor time where others use the machine; wall time and letters per second want it quiet.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dunning.letter_context import LetterFacts

AS_OF = date(2026, 6, 30)
LINES = 10
# Path and limit take turns this often, so that a machine that slows down slows both.
TURNS = 10
WARM_UP = 3
PAGE = os.sysconf("SC_PAGE_SIZE")


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


@functools.cache
def facts() -> LetterFacts:
    """What a worker reads once for its sweep of a minute."""
    from core.legal import register
    from dunning.letter_context import LetterFacts

    return LetterFacts(register())


def render(letters: int) -> None:
    """Print some of the approved notices as a worker does."""
    from core import clock
    from core.rights import SYSTEM
    from dunning.models import Notice
    from dunning.operations.letters import render_next

    for _ in range(letters):
        notice = render_next(actor=SYSTEM, facts=facts(), today=AS_OF, now=clock.now())
        assert notice is not None and notice.status == Notice.Status.RENDERED, notice and notice.reason


def documents(sample: int) -> list[dict[str, object]]:
    """What the letters' renderer hands to WeasyPrint for some letters that are kept: written, nothing printed yet."""
    from core import pdf
    from dunning.letters.context import LetterContext
    from dunning.letters.render import render_pdf
    from dunning.models import Letter
    from tests.dunning.letter_samples import LOGO

    given: list[dict[str, object]] = []
    real = pdf.write_pdf

    def keep(xhtml: str, **arguments: object) -> bytes:
        given.append({"xhtml": xhtml} | arguments)
        return b""

    pdf.write_pdf = keep  # type: ignore[assignment]
    try:
        for frozen in Letter.objects.order_by("pk").values_list("context", flat=True)[:sample]:
            render_pdf(LetterContext.from_json(json.dumps(frozen)), logo=LOGO)
    finally:
        pdf.write_pdf = real
    return given


def best_limit(document: dict[str, object]) -> None:
    from core import pdf

    pdf.write_pdf(**document)  # type: ignore[arg-type]


def documented_limit() -> Callable[[dict[str, object]], None]:
    """WeasyPrint as its manual says, with all that can be kept from one document to the next."""
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration

    from core import pdf
    from dunning.letters import engine

    fonts = FontConfiguration()
    files = {url: ("font/woff2", path.read_bytes()) for url, path in pdf.font_files().items()}
    fetcher = pdf.GivenOnly(files)
    sheets = [
        weasyprint.CSS(string=pdf.read_template(engine.STYLESHEET), font_config=fonts, url_fetcher=fetcher)
    ]
    styles: dict[str, weasyprint.CSS] = {}

    def write(document: dict[str, object]) -> None:
        style = str(document["style"])
        if style not in styles:
            styles[style] = weasyprint.CSS(string=style, url_fetcher=fetcher)
        fetcher.assets = document["images"]  # type: ignore[assignment]
        weasyprint.HTML(string=document["xhtml"], url_fetcher=fetcher).write_pdf(
            font_config=fonts,
            stylesheets=[*sheets, styles[style]],
            pdf_variant=pdf.PDF_VARIANT,
            pdf_identifier=document["identifier"],
            attachments=[pdf._attachment(file, fetcher) for file in document["embedded"]],  # type: ignore[attr-defined]
        )

    return write


def resident_mib() -> float:
    """Memory of this process now, not its peak."""
    with open("/proc/self/statm") as statm:
        return round(int(statm.read().split()[1]) * PAGE / 2**20, 1)


def child(sample: int) -> None:
    """One process of several: says it is ready, then does as told, `kind count` a line, and answers in JSON."""
    render(WARM_UP)
    given = documents(sample)
    documented = documented_limit()
    makers: dict[str, Callable[[dict[str, object]], None]] = {"best": best_limit, "documented": documented}
    for make in makers.values():
        make(given[0])
    print("ready", flush=True)
    for line in sys.stdin:
        kind, count = line.split()
        wall, cpu = time.perf_counter(), time.process_time()
        if kind == "path":
            render(int(count))
        else:
            for number in range(int(count)):
                makers[kind](given[number % len(given)])
        spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "mib": resident_mib()}
        print(json.dumps(spent), flush=True)


def measure(letters: int, processes: int, sample: int) -> dict[str, object]:
    """The path and both limits in so many processes that share the queue; their start is left out."""
    command = [sys.executable, "-m", "bench.letters", "--child", str(sample)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for process in children:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    turn = max(1, letters // processes // TURNS)
    counts = {"path": turn, "best": max(1, sample // TURNS), "documented": max(1, sample // TURNS)}
    cpu: dict[str, list[float]] = {kind: [] for kind in counts}
    wall: dict[str, list[float]] = {kind: [] for kind in counts}
    memory: list[float] = []
    for _ in range(TURNS):
        for kind, count in counts.items():
            start = time.perf_counter()
            for process in children:
                assert process.stdin is not None
                process.stdin.write(f"{kind} {count}\n")
                process.stdin.flush()
            answers = [json.loads(process.stdout.readline()) for process in children]  # type: ignore[union-attr]
            # Letters per second of all together, from the first start to the last end.
            wall[kind].append((time.perf_counter() - start) / count / processes)
            cpu[kind].append(sum(answer["cpu"] for answer in answers) / count / processes)
            if kind == "path":
                memory.append(max(answer["mib"] for answer in answers))
    for process in children:
        process.communicate()
    spent = {kind: statistics.fmean(times) for kind, times in cpu.items()}
    return {
        "processes": processes,
        "letters": turn * TURNS * processes,
        "cpu_ms_a_letter": {kind: round(seconds * 1000, 1) for kind, seconds in spent.items()},
        "letters_per_second": {kind: round(1 / statistics.fmean(times), 2) for kind, times in wall.items()},
        "share_of_limit": {kind: round(spent[kind] / spent["path"], 3) for kind in ("best", "documented")},
        # Of the largest of the processes.
        "memory_mib": {"start": memory[0], "middle": memory[TURNS // 2], "end": memory[-1]},
    }


def baseline(sample: int) -> float:
    """Seconds of processor a letter when stylesheet, fonts and templates are read again for each."""
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration

    from core import pdf
    from dunning.letters import engine
    from dunning.letters.composition import letterhead_of, transfer_payload
    from dunning.letters.context import LetterContext
    from dunning.letters.epc_qr import epc_qr_png
    from dunning.letters.render import render_html
    from dunning.models import Letter
    from tests.dunning.letter_samples import LOGO

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
        fonts, fetcher = FontConfiguration(), pdf.GivenOnly(assets)
        css = weasyprint.CSS(
            string=pdf.read_template(engine.STYLESHEET), font_config=fonts, url_fetcher=fetcher
        )
        own = weasyprint.CSS(string=letterhead_of(context).head_style(), url_fetcher=fetcher)
        html = weasyprint.HTML(string=render_html(context, logo=LOGO), url_fetcher=fetcher)
        html.write_pdf(font_config=fonts, stylesheets=[css, own], pdf_variant=pdf.PDF_VARIANT)
    return (time.process_time() - start) / len(contexts)


def pages_of_a_letter() -> tuple[int, int]:
    """Pages and bytes of one stored letter."""
    from pypdf import PdfReader

    from core.files import read_file
    from dunning.models import Letter

    content = read_file(Letter.objects.select_related("file").order_by("-pk")[0].file)
    return len(PdfReader(io.BytesIO(content)).pages), len(content)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--letters", type=int, default=120, help="letters of the run in several processes")
    parser.add_argument("--alone", type=int, default=60, help="letters of the run in one process")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sample", type=int, default=40, help="documents of each limit, in each process")
    parser.add_argument("--naive", type=int, default=10, help="letters of the baseline")
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
        # The first letters are there before the processes start: they are what the limits print.
        first = max(options.sample, options.naive)
        warm_ups = WARM_UP * (1 + options.processes)
        turns = TURNS * (1 + options.processes)
        set_up(options.letters + options.alone + first + warm_ups + turns, options.seed)
        render(first)
        naive = baseline(options.naive)
        pages, size = pages_of_a_letter()
        from django.db import connections

        connections.close_all()
        alone = measure(options.alone, 1, options.sample)
        together = measure(options.letters, options.processes, options.sample)
    print(
        json.dumps(
            {
                "bench": "letters",
                "lines_a_letter": LINES,
                "pages": pages,
                "bytes": size,
                "seed": options.seed,
                "alone": alone,
                "together": together,
                "target_share_of_limit": 0.8,
                "baseline": "stylesheet, fonts and templates read again for each letter, nothing stored",
                "baseline_cpu_ms_a_letter": round(naive * 1000, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
