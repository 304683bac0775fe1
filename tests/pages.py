"""What the tests of pages share: hostile addresses, query counts, and a swap applied to a parsed page."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import lxml.html
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

# Values that broke pages elsewhere; each is tried for each parameter of a list.
HOSTILE = (
    "",
    "abc",
    "-1",
    "999999999999999999999999",
    "1e400",
    "NaN",
    "٣",
    "2026-13-45",
    "9999-12-31",
    "%",
    "_'\"\\;--",
    "é" * 300,
    "😀",
)


def assert_no_server_error(client: Client, address: str, parameters: tuple[str, ...]) -> None:
    """Each hostile value in each parameter, alone: never a 500."""
    for parameter in parameters:
        for value in HOSTILE:
            answer = client.get(address, {parameter: value})
            assert answer.status_code < 500, (address, parameter, value)


@contextmanager
def counting() -> Iterator[Callable[[], int]]:
    with CaptureQueriesContext(connection) as captured:
        yield lambda: len(captured)


def csv_rows(answer: Any) -> list[list[str]]:
    """The rows of an exported CSV, its head first."""
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))


def page_of(content: bytes) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(content.decode())


def text_of(content: bytes, part: str = "content") -> str:
    """The text of the element of this id, spaces folded (the no-break ones too)."""
    return " ".join(page_of(content).get_element_by_id(part).text_content().split())


def swapped(before: bytes, answer: bytes, *ids: str) -> lxml.html.HtmlElement:
    """The page after the elements of these ids are replaced by the answer's, as hx-select and its oob do."""
    page, fresh = deepcopy(page_of(before)), page_of(answer)
    for name in ids:
        old, new = page.get_element_by_id(name), fresh.get_element_by_id(name)
        new.tail = old.tail
        old.getparent().replace(old, new)
    return page


def same_markup(one: lxml.html.HtmlElement, other: lxml.html.HtmlElement, part: str) -> bool:
    """Whether the element of this id is the same in both pages, spaces apart."""

    def written(page: lxml.html.HtmlElement) -> str:
        return " ".join(lxml.html.tostring(page.get_element_by_id(part), encoding="unicode").split())

    return written(one) == written(other)
