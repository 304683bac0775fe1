"""Telephone numbers as networks take them: E.164, from what people type. Pure.

Numbering plans: ITU-T E.164 and E.123; for France, ARCEP decision 2018-0881 (06 and 07 are mobile; overseas
departments have codes of their own).
"""

import re

# Country -> (code, trunk prefix dropped after it).
_PLANS = {
    "FR": ("33", "0"), "MC": ("377", ""), "BE": ("32", "0"), "LU": ("352", ""), "CH": ("41", "0"), "DE": ("49", "0"),
    "AT": ("43", "0"), "IT": ("39", ""), "ES": ("34", ""), "PT": ("351", ""), "GB": ("44", "0"), "IE": ("353", "0"),
    "NL": ("31", "0"), "DK": ("45", ""), "SE": ("46", "0"), "NO": ("47", ""), "FI": ("358", "0"), "PL": ("48", ""),
    "CZ": ("420", ""), "GP": ("590", "0"), "GF": ("594", "0"), "MQ": ("596", "0"), "RE": ("262", "0"), "YT": ("262", "0"),
}  # fmt: skip
# Mobile numbers of the overseas departments are dialled from France like any other, from abroad by their own code.
_OVERSEAS = {
    "690": "590",
    "691": "590",
    "692": "262",
    "693": "262",
    "639": "262",
    "694": "594",
    "696": "596",
    "697": "596",
}
_SIGNS = re.compile(r"[\s.\-/\u00a0\u202f\u2011\u2013()]+")


class NotAMobile(ValueError):
    """No text message can reach this number."""


def mobile_number(typed: str, country: str) -> str:
    """The E.164 form of a mobile number typed in `country` (ISO 3166), such as +33612345678. Raises NotAMobile."""
    bare = typed.strip().replace("(0)", "")
    digits = _SIGNS.sub("", bare)
    international = digits.startswith(("+", "00"))
    digits = digits.removeprefix("+") if digits.startswith("+") else digits
    if not digits.isascii() or not digits.isdigit():
        raise NotAMobile(typed)
    if international:
        number = digits.removeprefix("00")
    else:
        code, trunk = _PLANS.get(country, ("", ""))
        if not code or (trunk and not digits.startswith(trunk)):
            raise NotAMobile(typed)
        number = code + digits.removeprefix(trunk)
    if number.startswith("33"):
        number = _french(number, typed)
    if not 8 <= len(number) <= 15 or number.startswith("0"):
        raise NotAMobile(typed)
    return f"+{number}"


def _french(number: str, typed: str) -> str:
    """Nine digits after 33, the first one 6 or 7: the others are lines that take no text."""
    national = number.removeprefix("33").removeprefix("0")
    if len(national) != 9 or national[0] not in "67":
        raise NotAMobile(typed)
    return _OVERSEAS.get(national[:3], "33") + national
