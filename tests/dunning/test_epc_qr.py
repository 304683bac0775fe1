"""The transfer QR code: exact payload, limits of EPC069-12, and the symbol read back module by module."""

import io
from decimal import Decimal

import pytest
from PIL import Image

from dunning.letters.epc_qr import EpcQrError, epc_payload, epc_qr, epc_qr_png, shorten
from tests.dunning.qr_reader import read_image

IBAN = "FR7630006000011234567890189"
SAMPLE = b"BCD\n002\n1\nSCT\n\nALPHA SAS\nFR7630006000011234567890189\nEUR1917.71\n\n\nFA-2026-118 CLI0042"


def read(png: bytes) -> bytes:
    return read_image(Image.open(io.BytesIO(png)))


def payload(**changes) -> bytes:
    values = {"name": "ALPHA SAS", "iban": IBAN, "amount": Decimal("10.00"), "text": "FA-1"} | changes
    return epc_payload(**values)


def test_the_payload_is_that_of_the_guideline():
    assert payload(amount=Decimal("1917.71"), text="FA-2026-118 CLI0042") == SAMPLE
    assert len(SAMPLE) == 85


def test_nothing_follows_the_last_element_used():
    assert payload(text="").endswith(b"EUR10.00")


def test_the_bic_has_its_own_line():
    assert payload(bic="AGRIFRPP").split(b"\n")[4] == b"AGRIFRPP"


def test_the_iban_is_written_without_spaces():
    assert payload(iban="FR76 3000 6000 0112 3456 7890 189").split(b"\n")[6] == IBAN.encode()


@pytest.mark.parametrize(
    ("amount", "written"), [("0.01", b"EUR0.01"), ("999999999.99", b"EUR999999999.99"), ("7", b"EUR7.00")]
)
def test_amounts_within_the_guideline(amount, written):
    assert payload(amount=Decimal(amount)).split(b"\n")[7] == written


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal("0")},
        {"amount": Decimal("-1")},
        {"amount": Decimal("1000000000")},
        {"amount": Decimal("1.001")},
        {"name": ""},
        {"name": "A" * 71},
        {"text": "x" * 141},
        {"name": "ALPHA\nSAS"},
        {"text": "un\ndeux"},
        {"iban": "FR7630006000011234567890188"},
        {"iban": ""},
        {"bic": "PAS UN BIC"},
        # Each within its own limit, but 331 bytes are passed together: é counts for two.
        {"name": "é" * 70, "text": "é" * 140},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_the_guideline_refuses(changes):
    with pytest.raises(EpcQrError):
        payload(**changes)


@pytest.mark.parametrize(
    "content",
    [
        SAMPLE,
        payload(text=""),
        payload(name="Établissements Œuvrard & Fils", bic="AGRIFRPP", text="Réf. « été » n° 12"),
        payload(name="N" * 70, text="t" * 140),
        payload(name="é" * 70, text="t" * 110, bic="AGRIFRPPXXX"),
    ],
    ids=["sample", "short", "accents", "long", "longest"],
)
def test_the_printed_symbol_reads_back_to_the_payload(content):
    assert read(epc_qr_png(content)) == content


def test_the_symbol_keeps_to_level_m_and_version_13():
    longest = payload(name="é" * 70, text="t" * 110, bic="AGRIFRPPXXX")
    code = epc_qr(longest)
    assert code.error == "M"
    assert code.version <= 13
    assert len(longest) <= 331


def test_more_than_a_version_13_symbol_holds_is_refused():
    with pytest.raises(EpcQrError):
        epc_qr(b"x" * 400)


def test_the_symbol_is_one_pixel_a_module_with_its_quiet_zone():
    image = Image.open(io.BytesIO(epc_qr_png(SAMPLE)))
    version = epc_qr(SAMPLE).version
    assert image.size == (17 + 4 * version + 8,) * 2


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        ("Court", 70, "Court"),
        ("un deux trois", 8, "un deux"),
        ("Anticonstitutionnellement", 10, "Anticonsti"),
        ("  espaces   en trop ", 70, "espaces en trop"),
    ],
)
def test_shorten_cuts_at_a_word(value, limit, expected):
    assert shorten(value, limit) == expected
