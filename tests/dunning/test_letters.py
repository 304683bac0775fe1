"""The printed letter: what it says, where it says it, and the same bytes each time."""

import dataclasses
import functools
import hashlib
import io
import os
import re
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pdfplumber
import pypdf
import pytest
from django.template import Context

from dunning.letters import engine
from dunning.letters.composition import transfer_payload
from dunning.letters.context import (
    Channel,
    Debtor,
    DebtorKind,
    EnvelopeWindow,
    LetterContext,
    LetterContextError,
    LetterKind,
)
from dunning.letters.render import TEMPLATES, render_html, render_pdf
from tests.dunning.letter_samples import CREDITOR, DEBTOR, FOREIGN_DEBTOR, LOGO, make_context, unpaid_context
from tests.dunning.qr_reader import read_image

MM = 72 / 25.4
ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def printed(context: LetterContext) -> bytes:
    return render_pdf(context, logo=LOGO)


def text_of(context: LetterContext) -> str:
    """The words of all pages, every kind of space made plain."""
    with pdfplumber.open(io.BytesIO(printed(context))) as pdf:
        return plain("\n".join(page.extract_text() for page in pdf.pages))


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize(("kind", "language"), TEMPLATES)
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


@pytest.mark.parametrize(
    "words",
    [
        "Lettre recommandée avec avis de réception n° 2C 123 456 7890 1",
        "Objet : Mise en demeure de payer",
        "Lyon, le 22 novembre 2026",
        "Votre SIREN : 303 265 045",
        "Votre siège : 27 rue de l’Église, 33700 Mérignac",
        "Malgré notre rappel du 1er septembre 2026 (réf. AMD-R0000011) et notre second rappel du 14 octobre 2026",
        "adressées à Établissements Chaumeil-Vauquelin & Fils, Négoce de Matériaux",
        "Pièce Date Échéance Montant TTC Déjà réglé Reste dû Retard",
        "FA-2026-00118 17/06/2026 01/08/2026 1 834,56 500,00 1 334,56 113 j",
        "Pièce Du – au (inclus) Jours Base Taux annuel Pénalités",
        "FA-2026-00118 02/08/2026 – 22/11/2026 113 1 334,56 12,40 % 51,23",
        "taux de refinancement de la BCE majoré de 10 points",
        "Indemnité forfaitaire pour frais de recouvrement (3 × 40,00 €) 120,00 €",
        "nous vous mettons en demeure de nous payer la somme de",
        "au plus tard le 1er décembre 2026.",
        "soit 6,42 € par jour",
        "IBAN FR76 3000 6000 0112 3456 7890 189",
        "Référence à rappeler 411CHAU01 AMD-R0000042",
        "Si vous contestez tout ou partie de ces sommes",
        "Mme Hélène Garrigue (04 72 00 00 01, recouvrement@meridien.example)",
        "Si votre règlement a été effectué entre-temps",
        "Pièces jointes : copie des factures ; conditions générales de vente.",
        "Textes applicables : Code civil, art. 1231 et 1344 ; Code de commerce, art. L441-10 (II) et D441-5.",
        "Hélène Garrigue Responsable du crédit client",
    ],
)
def test_a_formal_notice_says(words):
    assert words in text_of(make_context())


def test_the_formal_notice_asks_for_principal_interest_and_indemnities():
    context = make_context()
    totals = context.totals
    assert totals.total == totals.principal + totals.interest + Decimal("120.00")
    amount = f"{totals.total:,.2f}".replace(",", " ").replace(".", ",")
    assert f"nous payer la somme de {amount} €" in text_of(context)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_courteous_reminder_threatens_nothing(language):
    words = text_of(make_context(LetterKind.REMINDER, language=language)).lower()
    for threat in (
        "pénalité",
        "indemnité",
        "mise en demeure",
        "interest",
        "indemnity",
        "formal notice",
        "court",
    ):
        assert threat not in words.replace("courtois", "")
    assert ("simple oubli" in words) if language == "fr" else ("oversight" in words)


def test_a_second_reminder_announces_and_computes():
    words = text_of(make_context(LetterKind.SECOND_REMINDER))
    assert "Par notre rappel du 1er septembre 2026 (réf. AMD-R0000011)" in words
    assert "indemnité forfaitaire pour frais de recouvrement de 40,00 € par facture" in words
    assert "FA-2026-00118 17/06/2026 01/08/2026 1 334,56 113 j 51,23 40,00" in words
    assert "nous vous adresserons une mise en demeure" in words


def test_the_hand_over_letter_names_the_agency_and_proposes_no_transfer():
    context = make_context(LetterKind.HAND_OVER_INFO)
    words = text_of(context)
    assert "Cabinet Lorient Recouvrement 8 quai des Indes 56100 Lorient" in words
    assert "IBAN" not in words
    assert transfer_payload(context) is None


def test_a_consumer_is_asked_for_no_indemnity_nor_commercial_penalties():
    consumer = Debtor(
        name="Mme Aurélie Saint-Gilles",
        kind=DebtorKind.CONSUMER,
        address_lines=("4 allée des Tilleuls", "35000 Rennes"),
    )
    words = text_of(make_context(debtor=consumer, rate_basis="", day_count_basis=""))
    assert "Mise en demeure de payer" in words
    assert "40,00" not in words
    assert "L441-10" not in words
    assert "intérêt au taux légal à compter de la mise en demeure" in words


def test_no_template_imitates_a_court_document():
    """C. pén. 433-13: a letter must not look like an act of a court or bailiff."""
    forbidden = re.compile(
        r"commandement|sommation|huissier|commissaire de justice|république|greffe|assignation", re.I
    )
    templates = [*ROOT.glob("templates/letters/**/*.html"), *ROOT.glob("templates/emails/**/*")]
    assert len(templates) > 20
    for path in templates:
        if path.is_file():
            assert not forbidden.search(path.read_text()), path


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


def test_a_credit_note_is_shown_negative():
    words = text_of(make_context(invoices=6))
    assert "AV-2026-00003 avoir 16/09/2026 – −480,00 – −480,00 –" in words


def test_one_invoice_is_spoken_of_in_the_singular():
    words = text_of(make_context(invoices=1))
    assert "la facture suivante, adressée à" in words
    assert "Cette facture porte" in words


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", LetterKind)
def test_values_are_printed_literally(kind, language):
    debtor = dataclasses.replace(DEBTOR, name='<b>A & B</b> "C" {{ x }} {% y %}', account_code="<i>&amp;")
    words = text_of(make_context(kind, language=language, debtor=debtor))
    assert '<b>A & B</b> "C" {{ x }} {% y %}' in words
    assert "<i>&amp;" in words


def test_extreme_figures_stay_in_their_columns():
    line = make_context(invoices=1).lines[0]
    big = dataclasses.replace(
        line,
        number="FACTURE-2026/ABCDEFGHIJKLMNOPQR-0001",
        total=Decimal("987654321.99"),
        open_amount=Decimal("987654321.99"),
        interest=Decimal("23456789.01"),
    )
    context = make_context(lines=[big], interest_segments=())
    with pdfplumber.open(io.BytesIO(printed(context))) as pdf:
        chars = [char for page in pdf.pages for char in page.chars]
    assert max(char["x1"] for char in chars) <= 190 * MM + 0.5
    assert "987 654 321,99 987 654 321,99 113 j" in text_of(context)


def test_one_period_each_needs_one_table():
    words = text_of(unpaid_context(10))
    assert "Pièce Date Échéance Montant TTC Reste dû Retard Taux annuel Pénalités" in words
    assert "FA-2026-00119 22/06/2026 06/08/2026 2 045,73 2 045,73 108 j 12,40 % 75,06" in words
    assert "calculées sur le reste dû du lendemain de l’échéance au 22 novembre 2026 inclus" in words
    assert "Page 2/2" in words
    assert "inclus)" not in words


@pytest.mark.parametrize("change", ["second period", "principal", "start", "wide"])
def test_anything_else_has_its_periods_in_a_table_of_their_own(change):
    context = unpaid_context(2)
    lines, segments = list(context.lines), list(context.interest_segments)
    first = segments[0]
    if change == "second period":
        middle = first.from_date + timedelta(days=20)
        half = (first.interest / 2).quantize(Decimal("0.01"))
        segments[0] = dataclasses.replace(first, to_date=middle, days=21, interest=half)
        segments.insert(
            1,
            dataclasses.replace(
                first,
                from_date=middle + timedelta(days=1),
                days=first.days - 21,
                interest=first.interest - half,
            ),
        )
    elif change == "principal":
        segments[0] = dataclasses.replace(first, principal=first.principal - 1)
    elif change == "start":
        segments[0] = dataclasses.replace(first, from_date=first.from_date + timedelta(days=1))
    else:
        lines[0] = dataclasses.replace(
            lines[0], total=Decimal("10000000.00"), open_amount=Decimal("10000000.00")
        )
        segments[0] = dataclasses.replace(first, principal=Decimal("10000000.00"))
    assert "Du – au (inclus)" in text_of(unpaid_context(2, lines=lines, interest_segments=tuple(segments)))


def test_the_column_of_payments_is_there_when_there_was_one():
    paid, whole = make_context(invoices=2).lines
    assert whole.paid_amount == 0
    assert "Déjà réglé" in text_of(make_context(lines=[paid, whole], interest_segments=()))
    assert "Déjà réglé" not in text_of(make_context(lines=[whole], interest_segments=()))


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
    assert engine.font_files(), "static/vendor has no font: the set-up did not run"
    reader = pypdf.PdfReader(io.BytesIO(printed(make_context(debtor=FOREIGN_DEBTOR))))
    names = {
        str(font.get_object()["/BaseFont"])
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert names
    assert all(re.search(r"\+Letter", name) for name in names), names


def test_a_letter_is_printed_without_the_vendored_fonts(monkeypatch, tmp_path):
    monkeypatch.setattr(engine, "_VENDOR", tmp_path)
    engine._style.cache_clear()
    try:
        assert render_pdf(make_context(), logo=LOGO).startswith(b"%PDF")
    finally:
        engine._style.cache_clear()


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
    fetcher = engine._GivenOnly({"letter:qr": ("image/png", b"x")})
    assert fetcher.fetch("letter:qr").read() == b"x"
    with pytest.raises(engine.ForbiddenAddress):
        fetcher.fetch(address)


def test_a_missing_value_stops_the_letter():
    with pytest.raises(LookupError, match="undefined template variable"):
        engine._engine().from_string("{{ nothing }}").render(Context())


def test_the_template_version_is_stable():
    assert re.fullmatch(r"[0-9a-f]{12}", engine.template_version())
