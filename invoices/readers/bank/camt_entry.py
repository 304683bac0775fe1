"""One booked entry of a CAMT message: one line, or one per transaction when the bank itemises it exactly."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from invoices.readers.bank.building import StatementError, money, reference
from invoices.readers.bank.camt_xml import Node, account_of, amount_of, child, children, day_of, text
from invoices.readers.bank.return_codes import ISO_RETURNS

# ISO 20022 bank transaction codes: family -> nature, and the sub-families that bring a payment back.
_FAMILIES = {
    "RCDT": "TRANSFER",
    "ICDT": "TRANSFER",
    "RRCT": "TRANSFER",
    "IRCT": "TRANSFER",
    "RDDT": "DIRECT_DEBIT",
    "IDDT": "DIRECT_DEBIT",
    "RCHQ": "CHEQUE",
    "ICHQ": "CHEQUE",
    "DRFT": "BILL",
    "CCRD": "CARD",
    "MCRD": "CARD",
    "CNTR": "CASH",
    "LBOX": "CHEQUE",
}
_RETURNS = frozenset(
    ["RRTN", "UPDD", "PRDD", "UPCT", "UPCQ", "CQRV", "UDFT", "RPCR", "RCDD", "ARET", "PRCT", "UPIN"]
)
_CHARGES = frozenset(["CHRG", "FEES", "COMM", "COMT", "COMI", "INTR", "TAXE", "CHRQ"])
# German business transaction codes (« Geschäftsvorfallcodes »): returns of debits, cheques and transfers.
_GERMAN_RETURNS = frozenset({"108", "109", "111", "159", "181", "182", "183", "184"})
_MOST_TRANSACTIONS = 200_000


class Entry:
    """An `Ntry`. Raises StatementError when it has no amount or no date that can be read."""

    def __init__(self, element: Node, account_currency: str) -> None:
        self._element = element
        self.status = text(element, "Sts", "Cd") or text(element, "Sts", "Prtry") or text(element, "Sts")
        self.amount, self.currency = amount_of(element)
        self._sign = _sign(element, self.amount)
        self.amount = self._sign * abs(self.amount)
        self._original: dict[str, Any] = {}
        if account_currency and self.currency != account_currency:
            self._convert(account_currency)

    def _convert(self, account_currency: str) -> None:
        """An entry written in another currency than its account's, where the bank gives the amount in both."""
        holders = [self._element, *children(self._element, "NtryDtls", "TxDtls")[:1]]
        for holder in holders:
            for source in ("TxAmt", "CntrValAmt", "InstdAmt", "AnncdPstngAmt"):
                found = child(holder, "AmtDtls", source)
                if found is None or child(found, "Amt") is None:
                    continue
                amount, currency = amount_of(found)
                if currency == account_currency:
                    self._original = {"original_amount": abs(self.amount), "original_currency": self.currency}
                    self.amount, self.currency = self._sign * abs(amount), currency
                    return

    @property
    def is_pending(self) -> bool:
        """Not booked: announced, to come, or for information."""
        return self.status.upper() in ("PDNG", "FUTR", "INFO")

    def lines(self) -> Iterator[dict[str, Any]]:
        """The fields of each line."""
        element = self._element
        booked = day_of(element, "BookgDt") or day_of(element, "ValDt")
        if booked is None:
            raise StatementError("date_missing", line=element.line, field="Ntry/BookgDt")
        common = {"booking_date": booked, "value_date": day_of(element, "ValDt"), "currency": self.currency}
        parts = [part for details in children(element, "NtryDtls") for part in children(details, "TxDtls")]
        amounts = self._amounts(parts) if 1 < len(parts) <= _MOST_TRANSACTIONS else None
        if amounts is None:
            # A batch that is not itemised exactly is one movement; what its parts say would name the wrong payer.
            yield (common | {"amount": self.amount} | self._fields(parts[0] if len(parts) == 1 else None))
            return
        for part, amount in zip(parts, amounts, strict=True):
            yield common | {"amount": amount} | self._fields(part, whole=False)

    def _amounts(self, parts: list[Node]) -> list[Decimal] | None:
        """What each transaction moves, when that adds up to the entry."""
        for paths in ((("Amt",), ("TxAmt",), ("InstdAmt",)), (("TxAmt",),), (("InstdAmt",),)):
            amounts = []
            for part in parts:
                amount = next(
                    (found for path in paths if (found := self._part_amount(part, path[0])) is not None), None
                )
                if amount is None:
                    break
                amounts.append(amount)
            if len(amounts) == len(parts) and sum(amounts) == self.amount:
                return amounts
        return None

    def _part_amount(self, part: Node, source: str) -> Decimal | None:
        holder = part if source == "Amt" else child(part, "AmtDtls", source)
        if holder is None or child(holder, "Amt") is None:
            return None
        amount, currency = amount_of(holder)
        if currency != self.currency:
            return None
        side = text(part, "CdtDbtInd")
        sign = self._sign if side not in ("CRDT", "DBIT") else (1 if side == "CRDT" else -1)
        return sign * abs(amount)

    def _fields(self, part: Node | None, *, whole: bool = True) -> dict[str, Any]:
        element = self._element
        code, nature, returned = _code(part, element)
        if text(element, "RvslInd").lower() in ("true", "1"):
            returned = True
        fields: dict[str, Any] = {
            "bank_code": code,
            "bank_reference": reference(text(element, "AcctSvcrRef")) or reference(text(element, "NtryRef")),
        }
        if part is not None:
            returned = self._add_part(fields, part, returned, whole=whole)
        if not fields.get("remittance"):
            fields["remittance"] = text(element, "AddtlNtryInf")
        if "charges_amount" not in fields and whole:
            fields["charges_amount"] = self._charges(element)
        if whole:
            fields |= self._original
        fields["is_return"] = returned
        fields["nature"] = "RETURN" if returned else nature
        return fields

    def _add_part(self, fields: dict[str, Any], part: Node, returned: bool, *, whole: bool) -> bool:
        """What a transaction says; whether it brings a payment back."""
        end_to_end = reference(text(part, "Refs", "EndToEndId"))
        own = reference(text(part, "Refs", "AcctSvcrRef")) or reference(text(part, "Refs", "TxId"))
        own = own or reference(text(part, "Refs", "InstrId"))
        fields["end_to_end_id"] = end_to_end
        fields["mandate_reference"] = reference(text(part, "Refs", "MndtId"))
        if own and (not whole or not fields["bank_reference"]):
            fields["bank_reference"] = own
        back = child(part, "RtrInf")
        if back is not None:
            returned = True
            code = text(back, "Rsn", "Cd") or text(back, "Rsn", "Prtry")
            said = " ".join(item.text for item in children(back, "AddtlInf"))
            fields["return_code"] = code
            fields["return_reason"] = said or ISO_RETURNS.get(code, "")
        if returned:
            fields["returned_end_to_end_id"] = end_to_end
            fields["returned_reference"] = reference(text(part, "Refs", "TxId")) or reference(
                text(part, "Refs", "InstrId")
            )
        self._add_party(fields, part, returned)
        fields["remittance"] = _remittance(part)
        fields |= _structured(part)
        self._add_original(fields, part)
        charges = self._charges(part)
        if charges is not None:
            fields["charges_amount"] = charges
        return returned

    def _add_party(self, fields: dict[str, Any], part: Node, returned: bool) -> None:
        """Who is on the other side: the debtor of what we receive, and of what comes back to him."""
        side = text(part, "CdtDbtInd")
        received = (side == "CRDT") if side in ("CRDT", "DBIT") else self._sign > 0
        first, second = ("Dbtr", "Cdtr") if received != returned else ("Cdtr", "Dbtr")
        parties = child(part, "RltdPties")
        if parties is None:
            return
        role = first if _party(parties, first) or account_of_role(parties, first) else second
        fields["counterparty_name"] = _party(parties, role)
        fields["counterparty_iban"] = "".join(account_of_role(parties, role).split()).upper()
        fields["ultimate_name"] = _party(parties, f"Ultmt{role}")

    def _add_original(self, fields: dict[str, Any], part: Node) -> None:
        """The amount the payer ordered, where it is another one."""
        holder = child(part, "AmtDtls", "InstdAmt")
        if holder is None or child(holder, "Amt") is None:
            return
        try:
            amount, currency = amount_of(holder)
        except StatementError:
            return
        if amount and currency != self.currency:
            fields["original_amount"], fields["original_currency"] = abs(amount), currency

    def _charges(self, element: Node) -> Decimal | None:
        """What was withheld; charges booked apart (`ChrgInclInd` false) are another movement."""
        total = Decimal(0)
        for charges in children(element, "Chrgs"):
            records = children(charges, "Rcrd") or ([charges] if child(charges, "Amt") is not None else [])
            if records and all(text(item, "ChrgInclInd").lower() in ("false", "0") for item in records):
                continue
            said = child(charges, "TtlChrgsAndTaxAmt")
            try:
                if said is not None and said.get("Ccy", self.currency) == self.currency:
                    total += money(Decimal(said.text or "0"))
                    continue
                for item in records:
                    amount, currency = amount_of(item)
                    if currency == self.currency:
                        total += abs(amount)
            except (StatementError, ArithmeticError):
                continue
        return abs(total) or None


def _sign(element: Node, amount: Decimal) -> int:
    side = text(element, "CdtDbtInd")
    if side in ("CRDT", "DBIT"):
        return 1 if side == "CRDT" else -1
    if not side:
        return -1 if amount < 0 else 1
    raise StatementError("sign_invalid", line=element.line, field="Ntry/CdtDbtInd", value=side[:20])


def _code(part: Node | None, entry: Node) -> tuple[str, str, bool]:
    """The bank's code of the transaction, else of the entry; the nature; whether it is a return."""
    for holder in (part, entry):
        if holder is None:
            continue
        codes = child(holder, "BkTxCd")
        if codes is None:
            continue
        domain = text(codes, "Domn", "Cd")
        family, sub = text(codes, "Domn", "Fmly", "Cd"), text(codes, "Domn", "Fmly", "SubFmlyCd")
        own = text(codes, "Prtry", "Cd")
        if not domain and not own:
            continue
        nature = _FAMILIES.get(family, "OTHER")
        if sub in _CHARGES or (domain == "ACMT" and sub in _CHARGES):
            nature = "CHARGES"
        german = own.split("+")
        returned = sub in _RETURNS or own.startswith("NRTI")
        if len(german) > 1 and german[1] in _GERMAN_RETURNS:
            returned = True
        if nature == "OTHER" and not family:
            nature = _SWIFT_TYPES.get(own[:4], "OTHER")
        return "-".join(code for code in (domain, family, sub) if code) or own, nature, returned
    return "", "OTHER", False


_SWIFT_TYPES = {
    "NTRF": "TRANSFER",
    "NSTO": "TRANSFER",
    "NDDT": "DIRECT_DEBIT",
    "NCHK": "CHEQUE",
    "NBOE": "BILL",
    "NCHG": "CHARGES",
    "NCOM": "CHARGES",
}


def _party(parties: Node, role: str) -> str:
    """The name, where all versions put it: `Nm`, or under `Pty` since version 8."""
    return (
        text(parties, role, "Nm")
        or text(parties, role, "Pty", "Nm")
        or text(parties, role, "Agt", "FinInstnId", "Nm")
    )


def account_of_role(parties: Node, role: str) -> str:
    holder = child(parties, f"{role}Acct")
    return "" if holder is None else account_of(holder)


def _remittance(part: Node) -> str:
    """The free texts, then what the bank adds when the payer wrote none."""
    remittance = child(part, "RmtInf")
    texts: list[str] = []
    if remittance is not None:
        texts = [item.text for item in children(remittance, "Ustrd")]
        for block in children(remittance, "Strd"):
            texts += [item.text for item in children(block, "AddtlRmtInf")]
    return " ".join(line for line in texts if line.strip()) or text(part, "AddtlTxInf")


def _structured(part: Node) -> dict[str, Any]:
    """The creditor's reference, and the documents the payer names with their amounts."""
    references: list[str] = []
    documents: list[dict[str, str]] = []
    for block in children(part, "RmtInf", "Strd"):
        found = reference(text(block, "CdtrRefInf", "Ref"))
        if found:
            references.append(found)
        amounts = child(block, "RfrdDocAmt")
        for document in children(block, "RfrdDocInf"):
            number = reference(text(document, "Nb"))
            if not number:
                continue
            said = {"number": number}
            kind = text(document, "Tp", "CdOrPrtry", "Cd")
            if kind:
                said["kind"] = kind[:10]
            if amounts is not None:
                said |= _document_amount(amounts)
            documents.append(said)
    documents += [{"number": found, "kind": "SCOR"} for found in references[1:]]
    return {
        "structured_reference": references[0] if references else "",
        "document_references": documents,
    }


def _document_amount(amounts: Node) -> dict[str, str]:
    """What is paid of a document: the amount remitted, else due; a credit note's is negative."""
    for source, sign in (("RmtdAmt", 1), ("DuePyblAmt", 1), ("CdtNoteAmt", -1)):
        holder = child(amounts, source)
        if holder is not None:
            try:
                return {
                    "amount": str(sign * money(Decimal(holder.text))),
                    "currency": holder.get("Ccy", "")[:3],
                }
            except (StatementError, ArithmeticError):
                return {}
    return {}
