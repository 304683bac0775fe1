"""The hand-over dossier: complete, verifiable, and the same bytes each time."""

import csv
import dataclasses
import hashlib
import io
import json
import re
import zipfile
from datetime import date
from decimal import Decimal

import pdfplumber
import pytest

from dunning.letters.claim_csv import lines_csv
from dunning.letters.context import Contact, LetterContextError
from dunning.letters.dossier import (
    ClaimMovement,
    DossierContext,
    DossierDocument,
    LogEntry,
    build_dossier,
)
from tests.dunning.letter_samples import AGENCY, make_context

LETTER = b"%PDF-1.7 la mise en demeure telle qu'elle est partie"
FILES = {"AMD-R0000042.pdf": LETTER}


def make_dossier(**changes) -> DossierContext:
    letter = make_context(invoices=6)
    values = {
        "reference": "AMD-D0000007",
        "date": date(2026, 12, 5),
        "as_of": letter.as_of,
        "currency": "EUR",
        "creditor": letter.creditor,
        "contact": letter.contact,
        "debtor": letter.debtor,
        "agency": AGENCY,
        "lines": letter.lines,
        "totals": letter.totals,
        "interest_segments": letter.interest_segments,
        "daily_interest": letter.daily_interest,
        "rate_basis": letter.rate_basis,
        "day_count_basis": letter.day_count_basis,
        "commission_rate": Decimal("9.5"),
        "instructions": ("Aucune action en justice sans accord écrit.",),
        "debtor_contacts": (Contact(name="M. Paul Chaumeil", phone="05 56 00 00 00"),),
        "movements": (
            ClaimMovement(
                number="FA-2026-00118", date=date(2026, 9, 2), label="Virement", amount=Decimal("500")
            ),
        ),
        "log": (
            LogEntry(date=date(2026, 9, 1), label="Rappel", channel="E-mail", reference="AMD-R0000011"),
            LogEntry(
                date=date(2026, 11, 22),
                label="Mise en demeure de payer",
                channel="Recommandé",
                reference="AMD-R0000042",
                detail="Présenté le 25/11/2026",
                document="AMD-R0000042.pdf",
            ),
        ),
        "documents": (
            DossierDocument(
                name="AMD-R0000042.pdf", label="Mise en demeure", sha256=hashlib.sha256(LETTER).hexdigest()
            ),
        ),
        "limitation_date": date(2031, 8, 1),
    }
    return DossierContext(**(values | changes))


def unpack(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_same_context_packs_the_same_bytes():
    context = make_dossier()
    first = build_dossier(context, files=FILES)
    assert first == build_dossier(DossierContext.from_json(context.to_json()), files=FILES)
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_manifest_has_the_hash_of_every_other_file():
    files = unpack(build_dossier(make_dossier(), files=FILES))
    manifest = json.loads(files.pop("manifest.json"))
    assert {entry["name"]: entry["sha256"] for entry in manifest["files"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }
    assert {entry["name"]: entry["size"] for entry in manifest["files"]} == {
        name: len(content) for name, content in files.items()
    }
    assert sorted(files) == ["creances.csv", "documents/AMD-R0000042.pdf", "dossier.json", "dossier.pdf"]
    assert manifest["reference"] == "AMD-D0000007"


def test_letters_are_those_that_were_sent():
    files = unpack(build_dossier(make_dossier(), files=FILES))
    assert files["documents/AMD-R0000042.pdf"] == LETTER


def test_the_data_reads_back_to_the_context():
    context = make_dossier()
    files = unpack(build_dossier(context, files=FILES))
    assert DossierContext.from_json(files["dossier.json"].decode()) == context


@pytest.mark.parametrize(
    "words",
    [
        "Dossier de recouvrement amiable AMD-D0000007",
        "Remis à Cabinet Lorient Recouvrement le 5 décembre 2026, en exécution de la convention CV-2026-11",
        "Décompte arrêté au 22 novembre 2026",
        "Établissements Chaumeil-Vauquelin & Fils, Négoce de Matériaux",
        "SIREN 303 265 045",
        "M. Paul Chaumeil, 05 56 00 00 00",
        "Indemnité forfaitaire pour frais de recouvrement (6 × 40,00 €) 240,00 €",
        "6,42 € par jour",
        "AV-2026-00003 avoir 16/09/2026 – −480,00",
        "FA-2026-00118 02/09/2026 Virement 500,00",
        "22/11/2026 Mise en demeure de payer Recommandé AMD-R0000042 AMD-R0000042.pdf",
        "Présenté le 25/11/2026",
        "Commission : 9,50 %",
        "Prescription au plus tôt le 1er août 2031",
        "Aucune action en justice sans accord écrit.",
    ],
)
def test_the_cover_says(words, cover_text):
    assert words in cover_text


@pytest.fixture(scope="module")
def cover_text() -> str:
    files = unpack(build_dossier(make_dossier(), files=FILES))
    with pdfplumber.open(io.BytesIO(files["dossier.pdf"])) as pdf:
        return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pdf.pages))


def test_a_bare_claim_has_a_dossier_too():
    context = make_dossier(
        documents=(),
        log=(),
        movements=(),
        instructions=(),
        debtor_contacts=(),
        commission_rate=None,
        limitation_date=None,
    )
    assert sorted(unpack(build_dossier(context))) == [
        "creances.csv",
        "dossier.json",
        "dossier.pdf",
        "manifest.json",
    ]


def test_claim_lines_open_in_a_spreadsheet():
    content = lines_csv(make_dossier().lines, "EUR")
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert len(rows) == 7
    assert rows[0]["piece"] == "FA-2026-00118"
    assert rows[0]["principal_restant_du"] == "1334,56"
    assert rows[3] == {
        "piece": "AV-2026-00003",
        "nature": "CREDIT_NOTE",
        "date": "2026-09-16",
        "echeance": "",
        "devise": "EUR",
        "montant_ttc": "-480,00",
        "deja_regle": "0,00",
        "principal_restant_du": "-480,00",
        "jours_de_retard": "0",
        "penalites": "0,00",
        "indemnite_forfaitaire": "0,00",
        "en_litige_non_demande": "0,00",
        "promis_non_demande": "0,00",
    }
    total = sum(Decimal(row["principal_restant_du"].replace(",", ".")) for row in rows)
    assert total == make_dossier().totals.principal


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_number_is_never_a_formula(start):
    line = make_context(invoices=1).lines[0]
    context = make_dossier(
        lines=(dataclasses.replace(line, number=f"{start}1+1"),),
        totals=make_context(invoices=1).totals,
        interest_segments=(),
    )
    assert f"\r\n'{start}1+1;".encode() in lines_csv(context.lines, context.currency)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("AMD-R0000042.pdf", {}),
        ("AMD-R0000042.pdf", {"AMD-R0000042.pdf": b"another letter"}),
        ("../AMD-R0000042.pdf", {"../AMD-R0000042.pdf": LETTER}),
        ("a/b.pdf", {"a/b.pdf": LETTER}),
        ("", {"": LETTER}),
    ],
    ids=["missing", "altered", "climbing", "nested", "nameless"],
)
def test_a_document_that_is_not_the_one_frozen_is_refused(name, files):
    document = DossierDocument(name=name, label="Courrier", sha256=hashlib.sha256(LETTER).hexdigest())
    with pytest.raises(LetterContextError):
        build_dossier(make_dossier(documents=(document,)), files=files)


def test_totals_that_are_not_the_sums_are_refused():
    context = make_dossier()
    with pytest.raises(LetterContextError):
        make_dossier(totals=dataclasses.replace(context.totals, total=Decimal("1.00")))
