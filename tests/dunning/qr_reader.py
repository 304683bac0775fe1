"""Reads a QR symbol back from its modules (ISO/IEC 18004, level M, versions 1 to 13, byte mode).

Written from the standard, apart from the library that draws the symbols: what it reads is what a phone reads.
"""

from PIL import Image

ALIGNMENT = {
    1: (),
    2: (6, 18),
    3: (6, 22),
    4: (6, 26),
    5: (6, 30),
    6: (6, 34),
    7: (6, 22, 38),
    8: (6, 24, 42),
    9: (6, 26, 46),
    10: (6, 28, 50),
    11: (6, 30, 54),
    12: (6, 32, 58),
    13: (6, 34, 62),
}
# Data codewords of each block at level M, by version.
BLOCKS = {
    1: (16,),
    2: (28,),
    3: (44,),
    4: (32,) * 2,
    5: (43,) * 2,
    6: (27,) * 4,
    7: (31,) * 4,
    8: (38,) * 2 + (39,) * 2,
    9: (36,) * 3 + (37,) * 2,
    10: (43,) * 4 + (44,),
    11: (50,) + (51,) * 4,
    12: (36,) * 6 + (37,) * 2,
    13: (37,) * 8 + (38,),
}
MASKS = (
    lambda r, c: (r + c) % 2 == 0,
    lambda r, c: r % 2 == 0,
    lambda r, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
)
LEVEL_M = 0b00


def read_image(image: Image.Image, quiet_zone: int = 4) -> bytes:
    """Return the bytes of a symbol drawn with one pixel a module; checks that the quiet zone is light."""
    grey = image.convert("L")
    size = grey.width
    dark = [[grey.getpixel((x, y)) < 128 for x in range(size)] for y in range(size)]
    inner = range(quiet_zone, size - quiet_zone)
    assert not any(
        dark[y][x] for y in range(size) for x in range(size) if y not in inner or x not in inner
    ), "quiet zone"
    return read_modules([[dark[y][x] for x in inner] for y in inner])


def read_modules(modules: list[list[bool]]) -> bytes:
    size = len(modules)
    version = (size - 17) // 4
    level, mask = _format(modules)
    assert level == LEVEL_M, "error level"
    bits = _bits(modules, version, MASKS[mask])
    codewords = [int("".join(map(str, bits[i : i + 8])), 2) for i in range(0, len(bits) - 7, 8)]
    return _segment(_data(codewords, BLOCKS[version]), version)


def _format(modules: list[list[bool]]) -> tuple[int, int]:
    places = [(8, c) for c in (0, 1, 2, 3, 4, 5, 7, 8)] + [(r, 8) for r in (7, 5, 4, 3, 2, 1, 0)]
    value = 0
    for row, column in places:
        value = value << 1 | modules[row][column]
    value ^= 0b101010000010010
    return value >> 13, value >> 10 & 0b111


def _is_function(row: int, column: int, size: int, version: int) -> bool:
    if row == 6 or column == 6:
        return True
    if (row < 9 and (column < 9 or column >= size - 8)) or (row >= size - 8 and column < 9):
        return True
    if version >= 7 and ((row < 6 and column >= size - 11) or (column < 6 and row >= size - 11)):
        return True
    corners = ((6, 6), (6, size - 7), (size - 7, 6))
    return any(
        abs(row - r) <= 2 and abs(column - c) <= 2
        for r in ALIGNMENT[version]
        for c in ALIGNMENT[version]
        if (r, c) not in corners
    )


def _bits(modules, version, mask) -> list[int]:
    size, bits, upwards, column = len(modules), [], True, len(modules) - 1
    while column > 0:
        if column == 6:
            column -= 1
        for step in range(size):
            row = size - 1 - step if upwards else step
            for c in (column, column - 1):
                if not _is_function(row, c, size, version):
                    bits.append(int(modules[row][c] ^ mask(row, c)))
        upwards, column = not upwards, column - 2
    return bits


def _data(codewords: list[int], blocks: tuple[int, ...]) -> bytes:
    """Undo the interleaving of the blocks; the error correction codewords follow and are not needed."""
    data: list[list[int]] = [[] for _ in blocks]
    stream = iter(codewords)
    for index in range(max(blocks)):
        for block, length in zip(data, blocks, strict=True):
            if index < length:
                block.append(next(stream))
    return bytes(value for block in data for value in block)


def _segment(data: bytes, version: int) -> bytes:
    bits = "".join(f"{value:08b}" for value in data)
    assert bits[:4] == "0100", "byte mode"
    width = 8 if version < 10 else 16
    length = int(bits[4 : 4 + width], 2)
    start = 4 + width
    return bytes(int(bits[start + 8 * i : start + 8 * i + 8], 2) for i in range(length))
