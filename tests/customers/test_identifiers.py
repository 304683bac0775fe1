"""Identifiers: each case is named after its source; nothing here needs a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban as stdnum_iban
from stdnum import iso11649, luhn
from stdnum.fr import tva

from customers.identifiers import (
    IdentifierError,
    clean_bic,
    clean_creditor_reference,
    clean_foreign_id,
    clean_iban,
    clean_naf,
    clean_siren,
    clean_siret,
    clean_vat_number,
    creditor_reference,
    format_iban,
    format_rcs,
    format_siren,
    format_siret,
    french_iban,
    french_vat_number,
    rib_key,
    siren_of_vat,
)

SIREN = "732829320"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("732829320", SIREN),
        ("732 829 320", SIREN),
        ("732\u00a0829\u202f320", SIREN),
        (" 732.829.320 ", SIREN),
        ("732-829-320", SIREN),
        ("356000000", "356000000"),
    ],
)
def test_siren_is_read_as_people_write_it(typed: str, expected: str) -> None:
    assert clean_siren(typed) == expected


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "vide"),
        ("   ", "vide"),
        ("73282932", "8 chiffres au lieu de 9"),
        ("7328293200", "10 chiffres au lieu de 9"),
        ("73282932A", "autre chose que des chiffres"),
        ("٧٣٢٨٢٩٣٢٠", "autre chose que des chiffres"),
        ("732829321", "clé de contrôle"),
        ("000000000", "clé de contrôle"),
    ],
)
def test_bad_siren_says_what_is_wrong(typed: str, says: str) -> None:
    with pytest.raises(IdentifierError, match=says):
        clean_siren(typed)


@given(st.integers(min_value=1, max_value=99_999_999))
def test_exactly_one_key_makes_a_siren(stem: int) -> None:
    accepted = []
    for key in "0123456789":
        try:
            accepted.append(clean_siren(f"{stem:08d}{key}"))
        except IdentifierError:
            continue
    assert accepted == [f"{stem:08d}{luhn.calc_check_digit(f'{stem:08d}')}"]


@pytest.mark.parametrize(
    ("siret", "siren"),
    [
        ("732 829 320 00074", SIREN),
        ("73282932000074", ""),
        ("35600000009075", "356000000"),  # La Poste: the sum of digits is a multiple of five
        ("35600000000048", "356000000"),  # La Poste, head office: the ordinary key
    ],
)
def test_siret(siret: str, siren: str) -> None:
    assert clean_siret(siret, siren) == siret.replace(" ", "")


@pytest.mark.parametrize(
    ("siret", "siren", "says"),
    [
        ("73282932000079", "", "clé de contrôle"),
        ("35600000009076", "", "clé de contrôle"),
        ("7328293200007", "", "13 chiffres au lieu de 14"),
        ("73282932000074", "552032534", "doit commencer par ces neuf chiffres"),
        ("00000000000000", "", "clé de contrôle"),
        ("", "", "vide"),
    ],
)
def test_bad_siret(siret: str, siren: str, says: str) -> None:
    with pytest.raises(IdentifierError, match=says):
        clean_siret(siret, siren)


@pytest.mark.parametrize(
    ("siren", "vat"),
    [(SIREN, "FR44732829320"), ("303265045", "FR40303265045"), ("552032534", "FR27552032534")],
)
def test_french_vat_key(siren: str, vat: str) -> None:
    assert french_vat_number(siren) == vat
    assert siren_of_vat(vat) == siren


@given(st.integers(min_value=1, max_value=99_999_999))
def test_french_vat_key_agrees_with_python_stdnum(stem: int) -> None:
    siren = f"{stem:08d}{luhn.calc_check_digit(f'{stem:08d}')}"
    if siren.startswith("000"):
        return
    assert tva.is_valid(french_vat_number(siren))


@pytest.mark.parametrize(
    ("typed", "country", "expected"),
    [
        ("FR 44 732 829 320", "FR", "FR44732829320"),
        ("44732829320", "FR", "FR44732829320"),
        ("FR53 0000 04605", "MC", "FR53000004605"),
        ("BE 0697.449.992", "BE", "BE0697449992"),
        ("0697449992", "BE", "BE0697449992"),
        ("DE136695976", "DE", "DE136695976"),
        ("ESA13585625", "ES", "ESA13585625"),
        ("IT00743110157", "IT", "IT00743110157"),
        ("EL094259216", "GR", "EL094259216"),
        ("GB 980 7806 84", "GB", "GB980780684"),
        ("CHE-107.787.577 TVA", "CH", "CHE107787577"),
        ("CHE-107.787.577 MWST", "CH", "CHE107787577"),
        ("US12-3456", "US", "US123456"),
    ],
)
def test_vat_numbers(typed: str, country: str, expected: str) -> None:
    assert clean_vat_number(typed, country) == expected


@pytest.mark.parametrize(
    ("typed", "country", "siren", "says"),
    [
        ("", "FR", "", "vide"),
        ("DE136695976", "FR", "", "ne commence pas par FR"),
        ("DE136695977", "DE", "", "clé de contrôle"),
        ("FR45732829320", "FR", "", "clé de contrôle"),
        ("FR44732829320", "FR", "552032534", "autre SIREN. Celui du SIREN 552"),
        ("BE12", "BE", "", "n’a pas la forme"),
        ("CHE-107.787.578", "CH", "", "clé de contrôle"),
        ("GB１", "GB", "", "sans accent"),
        ("US!", "US", "", "sans accent"),
    ],
)
def test_bad_vat_numbers(typed: str, country: str, siren: str, says: str) -> None:
    with pytest.raises(IdentifierError, match=says):
        clean_vat_number(typed, country, siren)


def test_monegasque_vat_number_holds_no_siren() -> None:
    assert siren_of_vat("FR53000004605") == ""
    assert siren_of_vat("DE136695976") == ""


def test_iban_and_its_rib_key() -> None:
    assert clean_iban("FR76 3000 6000 0112 3456 7890 189") == "FR7630006000011234567890189"
    assert rib_key("30006", "00001", "12345678901") == "89"
    assert rib_key("20041", "01005", "0500013m026") == rib_key("20041", "01005", "0500013M026") == "06"
    assert french_iban("20041", "01005", "0500013m026") == "FR1420041010050500013M02606"
    assert clean_iban("BE68 5390 0754 7034") == "BE68539007547034"


def test_iban_whose_rib_key_is_wrong_is_refused() -> None:
    bban = "30006000011234567890188"
    number = f"FR{stdnum_iban.calc_check_digits('FR00' + bban)}{bban}"
    with pytest.raises(IdentifierError, match="clé RIB"):
        clean_iban(number)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "vide"),
        ("FR7630006000011234567890188", "clé de contrôle"),
        ("FR76", "n’est pas un IBAN|clé de contrôle"),
        ("ZZ9912345678", "IBAN"),
        ("FR14２0041010050500013M02606", "sans accent"),
    ],
)
def test_bad_iban(typed: str, says: str) -> None:
    with pytest.raises(IdentifierError, match=says):
        clean_iban(typed)


@given(st.from_regex(r"[0-9]{10}[0-9A-Z]{11}", fullmatch=True))
def test_a_built_french_iban_is_valid(account: str) -> None:
    assert clean_iban(french_iban(account[:5], account[5:10], account[10:]))


def test_bic() -> None:
    assert clean_bic("agrifrpp") == "AGRIFRPP"
    assert clean_bic("AGRI FR PP 882") == "AGRIFRPP882"
    for bad in ("", "AGRI", "AGRIF2PP", "AGRIXXPP", "AGRIFRPP8"):
        with pytest.raises(IdentifierError):
            clean_bic(bad)


def test_creditor_reference_of_the_standard_and_of_our_invoices() -> None:
    assert creditor_reference("FA2026118") == "RF53FA2026118"
    assert creditor_reference("FA-2026-118") == "RF53FA2026118"
    assert clean_creditor_reference("RF18 5390 0754 7034") == "RF18539007547034"
    for bad in ("RF17539007547034", "RF", "539007547034", ""):
        with pytest.raises(IdentifierError):
            clean_creditor_reference(bad)
    for bad in ("", "É", "A" * 22):
        with pytest.raises(IdentifierError):
            creditor_reference(bad)


@given(st.from_regex(r"[0-9A-Z]{1,21}", fullmatch=True))
def test_every_creditor_reference_is_valid(number: str) -> None:
    assert iso11649.is_valid(creditor_reference(number))


def test_naf_and_foreign_numbers() -> None:
    assert clean_naf("4673a") == clean_naf("46.73A") == "46.73A"
    with pytest.raises(IdentifierError, match="code NAF"):
        clean_naf("46A")
    assert clean_foreign_id("  HRB  12345 ", "DE") == "HRB 12345"
    assert clean_foreign_id("CHE-107.787.577", "CH") == "CHE107787577"


def test_how_identifiers_are_written() -> None:
    assert format_siren(SIREN) == "732\u202f829\u202f320"
    assert format_siret("73282932000074") == "732\u202f829\u202f320\u202f00074"
    assert format_iban("FR7630006000011234567890189").startswith("FR76\u00a03000\u00a06000")
    assert format_rcs("Le Mans", SIREN) == "RCS\u00a0Le\u00a0Mans\u00a0732\u202f829\u202f320"
