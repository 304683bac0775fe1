"""What a mail server's answer says of an address: the codes of RFC 3463 and 5248. Pure."""

import re

# The address is wrong or gone: subjects 1 (addressing) and 2 (mailbox) that time does not mend.
_ADDRESS_FAULTS = {"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_BASIC = re.compile(r"^\s*([245]\d\d)\b")
_NO_SUCH_USER = re.compile(
    r"user unknown|unknown user|no such (?:user|mailbox|recipient|address)|mailbox (?:not found|unavailable)"
    r"|does(?: not|n't) exist|recipient (?:rejected|not found|unknown)|invalid recipient|unknown recipient"
    r"|account (?:disabled|closed)|adresse (?:inconnue|inexistante)|destinataire inconnu|utilisateur inconnu",
    re.IGNORECASE,
)


def enhanced_code(text: str) -> str:
    """The first code such as 5.1.1 in a text; empty when there is none."""
    found = _ENHANCED.search(text[:2_000])
    return found.group(0) if found else ""


def basic_code(text: str) -> str:
    """The three digits that an answer begins with; empty when it does not."""
    found = _BASIC.match(text[:20])
    return found.group(1) if found else ""


def is_address_fault(answer: str) -> bool:
    """Whether a refusal is of the address itself, for good: not of the message, its sender or the hour."""
    code = enhanced_code(answer)
    if code:
        return code in _ADDRESS_FAULTS
    return basic_code(answer) in ("550", "551", "553", "556") and says_no_such_user(answer)


def says_no_such_user(text: str) -> bool:
    """Whether words say that nobody has this address."""
    return _NO_SUCH_USER.search(text[:20_000]) is not None
