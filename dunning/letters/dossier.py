"""The hand-over dossier: what an agency needs to collect one claim, in one ZIP that is the same each time.

Contents follow CPCE R124-3 and R124-4: basis and amount of the claim in principal, interest and accessories,
each apart; the dunning log; the letters as they were sent; a manifest with the SHA-256 of every file.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from dunning.letters.claim_csv import lines_csv
from dunning.letters.composition import item_cells, segment_cells
from dunning.letters.context import (
    ZERO,
    AgencyParty,
    Contact,
    Creditor,
    Debtor,
    FrozenValue,
    InterestSegment,
    LetterContextError,
    LetterLine,
    ParameterUsed,
    Totals,
    check_sums,
)
from dunning.letters.engine import render_template, template_version, write_pdf
from dunning.letters.formats import NBSP, format_date, format_number, format_rate
from dunning.letters.frozen_json import from_canonical_json, sha256_of, to_canonical_json
from dunning.letters.mentions import company_mentions
from dunning.letters.wording import WORDING

SCHEMA_VERSION = "1"
COVER_NAME = "dossier.pdf"
DATA_NAME = "dossier.json"
LINES_NAME = "creances.csv"
MANIFEST_NAME = "manifest.json"
DOCUMENTS_FOLDER = "documents"

# The first date a ZIP can write: no clock of the machine that packs enters the file.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimMovement(FrozenValue):
    """What already came off an item: a receipt or a credit note, on its date; the amount is positive."""

    number: str
    date: date
    label: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry(FrozenValue):
    """One step of the dunning: a letter, a call, a promise, a reply; `document` names a file of the ZIP."""

    date: date
    label: str
    channel: str = ""
    reference: str = ""
    detail: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierDocument(FrozenValue):
    """A file put in the dossier as it was kept: its bytes must have this SHA-256."""

    name: str
    label: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierContext(FrozenValue):
    """The claim as it stands on `as_of`, frozen. Amounts are in `currency`."""

    reference: str
    date: date
    as_of: date
    currency: str
    creditor: Creditor
    contact: Contact
    debtor: Debtor
    agency: AgencyParty
    lines: tuple[LetterLine, ...]
    totals: Totals
    interest_segments: tuple[InterestSegment, ...] = ()
    daily_interest: Decimal = ZERO
    rate_basis: str = ""
    day_count_basis: str = ""
    # Per cent of what is collected, at the creditor's charge (CPCE L111-8).
    commission_rate: Decimal | None = field(default=None, metadata={"money": False})
    instructions: tuple[str, ...] = ()
    debtor_contacts: tuple[Contact, ...] = ()
    movements: tuple[ClaimMovement, ...] = ()
    log: tuple[LogEntry, ...] = ()
    documents: tuple[DossierDocument, ...] = ()
    # The earliest day on which the claim could be time-barred.
    limitation_date: date | None = None
    parameters: tuple[ParameterUsed, ...] = ()
    schema_version: str = SCHEMA_VERSION

    def __post_init__(self) -> None:
        # Named in full: super() does not survive the class that slots=True builds.
        FrozenValue.__post_init__(self)
        check_sums(self.lines, self.totals, self.interest_segments)

    @property
    def language(self) -> str:
        """The agency reads French."""
        return "fr"

    def to_json(self) -> str:
        return to_canonical_json(self)

    @classmethod
    def from_json(cls, text: str) -> "DossierContext":
        """Raises FrozenJsonError (shape) or LetterContextError (sums)."""
        return from_canonical_json(cls, text)

    @property
    def sha256(self) -> str:
        return sha256_of(self)


def build_dossier(context: DossierContext, *, files: Mapping[str, bytes] | None = None) -> bytes:
    """Return the ZIP of a dossier. `files` gives the bytes of each of `context.documents`, by name.

    Raises LetterContextError when a document is missing, is not the one frozen, or its name is not a plain one.
    """
    contents = {
        COVER_NAME: render_cover(context),
        DATA_NAME: context.to_json().encode(),
        LINES_NAME: lines_csv(context.lines, context.currency),
    }
    for document in context.documents:
        contents[f"{DOCUMENTS_FOLDER}/{document.name}"] = _checked(document, files or {})
    contents[MANIFEST_NAME] = _manifest(context, contents)
    return _zip(contents)


def render_cover(context: DossierContext) -> bytes:
    """Return the PDF that opens the dossier: parties, décompte, log and list of documents."""
    mentions = company_mentions(context.creditor, "fr")
    words = WORDING["fr"]
    xhtml = render_template(
        "letters/dossier.html",
        {
            "letter": context,
            "words": words,
            "iso_date": context.date.isoformat(),
            "colon": f"{NBSP}: ",
            "semicolon": f"{NBSP}; ",
            "mentions": mentions[0] if mentions else "",
            "numbers": mentions[1] if len(mentions) > 1 else "",
            "items": [item_cells("fr", line) for line in context.lines],
            "segments": [segment_cells("fr", segment) for segment in context.interest_segments],
            "movements": [
                (row.number, format_date(row.date, "fr"), row.label, format_number(row.amount, "fr"))
                for row in context.movements
            ],
            "log": [(format_date(entry.date, "fr"), entry) for entry in context.log],
            "commission": ""
            if context.commission_rate is None
            else format_rate(context.commission_rate, "fr"),
        },
    )
    seed = f"{context.sha256}:{template_version()}"
    identifier = hashlib.sha256(seed.encode()).hexdigest()[:32].encode()
    return write_pdf(xhtml, identifier=identifier, images={})


def _checked(document: DossierDocument, files: Mapping[str, bytes]) -> bytes:
    # No separator and no leading dot: unpacked anywhere, it stays in its folder.
    if not re.fullmatch(r"[^\W_][\w .()-]{0,149}", document.name):
        raise LetterContextError(
            _("Le nom de fichier «\u00a0%(name)s\u00a0» ne peut pas entrer dans le dossier.")
            % {"name": document.name},
            field="documents",
        )
    content = files.get(document.name)
    if content is None:
        raise LetterContextError(
            _("Le document %(name)s manque au dossier.") % {"name": document.name}, field="documents"
        )
    if hashlib.sha256(content).hexdigest() != document.sha256:
        raise LetterContextError(
            _("Le document %(name)s n’est pas celui qui a été envoyé.") % {"name": document.name},
            field="documents",
        )
    return content


def _manifest(context: DossierContext, contents: Mapping[str, bytes]) -> bytes:
    manifest = {
        "schema_version": context.schema_version,
        "reference": context.reference,
        "as_of": context.as_of.isoformat(),
        "files": [
            {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in sorted(contents.items())
        ],
    }
    return (json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _zip(contents: Mapping[str, bytes]) -> bytes:
    """Stored, not compressed: the PDFs already are, and no version of zlib can change a byte."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, date_time=_ZIP_EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return out.getvalue()
