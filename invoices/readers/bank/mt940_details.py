"""Field 86 of MT940: what the bank says of a movement, in the dialects in use.

Structured by `?20` codes (Germany, Austria, Poland), by tags such as `/EREF/` and `/REMI/` (Netherlands, France,
international banks), by words such as `/MOTIF` (France), or free text. Sources: Deutsche Kreditwirtschaft, « Anlage
3 der Schnittstellenspezifikation », chapter 8; MT940 guides of Dutch and French banks.
"""

import re
from collections.abc import Sequence
from typing import Any

from invoices.readers.bank.building import StatementError, exact_amount, reference
from invoices.readers.bank.return_codes import ISO_RETURNS
from invoices.readers.bank.text import return_code_in, speaks_of_return

_GERMAN = re.compile(r"\s*([0-9]{3})([?@+<>~!])(?=[0-9]{2})")
_GERMAN_KEYS = re.compile(
    r"(?<![A-Z])(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|IBAN|BIC|COAM|OAMT|RREF)(?:\+|: )"
)
_TAGS = (
    "EREF|REMI|NAME|IBAN|BIC|MARF|CSID|TRCD|TRTP|CNTP|ORDP|BENM|ULTD|ULTC|ULTB|RTRN|RREA|PREF|CREF|INST|ISDT|PURP|SVCL|"
    "OAMT|COAM|EXCH|ADDR|ID|STRD|MDAT|SVWZ|RCMT|OCMT|CHGS|CHG"
)
_TAGGED = re.compile(rf"/({_TAGS})/")
_FRENCH_TAGS = "DE|POUR|MOTIF|REFDO|REFBEN|REF|BEN|MDT|ECH|ID|EMETTEUR|LIB|RUM|CPY|NPY|RCN|LCC"
_FRENCH = re.compile(rf"(?:(?<=\s)|^)/({_FRENCH_TAGS})(?:\s|/)\s*")
_PIECE = 27
_LINE = 64
_RETURNS = frozenset({"108", "109", "111", "159", "181", "183", "184"})
_NATURES = {
    "TRANSFER": "008 020 051 052 053 054 116 117 118 119 152 153 154 155 156 157 166 168 169 191 201 202 206 208",
    "DIRECT_DEBIT": "004 005 009 104 105 171 174 177 192 193 194 195 196 197",
    "CARD": "106 107 110 188 189 190",
    "CHEQUE": "001 002 003 070 071 075 076 078 079",
    "BILL": "006 007 011 012 013 092",
    "CASH": "082 083 084",
    "CHARGES": "804 805 806 807 808 809 811 812 814 815 818 835",
}
_NATURE = {code: nature for nature, codes in _NATURES.items() for code in codes.split()}


def read_details(lines: Sequence[str]) -> dict[str, Any]:
    """The fields that the lines of a field 86 give."""
    joined = "".join(lines)
    german = _GERMAN.match(joined)
    if german is not None:
        return _finish(_german(german[1], german[2], joined[german.end() - 1 :]))
    text = _unfolded(lines)
    if _TAGGED.search(text):
        return _finish(_tagged(text))
    if len(_FRENCH.findall(text)) >= 2 or re.search(r"(?:^|\s)/MOTIF\s", text):
        return _finish(_french(text))
    fields: dict[str, Any] = {"remittance": text}
    if speaks_of_return(text) and return_code_in(text):
        fields |= {"is_return": True, "nature": "RETURN"}
    return _finish(fields)


def _unfolded(lines: Sequence[str]) -> str:
    """The lines as one: a full line goes on in the next one, a shorter one ended with a word."""
    text = ""
    for line in lines:
        text += line if len(line) >= _LINE else line.rstrip() + "\n"
    return " ".join(text.split("\n")).strip()


def _german(code: str, mark: str, body: str) -> dict[str, Any]:
    pieces: dict[str, str] = {}
    purpose: list[str] = []
    for part in re.split(re.escape(mark) + r"(?=[0-9]{2})", body)[1:]:
        number, value = part[:2], part[2:]
        if "20" <= number <= "29" or "60" <= number <= "63":
            purpose.append(value)
        else:
            pieces[number] = pieces.get(number, "") + value
    fields: dict[str, Any] = {"bank_code": code, "nature": _NATURE.get(code, "")}
    account = pieces.get("38") or pieces.get("31", "")
    fields["counterparty_iban"] = "".join(account.split())
    fields["counterparty_name"] = (pieces.get("32", "") + pieces.get("33", "")).strip()
    text = ""
    for piece in purpose:
        text += piece if len(piece) >= _PIECE else piece + " "
    fields |= _german_purpose(text)
    if not fields.get("remittance"):
        fields["remittance"] = pieces.get("00", "")
    if code in _RETURNS:
        fields |= {"is_return": True, "nature": "RETURN", "return_code": pieces.get("34", "").strip()[:10]}
    return fields


def _german_purpose(text: str) -> dict[str, Any]:
    """`EREF+… MREF+… SVWZ+…`; a text without these keys is the remittance."""
    parts = _GERMAN_KEYS.split(text)
    fields: dict[str, Any] = {"remittance": parts[0].strip()}
    for key, value in zip(parts[1::2], parts[2::2], strict=True):
        value = value.strip()
        if not value:
            continue
        match key:
            case "EREF":
                fields["end_to_end_id"] = reference(value)
            case "MREF":
                fields["mandate_reference"] = reference("".join(value.split()))
            case "SVWZ":
                fields["remittance"] = f"{fields['remittance']} {value}".strip()
            case "ABWA" | "ABWE":
                fields["ultimate_name"] = value
            case "IBAN":
                fields.setdefault("counterparty_iban", "".join(value.split()))
            case "RREF":
                fields["returned_reference"] = reference(value)
            case "COAM" | "OAMT":
                fields |= _amount_field("charges" if key == "COAM" else "original", value)
    return fields


def _tagged(text: str) -> dict[str, Any]:
    parts = _TAGGED.split(text)
    fields: dict[str, Any] = {"remittance": parts[0].strip(" /")}
    role = ""
    for key, value in zip(parts[1::2], parts[2::2], strict=True):
        value = value.strip().strip("/").strip()
        match key:
            case "ORDP" | "BENM" | "ULTD" | "ULTC" | "ULTB":
                role = key
                if value and not value.startswith("/"):
                    _name(fields, role, value)
            case "NAME":
                _name(fields, role, value)
            case "IBAN":
                fields.setdefault("counterparty_iban", "".join(value.split()))
            case "CNTP":
                _counterparty(fields, value)
            case "EREF" | "CREF":
                if reference(value):
                    fields.setdefault("end_to_end_id", reference(value))
            case "MARF":
                fields["mandate_reference"] = reference(value)
            case "REMI" | "SVWZ":
                fields["remittance"] = f"{fields['remittance']} {_remittance(fields, value)}".strip()
            case "STRD":
                _structured(fields, value)
            case "RTRN" | "RREA":
                fields |= {"is_return": True, "nature": "RETURN"}
                fields.setdefault("return_code", return_code_in(value) or value[:10])
            case "OCMT" | "OAMT":
                fields |= _amount_field("original", value)
            case "CHGS" | "CHG" | "COAM":
                fields |= _amount_field("charges", value)
    return fields


def _name(fields: dict[str, Any], role: str, value: str) -> None:
    if role.startswith("ULT"):
        fields.setdefault("ultimate_name", value)
    else:
        fields.setdefault("counterparty_name", value)


def _counterparty(fields: dict[str, Any], value: str) -> None:
    """`account/BIC/name/town`, as a large Dutch bank writes it."""
    parts = [part.strip() for part in value.split("/")]
    if parts and parts[0]:
        fields.setdefault("counterparty_iban", "".join(parts[0].split()))
    if len(parts) > 2 and parts[2]:
        fields.setdefault("counterparty_name", parts[2])


def _remittance(fields: dict[str, Any], value: str) -> str:
    """`USTD//text`, `STRD/CUR/reference`, or plain text."""
    if value.startswith("USTD"):
        return value[4:].strip("/").strip()
    if value.startswith("STRD"):
        _structured(fields, value[4:])
        return ""
    return value


def _structured(fields: dict[str, Any], value: str) -> None:
    parts = [part.strip() for part in value.split("/") if part.strip() and part.strip() not in ("CUR", "ISO")]
    if parts:
        fields.setdefault("structured_reference", reference(parts[-1]))


def _french(text: str) -> dict[str, Any]:
    """`VIR SEPA RECU /DE DUPONT /MOTIF FACT 123 /REF …`."""
    parts = _FRENCH.split(text)
    label = parts[0].strip()
    fields: dict[str, Any] = {}
    motives: list[str] = []
    for key, value in zip(parts[1::2], parts[2::2], strict=True):
        value = value.strip()
        match key:
            case "DE" | "EMETTEUR" | "NPY" | "POUR" | "BEN":
                fields.setdefault("counterparty_name", value)
            case "MOTIF" | "LIB" | "LCC":
                motives.append(value)
            case "REF" | "REFDO" | "RCN":
                if reference(value):
                    fields.setdefault("end_to_end_id", reference(value))
            case "MDT" | "RUM":
                fields["mandate_reference"] = reference(value)
    fields["remittance"] = " ".join(motive for motive in motives if motive) or label
    if speaks_of_return(label):
        fields |= {"is_return": True, "nature": "RETURN"}
    return fields


def _amount_field(prefix: str, value: str) -> dict[str, Any]:
    """`EUR12,50`, or an amount alone; what cannot be read is left out, it moves nothing."""
    found = re.match(r"([A-Z]{3})? ?([0-9]+(?:[.,][0-9]*)?)", value)
    if found is None:
        return {}
    try:
        amount = exact_amount(found[2])
    except StatementError:
        return {}
    if prefix == "charges":
        return {"charges_amount": amount} if amount else {}
    return {"original_amount": amount, "original_currency": found[1]} if found[1] else {}


def _finish(fields: dict[str, Any]) -> dict[str, Any]:
    if fields.get("is_return"):
        code = fields.get("return_code", "")
        if code not in ISO_RETURNS:
            code = return_code_in(fields.get("remittance", "")) or code
        fields["return_code"] = code
        fields["return_reason"] = ISO_RETURNS.get(code, "")
        fields["returned_end_to_end_id"] = fields.get("end_to_end_id", "")
    return {name: value for name, value in fields.items() if value}
