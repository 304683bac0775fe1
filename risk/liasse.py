"""The sums of the French tax return: what must come out, what may be left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from risk.liasse_cells import KEY_FIGURES, NORMAL, SIMPLIFIED


@dataclass(frozen=True)
class Sum:
    """`total` = Σ `plus` − Σ `minus`."""

    total: str
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        return self.plus + self.minus

    def of(self, values: Mapping[str, Decimal]) -> Decimal:
        zero = Decimal(0)
        return sum((values.get(code, zero) for code in self.plus), zero) - sum(
            (values.get(code, zero) for code in self.minus), zero
        )

    def formula(self) -> str:
        text = " + ".join(self.plus)
        return text + "".join(f" − {code}" for code in self.minus)


@dataclass(frozen=True)
class SumFault:
    """A sum that does not come out: what the cell says, and what its parts make."""

    total: str
    formula: str
    told: Decimal
    found: Decimal


_STOCKS_AND_CLAIMS = ("BL", "BN", "BP", "BR", "BT", "BV", "BX", "BZ", "CB", "CD", "CF", "CH")
_LESS = ("BM", "BO", "BQ", "BS", "BU", "BW", "BY", "CA", "CC", "CE", "CG", "CI")

# Innermost first, so that totals left out can be made from below.
SUMS: Mapping[str, tuple[Sum, ...]] = {
    NORMAL: (
        Sum("CJ", _STOCKS_AND_CLAIMS),
        Sum("CK", _LESS),
        Sum("CO", ("AA", "BJ", "CJ", "CW", "CM", "CN")),
        Sum("1A", ("BK", "CK")),
        Sum("DL", ("DA", "DB", "DC", "DD", "DE", "DF", "DG", "DH", "DI", "DJ", "DK")),
        Sum("DO", ("DM", "DN")),
        Sum("DR", ("DP", "DQ")),
        Sum("EC", ("DS", "DT", "DU", "DV", "DW", "DX", "DY", "DZ", "EA", "EB")),
        Sum("EE", ("DL", "DO", "DR", "EC", "ED")),
        Sum("FR", ("FL", "FM", "FN", "FO", "FP", "FQ")),
        Sum("GF", ("FS", "FT", "FU", "FV", "FW", "FX", "FY", "FZ", "GA", "GB", "GC", "GD", "GE")),
        Sum("GG", ("FR",), ("GF",)),
        Sum("GV", ("GP",), ("GU",)),
        Sum("GW", ("GG", "GH", "GV"), ("GI",)),
        Sum("HI", ("HD",), ("HH",)),
        Sum("HL", ("FR", "GH", "GP", "HD")),
        Sum("HM", ("GF", "GI", "GU", "HH", "HJ", "HK")),
        Sum("HN", ("HL",), ("HM",)),
    ),
    SIMPLIFIED: (
        Sum("096", ("050", "060", "064", "068", "072", "080", "084", "092")),
        Sum("098", ("052", "062", "066", "070", "074", "082", "086", "094")),
        Sum("110", ("044", "096")),
        Sum("112", ("048", "098")),
        Sum("142", ("120", "124", "126", "130", "132", "134", "136", "140")),
        Sum("176", ("156", "164", "166", "172", "174")),
        Sum("180", ("142", "154", "176")),
        Sum("232", ("210", "214", "218", "222", "224", "226", "230")),
        Sum("264", ("234", "236", "238", "240", "242", "244", "250", "252", "254", "256", "262")),
        Sum("270", ("232",), ("264",)),
        Sum("310", ("270", "280", "290"), ("294", "300", "306")),
    ),
    KEY_FIGURES: (),
}
# Net assets = liabilities; the year's result stands in both statements.
EQUALITIES: Mapping[str, tuple[Sum, ...]] = {
    NORMAL: (Sum("EE", ("CO",), ("1A",)), Sum("DI", ("HN",))),
    SIMPLIFIED: (Sum("180", ("110",), ("112",)), Sum("136", ("310",))),
    KEY_FIGURES: (),
}


def tolerance(unit: int) -> Decimal:
    """What rounding to the document's unit may move a sum by: two units."""
    return Decimal(2 * unit)


def completed(form: str, values: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The cells with the totals that were left out, made from their parts (an empty part is zero)."""
    found = dict(values)
    for rule in SUMS[form]:
        if rule.total not in found and any(code in found for code in rule.parts):
            found[rule.total] = rule.of(found)
    return found


def faults(
    form: str, values: Mapping[str, Decimal], unit: int, *, is_complete: bool = True
) -> list[SumFault]:
    """The sums and equalities that do not come out, where the document gives both sides of them.

    In a complete document an empty cell is zero; in another one a sum is checked when all of its parts are given.
    """
    found = []
    for rule in (*SUMS[form], *EQUALITIES[form]):
        given = [code in values for code in rule.parts]
        if rule.total in values and (any(given) if is_complete else all(given)):
            found += _fault(rule, values, unit)
    return found


def _fault(rule: Sum, values: Mapping[str, Decimal], unit: int) -> list[SumFault]:
    made = rule.of(values)
    if abs(made - values[rule.total]) <= tolerance(unit):
        return []
    return [SumFault(rule.total, rule.formula(), values[rule.total], made)]


def closed_parts(form: str, values: Mapping[str, Decimal], unit: int) -> set[str]:
    """The empty cells that are known to be zero: their total comes out without them, or is zero itself."""
    known: set[str] = set()
    for rule in reversed(SUMS[form]):
        empty = [code for code in rule.parts if code not in values]
        if rule.total in known:
            if len(empty) == len(rule.parts):
                known.update(empty)
        elif rule.total in values and not _fault(rule, values, unit):
            known.update(empty)
    return known
