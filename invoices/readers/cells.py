"""What a cell of a file can hold, whatever the format."""

from datetime import date
from decimal import Decimal


class CellError(str):
    """A cell whose formula failed; its text is what the spreadsheet shows (`#N/A`)."""

    __slots__ = ()


# A spreadsheet takes a cell that starts with one of these for a formula: exports put an apostrophe before it.
GUARDED = tuple("=+-@\t\r")

Cell = str | Decimal | date


def cell_text(cell: Cell) -> str:
    """The cell as a person would have typed it: whole numbers without decimals, a decimal comma, French dates."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, date):
        return cell.strftime("%d/%m/%Y")
    if cell == cell.to_integral_value():
        return f"{cell.quantize(Decimal(1)) if cell.adjusted() < 27 else cell:f}"
    return f"{cell:f}".replace(".", ",")
