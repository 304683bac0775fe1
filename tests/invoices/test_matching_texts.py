"""What payers write, in French, German and English, and the open items that it names."""

from datetime import date

import pytest

from invoices.matching.naming import looks_like_ours, name_items, read_line
from invoices.matching.numbers import Strength, keys_of
from invoices.matching.texts import read_text
from invoices.matching.values import Item, Line

NUMBERS = (
    "FA-2026-00118", "FA-2026-00119", "FA-2026-00120", "FA-2025-00118", "AV-2026-00007",
    "2041", "2042", "2043", "2044", "2045", "10577", "20410",
    "F260001234", "F260005018", "VTE00007126", "RE-2026-0815", "R77561", "2026/031", "4500012345",
)  # fmt: skip


def item(number: str) -> Item:
    day = date(2026, 1, 15)
    return Item(NUMBERS.index(number) + 1, 1, number, keys_of(number), "INVOICE", day, day, 10_000)


ITEMS = [item(number) for number in NUMBERS]

CASES: list[tuple[str, str]] = [
    # One number as it is, or nearly.
    ("FACTURE FA-2026-00118", "FA-2026-00118"),
    ("VIR SEPA RECU /FRM DUPONT SARL /RNF FA2026-00118", "FA-2026-00118"),
    ("REGLEMENT FACT FA202600118 DU 15/01/2026", "FA-2026-00118"),
    ("Règlement facture n° FA 2026 00118 – merci", "FA-2026-00118"),
    ("paiement fa/2026/00118", "FA-2026-00118"),
    ("FACT.FA-2026-00118.", "FA-2026-00118"),
    ("VOTRE FACTURE F260001234 DU 12.01.2026 MONTANT 1.200,00 EUR", "F260001234"),
    ("INV F260001234", "F260001234"),
    ("VTE00007126", "VTE00007126"),
    ("INVOICE R77561", "R77561"),
    ("Rechnung Nr. RE-2026-0815 vom 03.02.2026", "RE-2026-0815"),
    ("RG-NR RE-2026-0815 KD-NR 100234", "RE-2026-0815"),
    ("RECHNUNGSNR. RE2026-0815", "RE-2026-0815"),
    ("/INV/FA-2026-00119 15.1.2026", "FA-2026-00119"),
    # Prefixes and zeros lost.
    ("FACTURE 2026-00118", "FA-2026-00118"),
    ("FACT 202600118", "FA-2026-00118"),
    ("FACT 7126", "VTE00007126"),
    ("VTE 7126", "VTE00007126"),
    ("F 260001234", "F260001234"),
    ("260001234", "F260001234"),
    ("RE 0815", "RE-2026-0815"),
    ("Rg. 815", "RE-2026-0815"),
    ("FACT 00119", "FA-2026-00119"),
    ("FACTURE 2041", "2041"),
    ("002041", "2041"),
    ("FA2041", "2041"),
    ("FACT N°2041", "2041"),
    # Spaces and separators inside; a bank's line break.
    ("FA 2026 00 118", "FA-2026-00118"),
    ("FACT FA-2026-0 0119 MERCI", "FA-2026-00119"),
    ("F2600 01234", "F260001234"),
    ("VTE 0000 7126", "VTE00007126"),
    ("FACTURE\nFA-2026-\n00120", "FA-2026-00120"),
    # Misread letters.
    ("FA-2O26-OO118", "FA-2026-00118"),
    ("F26OOO1234", "F260001234"),
    ("2O4I", "2041"),
    ("FACT F2600O5OI8", "F260005018"),
    ("VTEOOOO7126", "VTE00007126"),
    # Lists and ranges.
    ("FACT 2041 ET 2042", "2041 2042"),
    ("FACTURES 2041, 2042, 2043", "2041 2042 2043"),
    ("FACTURES 2041/2042/2043", "2041 2042 2043"),
    ("2041+2042", "2041 2042"),
    ("FACT 2041/42/43", "2041 2042 2043"),
    ("INVOICES 2041, 42 AND 45", "2041 2042 2045"),
    ("FACTURES 2041 à 2045", "2041 2042 2043 2044 2045"),
    ("FACTURES DE 2041 A 2043", "2041 2042 2043"),
    ("2041-45", "2041 2042 2043 2044 2045"),
    ("Rechnungen 2041 bis 2043", "2041 2042 2043"),
    ("INVOICES 2043 TO 2045", "2043 2044 2045"),
    ("RECHNUNGEN 2041 UND 2045", "2041 2045"),
    ("FA-2026-00118 FA-2026-00119 FA-2026-00120", "FA-2026-00118 FA-2026-00119 FA-2026-00120"),
    ("FA-2026-00118/00119", "FA-2026-00118 FA-2026-00119"),
    ("FA-2026-00118 - AV-2026-00007", "FA-2026-00118 AV-2026-00007"),
    ("FACT FA2026-00118 MOINS AVOIR AV-2026-00007", "FA-2026-00118 AV-2026-00007"),
    ("FACTURES 2041 2043 AVEC ESCOMPTE 2%", "2041 2043"),
    ("FA2041FA2042", "2041 2042"),
    # Dates, amounts, accounts, phones, orders and customers are no numbers.
    ("REGLEMENT DU 20/04/2026", ""),
    ("ZAHLUNG VOM 20.04.2026", ""),
    ("PAIEMENT 2 041,00 EUR", ""),
    ("VIR 1.057,70 EUR FACT 10577", "10577"),
    ("MONTANT 2041 EUR", ""),
    ("EUR 2041,00 /INV 2042", "2042"),
    ("CDE 2041 FACT 2042", "2042"),
    ("PO 2043 INVOICE 2044", "2044"),
    ("BESTELLUNG 2041 RECHNUNG 2042", "2042"),
    ("CLIENT 10577", ""),
    ("KUNDENNR 10577 RECHNUNG 2041", "2041"),
    ("TEL 02 04 12 04 10 FACT 2041", "2041"),
    ("IBAN FR76 3000 6000 0112 3456 7890 189 FACT 2041", "2041"),
    ("BIC AGRIFRPP820 FACT 2045", "2045"),
    ("SIREN 732 829 320 FACT 2042", "2042"),
    ("CHEQUE 2041", ""),
    ("LOYER JANVIER 2026", ""),
    ("SOLDE DE TOUT COMPTE", ""),
    ("ESCOMPTE 2%", ""),
    ("NOTPROVIDED", ""),
    ("CMD2041", ""),
    ("A PAYER AVANT 2026", ""),
    ("", ""),
]  # fmt: skip


def named(text: str, **more: object) -> dict[str, Strength]:
    reading = read_line(Line(1, date(2026, 3, 1), 10_000, "EUR", remittance=text, **more))  # type: ignore[arg-type]
    return {naming.item.number: naming.strength for naming in name_items(reading, ITEMS)}


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_the_numbers_of_a_text(text: str, expected: str) -> None:
    found = set(named(text))
    # Two years have a 00118: a text that leaves the year out names both.
    if "FA-2026-00118" in found and "FA-2025-00118" in found:
        found.discard("FA-2025-00118")
    assert found == set(expected.split())


def test_a_number_of_which_the_year_is_lost_names_both_years() -> None:
    assert named("FACT 00118") == {"FA-2026-00118": Strength.TAIL, "FA-2025-00118": Strength.TAIL}


def test_the_longer_reading_of_a_place_wins() -> None:
    assert named("FA-2026-00118") == {"FA-2026-00118": Strength.FULL}
    assert named("20410") == {"20410": Strength.DIGITS}


@pytest.mark.parametrize(
    ("text", "strength"),
    [
        ("FA-2026-00119", Strength.FULL),
        ("FACT 2026-00119", Strength.DIGITS),
        ("FACT 00119", Strength.TAIL),
        ("FA-2O26-OO119", Strength.NOISY),
    ],
)
def test_how_well_a_number_is_written(text: str, strength: Strength) -> None:
    assert named(text)["FA-2026-00119"] == strength


def test_structured_references() -> None:
    from customers.identifiers import creditor_reference

    good = creditor_reference("FA202600119")
    assert named("", structured_reference=good) == {"FA-2026-00119": Strength.REFERENCE}
    assert named(f"RF {good[2:]}".replace("RF ", "RF")) == {"FA-2026-00119": Strength.REFERENCE}
    bad = good[:2] + f"{(int(good[2:4]) + 1) % 100:02d}" + good[4:]
    assert named("", end_to_end_id=bad).get("FA-2026-00119") != Strength.REFERENCE
    assert named("", documents=("FA-2026-00120",)) == {"FA-2026-00120": Strength.REFERENCE}
    assert named("", end_to_end_id="FA-2026-00120") == {"FA-2026-00120": Strength.FULL}


def test_numbers_that_look_like_ours_are_told() -> None:
    reading = read_line(Line(1, date(2026, 3, 1), 10_000, "EUR", remittance="FACT FA-2026-00999 CDE 4711"))
    assert looks_like_ours(reading, name_items(reading, ITEMS), ITEMS) == ["FA202600999"]
    silent = read_line(
        Line(1, date(2026, 3, 1), 10_000, "EUR", remittance="VIREMENT DU 12/02/2026 120,00 EUR")
    )
    assert looks_like_ours(silent, [], ITEMS) == []


def test_signs_of_the_payer_in_a_text() -> None:
    reading = read_text("VIR DUPONT CODE C00412 SIRET 732 829 320 00074 IBAN FR7630006000011234567890189")
    assert "C00412" in reading.codes
    assert reading.sirens == ["732829320"]
    assert reading.ibans == ["FR7630006000011234567890189"]
    assert read_text("FR83404833048 MERCI").sirens == ["404833048"]
    assert read_text("SIREN 732829321").sirens == []


@pytest.mark.parametrize(
    "text", ["0" * 5_000, "FA" * 3_000, "1-" * 2_000, "9 " * 2_000, "\x00\uffff😀 2041", "²³ ١٢٣ ２０４１"]
)
def test_any_text_is_read_in_bounded_time(text: str) -> None:
    reading = read_text(text)
    assert len(reading.mentions) <= 120
