"""The printed file: the same bytes each time, everything in its place, nothing fetched."""

import csv
import dataclasses
import hashlib
import io
import os
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pdfplumber
import pypdf
import pytest
from django.template import Context

from core import pdf
from dunning.letters import engine
from dunning.letters.claim_csv import lines_csv, segments_csv
from dunning.letters.composition import transfer_payload
from dunning.letters.context import (
    LANGUAGES,
    Channel,
    EnvelopeWindow,
    LetterContext,
    LetterContextError,
    LetterKind,
)
from dunning.letters.letterhead import LetterheadLayout
from dunning.letters.render import render_html, render_pdf
from tests.dunning.letter_samples import (
    CREDITOR,
    DEBTOR,
    FOREIGN_DEBTOR,
    LOGO,
    credit_note,
    make_context,
    plain,
    printed,
    text_of,
    unpaid_context,
)
from tests.dunning.qr_reader import read_image

MM = 72 / 25.4
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_every_letter_prints_the_same_bytes_twice(kind, language):
    context = make_context(kind, language=language)
    first = render_pdf(context, logo=LOGO)
    assert first == render_pdf(LetterContext.from_json(context.to_json()), logo=LOGO)
    assert first.startswith(b"%PDF-1.7")


def test_another_process_prints_the_same_bytes():
    program = (
        "import django; django.setup()\n"
        "import hashlib\n"
        "from dunning.letters.render import render_pdf\n"
        "from tests.dunning.letter_samples import LOGO, make_context\n"
        "print(hashlib.sha256(render_pdf(make_context(invoices=6), logo=LOGO)).hexdigest())\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7", "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == hashlib.sha256(printed(make_context(invoices=6))).hexdigest()


def test_another_context_prints_another_file():
    assert printed(make_context()) != printed(make_context(payment_reference="AUTRE"))


@pytest.mark.parametrize(("window", "top"), [(EnvelopeWindow.RIGHT_55, 55), (EnvelopeWindow.RIGHT_50, 50)])
@pytest.mark.parametrize("debtor", [DEBTOR, FOREIGN_DEBTOR], ids=["French", "foreign"])
def test_the_address_stands_in_the_window_alone(window, top, debtor):
    context = make_context(window=window, debtor=debtor, invoices=1)
    with pdfplumber.open(io.BytesIO(printed(context))) as pdf:
        page = pdf.pages[0]
        seen = page.crop((110 * MM, top * MM, 195 * MM, (top + 33) * MM)).extract_text().split("\n")
        around = page.crop((102 * MM, 45 * MM, 210 * MM, 95 * MM)).extract_text().split("\n")
    assert seen == around
    assert seen[-1] == ("33700 MÉRIGNAC" if debtor is DEBTOR else "ALLEMAGNE")
    assert all(len(line) <= 38 for line in seen)


@pytest.mark.parametrize(
    "layout",
    [
        LetterheadLayout(),
        LetterheadLayout(window_left=20, window_top=45, window_height=45),
        LetterheadLayout(window_left=20, window_top=60, window_width=100, window_height=40),
        LetterheadLayout(window_left=105, window_top=40, window_width=90, window_height=40),
    ],
    ids=["usual", "left", "low left", "high right"],
)
def test_the_window_stands_where_the_paper_of_the_entity_says(layout):
    context = make_context(letterhead=layout, invoices=1)
    left, top = layout.window_left, layout.window_top
    with pdfplumber.open(io.BytesIO(printed(context))) as pdf:
        page = pdf.pages[0]
        right, bottom = left + layout.window_width, top + layout.window_height
        seen = page.crop((left * MM, top * MM, right * MM, bottom * MM)).extract_text().split("\n")
        rest = page.extract_text()
    assert seen[0].startswith("Établissements Chaumeil-Vauquelin")
    assert seen[-1] == "33700 MÉRIGNAC"
    assert len(seen) == 6
    # The date stands below the window, and the sender is whole.
    assert "Lyon, le 22 novembre 2026" in plain(rest)
    assert "69002 Lyon" in rest


@pytest.mark.parametrize(
    "place",
    [
        {"window_left": 5},
        {"window_left": 150},
        {"window_top": 20},
        {"window_height": 80},
        {"window_width": 30},
    ],
)
def test_a_window_outside_the_head_is_refused(place):
    with pytest.raises(LetterContextError, match="fenêtre"):
        LetterheadLayout(**place)


def test_the_decompte_is_carried_as_data():
    context = make_context(invoices=6)
    reader = pypdf.PdfReader(io.BytesIO(printed(context)))
    files = {name: content[0] for name, content in reader.attachments.items()}
    assert files == {
        "decompte.csv": lines_csv(context.lines, "EUR"),
        "penalites.csv": segments_csv(context.interest_segments, "EUR"),
    }
    rows = list(csv.DictReader(io.StringIO(files["penalites.csv"].decode("utf-8-sig")), delimiter=";"))
    assert sum(Decimal(row["penalites"].replace(",", ".")) for row in rows) == context.totals.interest
    named = [file.get_object() for file in reader.root_object["/AF"]]
    assert [file["/UF"] for file in named] == ["decompte.csv", "penalites.csv"]
    assert {file["/AFRelationship"] for file in named} == {"/Data"}
    assert reader.root_object["/Names"]["/EmbeddedFiles"]


def test_a_statement_of_account_has_pages_of_its_own():
    not_due = dataclasses.replace(
        make_context().lines[1], number="FA-2026-00999", due_date=date(2026, 12, 31), days_late=0
    )
    context = make_context(
        LetterKind.REMINDER,
        statement=(*make_context().lines, credit_note(), not_due),
        attachments=("relevé de compte",),
    )
    with pdfplumber.open(io.BytesIO(printed(context))) as pdf:
        pages = [plain(page.extract_text()) for page in pdf.pages]
    assert len(pages) == 2
    assert "Pièces jointes : relevé de compte." in pages[0]
    assert "Relevé de compte" in pages[1]
    assert "FA-2026-00999 22/06/2026 31/12/2026 2 045,73 – 2 045,73 non échue" in pages[1]
    balance = sum(line.open_amount for line in context.statement)
    assert f"Solde du compte {balance:,.2f} €".replace(",", " ").replace(".", ",") in pages[1]
    assert "Page 2/2" in pages[1]


def test_three_hundred_lines_are_all_there():
    context = unpaid_context(300)
    with pdfplumber.open(io.BytesIO(printed(context))) as pdf:
        pages = [plain(page.extract_text()) for page in pdf.pages]
    everything = " ".join(pages)
    assert all(line.number in everything for line in context.lines)
    assert all("Échéance" in page for page in pages[:-2])
    assert "nous vous mettons en demeure" in pages[-1]
    # The total is never alone: the demand stands under it.
    assert "Sommes réclamées" in pages[-1]


def test_everything_printed_keeps_the_margins():
    with pdfplumber.open(io.BytesIO(printed(make_context(invoices=12)))) as pdf:
        for page in pdf.pages:
            assert (round(page.width), round(page.height)) == (595, 842)
            assert min(char["x0"] for char in page.chars) >= 20 * MM - 0.5
            assert max(char["x1"] for char in page.chars) <= 190 * MM + 0.5
            assert min(char["top"] for char in page.chars) >= 20 * MM - 2
            body = [char for char in page.chars if char["size"] > 6.6]
            assert max(char["bottom"] for char in body) <= 271 * MM + 1


def test_fold_marks_are_for_paper_only():
    assert 'class="fold"' in render_html(make_context(channel=Channel.POST))
    assert 'class="fold"' not in render_html(make_context(channel=Channel.EMAIL))


def test_a_long_letter_repeats_its_heads_and_numbers_its_pages():
    context = make_context(invoices=45)
    with pdfplumber.open(io.BytesIO(printed(context))) as pdf:
        pages = [plain(page.extract_text()) for page in pdf.pages]
    assert len(pages) >= 4
    for index, page in enumerate(pages, start=1):
        assert f"Page {index}/{len(pages)}" in page
        assert "AMD-R0000042" in page
        assert "732 829 320 RCS Lyon" in page
        assert "SAS · au capital" not in page and "SAS au capital de 150 000 €" in page
    assert "Montant TTC" in pages[1]
    assert "Taux annuel" in pages[2]
    everything = " ".join(pages)
    for line in context.lines:
        assert line.number in everything


def test_the_printed_qr_code_reads_back_to_the_transfer():
    context = make_context()
    reader = pypdf.PdfReader(io.BytesIO(printed(context)))
    # Both pages share one dictionary of images.
    images = {image.name: image.image for page in reader.pages for image in page.images}
    (symbol,) = [image for image in images.values() if image.width == image.height]
    read = read_image(symbol)
    assert read == transfer_payload(context)
    assert read.split(b"\n")[5:8] == [
        CREDITOR.name.encode(),
        CREDITOR.iban.encode(),
        f"EUR{context.totals.total}".encode(),
    ]
    assert read.split(b"\n")[10] == b"411CHAU01 AMD-R0000042"


@pytest.mark.parametrize(
    "changes",
    [{"currency": "CHF"}, {"creditor": dataclasses.replace(CREDITOR, iban="")}],
    ids=["not in euros", "no account"],
)
def test_no_qr_code_without_a_transfer_in_euros(changes):
    context = make_context(**changes)
    assert transfer_payload(context) is None
    assert "letter:qr" not in render_html(context)
    assert "Total" in text_of(context)


def test_the_pdf_is_an_archive_with_its_structure():
    reader = pypdf.PdfReader(io.BytesIO(printed(make_context())))
    catalog = reader.root_object
    assert catalog["/MarkInfo"]["/Marked"] is True or str(catalog["/MarkInfo"]["/Marked"]) == "True"
    assert catalog["/Lang"] == "fr"
    assert catalog["/OutputIntents"]
    assert (
        b"<pdfaid:part>3" in catalog["/Metadata"].get_data()
        or b'pdfaid:part="3"' in catalog["/Metadata"].get_data()
    )
    tags = set()

    def walk(node):
        node = node.get_object()
        if isinstance(node, pypdf.generic.DictionaryObject):
            tags.add(node.get("/S"))
            kids = node.get("/K", [])
            for kid in kids if isinstance(kids, list) else [kids]:
                if not isinstance(kid.get_object(), int):
                    walk(kid)

    walk(catalog["/StructTreeRoot"]["/K"][0])
    assert {"/H1", "/H2", "/P", "/Table", "/TR", "/TH", "/TD", "/Figure"} <= tags
    assert reader.metadata.title == "Mise en demeure de payer – AMD-R0000042"
    assert reader.metadata["/CreationDate"] == "D:20261122"


def test_only_our_fonts_are_embedded_when_they_are_installed():
    assert pdf.font_files(), "static/vendor has no font: the set-up did not run"
    reader = pypdf.PdfReader(io.BytesIO(printed(make_context(debtor=FOREIGN_DEBTOR))))
    names = {
        str(font.get_object()["/BaseFont"])
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert names
    assert all(re.search(r"\+Letter", name) for name in names), names


def test_a_letter_is_printed_without_the_vendored_fonts(monkeypatch, tmp_path):
    monkeypatch.setattr(pdf, "_VENDOR", tmp_path)
    pdf._style.cache_clear()
    try:
        assert render_pdf(make_context(), logo=LOGO).startswith(b"%PDF")
    finally:
        pdf._style.cache_clear()


def test_the_logo_is_the_one_frozen():
    with pytest.raises(LetterContextError):
        render_pdf(make_context(), logo=LOGO + b" ")
    with pytest.raises(LetterContextError):
        render_pdf(make_context())
    text = b"not an image"
    creditor = dataclasses.replace(CREDITOR, logo_sha256=hashlib.sha256(text).hexdigest())
    with pytest.raises(LetterContextError):
        render_pdf(make_context(creditor=creditor), logo=text)


def test_a_creditor_without_a_logo_writes_too():
    assert render_pdf(make_context(creditor=dataclasses.replace(CREDITOR, logo_sha256="")))


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "http://127.0.0.1/x.png",
        "https://example.org/x.png",
        "data:image/png;base64,AAAA",
        "letter:other",
    ],
)
def test_a_document_reaches_nothing_but_what_it_is_given(address):
    fetcher = pdf.GivenOnly({"letter:qr": ("image/png", b"x")})
    assert fetcher.fetch("letter:qr").read() == b"x"
    with pytest.raises(pdf.ForbiddenAddress):
        fetcher.fetch(address)


def test_a_missing_value_stops_the_letter():
    with pytest.raises(LookupError, match="undefined template variable"):
        engine._engine().from_string("{{ nothing }}").render(Context())


def test_the_template_version_is_stable():
    assert re.fullmatch(r"[0-9a-f]{12}", engine.template_version())


def test_a_signature_is_never_alone_on_its_page():
    with pdfplumber.open(io.BytesIO(printed(make_context(LetterKind.HAND_OVER_INFO)))) as pdf:
        pages = [plain(page.extract_text()) for page in pdf.pages]
    assert len(pages) == 2
    assert pages[1].startswith("Si votre règlement a été effectué entre-temps")
