"""Reading what mail systems send back: delivery reports (RFC 3464), complaints (RFC 5965), bounces in plain words.

Pure, and bounded whatever is fed to it: only the head of a message is looked at, its parts are counted, and what
cannot be read gives no report.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_string
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import parsedate_to_datetime
from enum import StrEnum

from dunning.mail.addresses import same_address
from dunning.mail.replies import basic_code, enhanced_code, is_address_fault, says_no_such_user

# A report stands at the head; what follows is the message that came back, with its letter.
HEAD_BYTES = 512 * 1024
MOST_PARTS = 60
MOST_RECIPIENTS = 100
_TEXT = 20_000

# How our own Message-IDs look (`dunning.delivery.message_id`): found even where a report quotes them in its text.
_OURS = re.compile(
    r"<notice-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}@[A-Za-z0-9.\-_\[\]:]{1,150}>"
)
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
)
_QMAIL = re.compile(r"^<([^<>\s]{1,254})>:[ \t]*$", re.MULTILINE)
_DAEMONS = ("mailer-daemon", "postmaster", "mail-daemon", "maildaemon", "microsoftexchange")
_BOUNCE_SUBJECT = re.compile(
    r"undeliver|failure notice|delivery (?:status|failure|has failed)|returned mail|mail delivery failed"
    r"|non remis|non distribu|échec de (?:la )?remise|echec de (?:la )?remise|unzustellbar|non recapitabile",
    re.IGNORECASE,
)
_COPY_BELOW = re.compile(
    r"^-{2,}.{0,40}(?:copy of the message|original message|message d.origine|headers follow).*$",
    re.IGNORECASE | re.MULTILINE,
)


class ReportKind(StrEnum):
    HARD_BOUNCE = "HARD_BOUNCE"
    SOFT_BOUNCE = "SOFT_BOUNCE"
    COMPLAINT = "COMPLAINT"
    DELAYED = "DELAYED"
    DELIVERED = "DELIVERED"


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of one message to one recipient.

    `message_id` and `recipient` are empty where the report does not name them; `happened_at` is UTC, None where it
    gives no time. `identity` is the same each time the same report is read.
    """

    kind: ReportKind
    message_id: str
    recipient: str
    code: str
    detail: str
    happened_at: datetime | None
    identity: str


def read_reports(raw: bytes) -> list[Report]:
    """The reports of one message; none when it is something else: an answer, an absence notice, an advertisement."""
    head = raw[:HEAD_BYTES]
    try:
        message = BytesParser(policy=compat32).parsebytes(head)
        return _read(message, head)
    except (
        ValueError,
        LookupError,
        AssertionError,
        AttributeError,
        TypeError,
        RecursionError,
        OverflowError,
    ):
        # The standard parser gives up in many ways on what is no message.
        return []


def _read(message: Message, head: bytes) -> list[Report]:
    parts = list(_walk(message))
    identity = _header(message, "Message-ID") or hashlib.sha256(head).hexdigest()
    about = _message_id(message, parts, head)
    when = _moment(_header(message, "Date"))
    found = [*_complaints(parts), *_statuses(parts)] or _plain(message, parts)
    return [
        replace(
            report,
            message_id=about or report.message_id,
            happened_at=report.happened_at or when,
            identity=f"{identity} {report.recipient} {report.kind}"[:1_000],
        )
        for report in found[:MOST_RECIPIENTS]
    ]


def _walk(message: Message) -> Iterator[Message]:
    """The parts, one after the other, counted; not below the message that came back."""
    waiting = [(message, False)]
    for _count in range(MOST_PARTS):
        if not waiting:
            return
        part, is_original = waiting.pop()
        yield part
        if is_original or not part.is_multipart():
            continue
        kind = part.get_content_type()
        if kind != "message/delivery-status":
            below = _below(part)[:MOST_PARTS]
            waiting.extend((inner, kind.startswith("message/")) for inner in reversed(below))


def _complaints(parts: list[Message]) -> list[Report]:
    for index, part in enumerate(parts):
        if part.get_content_type() != "message/feedback-report":
            continue
        fields = _block(part)
        kind = _header(fields, "Feedback-Type").lower()
        if kind not in ("abuse", "fraud", "virus", "other", "opt-out", "complaint"):
            return []
        original = _original(parts[index + 1 :])
        recipient = _address(_header(fields, "Original-Rcpt-To")) or (
            _address(_header(original, "To")) if original is not None else ""
        )
        when = _moment(_header(fields, "Arrival-Date") or _header(fields, "Received-Date"))
        told = " ".join(filter(None, [kind, _header(fields, "User-Agent")]))
        return [Report(ReportKind.COMPLAINT, "", recipient, kind[:20], told, when, "")]
    return []


def _statuses(parts: list[Message]) -> list[Report]:
    found = []
    for part in parts:
        if part.get_content_type() not in ("message/delivery-status", "message/global-delivery-status"):
            continue
        for block in _blocks(part)[: MOST_RECIPIENTS + 1]:
            report = _status(block)
            if report is not None:
                found.append(report)
    return found


def _status(block: Message) -> Report | None:
    recipient = _address(_header(block, "Original-Recipient")) or _address(_header(block, "Final-Recipient"))
    action = _header(block, "Action").split(" ")[0].lower()
    if not action and not recipient:
        return None
    answer = re.sub(r"^\s*[\w-]{1,20}\s*;\s*", "", _header(block, "Diagnostic-Code"))
    code = enhanced_code(_header(block, "Status"))
    if code.endswith(".0.0") or not code:
        code = enhanced_code(answer) or code
    detail = answer or _header(block, "Status")
    when = _moment(_header(block, "Last-Attempt-Date"))
    if action == "delivered":
        kind = ReportKind.DELIVERED
    elif action == "delayed":
        kind = ReportKind.DELAYED
    elif action == "failed" or (not action and code.startswith(("4", "5"))):
        kind = _kind_of(code, answer)
    else:
        return None
    return Report(kind, "", recipient, code or basic_code(answer), detail, when, "")


def _kind_of(code: str, answer: str) -> ReportKind:
    """Hard when the address is at fault for good; soft for whatever else kept the message from arriving."""
    if code == "5.4.4" or code.startswith("5.4.31"):
        # The domain cannot be found.
        return ReportKind.HARD_BOUNCE
    if code == "5.0.0" and (basic_code(answer) in ("550", "551", "553", "556") or says_no_such_user(answer)):
        return ReportKind.HARD_BOUNCE
    if is_address_fault(f"{code} {answer}" if code else answer):
        return ReportKind.HARD_BOUNCE
    return ReportKind.SOFT_BOUNCE


def _plain(message: Message, parts: list[Message]) -> list[Report]:
    """A bounce in words, as qmail and old gateways write it: only from a mail system, only with a code or clear words."""
    sender = f"{_header(message, 'From')} {_header(message, 'Return-Path')}".lower()
    is_daemon = any(name in sender for name in _DAEMONS)
    if not is_daemon and not _BOUNCE_SUBJECT.search(_header(message, "Subject")):
        return []
    if _header(message, "Auto-Submitted").lower().startswith("auto-replied") and not is_daemon:
        return []
    text = next((_body(part) for part in parts if part.get_content_type() == "text/plain"), "")
    if not text:
        text = re.sub(
            r"<[^<>@]{0,500}>",
            " ",
            next((_body(part) for part in parts if part.get_content_type() == "text/html"), ""),
        )
    text = _COPY_BELOW.split(text, maxsplit=1)[0]
    named = list(_QMAIL.finditer(text))
    if named:
        ends = [match.start() for match in named[1:]] + [len(text)]
        pieces = [
            (_address(match.group(1)), text[match.end() : end])
            for match, end in zip(named, ends, strict=True)
        ]
    else:
        own = set(_ADDRESS.findall(sender))
        there = [found for found in dict.fromkeys(_ADDRESS.findall(text)) if found.lower() not in own]
        there = [found for found in there if not found.lower().startswith(_DAEMONS)]
        pieces = [(same_address(there[0]) if len(there) == 1 else "", text)]
    reports = []
    for recipient, words in pieces:
        code = enhanced_code(words)
        basic = re.search(r"(?:^|[\s:(#])([45]\d\d)[\s:-]", words)
        if not code and basic is None and not says_no_such_user(words):
            continue
        answer = " ".join(words.split())[:1_000]
        hard = _kind_of(code, f"{basic.group(1) if basic else '550'} {answer}")
        reports.append(
            Report(hard, "", recipient, code or (basic.group(1) if basic else ""), answer, None, "")
        )
    return reports


def _message_id(message: Message, parts: list[Message], head: bytes) -> str:
    """Of the message that is told about: from its headers, from the fields of the report, from what the report quotes."""
    original = _original(parts)
    candidates = [_header(original, "Message-ID")] if original is not None else []
    for part in parts:
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            for block in _blocks(part)[:2]:
                candidates += [
                    _header(block, "Original-Message-ID"),
                    _header(block, "X-Original-Message-ID"),
                ]
        elif part.get_content_type() == "message/feedback-report":
            candidates.append(_header(_block(part), "Original-Message-ID"))
    candidates += [_header(message, "In-Reply-To"), *reversed(_header(message, "References").split())]
    for candidate in candidates:
        if found := _OURS.search(candidate):
            return found.group(0)
    if quoted := _OURS.search(head.decode("latin-1")):
        return quoted.group(0)
    return next((bracketed(candidate) for candidate in candidates if "@" in candidate), "")


def bracketed(message_id: str) -> str:
    """A Message-ID with its angle brackets, however it was written; empty when it is none."""
    word = message_id.strip().strip("<>").strip()
    if not word or len(word) > 198 or any(char.isspace() or char in "<>\x00" for char in word):
        return ""
    return f"<{word}>"


def _original(parts: list[Message]) -> Message | None:
    """The headers of the message that came back."""
    for part in parts:
        kind = part.get_content_type()
        if kind in ("text/rfc822-headers", "message/global-headers"):
            below = _below(part)
            return below[0] if below else message_from_string(_body(part))
        if kind in ("message/rfc822", "message/global"):
            below = _below(part)
            if below:
                return below[0]
    return None


def _below(part: Message) -> list[Message]:
    """The messages inside a part; none when it is a text."""
    inside = part.get_payload()
    return [each for each in inside if isinstance(each, Message)] if isinstance(inside, list) else []


def _blocks(part: Message) -> list[Message]:
    below = _below(part)
    if below and part.get_content_type() == "message/delivery-status":
        return below
    # Other parsers' view of the same: the first block as headers, the others as text.
    text = _body(below[0]) if below else _body(part)
    cut = [message_from_string(piece.lstrip()) for piece in re.split(r"\r?\n\r?\n", text)[:200]]
    return [*below[:1], *cut]


def _block(part: Message) -> Message:
    below = _below(part)
    return below[0] if below else message_from_string(_body(part).lstrip())


def _body(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    content = content[:_TEXT]
    try:
        text = content.decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):
        text = content.decode("latin-1")
    return text.replace("\x00", "")


def _header(block: Message, name: str) -> str:
    """A field as text: one line, without what no database keeps, of a bearable length."""
    value = block.get(name)
    if value is None:
        return ""
    text = str(value)[:_TEXT].encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:1_000]


def _address(field: str) -> str:
    """The address of a field such as `rfc822; a@b.fr` or `Compta <a@b.fr>`."""
    found = _ADDRESS.search(field.split(";", 1)[-1])
    return same_address(found.group(0))[:254] if found else ""


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
