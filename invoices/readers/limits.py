"""What a file may cost."""

from dataclasses import asdict, dataclass
from typing import Any

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Bounds of one reading. `texts` gives the longest text per field, in characters."""

    rows: int = 1_000_000
    columns: int = 256
    cell_characters: int = 32_768
    line_characters: int = 1_000_000
    header_search_lines: int = 50
    unpacked_bytes: int = 768 * MIB
    compression_ratio: int = 200
    sheet_cells: int = 8_000_000
    memory_bytes: int = 1_024 * MIB
    cpu_seconds: int = 180
    texts: tuple[tuple[str, int], ...] = (
        ("customer_code", 40),
        ("number", 40),
        ("reference", 80),
    )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Limits":
        texts = tuple((str(name), int(size)) for name, size in values["texts"])
        return cls(**{**values, "texts": texts})
