"""What a letter takes with it: the statement of the account, and copies of the invoices that are kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from core.files import read_file
from core.models import StoredFile
from dunning.letters import context as letter
from dunning.letters.copies import MOST_PAGES, printable_pages
from dunning.letters.enclosures import Enclosure
from dunning.letters.wording import WORDING
from dunning.models import Letter, Notice, NoticeLine
from invoices.models import OpenItem

PDF = "application/pdf"
# Beyond that, mail servers refuse; the oldest items go first, and the letter lists what it takes.
MOST_BYTES = 8 * 1024 * 1024
MOST_COPIES = 30
# An account with more open items than that gets its letter without a statement.
MOST_STATEMENT_LINES = 1000


@dataclass(frozen=True, slots=True)
class EnclosedFile:
    name: str
    content: bytes


def copies_of(lines: Iterable[NoticeLine], *, on_paper: bool) -> tuple[Enclosure, ...]:
    """The kept PDFs of the items asked for; on paper, those whose pages can be printed."""
    found: list[Enclosure] = []
    size = pages = 0
    for line in lines:
        document = line.item.document if line.rank else None
        if document is None or document.content_type != PDF:
            continue
        size += document.size
        if size > MOST_BYTES or len(found) == MOST_COPIES:
            break
        if on_paper:
            more = printable_pages(read_file(document))
            if not more:
                continue
            pages += more
            if pages > MOST_PAGES:
                break
        found.append(Enclosure(name=f"{_file_name(line.item.number)}.pdf", sha256=document.sha256))
    return tuple(found)


def statement_of(notice: Notice, today: date) -> tuple[letter.LetterLine, ...]:
    """Every open item of the account in the notice's currency, as it stands today; none when there are too many."""
    items = list(
        OpenItem.objects.filter(
            customer=notice.customer_id, legal_entity=notice.legal_entity_id, currency=notice.currency
        )
        .exclude(open_amount=0)
        .order_by("due_date", "issue_date", "id")[: MOST_STATEMENT_LINES + 1]
    )
    if len(items) > MOST_STATEMENT_LINES:
        return ()
    return tuple(
        letter.LetterLine(
            number=item.number if item.instalment == 1 else f"{item.number} ({item.instalment})",
            issue_date=item.issue_date,
            due_date=item.due_date if item.open_amount > 0 else None,
            total=item.total_amount,
            open_amount=item.open_amount,
            days_late=max(0, (today - item.due_date).days) if item.open_amount > 0 else 0,
            item_kind=item.kind,
        )
        for item in items
    )


def attachments_list(
    language: str, statement: Sequence[letter.LetterLine], copies: Sequence[Enclosure]
) -> tuple[str, ...]:
    """What the letter says it takes with it."""
    words = WORDING[language]
    listed = [words.statement_of_account] if statement else []
    if len(copies) > 5:
        listed.append(f"{words.copies_of_invoices} ({len(copies)})")
    else:
        listed += [f"{words.copy_of} {copy.name.removesuffix('.pdf')}" for copy in copies]
    return tuple(listed)


def enclosed_files(sent: Letter) -> list[EnclosedFile]:
    """The files that go with a letter, as they were when it was made, in the order it lists them."""
    return files_of([(entry["name"], entry["sha256"]) for entry in sent.context.get("enclosures", [])])


def files_of(named: Sequence[tuple[str, str]]) -> list[EnclosedFile]:
    """Kept files by name and SHA-256."""
    if not named:
        return []
    kept = {
        file.sha256: file
        for file in StoredFile.objects.filter(sha256__in={sha256 for _name, sha256 in named})
    }
    return [EnclosedFile(name, read_file(kept[sha256])) for name, sha256 in named]


def _file_name(number: str) -> str:
    return "".join(char if char.isalnum() or char in "-_." else "-" for char in number)
