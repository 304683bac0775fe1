"""Files of the bank written field by field, for the tests of their readers."""

import io
from decimal import Decimal
from typing import Any

from invoices.readers.bank.model import BankReading, ReadLine, ReadStatement
from invoices.readers.bank.reading import read_bank
from invoices.readers.errors import UnreadableFile

IBAN = "FR7630006000011234567890189"


def reading(content: bytes | str, **options: str) -> BankReading:
    return read_bank(io.BytesIO(content.encode() if isinstance(content, str) else content), options)


def statement(content: bytes | str, **options: str) -> ReadStatement:
    """The only statement of a file."""
    (found,) = reading(content, **options).statements
    return found


def lines(content: bytes | str, **options: str) -> list[ReadLine]:
    return list(statement(content, **options).lines)


def line(content: bytes | str, **options: str) -> ReadLine:
    """The only line of a file."""
    (found,) = lines(content, **options)
    return found


def refusal(content: bytes | str, **options: str) -> tuple[str, dict[str, Any]]:
    """Why the whole file is refused: the code and what is said with it."""
    try:
        reading(content, **options)
    except UnreadableFile as error:
        return error.code, error.params
    raise AssertionError("the file was read")


def camt_entry(
    amount: str = "100.00",
    side: str = "CRDT",
    *,
    currency: str = "EUR",
    status: str = "<Sts>BOOK</Sts>",
    day: str = "<BookgDt><Dt>2026-11-20</Dt></BookgDt>",
    code: str = "PMNT/RCDT/ESCT",
    details: str = "",
    more: str = "",
) -> str:
    domain, family, sub = code.split("/")
    return (
        f'<Ntry><NtryRef>N1</NtryRef><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{status}{day}'
        f"<ValDt><Dt>2026-11-20</Dt></ValDt><AcctSvcrRef>B1</AcctSvcrRef><BkTxCd><Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd>"
        f"<SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn></BkTxCd>{more}{details}</Ntry>"
    )


def camt_balance(kind: str, amount: str, side: str = "CRDT", day: str = "2026-11-20") -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def camt(
    *entries: str,
    kind: str = "053",
    version: str = "02",
    opening: str = "0.00",
    closing: str | None = None,
    balances: str | None = None,
    prefix: str = "",
    namespace: str | None = None,
    account: str = f"<IBAN>{IBAN}</IBAN>",
) -> str:
    """A CAMT message; without `closing`, the one that its first entry gives."""
    root, body = {"052": ("BkToCstmrAcctRpt", "Rpt"), "053": ("BkToCstmrStmt", "Stmt"), "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn")}[kind]  # fmt: skip
    if balances is None:
        balances = camt_balance("OPBD", opening) + camt_balance(
            "CLBD", closing if closing is not None else "100.00"
        )
    if kind == "054":
        balances = ""
    if namespace is None:
        namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}"
    text = (
        f"<Document><{root}><GrpHdr><MsgId>M</MsgId></GrpHdr><{body}><Id>S1</Id><ElctrncSeqNb>7</ElctrncSeqNb>"
        f"<Acct><Id>{account}</Id><Ccy>EUR</Ccy></Acct>{balances}{''.join(entries)}</{body}></{root}></Document>"
    )
    if prefix:
        text = (
            text.replace("</", f"</{prefix}:")
            .replace("<", f"<{prefix}:")
            .replace(f"<{prefix}:/{prefix}:", f"</{prefix}:")
        )
    attribute = f' xmlns{":" + prefix if prefix else ""}="{namespace}"' if namespace else ""
    return '<?xml version="1.0" encoding="UTF-8"?>' + text.replace("Document>", f"Document{attribute}>", 1)


def cfonb_amount(amount: str | Decimal, decimals: int = 2) -> str:
    """Fourteen characters, the last one carrying the sign."""
    scaled = int(Decimal(amount).scaleb(decimals))
    digits = f"{abs(scaled):014d}"
    return digits[:-1] + ("{ABCDEFGHI" if scaled >= 0 else "}JKLMNOPQR")[int(digits[-1])]


def cfonb_record(
    code: str,
    *,
    day: str = "201126",
    amount: str | Decimal | None = None,
    operation: str = "05",
    label: str = "",
    reason: str = "  ",
    value_day: str = "201126",
    reference: str = "",
    qualifier: str = "",
    text: str = "",
    account: str = "12345678901",
    currency: str = "EUR",
    decimals: str = "2",
) -> str:
    """One record of 120 characters."""
    head = f"{code}30006    00001{currency}{decimals} {account}"
    if code == "05":
        return f"{head}{operation}{day}     {qualifier}{text}".ljust(120)
    if code == "04":
        body = f"{head}{operation}{day}{reason}{value_day}{label}".ljust(90)
        return (body + cfonb_amount(amount or "0", int(decimals or 2)) + reference).ljust(120)
    return (f"{head}  {day}".ljust(90) + cfonb_amount(amount or "0", int(decimals or 2))).ljust(120)


def cfonb(
    *movements: str, opening: str = "0.00", closing: str = "100.00", end: str = "\r\n", **head: str
) -> str:
    """One statement around the movements."""
    return end.join(
        [
            cfonb_record("01", day="191126", amount=opening, **head),
            *movements,
            cfonb_record("07", amount=closing, **head),
            "",
        ]
    )
