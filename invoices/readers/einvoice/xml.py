"""XML from strangers: parsed without DTD, entities, network or huge trees, and gone through by local names."""

import re
from typing import Any

from lxml import etree

from invoices.readers.limits import MIB

LARGEST_XML = 24 * MIB
_MARKUP = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_SHOWN = 120


class BadXml(Exception):
    """These bytes are no XML that is read here. `code` and `params` choose the message."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params


def parse(content: bytes) -> Any:
    """The root element. Raises BadXml: too large, with a DTD, not well-formed."""
    if len(content) > LARGEST_XML:
        raise BadXml("xml_too_large", limit=LARGEST_XML // MIB)
    # A document type is refused before the parser sees it: what it declares is expanded while parsing.
    if _MARKUP.search(content.replace(b"\x00", b"")):
        raise BadXml("xml_dtd")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=False,
    )
    try:
        root = etree.fromstring(without_marks(content), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise BadXml("xml_broken", at=line, value=str(error)[:_SHOWN]) from None
    if root.getroottree().docinfo.doctype:
        raise BadXml("xml_dtd")
    return root


def without_marks(content: bytes) -> bytes:
    """The bytes without the byte order marks and blanks that some programs put before the declaration."""
    while content.startswith(b"\xef\xbb\xbf"):
        content = content[3:]
    return content.lstrip(b" \t\r\n") if content[:1] in b" \t\r\n" else content


def looks_like_xml(head: bytes) -> bool:
    """Whether the bytes begin as XML does, in UTF-8, UTF-16 or a one-byte encoding."""
    start = without_marks(head).replace(b"\x00", b"").lstrip(b"\xff\xfe \t\r\n")
    return start.startswith(b"<") and start[1:2] not in (b"", b" ")


def namespace_of(element: Any) -> str:
    tag = element.tag
    return tag[1:].split("}", 1)[0] if tag.startswith("{") else ""


def name_of(element: Any) -> str:
    return str(element.tag).rsplit("}", 1)[-1]


def find_all(element: Any, path: str) -> list[Any]:
    """The elements below by a path of local names; `A|B` is either name, whatever the namespace."""
    found = [] if element is None else [element]
    for step in path.split("/"):
        names = step.split("|")
        found = [child for parent in found for child in parent if name_of(child) in names]
    return found


def find(element: Any, path: str) -> Any:
    """The first of `find_all`, None when there is none."""
    found = find_all(element, path)
    return found[0] if found else None


def own_text(element: Any) -> str:
    """The text of an element with its spaces folded and nothing invisible; empty for none."""
    found = "" if element is None else " ".join((element.text or "").split())
    if found.isprintable():
        return found
    return " ".join("".join(char if char.isprintable() else " " for char in found).split())


def text(element: Any, path: str) -> str:
    """The text of the first element of this path that has any."""
    return next((found for found in map(own_text, find_all(element, path)) if found), "")


def texts(element: Any, path: str) -> list[str]:
    return [found for found in map(own_text, find_all(element, path)) if found]
