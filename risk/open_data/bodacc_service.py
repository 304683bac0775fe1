"""The Bodacc's open-data service, asked day by day, in the shape that its address shows.

Explore v2 (`…/catalog/datasets/annonces-commerciales`): the export of a day whole, else its pages. Legacy v1
(`…/api/records/1.0/search/`): pages. Pages hold 100 records and end at 10,000: a day that has more is asked family
by family. What was announced and not given is an error, never a day that looks done.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from django.utils.translation import gettext as _

from risk.bodacc.records import ReadFile, UnreadableFile, read_records
from risk.open_data.http import Line, ServiceAway

PAGE = 100
FARTHEST = 10_000
DATASET = "annonces-commerciales"


@dataclass
class BodaccService:
    """The service behind an address."""

    url: str
    families: tuple[str, ...]
    line: Line

    @property
    def is_legacy(self) -> bool:
        return "/records/1.0" in self.url

    def day(self, day: date) -> bytes:
        """Every announcement of a day, as one file. Raises ServiceAway."""
        return _as_file(self._records([f"dateparution:{day.isoformat()}"], day))

    def sirens(self, sirens: Sequence[str]) -> bytes:
        """Every announcement of these companies, whatever its day. Raises ServiceAway."""
        return _as_file(self._of_sirens(sirens))

    def _records(self, _words: list[str], day: date) -> list[dict[str, Any]]:
        if self.is_legacy:
            return self._paged_day(day)
        exported = self._export(_where(day=day, families=self.families))
        return exported if exported is not None else self._paged_day(day)

    def _paged_day(self, day: date) -> list[dict[str, Any]]:
        """The pages of a day; past the farthest page, of each family of the day."""
        whole = self._first_page(day, self.families)
        if whole.total is not None and whole.total > FARTHEST and len(self.families) > 1:
            found: list[dict[str, Any]] = []
            for family in self.families:
                found += self._pages(day, (family,), self._first_page(day, (family,)))
            return found
        return self._pages(day, self.families, whole)

    def _pages(self, day: date, families: tuple[str, ...], first: ReadFile) -> list[dict[str, Any]]:
        total = first.total
        if total is not None and total > FARTHEST:
            raise ServiceAway(
                _("Plus de dix mille annonces d’une même famille le %(day)s : passez par l’export.")
                % {"day": f"{day:%d/%m/%Y}"}
            )
        found = _fields(first)
        while total is None or len(found) < total:
            page = self._page(day, families, len(found)) if len(found) < FARTHEST else None
            if page is None or not page.records:
                break
            found += _fields(page)
        if total is not None and len(found) < total:
            raise ServiceAway(
                _(
                    "Le service annonce %(total)d annonces et n’en donne que %(given)d : rien n’est tenu pour lu."
                )
                % {"total": total, "given": len(found)}
            )
        return found

    def _first_page(self, day: date, families: tuple[str, ...]) -> ReadFile:
        return self._page(day, families, 0)

    def _page(self, day: date, families: tuple[str, ...], offset: int) -> ReadFile:
        if self.is_legacy:
            said = f"dateparution:{day.isoformat()}"
            family = f"familleavis:({' OR '.join(families)})" if families else ""
            query = {
                "dataset": DATASET,
                "q": " AND ".join(part for part in (said, family) if part),
                "rows": PAGE,
                "start": offset,
                "sort": "-numeroannonce",
            }
            return self._read(_with_query(self.url, query))
        query = {
            "where": _where(day=day, families=families),
            "limit": PAGE,
            "offset": offset,
            "order_by": "id",
        }
        return self._read(_with_query(f"{self._dataset()}/records", query))

    def _export(self, where: str) -> list[dict[str, Any]] | None:
        """The export; None when the service has none."""
        url = _with_query(f"{self._dataset()}/exports/json", {"where": where, "limit": -1})
        body = self.line.get(url, may_be_missing=True)
        return None if body is None else _fields(_understood(body))

    def _of_sirens(self, sirens: Sequence[str]) -> list[dict[str, Any]]:
        if self.is_legacy:
            found = []
            for siren in sirens:
                query = {"dataset": DATASET, "q": f"registre:{siren}", "rows": PAGE, "start": 0}
                found += _fields(self._read(_with_query(self.url, query)))
            return found
        asked = " or ".join(f'registre="{siren}"' for siren in sirens)
        where = f"({asked}) and {_where(day=None, families=self.families)}"
        exported = self._export(where)
        if exported is not None:
            return exported
        query = {"where": where, "limit": PAGE, "offset": 0}
        return _fields(self._read(_with_query(f"{self._dataset()}/records", query)))

    def _dataset(self) -> str:
        return self.url.split("?")[0].rstrip("/").removesuffix("/records")

    def _read(self, url: str) -> ReadFile:
        body = self.line.get(url)
        assert body is not None
        return _understood(body)


def _understood(body: bytes) -> ReadFile:
    try:
        return read_records(body)
    except UnreadableFile as unreadable:
        if body.strip() in (b"[]", b""):
            return ReadFile(())
        raise ServiceAway(
            _("Le service a répondu autre chose que des annonces (%(code)s).") % {"code": unreadable.code}
        ) from None


def _fields(read: ReadFile) -> list[dict[str, Any]]:
    if read.problems:
        raise ServiceAway(_("La réponse du service contient des enregistrements illisibles."))
    return [record.fields for record in read.records]


def _where(*, day: date | None, families: Sequence[str]) -> str:
    parts = [f"dateparution = date'{day.isoformat()}'"] if day else []
    if families:
        parts.append("familleavis in (" + ", ".join(f'"{family}"' for family in families) + ")")
    return " and ".join(parts) or "true"


def _with_query(url: str, query: dict[str, Any]) -> str:
    base, _mark, given = url.partition("?")
    kept = {key: value for key, value in parse_qsl(given) if key not in query}
    return f"{base}?{urlencode({**kept, **query}, quote_via=quote)}"


def _as_file(records: list[dict[str, Any]]) -> bytes:
    """One file out of pages, the same for the same announcements."""
    document = {"total_count": len(records), "results": records}
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def units(line: Line, address: str, sirens: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What the directory answers for each SIREN, `{siren}` in its address; one it does not know is left out.

    Raises ServiceAway.
    """
    if "{siren}" not in address or not urlsplit(address).hostname:
        raise ServiceAway(_("SIRENE_URL doit contenir {siren} à la place du numéro."))
    for siren in sirens:
        body = line.get(address.replace("{siren}", siren), may_be_missing=True)
        if body is None:
            continue
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise ServiceAway(_("Le répertoire a répondu autre chose que du JSON.")) from None
        if isinstance(answer, dict):
            yield answer
