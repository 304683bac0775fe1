"""Numbers that look right and belong to nobody, as far as this can be known from the numbers alone.

- SIREN: 699 000 000 to 699 999 999, key of Luhn right. Numbers beginning with 6 were only given before 1973, when
  the third figure told the place of registration; we know of none in this range. INSEE publishes no range for
  tests, so only a look-up in Sirene could prove it for one number.
- IBAN: bank code 99999, which no French bank holds; a transfer to it is refused by the first bank.
- VAT abroad: check digits right, in parts of each country's numbers that are not given out (Belgium 19…, Germany
  99…, Spain province 69, Italy 99…, United Kingdom 99…, Switzerland CHE-9…).
- Telephone: the numbers that the French plan keeps for works of fiction (01 99 00, 02 61 91, 03 53 01, 04 65 71,
  05 36 49, 06 39 98). E-mail: the domain `.example`, which resolves nowhere (RFC 2606).
"""

from random import Random

from stdnum import luhn
from stdnum.ch import uid as swiss_uid
from stdnum.es import cif
from stdnum.gb import vat as british_vat
from stdnum.iso7064 import mod_11_10

from customers.identifiers import french_iban, french_vat_number

SIREN_PREFIX = "699"
BANK_CODE = "99999"
PHONE_PREFIXES = ("01 99 00", "02 61 91", "03 53 01", "04 65 71", "05 36 49")
MAIL_DOMAIN = "example"

# 100,000 SIRENs stand in the range; this step visits all of them in an order that does not look like counting.
_STEP = 61_463
_RANGE = 100_000


def siren(index: int, seed: int) -> str:
    """The SIREN of the `index`th French entity or customer. Distinct for the first 100,000."""
    stem = f"{SIREN_PREFIX}{(seed * 7_919 + index * _STEP) % _RANGE:05d}"
    return stem + luhn.calc_check_digit(stem)


def siret(siren_number: str, establishment: int) -> str:
    """The SIRET of an establishment (1 = the first one)."""
    stem = f"{siren_number}{establishment:04d}"
    return stem + luhn.calc_check_digit(stem)


def vat(siren_number: str) -> str:
    return french_vat_number(siren_number)


def iban(account: int) -> str:
    """The IBAN of a creditor's account at a bank that does not exist."""
    return french_iban(BANK_CODE, "00001", f"{account:011d}")


def phone(rng: Random) -> str:
    return f"{rng.choice(PHONE_PREFIXES)} {rng.randrange(100):02d} {rng.randrange(100):02d}"


def foreign_numbers(country: str, rng: Random) -> tuple[str, str]:
    """A VAT number and a company number of BE, DE, ES, IT, GB or CH, in their written form."""
    six = f"{rng.randrange(1_000_000):06d}"
    if country == "BE":
        stem = f"19{six}"
        number = f"{stem}{97 - int(stem) % 97:02d}"
        return f"BE{number}", f"BCE {number[:4]}.{number[4:7]}.{number[7:]}"
    if country == "DE":
        stem = f"99{six}"
        return f"DE{stem}{mod_11_10.calc_check_digit(stem)}", f"HRB {rng.randrange(1000, 99999)}"
    if country == "ES":
        stem = f"B69{six[:5]}"
        number = stem + cif.calc_check_digits(stem)[0]
        return f"ES{number}", number
    if country == "IT":
        stem = f"99{six[:5]}100"
        number = stem + luhn.calc_check_digit(stem)
        return f"IT{number}", f"REA {rng.randrange(100_000, 999_999)}"
    if country == "GB":
        stem = f"99{six[:5]}"
        key = next(key for key in range(97) if british_vat.checksum(f"{stem}{key:02d}") % 97 == 0)
        return f"GB{stem}{key:02d}", f"Company No. 99{six}"
    for last in range(10):
        stem = f"9{six}{last}"
        key = swiss_uid.calc_check_digit(stem)
        if key != "10":
            return f"CHE{stem}{key}", f"CHE-{stem[:3]}.{stem[3:6]}.{stem[6:]}{key}"
    raise AssertionError("one of ten consecutive Swiss numbers has a key")
