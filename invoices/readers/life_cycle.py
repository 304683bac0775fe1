"""Life-cycle messages of electronic invoices (CDAR, CrossDomainAcknowledgementAndResponse D22B), alone or in a ZIP.

Read in bounds: a hardened parser, small files, no DTD. One message may carry several statuses.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from io import BytesIO
from typing import IO, Any
from zoneinfo import ZoneInfo

from invoices.einvoice_statuses import STATUSES, Reason, ReceivedStatus
from invoices.readers.einvoice.archive import Archive, BrokenMember
from invoices.readers.einvoice.xml import (
    BadXml,
    find,
    find_all,
    looks_like_xml,
    name_of,
    own_text,
    parse,
    text,
    texts,
)
from invoices.readers.errors import UnreadableFile
from invoices.readers.limits import MIB

LARGEST_MESSAGE = 2 * MIB
LARGEST_FILE = 32 * MIB
MOST_STATUSES = 20_000
# Instants without a zone are French legal time: the platforms are French.
_ZONE = ZoneInfo("Europe/Paris")
_ROOT = "CrossDomainAcknowledgementAndResponse"
_AMOUNT = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?")
_STAMP = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2})?)?")
_LONGEST_NOTE = 2_000
_LONGEST_NUMBER = 40


@dataclass
class StatusProblem:
    """A message or a status of it that cannot be taken: the file, and the code of the reason."""

    name: str
    code: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass
class StatusReading:
    """What a file says. The good statuses count even when others are not."""

    statuses: list[ReceivedStatus] = field(default_factory=list)
    problems: list[StatusProblem] = field(default_factory=list)


def read_statuses(stream: IO[bytes]) -> StatusReading:
    """The statuses of an XML or of a ZIP of XML files. Raises UnreadableFile when the whole is refused."""
    size = stream.seek(0, 2)
    stream.seek(0)
    if size > LARGEST_FILE:
        raise UnreadableFile("status_file_too_large", limit=LARGEST_FILE // MIB)
    head = stream.read(1024)
    stream.seek(0)
    if not head.strip():
        raise UnreadableFile("empty")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(stream)
    if not looks_like_xml(head):
        raise UnreadableFile("status_not_one")
    reading = StatusReading()
    try:
        _read_message("", stream.read(), reading)
    except BadXml as error:
        raise UnreadableFile(error.code, **error.params) from None
    if not reading.statuses and reading.problems:
        raise UnreadableFile(reading.problems[0].code, **reading.problems[0].params)
    return reading


def read_message(content: bytes) -> StatusReading:
    """The statuses of one XML message. Raises UnreadableFile."""
    return read_statuses(BytesIO(content))


def _archive(stream: IO[bytes]) -> StatusReading:
    archive, reading = Archive(stream), StatusReading()
    if not archive.members:
        raise UnreadableFile("zip_empty")
    for name in archive.members:
        try:
            content = archive.read(name)
            if not looks_like_xml(content[:1024]):
                raise BadXml("status_not_one")
            _read_message(name, content, reading)
        except (BadXml, BrokenMember) as error:
            reading.problems.append(StatusProblem(name, error.code, error.params))
        if len(reading.statuses) > MOST_STATUSES:
            raise UnreadableFile("status_too_many", limit=MOST_STATUSES)
    return reading


def _read_message(name: str, content: bytes, reading: StatusReading) -> None:
    if len(content) > LARGEST_MESSAGE:
        raise BadXml("xml_too_large", limit=LARGEST_MESSAGE // MIB)
    root = parse(content)
    if name_of(root) != _ROOT:
        raise BadXml("status_root", value=name_of(root)[:80])
    found = 0
    for acknowledged in find_all(root, "AcknowledgementDocument"):
        for reference in find_all(acknowledged, "ReferenceReferencedDocument"):
            for status in _statuses(root, acknowledged, reference):
                found += 1
                if isinstance(status, StatusProblem):
                    status.name = name
                    reading.problems.append(status)
                else:
                    reading.statuses.append(status)
    if not found:
        raise BadXml("status_empty")


def _statuses(root: Any, acknowledged: Any, reference: Any) -> Iterator[ReceivedStatus | StatusProblem]:
    """The status of the referenced invoice; several when the details carry codes of their own."""
    number = text(reference, "IssuerAssignedID")
    if not number or len(number) > _LONGEST_NUMBER:
        yield StatusProblem("", "status_number", {"value": number[:80]})
        return
    details = find_all(reference, "SpecifiedDocumentStatus")
    common = text(reference, "ProcessConditionCode") or text(acknowledged, "ProcessConditionCode")
    coded: dict[str, list[Any]] = {}
    for detail in details:
        coded.setdefault(text(detail, "ProcessConditionCode") or common, []).append(detail)
    for code, parts in (coded or {common: []}).items():
        if code not in STATUSES:
            yield StatusProblem("", "status_code", {"value": code[:20], "number": number})
            continue
        instant = _instant(root, acknowledged, parts)
        if instant is None:
            yield StatusProblem("", "status_instant", {"number": number})
            continue
        amounts, currency = _amounts(parts)
        yield ReceivedStatus(
            number=number,
            code=code,
            occurred_at=instant,
            reasons=tuple(_reasons(parts)),
            amounts=amounts,
            currency=currency,
            note=_note(parts),
            seller=_seller(reference),
        )


def _reasons(parts: list[Any]) -> Iterator[Reason]:
    for part in parts:
        codes, words = texts(part, "ReasonCode"), texts(part, "Reason")
        for index in range(max(len(codes), len(words))):
            yield Reason(
                code=codes[index][:40] if index < len(codes) else "",
                text=words[index][:500] if index < len(words) else "",
            )


def _amounts(parts: list[Any]) -> tuple[dict[str, Decimal], str]:
    """Amounts by their type, added up over VAT rates; the currency when one is written."""
    amounts: dict[str, Decimal] = {}
    currency = ""
    for part in parts:
        for row in find_all(part, "SpecifiedDocumentCharacteristic"):
            kind, element = text(row, "TypeCode").upper()[:10], find(row, "ValueAmount")
            written = own_text(element)
            if not kind or not _AMOUNT.fullmatch(written):
                continue
            try:
                amounts[kind] = amounts.get(kind, Decimal(0)) + Decimal(written)
            except InvalidOperation:
                continue
            currency = currency or element.get("currencyID", "").upper()[:3]
    return amounts, currency


def _note(parts: list[Any]) -> str:
    found = [note for part in parts for note in texts(part, "IncludedNote/Content")]
    found += [action for part in parts for action in texts(part, "RequestedAction")]
    return "\n".join(found)[:_LONGEST_NOTE]


def _seller(reference: Any) -> str:
    """The SIREN of the invoice's issuer (MDT-129), also out of a SIRET."""
    for identifier in find_all(reference, "IssuerTradeParty/GlobalID|ID"):
        digits = own_text(identifier).replace(" ", "")
        if identifier.get("schemeID", "") in ("0002", "0009", "0225", "") and digits[:9].isdigit():
            return digits[:9]
    return ""


def _instant(root: Any, acknowledged: Any, parts: list[Any]) -> datetime | None:
    """When it happened: told with the status, else of the acknowledgement, else of the message."""
    written = [text(part, "ReferenceDateTime/DateTimeString") for part in parts]
    written.append(text(acknowledged, "IssueDateTime/DateTimeString"))
    written.append(text(root, "ExchangedDocument/IssueDateTime/DateTimeString"))
    return next((instant for instant in map(read_instant, written) if instant is not None), None)


def read_instant(written: str) -> datetime | None:
    """`20261123`, `20261123143000` or ISO 8601; without a zone, French legal time. None for anything else."""
    if not written:
        return None
    if found := _STAMP.fullmatch(written):
        try:
            parts = [int(part) for part in found.groups() if part]
            return datetime(*parts, tzinfo=_ZONE).astimezone(UTC)  # type: ignore[misc,arg-type]
        except (ValueError, OverflowError):
            return None
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        return None
    try:
        return (instant if instant.tzinfo else instant.replace(tzinfo=_ZONE)).astimezone(UTC)
    except OverflowError:
        return None
