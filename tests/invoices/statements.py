"""Files of a bank for tests: the same movements as CAMT.053, CAMT.054, MT940, MT942 or CSV."""

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.models import BankAccount, BankFile
from invoices.operations.bank_accounts import create_bank_account
from invoices.operations.bank_files import accept_bank_file, read_bank_file, receive_bank_file

IBAN = "FR7630006000011234567890189"
OTHER_IBAN = "FR7615589000009876543210088"
DAY = date(2026, 11, 20)
TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Move:
    """A movement of a day: `reference` is the bank's own, `end_to_end` the payer's."""

    amount: str
    text: str = "FACTURE FA0001"
    reference: str = ""
    end_to_end: str = ""
    payer: str = ""
    payer_iban: str = ""
    is_return: bool = False
    is_charge: bool = False
    day: date = DAY


def camt(
    *moves: Move | tuple[Move, ...],
    kind: str = "053",
    iban: str = IBAN,
    opening: str | None = "1000.00",
    closing: str | None = None,
    day: date = DAY,
    currency: str = "EUR",
    number: str = "1",
) -> bytes:
    """One CAMT statement or notice. A tuple of movements is a booking given by its transactions."""
    root, body = {
        "052": ("BkToCstmrAcctRpt", "Rpt"), "053": ("BkToCstmrStmt", "Stmt"), "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
    }[kind]  # fmt: skip
    entries = [move if isinstance(move, tuple) else (move,) for move in moves]
    total = sum((Decimal(move.amount) for entry in entries for move in entry), Decimal(0))
    balances = ""
    if opening is not None and kind != "054":
        end = closing if closing is not None else str(Decimal(opening) + total)
        balances = _balance("OPBD", opening, day, currency) + _balance("CLBD", end, day, currency)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.02"><{root}>'
        f"<GrpHdr><MsgId>M{number}</MsgId><CreDtTm>{day}T18:00:00</CreDtTm></GrpHdr>"
        f"<{body}><Id>S{kind}-{number}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb><CreDtTm>{day}T18:00:00</CreDtTm>"
        f"<FrToDt><FrDtTm>{day}T00:00:00</FrDtTm><ToDtTm>{day}T23:59:59</ToDtTm></FrToDt>"
        f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>{currency}</Ccy></Acct>{balances}"
        f"{''.join(_entry(entry, currency) for entry in entries)}</{body}></{root}></Document>"
    ).encode()


def mt940(
    *moves: Move,
    iban: str = IBAN,
    opening: str = "1000.00",
    closing: str | None = None,
    day: date = DAY,
    number: str = "1",
    kind: str = "940",
) -> bytes:
    """One MT940 or MT942 message."""
    total = sum((Decimal(move.amount) for move in moves), Decimal(0))
    end = closing if closing is not None else str(Decimal(opening) + total)
    lines = [f":20:REF{number}", f":25:{iban}", f":28C:{number}/1"]
    if kind == "940":
        lines.append(f":60F:{_mt_balance(opening, day)}")
    else:
        lines += [":34F:EURD0,00", f":13D:{day:%y%m%d}1200+0100"]
    for move in moves:
        amount = Decimal(move.amount)
        sign = "C" if amount > 0 else "D"
        lines.append(
            f":61:{move.day:%y%m%d}{move.day:%m%d}{sign}{_comma(abs(amount))}NTRF{move.end_to_end or 'NONREF'}"
            + (f"//{move.reference}" if move.reference else "")
        )
        lines.append(f":86:{move.text}")
    if kind == "940":
        lines.append(f":62F:{_mt_balance(end, day)}")
    return "\r\n".join([*lines, "-", ""]).encode()


def csv_export(*moves: Move) -> bytes:
    """A bank's CSV export: it names no account."""
    rows = [f"{move.day:%d/%m/%Y};{move.text};{move.amount.replace('.', ',')}" for move in moves]
    return "\r\n".join(["Date;Libellé;Montant", *rows, ""]).encode("cp1252")


def make_account(entity: LegalEntity, iban: str = IBAN, **fields: Any) -> BankAccount:
    return create_bank_account(
        actor=SYSTEM, entity=entity, **({"name": "BNP courant", "iban": iban, "now": NOW} | fields)
    )


def received(entity: LegalEntity, content: bytes, **fields: Any) -> BankFile:
    """A file that waits to be read."""
    return receive_bank_file(
        **(
            {"actor": SYSTEM, "entity": entity, "file": io.BytesIO(content), "name": "releve.xml", "now": NOW}
            | fields
        )
    )


def previewed(entity: LegalEntity, content: bytes, **fields: Any) -> BankFile:
    """A file that was read."""
    bank_file = received(entity, content, **fields)
    assert read_bank_file(bank_file_id=bank_file.pk, now=NOW)
    bank_file.refresh_from_db()
    return bank_file


def accepted(entity: LegalEntity, content: bytes, **fields: Any) -> BankFile:
    """A file whose lines are at work."""
    return accept_bank_file(
        actor=SYSTEM, bank_file=previewed(entity, content, **fields), today=TODAY, now=NOW
    )


def _balance(code: str, amount: str, day: date, currency: str) -> str:
    side = "CRDT" if Decimal(amount) >= 0 else "DBIT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{abs(Decimal(amount))}</Amt><CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>'
    )


def _entry(moves: tuple[Move, ...], currency: str) -> str:
    total = sum(Decimal(move.amount) for move in moves)
    first = moves[0]
    family = "CHRG" if first.is_charge else "ESCT"
    return (
        f'<Ntry><Amt Ccy="{currency}">{abs(total)}</Amt><CdtDbtInd>{"CRDT" if total > 0 else "DBIT"}</CdtDbtInd>'
        + ("<RvslInd>true</RvslInd>" if first.is_return else "")
        + f"<Sts>BOOK</Sts><BookgDt><Dt>{first.day}</Dt></BookgDt><ValDt><Dt>{first.day}</Dt></ValDt>"
        + (f"<AcctSvcrRef>{first.reference}</AcctSvcrRef>" if first.reference else "")
        + f"<BkTxCd><Domn><Cd>{'ACMT' if first.is_charge else 'PMNT'}</Cd><Fmly><Cd>{'MDOP' if first.is_charge else 'RCDT'}</Cd>"
        f"<SubFmlyCd>{family}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls>{''.join(_details(move, currency, len(moves) > 1) for move in moves)}</NtryDtls></Ntry>"
    )


def _details(move: Move, currency: str, with_amount: bool) -> str:
    amount = Decimal(move.amount)
    party, account = ("Dbtr", "DbtrAcct") if amount > 0 else ("Cdtr", "CdtrAcct")
    return (
        "<TxDtls><Refs>"
        + (
            f"<EndToEndId>{move.end_to_end}</EndToEndId>"
            if move.end_to_end
            else "<EndToEndId>NOTPROVIDED</EndToEndId>"
        )
        + "</Refs>"
        + (
            f'<AmtDtls><TxAmt><Amt Ccy="{currency}">{abs(amount)}</Amt></TxAmt></AmtDtls>'
            if with_amount
            else ""
        )
        + "<RltdPties>"
        + (f"<{party}><Nm>{move.payer}</Nm></{party}>" if move.payer else "")
        + (f"<{account}><Id><IBAN>{move.payer_iban}</IBAN></Id></{account}>" if move.payer_iban else "")
        + f"</RltdPties><RmtInf><Ustrd>{move.text}</Ustrd></RmtInf></TxDtls>"
    )


def _mt_balance(amount: str, day: date) -> str:
    return f"{'C' if Decimal(amount) >= 0 else 'D'}{day:%y%m%d}EUR{_comma(abs(Decimal(amount)))}"


def _comma(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")
