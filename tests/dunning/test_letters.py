"""What each kind of letter says."""

import dataclasses
import io
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pdfplumber
import pytest

from dunning.letters.composition import transfer_payload
from dunning.letters.context import (
    LANGUAGES,
    Debtor,
    DebtorKind,
    LetterKind,
)
from tests.dunning.letter_samples import (
    DEBTOR,
    make_context,
    printed,
    text_of,
    unpaid_context,
)

MM = 72 / 25.4
ROOT = Path(__file__).resolve().parents[2]


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


@pytest.mark.parametrize("language", LANGUAGES)
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
        "zinsen",
        "mahnung",
        "gericht",
        "intereses",
        "interessi",
        "mora",
    ):
        assert threat not in words.replace("courtois", "")
    assert ("oubli", "oversight", "versehen", "olvido", "dimenticanza")[LANGUAGES.index(language)] in words


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
    templates = [*ROOT.glob("templates/letters/**/*.*"), *ROOT.glob("templates/emails/**/*")]
    assert len(templates) > 40
    for path in templates:
        if path.is_file():
            assert not forbidden.search(path.read_text()), path


def test_a_credit_note_is_shown_negative():
    words = text_of(make_context(invoices=6))
    assert "AV-2026-00003 avoir 16/09/2026 – −480,00 – −480,00 –" in words


def test_one_invoice_is_spoken_of_in_the_singular():
    words = text_of(make_context(invoices=1))
    assert "la facture suivante, adressée à" in words
    assert "Cette facture porte" in words


@pytest.mark.parametrize("language", LANGUAGES)
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
