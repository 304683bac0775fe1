"""What can happen to a file on its way, or be done to it on purpose: mutations drawn from a seeded generator."""

import io
import random
import zipfile
from collections.abc import Callable

_XML = ("einvoice_xml", "camt", "cdar", "ofx")
_ZIP = ("xlsx", "einvoice_zip")
_WORDS = (
    b"", b"-1", b"0", b"NaN", b"Infinity", b"1e308", b"99999999999999999999999", b"0,005", b"1.234,567", b"\x00", b"\xff\xfe",
    b"'", b'"', b";;;;", b"=cmd|'/C calc'!A0", b"@SUM(1)", b"\xd9\xa3\xd9\xa4", b"31/02/2026", b"00000000", b"99991231",
    b"\xe2\x80\xae\xe2\x80\x8b", b"\xf0\x9f\xa7\xbe", b"\\N", b"\t", b"\r", b"\n\n", b"%s%n", b"{{7*7}}", b"<script>", b"&amp;&#0;",
    b"\xed\xa0\x80", b"ZZZ", b"XXX", b"A" * 5_000,
)  # fmt: skip


def mutate(name: str, content: bytes, drawn: random.Random) -> tuple[str, bytes]:
    """The mutation's name and the bytes it gives; often one change, sometimes several."""
    own = _own(name)
    change = drawn.choice(own) if own and drawn.random() < 0.3 else drawn.choice(_PLAIN)
    content = change(content, drawn)
    for _again in range(drawn.choice((0, 0, 0, 1, 2))):
        content = drawn.choice(_PLAIN)(content, drawn)
    return change.__name__.strip("_"), content


def _own(name: str) -> tuple[Callable[[bytes, random.Random], bytes], ...]:
    if name in _XML:
        return _XML_CHANGES
    if name in _ZIP:
        return _ZIP_CHANGES
    return _TEXT_CHANGES


def _truncate(content: bytes, drawn: random.Random) -> bytes:
    return content[: drawn.randrange(len(content) + 1)]


def _behead(content: bytes, drawn: random.Random) -> bytes:
    return content[drawn.randrange(len(content) + 1) :]


def _flip_bits(content: bytes, drawn: random.Random) -> bytes:
    found = bytearray(content)
    for _bit in range(drawn.choice((1, 1, 2, 5, 20, 200))):
        if found:
            found[drawn.randrange(len(found))] ^= 1 << drawn.randrange(8)
    return bytes(found)


def _insert_bytes(content: bytes, drawn: random.Random) -> bytes:
    at = drawn.randrange(len(content) + 1)
    return content[:at] + drawn.randbytes(drawn.choice((1, 2, 8, 300))) + content[at:]


def _insert_word(content: bytes, drawn: random.Random) -> bytes:
    at = drawn.randrange(len(content) + 1)
    return content[:at] + drawn.choice(_WORDS) + content[at:]


def _replace_token(content: bytes, drawn: random.Random) -> bytes:
    """Between two separators, something else."""
    marks = [index for index, byte in enumerate(content[:200_000]) if byte in b';,\t|<>\n:"=']
    if len(marks) < 2:
        return content
    first = drawn.randrange(len(marks) - 1)
    return content[: marks[first] + 1] + drawn.choice(_WORDS) + content[marks[first + 1] :]


def _cut_out(content: bytes, drawn: random.Random) -> bytes:
    first, last = sorted(drawn.randrange(len(content) + 1) for _end in range(2))
    return content[:first] + content[last:]


def _repeat_block(content: bytes, drawn: random.Random) -> bytes:
    first = drawn.randrange(len(content) + 1)
    last = min(len(content), first + drawn.choice((10, 100, 2_000)))
    return content[:last] + content[first:last] * drawn.choice((1, 2, 30, 500)) + content[last:]


def _swap_blocks(content: bytes, drawn: random.Random) -> bytes:
    a, b, c = sorted(drawn.randrange(len(content) + 1) for _end in range(3))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def _change_digits(content: bytes, drawn: random.Random) -> bytes:
    found = bytearray(content)
    digits = [index for index, byte in enumerate(found[:200_000]) if 48 <= byte <= 57]
    for _digit in range(min(len(digits), drawn.choice((1, 3, 30)))):
        found[drawn.choice(digits)] = drawn.choice(b"0123456789-.,/ A")
    return bytes(found)


def _recode(content: bytes, drawn: random.Random) -> bytes:
    """The same text in an encoding that nobody announced."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    codec = drawn.choice(
        ("utf-16", "utf-16-le", "utf-32", "utf-7", "cp037", "utf-8-sig", "cp850", "iso2022_jp")
    )
    return text.encode(codec, "replace")


def _line_ends(content: bytes, drawn: random.Random) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(
        b"\n", drawn.choice((b"", b"\r", b"\n\n\n", b"\r\r\n", b"\x0b", b"\x85"))
    )


def _noise(content: bytes, drawn: random.Random) -> bytes:
    return drawn.randbytes(drawn.choice((0, 1, 100, 50_000)))


_PLAIN = (
    _truncate, _behead, _flip_bits, _flip_bits, _insert_bytes, _insert_word, _replace_token, _replace_token, _cut_out,
    _repeat_block, _swap_blocks, _change_digits, _change_digits, _recode, _line_ends, _noise,
)  # fmt: skip


def _many_columns(content: bytes, drawn: random.Random) -> bytes:
    """A million columns, in the header or in a row."""
    separator = drawn.choice((b";", b",", b"\t", b"|"))
    lines = content.split(b"\n")
    at = drawn.randrange(len(lines))
    lines[at] = lines[at].rstrip(b"\r") + separator * 1_000_000
    return b"\n".join(lines)


def _long_line(content: bytes, drawn: random.Random) -> bytes:
    return content + b"x" * drawn.choice((200_000, 3_000_000))


def _open_quote(content: bytes, drawn: random.Random) -> bytes:
    at = drawn.randrange(len(content) + 1)
    return content[:at] + b'"' + content[at:] * 20


_TEXT_CHANGES = (_many_columns, _long_line, _open_quote)


def _entity_bomb(content: bytes, drawn: random.Random) -> bytes:
    entities = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))
    return _with_doctype(content, f'<!DOCTYPE z [<!ENTITY l0 "lol">{entities}]>'.encode(), b"&l9;", drawn)


def _entity_blowup(content: bytes, drawn: random.Random) -> bytes:
    return _with_doctype(
        content, b'<!DOCTYPE z [<!ENTITY a "' + b"a" * 50_000 + b'">]>', b"&a;" * 5_000, drawn
    )


def _entity_outside(content: bytes, drawn: random.Random) -> bytes:
    place = drawn.choice((b"file:///etc/passwd", b"http://127.0.0.1:9/x", b"file:///dev/zero"))
    return _with_doctype(content, b'<!DOCTYPE z [<!ENTITY x SYSTEM "' + place + b'">]>', b"&x;", drawn)


def _with_doctype(content: bytes, doctype: bytes, use: bytes, drawn: random.Random) -> bytes:
    at = content.find(b"?>") + 2 if content.startswith(b"<?xml") else 0
    inside = [index for index, byte in enumerate(content) if byte == 62 and index > at]
    place = drawn.choice(inside) + 1 if inside else len(content)
    return content[:at] + doctype + content[at:place] + use + content[place:]


def _deep_tags(content: bytes, drawn: random.Random) -> bytes:
    inside = [index for index, byte in enumerate(content) if byte == 62]
    place = drawn.choice(inside) + 1 if inside else 0
    return content[:place] + b"<a>" * drawn.choice((300, 100_000)) + content[place:]


def _many_attributes(content: bytes, drawn: random.Random) -> bytes:
    place = content.rfind(b">")
    return (
        content[:place] + b" " + b" ".join(b'a%d="1"' % number for number in range(50_000)) + content[place:]
    )


def _many_tags(content: bytes, drawn: random.Random) -> bytes:
    inside = [index for index, byte in enumerate(content) if byte == 62]
    place = drawn.choice(inside) + 1 if inside else 0
    return content[:place] + b"<Ntry/>" * 100_000 + content[place:]


_XML_CHANGES = (
    _entity_bomb, _entity_blowup, _entity_outside, _deep_tags, _many_attributes, _many_tags, _long_line,
)  # fmt: skip


def _members(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {
                entry.filename: archive.read(entry)
                for entry in archive.infolist()
                if entry.file_size < 10_000_000
            }
    except Exception:  # whatever a broken archive raises: there is nothing to take from it
        return {"a.xml": b"<a/>"}


def _packed(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _zip_bomb(content: bytes, drawn: random.Random) -> bytes:
    name = drawn.choice(("bomb.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"))
    return _packed(_members(content) | {name: bytes(drawn.choice((20_000_000, 120_000_000)))})


def _zip_paths(content: bytes, drawn: random.Random) -> bytes:
    bad = drawn.choice(
        (
            "../../etc/passwd",
            "/etc/passwd",
            "..\\..\\x.xml",
            "C:\\x.xml",
            "a/" * 2_000 + "x.xml",
            "a\x00b.xml",
            "CON.xml",
        )
    )
    return _packed(_members(content) | {bad: b"<a/>"})


def _zip_many(content: bytes, drawn: random.Random) -> bytes:
    return _packed(
        _members(content) | {f"f{number}.xml": b"" for number in range(drawn.choice((3_000, 12_000)))}
    )


def _zip_nested(content: bytes, drawn: random.Random) -> bytes:
    inner = content
    for _level in range(3):
        inner = _packed({"inner.zip": inner, "a.xml": b"<a/>"})
    return inner


def _zip_macro(content: bytes, drawn: random.Random) -> bytes:
    return _packed(
        _members(content)
        | {"xl/vbaProject.bin": drawn.randbytes(2_000), "xl/embeddings/x.exe": b"MZ\x90\x00"}
    )


def _zip_member(content: bytes, drawn: random.Random) -> bytes:
    """One member of the archive is changed, the archive itself is whole."""
    members = _members(content)
    name = drawn.choice(sorted(members))
    return _packed(members | {name: drawn.choice((*_PLAIN, *_XML_CHANGES))(members[name], drawn)})


def _wide_sheet(content: bytes, drawn: random.Random) -> bytes:
    members = _members(content)
    for name in members:
        if name.endswith("sheet1.xml"):
            members[name] = (
                members[name].replace(b'r="A2"', b'r="XFD1048576"').replace(b'r="B3"', b'r="ZZZZZ99999999"')
            )
    return _packed(members)


def _lying_sizes(content: bytes, drawn: random.Random) -> bytes:
    """The directory of the archive says something else than its entries."""
    found = bytearray(content)
    at = content.find(b"PK\x01\x02")
    if at >= 0:
        for offset in range(at + 16, min(at + 46, len(found))):
            if drawn.random() < 0.3:
                found[offset] = drawn.randrange(256)
    return bytes(found)


_ZIP_CHANGES = (
    _zip_bomb, _zip_paths, _zip_many, _zip_nested, _zip_macro, _zip_member, _zip_member, _zip_member, _wide_sheet, _lying_sizes,
)  # fmt: skip
