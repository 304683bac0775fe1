"""Identifiers of companies and accounts: checked, cleaned and written. Pure; validity is of form, not existence.

Sources: SIREN and SIRET (Code de commerce R123-221; Luhn key, La Poste's establishments excepted), French VAT
key (97 less modulo), EU VAT numbers as VIES lists them, IBAN (ISO 13616) with the French RIB key, BIC (ISO 9362),
creditor reference (ISO 11649), NAF (two digits, two digits, one letter).

Every `clean_…` takes what people type (spaces, dots, no-break spaces) and returns the compact form, or raises
IdentifierError whose message says what is wrong and what to do.
"""

import re
from collections.abc import Callable

from django.utils.translation import gettext as _
from stdnum import bic as stdnum_bic
from stdnum import iban as stdnum_iban
from stdnum import iso11649, luhn
from stdnum.ch import uid as swiss_uid
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.fr import siret as stdnum_siret
from stdnum.gb import vat as british_vat

from core.money import NARROW_NBSP, NBSP

_SEPARATORS = re.compile(r"[\s.\-\u2010-\u2015_/]+")
_DIGITS = re.compile("[0-9]*")
_RIB_LETTERS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789")
_NAF = re.compile("[0-9]{4}[A-Z]")
_REFERENCE = re.compile("[0-9A-Z]{1,21}")

# Prefix of the VAT number by ISO country, where they differ; XI is Northern Ireland.
_VAT_PREFIXES = {"GR": "EL"}
_EU_COUNTRIES = frozenset(code.upper() for code in eu_vat.MEMBER_STATES - {"xi"}) | {"MC"}


class IdentifierError(ValueError):
    """A text is not the identifier that was asked for; the message says why and what to do."""


def compact(text: str) -> str:
    """The text in capitals without the spaces, dots, dashes and strokes that only make it readable."""
    return _SEPARATORS.sub("", text).upper()


def clean_siren(text: str) -> str:
    """The nine digits of a SIREN. Raises IdentifierError."""
    number = compact(text)
    _check_digits(number, 9, "SIREN", text)
    if number == "000000000" or not luhn.is_valid(number):
        raise IdentifierError(
            _("Le SIREN « %(text)s » n’existe pas : sa clé de contrôle est fausse. Vérifiez chaque chiffre.")
            % {"text": text.strip()}
        )
    return number


def clean_siret(text: str, siren: str = "") -> str:
    """The fourteen digits of a SIRET, which must begin with `siren` when it is given. Raises IdentifierError.

    The establishments of La Poste (356 000 000) have a sum of digits that is a multiple of five instead of a Luhn key.
    """
    number = compact(text)
    _check_digits(number, 14, "SIRET", text)
    if not stdnum_siret.is_valid(number) or number.startswith("000000000"):
        raise IdentifierError(
            _("Le SIRET « %(text)s » n’existe pas : sa clé de contrôle est fausse. Vérifiez chaque chiffre.")
            % {"text": text.strip()}
        )
    if siren and not number.startswith(siren):
        raise IdentifierError(
            _(
                "Le SIRET « %(text)s » n’est pas un établissement du SIREN %(siren)s : "
                "il doit commencer par ces neuf chiffres. Corrigez l’un ou l’autre."
            )
            % {"text": text.strip(), "siren": format_siren(siren)}
        )
    return number


def french_vat_number(siren: str) -> str:
    """The VAT number that follows from a SIREN: FR, the key (SIREN followed by 12, modulo 97), the SIREN."""
    number = clean_siren(siren)
    return f"FR{int(number + '12') % 97:02d}{number}"


def siren_of_vat(vat_number: str) -> str:
    """The SIREN inside a French VAT number; empty for a foreign or Monegasque one (which has no SIREN)."""
    if not vat_number.startswith("FR") or vat_number[4:7] == "000":
        return ""
    return vat_number[4:]


def clean_vat_number(text: str, country: str = "", siren: str = "") -> str:
    """A VAT number with its country prefix, as VIES writes it. Raises IdentifierError.

    `country` (ISO 3166) completes a number typed without prefix and must agree with the prefix; `siren` must be
    the SIREN of a French number. Outside the Union the British and Swiss numbers are checked, others kept as typed.
    """
    number = compact(text)
    if not number:
        raise IdentifierError(_("Le numéro de TVA est vide."))
    _check_ascii(number, text)
    expected = _vat_prefix(country)
    if expected and number[:2].isdigit():
        number = expected + number
    prefix = number[:2]
    if country and expected and prefix not in _accepted_prefixes(country):
        raise IdentifierError(
            _(
                "Le numéro de TVA « %(text)s » ne commence pas par %(prefix)s, le préfixe du pays %(country)s. "
                "Corrigez le numéro ou le pays."
            )
            % {"text": text.strip(), "prefix": expected, "country": country}
        )
    checked = _checked_vat(number, text)
    if siren and siren_of_vat(checked) not in ("", siren):
        raise IdentifierError(
            _(
                "Le numéro de TVA « %(text)s » est celui d’un autre SIREN. Celui du SIREN %(siren)s est %(vat)s."
            )
            % {"text": text.strip(), "siren": format_siren(siren), "vat": french_vat_number(siren)}
        )
    return checked


def clean_iban(text: str) -> str:
    """An IBAN without spaces, its French RIB key checked too. Raises IdentifierError."""
    number = compact(text)
    _check_not_empty(number, "IBAN")
    _check_ascii(number, text)
    try:
        # Without its list of Belgian and other banks: form is checked here, not existence.
        stdnum_iban.validate(number, check_country=False)
    except InvalidChecksum as error:
        raise IdentifierError(
            _("L’IBAN « %(text)s » n’existe pas : sa clé de contrôle est fausse. Recopiez-le depuis le RIB.")
            % {"text": text.strip()}
        ) from error
    except ValidationError as error:
        raise IdentifierError(
            _(
                "« %(text)s » n’est pas un IBAN : deux lettres de pays, deux chiffres, puis le compte (27 caractères "
                "en France). Recopiez-le depuis le RIB."
            )
            % {"text": text.strip()}
        ) from error
    if number[:2] in ("FR", "MC") and rib_key(number[4:9], number[9:14], number[14:25]) != number[25:]:
        raise IdentifierError(
            _("La clé RIB de l’IBAN « %(text)s » est fausse. Recopiez-le depuis le RIB.")
            % {"text": text.strip()}
        )
    return number


def rib_key(bank: str, branch: str, account: str) -> str:
    """The two digits that end a French account number: 97 - (89 bank + 15 branch + 3 account) modulo 97."""
    figures = [int(part.upper().translate(_RIB_LETTERS)) for part in (bank, branch, account)]
    return f"{97 - (89 * figures[0] + 15 * figures[1] + 3 * figures[2]) % 97:02d}"


def french_iban(bank: str, branch: str, account: str) -> str:
    """The IBAN of a French account: bank and branch codes of five digits, account of eleven characters."""
    bban = f"{bank}{branch}{account}".upper() + rib_key(bank, branch, account)
    return f"FR{stdnum_iban.calc_check_digits('FR00' + bban)}{bban}"


def clean_bic(text: str) -> str:
    """A BIC of eight or eleven characters. Raises IdentifierError."""
    number = compact(text)
    _check_not_empty(number, "BIC")
    _check_ascii(number, text)
    if not stdnum_bic.is_valid(number):
        raise IdentifierError(
            _(
                "« %(text)s » n’est pas un BIC : quatre lettres pour la banque, deux pour le pays, deux caractères, "
                "et parfois trois pour l’agence (8 ou 11 en tout)."
            )
            % {"text": text.strip()}
        )
    return number


def creditor_reference(text: str) -> str:
    """The ISO 11649 reference of a document number: FA2026118 gives RF53FA2026118. Raises IdentifierError."""
    number = compact(text)
    if not _REFERENCE.fullmatch(number):
        raise IdentifierError(
            _("« %(text)s » ne peut pas devenir une référence RF : 1 à 21 lettres sans accent ou chiffres.")
            % {"text": text.strip()}
        )
    key = 98 - int("".join(str(int(character, 36)) for character in number + "RF00")) % 97
    return f"RF{key:02d}{number}"


def clean_creditor_reference(text: str) -> str:
    """An ISO 11649 reference (RF…) without spaces. Raises IdentifierError."""
    number = compact(text)
    if not number.isascii() or not iso11649.is_valid(number):
        raise IdentifierError(
            _("« %(text)s » n’est pas une référence RF valable : recopiez-la en entier, RF compris.")
            % {"text": text.strip()}
        )
    return number


def clean_naf(text: str) -> str:
    """A NAF code written 46.73A. Raises IdentifierError."""
    number = compact(text)
    if not _NAF.fullmatch(number):
        raise IdentifierError(
            _("« %(text)s » n’est pas un code NAF : quatre chiffres et une lettre, par exemple 46.73A.")
            % {"text": text.strip()}
        )
    return f"{number[:2]}.{number[2:]}"


def clean_foreign_id(text: str, country: str) -> str:
    """A company number of another country. The Swiss one (IDE) is checked, others are kept as typed."""
    if country == "CH" and compact(text).startswith("CHE"):
        return _swiss(compact(text), text)
    return " ".join(text.split())


def format_siren(siren: str) -> str:
    """« 732 829 320 », narrow no-break spaces between groups."""
    return NARROW_NBSP.join((siren[:3], siren[3:6], siren[6:]))


def format_siret(siret: str) -> str:
    """« 732 829 320 00074 »."""
    return f"{format_siren(siret[:9])}{NARROW_NBSP}{siret[9:]}"


def format_iban(iban: str) -> str:
    """The IBAN in groups of four, no-break spaces between them."""
    return NBSP.join(iban[start : start + 4] for start in range(0, len(iban), 4))


def format_rcs(city: str, siren: str) -> str:
    """« RCS Lyon 732 829 320 » (C. com. R123-237)."""
    return f"RCS{NBSP}{city.strip().replace(' ', NBSP)}{NBSP}{format_siren(siren)}"


def _check_not_empty(number: str, name: str) -> None:
    if not number:
        raise IdentifierError(_("Le champ %(name)s est vide.") % {"name": name})


def _check_ascii(number: str, text: str) -> None:
    """python-stdnum forgives digits of other alphabets; what we keep must be plain."""
    if not number.isascii() or not number.isalnum():
        raise IdentifierError(
            _("« %(text)s » contient autre chose que des lettres sans accent et des chiffres.")
            % {"text": text.strip()}
        )


def _check_digits(number: str, length: int, name: str, text: str) -> None:
    _check_not_empty(number, name)
    if not _DIGITS.fullmatch(number):
        raise IdentifierError(
            _("Le %(name)s « %(text)s » contient autre chose que des chiffres : il en compte %(length)d.")
            % {"name": name, "text": text.strip(), "length": length}
        )
    if len(number) != length:
        raise IdentifierError(
            _("Le %(name)s « %(text)s » compte %(count)d chiffres au lieu de %(length)d.")
            % {"name": name, "text": text.strip(), "count": len(number), "length": length}
        )


def _vat_prefix(country: str) -> str:
    """The prefix VAT numbers of a country take; empty when none is known."""
    if country in ("CH", "LI"):
        return "CHE"
    if country == "GB":
        return "GB"
    if country == "MC":
        return "FR"
    return _VAT_PREFIXES.get(country, country) if country in _EU_COUNTRIES else ""


def _accepted_prefixes(country: str) -> tuple[str, ...]:
    return (_vat_prefix(country)[:2], "XI") if country == "GB" else (_vat_prefix(country)[:2],)


def _swiss(number: str, text: str) -> str:
    bare = re.sub("(TVA|MWST|IVA)$", "", number)
    _check_ascii(bare, text)
    return _stdnum(swiss_uid.validate, bare, text)


def _checked_vat(number: str, text: str) -> str:
    if number.startswith("CHE"):
        return _swiss(number, text)
    prefix = number[:2]
    if prefix == "GB":
        return "GB" + _stdnum(british_vat.validate, number[2:], text)
    if prefix == "XI":
        return "XI" + _stdnum(british_vat.validate, number[2:], text)
    if prefix == "EL" or (prefix in _EU_COUNTRIES and prefix not in ("GR", "MC")):
        return _stdnum(eu_vat.validate, number, text)
    if not 4 <= len(number) <= 20:
        raise IdentifierError(
            _("« %(text)s » n’est pas un numéro de TVA : préfixe du pays, puis 2 à 18 lettres et chiffres.")
            % {"text": text.strip()}
        )
    return number


def _stdnum(validate: Callable[[str], str], number: str, text: str) -> str:
    try:
        return validate(number)
    except InvalidChecksum as error:
        raise IdentifierError(
            _(
                "Le numéro « %(text)s » n’existe pas : sa clé de contrôle est fausse. Vérifiez chaque caractère."
            )
            % {"text": text.strip()}
        ) from error
    except ValidationError as error:
        raise IdentifierError(
            _(
                "« %(text)s » n’a pas la forme des numéros %(prefix)s. Recopiez-le depuis une facture du client."
            )
            % {"text": text.strip(), "prefix": number[:2]}
        ) from error
