"""The fictitious group's sign, drawn here: a letter V cut out of a rounded square. A PNG without any library."""

import struct
import zlib

_SIDE = 192
_INK = (22, 74, 92)
_PAPER = (255, 255, 255)


def logo_png(ink: tuple[int, int, int] = _INK) -> bytes:
    """The sign as an RGB PNG of 192 by 192 pixels."""
    rows = b"".join(
        b"\x00" + b"".join(bytes(ink if _is_ink(x, y) else _PAPER) for x in range(_SIDE))
        for y in range(_SIDE)
    )
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows, 9))
        + _chunk(b"IEND", b"")
    )


def _is_ink(x: int, y: int) -> bool:
    radius, last = 36, _SIDE - 1
    corner_x = max(radius - x, x - (last - radius), 0)
    corner_y = max(radius - y, y - (last - radius), 0)
    if corner_x * corner_x + corner_y * corner_y > radius * radius:
        return False
    # The V: two strokes that meet at the bottom.
    if not 48 <= y <= 144:
        return True
    reach = (144 - y) * 44 // 96
    centre = abs(x - _SIDE // 2)
    return not reach <= centre <= reach + 20


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
